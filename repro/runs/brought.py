"""What a worker brought, held against what it told of it: it may be an executor of anybody's.

What is sealed is signed, and who reads a run later takes its digests for those of its files.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from repro.errors import IntegrityError, TrainingError
from repro.runs import layout, table

FINAL: Final = "final"
"""The stage of the model that is kept."""
HINT: Final = "whoever wrote the executor should hear of this"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


def collect(work: Path, final: Path, names: Iterable[Any]) -> None:
    """Move the files that a worker says it wrote.

    Raises TrainingError for a name that is none or leads out, and for what is no file (whoever
    reads a run refuses one that holds a link), and FileNotFoundError for what is not there.
    """
    for name in names:
        is_name = isinstance(name, str) and name.isprintable() and name not in ("", ".", "..")
        if not is_name or Path(name).name != name:
            raise TrainingError(f"the worker named a file {name!r}, which is no name of one", HINT)
        (work / name).replace(final / name)
        if not stat.S_ISREG((final / name).lstat().st_mode):
            raise TrainingError(
                f"the worker left {name}, which is no file but a link, a directory or a device",
                HINT,
            )


def require_told(final: Path, finished: Mapping[str, Any]) -> None:
    """Raise TrainingError unless there is what a worker told that it made.

    That is a model and predictions, of these bytes, and a digest for each stage: of each fold that
    has metrics, and of the final model. The digest of a model is of what it means, which only its
    library can tell.
    """
    files, folds, canonical = (finished[name] for name in ("files", "folds", "canonical"))
    for name in (finished["model"], layout.PREDICTIONS):
        if name not in files:
            raise _untrue(f"and brought no {name}")
    if not isinstance(canonical, Mapping):
        raise _untrue("and no digests of models")
    stages = {FINAL, *(f"fold {fold['fold']}" for fold in folds)}
    if canonical.keys() != stages:
        raise _untrue("with digests of other models than those of its folds and the final one")
    told = (*canonical.values(), *(fold["predictions"] for fold in folds), finished["predictions"])
    if not all(isinstance(one, str) and _DIGEST.fullmatch(one) for one in told):
        raise _untrue("with a digest that is none")
    try:
        found = table.rows_sha256(final / layout.PREDICTIONS)
    except IntegrityError as error:  # nothing that was sealed: it is the worker that failed
        raise TrainingError(f"the worker's {error.problem}", HINT) from error
    if finished["predictions"] != f"sha256:{found}":
        raise _untrue(f"with another digest of its predictions than sha256:{found}")


def _untrue(said: str) -> TrainingError:
    return TrainingError(f"the worker told that it finished, {said}", HINT)
