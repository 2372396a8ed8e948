"""Log one run with MLflow several times: ``python peer_mlflow_log.py files|sqlite FACTS ROUNDS``.

Run by the peers' interpreter in an empty directory; prints the seconds of each round as JSON. The
first round makes the store and is not among them.
"""

import json
import sys
import time
from pathlib import Path

import mlflow

STORES = {"files": "mlruns", "sqlite": "sqlite:///mlflow.db"}


def main() -> None:
    """Log the same parameters, metrics and artifact, as one run a round."""
    store, file, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    facts = json.loads(Path(file).read_text("utf-8"))
    mlflow.set_tracking_uri(STORES[store])
    mlflow.set_experiment("bench")
    taken = []
    for _ in range(rounds + 1):
        begin = time.perf_counter()
        with mlflow.start_run():
            mlflow.log_params(facts["params"])
            mlflow.log_metrics(facts["metrics"])
            mlflow.log_artifact(facts["artifact"])
        taken.append(time.perf_counter() - begin)
    print(json.dumps(taken[1:]))


if __name__ == "__main__":
    main()
