"""``repro validate``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repro.cli import output
from repro.cli.completing import kinds_of_documents, offer
from repro.cli.options import Workspace
from repro.cli.selection import Chosen, selecting
from repro.errors import UsageError

if TYPE_CHECKING:
    from repro.config.resolution.resolve import Selection
    from repro.verbs.configuring.validate import Validation


class Report(StrEnum):
    """How findings are written."""

    text = "text"
    json = "json"
    github = "github"
    sarif = "sarif"
    junit = "junit"


Things = Annotated[
    list[str] | None,
    typer.Argument(
        help="Files, folders, or - for stdin; none: the whole workspace. "
        "And overrides, as key=value.",
        metavar="[PATH]… [KEY=VALUE]…",
    ),
]
Kind = Annotated[
    str | None,
    typer.Option(
        "--kind",
        help="The kind of documents outside CONFIG: a schema or a family.",
        autocompletion=offer(kinds_of_documents),
    ),
]
StdinName = Annotated[
    str | None,
    typer.Option("--stdin-filename", help="The name that standard input goes by.", metavar="FILE"),
]
Strict = Annotated[bool, typer.Option("--strict", help="Warnings count as findings: exit 1.")]
AsReport = Annotated[Report, typer.Option("--format", help="How findings are written.")]


def _selecting(command: Callable[..., int]) -> Callable[..., int]:
    """Give the command the options that choose a configuration; its arguments it sorts itself."""
    return selecting(command, overrides=False)


@_selecting
def command(
    chosen: Chosen,
    workspace: Workspace = Path(),
    kind: Kind = None,
    stdin_filename: StdinName = None,
    strict: Strict = False,
    form: AsReport = Report.text,
    things: Things = None,
) -> int:
    """Check every configuration file against its schema, then across files: all problems.

    A file of a workspace is read with its workspace; any other by itself, as --kind, its
    yaml-language-server line or its name says. Exits 0 if all is well, 1 with findings, 2 if the
    command line is wrong, 3 if something cannot be read.
    """
    from repro.config.resolution.resolve import Selection

    paths, overrides = _sorted(things or [])
    selection = replace(chosen, overrides=overrides).selection()
    asked = None if selection == Selection() else selection
    if paths and workspace != Path():
        raise UsageError("--workspace and a path were given", "give one of the two")
    if not paths and (kind or stdin_filename):
        flag = "--kind" if kind else "--stdin-filename"
        raise UsageError(f"{flag} without a path", "give files, folders, or - for standard input")
    if stdin_filename and "-" not in paths:
        raise UsageError("--stdin-filename without standard input", "give - as the path")
    found = _found(workspace, paths, asked, kind, stdin_filename)
    _write(found, form)
    return found.exit_status(strict=strict)


def _sorted(things: list[str]) -> tuple[list[str], list[str]]:
    """Return the paths, and the overrides: those that hold ``=`` with no slash before it."""
    overrides = [text for text in things if "/" not in text.split("=")[0] and "=" in text]
    return [text for text in things if text not in overrides], overrides


def _found(
    workspace: Path,
    paths: list[str],
    asked: Selection | None,
    kind: str | None,
    stdin_filename: str | None,
) -> Validation:
    """Return what is wrong with what was asked about."""
    if not paths:
        from repro.verbs.configuring.validate import validate

        return validate(workspace, asked)
    from repro.verbs.configuring.validate_paths import validate_paths

    files = [path for path in paths if path != "-"]
    stdin = (stdin_filename, sys.stdin.buffer.read()) if "-" in paths else None
    return validate_paths(files, asked, kind=kind, stdin=stdin)


def _write(found: Validation, form: Report) -> None:
    """Write the findings; only the text for people says that there are none."""
    if form is Report.json:
        document = {
            "schema": 1,
            "command": "validate",
            "root": None if found.root is None else str(found.root),
            "files": list(found.files),
            "problems": [output.problem_json(p) for p in found.problems],
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
    elif form is Report.text:
        _write_text(found)
    else:
        sys.stdout.write(_reported(found, form))


def _reported(found: Validation, form: Report) -> str:
    """Return the findings for another program: it knows files from the working directory."""
    from repro.verbs.configuring.validate_paths import seen_from_here

    found = seen_from_here(found)
    if form is Report.github:
        from repro.report.github import github

        return github(found.problems)
    if form is Report.junit:
        from repro.report.junit import junit

        return junit(found.problems, found.files, "repro validate")
    from repro.report.sarif import sarif
    from repro.report.validation import RULES

    return sarif(found.problems, RULES, None)


def _write_text(found: Validation) -> None:
    """Write the findings for people, and how many there are."""
    for problem in found.problems:
        text = output.problem_text(problem)
        if problem.severity == "warning":
            text = text.replace(": ", ": warning: ", 1)
        output.result(text)
    errors = len(found.errors)
    warnings = len(found.problems) - errors
    counts = [
        f"{count} {word}{'' if count == 1 else 's'}"
        for count, word in ((errors, "problem"), (warnings, "warning"))
        if count
    ]
    where = "" if found.root is None else f" in {found.root / 'CONFIG'}"
    number = len(found.files)
    valid = [] if errors else [f"valid: {number} document{'' if number == 1 else 's'}{where}"]
    output.result(", ".join([*valid, *counts]))
