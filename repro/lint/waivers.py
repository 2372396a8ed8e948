"""Waivers in the code: a comment that says what is allowed, until when, and why.

    # repro: allow hardcoded-seed until 2027-06-30: the published table was made with it

It stands at the end of the line of the finding, or alone on the line above it.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from repro.errors import Place, Problem
from repro.lint.rules import BAD_WAIVER, EXPIRED, RULES, UNKNOWN_RULE, UNUSED, rule_called
from repro.lint.source import Source

_OPENING = re.compile(r"#\s*repro:\s*allow\b", re.IGNORECASE)
_WAIVER = re.compile(
    r"#\s*repro:\s*allow\s+(?P<rules>[\w-]+(?:\s*,\s*[\w-]+)*)"
    r"\s+until\s+(?P<until>[0-9]{4}-[0-9]{2}-[0-9]{2})\s*:(?P<reason>.*)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Waiver:
    """One rule that a comment allows on one line."""

    place: Place
    line: int
    """The line of the findings that it allows."""
    rule: str
    until: date
    """The last day on which it does."""
    reason: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What is left of the findings of a file, and the waivers that took the others."""

    problems: tuple[Problem, ...]
    used: tuple[Waiver, ...]


def judge(source: Source, found: Iterable[Problem], today: date) -> Judged:
    """Return the findings that are not waived, and those about the waivers themselves."""
    problems = list(found)
    if "repro:" not in source.text:
        return Judged(tuple(problems), ())
    good: list[Waiver] = []
    about: list[Problem] = []
    for waiver in _waivers(source):
        if isinstance(waiver, Problem):
            about.append(waiver)
        elif waiver.until < today:
            said = f"this waiver of {waiver.rule} ended on {waiver.until.isoformat()}"
            about.append(source.problem(EXPIRED, waiver.place, said))
        else:
            good.append(waiver)
    waived = {(waiver.line, waiver.rule) for waiver in good}
    left = [p for p in problems if (p.place.line, p.rule) not in waived]
    occurred = {(p.place.line, p.rule) for p in problems}
    used: list[Waiver] = []
    for waiver in good:
        if (waiver.line, waiver.rule) in occurred:
            used.append(waiver)
            occurred.discard((waiver.line, waiver.rule))  # a second one for the same is unused
        else:
            said = f"nothing on line {waiver.line} breaks {waiver.rule}"
            about.append(source.problem(UNUSED, waiver.place, said))
    return Judged((*left, *about), tuple(used))


def _waivers(source: Source) -> Iterator[Waiver | Problem]:
    """Yield every waiver of a file, or what is wrong with it."""
    for line, column, comment in _comments(source):
        opening = _OPENING.search(comment)  # it may follow another, such as a noqa
        if opening is None:
            continue
        comment = comment[opening.start() :]
        begin = column + 1 + opening.start()
        place = Place(source.file, line, begin, begin + len(comment))
        match = _WAIVER.match(comment)
        if match is None:
            yield source.problem(BAD_WAIVER, place, _what_is_missing(comment))
            continue
        try:
            until = date.fromisoformat(match["until"])
        except ValueError:
            said = f"{match['until']} is no day of the calendar"
            yield source.problem(BAD_WAIVER, place, said)
            continue
        reason = match["reason"].strip()
        if not any(map(str.isalpha, reason)):
            yield source.problem(BAD_WAIVER, place, "this waiver has no reason")
            continue
        for word in match["rules"].split(","):
            rule = rule_called(word.strip())
            if rule is None or not rule.waivable:
                names = ", ".join(r.name for r in RULES.values() if r.waivable)
                known = "cannot be waived" if rule else "is no rule"
                said = f"{word.strip()} {known}; there are: {names}"
                yield source.problem(UNKNOWN_RULE, place, said)
                continue
            alone = not source.line(line)[:column].strip()
            meant = _next_line(source, line) if alone else line
            yield Waiver(place, meant, rule.name, until, reason)


def _what_is_missing(comment: str) -> str:
    """Return what keeps a comment from being a waiver."""
    if not re.search(r"\buntil\b", comment, re.IGNORECASE):
        return "this waiver has no end"
    if ":" not in comment.partition("until")[2]:
        return "this waiver has no reason"
    return "this waiver cannot be understood"


def _next_line(source: Source, line: int) -> int:
    """Return the next line that is neither empty nor a comment."""
    number = line + 1
    while number <= len(source.lines):
        text = source.line(number).strip()
        if text and not text.startswith("#"):
            return number
        number += 1
    return line


def _comments(source: Source) -> Iterator[tuple[int, int, str]]:
    """Yield line, column from 0 and text of each comment; never what a string says."""
    try:
        for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.start[1], token.string
    except (tokenize.TokenError, SyntaxError):  # what it could be parsed from, it cannot cut up
        return
