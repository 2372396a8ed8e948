"""A trainer held to its contract: what it is given it cannot change, what it gives is looked at."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from repro.execution.failures import described, is_out_of_memory, words_of
from repro.execution.guards.imports import UndeclaredImportError, undeclared_in
from repro.execution.guards.violation import GuardError
from repro.pipeline.panel import Floats
from repro.trainers.contract import Job, TrainerError

Watched = Callable[[], AbstractContextManager[None]]
"""What is entered around a call, so that guards may watch it."""
_MEMBERS = (
    *("EXTENSION", "load_library", "fit", "predict", "save", "load", "effective_parameters"),
    *("rounds", "importance", "canonical_model", "canonical_parts"),
)


class Supervised:
    """A trainer's module, each call of which ends well or in TrainerError that names the family.

    GuardError, MemoryError and what means a lack of memory go through as they are; so does an
    OSError while a model is written, which is the disk's fault.
    """

    def __init__(
        self,
        module: Any,
        family: str,
        watched: Watched = nullcontext,
    ) -> None:
        """Take the module; ``watched`` is entered around each call. Raises TrainerError."""
        self._module = module
        self._family = family
        self._watched = watched
        self._task, self._classes = "", 0
        missing = [name for name in _MEMBERS if not hasattr(module, name)]
        if missing:
            raise self._error(f"lacks what a trainer owes: {', '.join(missing)}")
        self.EXTENSION: str = module.EXTENSION

    def __getattr__(self, name: str) -> Any:
        """Return any other member of the module; its calls are held to end as all do."""
        member = getattr(self._module, name)
        if not callable(member):
            return member

        def call(*args: Any) -> Any:
            with self._calling(name):
                return member(*args)

        return call

    def fit(self, job: Job, x: Floats, y: Floats, progress: Callable[[int, int], None]) -> Any:
        """Return a fitted model; arrays are read-only, and the parameters are a copy."""
        self._task, self._classes = job.task, job.classes
        given = replace(
            job,
            features=list(job.features),
            parameters=deepcopy(dict(job.parameters)),
            seeds=dict(job.seeds),
            validation=None
            if job.validation is None
            else (_read_only(job.validation[0]), _read_only(job.validation[1])),
        )
        with self._calling("fit"):
            return self._module.fit(given, _read_only(x), _read_only(y), progress)

    def predict(self, model: Any, x: Floats, threads: int) -> Floats:
        """Return predictions that are what the contract says, in type, shape, layout and values."""
        with self._calling("predict"):
            found = self._module.predict(model, _read_only(x), threads)
        if not isinstance(found, np.ndarray) or found.dtype != np.float64:
            kind = found.dtype if isinstance(found, np.ndarray) else type(found).__name__
            raise self._error(f"predict gave {kind} where an array of float64 is due")
        due = (len(x), self._classes) if self._task == "multiclass" else (len(x),)
        if found.shape != due:
            raise self._error(f"predict gave the shape {found.shape} where {due} is due")
        bad = np.argwhere(~np.isfinite(found))
        if len(bad):
            raise self._error(
                f"predict gave {found[tuple(bad[0])]} in row {bad[0][0] + 1} of {len(x)},"
                f" and {len(bad)} values in all that are no finite numbers"
            )
        if self._task != "regression" and found.size and (found.min() < 0.0 or found.max() > 1.0):
            raise self._error(
                f"predict gave values from {found.min()} to {found.max()},"
                " which are no probabilities"
            )
        if not found.flags.c_contiguous:  # sums over it would add in another order
            raise self._error("predict gave an array that is not C-contiguous")
        return found

    def save(self, model: Any, path: Path) -> None:
        """Write the model to ``path``; TrainerError if there is no file there afterwards."""
        with self._calling("save", passing=(OSError,)):
            self._module.save(model, path)
        if not path.is_file():
            raise self._error(f"save wrote no file {path.name}")

    def effective_parameters(self, model: Any) -> Mapping[str, Any]:
        """Return the parameters that the library used, as JSON can hold them."""
        with self._calling("effective_parameters"):
            found = self._module.effective_parameters(model)
        if not isinstance(found, Mapping):
            raise self._error(f"effective_parameters gave {type(found).__name__}, not a mapping")
        try:
            json.dumps(dict(found), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise self._error(
                f"effective_parameters gave what JSON cannot hold: {error}"
            ) from error
        return found

    def rounds(self, model: Any) -> int | None:
        """Return the rounds that the model predicts with, or None."""
        with self._calling("rounds"):
            found = self._module.rounds(model)
        if found is not None and (not isinstance(found, int) or isinstance(found, bool)):
            raise self._error(f"rounds gave {found!r}, neither an integer nor None")
        return found

    def canonical_model(self, model: Any) -> bytes:
        """Return the bytes that mean the model."""
        with self._calling("canonical_model"):
            found = self._module.canonical_model(model)
        if not isinstance(found, bytes):
            raise self._error(f"canonical_model gave {type(found).__name__}, not bytes")
        return found

    def _calling(self, name: str, passing: tuple[type[BaseException], ...] = ()) -> _Call:
        """Return what is entered around a call of the member ``name``."""
        return _Call(name, self._watched(), passing, self._family)

    def _error(self, what: str) -> TrainerError:
        """Return the error that names the family."""
        return TrainerError(f"trainer {self._family}: {what}")


def load(module: str, family: str, watched: Watched, importing: Watched) -> Supervised:
    """Return the trainer that a module is, its library imported.

    ImportError goes through, and so does OSError, which is how a missing shared library shows.
    ``importing`` is entered around the imports, ``watched`` around all calls that come later.
    """
    with _Call("its import", importing(), (ImportError, OSError), family):
        found = import_module(module)
    supervised = Supervised(found, family, watched)
    with _Call("load_library", importing(), (ImportError, OSError), family):
        found.load_library()
    return supervised


class _Call:
    """One call: whatever it raises becomes TrainerError, with the line that raised it."""

    def __init__(
        self,
        name: str,
        watched: AbstractContextManager[None],
        passing: tuple[type[BaseException], ...],
        family: str,
    ) -> None:
        """Take the member's name, the guards, what goes through as it is, and the family."""
        self._name = name
        self._watched = watched
        self._passing: tuple[type[BaseException], ...] = (
            *(GuardError, TrainerError, MemoryError, UndeclaredImportError),
            *passing,
        )
        self._family = family

    def __enter__(self) -> None:
        """Let the guards watch."""
        self._watched.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ask the guards, then raise TrainerError for an error of the trainer's own."""
        self._watched.__exit__(kind, error, trace)
        if isinstance(error, TrainerError):
            raise TrainerError(named(self._family, words_of(error))) from error
        if error is None or isinstance(error, self._passing):
            return
        if is_out_of_memory(error) or undeclared_in(error):
            return
        traceback.print_exception(error)
        sys.stderr.flush()
        what = f"trainer {self._family}: failed in {self._name}: {described(error)}"
        raise TrainerError(what) from error


def named(family: str, problem: str) -> str:
    """Return a problem that names the family that has it, if it names none yet."""
    is_named = problem.startswith("trainer ") or family in problem.lower()
    return problem if is_named else f"trainer {family}: {problem}"


def _read_only(values: Floats) -> Floats:
    """Return the same memory, as an array that refuses to be written."""
    view = values.view()
    view.flags.writeable = False
    return view
