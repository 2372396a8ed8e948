"""One fit: the part of the samples that a model sees, and the seeds that it is fitted under."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.pipeline.clipping import clip_labels
from repro.pipeline.formulas import classes_of
from repro.pipeline.panel import Floats
from repro.pipeline.samples import Samples
from repro.pipeline.splits.holding_out import HoldOut
from repro.trainers.contract import Job, Trainer, TrainerError

GLOBAL = ("python", "numpy")
"""Seeds of the interpreter's own generators, in case a library draws from them."""
Rows = NDArray[np.int64] | slice


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The part of the samples that one model sees."""

    rows: Rows
    columns: Sequence[int]
    """Indices of its features, ascending."""
    held: HoldOut | None
    """How ``rows`` are cut if training may stop early."""

    @property
    def fitted(self) -> Rows:
        """Return the rows that the model is fitted to."""
        return self.rows if self.held is None else self.held.fit

    def x(self, samples: Samples, rows: Rows) -> Floats:
        """Return the features of ``rows``, (n, columns), C-contiguous."""
        values = samples.X[rows]
        if len(self.columns) < values.shape[1]:
            values = values[:, list(self.columns)]
        return np.ascontiguousarray(values)

    def names(self, samples: Samples) -> list[str]:
        """Return the names of the features that the model sees, in order."""
        return [samples.names[column] for column in self.columns]

    def labels(self, samples: Samples, clipping: Mapping[str, Any]) -> Floats:
        """Return the labels that the model is fitted to, (n,), clipped by their own quantiles."""
        return np.ascontiguousarray(clip_labels(samples.y[self.fitted], clipping)[0])


def fit(
    trainer: Trainer,
    request: Mapping[str, Any],
    parameters: Mapping[str, Any],
    samples: Samples,
    part: Part,
    seeds: Mapping[str, int],
    progress: Callable[[int, int], None],
) -> Any:
    """Return a model fitted to a part of the samples; the global generators are seeded first."""
    random.seed(seeds["python"])
    np.random.seed(seeds["numpy"])
    held = part.held
    job = Job(
        task=request["target"]["task"],
        features=[request["features"][column]["name"] for column in part.columns],
        parameters=parameters,
        seeds={key: value for key, value in seeds.items() if key not in GLOBAL},
        threads=request["execution"]["threads"],
        classes=classes_of(request["target"]),
        validation=None
        if held is None
        else (
            part.x(samples, held.validation),
            np.ascontiguousarray(samples.y[held.validation]),
        ),
    )
    labels = part.labels(samples, request["clipping"])
    return trainer.fit(job, part.x(samples, part.fitted), labels, progress)


def require_same_after_loading(
    trainer: Trainer, model: Any, path: Path, x: Floats, threads: int
) -> None:
    """Raise TrainerError unless the saved model predicts the same bits as the one in memory."""
    a = trainer.predict(model, x, threads)
    b = trainer.predict(trainer.load(path), x, threads)
    if a.tobytes() != b.tobytes():
        raise TrainerError("the saved model does not predict what the trained one does")


def require_unchanged(samples: Samples, lent: bytes) -> None:
    """Raise TrainerError unless the rows are those whose ``seal`` is ``lent``.

    Compiled code heeds no flag of an array. Metrics, and the targets beside the predictions, must
    not be of what it made of the labels.
    """
    if samples.seal() != lent:
        raise TrainerError("it wrote into the rows that it was given, which others read too")
