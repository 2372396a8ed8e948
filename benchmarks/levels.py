"""What the levels cost: one fit in the environment of one level against another's, in turn.

Each fit is a process of its own with exactly the variables that a worker of that level gets, and
the hyperparameters that the shipped documents and the level say.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from measure import both, ratio
from places import HERE, Workspace, fresh, scratch
from table import Row

from repro.config.resolution.active import activate
from repro.config.resolution.resolve import Selection
from repro.execution.environment import FLAGS, variables
from repro.facts.trainers import declaration, declarations
from repro.verbs.configuring.validate import configuration

SCRIPT = HERE / "one_fit.py"
MANY_ROWS, ROWS, COLUMNS, MANY_COLUMNS = 200_000, 20_000, 20, 50
ROUNDS = 5
QUICKLY = {
    "lightgbm": ("n_estimators=60",),
    "xgboost": ("num_boost_round=60",),
    "hist_gradient_boosting": ("max_iter=60",),
    "random_forest": ("n_estimators=20",),
    "extra_trees": ("n_estimators=20",),
    "mlp": ("max_epochs=5",),
}
LIMIT = 1.10


@dataclass(frozen=True, slots=True)
class _Fit:
    """One fit, as it is asked for."""

    workspace: Workspace
    family: str
    rows: int
    columns: int
    threads: int

    def under(self, level: str) -> Callable[[], float]:
        """Return what fits once under a level and returns the seconds."""
        declared = declaration(self.family)
        sets = tuple(f"hyperparameters.{one}" for one in QUICKLY.get(self.family, ()))
        task = "regression" if "regression" in declared.tasks else "binary"
        chosen = Selection(
            target="fwd_ret_5d" if task == "regression" else "fwd_up_5d",
            sets=(f"pipeline.family={self.family}", *sets),
        )
        active = activate(configuration(self.workspace.root, chosen)[1])
        parameters = {**active.hyperparameters, **declared.forced(level)}
        if declared.early_stopping:
            parameters[declared.early_stopping] = 0
        request = {
            "module": declared.module,
            "task": task,
            "rows": self.rows,
            "columns": self.columns,
            "parameters": parameters,
            "seeds": dict.fromkeys(declared.seeds, 7),
            "threads": self.threads,
        }
        environment = variables(level, self.threads, str(self.workspace.root), os.environ)
        words = [sys.executable, *FLAGS, str(SCRIPT), json.dumps(request)]
        return lambda: _seconds(words, environment, self.workspace.root)


def rows() -> list[Row]:
    """Return strict against best effort at two threads, then portable against strict."""
    found = []
    with scratch() as folder:
        workspace = fresh(folder)
        for family in ("lightgbm", "xgboost"):
            fit = _Fit(workspace, family, MANY_ROWS, MANY_COLUMNS, 2)
            found.append(_row(fit, "strict", "best-effort", LIMIT))
        for family in sorted(declarations()):
            fit = _Fit(workspace, family, ROWS, COLUMNS, 1)
            found.append(_row(fit, "portable", "strict", None))
    return found


def _row(fit: _Fit, ours: str, theirs: str, limit: float | None) -> Row:
    """Return the ratio of two levels, their fits in turn after one each that is not counted."""
    one, other = fit.under(ours), fit.under(theirs)
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(ROUNDS + 1):
        for seconds, fitted in zip(taken, (one(), other()), strict=True):
            if number:
                seconds.append(fitted)
    size = f"{fit.rows} x {fit.columns}, {fit.threads} thread{'s' * (fit.threads > 1)}"
    return Row(
        goal=f"{ours} / {theirs}: {fit.family}, {size}",
        measured=ratio(*taken),
        limit=limit,
        numbers=both(*taken),
    )


def _seconds(words: list[str], environment: dict[str, str], directory: Path) -> float:
    """Run one fit; return its seconds. Raises RuntimeError with what it said if it fails."""
    done = subprocess.run(
        words, env=environment, cwd=directory, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{words[-2:]} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return float(json.loads(done.stdout)["seconds"])
