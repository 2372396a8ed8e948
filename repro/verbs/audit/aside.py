"""Setting aside the lines that must not be signed, so that the log can go on."""

from __future__ import annotations

from pathlib import Path

from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.storage import aside
from repro.verbs.audit.log import cosigner, log_directory, open_log_to_sign
from repro.verbs.audit.words import require_words
from repro.verbs.observer import Warn, unheard


def set_aside(root: Path, seq: int, reason: str, warn: Warn = unheard) -> int:
    """Move the lines from record ``seq`` on into ``torn/``; return how many records are signed now.

    Raises LogUnusableError if a checkpoint covers the record, or if there is none of that number.
    """
    require_words("reason", reason)
    aside.cut(log_directory(root), seq, reason, KeyStore.default())
    log = open_log_to_sign(root, warn)  # opening records it, and this signs it
    cosigner(log, warn)()
    return log.head().size
