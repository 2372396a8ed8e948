"""What is asked of the disk, seen where the operating system is called."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def recorded() -> Iterator[list[str]]:
    """Yield a list that gets the name of each file that is synced, "/" for a directory."""
    names: list[str] = []

    def noted(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        name = path.name.replace(f".{os.getpid()}.tmp", ".tmp")
        names.append("/" if path.is_dir() else name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", noted)
        patch.setattr(os, "fdatasync", noted)
        yield names
