"""Which bits the log has under each execution key, read on as it grows.

Who asks for one key looks for it in the log (`log.contradictions`). Who asks for many, as a sweep
does, reads the log once and what came since, and keeps some 300 bytes for each run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from repro.audit_log.formats.record import MAX_LINE, Record
from repro.audit_log.storage.segments import Text
from repro.errors import IntegrityError
from repro.verbs.audit.log import DIRECTORY, RESULTS, record_of, results_of

_ENDS: Final = tuple(f'"type":"{kind}"}}'.encode() for kind in sorted(RESULTS))
"""How the line of such a record ends: ``type`` is the last member of a canonical line."""


@dataclass(slots=True)
class Results:
    """What came out under each key, as far as bits were promised."""

    root: Path
    _first: dict[bytes, bytes] = field(default_factory=dict)
    """Execution key to the digest of its first result."""
    _several: set[bytes] = field(default_factory=set)
    """Keys of results with other digests."""
    _completed: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    """Execution key to the line that completes its newest run: where in the log's text, and how
    long it is."""
    _read: int = 0
    """Bytes of the log's text that were read."""
    _last: tuple[int, bytes] = (0, b"")
    """Where the last line lies that was read, and what it is: another one there, or none, says that
    the log was cut back."""

    def contradict(self, execution_key: str, output_digest: str) -> bool:
        """Return whether the log has other bits under a key, by now; as `log.contradictions`.

        Raises IntegrityError for a line that is no record.
        """
        self._read_on()
        key, digest = bytes.fromhex(execution_key), bytes.fromhex(output_digest)
        return self._first.get(key, digest) != digest or key in self._several

    def completed(self, execution_key: str) -> Mapping[str, Any] | None:
        """Return the body of the newest ``run.completed`` under a key, by now; None without one.

        Raises IntegrityError for a line that is no record.
        """
        text = self._read_on()
        at, size = self._completed.get(bytes.fromhex(execution_key), (0, 0))
        line = text.read(size, at)
        return record_of(line).body if line else None  # pruned meanwhile: nobody vouches for it

    def _read_on(self) -> Text:
        """Read the whole lines that came since; of what is pruned no result is left."""
        text = Text.open(self.root / DIRECTORY)
        self._forget_if_cut(text)
        for part in text.parts:
            if part.file is None or part.end <= self._read:
                continue
            at = max(self._read, part.start)
            for line, is_whole in part.pieces(self._read):
                if len(line) > MAX_LINE:
                    raise IntegrityError("the log has a line that is no record: it is too long")
                if not is_whole:
                    break
                if line.endswith(_ENDS):
                    self._take(at, len(line), record_of(line))
                self._last = at, line + b"\n"
                at += len(line) + 1
            self._read = at
        return text

    def _forget_if_cut(self, text: Text) -> None:
        """Forget everything, to read it anew, unless the last line that was read is still there.

        Lines are chained: whoever has that one has all before it. Of what is pruned meanwhile
        nothing is there to look at, and what was read of it stays known.
        """
        at, line = self._last
        is_pruned = any(part.file is None and part.start <= at < part.end for part in text.parts)
        if is_pruned or text.read(len(line), at) == line:
            return
        self._first, self._several, self._completed = {}, set(), {}
        self._read, self._last = 0, (0, b"")

    def _take(self, at: int, size: int, record: Record) -> None:
        for execution_key, output_digest in results_of(record):
            key, digest = bytes.fromhex(execution_key), bytes.fromhex(output_digest)
            if self._first.setdefault(key, digest) != digest:
                self._several.add(key)
            if record.type == "run.completed":
                self._completed[key] = (at, size)
