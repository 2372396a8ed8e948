"""How runs end that do not end well: as the user is told, and as the log has it."""

from __future__ import annotations

from typing import Any

from repro.config.resolution.resolve import Resolved
from repro.errors import DeterminismError, InputError, ReproError, recordable
from repro.runs import layout
from repro.runs.staging import Staging, keep_printed
from repro.verbs.observer import who_raised
from repro.verbs.training.leaking import verdict_of


def as_bug(bug: Exception) -> ReproError:
    """Return how an exception that is no error of a run stands in the log.

    It is a mistake of our own, unless what listens to us raised it.
    """
    said = recordable(f"{type(bug).__name__}: {bug}")
    if (listener := who_raised(bug)) is not None:
        return ReproError(f"the Observer's {listener} raised {said}")
    return ReproError(f"a bug in repro: {said}")


def alarm(name: str, others: list[dict[str, Any]]) -> DeterminismError:
    """Return the error for bits that contradict an earlier run with the same execution key."""
    earlier = str(others[-1]["run"])
    return DeterminismError(
        f"run {name} has other bits than {earlier}, though nothing that decides them differs",
        f"both are kept and the log has an incident; look closer with: repro diff {earlier} {name}",
    )


def as_failure(error: ReproError | OSError) -> ReproError:
    """Return what the user is told of a failure; the system's own errors get a hint."""
    if isinstance(error, ReproError):
        return error
    return InputError(
        f"the run could not be written: {error.strerror}", "is there space left in the workspace?"
    )


def keep(place: Staging, name: str, folder: str = layout.FAILED) -> str | None:
    """Keep the worker's output if that is possible; return where, below the workspace."""
    try:
        kept = keep_printed(place, name, folder)
    except (OSError, ReproError):
        return None
    return None if kept is None else kept.relative_to(place.root).as_posix()


def name_log(failure: ReproError, kept: str | None) -> None:
    """Let the hint of a failure say where all lies that its worker printed, if it is kept."""
    if kept is not None:
        where = f"all that the worker printed is in {kept}/{layout.WORKER_LOG}"
        failure.hint = f"{failure.hint}; {where}" if failure.hint else where


def refusal(resolved: Resolved, error: ReproError) -> dict[str, Any]:
    """Return the body of ``run.refused``: a run that was not even planned."""
    return {
        "target": resolved.target,
        "family": resolved.family,
        "reason": recordable(error.problem)[:2000],
        "exit_status": error.exit_status,
        **verdict_of(error),
    }
