"""Where a pulled run came from, and what to do when it is not what it was.

The address is kept beside the results, not in the log: it is where somebody's store lies, proves
nothing, and may have to be forgotten. Anybody may delete it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from shlex import quote

from repro.audit_log.disk.sync import read_small, replace
from repro.runs import layout

_LONGEST = 4096
"""Bytes of an address that is believed to be one."""


def remember(root: Path, log: str, run: str, address: str) -> None:
    """Keep where a run was pulled from; ``log`` is its folder's name. A full disk keeps nothing."""
    path = _path(root, log, run)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, address.encode("utf-8", "surrogateescape"))


def source_of(root: Path, log: str, run: str) -> str | None:
    """Return where a run was pulled from last; None if nothing here says so."""
    try:
        text = os.fsdecode(read_small(_path(root, log, run), _LONGEST))
    except OSError:
        return None
    return text if text.isprintable() and text else None


def pull_again(whole: Path) -> str:
    """Return what to do about a pulled run that is not what it was; ``whole`` is its own folder."""
    run, log, root = whole.name, whole.parent.name, whole.parents[3]
    source = source_of(root, log, run)
    where = "SRC (where it was pulled from is not known here)" if source is None else quote(source)
    return (
        f"move {quote(str(whole))} away, and pull it again, vouched for as it was then: "
        f"repro runs pull {run} {where}"
    )


def _path(root: Path, log: str, run: str) -> Path:
    return layout.results(root) / layout.DERIVED / "sources" / log / run
