"""Boosted stumps: each round adds one cut of one feature, fitted to what is still unexplained.

Plain NumPy. Sums run in the order of stably sorted rows, and BLAS is not called, so that neither
threads nor the shape of a call can reach a bit. A missing value counts as above every cut.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.trainers.contract import Job, TrainerError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Rows = NDArray[np.intp]

FAMILY = "stumps"
EXTENSION = ".json"
TASKS = ("regression", "binary")


@dataclass(frozen=True, slots=True)
class Settings:
    """The hyperparameters, under the names of the declaration."""

    rounds: int
    learning_rate: float
    min_rows: int
    row_share: float
    early_stopping_rounds: int


@dataclass(frozen=True, slots=True)
class Stump:
    """One cut: rows at most ``threshold`` get ``below``, all others ``above``."""

    feature: int
    threshold: float
    below: float
    above: float
    gain: float
    """By how much it lowered the squared error of the rows that it was fitted to."""


@dataclass(frozen=True, slots=True)
class Model:
    """Where predictions start, and what each round adds; and what it was made with."""

    task: str
    features: tuple[str, ...]
    start: float
    stumps: tuple[Stump, ...]
    settings: Settings
    seed: int


def load_library() -> None:
    """Import NumPy, and its generators, which draw the rows."""
    import numpy.random  # noqa: F401


def fit(job: Job, x: Floats, y: Floats, progress: Callable[[int, int], None]) -> Model:
    """Return a Model; ``x`` is (rows, features), ``y`` (rows,). Raises TrainerError."""
    import numpy as np

    settings = _settings(job)
    _require_rows(job.task, x, y)
    watched = _watched(job, settings)
    draws = np.random.Generator(np.random.PCG64(job.seeds["rows"]))
    filled = _filled(x)
    orders = [np.argsort(column, kind="stable") for column in filled.T]
    start = _start(job.task, y)
    raw = np.full(len(y), start)
    seen = None if watched is None else np.full(len(watched[1]), start)
    stumps: list[Stump] = []
    best, least = 0, math.inf
    for done in range(1, settings.rounds + 1):
        taken = _taken(draws, len(y), settings)
        stump = _best_stump(job.task, filled, orders, y, raw, taken, settings)
        stumps.append(stump)
        raw = raw + _values(stump, filled)
        progress(done, settings.rounds)
        if watched is None or seen is None:
            continue
        seen = seen + _values(stump, watched[0])
        loss = _loss(job.task, watched[1], seen)
        if loss < least:
            best, least = done, loss
        elif done - best >= settings.early_stopping_rounds:
            break
    kept = stumps if watched is None else stumps[:best]
    if not kept or not np.isfinite(raw).all():
        raise TrainerError("stumps: nothing finite could be learned; learn more slowly")
    return Model(
        job.task, tuple(job.features), start, tuple(kept), settings, int(job.seeds["rows"])
    )


def predict(model: Model, x: Floats, threads: int) -> Floats:
    """Return the value, or the probability of class 1, of each row; one thread, always."""
    import numpy as np

    if x.ndim != 2 or x.shape[1] != len(model.features):
        raise TrainerError(f"stumps: the model knows {len(model.features)} features")
    filled = _filled(x)
    raw = np.full(len(x), model.start)
    for stump in model.stumps:
        raw = raw + _values(stump, filled)
    return _probability(raw) if model.task == "binary" else raw


def save(model: Model, path: Path) -> None:
    """Write JSON: Python prints a float with all the digits that tell it from every other."""
    path.write_bytes(_text(_meaning(model) | {"made_with": _made_with(model)}))


def load(path: Path) -> Model:
    """Return the Model saved at ``path``; raises TrainerError if it is none."""
    try:
        said = json.loads(path.read_bytes())
        if said["family"] != FAMILY or said["task"] not in TASKS:
            raise ValueError("it is of another family")
        made_with = dict(said["made_with"])
        seed = made_with.pop("rows")
        stumps = tuple(Stump(**stump) for stump in said["stumps"])
        model = Model(
            said["task"],
            tuple(said["features"]),
            float(said["start"]),
            stumps,
            Settings(**made_with),
            seed,
        )
        numbers = [model.start, *(n for s in stumps for n in (s.threshold, s.below, s.above))]
        known = range(len(model.features))
        if not all(map(math.isfinite, numbers)) or any(s.feature not in known for s in stumps):
            raise ValueError("a stump cannot be")
    except (ValueError, KeyError, TypeError) as error:
        raise TrainerError(f"{path.name} is no model of the family {FAMILY}: {error}") from error
    return model


def effective_parameters(model: Model) -> Mapping[str, Any]:
    """Return the settings that ``fit`` worked with, and the seed that it drew with."""
    return _made_with(model)


def rounds(model: Model) -> int:
    """Return the number of stumps that predict."""
    return len(model.stumps)


def importance(model: Model) -> Floats:
    """Return the gain that each feature's cuts brought, (features,)."""
    import numpy as np

    found = np.zeros(len(model.features))
    for stump in model.stumps:
        found[stump.feature] += stump.gain
    return found


