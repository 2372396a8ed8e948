"""Where a workspace is; knows nothing of what is in it, so that it is cheap to ask."""

from __future__ import annotations

from pathlib import Path

from repro.errors import InputError, UsageError

MARKER = "CONFIG"


def find_root(start: Path) -> Path:
    """Return the workspace that ``start`` lies in: the nearest folder that holds ``CONFIG``.

    Raises UsageError if ``start`` is no directory, InputError if there is no workspace.
    """
    if not start.is_dir():
        raise UsageError(f"no such directory: {start}", "name a directory that is there")
    for folder in (start, *start.parents):
        if (folder / MARKER).is_dir():
            return folder
    raise InputError(
        f"no workspace: neither {start} nor a folder above it holds a {MARKER} folder",
        "make one with: repro init DIR",
    )
