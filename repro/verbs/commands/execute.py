"""``repro exec``: any command under the strict environment, planned and ended in the log."""

from __future__ import annotations

import math
import os
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from repro.audit_log.errors import LogError
from repro.audit_log.formats.record import COMMAND
from repro.audit_log.storage.running import hold
from repro.audit_log.storage.segments import lines_with
from repro.audit_log.storage.store import Log
from repro.config.documents.workspace import find_root
from repro.errors import InputError, InterruptedRunError, UsageError
from repro.execution.child import Command, Ended, carry_out, recorded, resolve
from repro.execution.environment import PORTABLE
from repro.execution.git import describe
from repro.execution.interrupts import deferred
from repro.facts.contents import Content, State, content_of, states_at, states_below, touched
from repro.facts.host import host
from repro.runs import layout
from repro.runs.staging import names_locked, staging
from repro.verbs.audit.log import DIRECTORY, contradictions, cosigner, incident, open_log_to_sign
from repro.verbs.commands.command_plan import (
    EXECUTABLE,
    UNRECORDED,
    CommandPlan,
    Found,
    Input,
    inherited_digests,
    inputs_of,
    is_within,
    listed,
    named,
    planned,
    require_apart,
    require_words,
    standard_input,
)
from repro.verbs.commands.commands import differing_outputs
from repro.verbs.observer import Warn
from repro.verbs.workspace import offering

BROKEN, UNDELIVERED = 5, 6
"""Exit statuses where the command ended well, and determinism or an output is missing."""
COUNTED = 10
"""Digits that no number of executions has."""
UNTOLD = "what it gave could not be recorded"
"""Why a command has no end of its own, where what came after it failed."""


@dataclass(frozen=True, slots=True)
class ExecCommand:
    """What the user asked for."""

    start: Path
    """The workspace, or a folder below it."""
    arguments: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    level: str
    threads: int
    seconds: float | None
    hidden: bool
    look_for_undeclared: bool
    sha256: bool
    """Whether the SHA-256 of each input that is a file is recorded beside its BLAKE3."""
    to_stderr: bool
    warn: Warn


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command."""

    run: str
    plan: CommandPlan
    ended: Ended
    found: Found | None
    """None if it was interrupted."""
    record: int
    """The record that ended it."""
    contradicted: tuple[str, ...] = ()
    """Earlier executions under the same key that gave other bits."""
    differing: tuple[str, ...] = ()
    """Which outputs the last of these had otherwise."""
    incident: int | None = None

    @property
    def exit_status(self) -> int:
        """Return the command's own status, unless that is 0 and something else is wrong."""
        status = self.ended.exit_status
        if status or self.found is None:
            return status
        if self.found.violations or self.contradicted or self.ended.left_running:
            return BROKEN
        return UNDELIVERED if self.found.missing else 0


def execute(asked: ExecCommand) -> Outcome:
    """Run a command in the strict environment and log it.

    What it reads is digested and its plan signed before it starts; what it wrote is digested, and
    what it read again, once it has ended. Raises UsageError, InputError, NotFoundError and
    NotExecutableError for what cannot be run: then there is no record; and the log's own errors.
    """
    root = find_root(asked.start.resolve())
    place = Path.cwd()
    _require_usable(asked, root, place)
    executable = resolve(asked.arguments[0], os.environ.get("PATH"))
    then = states_at(executable)
    plan = _plan(asked, executable, root, place)
    carried_out = Input(EXECUTABLE, executable, plan.executable, declared=True, states=then)
    if plan.stdin in UNRECORDED and asked.level != "best-effort":
        asked.warn(
            "what comes through the standard input is not recorded, so the bits are not promised; "
            "if it is not read, add: < /dev/null"
        )
    log = open_log_to_sign(root, asked.warn)
    cosign = cosigner(log, asked.warn)
    with staging(root) as staged, ExitStack() as held:
        without = frozenset(
            os.path.realpath(root / name) for name in (DIRECTORY, layout.RESULTS, ".git")
        )
        before = states_below(place, without) if asked.look_for_undeclared else None
        there = {output: states_at(path) for output, path in plan.outputs.items()}
        name, seq = _planned(log, root, plan, held)
        try:
            cosign()
            ended = carry_out(
                Command(
                    plan.arguments,
                    executable,
                    plan.level,
                    plan.threads,
                    staged.work,
                    plan.seconds,
                    asked.to_stderr,
                ),
                os.environ,
            )
            if ended.stopped and ended.exit_status:
                return _interrupted(log, cosign, Outcome(name, plan, ended, None, seq))
            look = partial(states_below, place, without)
            found = _found(plan, (carried_out, *plan.inputs), there, before, look, place)
            return _ended(log, cosign, root, Outcome(name, plan, ended, found, seq))
        except KeyboardInterrupt:
            if log.find_bytes(f'"plan":{seq},'.encode()):
                raise
            _interrupted(log, cosign, Outcome(name, plan, Ended(None), None, seq))
            raise InterruptedRunError(f"{name} was interrupted") from None
        except Exception:
            # Not a word of it would be taken for a process that died. The log itself may be at
            # fault: then what it said first is what is told.
            with suppress(LogError, OSError):
                if not log.find_bytes(f'"plan":{seq},'.encode()):
                    _interrupted(log, cosign, Outcome(name, plan, Ended(None), None, seq), UNTOLD)
            raise


