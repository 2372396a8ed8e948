"""What was run with ``repro exec``, as the log has it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from repro.audit_log.storage.running import is_running
from repro.facts.contents import Content
from repro.verbs.audit.log import records_naming
from repro.verbs.audit.reading import reading
from repro.verbs.commands.command_plan import Found

HIDDEN: Final = "(hidden)"


@dataclass(frozen=True, slots=True)
class Executed:
    """One execution: its plan, and its end if it has one."""

    run: str
    time: str
    """When it was planned."""
    plan: Mapping[str, Any]
    """The body of ``command.planned``."""
    end: Mapping[str, Any] | None
    """The body of the record that ended it."""
    state: str
    """``executed``, ``interrupted``, ``running``, or ``open``: no end, and nobody runs it."""

    @property
    def command(self) -> str:
        """Return the command as it could be typed; what is hidden or too long, in words."""
        arguments = self.plan["arguments"]
        if "hidden" in arguments:
            return HIDDEN
        if "list" not in arguments:
            return f"({arguments['count']} arguments)"
        return shlex.join(arguments["list"])

    @property
    def ending(self) -> str:
        """Return how it ended, in a word."""
        end = self.end or {}
        if self.state != "executed":
            return self.state
        if end["timed_out"]:
            return "timed out"
        if end["failure"] is not None:
            return "not started"
        return str(end["signal"] if end["status"] is None else end["status"])


def all_commands(root: Path) -> tuple[Executed, ...]:
    """Return every execution that the log has, oldest first."""
    with reading(root) as log:
        ends = {
            str(found.record.body["run"]): found.record
            for kind in ("command.executed", "command.interrupted")
            for found in log.of_type(kind)
        }
        made = []
        for found in log.of_type("command.planned"):
            run = str(found.record.body["run"])
            end = ends.get(run)
            if end is not None:
                state = end.type.partition(".")[2]
            else:
                state = "running" if is_running(log.directory, run) else "open"
            body = None if end is None else end.body
            made.append(Executed(run, found.record.time, found.record.body, body, state))
    return tuple(made)


def differing_outputs(root: Path, run: str, found: Found) -> tuple[str, ...]:
    """Return the outputs that an earlier execution had otherwise; none if it does not list them."""
    for kind, body in records_naming(root, f'"run":"{run}"'):
        if kind == "command.executed" and body.get("run") == run:
            # Anybody may have appended it: who cannot read it says nothing, and ends all the same.
            with suppress(AttributeError, LookupError, TypeError):
                then = {one["name"]: one for one in body["outputs"]["list"]}
                named = found.outputs.items()
                return tuple(name for name, now in named if _differs(then[name], now))
    return ()


def _differs(then: Mapping[str, Any], now: Content) -> bool:
    return bool(now.blake3 != (then["blake3"] if then["kind"] == "file" else then["tree"]))
