"""What the log has of leakage and of runs that are never planned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from repro.audit_log.errors import LogError
from repro.audit_log.storage.store import Log
from repro.config.resolution.resolve import Resolved
from repro.errors import InputError, ProblemsError, ReproError
from repro.verbs.audit.log import cosigner, open_log_to_sign
from repro.verbs.observer import Warn
from repro.verbs.training.ending import refusal
from repro.verbs.training.leaking import Judged, LeakingFeatures, fixed_record, unable
from repro.verbs.training.sealing import Outcome


def refuse(log: Log, cosign: Callable[[], None], resolved: Resolved, error: ReproError) -> None:
    """Record that a run was refused before its plan; the refusal itself is what the user sees."""
    try:
        log.append("run.refused", refusal(resolved, error))
        log.commit()
        cosign()
    except LogError as failure:
        raise InputError(
            f"{error.problem} (and the log could not record it: {failure})", error.hint
        ) from error


def refuse_again(root: Path, warn: Warn, found: LeakingFeatures, error: ReproError) -> ReproError:
    """Record that a run could not be started again without what leaks; return what to raise.

    It was asked for, and by then it had been scanned: that is no command that never was valid.
    """
    refusal = unable(found, error) if isinstance(error, ProblemsError) else error
    log = open_log_to_sign(root, warn)
    refuse(log, cosigner(log, warn), found.judged.resolved, refusal)
    return refusal


def record_fixed(log: Log, cosign: Callable[[], None], judged: Judged, known: Outcome) -> None:
    """Record what was left out to arrive at a run that was sealed before without knowing of it."""
    names = [finding["subject"] for finding in judged.fixed]
    if names == [finding["subject"] for finding in known.snapshot["leakage"].get("fixed", ())]:
        return  # its own record says so, or nothing was
    if names:
        log.append("leakage.fixed", fixed_record(judged, known.run))
        log.commit()
        cosign()