def canonical_model(model: Model) -> bytes:
    """Return what predictions are made of, as JSON."""
    return _text(_meaning(model))


def canonical_parts(model: Model) -> list[tuple[str, bytes]]:
    """Return what lies before the stumps, then each stump with its number."""
    meaning = _meaning(model)
    stumps = meaning.pop("stumps")
    numbered = [(f"stump {n}", _text(stump)) for n, stump in enumerate(stumps, 1)]
    return [("start", _text(meaning)), *numbered]


def _settings(job: Job) -> Settings:
    """Return the hyperparameters; TrainerError for one too many, or a task that is not ours."""
    known = {field.name for field in fields(Settings)}
    if set(job.parameters) != known:
        odd = ", ".join(sorted(set(job.parameters) ^ known))
        raise TrainerError(f"stumps: unknown or missing hyperparameters: {odd}")
    if job.task not in TASKS:
        raise TrainerError(f"stumps: it cannot be trained for the task {job.task}")
    return Settings(**job.parameters)


def _require_rows(task: str, x: Floats, y: Floats) -> None:
    """Raise TrainerError for rows that nothing can be learned from."""
    import numpy as np

    if len(y) < 2 or not x.shape[1]:
        raise TrainerError(
            f"stumps: too little to learn from: {len(y)} rows, {x.shape[1]} features"
        )
    if not np.isfinite(y).all():
        raise TrainerError("stumps: the target has values that are not finite")
    if task == "binary" and not np.isin(y, (0.0, 1.0)).all():
        raise TrainerError("stumps: classes are 0 and 1")
    if (y == y[0]).all():
        raise TrainerError(f"stumps: the target is {y[0]:g} in every training row")


def _watched(job: Job, settings: Settings) -> tuple[Floats, Floats] | None:
    """Return the rows that decide when to stop, or None where training does not stop early."""
    if not settings.early_stopping_rounds:
        return None
    if job.validation is None or not len(job.validation[1]):
        raise TrainerError("stumps: early_stopping_rounds needs rows held out of the fit")
    return _filled(job.validation[0]), job.validation[1]


def _filled(x: Floats) -> Floats:
    """Return features with infinity for what is missing; TrainerError for other infinities."""
    import numpy as np

    if np.isinf(x).any():
        raise TrainerError("stumps: there are infinite values among the features")
    return np.where(np.isnan(x), np.inf, x)


def _taken(draws: Any, rows: int, settings: Settings) -> Any:
    """Return which rows a round is fitted to, (rows,) of bool; at least two."""
    import numpy as np

    taken = np.zeros(rows, dtype=bool)
    taken[draws.permutation(rows)[: max(2, round(rows * settings.row_share))]] = True
    return taken


