"""Which plans have no end, known without reading the whole log again.

``derived/plans.json`` says which were open up to some line; only the lines after it are read. It is
believed if the line that ends there has the hash that it names. Whoever forges it hides that a run
was interrupted from the next command, not from verification.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from repro.audit_log.disk.sync import read_small
from repro.audit_log.errors import CanonicalError, LogCorruptError, RecordError
from repro.audit_log.formats.canonical import canonical, parse
from repro.audit_log.formats.record import ENDS, PLANNED, decode

from .layout import PLANS
from .segments import Text
from .tail import last_line_hash

_LIMIT: Final = 1 << 24
_WORTH = 1 << 20
"""Bytes that are read rather than remembered: a refused command leaves a small log alone."""
_ENDINGS: Final = tuple(f',"type":"{name}"}}'.encode() for name in sorted(ENDS | PLANNED))
_STATE: Final = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def open_plans(directory: Path) -> dict[str, int]:
    """Return run → ``seq`` of the plan, for each plan that no record ends."""
    text = Text.open(directory)
    start, plans = _from_state(directory, text)
    end = start
    for line, stop in _lines(text, start):
        if line.endswith(_ENDINGS):
            _note(line, plans)
        end = stop
    if end - start > _WORTH:
        _keep(directory, text, end, plans)
    return plans


def _lines(text: Text, start: int) -> Iterator[tuple[bytes, int]]:
    """Yield each whole line from ``start`` on, or what is kept of pruned ones, and its end."""
    for part in text.parts:
        if part.end <= start:
            continue
        if part.pruned is not None:
            yield from ((line, part.end) for _, line in part.pruned.sorted())
        end = max(start, part.start)
        for line, whole in part.pieces(end):
            if whole:
                end += len(line) + 1
                yield line, end


def _note(line: bytes, plans: dict[str, int]) -> None:
    try:
        record = decode(line)
    except RecordError as error:
        raise LogCorruptError(f"a line that plans or ends a run is no record: {error}") from None
    run = record.body.get("run")
    if isinstance(run, str):
        if record.type in PLANNED:
            plans[run] = record.seq
        else:
            plans.pop(run, None)


def _from_state(directory: Path, text: Text) -> tuple[int, dict[str, int]]:
    try:
        match parse(read_small(directory / PLANS, _LIMIT)):
            case {"head": str(head), "offset": int(offset), "open": dict(found)} if (
                last_line_hash(text, offset) == head
            ):
                return offset, {str(run): int(seq) for run, seq in found.items()}
    except (OSError, CanonicalError, ValueError, TypeError):
        pass
    return 0, {}


def _keep(directory: Path, text: Text, end: int, plans: dict[str, int]) -> None:
    """Write the state over the old one; nobody believes it unseen, so it may be lost or torn."""
    path = directory / PLANS
    data = canonical({"head": last_line_hash(text, end) or "", "offset": end, "open": plans})
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        descriptor = os.open(path, _STATE, 0o644)
        try:
            os.ftruncate(descriptor, os.write(descriptor, data))
        finally:
            os.close(descriptor)
