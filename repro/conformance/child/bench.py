"""One trainer with the means to try it: jobs as checks ask for them, and digests of results."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from repro.conformance.child import tables
from repro.conformance.child.tables import Floats, Table
from repro.execution import inventory
from repro.trainers.contract import Job, Trainer

Wish = Mapping[str, Any]
"""What a check asks for: ``task``, ``values``, ``seeds``, ``threads``, ``rows``, and more."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Bench:
    """A trainer in this process, and a directory that it may write to."""

    trainer: Trainer
    directory: Path
    known: frozenset[str] = frozenset()
    """Modules that were there when the trainer had loaded its library."""

    def late(self) -> list[str]:
        """Return the modules, but for the standard library's, that were loaded since."""
        return sorted(installed_modules() - self.known)

    def fit(
        self,
        wish: Wish,
        made: Table,
        validation: tuple[Floats, Floats] | None = None,
        progress: Progress = lambda _, __: None,
    ) -> Any:
        """Return a model fitted to a table; the global generators are seeded first."""
        seed_globals(wish.get("global", 0))
        job = Job(
            task=wish["task"],
            features=tables.names(made.x.shape[1]),
            parameters=dict(wish["values"]),
            seeds=dict(wish["seeds"]),
            threads=wish["threads"],
            validation=validation,
            classes=tables.CLASSES[wish["task"]],
        )
        return self.trainer.fit(job, made.x, made.y, progress)

    def predict(self, model: Any, x: Floats, wish: Wish) -> Floats:
        """Return the predictions of rows."""
        return self.trainer.predict(model, x, wish["threads"])

    def file(self, model: Any, name: str = "model") -> Path:
        """Return the file that a model was saved in."""
        path = self.directory / (name + self.trainer.EXTENSION)
        self.trainer.save(model, path)
        return path

    def bits(self, model: Any, x: Floats, wish: Wish) -> dict[str, str]:
        """Return digests of what a model means, of its predictions, and of its file.

        Predictions for ``x``, and for rows twice as far out, where a model goes on as it learned.
        """
        found = self.predict(model, x, wish).tobytes() + self.predict(model, x * 2, wish).tobytes()
        return {
            "model": digest(self.trainer.canonical_model(model)),
            "parts": digest(repr(list(self.trainer.canonical_parts(model))).encode()),
            "predictions": digest(found),
            "file": digest(self.file(model).read_bytes()),
        }


def installed_modules() -> set[str]:
    """Return the names of the loaded modules that are neither ours nor the standard library's."""
    found = inventory.loaded()
    found.pop(inventory.STANDARD, None)
    return {name for entries in found.values() for name, _ in entries}


def table_of(wish: Wish) -> Table:
    """Return the table that a wish names."""
    return tables.table(wish["task"], wish["rows"], holes=wish.get("holes", False))


def seed_globals(seed: int) -> None:
    """Seed the interpreter's own generators, as the worker does before each fit."""
    random.seed(seed)
    np.random.seed(seed)


def state_of_globals() -> str:
    """Return a digest of where the interpreter's own generators stand."""
    kind, keys, *rest = np.random.get_state(legacy=True)
    return digest(repr((random.getstate(), kind, np.asarray(keys).tolist(), rest)).encode())


def digest(data: bytes) -> str:
    """Return the SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
