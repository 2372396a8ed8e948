"""Where a workspace is; knows nothing of what is in it, so that it is cheap to ask."""

from __future__ import annotations

from pathlib import Path

from repro.errors import InputError

MARKER = "CONFIG"


def find_root(start: Path) -> Path:
    """Return the workspace that ``start`` lies in: the nearest folder that holds ``CONFIG``.

    Raises InputError if there is none.
    """
    for folder in (start, *start.parents):
        if (folder / MARKER).is_dir():
            return folder
    raise InputError(
        f"no workspace: neither {start} nor a folder above it holds a {MARKER} folder",
        "make one with: repro init DIR",
    )
