"""Findings as JUnit's XML, which build servers show: one test case a file."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from repro.errors import Problem
from repro.report.characters import sentence, xml

_BREAKS = {"\r": "&#13;"}
"""A parser of XML reads a bare carriage return as a line feed."""
_ATTRIBUTE = {'"': "&quot;", "\n": "&#10;", "\t": "&#9;", **_BREAKS}


def junit(problems: Sequence[Problem], files: Sequence[str], suite: str) -> str:
    """Return the document: a case for each of ``files``, and for what else a problem lies in.

    A file with errors has one ``failure`` with all of them, because most readers show only the
    first; its warnings are in ``system-out`` and do not fail it. There are no times in it.
    """
    by_file: dict[str, list[Problem]] = {file: [] for file in files}
    for problem in problems:
        by_file.setdefault(problem.place.file, []).append(problem)
    failures = sum(any(map(_fails, found)) for found in by_file.values())
    counts = f'tests="{len(by_file)}" failures="{failures}" errors="0" skipped="0"'
    name = f'name="{_attribute(suite)}"'
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites {name} {counts}>"]
    lines.append(f"  <testsuite {name} {counts}>")
    for file, found in by_file.items():
        lines += _case(file, found, suite)
    lines += ["  </testsuite>", "</testsuites>"]
    return "\n".join(lines) + "\n"


def _case(file: str, found: Sequence[Problem], suite: str) -> list[str]:
    opening = f'    <testcase classname="{_attribute(suite)}" name="{_attribute(file)}"'
    errors = [problem for problem in found if _fails(problem)]
    warnings = [problem for problem in found if not _fails(problem)]
    if not found:
        return [f"{opening}/>"]
    lines = [f"{opening}>"]
    if errors:
        count = f"{len(errors)} problem{'' if len(errors) == 1 else 's'}"
        first = f"{count}: {sentence(errors[0]).splitlines()[0]}"
        kind = _attribute(errors[0].rule)
        lines.append(f'      <failure message="{_attribute(first)}" type="{kind}">')
        lines += [_text(problem) for problem in errors]
        lines.append("      </failure>")
    if warnings:
        lines.append("      <system-out>")
        lines += [_text(problem) for problem in warnings]
        lines.append("      </system-out>")
    return [*lines, "    </testcase>"]


def _fails(problem: Problem) -> bool:
    return problem.severity != "warning"


def _text(problem: Problem) -> str:
    place = problem.place
    where = f"{place.file}:{place.line}:{place.column}"
    excerpt = f"\n{place.line:>5} | {problem.source}" if problem.source else ""
    said, _, hint = sentence(problem).partition("\nhint: ")
    advice = f"\n  hint: {hint}" if hint else ""
    return escape(xml(f"{where}: {problem.severity}: {said}{excerpt}{advice}"), _BREAKS)


def _attribute(text: str) -> str:
    return escape(xml(text), _ATTRIBUTE)