def _require_usable(asked: ExecCommand, root: Path, place: Path) -> None:
    """Raise UsageError for what cannot be meant."""
    if not asked.arguments or not asked.arguments[0]:
        raise UsageError("no command", "name a program, with each of its arguments behind it")
    levels = offering.allowed("reproducibility_config", "reproducibility", "level")
    if asked.level not in levels:
        raise UsageError(f"no level is called {asked.level!r}", f"levels: {', '.join(levels)}")
    if asked.level == PORTABLE and asked.threads > 1:
        raise UsageError(
            f"{asked.threads} threads: the level portable has one", "choose the level strict"
        )
    if asked.seconds is not None and not (asked.seconds > 0 and math.isfinite(asked.seconds)):
        raise UsageError(
            f"a time limit of {asked.seconds:g} seconds: nothing can be done in it, or it is none",
            "name a number above 0, or no limit",
        )
    require_words(asked.arguments)
    require_words([*asked.inputs, *asked.outputs], "a path")
    for text in (*asked.inputs, *asked.outputs):
        if not text:
            raise UsageError("an empty path names nothing", "name files or folders")
    log, results = root / DIRECTORY, layout.results(root)
    require_apart(asked.inputs, asked.outputs, log, results, place)


def _plan(asked: ExecCommand, executable: Path, root: Path, place: Path) -> CommandPlan:
    """Return everything that must be known before the command runs."""
    outputs = dict(named(text, root, place) for text in asked.outputs)
    # What is hidden must not be seen in the names of files either.
    naming = () if asked.hidden else asked.arguments[1:]
    inputs = inputs_of(asked.inputs, naming, outputs, root, place, sha256=asked.sha256)
    stdin, read = standard_input(sha256=asked.sha256)
    return CommandPlan(
        asked.arguments,
        asked.hidden,
        content_of(executable, asked.arguments[0], sha256=True),
        place.relative_to(root).as_posix() if place.is_relative_to(root) else None,
        stdin,
        (*inputs, *read),
        outputs,
        asked.level,
        asked.threads,
        asked.seconds,
        recorded(asked.level, asked.threads),
        inherited_digests(os.environ),
        host()["cpu"],
        describe(root),
    )


def _planned(log: Log, root: Path, plan: CommandPlan, held: ExitStack) -> tuple[str, int]:
    """Give the execution its name and its lock, and make its plan durable and signed."""
    with names_locked(root):
        name = _name(root, plan)
        held.enter_context(hold(log.directory, name))
        with deferred():
            seq = log.append("command.planned", planned(plan, name)).seq
            log.commit()
    return name, seq


def _name(root: Path, plan: CommandPlan) -> str:
    """Return the next name under the key; one at random where there is none. Names locked."""
    key = plan.execution_key
    if key is None:
        return f"{COMMAND}{secrets.token_hex(layout.PREFIX // 2)}-1"
    start = f"{COMMAND}{key[: layout.PREFIX]}-"
    pattern = re.compile(f'"run":"{start}([1-9][0-9]*)"'.encode())
    lines = lines_with(root / DIRECTORY, f'"run":"{start}'.encode())
    given = {match[1] for line in lines if (match := pattern.search(line))}
    # Anybody may have appended a name: one that is no count of ours is only not given again.
    attempt = max((int(text) for text in given if len(text) < COUNTED), default=0) + 1
    while str(attempt).encode() in given:
        attempt += 1
    return f"{start}{attempt}"


