"""Verify a log from where an earlier verification of the same verifier stopped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from repro.audit_log.errors import LogUnusableError

from .faults import Report
from .index import Index, Parts
from .memory import Memory, read_memory, require_outside, write_memory
from .spill import KEY, Spill
from .verify import examine


def verify_from(state: Path, directory: Path, *, full: bool = False, **options: Any) -> Report:
    """Verify the log in ``directory`` as `verify` does, reading only what came since last time.

    ``state`` is the verifier's own file, made at the first time; it may not lie in the directory of
    a log. The report says which records were not read again. They are tied to what is read by the
    root over all of them: a log that does not extend what was verified is judged as against an
    older checkpoint, rolled back or forked. With ``full`` everything is read again, and compared
    with what is remembered all the same.

    What is remembered moves on only when nothing was found in the lines: what is wrong stays
    visible. Raises `LogUnusableError` if ``state`` cannot be used; ``options`` are those of
    `verify`.
    """
    state, directory = Path(state), Path(directory)
    require_outside(state, directory)
    memory = read_memory(state)
    index = _index(state, memory)
    outcome = examine(directory, memory=memory, index=index, full=full, **options)
    if outcome.memory is not None:
        _keep(state, outcome.memory, outcome.runs, index, continued=outcome.report.remembered > 0)
    return outcome.report


def _index(state: Path, memory: Memory | None) -> Index:
    try:
        return Index(state, memory.parts if memory is not None else Parts())
    except OSError as error:
        raise LogUnusableError(
            f"cannot read the runs beside {state}: {error.strerror or error}",
            "without both files, everything is read again",
        ) from error


def _keep(state: Path, memory: Memory, runs: Spill, index: Index, *, continued: bool) -> None:
    base = index if continued else Index(state, Parts(index.parts.generation + 1))
    try:
        parts = base.added(_committed(runs, memory.size))
        write_memory(state, replace(memory, parts=parts))
        index.forget_older(parts)
    except OSError as error:
        raise LogUnusableError(f"cannot write {state}: {error.strerror or error}") from error


def _committed(runs: Spill, size: int) -> Iterator[bytes]:
    """Yield the entries of records that are remembered: what is not committed is read again."""
    return (entry for entry in runs.ordered() if int.from_bytes(entry[KEY:], "big") < size)
