"""How long a segment is kept: a day, and the rule that says so."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from repro.audit_log.errors import RecordError


def check_retention(retention: Mapping[str, object]) -> date:
    """Return the day until which ``retention`` keeps; `RecordError` unless it is one."""
    match retention:
        case {"keep_until": str(day), "policy": str()} if len(retention) == 2 and len(day) == 10:
            try:
                found = date.fromisoformat(day)
            except ValueError:
                found = None
            if found is not None and found.isoformat() == day:  # `2026-W01-1` is a date too
                return found
    raise RecordError("a retention is exactly keep_until, a date, and policy, a text")
