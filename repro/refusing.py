"""Runs that are refused before their plan, in the log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from repro.audit.log import cosigner, open_log_to_sign
from repro.audit_log.errors import LogError
from repro.audit_log.storage.store import Log
from repro.config.resolution.resolve import Resolved
from repro.errors import InputError, ProblemsError, ReproError
from repro.leaking import LeakingFeatures, unable, verdict_of
from repro.observer import Warn


def refuse(log: Log, cosign: Callable[[], None], resolved: Resolved, error: ReproError) -> None:
    """Record that a run was refused before its plan; the refusal itself is what the user sees."""
    body = {
        "target": resolved.target,
        "family": resolved.family,
        "reason": error.problem[:2000],
        "exit_status": error.exit_status,
        **verdict_of(error),
    }
    try:
        log.append("run.refused", body)
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
