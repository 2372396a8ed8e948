"""What a worker loads: the guards first, then the trainers' modules under their eyes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from repro.errors import DeterminismError, InputError, TrainingError, in_checkout
from repro.execution.environment import BEST_EFFORT, PINS
from repro.execution.guards.imports import Declared, UndeclaredImportError
from repro.execution.guards.installed import Guards, Unguarded
from repro.pipeline.time_formats import needs_pandas
from repro.trainers.contract import TrainerError

ARRAYS = ("numpy",)
"""What the worker itself computes with."""
_OURS = "repro.trainers."
LATE = ("numpy.ma", "numpy.random")
"""What some of NumPy's own functions load at their first call, which would be after the plan."""
RECORDED = (*ARRAYS, "blake3")
"""Distributions of our own whose versions are recorded."""
OTHERS = ("threadpoolctl",)
"""Distributions that we read back with."""
ARROW = ("pyarrow",)
"""What reads Parquet and Feather: as a module, and as a distribution."""
PANDAS = ("pandas",)
"""What reads times that Python's own parser does not: as a module, and as a distribution."""

Described = Mapping[str, Any]
"""A trainer as the notary describes it."""
Standing = Guards | Unguarded


def guards(
    level: str,
    directory: Path,
    inputs: Iterable[str],
    trainers: Sequence[Described],
    readers: Sequence[str] = (),
) -> Standing:
    """Put up the guards of a level: what is not declared is refused from here on.

    ``inputs`` are the paths of the data, ``readers`` the libraries that read them. What nobody
    needs is kept out: many a library loads pandas, and pandas pyarrow, wherever it is installed.
    """
    if level == BEST_EFFORT:
        return Unguarded()
    modules = [trainer["module"] for trainer in trainers]
    libraries = [name for trainer in trainers for name in trainer["modules"]]
    needed = {name.partition(".")[0] for name in (*libraries, *readers)}
    optional = {name for trainer in trainers for name in trainer["shielded"]}
    declared = Declared(
        modules=frozenset({*ARRAYS, *needed, *(name.partition(".")[0] for name in modules)}),
        distributions=(*OTHERS, *distributions(trainers, readers)),
        kept_out=frozenset({*optional, *ARROW} - needed),
        packages=tuple(name.rpartition(".")[0] or name for name in modules),
    )
    return Guards(str(directory), inputs, declared)


@contextmanager
def of_this_machine() -> Iterator[None]:
    """Mark what fails within as a lack of this machine: a worker on another may not have it."""
    try:
        yield
    except (InputError, DeterminismError) as error:
        error.is_unfit = True
        raise


@of_this_machine()
def load(trainer: Described, guards: Standing) -> Any:
    """Return the trainer's module, supervised, with its library imported.

    Raises InputError that names the extra to install if the library is not there,
    DeterminismError where the machine cannot do what was pinned, and TrainingError where the
    trainer's own code fails.
    """
    try:
        for name in (*ARRAYS, *LATE):
            import_module(name)
        from repro.execution.supervised import load

        importing = partial(guards.watched, importing=True)
        return load(trainer["module"], trainer["family"], guards.watched, importing)
    except TrainerError as error:
        raise TrainingError(str(error)) from error
    except UndeclaredImportError:
        raise
    except ModuleNotFoundError as error:
        raise InputError(
            f"the family {trainer['family']} cannot be trained here: {error}",
            f"install it, {in_checkout(trainer['extra'])}"
            if trainer["extra"] and trainer["module"].startswith(_OURS)
            else "install the package that brings it: a worker does not see PYTHONPATH",
        ) from error
    except (ImportError, OSError, RuntimeError) as error:
        if PINS[0][0] in str(error):
            said = " ".join(str(error).rpartition("Original error was: ")[2].split())
            raise DeterminismError(
                f"portable environment not attained: NumPy says: {said}",
                "portable bits are those of x86-64-v3 (Haswell, Zen and later)",
            ) from error
        if isinstance(error, RuntimeError):
            raise
        if "map segment" in str(error) or "allocate memory" in str(error):
            raise MemoryError from error
        raise InputError(
            f"a library of the family {trainer['family']} cannot be loaded: {error}",
            "LightGBM needs the system's libgomp (Debian: apt-get install libgomp1)",
        ) from error


def readers(dataset: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the libraries, beside arrays, that read a dataset, by its document's options."""
    time = dataset.get("time")
    zoned = time is not None and needs_pandas(time["format"], time["timezone"])
    return (*(() if dataset["format"] == "csv" else ARROW), *(PANDAS if zoned else ()))


@of_this_machine()
def load_readers(readers: Sequence[str]) -> None:
    """Load what reads the data, before anybody looks at what is loaded.

    Raises InputError that says what to install where it is not there.
    """
    from repro.pipeline import reading

    if ARROW[0] in readers:
        reading.arrow_reader()
    if PANDAS[0] in readers:
        reading.time_reader()


def packages(trainers: Sequence[Described]) -> list[str]:
    """Return the folders of the trainers of others: whole, they are part of the code's digest."""
    return [trainer["package"] for trainer in trainers if trainer["package"]]


def distributions(trainers: Sequence[Described], readers: Sequence[str] = ()) -> list[str]:
    """Return the distributions whose code computes, the trainers' and our own, sorted."""
    named = (name for trainer in trainers for name in trainer["distributions"])
    return sorted({*RECORDED, *readers, *named})
