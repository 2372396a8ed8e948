"""``repro audit hold``: while one is in force nothing is erased and nothing is pruned."""

from __future__ import annotations

from pathlib import Path

from repro.audit_log.storage import hold
from repro.audit_log.storage.hold import Hold
from repro.audit_log.storage.layout import require_directory
from repro.errors import UsageError
from repro.verbs.audit.log import cosigner, log_directory, open_log_to_sign
from repro.verbs.audit.words import require_words
from repro.verbs.observer import Warn, unheard


def listed(root: Path) -> tuple[Hold, ...]:
    """Return the holds in force."""
    directory = log_directory(root)
    require_directory(directory)
    return hold.in_force(directory)


def place(root: Path, id_: str, reason: str, warn: Warn = unheard) -> tuple[Hold, ...]:
    """Place a hold, committed; return those in force. UsageError if it is already."""
    require_words("name of the hold", id_)
    require_words("reason", reason)
    for held in listed(root):
        if held.id == id_:
            raise UsageError(
                f"legal hold {id_!r} is in force already, by record {held.seq}",
                "give a new one another name",
            )
    log = open_log_to_sign(root, warn)
    hold.place(log, id_, reason)
    log.commit()
    cosigner(log, warn)()
    return hold.active(log)


def lift(root: Path, id_: str, reason: str, warn: Warn = unheard) -> tuple[Hold, ...]:
    """Lift a hold, committed; return those still in force. UsageError if it is not."""
    require_words("reason", reason)
    known = listed(root)
    if all(held.id != id_ for held in known):
        names = ", ".join(repr(held.id) for held in known) or "none"
        raise UsageError(f"no legal hold {id_!r} is in force", f"in force: {names}")
    log = open_log_to_sign(root, warn)
    hold.lift(log, id_, reason)
    log.commit()
    cosigner(log, warn)()
    return hold.active(log)
