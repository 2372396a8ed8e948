"""Findings as workflow commands of GitHub Actions: annotations at the lines of a pull request.

The commands are ``::error file=,line=,col=,endColumn=,title=::message``; a percent sign and line
breaks are escaped as ``%25``, ``%0D`` and ``%0A``, and in what stands before the second ``::`` also
``:`` and ``,``.
"""

from __future__ import annotations

from collections.abc import Sequence

from repro.errors import Problem
from repro.report.characters import is_file, sentence, unicode


def github(problems: Sequence[Problem]) -> str:
    """Return one command a line, errors as ``::error``, warnings as ``::warning``; "" for none.

    Names of files must be relative to the repository. What lies in no file (an argument, standard
    input) names it in the message. ``endColumn`` is the last column, counted in characters.
    """
    return "".join(f"{_command(problem)}\n" for problem in problems)


def _command(problem: Problem) -> str:
    place = problem.place
    message = sentence(problem)
    properties: dict[str, object] = {}
    if is_file(problem):
        properties = {
            "file": place.file,
            "line": place.line,
            "col": place.column,
            "endColumn": max(place.column, place.end - 1),
        }
    else:
        message = f"{place.file}:{place.line}:{place.column}: {message}"
    properties["title"] = f"repro: {problem.rule}"
    listed = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    word = "warning" if problem.severity == "warning" else "error"
    return f"::{word} {listed}::{_data(message)}"


def _data(text: str) -> str:
    escaped = unicode(text).replace("%", "%25")
    return escaped.replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
