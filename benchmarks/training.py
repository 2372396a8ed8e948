"""Training: `repro train` against a script that does the same work without a notary.

Whole processes: wall, CPU and memory of the largest process of the tree. Every side has one
thread: the worker of `repro train` by its configuration, the script by its parameters, and all of
them by OMP_NUM_THREADS and the like.

Both environments have lightgbm and pandas; a ratio is always to the script in the same one, as an
import costs more where more can be imported.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from measure import Command, Usage, both, in_turn, ratio, run
from places import DATA, HERE, Workspace, commit_all, fresh, peer, peer_with, scratch
from table import Row

SCRIPT = HERE / "bare_script.py"
MLFLOW_SCRIPT = HERE / "peer_mlflow_train.py"
OURS, BARE, BARE_PEERS = "repro train", "script", "script, peers"
MLFLOW_FILES, MLFLOW_SQLITE, DVC = "mlflow files", "mlflow sqlite", "dvc stage"
PEERS = (MLFLOW_FILES, MLFLOW_SQLITE, DVC)


@dataclass(frozen=True, slots=True)
class Size:
    """One length of job."""

    name: str
    trees: int
    """So many that the script takes about 3 or 15 seconds on an idle machine."""
    rounds: int
    peer_rounds: int
    warm: int
    """Rounds before those that count; the long job comes after the short one."""
    wall: float
    memory: float | None


SHORT = Size("short job", 200, 7, 3, 1, 0.65, 0.45)
LONG = Size("long job", 2500, 3, 2, 0, 1.03, None)


def rows() -> list[Row]:
    """Measure both jobs: ours and the script in turn, then the peers and the script in turn."""
    found = []
    with scratch() as folder:
        workspace = fresh(folder)
        for size in (SHORT, LONG):
            job = _Job(folder / size.name.replace(" ", "_"), workspace, size.trees)
            taken = in_turn(job.ours(), size.rounds, size.warm)
            job.require_same_work()
            peers = in_turn(job.peers(), size.peer_rounds, size.warm)
            found += _rows(size, taken, peers)
    return found


class _Job:
    """One length of job: the same data and parameters for every side, a folder for each."""

    def __init__(self, folder: Path, workspace: Workspace, trees: int) -> None:
        self.workspace = workspace
        self.csv = workspace.root / DATA
        self.trees = trees
        self.folder = folder
        for name in ("bare", "peers", "files", "sqlite"):
            (folder / name).mkdir(parents=True)
        run(self._train(1))
        request = json.loads(self._newest("request.json").read_text("utf-8"))
        parameters = {**request["decides"]["parameters"], "num_iterations": trees}
        parameters |= {"objective": "regression", "seed": request["base_seed"], "verbosity": -1}
        parameters["num_threads"] = 1
        self.parameters = folder / "parameters.json"
        self.parameters.write_text(json.dumps(parameters), "utf-8")

    def ours(self) -> dict[str, Command]:
        """Return `repro train` and the script."""
        return {OURS: self._train(self.trees), BARE: self._script(Path(sys.executable), "bare")}

    def peers(self) -> dict[str, Command]:
        """Return the script in the peers' environment, and those that are there around it."""
        found = {}
        python, dvc, mlflow = peer_with("lightgbm"), peer("dvc"), peer_with("mlflow")
        if python:
            found[BARE_PEERS] = self._script(python, "peers")
        if python and mlflow:
            for name, store in ((MLFLOW_FILES, "files"), (MLFLOW_SQLITE, "sqlite")):
                words = [mlflow, MLFLOW_SCRIPT, store, self.csv, self.parameters, "out"]
                found[name] = Command(words, self.folder / store)
        if python and dvc:
            place = self._dvc_repository(python, dvc)
            found[DVC] = Command([dvc, "repro", "--force", "-q"], place)
        return found

    def require_same_work(self) -> None:
        """Raise AssertionError unless script and product had the same rows and folds."""
        ours = json.loads(self._newest("metrics.json").read_text("utf-8"))
        bare = json.loads((self.folder / "bare" / "out" / "metrics.json").read_text("utf-8"))
        folds = [[fold["train_rows"], fold["test_rows"]] for fold in ours["folds"]]
        assert folds == bare["folds"], f"folds of {folds} and {bare['folds']} rows"
        a, b = ours["overall"]["rmse"], bare["metrics"]["overall"]["rmse"]
        assert abs(a - b) < 0.02 * b, f"root mean square errors {a} and {b}"

    def _train(self, trees: int) -> Command:
        setting = f"hyperparameters.n_estimators={trees}"
        return self.workspace.command("train", "--quiet", "--set", setting)

    def _script(self, python: Path, folder: str) -> Command:
        words = [python, "-P", SCRIPT, self.csv, self.parameters, "out"]
        return Command(words, self.folder / folder)

    def _newest(self, name: str) -> Path:
        """Return a file of the newest run."""
        files = sorted((self.workspace.root / "RESULTS").rglob(name))
        return max(files, key=lambda path: path.stat().st_mtime)

    def _dvc_repository(self, python: Path, dvc: Path) -> Path:
        """Return a git repository with one DVC stage that runs the script."""
        place = self.folder / "dvc"
        place.mkdir()
        inputs = [SCRIPT, self.csv, self.parameters]
        for path in inputs:
            shutil.copy(path, place)
        names = [path.name for path in inputs]
        stage = {
            "cmd": f"{python} {' '.join(names)} out",
            "deps": names,
            "outs": ["out/model.txt", "out/predictions.csv"],
            "metrics": [{"out/metrics.json": {"cache": False}}],
        }
        (place / "dvc.yaml").write_text(json.dumps({"stages": {"train": stage}}), "utf-8")
        run(Command(["git", "init", "-q"], place))
        run(Command([dvc, "init", "-q"], place))
        commit_all(place)
        return place


def _rows(
    size: Size, taken: Mapping[str, list[Usage]], peers: Mapping[str, list[Usage]]
) -> list[Row]:
    """Return wall, CPU and memory of one size."""
    limits = {"wall": size.wall, "cpu": None, "memory": size.memory}
    return [_row(size.name, what, limit, taken, peers) for what, limit in limits.items()]


def _row(
    size: str,
    what: str,
    limit: float | None,
    taken: Mapping[str, list[Usage]],
    peers: Mapping[str, list[Usage]],
) -> Row:
    values = {n: [getattr(u, what) for u in usages] for n, usages in {**taken, **peers}.items()}
    ours, bare = values[OURS], values[BARE]
    numbers = both(ours, bare)
    if what == "memory":
        numbers = f"{median(ours) / 1e6:.0f} MB against {median(bare) / 1e6:.0f} MB"
    return Row(
        f"repro train / bare script, {size}, {what}",
        ratio(ours, bare),
        limit,
        peers={n: ratio(values[n], values[BARE_PEERS]) if n in values else None for n in PEERS},
        numbers=f"{numbers}; 1 thread on every side",
    )
