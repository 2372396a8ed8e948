"""Which bits the log has under each execution key, read on as it grows.

Who asks for one key looks for it in the log (`log.contradictions`). Who asks for many, as a sweep
does, reads the log once and what came since.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from repro.audit_log.storage.segments import Text
from repro.verbs.audit.log import DIRECTORY, RESULTS, record_of, results_of

_ENDS: Final = tuple(f'"type":"{kind}"}}'.encode() for kind in sorted(RESULTS))
"""How the line of such a record ends: ``type`` is the last member of a canonical line."""


@dataclass(slots=True)
class Results:
    """The digest of what came out under each key, as far as bits were promised."""

    root: Path
    _first: dict[str, str] = field(default_factory=dict)
    _several: set[str] = field(default_factory=set)
    _read: int = 0
    """Bytes of the log's text that were read."""

    def contradict(self, execution_key: str, output_digest: str) -> bool:
        """Return whether the log has other bits under a key, by now; as `log.contradictions`.

        Raises IntegrityError for a line that is no record.
        """
        self._read_on()
        known = self._first.get(execution_key, output_digest)
        return known != output_digest or execution_key in self._several

    def _read_on(self) -> None:
        """Read the whole lines that came since; of what is pruned no result is left."""
        text = Text.open(self.root / DIRECTORY)
        torn = 0
        for line, whole in text.pieces(self._read):
            if not whole:
                torn = len(line)
            elif line.endswith(_ENDS):
                for key, digest in results_of(record_of(line)):
                    if self._first.setdefault(key, digest) != digest:
                        self._several.add(key)
        self._read = text.size - torn
