"""Digests of files that nobody has touched since they were digested: a hint, never proof.

An entry is kept under the file's name below the workspace, with all that the system says of a file
when it changes: size, both times in nanoseconds, inode and device. It is believed only if all are
still the same. The time of the last change (``ctime``) cannot be set by a program, so contents that
were changed behind a restored ``mtime`` are digested again.

Two writes within one tick of the clock look like one. So, as in git's index, a digest is kept only
if the file was already older than ``MARGIN`` when it was read: any write since then has another
time. Nothing is kept of a file that changed while it was read, nor of one on a network file system,
whose times are another machine's and may be told late.

Whoever can write the file of entries can forge one, and a write through a memory map has the time
of its page's first write. Hence the rule for every caller: a digest from here is held against that
of the bytes that the worker parsed (``inputs.require_same_files``); a difference is an error, and
the end of the entry.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from repro.audit_log.disk.filesystem import is_network, kind_at
from repro.audit_log.formats.digests import derive
from repro.facts.file_digest import DataDigest, look_at

CONTEXT = "repro-audit v1 digest cache"
MARGIN = 2_000_000_000
"""Nanoseconds: the coarsest clock of a local file system (FAT) ticks once in two seconds."""

DIGITS = 64
"""Of each digest."""


def is_telling(path: Path) -> bool:
    """Return whether the file system that holds ``path`` is known to be of this machine."""
    kind = kind_at(path)
    return kind is not None and not is_network(kind)


@dataclass(slots=True)
class DigestCache:
    """The digests of one workspace's files, and the file in which they are kept."""

    root: Path
    file: Path
    telling: Callable[[Path], bool] = is_telling
    """Whether the times of a file can be relied on; asked once for each device."""
    margin: int = MARGIN
    """Nanoseconds that a file must be older than its digest to be kept."""
    _entries: dict[str, str] = field(default_factory=dict)
    """Name → stamp, BLAKE3 and, if it was asked for, SHA-256, with spaces between them. In the file
    each has a line, by turns, below the digest of all these lines."""
    _devices: dict[int, bool] = field(default_factory=dict)
    _is_changed: bool = False

    def load(self) -> DigestCache:
        """Read the entries and return the cache; what is not whole is as good as nothing."""
        with suppress(OSError, ValueError):
            head, _, body = self.file.read_bytes().partition(b"\n")
            if head == derive(CONTEXT, body).encode():
                lines = body.decode("utf-8", "surrogateescape").split("\n")
                self._entries = dict(zip(lines[::2], lines[1::2], strict=True))
        return self

    def digest(self, name: str, path: Path, *, sha256: bool = False) -> DataDigest:
        """Return the digests of a file, read only if it may have changed; raises OSError.

        It is read too if ``sha256`` is asked for and was not when it was read before.
        """
        entry = self._entries.get(name)
        if entry is not None:
            stamp = _stamp(found := os.stat(path))  # noqa: PTH116 - Path.stat is another call
            if entry.startswith(stamp):
                kept = _kept(entry[len(stamp) :], found.st_size, sha256=sha256)
                if kept is not None:
                    return kept
        begin = time.time_ns()
        digest, before, after = look_at(path, sha256=sha256)
        old = begin - max(after.st_mtime_ns, after.st_ctime_ns) > self.margin
        if old and _is_same(before, after) and self._is_telling(path, after.st_dev):
            second = "" if digest.sha256 is None else f" {digest.sha256}"
            self._entries[name] = f"{_stamp(before)}{digest.blake3}{second}"
            self._is_changed = True
        else:
            self.forget(name)
        return digest

    def forget(self, name: str) -> bool:
        """Drop what is known of a file; return whether anything was."""
        is_known = self._entries.pop(name, None) is not None
        self._is_changed |= is_known
        return is_known

    def save(self) -> None:
        """Replace the file of entries at once, if any changed; entries of lost files are left out.

        A cache that cannot be written is no error: the next command reads the files again.
        """
        if not self._is_changed:
            return
        kept = [(n, e) for n, e in sorted(self._entries.items()) if self._may_be_kept(n)]
        body = "\n".join(chain.from_iterable(kept)).encode("utf-8", "surrogateescape")
        with suppress(OSError):
            import tempfile  # who only reads is spared it, and the random numbers that it loads

            self.file.parent.mkdir(parents=True, exist_ok=True)
            number, scratch = tempfile.mkstemp(dir=self.file.parent, prefix=f"{self.file.name}.")
            try:
                with os.fdopen(number, "wb") as file:
                    file.write(derive(CONTEXT, body).encode() + b"\n" + body)
                Path(scratch).replace(self.file)
            except OSError:
                Path(scratch).unlink(missing_ok=True)
        self._is_changed = False

    def _may_be_kept(self, name: str) -> bool:
        return "\n" not in name and (self.root / name).exists()

    def _is_telling(self, path: Path, device: int) -> bool:
        if device not in self._devices:
            self._devices[device] = self.telling(path)
        return self._devices[device]


def _kept(digests: str, size: int, *, sha256: bool) -> DataDigest | None:
    """Return what is asked for of an entry's digests; None if it lacks that, or is no entry."""
    if len(digests) == DIGITS:
        return None if sha256 else DataDigest(digests, None, size)
    if len(digests) == 2 * DIGITS + 1 and digests[DIGITS] == " ":
        return DataDigest(digests[:DIGITS], digests[DIGITS + 1 :] if sha256 else None, size)
    return None


def _is_same(before: os.stat_result, after: os.stat_result) -> bool:
    """Return whether an open file is as it was; it can be no other."""
    return (
        before.st_ctime_ns == after.st_ctime_ns
        and before.st_mtime_ns == after.st_mtime_ns
        and before.st_size == after.st_size
    )


def _stamp(found: os.stat_result) -> str:
    """Return what must be the same for a file to be the same, with a space at the end."""
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino} {found.st_dev} "
