"""Run the bare script under MLflow: ``python peer_mlflow_train.py files|sqlite CSV PARAMS OUT``.

What a quant would do: autologging, and one run around the script that is there already. The models
of the folds are not logged, and the final one as the file that the script wrote: by default MLflow
works out the requirements of each model in a new process, which takes several times this job.
"""

import sys

import bare_script
import mlflow
from peer_mlflow_log import STORES

if __name__ == "__main__":
    mlflow.set_tracking_uri(STORES[sys.argv.pop(1)])
    mlflow.set_experiment("bench")
    mlflow.lightgbm.autolog(log_models=False)
    with mlflow.start_run():
        bare_script.main()
        mlflow.log_artifacts(sys.argv[3])
