"""Make or search runs with MLflow: ``python peer_mlflow_search.py make|search files|sqlite COUNT``.

Run by the peers' interpreter in an empty directory. A run has what the index of ours has: tags,
parameters and metrics. ``search`` asks for the newest 50 by one metric, as a whole process.
"""

import sys

import mlflow
from mlflow.tracking import MlflowClient

STORES = {"files": "mlruns", "sqlite": "sqlite:///mlflow.db"}
METRICS = ("rmse", "mae", "r2", "rank_ic", "skill")


def main() -> None:
    """Make ``COUNT`` runs, or search them."""
    what, store, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    client = MlflowClient(STORES[store])
    if what == "make":
        experiment = client.create_experiment("bench")
        for number in range(count):
            run = client.create_run(experiment, tags={"target": "fwd", "family": "lightgbm"})
            for place, name in enumerate(METRICS):
                client.log_metric(run.info.run_id, name, number / count + place)
            client.log_param(run.info.run_id, "seed", number)
            client.set_terminated(run.info.run_id)
        return
    mlflow.set_tracking_uri(STORES[store])
    experiment = client.get_experiment_by_name("bench").experiment_id
    found = client.search_runs([experiment], order_by=["metrics.rmse ASC"], max_results=50)
    print(len(found))


if __name__ == "__main__":
    main()
