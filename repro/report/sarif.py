"""Findings as SARIF 2.1.0 (OASIS), which code scanners and editors show.

Nothing in it depends on when or where it was written: no times, no guids, no machine. Columns are
counted in Unicode code points, as the places of the findings are. Numbers of sections are those of
the standard.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from repro.errors import Problem
from repro.report.characters import is_file, sentence, unicode

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
BASE = "SRCROOT"
FINGERPRINT = "reproFinding/v1"


@dataclass(frozen=True, slots=True)
class Rule:
    """A check: the ``rule`` of its problems, one sentence, and what to do about them."""

    name: str
    summary: str
    help: str


def sarif(problems: Sequence[Problem], rules: Sequence[Rule], root: Path | None) -> str:
    """Return one log with one run, in the order of ``problems``.

    Names of files are relative to ``root``. With a ``root`` its URI is written too, which a viewer
    on the same machine needs; None leaves that open, as for a repository that is checked out
    anywhere. A rule of a problem that is not among ``rules`` is added by its name alone.
    """
    known = {rule.name: rule for rule in rules}
    names = [*known, *sorted({problem.rule for problem in problems} - known.keys())]
    index = {name: number for number, name in enumerate(names)}
    base: dict[str, Any] = {"description": {"text": "The folder that the files are named from."}}
    if root is not None:
        base = {"uri": _uri(root.absolute().as_posix().rstrip("/") + "/"), **base}
    run = {
        "tool": {"driver": {"name": "repro", "rules": [_rule(name, known) for name in names]}},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {BASE: base},
        "results": _results(problems, index),
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(_clean(log), indent=2, ensure_ascii=False) + "\n"


def _rule(name: str, known: Mapping[str, Rule]) -> dict[str, Any]:
    if name not in known:
        return {"id": name}
    rule = known[name]
    return {
        "id": name,
        "shortDescription": {"text": rule.summary},
        "help": {"text": rule.help},
    }


def _results(problems: Sequence[Problem], index: Mapping[str, int]) -> list[dict[str, Any]]:
    seen: dict[str, int] = {}
    results = []
    for problem in problems:
        digest = _digest(problem)
        seen[digest] = seen.get(digest, 0) + 1
        results.append(
            {
                "ruleId": problem.rule,
                "ruleIndex": index[problem.rule],
                "level": "warning" if problem.severity == "warning" else "error",
                "message": {"text": _message(problem)},
                **_locations(problem),
                "partialFingerprints": {FINGERPRINT: f"{digest}:{seen[digest]}"},
            }
        )
    return results


def _message(problem: Problem) -> str:
    """Return the message: braces doubled (3.11.5), and nothing that reads as a link (3.11.6)."""
    text = sentence(problem)
    if not is_file(problem):
        place = problem.place
        text = f"{place.file}:{place.line}:{place.column}: {text}"
    return text.replace("{", "{{").replace("}", "}}").replace("](", "] (")


def _locations(problem: Problem) -> dict[str, Any]:
    if not is_file(problem):
        return {}
    place = problem.place
    region: dict[str, Any] = {
        "startLine": place.line,
        "startColumn": place.column,
        "endColumn": max(place.column, place.end),
    }
    location: dict[str, Any] = {"artifactLocation": _artifact(place.file), "region": region}
    if problem.source:
        if inside := problem.source[place.column - 1 : place.end - 1]:
            region["snippet"] = {"text": inside}
        line = {"startLine": place.line, "snippet": {"text": problem.source}}
        location["contextRegion"] = line
    return {"locations": [{"physicalLocation": location}]}


def _artifact(file: str) -> dict[str, str]:
    """Return where a file is: relative to the base, unless its name is absolute."""
    if os.path.isabs(file):  # noqa: PTH117  a name, which may be of another system's making
        return {"uri": _uri(file)}
    return {"uri": quote(os.fsencode(file)), "uriBaseId": BASE}


def _uri(path: str) -> str:
    return "file://" + quote(os.fsencode(path))


def _digest(problem: Problem) -> str:
    """Return what stays the same when lines move: rule, file, path, and the text at fault.

    The message is not in it where the line is known: it may name other lines by their numbers.
    """
    said = problem.message if problem.source is None else problem.source.strip()
    parts = json.dumps([problem.rule, problem.place.file, problem.path, said])
    return hashlib.sha256(parts.encode("ascii")).hexdigest()[:32]


def _clean(value: Any) -> Any:
    """Return ``value`` with every text such as UTF-8 can hold."""
    if isinstance(value, dict):
        return {key: _clean(below) for key, below in value.items()}
    if isinstance(value, list):
        return [_clean(below) for below in value]
    return unicode(value) if isinstance(value, str) else value
