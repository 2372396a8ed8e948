"""Features as linear models and perceptrons need them: no NaN, and on one scale if so configured.

What is done is configured (``impute``, ``standardize``), fitted on the training rows alone, and
part of the model. Every sum runs over one contiguous column at a time and everything else is
elementwise, so that neither BLAS nor the number of rows at a time decides a bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .classes import require_every_class
from .contract import Job, TrainerError

if TYPE_CHECKING:
    from .contract import Floats

IMPUTE = ("mean", "median", "zero", "refuse")
NAMES = ("fill", "center", "scale", "spread")
BLOCK = 1024
"""Rows that are multiplied at a time, so that what is added up stays in the cache."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """What is done to each feature; all arrays are (features,)."""

    impute: str
    standardize: bool
    features: tuple[str, ...]
    fill: Floats
    """What stands for NaN."""
    center: Floats
    scale: Floats
    """What a feature less ``center`` is divided by; 0 for one that was constant, which becomes 0:
    nothing was learned about it."""
    spread: Floats
    """Standard deviation of each prepared column of the training rows."""

    def parameters(self) -> dict[str, Any]:
        """Return what is configured and the names of the features, as JSON."""
        return {
            "impute": self.impute,
            "standardize": self.standardize,
            "features": list(self.features),
        }

    def arrays(self) -> dict[str, Floats]:
        """Return the arrays by name."""
        return {name: getattr(self, name) for name in NAMES}


def fit_preparation(job: Job, x: Floats) -> tuple[Preparation, Floats]:
    """Return the preparation fitted to ``x`` (rows, features), and the prepared rows.

    Raises TrainerError for NaN where it is to be refused, for a feature without any value where
    one is to be computed from the others, and for one that cannot be put on a scale.
    """
    import numpy as np

    impute, standardize = job.parameters["impute"], job.parameters["standardize"]
    count = x.shape[1]
    fill, center = np.zeros(count), np.zeros(count)
    scale, spread = np.ones(count), np.zeros(count)
    for n, name in enumerate(job.features):
        column = np.ascontiguousarray(x[:, n])
        missing = np.isnan(column)
        if impute in ("mean", "median"):
            fill[n] = _middle(name, impute, column[~missing])
        column = np.where(missing, fill[n], column)
        mean, deviation = _moments(name, column)
        spread[n] = deviation
        if standardize:
            center[n], scale[n] = mean, deviation
            spread[n] = 1.0 if deviation else 0.0
    found = Preparation(impute, standardize, tuple(job.features), fill, center, scale, spread)
    return found, prepare(found, x)


def prepare(preparation: Preparation, x: Floats) -> Floats:
    """Return ``x`` (rows, features) prepared, C-contiguous.

    Raises TrainerError for another number of features, for infinities, and for NaN where it is to
    be refused.
    """
    import numpy as np

    names = preparation.features
    if x.ndim != 2 or x.shape[1] != len(names):
        raise TrainerError(f"the model knows {len(names)} features, not {x.shape[1:]}")
    missing = np.isnan(x)
    if preparation.impute == "refuse" and missing.any():
        raise TrainerError(
            f"values are missing in {_named(names, missing)}, and the configuration says "
            "impute: refuse; say mean, median or zero, or leave those features out"
        )
    out = np.where(missing, preparation.fill, x)
    if not np.isfinite(out).all():
        raise TrainerError(f"there are infinite values in {_named(names, ~np.isfinite(out))}")
    if preparation.standardize:
        constant = preparation.scale == 0
        out -= preparation.center
        out /= np.where(constant, 1.0, preparation.scale)
        out[:, constant] = 0.0
    return np.ascontiguousarray(out)


def read_preparation(parameters: Mapping[str, Any], arrays: Mapping[str, Any]) -> Preparation:
    """Return the preparation that was saved; raises TrainerError if it is none."""
    import numpy as np

    features = parameters.get("features")
    if not (isinstance(features, list) and all(isinstance(name, str) for name in features)):
        raise TrainerError("the model file does not name its features")
    impute, standardize = parameters.get("impute"), parameters.get("standardize")
    if impute not in IMPUTE or not isinstance(standardize, bool):
        raise TrainerError("the model file does not say how features are prepared")
    found = [require_floats(arrays, name, (len(features),)) for name in NAMES]
    if not all(np.isfinite(array).all() for array in found):
        raise TrainerError("the model file prepares features with what is not finite")
    if (found[2] < 0).any() or (found[3] < 0).any():
        raise TrainerError("the model file has a scale below zero")
    return Preparation(impute, standardize, tuple(features), *found)


def require_floats(arrays: Mapping[str, Any], name: str, shape: tuple[int, ...]) -> Any:
    """Return the array ``name`` if it has this shape and is float64, else raise TrainerError."""
    import numpy as np

    array = arrays.get(name)
    if array is None or array.dtype != np.float64 or array.shape != shape:
        raise TrainerError(f"the model file has no array {name} of shape {shape}")
    return array


def require_target(job: Job, y: Floats) -> None:
    """Raise TrainerError for too few rows, and for a target that nothing can be learned from."""
    import numpy as np

    if len(y) < 2:
        raise TrainerError(f"too few rows to train on: {len(y)}")
    if not np.isfinite(y).all():
        raise TrainerError("the target has values that are not finite")
    values = np.unique(y)
    if job.task == "binary" and not np.isin(values, (0.0, 1.0)).all():
        raise TrainerError(f"classes are 0 and 1, not {values[:5].tolist()}")
    if len(values) < 2:
        what = "value" if job.task == "regression" else "class"
        raise TrainerError(f"the target has only one {what} in the training rows: {values[0]}")
    require_every_class(job, y)


def affine(x: Floats, weights: Floats, bias: Floats) -> Floats:
    """Return ``x @ weights + bias``: (rows, inputs) by (inputs, outputs) to (rows, outputs).

    Products are added in the order of the inputs, without BLAS: its results depend on the shape of
    a call, on threads and on the CPU; here a row has the same bits alone and among others.
    """
    import numpy as np

    out = np.zeros((x.shape[0], weights.shape[1]))
    for start in range(0, x.shape[0], BLOCK):
        rows, sums = x[start : start + BLOCK], out[start : start + BLOCK]
        for n in range(x.shape[1]):
            sums += rows[:, n : n + 1] * weights[n]
        sums += bias
    return out


def logistic(z: Floats) -> Floats:
    """Return 1 / (1 + exp(-z)) without overflow."""
    import numpy as np

    small = np.exp(-np.abs(z))
    found: Floats = np.where(z >= 0, 1.0, small) / (1.0 + small)
    return found


def _middle(name: str, impute: str, values: Floats) -> float:
    """Return the mean or the median of the values that a feature has."""
    import numpy as np

    if not len(values):
        raise TrainerError(
            f"feature {name} has no value at all in the training rows, so it has no {impute}; "
            "leave it out, or say impute: zero"
        )
    return float(np.median(values)) if impute == "median" else _moments(name, values)[0]


def _moments(name: str, column: Floats) -> tuple[float, float]:
    """Return mean and standard deviation of a column; of a constant one exactly, and 0."""
    import numpy as np

    low, high = float(column.min()), float(column.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        return 0.0, 0.0  # NaN or infinity: refused when the rows are prepared
    if low == high:
        return low, 0.0
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        mean = float(np.sum(column) / len(column))
        deviation = float(np.sqrt(np.sum(np.square(column - mean)) / len(column)))
    if not np.isfinite(deviation) or deviation == 0.0:
        raise TrainerError(
            f"feature {name} goes from {low:g} to {high:g}: it has no standard deviation in "
            "floating point; rescale it or leave it out"
        )
    return mean, deviation


def _named(names: Sequence[str], where: Any) -> str:
    """Return the features that a mask (rows, features) hits, with the number of rows."""
    counts = where.sum(axis=0)
    hit = [f"{name} ({count} rows)" for name, count in zip(names, counts, strict=True) if count]
    more = f" and {len(hit) - 3} more" if len(hit) > 3 else ""
    return ", ".join(hit[:3]) + more
