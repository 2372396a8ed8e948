"""Make or search runs with MLflow: ``python peer_mlflow_search.py make|search files|sqlite COUNT``.

Run by the peers' interpreter in an empty directory. MLflow makes one run, with what the index of
ours has: tags, parameters and metrics; the others are copies of it under other names and with other
values, as the runs of ours are, because MLflow takes hours for so many. ``search`` asks for the
best 50 by one metric, as a whole process.
"""

import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import mlflow
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

STORES = {"files": "mlruns", "sqlite": "sqlite:///mlflow.db"}
METRICS = ("rmse", "mae", "r2", "rank_ic", "skill")
TABLES = ("runs", "tags", "params", "metrics", "latest_metrics")
"""Of the SQLite store: what belongs to one run, named there by ``run_uuid``."""


def main() -> None:
    """Make ``COUNT`` runs, or search them."""
    what, store, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    client = MlflowClient(STORES[store])
    if what == "make":
        experiment = client.create_experiment("bench")
        run = client.create_run(experiment, tags={"target": "fwd", "family": "lightgbm"})
        for place, name in enumerate(METRICS):
            client.log_metric(run.info.run_id, name, 1.0 + place)
        client.log_param(run.info.run_id, "seed", 7)
        client.set_terminated(run.info.run_id)
        copies = {f"f{number:031x}": number / count for number in range(1, count)}
        (_copy_folders if store == "files" else _copy_rows)(client.get_run(run.info.run_id), copies)
        return
    mlflow.set_tracking_uri(STORES[store])
    experiment = client.get_experiment_by_name("bench").experiment_id
    found = client.search_runs([experiment], order_by=["metrics.rmse ASC"], max_results=50)
    if len(found) != min(count, 50) or found[0].data.metrics["rmse"] != min(1, 1 / count):
        sys.exit(f"{len(found)} runs were found, and not the best of {count}")


def _copy_folders(run: Run, copies: dict[str, float]) -> None:
    name = run.info.run_id
    (first,) = Path(STORES["files"]).glob(f"*/{name}")
    meta = (first / "meta.yaml").read_text()
    (rmse,) = (first / "metrics" / "rmse").read_text().splitlines()
    when, _, step = rmse.split()
    for copy, value in copies.items():
        place = first.with_name(copy)
        shutil.copytree(first, place)
        (place / "meta.yaml").write_text(meta.replace(name, copy))
        (place / "metrics" / "rmse").write_text(f"{when} {value!r} {step}\n")


def _copy_rows(run: Run, copies: dict[str, float]) -> None:
    name = run.info.run_id
    with closing(sqlite3.connect("mlflow.db")) as database, database:
        for table in TABLES:
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            select = f"SELECT * FROM {table} WHERE run_uuid = ?"  # noqa: S608 - TABLES
            rows = database.execute(select, [name]).fetchall()
            insert = f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})"  # noqa: S608
            for row in rows:
                cells = dict(zip(columns, row, strict=True))
                database.executemany(
                    insert,
                    (_copied(cells, table, copy, value) for copy, value in copies.items()),
                )


def _copied(cells: dict[str, object], table: str, copy: str, value: float) -> list[object]:
    changed = cells | {"run_uuid": copy}
    if table == "runs":
        changed["artifact_uri"] = str(cells["artifact_uri"]).replace(str(cells["run_uuid"]), copy)
    elif table.endswith("metrics") and cells["key"] == "rmse":
        changed["value"] = value
    return list(changed.values())


if __name__ == "__main__":
    main()
