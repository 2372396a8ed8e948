"""The digests of a file that goes in: BLAKE3, which identity knows it by, and SHA-256 if asked for.

Of what comes out of a run both are recorded (``audit_log.formats.digests.digest_file``). What goes
in may be many gigabytes, and SHA-256 takes several times as long as BLAKE3 and the reading.

    b3sum FILE; sha256sum FILE
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Final, NamedTuple

from blake3 import blake3

SMALL: Final = 1 << 20
"""Bytes: a file that is no longer is read at once."""
THREADED: Final = 16 << 20
"""Bytes: from there on threads are worth their start."""
WINDOW: Final = 2 << 20
"""Bytes that are read at a time: work enough for many threads, and few enough for their caches.

A file is read and never mapped: somebody may cut it meanwhile, and then a mapping kills the process
that looks at it. Read in windows it takes no longer.
"""


class DataDigest(NamedTuple):
    """What a file's bytes are: digests in lower-case hex, and how many bytes there are."""

    blake3: str
    sha256: str | None
    """None if it was not asked for."""
    size: int

    def digests(self) -> dict[str, str]:
        """Return the digests by the names of their hash functions."""
        return {"blake3": self.blake3} | ({"sha256": self.sha256} if self.sha256 else {})


class Look(NamedTuple):
    """A file that was read, and what the system said of it before and after."""

    digest: DataDigest
    before: os.stat_result
    after: os.stat_result


def digest_data(path: str | os.PathLike[str], *, sha256: bool = False) -> DataDigest:
    """Return the digests of a file, read once, in a few megabytes of memory; raises OSError."""
    return look_at(path, sha256=sha256).digest


def look_at(path: str | os.PathLike[str], *, sha256: bool) -> Look:
    """Return the digests of a file and how it stood around the reading of it; raises OSError.

    All three are of the file that was opened, whatever is put under its name meanwhile.
    """
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        before = os.fstat(number)
        digest = _digest(number, before.st_size, sha256=sha256)
        return Look(digest, before, os.fstat(number))
    finally:
        os.close(number)


def _digest(number: int, expected: int, *, sha256: bool) -> DataDigest:
    """Return the digests of an open file that has ``expected`` bytes, if nobody writes to it."""
    data = b""
    if expected <= SMALL:
        # One byte more than there should be: that there is none says that this was all.
        data = os.read(number, expected + 1)
        if data and len(data) == expected:
            second = hashlib.sha256(data).hexdigest() if sha256 else None
            return DataDigest(blake3(data).hexdigest(), second, expected)
    hasher = blake3(data, max_threads=blake3.AUTO if expected >= THREADED else 1)
    other = hashlib.sha256(data) if sha256 else None
    size = len(data)
    # Closed before the file is: else, interrupted here, its thread might read from another file
    # that has the number by then.
    with closing(_ahead(number) if expected >= THREADED else _parts(number)) as parts:
        for part in parts:
            hasher.update(part)
            if other is not None:
                other.update(part)
            size += len(part)
    return DataDigest(hasher.hexdigest(), None if other is None else other.hexdigest(), size)


def _parts(number: int) -> Generator[memoryview]:
    """Yield the rest of an open file, each part until the next is asked for."""
    window = memoryview(bytearray(SMALL))
    while count := os.readv(number, [window]):
        yield window[:count]


def _ahead(number: int) -> Generator[memoryview]:
    """Yield the rest of a long file likewise; while one part is digested, the next is read."""
    # Pages of their own: the system copies into them faster than into the middle of a heap.
    now, then = memoryview(mmap.mmap(-1, WINDOW)), memoryview(mmap.mmap(-1, WINDOW))
    with ThreadPoolExecutor(1) as reader:
        count = os.readv(number, [now])
        while count:
            coming = reader.submit(os.readv, number, [then])
            yield now[:count]
            count = coming.result()
            now, then = then, now