def _found(
    plan: CommandPlan,
    read: Sequence[Input],
    there: Mapping[str, Mapping[str, State]],
    before: Mapping[str, State] | None,
    look: Callable[[], dict[str, State]],
    place: Path,
) -> Found:
    """Look at everything again, once the command has ended."""
    outputs: dict[str, Content] = {}
    for name, path in sorted(plan.outputs.items()):
        try:
            outputs[name] = content_of(path, name, sha256=True)
        except InputError:
            continue
    changed = [one for one in read if (now := one.now()) is None or now != one]
    handled = [one for one in read if one not in changed and one.is_touched]
    missing = tuple(sorted(plan.outputs.keys() - outputs.keys()))
    undeclared = None if before is None else _undeclared(plan, touched(before, look()), place)
    untouched = tuple(n for n in outputs if there[n] and there[n] == states_at(plan.outputs[n]))
    return Found(outputs, missing, untouched, tuple(changed), tuple(handled), undeclared)


def _undeclared(plan: CommandPlan, paths: Sequence[str], place: Path) -> tuple[str, ...]:
    """Return what was touched and is not declared as output, as text that a record can hold."""
    declared = [os.path.realpath(path) for path in plan.outputs.values()]
    return tuple(
        os.fsencode(path).decode("utf-8", "backslashreplace")
        for path in paths
        if not any(is_within(os.path.realpath(place / path), other) for other in declared)
    )


def _ended(log: Log, cosign: Callable[[], None], root: Path, outcome: Outcome) -> Outcome:
    """Record the end of a command that ended by itself, and an incident if its bits are others."""
    plan, ended, found = outcome.plan, outcome.ended, outcome.found
    if found is None:
        raise AssertionError("a command that ended was not looked at")
    lacking = found.missing or found.untouched or found.changed or found.touched
    is_whole = ended.exit_status == 0 and not lacking and not ended.left_running
    record: dict[str, Any] = {
        "run": outcome.run,
        "plan": outcome.record,
        "execution_key": plan.execution_key,
        "promised": plan.is_promised and is_whole,
        "status": ended.status,
        "signal": ended.signal,
        "timed_out": ended.late,
        "failure": ended.failure,
        "left_running": ended.left_running,
        "outputs": listed(
            "outputs", [{"name": name, **found.outputs[name].facts()} for name in found.outputs]
        ),
        "output_digest": found.output_digest,
        "missing": listed("outputs", found.missing),
        "untouched": listed("outputs", found.untouched),
        "changed": listed("outputs", [one.name for one in found.changed]),
        "touched": listed("outputs", [one.name for one in found.touched]),
        "undeclared": None if found.undeclared is None else listed("outputs", found.undeclared),
    }
    # One at a time: of two that end together, the second must see the first one's bits.
    with deferred(), names_locked(root):
        others = contradictions(root, record)
        differing = differing_outputs(root, others[-1]["run"], found) if others else ()
        records = [("command.executed", record)]
        records += [("incident", incident(record, others))] if others else []
        appended = log.append_many(records)
        log.commit()
    cosign()
    return Outcome(
        outcome.run,
        plan,
        ended,
        found,
        appended[0].seq,
        tuple(dict.fromkeys(str(other["run"]) for other in others)),
        differing,
        appended[1].seq if others else None,
    )


def _interrupted(
    log: Log, cosign: Callable[[], None], outcome: Outcome, reason: str = "the user stopped it"
) -> Outcome:
    """Record that somebody stopped a command, or why else nothing is known of its end."""
    body = {
        "run": outcome.run,
        "plan": outcome.record,
        "reason": reason,
        "status": outcome.ended.status,
        "signal": outcome.ended.signal,
    }
    with deferred():
        seq = log.append("command.interrupted", body).seq
        log.commit()
    cosign()
    return Outcome(outcome.run, outcome.plan, outcome.ended, None, seq)
