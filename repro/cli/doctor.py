"""``repro doctor``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repro.cli import completing, output
from repro.cli.completing import offer
from repro.cli.options import AsFormat, Format, Workspace

if TYPE_CHECKING:
    from repro.verbs.workspace.doctor import Against, Diagnosis, Family, Level, Place

_MEANS = {
    "can": "can be had here",
    "differs": "can be had here, and not all is as the run had it",
    "cannot": "cannot be had here",
    "violated": "was set, and is not in force",
}
_COLOURS = {"can": "green", "differs": "yellow"}
GIGABYTE = 1e9


def command(
    level: Annotated[
        str | None,
        typer.Option("--level", help="Judge one level.", autocompletion=offer(completing.levels)),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="RUN",
            help="Say what differs from where a run was made.",
            autocompletion=offer(completing.runs),
        ),
    ] = None,
    workspace: Workspace = Path(),
    form: AsFormat = Format.text,
) -> int:
    """Say what this machine can promise of bits and, against a run, what differs."""
    from repro.verbs.workspace.doctor import diagnose

    found = diagnose(workspace, level, against)
    status = found.exit_status
    if form is Format.json:
        output.result(json.dumps(_json(found, status), indent=2, ensure_ascii=False))
    else:
        _text(found)
    return status


def _json(found: Diagnosis, status: int) -> dict[str, Any]:
    """Return what was found as JSON."""
    place, against = found.place, found.against
    return {
        "schema": 1,
        "command": "doctor",
        "verdict": found.verdict,
        "exit_status": status,
        "level": found.asked,
        "machine": found.machine,
        "levels": [asdict(level) for level in found.levels],
        "families": [asdict(family) for family in found.families],
        "workspace": None if place is None else {**asdict(place), "root": str(place.root)},
        "against": None if against is None else asdict(against),
    }


def _text(found: Diagnosis) -> None:
    """Write the verdict, and what it stands on."""
    said = output.style(found.verdict, _COLOURS.get(found.verdict, "red"))
    output.result(f"{said}: {found.asked} {_MEANS[found.verdict]}\n")
    machine = found.machine
    rows = [("machine", f"{machine['cpu'] or 'unknown CPU'}, {machine['processors']} processors")]
    if machine["openmp"] is False:
        rows.append(("openmp", "there is no libgomp: LightGBM needs it"))
    for level in found.levels:
        rows += _level(level)
    if found.place is not None:
        rows += _place(found.place)
    output.result(output.columns(rows))
    output.result("")
    output.result(output.columns(_families(found.families)))
    for family in found.families:
        for limit in family.limits:
            output.result(f"{family.family}: {limit}")
        if family.problem:
            output.result(f"{family.problem}; {family.hint}")
    if found.against is not None:
        _against(found.against)


def _level(level: Level) -> list[tuple[str, str]]:
    """Return what was read back of one level."""
    threads = f"{level.threads} thread{'' if level.threads == 1 else 's'}"
    rows = [(level.level, f"{level.state}, {threads}")]
    rows += [("", problem) for problem in level.problems]
    if level.environment is not None:
        environment = level.environment
        used = [name for name, on in environment["dispatched"].items() if on]
        kernels = {p["architecture"] for p in environment["pools"] if p["user_api"] == "blas"}
        interpreter = environment["interpreter"]
        rows += [
            ("", f"Python {interpreter['version']}, {interpreter['libc'] or 'unknown C library'}"),
            ("", f"NumPy {environment['versions']['numpy']} with {', '.join(used) or 'no more'}"),
            ("", f"BLAS for {', '.join(sorted(map(str, kernels))) or 'nothing known'}"),
            ("", f"numeric fingerprint {environment['numeric_fingerprint']}"),
        ]
    return rows


def _place(place: Place) -> list[tuple[str, str]]:
    """Return what is to be known of the workspace."""
    kind = place.file_system or "unknown file system"
    pinned = place.pinned or "null: write one to train at the level portable"
    rows = [("workspace", f"{kind}, {place.free / GIGABYTE:.1f} GB free")]
    rows += [("", f"reproducibility.numeric_fingerprint {pinned}")]
    return rows + [("", f"warning: {warning}") for warning in place.warnings]


def _families(families: tuple[Family, ...]) -> list[tuple[str, ...]]:
    """Return the families as a table."""
    head = ("family", "here", *(families[0].promises if families else ()))
    word = {True: "yes", False: "no"}
    rows = [
        (f.family, word[not f.problem], *(word[kept] for kept in f.promises.values()))
        for f in families
    ]
    return [head, *rows]


def _against(against: Against) -> None:
    """Write what differs from a run."""
    output.result("")
    for cause in against.causes:
        output.result(f"differs from then: {cause.kind}: {cause.subject}")
    if not against.causes:
        output.result(f"nothing that decides bits differs from run {against.run}")
    if against.level == "best-effort":
        output.result(f"run {against.run} is {output.NOT_PROMISED}")
