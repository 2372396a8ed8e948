"""The digests of a file that goes in: BLAKE3, which identity knows it by, and SHA-256 if asked for.

Of what comes out of a run both are recorded (``audit_log.formats.digests.digest_file``). What goes
in may be many gigabytes, and SHA-256 takes several times as long as BLAKE3 and the reading.

    b3sum FILE; sha256sum FILE
"""

from __future__ import annotations

import os
from typing import Final, NamedTuple

from blake3 import blake3

from repro.audit_log.formats.digests import digest_file

SMALL: Final = 1 << 20
"""Bytes: a file that is no longer is read at once."""
THREADED: Final = 16 << 20
"""Bytes: from there on threads are worth their start."""
WINDOW: Final = 4 << 20
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


def digest_data(path: str | os.PathLike[str], *, sha256: bool = False) -> DataDigest:
    """Return the digests of a file, read once, in a few megabytes of memory; raises OSError."""
    return DataDigest(*digest_file(path)) if sha256 else _blake3(path)


def _blake3(path: str | os.PathLike[str]) -> DataDigest:
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        expected = os.fstat(number).st_size
        if expected <= SMALL:
            # One byte more than there should be: that there is none says that this was all.
            data = os.read(number, expected + 1)
            if len(data) == expected and data:
                return DataDigest(blake3(data).hexdigest(), None, expected)
        else:
            data = b""
        hasher = blake3(data, max_threads=blake3.AUTO if expected >= THREADED else 1)
        size = len(data)
        window = memoryview(bytearray(WINDOW))
        while count := os.readv(number, [window]):
            hasher.update(window[:count])
            size += count
        return DataDigest(hasher.hexdigest(), None, size)
    finally:
        os.close(number)
