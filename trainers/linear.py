"""What the linear families share: fitted coefficients as data, and predictions of our own.

scikit-learn fits; what it found is kept as arrays, and predictions are made from those alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import array_file
from .classes import MULTICLASS, outputs_of, softmax
from .contract import Job, TrainerError
from .parts import Parts, array_parts, rows
from .preparation import (
    Preparation,
    affine,
    fit_preparation,
    logistic,
    prepare,
    read_preparation,
    require_floats,
    require_target,
)

if TYPE_CHECKING:
    from .contract import Floats

PREPARED = ("impute", "standardize")
"""Hyperparameters that are ours: scikit-learn's estimator does not see them."""
TASKS = ("regression", "binary", MULTICLASS)


@dataclass(frozen=True, slots=True)
class LinearModel:
    """Coefficients of the prepared features, and what the estimator says of itself."""

    family: str
    task: str
    preparation: Preparation
    coefficients: Floats
    """(features,); of several classes (features, classes)."""
    intercept: Floats
    """(1,), or (classes,)."""
    iterations: int | None
    effective: Mapping[str, Any]


def fit_linear(
    family: str, estimator: Callable[..., Any], job: Job, x: Floats, y: Floats
) -> tuple[LinearModel, Any]:
    """Return the model and the fitted estimator, made with the job's parameters and seeds.

    Raises TrainerError for what the library refuses or warns of: a solver that did not converge
    has no result that could be told from one that did.
    """
    import numpy as np

    require_target(job, y)
    preparation, prepared = fit_preparation(job, x)
    given = {name: value for name, value in job.parameters.items() if name not in PREPARED}
    with refusals():
        fitted = estimator(**given, **job.seeds).fit(prepared, y)
    coefficients = np.array(fitted.coef_.T, dtype=np.float64, order="C")
    if job.task != MULTICLASS:
        coefficients = coefficients.reshape(-1)
    intercept = np.array(fitted.intercept_, dtype=np.float64).reshape(-1)
    if not (np.isfinite(coefficients).all() and np.isfinite(intercept).all()):
        raise TrainerError("scikit-learn: the coefficients are not finite")
    effective = json_parameters(fitted.get_params())
    effective |= {name: preparation.parameters()[name] for name in PREPARED}
    if job.task == MULTICLASS:
        effective["classes"] = len(fitted.classes_)
    done = getattr(fitted, "n_iter_", None)
    iterations = None if done is None else int(np.max(done))
    if iterations is not None:
        effective["n_iter_"] = iterations
    model = LinearModel(
        family, job.task, preparation, coefficients, intercept, iterations, effective
    )
    return model, fitted


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what scikit-learn raises or warns of into a TrainerError.

    Floating-point warnings are no finding of their own: whoever fits checks that all is finite.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        except (ValueError, TypeError, ArithmeticError) as error:
            raise TrainerError(f"scikit-learn: {_line(error)}") from error
    for warning in caught:
        if issubclass(warning.category, RuntimeWarning):
            continue
        hint = ""
        if warning.category.__name__ == "ConvergenceWarning":
            hint = "; raise max_iter or tol, or penalise more"
        raise TrainerError(f"scikit-learn warns: {_line(warning.message)}{hint}")


def json_parameters(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return an estimator's parameters with plain numbers, lists and texts."""
    plain = {
        name: value.item() if hasattr(value, "item") else value for name, value in found.items()
    }
    return {name: list(v) if isinstance(v, tuple) else v for name, v in plain.items()}


def predict(model: Any, x: Floats, threads: int) -> Floats:
    """Return the value, or the probability of class 1 or of each class, of each row of ``x``."""
    prepared = prepare(model.preparation, x)
    outputs = len(model.intercept)
    z = affine(prepared, model.coefficients.reshape(-1, outputs), model.intercept)
    if model.task == MULTICLASS:
        return softmax(z)
    return logistic(z.reshape(-1)) if model.task == "binary" else z.reshape(-1)


def save(model: Any, path: Path) -> None:
    """Write arrays and JSON in one file."""
    array_file.write(path, {**_meaning(model), "report": _report(model)}, _arrays(model))


def load_linear(family: str, path: Path) -> LinearModel:
    """Return the model saved at ``path``; raises TrainerError if it is none of ``family``."""
    import numpy as np

    parameters, arrays = array_file.read(path)
    task, report = parameters.get("task"), parameters.get("report")
    if parameters.get("family") != family or task not in TASKS or not isinstance(report, dict):
        raise TrainerError(f"{path.name} is no model of the family {family}")
    iterations, effective = report.get("iterations"), report.get("effective")
    if not (iterations is None or type(iterations) is int) or not isinstance(effective, dict):
        raise TrainerError(f"{path.name} does not say how it was fitted")
    preparation = read_preparation(parameters, arrays)
    outputs = outputs_of(task, arrays, "intercept")
    shape = preparation.fill.shape if outputs == 1 else (*preparation.fill.shape, outputs)
    coefficients = require_floats(arrays, "coefficients", shape)
    intercept = require_floats(arrays, "intercept", (outputs,))
    if not (np.isfinite(coefficients).all() and np.isfinite(intercept).all()):
        raise TrainerError(f"{path.name} has coefficients that are not finite")
    return LinearModel(family, task, preparation, coefficients, intercept, iterations, effective)


def effective_parameters(model: Any) -> Mapping[str, Any]:
    """Return the fitted estimator's parameters, and what it did."""
    found: Mapping[str, Any] = model.effective
    return found


def rounds(model: Any) -> int | None:
    """Return the iterations of the solver; None for one that does not iterate."""
    found: int | None = model.iterations
    return found


def importance(model: Any) -> Floats:
    """Return the absolute coefficient times the standard deviation of the training column.

    Of several classes, the sum of their absolute coefficients.
    """
    import numpy as np

    absolute = np.abs(model.coefficients.reshape(len(model.preparation.spread), -1))
    found: Floats = absolute.sum(axis=1) * model.preparation.spread
    return found


def canonical_model(model: Any) -> bytes:
    """Return preparation and coefficients: what predictions are made of."""
    return array_file.canonical(_meaning(model), _arrays(model))


def canonical_parts(model: Any) -> Parts:
    """Return what is said of the model, the preparation of each feature, and each coefficient."""
    by_feature = {**model.preparation.arrays(), "coefficients": model.coefficients}
    parts = array_parts(_meaning(model), by_feature, model.preparation.features)
    return [*parts, *rows("intercept", model.intercept)]


def _meaning(model: LinearModel) -> dict[str, Any]:
    return {"family": model.family, "task": model.task, **model.preparation.parameters()}


def _report(model: LinearModel) -> dict[str, Any]:
    return {"iterations": model.iterations, "effective": dict(model.effective)}


def _arrays(model: LinearModel) -> dict[str, Floats]:
    own = {"coefficients": model.coefficients, "intercept": model.intercept}
    return {**own, **model.preparation.arrays()}


def _line(words: object) -> str:
    """Return a message of the library in one line, its first sentences."""
    return " ".join(str(words).split())[:300]
