"""Every run that a verifier has seen planned, in a file of its own beside what it remembers.

The file holds sorted parts, one for each verification, of the entries of `spill`: 16 bytes for the
run, 8 for the record. To look a run up costs a bisection in each part. A new part is added at the
end; when there are many, all are merged into a file of the next generation. What the verifier
remembers names the generation and the parts, so a crash in between leaves the old ones standing.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import Final

from repro.audit_log.disk.sync import sync_directory

from .spill import ENTRY, KEY

MAX_PARTS: Final = 16
_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_AT_ONCE: Final = 1 << 14


@dataclass(frozen=True, slots=True)
class Parts:
    """Which file, and how many entries are in each of its parts."""

    generation: int = 0
    counts: tuple[int, ...] = ()


class Index:
    """The runs in the parts of one file."""

    def __init__(self, state: Path, parts: Parts) -> None:
        """Open the file beside ``state``; raise `OSError` if it is not as long as its parts."""
        self.state = state
        self.parts = parts
        self._view: mmap.mmap | None = None
        size = sum(parts.counts) * ENTRY
        if size:
            descriptor = os.open(_path(state, parts.generation), _FLAGS & ~os.O_CREAT)
            try:
                if os.fstat(descriptor).st_size < size:
                    raise OSError(f"{_path(state, parts.generation)} is shorter than it was")
                self._view = mmap.mmap(descriptor, size, prot=mmap.PROT_READ)
            finally:
                os.close(descriptor)

    def find(self, key: bytes) -> int | None:
        """Return the record that planned the run ``key``; None if none did."""
        view, start = self._view, 0
        for count in self.parts.counts if view is not None else ():
            low, high = start, start + count
            start = high
            while low < high:
                middle = (low + high) // 2
                if view[middle * ENTRY : middle * ENTRY + KEY] < key:  # type: ignore[index]
                    low = middle + 1
                else:
                    high = middle
            entry = view[low * ENTRY : (low + 1) * ENTRY] if low < start else b""  # type: ignore[index]
            if entry[:KEY] == key:
                return int.from_bytes(entry[KEY:], "big")
        return None

    def added(self, entries: Iterator[bytes]) -> Parts:
        """Make ``entries``, which are sorted, a new part, durably; return the parts then."""
        counts, generation = self.parts.counts, self.parts.generation
        first = next(entries, None)
        if first is None:
            return self.parts
        found = _chained(first, entries)
        if len(counts) < MAX_PARTS:
            count = _write(_path(self.state, generation), sum(counts) * ENTRY, found)
            return Parts(generation, (*counts, count))
        generation += 1
        count = _write(_path(self.state, generation), 0, merge(*self._parts(), found))
        return Parts(generation, (count,))

    def forget_older(self, parts: Parts) -> None:
        """Remove the file of this generation if ``parts`` are of another."""
        if parts.generation != self.parts.generation:
            _path(self.state, self.parts.generation).unlink(missing_ok=True)

    def _parts(self) -> Iterator[Iterator[bytes]]:
        start = 0
        for count in self.parts.counts:
            yield self._entries(start, count)
            start += count

    def _entries(self, start: int, count: int) -> Iterator[bytes]:
        view = self._view
        for at in range(start * ENTRY, (start + count) * ENTRY, ENTRY):
            yield view[at : at + ENTRY]  # type: ignore[index]


def _path(state: Path, generation: int) -> Path:
    return state.with_name(f"{state.name}.runs-{generation}")


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _write(path: Path, offset: int, entries: Iterable[bytes]) -> int:
    """Write ``entries`` from ``offset`` on, durably; return how many there were."""
    source, count = iter(entries), 0
    descriptor = os.open(path, _FLAGS, 0o644)
    try:
        os.ftruncate(descriptor, offset)
        while some := b"".join(islice(source, _AT_ONCE)):
            rest = memoryview(some)
            while rest:
                written = os.pwrite(descriptor, rest, offset)
                offset, rest = offset + written, rest[written:]
            count += len(some) // ENTRY
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_directory(path.parent)
    return count
