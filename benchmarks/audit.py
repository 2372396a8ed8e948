"""The log: everything that is measured of it."""

from __future__ import annotations

import audit_append
import audit_long
import audit_sign
import audit_verify
from places import scratch
from table import Row


def rows() -> list[Row]:
    """Measure appending, signing and asking a witness, verification, and a long log."""
    found: list[Row] = []
    for part in (audit_append, audit_sign, audit_verify, audit_long):
        with scratch() as folder:
            found += part.rows(folder)
    return found
