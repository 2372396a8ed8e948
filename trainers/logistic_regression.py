"""Logistic regression: the probability of class 1 of two, or multinomial that of each of more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .array_file import EXTENSION
from .contract import Job
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
FAMILY = "logistic_regression"


def load_library() -> None:
    """Import scikit-learn's linear models and what their solvers call."""
    import sklearn.linear_model  # noqa: F401


def fit(job: Job, x: Floats, y: Floats, progress: Callable[[int, int], None]) -> Any:
    """Return a LinearModel; ``x`` is (rows, features) float64, ``y`` (rows,) float64."""
    from sklearn.linear_model import LogisticRegression

    model, _ = fit_linear(FAMILY, LogisticRegression, job, x, y)
    progress(1, 1)
    return model


def load(path: Path) -> Any:
    """Return the LinearModel saved at ``path``."""
    return load_linear(FAMILY, path)
