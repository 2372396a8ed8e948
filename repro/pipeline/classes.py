"""What the labels of training rows say by themselves: that each class is there, and how often."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from repro.errors import InputError
from repro.pipeline.formulas import class_words, classes_of, edges_of
from repro.pipeline.panel import Floats, Ints
from repro.pipeline.splits.fold import Fold


def require_every_class(y: Floats, fits: Mapping[str, Ints], target: Mapping[str, Any]) -> None:
    """Raise InputError unless each class of the target occurs in the rows of each fit.

    y: (n,) labels; fits: the rows that a model is fitted to, by stage. A library would leave out
    the class that is missing, or give it a probability that nothing was learned of.
    """
    for stage, rows in fits.items():
        labels = y[rows]
        for label in range(classes_of(target)):
            if not (labels == label).any():
                raise InputError(
                    f"{stage}: {class_words(target, label)} of target {target['name']}"
                    f" does not occur in its {len(rows)} training rows",
                    f"{_moved(target)}use fewer folds, a larger initial_train_fraction or more"
                    " data",
                )


def _moved(target: Mapping[str, Any]) -> str:
    """Return the advice that only classes with edges can follow."""
    return "move where its classes begin, " if edges_of(target["formula"]) else ""


def naive(y: Floats, classes: int) -> Floats:
    """Return what is best said of rows of which nothing is known but the labels ``y`` (n,).

    Their mean, (); of more than two classes the share of each, (classes,).
    """
    if classes <= 2:
        return np.asarray(y.mean(), dtype=np.float64)
    return np.bincount(y.astype(np.int64), minlength=classes) / len(y)


def baseline(y: Floats, folds: Iterable[Fold], classes: int) -> Floats:
    """Return for each row what ``naive`` says of the training rows of its fold; NaN in none.

    y: (n,) labels. Returned are (n,), or (n, classes) of more than two classes.
    """
    out = np.full((len(y), classes) if classes > 2 else len(y), np.nan)
    for fold in folds:
        out[fold.test] = naive(y[fold.train], classes)
    return out
