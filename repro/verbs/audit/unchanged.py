"""Whether the lines of a long log are byte for byte those that were verified before.

Whoever judges a sealed run has the whole log verified first: lines that were edited in place must
not vouch for anything. That takes some 13 µs a record, and to read and hash the bytes a tenth of
it. So what a verification found is kept beside the log's key, outside the workspace, as far as a
checkpoint covers it, with one BLAKE3 over the bytes of these lines. The next one hashes the same
bytes again; if none of them is another, what was found of them still holds, and it goes on from
there, as `continuing.verify_from` does. If any is, everything is read and judged anew, so that a
log that was tampered with gives the report that it always gave.

Who can write there can also sign whatever they like, and is believed as little or as much.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from blake3 import blake3

from repro.audit_log.disk.locks import exclusive_if_free
from repro.audit_log.errors import LogError
from repro.audit_log.formats.record import Record
from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.storage.creation import read_origin
from repro.audit_log.verification.faults import Fault
from repro.audit_log.verification.reading import Text

STATE: Final = "vouched"
"""Beside the key: what a verification found, and beside it the runs that it saw planned."""
LOCK: Final = "vouched.lock"
LONG: Final = 1 << 22
"""Bytes of lines below which it is as quick to verify everything as to look whether it changed."""
_WINDOW: Final = 1 << 22


@dataclass(slots=True)
class Unchanged:
    """A judge that finds nothing wrong: it keeps one digest over the bytes of all lines it saw."""

    directory: Path
    types: frozenset[str] = frozenset()
    _hasher: Any = field(default_factory=blake3)
    _count: int = 0

    def see(self, record: Record) -> Iterable[Fault]:
        """Say nothing: it wants no record."""
        return ()

    def see_lines(self, first: int, lines: Sequence[bytes]) -> Iterable[Fault]:
        """Take in whole lines, each with the newline that ends it."""
        block = b"\n".join(lines) + b"\n"
        self._hasher.update(block)
        self._count += len(block)
        return ()

    def state(self) -> object:
        """Return how many bytes were seen, and their digest."""
        return {"blake3": self._hasher.hexdigest(), "bytes": self._count}

    def resume(self, state: object) -> None:
        """Go on from ``state``; ValueError unless the log begins with just these bytes."""
        match state:
            case {"blake3": str(digest), "bytes": int(count)}:
                if count > Text(self.directory).end:
                    raise ValueError("there are fewer bytes than were verified")
                hasher = blake3()
                for window in _windows(self.directory, count):
                    hasher.update(window)
            case _:
                raise ValueError("not the state of a digest over lines")
        if hasher.hexdigest() != digest:
            raise ValueError("the lines are not those that were verified")
        self._hasher, self._count = hasher, count


@contextmanager
def remembered(directory: Path) -> Iterator[Path | None]:
    """Give the file with what is remembered of the log in ``directory``, for one user at a time.

    None where nothing is to be remembered: the log is short, or not ours (no directory for its key
    here), or parts of it are pruned, whose bytes nobody can read again; or somebody else is at it,
    or nothing can be written there.
    """
    with ExitStack() as held:
        try:
            place = _place(directory)
            is_ours = place is not None and held.enter_context(exclusive_if_free(place / LOCK))
        except (LogError, OSError):
            place, is_ours = None, False
        yield place / STATE if place is not None and is_ours else None


def _place(directory: Path) -> Path | None:
    text = Text(directory)
    if text.end < LONG or any(part.pruned is not None for part in text.parts):
        return None
    return KeyStore.default().directory(read_origin(directory))


def forget(state: Path) -> None:
    """Remove what is remembered: it cannot be used, and everything is read again without it."""
    for path in (state, *sorted(state.parent.glob(f"{state.name}.runs-*"))):
        path.unlink(missing_ok=True)


def _windows(directory: Path, count: int) -> Iterator[bytes]:
    """Yield the first ``count`` bytes of the lines, in windows; fewer if there are no more."""
    text = Text(directory)
    for offset in range(0, count, _WINDOW):
        yield text.read(offset, min(_WINDOW, count - offset))
