"""The data files that a configuration names: one that is not there is told with its line."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from repro.config.checks.dataset import FILES
from repro.config.resolution.resolve import Resolved
from repro.config.spelling.names import suggestion
from repro.errors import InputError
from repro.facts.data import locate


def data_files(root: Path, resolved: Resolved) -> dict[str, Path]:
    """Return the path of each data file that ``dataset.files`` means, by its own name.

    Raises InputError for a name that means nothing, with where it is said and which file is nearest
    to it, and for what cannot be a data file.
    """
    said = resolved.flat[FILES].setting
    found: dict[str, Path] = {}
    for index, name in enumerate(said.value):
        try:
            found |= locate(root, [name])
        except InputError as error:
            problem = f"{error.problem}{_meant(root, name)} ({said.at(index)})"
            raise InputError(problem, error.hint) from error
    return found


def _meant(root: Path, name: str) -> str:
    """Return which file of the same folder a name that means none may be a slip of."""
    folder = root / PurePosixPath(name).parent
    try:
        names = [] if (root / name).exists() else [path.name for path in sorted(folder.iterdir())]
    except OSError:
        return ""
    return suggestion(name, [str(PurePosixPath(name).parent / each) for each in names])
