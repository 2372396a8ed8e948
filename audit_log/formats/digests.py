"""Digests: BLAKE3 with a context for what we define, BLAKE3 and SHA-256 side by side for files.

The same results can be had without this code, with the reference command-line tools:

    b3sum --derive-key 'repro-audit v1 line' LINE      # derive(LINE_CONTEXT, line)
    b3sum FILE; sha256sum FILE                         # digest_file(FILE)
"""

from __future__ import annotations

import hashlib
import os
from typing import Final, NamedTuple

from blake3 import blake3

from .canonical import canonical

LINE_CONTEXT: Final = "repro-audit v1 line"
_WINDOW: Final = 1 << 20


class FileDigest(NamedTuple):
    """What a file's bytes are: two digests in lower-case hex, and how many bytes there are."""

    blake3: str
    sha256: str
    size: int


def derive(context: str, *parts: bytes) -> str:
    """Return the BLAKE3 digest of the concatenated ``parts``, derive-key mode, in hex."""
    hasher = blake3(derive_key_context=context)
    for part in parts:
        hasher.update(part)
    return hasher.hexdigest()


def payload_digest(context: str, value: object) -> str:
    """Return `derive` of the canonical form of ``value``."""
    return derive(context, canonical(value))


def digest_file(path: str | os.PathLike[str]) -> FileDigest:
    """Return the digests of a file, read once in windows of at most 1 MiB."""
    first, second, size = blake3(), hashlib.sha256(), 0
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a path costs as much as a small file
        expected = os.fstat(file.fileno()).st_size
        # A small file gets a small window: to clear a large one takes longer than to hash the file.
        window = memoryview(bytearray(min(expected + 1, _WINDOW)))
        while count := file.readinto(window):
            first.update(window[:count])
            second.update(window[:count])
            size += count
    return FileDigest(first.hexdigest(), second.hexdigest(), size)


def digest_bytes(data: bytes) -> FileDigest:
    """Return the digests of ``data``, as of a file with these bytes."""
    return FileDigest(blake3(data).hexdigest(), hashlib.sha256(data).hexdigest(), len(data))
