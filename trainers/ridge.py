"""Ridge regression: scikit-learn's direct solvers, which have no tolerance and no seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .array_file import EXTENSION
from .contract import Job, TrainerError
from .linear import (
    canonical_model,
    canonical_parts,
    effective_parameters,
    fit_linear,
    importance,
    load_linear,
    predict,
    rounds,
    save,
)

if TYPE_CHECKING:
    from .contract import Floats

__all__ = [
    "EXTENSION",
    "canonical_model",
    "canonical_parts",
    "effective_parameters",
    "fit",
    "importance",
    "load",
    "load_library",
    "predict",
    "rounds",
    "save",
]
FAMILY = "ridge"


def load_library() -> None:
    """Import scikit-learn's linear models and the linear algebra that they call."""
    import sklearn.linear_model  # noqa: F401


def fit(job: Job, x: Floats, y: Floats, progress: Callable[[int, int], None]) -> Any:
    """Return a LinearModel; ``x`` is (rows, features) float64, ``y`` (rows,) float64."""
    from sklearn.linear_model import Ridge

    model, fitted = fit_linear(FAMILY, Ridge, job, x, y)
    if fitted.solver_ != job.parameters["solver"]:
        raise TrainerError(
            f"scikit-learn: the system is singular, {fitted.solver_} was used instead of "
            f"{job.parameters['solver']}; say solver: {fitted.solver_}, or raise alpha"
        )
    progress(1, 1)
    return model


def load(path: Path) -> Any:
    """Return the LinearModel saved at ``path``."""
    return load_linear(FAMILY, path)
