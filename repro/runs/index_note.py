"""What the index was like when we last wrote it, noted where writers of the workspace do not reach.

    KEYS/_indexes/<SHA-256 of the resolved path>       size, mtime and ctime, in nanoseconds

Rows could be taken out of the index, or changed, by whoever can write in the workspace: a list
would lack runs, and replicates would go unjudged. The kernel dates what changes a file (ctime),
and nobody sets that date without setting the clock. So the index is believed as long as it is the
file that we left, and made anew otherwise: also of a copied workspace, and after another user's
command has written it. What is noted is no secret, and no help against who writes as this user
where the keys lie. Nor does it show every write through a memory map: the kernel dates the first
one to a page, and those that follow only once the page has been written back.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from repro.audit_log.disk.locks import exclusive
from repro.audit_log.errors import LogUnusableError

FOLDER = "_indexes"
"""No origin's directory can have this name: an escape in one has two underscores."""
PATIENCE = 5.0
"""Seconds that another process may be busy with the index."""


def _digest(path: Path) -> str:
    """Return a name for the place of an index: itself it may be a link that somebody put there."""
    return sha256(os.fsencode(path.parent.resolve() / path.name)).hexdigest()


class Note:
    """The note on one index."""

    def __init__(self, path: Path) -> None:
        """Take the path of the index, which need not be there; nothing is read yet."""
        from repro.audit_log.keys.keystore import KeyStore

        self._path = path
        self._keys = KeyStore.default().root
        self._file = self._keys / FOLDER / _digest(path)

    def holds(self) -> bool:
        """Return whether the index is the file that was noted."""
        try:
            return self._file.read_text("ascii") == self._seen()
        except (OSError, UnicodeDecodeError):
            return False

    def write(self) -> None:
        """Note what the index is like now; it must be `locked`. Raises OSError."""
        text = self._seen()
        new = self._file.with_suffix(".new")
        new.write_text(text, "ascii")  # not synced: what a crash loses is made anew
        new.replace(self._file)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process of this user from writing the index.

        Raises OSError where no note can be kept, or if another is busy for longer than `PATIENCE`.
        """
        self._keys.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file.parent.mkdir(exist_ok=True, mode=0o700)
        try:
            with exclusive(self._file.with_suffix(".lock"), PATIENCE):
                yield
        except LogUnusableError as error:
            raise TimeoutError(error.problem) from error

    def _seen(self) -> str:
        found = self._path.lstat()
        return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}\n"
