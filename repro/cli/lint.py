"""``repro lint``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repro.cli import output
from repro.cli.completing import lint_rules, offer
from repro.errors import UsageError

if TYPE_CHECKING:
    from datetime import date

    from repro.lint.rules import LintRule
    from repro.verbs.configuring.linting import Linting


class Format(StrEnum):
    """How findings are written."""

    text = "text"
    json = "json"
    github = "github"
    sarif = "sarif"


def command(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH]…",
            help="Files and folders, - for standard input; without one, this folder.",
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option("--exclude", metavar="PATTERN", help="Leave out what a shell pattern means."),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="DATE", help="The day for waivers: YYYY-MM-DD, or today."),
    ] = None,
    rules: Annotated[bool, typer.Option("--rules", help="List the rules and end.")] = False,
    explain: Annotated[
        str | None,
        typer.Option(
            "--explain",
            metavar="RULE",
            help="Explain one rule and end.",
            autocompletion=offer(lint_rules),
        ),
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", help="How findings are written.")
    ] = Format.text,
) -> int:
    """Find values that belong in configuration, and what makes code run otherwise each time.

    Exits 0 if it finds nothing, 1 with findings, 2 if the command line is wrong, 3 if a file cannot
    be read.
    """
    day = _day(as_of)
    if rules or explain is not None:
        return _tell(_chosen(explain), day, form)
    from repro.verbs.configuring.linting import lint

    done = lint(paths or ["."], exclude or [], day)
    if form is Format.json:
        output.result(json.dumps(_document(done), indent=2, ensure_ascii=False))
    elif form is Format.github:
        from repro.report.github import github

        if done.problems:
            output.result(github(done.problems).removesuffix("\n"))
    elif form is Format.sarif:
        output.result(_sarif(done).removesuffix("\n"))
    else:
        _show(done)
    return done.exit_status


def _day(text: str | None) -> date:
    """Return the day that waivers are held against; raises UsageError."""
    from datetime import date

    if text is None:
        return date.today()
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:  # it takes other ways of writing too
        raise UsageError(f"--as-of: {text!r} is no day", "write it as 2027-06-30")
    return day


def _chosen(word: str | None) -> Sequence[LintRule]:
    """Return the rule of a name or code, or all; raises UsageError."""
    from repro.lint.rules import RULES, rule_called

    if word is None:
        return tuple(RULES.values())
    rule = rule_called(word)
    if rule is None:
        raise UsageError(f"there is no rule {word!r}", f"rules: {', '.join(RULES)}")
    return (rule,)


def _tell(chosen: Sequence[LintRule], day: date, form: Format) -> int:
    """Write rules: one at length, several a line each."""
    if form is Format.json:
        document = _head(day) | {"rules": [_rule_json(rule) for rule in chosen]}
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
    elif form is not Format.text:
        raise UsageError(f"--format {form.value} holds findings, not rules", "use text or json")
    elif len(chosen) > 1:
        output.result(output.columns([(r.code, r.name, r.summary) for r in chosen]))
    else:
        (rule,) = chosen
        output.result(f"{rule.code} {rule.name}: {rule.summary}\n\n{rule.why}\n\n{rule.mend}")
        if rule.waivable:
            output.result(f"\nTo allow it on one line, for a time:\n{_waiver(rule.name)}")
    return 0


def _waiver(name: str) -> str:
    return f"  # repro: allow {name} until YYYY-MM-DD: reason"


def _show(done: Linting) -> None:
    """Write findings as text, the advice once for each rule."""
    from repro.config.schema.problem_text import render
    from repro.lint.rules import RULES

    counts: dict[str, int] = {}
    for problem in done.problems:
        counts[problem.rule] = counts.get(problem.rule, 0) + 1
        shown = f"{RULES[problem.rule].code} {problem.rule}"
        output.result(render(replace(problem, path=shown, hint=None)))
    for name, rule in RULES.items():
        if name in counts:
            often = "once" if counts[name] == 1 else f"{counts[name]} times"
            output.result(f"{rule.code} {name}, {often}: {rule.mend}")
    files = f"{done.files} file{'' if done.files == 1 else 's'}"
    waivers = f", {len(done.waivers)} waived" if done.waivers else ""
    count = len(done.problems)
    if count:
        output.result(f"{count} finding{'' if count == 1 else 's'} in {files}{waivers}")
    else:
        output.result(f"clean: {files}{waivers}")


def _head(day: date) -> dict[str, Any]:
    """Return what the JSON of a lint has before anything was read."""
    return {
        "schema": 1,
        "command": "lint",
        "as_of": day.isoformat(),
        "files": 0,
        "bytes": 0,
        "problems": [],
        "waivers": [],
        "rules": [],
    }


def _document(done: Linting) -> dict[str, Any]:
    """Return what was found as JSON."""
    from repro.lint.rules import RULES

    broken = {problem.rule for problem in done.problems}
    waivers = [
        {
            "file": waiver.place.file,
            "line": waiver.line,
            "rule": waiver.rule,
            "until": waiver.until.isoformat(),
            "reason": waiver.reason,
        }
        for waiver in done.waivers
    ]
    return _head(done.as_of) | {
        "files": done.files,
        "bytes": done.size,
        "problems": [output.problem_json(problem) for problem in done.problems],
        "waivers": waivers,
        "rules": [_rule_json(rule) for name, rule in RULES.items() if name in broken],
    }


def _rule_json(rule: LintRule) -> dict[str, Any]:
    return {
        "code": rule.code,
        "name": rule.name,
        "summary": rule.summary,
        "why": rule.why,
        "mend": rule.mend,
        "waivable": rule.waivable,
    }


def _sarif(done: Linting) -> str:
    from repro.lint.rules import RULES
    from repro.report.sarif import Rule, sarif

    told = [Rule(r.name, r.summary, f"{r.why} {r.mend}") for r in RULES.values()]
    return sarif(done.problems, told, Path.cwd())
