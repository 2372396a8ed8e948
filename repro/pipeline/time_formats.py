"""Which library a format of times needs: plain Python, to be known before a library is loaded."""

from __future__ import annotations

import re

UTC = "UTC"
_FINER = re.compile(r"%[fzZ]")


def needs_pandas(form: str | None, timezone: str) -> bool:
    """Return whether times of this format and zone are more than Python's own ``strptime`` reads.

    Its fractions of seconds end at six digits, and it knows no zone by its name. ``form`` is None
    for times that are stored as such.
    """
    return timezone != UTC or (form is not None and _FINER.search(form) is not None)
