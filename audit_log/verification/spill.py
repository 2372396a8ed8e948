"""Which ids were seen twice, exactly, in memory that does not grow with how many there are.

An id is kept as 16 bytes of BLAKE2b and the ``seq`` of its record, big-endian: 24 bytes. What does
not fit the buffer goes, sorted, to an unnamed temporary file. At the end equal ids meet: the file
is gone through in 256 buckets by first byte, each of which holds every id that begins with it.
"""

from __future__ import annotations

import os
import tempfile
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Final

ENTRY: Final = 24
KEY: Final = 16
BUFFER: Final = 1 << 16
"""Ids in memory, about 5 MiB."""


def key_of(name: str) -> bytes:
    """Return the 16 bytes that stand for an id."""
    return blake2b(name.encode(errors="surrogatepass"), digest_size=KEY).digest()


class Spill:
    """The ids seen so far, each with the record that it was seen in."""

    def __init__(self, buffer: int = BUFFER) -> None:
        """Keep at most ``buffer`` ids in memory."""
        self._buffer = buffer
        self._entries: list[bytes] = []
        self._file = -1
        self._end = 0
        self._parts: list[array[int]] = []
        self.count = 0

    def add(self, name: str, seq: int) -> None:
        """Remember that record ``seq`` names ``name``."""
        self._entries.append(key_of(name) + seq.to_bytes(8, "big"))
        self.count += 1
        if len(self._entries) >= self._buffer:
            self._spill()

    def ordered(self) -> Iterator[bytes]:
        """Yield all entries, sorted: by id, then by record."""
        self._entries.sort()
        if self._file < 0:
            yield from self._entries
            return
        if self._entries:
            self._spill()
        for bucket in range(256):
            entries: list[bytes] = []
            for part in self._parts:
                data = _read(self._file, part[bucket + 1] - part[bucket], part[bucket])
                entries += [data[at : at + ENTRY] for at in range(0, len(data), ENTRY)]
            entries.sort()
            yield from entries

    def twice(self, earlier: Callable[[bytes], int | None] | None) -> Iterator[tuple[int, int]]:
        """Yield, for each id seen again, the record of that and the record that saw it first.

        ``earlier`` looks up the 16 bytes of an id among those that were seen before all of these.
        """
        last, first = b"", 0
        for entry in self.ordered():
            key, seq = entry[:KEY], int.from_bytes(entry[KEY:], "big")
            before = earlier(key) if earlier is not None and key != last else None
            if key == last:
                yield seq, first
            elif before is not None:
                yield seq, before
            if key != last:
                last, first = key, seq if before is None else before

    def _spill(self) -> None:
        if self._file < 0:
            self._file, name = tempfile.mkstemp()
            os.unlink(name)  # noqa: PTH108 - a file without a name goes when its last user does
        self._entries.sort()
        places = [bisect_left(self._entries, bytes([bucket])) for bucket in range(256)]
        places.append(len(self._entries))
        self._parts.append(array("Q", [self._end + place * ENTRY for place in places]))
        rest = memoryview(b"".join(self._entries))
        while rest:
            written = os.pwrite(self._file, rest, self._end)
            self._end, rest = self._end + written, rest[written:]
        self._entries = []

    def __del__(self) -> None:
        """Close the file, which removes it."""
        if self._file >= 0:
            os.close(self._file)


def _read(descriptor: int, size: int, offset: int) -> bytes:
    parts = []
    while size and (data := os.pread(descriptor, size, offset)):
        parts.append(data)
        size, offset = size - len(data), offset + len(data)
    return b"".join(parts)
