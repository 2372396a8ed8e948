"""How verification reads a log: one text of all its lines, in blocks of whole lines.

Everything that verification knows of the bytes of the lines comes through `Text`. Nothing is read
beyond the size that was seen under the shared lock: what is appended meanwhile belongs to the next
verification.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from repro.audit_log.disk.patience import shared_within
from repro.audit_log.formats.record import MAX_LINE
from repro.audit_log.storage import segments
from repro.audit_log.storage.layout import LOG_LOCK
from repro.audit_log.storage.segments import Part

BLOCK: Final = 1 << 18
"""Bytes read at once: a block and what is made of it stay in the processor's cache."""


class Text:
    """The lines of a log as one run of bytes, as long as it was when it was opened."""

    __slots__ = ("_text", "end", "is_locked", "oddities", "parts", "problems")

    parts: tuple[Part, ...]

    def __init__(self, directory: Path, patience: float | None = None) -> None:
        """Open the lines in ``directory``; raise `OSError` or `LogError` if they cannot be read.

        Under the log's lock, if nobody keeps that for longer than ``patience`` (seconds); without
        it the last line may be one that is being written.
        """
        with shared_within(directory / LOG_LOCK, patience) as self.is_locked:
            self._text = segments.Text.open(directory)
        self.parts, self.problems = self._text.parts, self._text.problems
        self.oddities = self._text.oddities
        self.end = self._text.size

    def read(self, offset: int, size: int) -> bytes:
        """Return at most ``size`` bytes from ``offset`` on, none beyond `end`."""
        return self._text.read(min(size, self.end - offset), offset)

    def lines_with(self, needle: bytes) -> Iterator[bytes]:
        """Yield each whole line that holds ``needle``; of pruned parts, those that were kept."""
        return self._text.lines_with(needle)

    def pieces(self, start: int) -> Iterator[tuple[bytes, bool]]:
        """Yield each line from byte ``start`` on, and whether a newline ends it."""
        return self._text.pieces(start)


def blocks(text: Text, start: int, end: int) -> Iterator[tuple[bytes, bool]]:
    r"""Yield the text from ``start`` to ``end`` as ``(bytes, whole)``; together they are all of it.

    Whole: some lines, each ended by ``\n``. Not whole: the last piece, which no newline ends. A
    line that is too long comes cut right after the limit, as a whole one, so that memory stays flat
    whatever the file holds.
    """
    rest = b""
    skipping = False
    while start < end:
        chunk = text.read(start, min(BLOCK, end - start))
        if not chunk:
            break
        start += len(chunk)
        if skipping:
            _, newline, chunk = chunk.partition(b"\n")
            skipping = not newline
        data = rest + chunk
        cut = data.rfind(b"\n") + 1
        if cut:
            yield data[:cut], True
        rest = data[cut:]
        if len(rest) > MAX_LINE + 1:
            yield rest[: MAX_LINE + 1] + b"\n", True
            rest, skipping = b"", True
    if rest:
        yield rest, False
