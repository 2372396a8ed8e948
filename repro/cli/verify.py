"""``repro verify RUN``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repro.cli import completing, output
from repro.cli.compared import grouped
from repro.cli.completing import offer
from repro.cli.options import AsFormat, Format, NoProgress, Quiet, Run, Workspace
from repro.cli.progress import observer

if TYPE_CHECKING:
    from repro.verbs.comparing.rounds import Round, Verification

SHOWN = 20


def command(
    run: Run,
    rounds: Annotated[
        int, typer.Option("--rounds", min=1, max=10_000, help="How often it is done again.")
    ] = 1,
    vary: Annotated[
        bool, typer.Option("--vary", help="Then once under each variation of what is around it.")
    ] = False,
    variation: Annotated[
        list[str] | None,
        typer.Option(
            "--variation",
            help="Then once under this one.",
            metavar="NAME",
            autocompletion=offer(completing.variations),
        ),
    ] = None,
    workspace: Workspace = Path(),
    form: AsFormat = Format.text,
    quiet: Quiet = False,
    no_progress: NoProgress = False,
) -> int:
    """Do a sealed run again, from what was sealed, and compare every bit.

    --vary does it again under another hash seed, directory, time zone, locale, order of files,
    umask, number of processors and load, and says which of them, if any, breaks the bits.

    Exits 0 for the same bits, 1 for others that something explains, 4 if the run is not what was
    sealed, 5 for others that nothing explains: an alarm.
    """
    from repro.config.documents.workspace import find_root
    from repro.execution.variation import VARIATIONS
    from repro.runs.finding import find
    from repro.verbs.comparing.reexecute import variations, verify_run

    asked = variations([*(VARIATIONS if vary else ()), *(variation or ())])
    root = find_root(workspace.resolve())
    with observer(quiet, no_progress) as watching:
        done = verify_run(root, find(root, run), watching, rounds, asked)
    if form is Format.json:
        output.result(json.dumps(_json(done), indent=2, ensure_ascii=False))
    else:
        _text(done)
    return done.exit_status


def _json(done: Verification) -> dict[str, Any]:
    """Return what was found as JSON."""
    return {
        "schema": 1,
        "command": "verify",
        "run": done.run.name,
        "level": done.run.snapshot["level"],
        "verdict": done.verdict,
        "exit_status": done.exit_status,
        "differing_outputs": list(done.outputs),
        "causes": [asdict(cause) for cause in done.causes],
        "rounds": [
            {
                "variation": one.variation.name,
                "how": one.variation.how,
                "held": one.variation.held,
                "same": one.same,
                "output_digest": one.output_digest or None,
                "differing_outputs": list(one.outputs),
                "divergence": [asdict(found) for found in one.divergence],
                "failure": one.failure,
            }
            for one in done.rounds
        ],
        "record": done.record,
        "incident": done.incident,
    }


def _text(done: Verification) -> None:
    """Write what differs from then, the verdict, and what each variation did."""
    from repro.execution.variation import NONE

    for cause in done.causes[:SHOWN]:
        output.plain(f"differs from then: {cause.kind}: {cause.subject}")
    if len(done.causes) > SHOWN:
        output.result(f"and {len(done.causes) - SHOWN} more")
    colour = {0: "green", 1: "yellow"}.get(done.exit_status, "red")
    plain = [one for one in done.rounds if one.variation is NONE]
    count = len(done.run.snapshot["outputs"])
    often = f" in {len(plain)} rounds" if len(plain) > 1 else ""
    said = (
        f"all {count} outputs are the same, bit for bit{often}"
        if not done.outputs
        else f"these outputs differ: {grouped(done.outputs)}"
    )
    if done.broken_under and not done.outputs:
        said = f"other bits under: {', '.join(done.broken_under)}"
    output.result(f"{output.style(done.verdict, colour)}: run {done.run.name}: {said}")
    for number, one in enumerate(plain, 1):
        if not one.same:
            _divergence(one, f"round {number}: " if len(plain) > 1 else "")
    for one in done.rounds:
        if one.variation is not NONE:
            held = ""
            if one.variation.held:
                level = one.variation.promised_by
                held = f"; promised by {level} alone" if level else "; the level holds it fixed"
            what = "same bits" if one.same else "OTHER BITS" if one.failure is None else "FAILED"
            output.result(f"  {one.variation.name:<10}  {what}  ({one.variation.how}{held})")
            if one.failure is not None:
                output.plain(f"    {one.failure}")
            _divergence(one, "  ")
    if done.incident is not None:
        output.result(f"alarm: two results under one execution key, record {done.incident}")
    if done.run.snapshot["level"] == "best-effort":
        output.result(output.NOT_PROMISED)
    output.result(f"recorded as record {done.record} of the log")


def _divergence(one: Round, before: str) -> None:
    """Write where a round first went another way, and what followed."""
    for number, found in enumerate(one.divergence):
        word = "first" if number == 0 else "then"
        output.plain(f"  {before}{word}: {found.kind}: {found.where}")
