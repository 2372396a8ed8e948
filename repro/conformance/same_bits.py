"""Checks that bits are the same, whatever surrounds the trainer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from repro.conformance.bench import HOME, Around
from repro.conformance.subject import Finding, Findings, Subject

MANY = 4
"""Threads of a fit that shows races: two hide them, for a + b is b + a."""
REPEATS = 3
FREE = ("model", "parts", "predictions")
"""What must be the same where the file may say how many threads there were."""
WORDS = {
    "model": "the model",
    "parts": "its parts",
    "predictions": "the predictions",
    "file": "the bytes of the file",
}


def repeats(subject: Subject) -> Findings:
    """Fit repeatedly in one process, with the global generators seeded otherwise each time."""
    for task in subject.tasks:
        answer = subject.fitted(task, repeats=REPEATS)
        if not answer.ok:
            yield Finding(task, answer.said())
            continue
        first, *later = answer.result["bits"]
        for bits in later:
            yield from _differing(task, first, bits, "from one fit to the next in one process")


def processes(subject: Subject) -> Findings:
    """Fit in another fresh process, which fits other rows before, as a run does fold by fold.

    What a trainer keeps from its first fit can only be seen by one that had another first.
    """
    where = "from one process to another that fitted other rows before"
    yield from _as_at_home(subject, Around(number=1), where, before=True)


def hash_seed(subject: Subject) -> Findings:
    """Fit under another hash seed."""
    yield from _as_at_home(subject, Around("hash-seed"), "under another hash seed")


def directory(subject: Subject) -> Findings:
    """Fit in another directory, under another umask."""
    yield from _as_at_home(subject, Around("directory"), "in another directory")
    yield from _as_at_home(subject, Around("umask"), "under another umask")


def time_zone(subject: Subject) -> Findings:
    """Fit in another time zone."""
    yield from _as_at_home(subject, Around("time-zone"), "in another time zone")


def locale(subject: Subject) -> Findings:
    """Fit under another locale, one that writes decimals with a comma if the system has one."""
    around = Around("locale", commas=True)
    spoken = subject.bench.entrance(around)["locale"]
    if not spoken:
        yield Finding("", "no locale here writes a comma: only LC_ALL=C was tried", note=True)
    yield from _as_at_home(subject, around, f"under the locale {spoken or 'C'}")


def threads(subject: Subject) -> Findings:
    """Fit with more threads than a race can hide in: alone, in another process, and under load.

    Bits that the declaration says may hang on timing, or on the number of threads, are no fault.
    """
    hang = subject.declaration.threads
    for task in subject.tasks:
        found = []
        for around in (
            Around(threads=MANY),
            Around(threads=MANY, number=1),
            Around("load", threads=MANY),
        ):
            answer = subject.fitted(task, around, repeats=REPEATS)
            if not answer.ok:
                yield Finding(task, f"with {MANY} threads: {answer.said()}")
                break
            found += answer.result["bits"]
        if not found:
            continue
        for bits in found[1:]:
            for fault in _differing(task, found[0], bits, f"between two fits with {MANY} threads"):
                yield replace(fault, note=hang.timing)
        home = subject.fitted(task)
        if not home.ok:
            continue
        other = [WORDS[k] for k in FREE if home.result["bits"][0][k] != found[0][k]]
        if other:
            said = f"{' and '.join(other)} with {MANY} threads: other bits than with one"
            yield Finding(task, said, note=hang.count, bits=True)
        elif hang.count:
            said = f"{MANY} threads and one have the same bits here; threads.count could be false"
            yield Finding(task, said, note=True)


def chunks(subject: Subject) -> Findings:
    """Predict rows piece by piece."""
    promised = subject.declaration.rowwise
    for task, result, fault in subject.each("chunks"):
        if fault:
            yield fault
            continue
        broken = [size for size, same in result["same"].items() if not same]
        if broken:
            said = f"rows predicted in pieces of {' or of '.join(broken)} have other bits"
            yield Finding(task, said, note=not promised, bits=True)
        elif not promised:
            said = "pieces of rows have the same bits here; rowwise: true could promise it"
            yield Finding(task, said, note=True)


def _as_at_home(subject: Subject, around: Around, where: str, **more: Any) -> Findings:
    """Yield what is otherwise than in a plain worker, with ``more`` in the wish."""
    for task in subject.tasks:
        home, away = subject.fitted(task, HOME), subject.fitted(task, around, **more)
        if home.ok and away.ok:
            first, second = home.result["bits"][0], away.result["bits"][0]
            yield from _differing(task, first, second, where)
        else:
            lost = away if home.ok else home
            yield Finding(task, f"{where}: {lost.said()}")


def _differing(task: str, a: Mapping[str, Any], b: Mapping[str, Any], where: str) -> Findings:
    """Yield a finding if two results have other bits."""
    other = [WORDS[name] for name in a if a[name] != b[name]]
    if other:
        yield Finding(task, f"{', '.join(other)}: other bits {where}", bits=True)