def _best_stump(
    task: str,
    x: Floats,
    orders: list[Rows],
    y: Floats,
    raw: Floats,
    taken: Any,
    settings: Settings,
) -> Stump:
    """Return the cut that lowers the squared error of the residuals most; the first of equals.

    A table that cannot be cut gives a stump whose two sides are one value.
    """
    import numpy as np

    residual = y - _probability(raw) if task == "binary" else y - raw
    weight = _weight(task, raw)
    best: tuple[float, int, float, Any] | None = None
    for feature, order in enumerate(orders):
        rows = order[taken[order]]
        values, sums = x[rows, feature], np.cumsum(residual[rows])
        counts = np.arange(1, len(rows) + 1)
        # A cut lies after a row whose successor has another value; missing values lie last.
        can = np.flatnonzero(values[:-1] < values[1:])
        can = can[
            (counts[can] >= settings.min_rows) & (len(rows) - counts[can] >= settings.min_rows)
        ]
        if not len(can):
            continue
        left, right = sums[can], sums[-1] - sums[can]
        gains = left**2 / counts[can] + right**2 / (len(rows) - counts[can])
        gains = gains - sums[-1] ** 2 / len(rows)
        at = int(np.argmax(gains))
        if best is None or gains[at] > best[0]:
            cut = can[at]
            best = (float(gains[at]), feature, float(values[cut]), rows[: cut + 1])
    if best is None:
        whole = np.flatnonzero(taken)
        step = _step(residual, weight, whole, settings)
        return Stump(0, 0.0, step, step, 0.0)
    gain, feature, threshold, below = best
    above = orders[feature][taken[orders[feature]]][len(below) :]
    return Stump(
        feature,
        threshold,
        _step(residual, weight, below, settings),
        _step(residual, weight, above, settings),
        max(gain, 0.0),
    )


def _step(residual: Floats, weight: Floats, rows: Rows, settings: Settings) -> float:
    """Return what the rows of one side are moved by."""
    import numpy as np

    total = float(np.cumsum(residual[rows])[-1])
    return settings.learning_rate * total / float(np.cumsum(weight[rows])[-1])


def _weight(task: str, raw: Floats) -> Floats:
    """Return the second derivative of the loss of each row, kept away from zero."""
    import numpy as np

    if task == "regression":
        return np.ones(len(raw))
    likely = _probability(raw)
    return np.maximum(likely * (1.0 - likely), np.finfo(np.float64).eps)


def _values(stump: Stump, x: Floats) -> Floats:
    """Return what a stump adds to each row."""
    import numpy as np

    return np.where(x[:, stump.feature] <= stump.threshold, stump.below, stump.above)


def _start(task: str, y: Floats) -> float:
    """Return the mean of the target, or the log odds of class 1."""
    mean = math.fsum(y) / len(y)
    return math.log(mean / (1.0 - mean)) if task == "binary" else mean


def _probability(raw: Floats) -> Floats:
    """Return 1 / (1 + exp(-raw)) without overflow."""
    import numpy as np

    small = np.exp(-np.abs(raw))
    return np.where(raw >= 0, 1.0, small) / (1.0 + small)


def _loss(task: str, y: Floats, raw: Floats) -> float:
    """Return the mean squared error, or the mean log loss."""
    import numpy as np

    if task == "regression":
        return math.fsum((y - raw) ** 2) / len(y)
    right = np.where(y == 1.0, -raw, raw)
    return math.fsum(np.logaddexp(0.0, right)) / len(y)


def _meaning(model: Model) -> dict[str, Any]:
    """Return what predictions are made of."""
    return {
        "family": FAMILY,
        "task": model.task,
        "features": list(model.features),
        "start": model.start,
        "stumps": [asdict(stump) for stump in model.stumps],
    }


def _made_with(model: Model) -> dict[str, Any]:
    """Return settings and seed, under the names of the declaration."""
    return {**asdict(model.settings), "rows": model.seed}


def _text(said: Mapping[str, Any]) -> bytes:
    """Return JSON whose bytes are a function of what it says."""
    return (json.dumps(said, sort_keys=True, allow_nan=False, indent=1) + "\n").encode()
