"""Files that lie among tables and are none: a notice in the folder, and what leaves it out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from repro.errors import InputError

_NO_TABLES = frozenset(
    {
        *(".md", ".rst", ".html", ".htm", ".pdf", ".docx", ".json", ".yaml", ".yml", ".toml"),
        *(".py", ".ipynb", ".r", ".sql", ".sh", ".log", ".png", ".jpg", ".svg"),
    }
)
"""Ends of names that no table in one of our formats has, whatever is in the file."""
_COMPRESSED = frozenset({".gz", ".bz2", ".xz"})
_BARE = frozenset({"LICENSE", "LICENCE", "NOTICE", "README", "COPYING", "Makefile"})


def require_table_name(name: str, names: Sequence[str], form: str, why: InputError) -> None:
    """Raise InputError if a file that could not be read is no table by its name.

    ``names`` are those of all files, of which the hint takes the pattern that would do; ``why`` is
    what was wrong with the file as a table.
    """
    if not _is_stranger(name):
        return
    folder = PurePosixPath(name).parent
    tables = [PurePosixPath(other) for other in names if not _is_stranger(other)]
    ends = _ends(tables[0]) if tables else f".{form}"
    below = "" if all(table.parent == folder for table in tables) else "**"
    pattern = folder / below / f"*{ends}"
    raise InputError(
        f"{name} is not a table",
        f"name files or a pattern in dataset.files that leave it out, such as {pattern}",
    ) from why


def _ends(path: PurePosixPath) -> str:
    """Return the end of a table's name, of a compressed one with what it is: ``.csv.gz``."""
    packed = path.suffix in _COMPRESSED
    return "".join(path.suffixes[-2:]) if packed else path.suffix


def _is_stranger(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix.lower() in _NO_TABLES or path.name in _BARE
