"""``repro exec -- COMMAND``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repro.cli import completing, output
from repro.cli.completing import offer
from repro.cli.options import AsFormat, Format, Quiet, Workspace

if TYPE_CHECKING:
    from repro.verbs.commands.execute import Outcome

SHOWN = 20


def command(
    arguments: Annotated[
        list[str], typer.Argument(help="The command, after --.", metavar="-- COMMAND [ARGUMENT]…")
    ],
    read: Annotated[
        list[str] | None,
        typer.Option(
            "--input", "-i", help="What it reads: file or folder; repeatable.", metavar="PATH"
        ),
    ] = None,
    written: Annotated[
        list[str] | None,
        typer.Option(
            "--output", "-o", help="What it writes: file or folder; repeatable.", metavar="PATH"
        ),
    ] = None,
    level: Annotated[
        str,
        typer.Option(
            "--level",
            help="What is promised of the bits.",
            autocompletion=offer(completing.levels),
        ),
    ] = "strict",
    threads: Annotated[
        int, typer.Option("--threads", help="How many threads libraries may use.", min=1)
    ] = 1,
    timeout: Annotated[
        float | None,
        typer.Option("--timeout", help="How long it may take; above 0.", metavar="SECONDS"),
    ] = None,
    hide_arguments: Annotated[
        bool, typer.Option("--hide-arguments", help="Log only a commitment to the arguments.")
    ] = False,
    list_undeclared: Annotated[
        bool,
        typer.Option(
            "--list-undeclared", help="Warn of files that it touches and that are no --output."
        ),
    ] = False,
    sha256: Annotated[
        bool,
        typer.Option(
            "--sha256", help="Record the SHA-256 of each input file too, beside its BLAKE3."
        ),
    ] = False,
    workspace: Workspace = Path(),
    form: AsFormat = Format.text,
    quiet: Quiet = False,
) -> int:
    """Run any command under the strict environment; log its inputs, outputs and exit status.

    Working directory and streams stay as they are, and the exit status is the command's. 124: its
    time was over; 126, 127: it cannot be executed, it is not there; 128+N: signal N ended it. Where
    it ended with 0: 5 if an input was changed, if something that it started still runs, or if the
    same command gave other bits before; 6 if an output is missing.
    """
    from repro.verbs.commands.execute import ExecCommand, execute

    as_json = form is Format.json
    outcome = execute(
        ExecCommand(
            workspace,
            tuple(arguments),
            tuple(read or ()),
            tuple(written or ()),
            level,
            threads,
            timeout,
            hide_arguments,
            list_undeclared,
            sha256,
            as_json,
            output.warn,
        )
    )
    if as_json:
        output.result(json.dumps(_json(outcome), indent=2, ensure_ascii=False))
    _talk(outcome, quiet)
    return outcome.exit_status


def _json(outcome: Outcome) -> dict[str, Any]:
    """Return what became of the command as JSON."""
    plan, ended, found = outcome.plan, outcome.ended, outcome.found
    return {
        "schema": 1,
        "command": "exec",
        "run": outcome.run,
        "exit_status": outcome.exit_status,
        "status": ended.status,
        "signal": ended.signal,
        "timed_out": ended.late,
        "failure": ended.failure,
        "left_running": ended.left_running,
        "interrupted": found is None,
        "execution_key": plan.execution_key,
        "promised": plan.is_promised,
        "inputs": [one.facts() for one in plan.inputs],
        "outputs": [
            {"name": name, **content.facts()}
            for name, content in (found.outputs if found else {}).items()
        ],
        "output_digest": found.output_digest if found else None,
        "missing": list(found.missing) if found else [],
        "untouched": list(found.untouched) if found else [],
        "changed": [one.name for one in found.changed] if found else [],
        "touched": [one.name for one in found.touched] if found else [],
        "undeclared": list(found.undeclared) if found and found.undeclared is not None else None,
        "contradicted": list(outcome.contradicted),
        "differing": list(outcome.differing),
        "record": outcome.record,
        "incident": outcome.incident,
    }


def _talk(outcome: Outcome, quiet: bool) -> None:
    """Say on the standard error what went otherwise than declared, and where it is recorded.

    The standard output is the command's.
    """
    ended, found = outcome.ended, outcome.found
    if ended.failure is not None:
        output.error(f"the command could not be started: {ended.failure}", None)
    if ended.late:
        output.error("the command was ended: it took longer than --timeout", None)
    if ended.left_running:
        output.error(
            f"processes that it started and that still run: {ended.left_running}",
            "what they write was digested already: let the command wait for them",
        )
    if found is not None:
        whole = ended.exit_status == 0
        for name in found.missing:
            if whole:
                output.error(f"no output {name}", "it was declared with --output")
        if found.untouched and whole:
            output.warn(
                f"there before, and not written: {_some(found.untouched)}; so the bits are not "
                "promised: remove it first"
            )
        if found.violations:
            output.error(
                f"an input was changed meanwhile: {_some(found.violations)}",
                "what the command writes is no input: declare it with --output",
            )
        if found.touched:
            output.warn(
                f"touched while it ran, though the bytes are the same: "
                f"{_some([one.name for one in found.touched])}; what was read meanwhile nobody can "
                "say, so the bits are not promised"
            )
        for one in found.changed:
            if not one.declared:
                output.warn(f"{one.name} was changed: declare it with --output")
        if found.undeclared:
            output.warn(f"touched, and not declared with --output: {_some(found.undeclared)}")
    if outcome.contradicted:
        which = f": {_some(outcome.differing)}" if outcome.differing else ""
        output.error(
            f"other bits than {outcome.contradicted[-1]}{which}",
            "command, executable, inputs and settings are the same, and the log has an incident: "
            "either the command is not deterministic, or it reads what no --input declares",
        )
    if not quiet:
        what = "was interrupted" if found is None else f"ended with {_ending(outcome)}"
        output.talk(f"repro: {outcome.run} {what}, record {outcome.record} of the log")


def _ending(outcome: Outcome) -> str:
    """Return how a command ended, for people."""
    ended = outcome.ended
    return f"signal {ended.signal}" if ended.signal else f"exit status {ended.exit_status}"


def _some(names: Sequence[str]) -> str:
    """Return the first of ``names``, and how many there are more."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"
