"""``repro trainers check FAMILY``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repro.cli import completing, output
from repro.cli.completing import offer
from repro.cli.options import AsFormat, Format, NeededFamily, Quiet

if TYPE_CHECKING:
    from repro.conformance.run import Report, Verdict


def command(
    family: NeededFamily,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            help="A check, by name; all but probes without it.",
            metavar="CHECK",
            autocompletion=offer(completing.checks),
        ),
    ] = None,
    seconds: Annotated[
        int | None,
        typer.Option(
            "--seconds", help="How long one fit may take before it is said to hang.", min=1
        ),
    ] = None,
    form: AsFormat = Format.text,
    quiet: Quiet = False,
) -> int:
    """Try a trainer in workers of its own; say where it does not keep the contract."""
    from repro.conformance.bench import SECONDS
    from repro.conformance.run import check_trainer

    told = form is Format.text
    said: dict[str, str] = {}
    report = check_trainer(
        family,
        only or (),
        seconds=seconds or SECONDS,
        starting=lambda check: None if quiet or told else output.talk(f"checking {check.name}"),
        done=lambda verdict: _tell(verdict, said) if told else None,
    )
    if not told:
        output.result(json.dumps(_document(report), indent=2, ensure_ascii=False))
        return report.exit_status
    failed = [verdict for verdict in report.verdicts if not verdict.passed]
    count = len(report.verdicts)
    checks = f"{count} check{'' if count == 1 else 's'}"
    if failed:
        output.result(f"\n{family} does not keep the contract: {len(failed)} of {checks} failed")
        for sentence, name, several in report.repeated:
            more = f"{several - 1} more check{'' if several == 2 else 's'}"
            output.result(f"    the same in {name} and {more}: {sentence}")
    else:
        output.result(f"\n{family} keeps the contract: {checks} passed")
    return report.exit_status


def _tell(verdict: Verdict, said: dict[str, str]) -> None:
    """Write what a check found, as soon as it is known.

    ``said`` maps each sentence that was written to its check: it is not written again.
    """
    word, colour = ("passed", "green") if verdict.passed else ("failed", "red")
    output.result(f"{output.style(word, colour)}  {verdict.check.name}: {verdict.check.proves}")
    tasks: dict[tuple[bool, str], list[str]] = {}
    for finding in (*verdict.faults, *verdict.notes):
        tasks.setdefault((finding.note, finding.message), []).append(finding.task)
    again: dict[str, None] = {}
    for (note, message), where in tasks.items():
        first = said.setdefault(message, verdict.check.name)
        if first != verdict.check.name and not note:
            again[first] = None
            continue
        named = ", ".join(filter(None, where))
        output.result(f"    {'note: ' if note else ''}{f'{named}: ' if named else ''}{message}")
    for first in again:
        output.result(f"    the same as in {first}")


def _document(report: Report) -> dict[str, Any]:
    """Return a report as JSON."""
    return {
        "schema": 1,
        "command": "trainers check",
        "family": report.declaration.family,
        "distribution": report.declaration.distribution,
        "version": report.declaration.version,
        "exit_status": report.exit_status,
        "checks": [
            {
                "name": verdict.check.name,
                "proves": verdict.check.proves,
                "passed": verdict.passed,
                "faults": [{"task": f.task, "message": f.message} for f in verdict.faults],
                "notes": [{"task": f.task, "message": f.message} for f in verdict.notes],
            }
            for verdict in report.verdicts
        ],
    }
