"""Copies of openings elsewhere: exports, snapshots, copies of a whole log.

A file that is an opening, whatever its name, is removed. Any other file that holds the salt of one
is told and left alone: what else it holds is not ours to throw away. Links are not followed.
Archives and whatever is compressed or encrypted cannot be searched.
"""

from __future__ import annotations

import os
import re
from collections.abc import Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from repro.audit_log.disk.sync import sync_directory
from repro.audit_log.errors import OpeningError
from repro.audit_log.formats.commitment import MAX_OPENING, parse_opening

from .layout import Descriptor

_BEGIN: Final = b'{"path":'
_DIGITS: Final = re.compile(rb"[0-9a-f]{64,}")
_WINDOW: Final = 1 << 20


@dataclass(slots=True)
class Found:
    """What a search came to."""

    removed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """Files that hold the salt of an erased opening, or could not be searched, with why."""


def remove(
    folder: Path, commitments: Set[str], salts: Set[bytes], beside: Path, found: Found
) -> None:
    """Remove the openings of ``commitments`` below ``folder``; ``beside`` itself is not searched.

    ``salts`` are those of the openings, in hex. Removals are durable on return.
    """

    def unsearched(error: OSError) -> None:
        found.left.append(f"{error.filename}: cannot be searched: {error.strerror}")

    for place, folders, names in os.walk(folder, onerror=unsearched):
        here = Path(place)
        folders[:] = sorted(name for name in folders if here / name != beside)
        removed = False
        for name in sorted(names):
            path = here / name
            if path.is_symlink():
                continue
            try:
                file = Descriptor(path)
                if _is_opening(file, commitments):
                    path.unlink()
                    removed = True
                    found.removed.append(str(path))
                elif _holds(file, salts):
                    found.left.append(f"{path}: holds what opens a commitment, among other things")
            except OSError as error:
                found.left.append(f"{path}: cannot be searched: {error.strerror or error}")
        if removed:
            sync_directory(here)


def _is_opening(file: Descriptor, commitments: Set[str]) -> bool:
    data = os.pread(file.number, MAX_OPENING + 2, 0)
    if not data.startswith(_BEGIN):
        return False
    try:
        return parse_opening(data.removesuffix(b"\n")).commitment() in commitments
    except OpeningError:
        return False


def _holds(file: Descriptor, salts: Set[bytes]) -> bool:
    """Return whether one of ``salts`` stands in a file, which is read in windows."""
    offset, rest = 0, b""
    while salts and (chunk := os.pread(file.number, _WINDOW, offset)):
        offset += len(chunk)
        data = rest + chunk
        for match in _DIGITS.finditer(data):
            run = match.group()
            # A run of digits that is longer than a salt may hold one anywhere.
            if any(run[at : at + 64] in salts for at in range(min(len(run) - 63, _WINDOW))):
                return True
        rest = data[-63:]
    return False
