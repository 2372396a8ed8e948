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
from repro_stumps import cuts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FAMILY = "stumps"
EXTENSION = ".json"
TASKS = ("regression", "binary")


@dataclass(frozen=True, slots=True)
class Model:
    """Where predictions start, and what each round adds; and what it was made with."""

    task: str
    features: tuple[str, ...]
    start: float
    stumps: tuple[cuts.Stump, ...]
    settings: cuts.Settings
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
    filled = cuts.filled(x)
    orders = [np.argsort(column, kind="stable") for column in filled.T]
    start = cuts.start_of(job.task, y)
    raw = np.full(len(y), start)
    seen = None if watched is None else np.full(len(watched[1]), start)
    stumps: list[cuts.Stump] = []
    best, least = 0, math.inf
    for done in range(1, settings.rounds + 1):
        taken = cuts.drawn_rows(draws, len(y), settings)
        stump = cuts.best_stump(job.task, filled, orders, y, raw, taken, settings)
        stumps.append(stump)
        raw = raw + cuts.added(stump, filled)
        progress(done, settings.rounds)
        if watched is None or seen is None:
            continue
        seen = seen + cuts.added(stump, watched[0])
        loss = cuts.loss_of(job.task, watched[1], seen)
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
    filled = cuts.filled(x)
    raw = np.full(len(x), model.start)
    for stump in model.stumps:
        raw = raw + cuts.added(stump, filled)
    return cuts.probability(raw) if model.task == "binary" else raw


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
        stumps = tuple(cuts.Stump(**stump) for stump in said["stumps"])
        model = Model(
            said["task"],
            tuple(said["features"]),
            float(said["start"]),
            stumps,
            cuts.Settings(**made_with),
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


def _settings(job: Job) -> cuts.Settings:
    """Return the hyperparameters; TrainerError for one too many, or a task that is not ours."""
    known = {field.name for field in fields(cuts.Settings)}
    if set(job.parameters) != known:
        odd = ", ".join(sorted(set(job.parameters) ^ known))
        raise TrainerError(f"stumps: unknown or missing hyperparameters: {odd}")
    if job.task not in TASKS:
        raise TrainerError(f"stumps: it cannot be trained for the task {job.task}")
    return cuts.Settings(**job.parameters)


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


def _watched(job: Job, settings: cuts.Settings) -> tuple[Floats, Floats] | None:
    """Return the rows that decide when to stop, or None where training does not stop early."""
    if not settings.early_stopping_rounds:
        return None
    if job.validation is None or not len(job.validation[1]):
        raise TrainerError("stumps: early_stopping_rounds needs rows held out of the fit")
    return cuts.filled(job.validation[0]), job.validation[1]


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
