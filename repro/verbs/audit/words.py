"""What people write into the log: reasons, names, policies."""

from __future__ import annotations

from typing import Final

from repro.errors import UsageError

MAX_WORDS: Final = 2_000
"""Characters of a text that goes into a record."""


def require_words(what: str, text: str) -> None:
    """Raise UsageError unless ``text`` can stand in a record and says something."""
    if not text.strip():
        raise UsageError(f"the {what} is empty", "say it in a few words")
    if len(text) > MAX_WORDS:
        raise UsageError(f"the {what} has {len(text)} characters", f"at most {MAX_WORDS}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"the {what} is not UTF-8", "type it again, or set a UTF-8 locale"
        ) from None
