"""What a trainer owes: a module that satisfies ``Trainer``.

A trainer gets arrays, resolved parameters, derived seeds and a number of threads. It reads no
configuration, no environment and no clock, and it never draws from a global random generator.
Beside the module lies its declaration, ``<module>.json``, which is read without importing it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class TrainerError(Exception):
    """The library refused the data or the parameters; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Job:
    """One fit: everything that may decide the model."""

    task: str
    """``regression``, ``binary`` or ``multiclass``."""
    features: Sequence[str]
    parameters: Mapping[str, Any]
    """Hyperparameters under canonical names, with those that the level forces."""
    seeds: Mapping[str, int]
    """One for each name in the declaration's ``seeds``."""
    threads: int
    validation: tuple[Floats, Floats] | None = None
    """Rows held out of the fit to decide when to stop: x (rows, features) and y (rows,), the newest
    of the training rows; None unless the parameters ask to stop early."""
    classes: int = 0
    """How many classes the labels are of, 0.0, 1.0 and so on: 2 for a binary task, more for a
    multiclass one, 0 for a regression."""


class Trainer(Protocol):
    """The members of a trainer's module."""

    EXTENSION: str
    """Ending of a saved model's file, with the dot."""

    def load_library(self) -> None:
        """Import the library; called once, before anything is planned."""

    def fit(self, job: Job, x: Floats, y: Floats, progress: Callable[[int, int], None]) -> Any:
        """Return a model fitted to ``x`` (rows, features), C-contiguous, and ``y`` (rows,).

        The arrays are read-only.
        ``progress`` is told the rounds done and the rounds in all. Raises TrainerError.
        """

    def predict(self, model: Any, x: Floats, threads: int) -> Floats:
        """Return predictions, float64: the value, or the probability of class 1, (rows,).

        For a multiclass task the probability of each class in the order of the labels, (rows,
        classes), C-contiguous.
        """

    def save(self, model: Any, path: Path) -> None:
        """Write the model in the family's own byte-stable format; no code is stored in it."""

    def load(self, path: Path) -> Any:
        """Return the model saved at ``path``; it predicts the same bits."""

    def effective_parameters(self, model: Any) -> Mapping[str, Any]:
        """Return what the library says that it used, read back from the fitted model."""

    def rounds(self, model: Any) -> int | None:
        """Return the rounds (trees, epochs, iterations) that the model predicts with.

        Fewer than were asked for where training stopped early; None for a family without rounds.
        """

    def importance(self, model: Any) -> Floats:
        """Return how much each feature counts in the model, (features,), none below zero."""

    def canonical_model(self, model: Any) -> bytes:
        """Return bytes that mean the model: trees and weights, no thread counts, no file noise."""

    def canonical_parts(self, model: Any) -> Sequence[tuple[str, bytes]]:
        """Return the parts of what the model means, by name and in order: trees, coefficients.

        Two models whose canonical bytes differ differ in a part; the first is named to the user.
        """
