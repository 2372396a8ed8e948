"""The four mutations that every release must survive, on the shipped panel and files."""

import csv
import gzip
import io
import json

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
import pytest

SIX = (
    "dataset_signature",
    "target_signature",
    "feature_signature",
    "hyperparameters_signature",
    "split_signature",
    "routing_signature",
)
KEYS = ("replicate_key", "strict_key", "execution_key")
pytestmark = pytest.mark.xdist_group("one run")


def moved(a, b):
    """Names in the comparison group that differ."""
    one, two = a["comparison_group"], b["comparison_group"]
    return {name for name in one if one[name] != two[name]}


def test_changing_nothing_changes_not_one_bit(with_run):
    desk, first = with_run
    again = desk.train()
    assert moved(first, again) == set()
    assert again["output_digest"] == first["output_digest"]
    assert again["run"] != first["run"]
    answer = desk.json("diff", first["run"], again["run"])
    assert answer["verdict"] == "identical"
    assert answer["causes"] == []
    one, two = desk.snapshot(first["run"]), desk.snapshot(again["run"])
    assert one["outputs"] == two["outputs"]
    files = {a["path"]: a["blake3"] for a in one["artifacts"]}
    for artifact in two["artifacts"]:
        if artifact["path"] not in ("environment.json",):  # it holds no bits of the result
            assert files[artifact["path"]] == artifact["blake3"], artifact["path"]


def test_a_hyperparameter_moves_its_signature_and_diff_names_the_line(with_run):
    desk, first = with_run
    desk.edit("model_config/lightgbm.yaml", "num_leaves: 15", "num_leaves: 14")
    second = desk.train()
    assert moved(first, second) == {"hyperparameters_signature", *KEYS}
    assert second["output_digest"] != first["output_digest"]
    answer = desk.json("diff", first["run"], second["run"], status=1)
    assert answer["verdict"] == "explained"
    (cause,) = answer["causes"]
    assert cause["kind"] == "configuration"
    assert cause["subject"] == "model_config.lightgbm.hyperparameters.num_leaves"
    assert (cause["old"], cause["new"]) == (15, 14)
    lines = (desk.root / "CONFIG/model_config/lightgbm.yaml").read_text("utf-8").splitlines()
    line = next(n for n, text in enumerate(lines, 1) if "num_leaves: 14" in text)
    for side in (cause["a"], cause["b"]):
        assert (side["file"], side["line"]) == ("CONFIG/model_config/lightgbm.yaml", line)
    assert "num_leaves: 15" in cause["a"]["text"]
    assert "num_leaves: 14" in cause["b"]["text"]
    text = desk.run("diff", first["run"], second["run"], status=1).stdout
    assert text.startswith("explained:")
    assert f"CONFIG/model_config/lightgbm.yaml:{line}:" in text


def test_the_base_seed_redraws_everything_and_leaves_replicate_key_and_signatures(with_run):
    desk, first = with_run
    other = desk.train("--seed", "7")
    assert moved(first, other) == {"train_seed", "strict_key", "execution_key"}
    one, two = desk.snapshot(first["run"]), desk.snapshot(other["run"])
    for stage, seeds in one["seeds"].items():
        assert all(two["seeds"][stage][name] != value for name, value in seeds.items())
    for name in one["outputs"]:
        assert one["outputs"][name] != two["outputs"][name], f"{name} did not see the seed"
    answer = desk.json("diff", first["run"], other["run"], status=1)
    assert answer["verdict"] == "too few replicates"
    (cause,) = answer["causes"]
    assert (cause["kind"], cause["old"], cause["new"]) == ("seed", 42, 7)


def test_changed_cells_of_one_symbol_are_named_by_symbol_column_and_dates(with_run):
    desk, first = with_run
    path = desk.root / "data" / "stocks.csv.gz"
    rows = list(csv.reader(io.StringIO(gzip.decompress(path.read_bytes()).decode("utf-8"))))
    close = rows[0].index("Adj Close")
    changed = 0
    for row in rows:
        if row[0] == "IBM" and row[1].startswith("2005-03"):
            row[close] = str(float(row[close]) * 1.01)
            changed += 1
    assert changed > 10
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    path.write_bytes(gzip.compress(out.getvalue().encode("utf-8"), mtime=0))
    second = desk.train()
    assert moved(first, second) == {"dataset_signature", *KEYS}
    answer = desk.json("diff", first["run"], second["run"], status=1)
    assert answer["verdict"] == "explained"
    located = [c for c in answer["causes"] if c["component"] == "dataset"]
    assert [(c["subject"], c["new"]) for c in located] == [("IBM, Adj Close, 2005-03", "changed")]
    assert any(c["subject"] == "file data/stocks.csv.gz" for c in answer["causes"])


def test_the_same_table_as_a_tree_of_parquet_files_is_the_same_dataset(with_run):
    desk, first = with_run
    table = pa.csv.read_csv(desk.root / "data" / "stocks.csv.gz")
    for symbol in table.column("Ticker").unique().to_pylist():
        part = table.filter(pc.equal(table.column("Ticker"), symbol)).drop_columns(["Ticker"])
        path = desk.root / "data" / "tree" / f"Ticker={symbol}" / "part.0"
        path.parent.mkdir(parents=True)
        pa.parquet.write_table(part, path, row_group_size=700)
    desk.edit("data/dataset.yaml", "data/stocks.csv.gz", "data/tree")
    desk.edit("data/dataset.yaml", "format: csv", "format: parquet")
    second = desk.train()
    assert moved(first, second) == {"execution_key"}
    assert second["output_digest"] == first["output_digest"]
    environments = [environment_of(desk, run) for run in (first, second)]
    assert ["pyarrow" in found["libraries"] for found in environments] == [False, True]
    pools = [pool for pool in environments[1]["pools"] if pool["user_api"] == "arrow"]
    assert {pool["internal_api"]: pool["num_threads"] for pool in pools} == {"cpu": 1, "io": 1}
    facts = desk.snapshot(second["run"])["payloads"]["features"]["facts"]
    assert set(facts["resolved"].values()) == {"explicit"}
    assert set(facts["resolved"]) == set(facts["names"])
    again = desk.json("verify", second["run"])
    assert again["verdict"] == "reproduced"


def environment_of(desk, run):
    """Return what a run's worker was."""
    (path,) = desk.root.glob(f"RESULTS/runs/{run['run']}/targets/*/*/*/*/environment.json")
    return json.loads(path.read_text("utf-8"))["environment"]
