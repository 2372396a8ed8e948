"""The answer to one question, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

EXIT: Final = MappingProxyType({"ok": 0, "unverifiable": 3, "tampered": 4, "forked": 4})
"""Exit status of each verdict that is given here; those of a log are in `faults`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict, in one sentence why, and what else is known."""

    verdict: str
    summary: str
    lines: tuple[str, ...] = ()
    """What a person is told besides."""
    facts: Mapping[str, object] = field(default_factory=dict)
    """What a program is told besides, as JSON values."""

    @property
    def exit_status(self) -> int:
        """The status that the command ends in."""
        return EXIT[self.verdict]

    def as_json(self) -> dict[str, Any]:
        """Return everything as one JSON object."""
        return {
            "verdict": self.verdict,
            "exit_status": self.exit_status,
            "summary": self.summary,
            **self.facts,
        }

    def as_text(self) -> str:
        """Return the verdict and the lines for people, free of control characters."""
        from repro.audit_log.verification.report import printable

        lines = (f"{self.verdict}: {self.summary}", *self.lines)
        return "\n".join(printable(line) for line in lines)

    def rendered(self, form: str) -> str:
        """Return the answer in the form ``text`` or ``json``."""
        if form == "json":
            return json.dumps(self.as_json(), indent=2, sort_keys=True)
        return self.as_text()
