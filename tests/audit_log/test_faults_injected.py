"""Every call of the system fails, or is the last one: nothing acknowledged is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from repro.audit_log.errors import LogError
from repro.audit_log.formats.record import line_hash
from repro.audit_log.storage.segments import Text
from repro.audit_log.storage.store import Log

from .conftest import Site
from .injector import DIED, REFUSED, calls_of, cases, outcome_of

Say = Callable[[str], None]


def append(log: Log, say: Say, count: int = 1) -> None:
    """Append and say what was acknowledged."""
    for one in log.append_many([("incident", {"text": "x" * 40})] * count):
        say(f"record {one.seq} {one.hash}")


def commit(log: Log, say: Say) -> None:
    """Commit and say how much."""
    say(f"committed {log.commit().size}")


def appending(log: Log, say: Say) -> None:
    """Append one, append three, commit."""
    append(log, say)
    append(log, say, 3)
    commit(log, say)


def sealing(log: Log, say: Say) -> None:
    """Append, seal, append, commit."""
    append(log, say)
    done = log.seal()
    assert done is not None
    say(f"record {done.seq} {done.hash}")
    say(f"committed {done.seq + 1}")
    append(log, say)
    commit(log, say)


def pruning(log: Log, say: Say) -> None:
    """Seal, prune, append, commit."""
    append(log, say)
    done = log.seal(retention={"keep_until": "2025-01-31", "policy": "test"})
    assert done is not None
    say(f"record {done.seq} {done.hash}")
    erased = log.prune(0, reason="test", held=lambda: None)
    say(f"record {erased.seq} {erased.hash}")
    commit(log, say)


SCENARIOS: dict[str, Callable[[Log, Say], None]] = {
    "appending": appending,
    "sealing": sealing,
    "pruning": pruning,
}


def work_in(site: Site, scenario: str) -> Callable[[Say], None]:
    """Return what a child does: open, work, and after a refusal one append more."""

    def work(say: Say) -> None:
        log = site.open()
        try:
            SCENARIOS[scenario](log, say)
        except LogError:
            append(log, say)  # refused again, or kept
            raise

    return work


def check(site: Site, said: tuple[str, ...]) -> None:
    """Open, verify, compare with what was acknowledged, and go on."""
    found = site.verify()
    assert found.verdict in ("ok", "torn", "incomplete"), found.faults
    log = site.open()
    report = site.verify()
    assert report.verdict == "ok", report.faults
    hashes: dict[int, str] = {}
    gone: set[int] = set()
    for part in Text.open(site.directory).parts:
        kept = {} if part.pruned is None else part.pruned.kept
        hashes |= {seq: line_hash(line) for seq, line in kept.items()}
        if part.pruned is not None:
            gone |= set(range(part.first, part.first + part.pruned.count)) - set(kept)
        hashes |= {seq: line_hash(line) for seq, (line, _) in enumerate(part.pieces(), part.first)}
    for line in said:
        word, *values = line.split()
        if word == "record" and int(values[0]) not in gone:
            assert hashes[int(values[0])] == values[1]
        elif word == "committed":
            assert report.committed >= int(values[0])
    log.append("incident", {})
    log.commit()
    log.seal()
    assert site.open().head().size == log.head().size
    assert site.verify().verdict == "ok"


def inject(full: Site, scenario: str, step: int) -> int:
    """Try each ``step``-th fault; return how many there were."""
    calls = calls_of(work_in(full.copy("counted"), scenario))
    count = 0
    for fault, number in cases(calls, step):
        site = full.copy("injected")
        outcome = outcome_of(work_in(site, scenario), fault, number)
        where = f"{fault} at call {number}, {calls[number - 1]}"
        assert outcome.status in (0, REFUSED, DIED), where
        try:
            check(site, outcome.said)
        except (AssertionError, LogError) as error:
            raise AssertionError(f"{where}: {error}") from error
        count += 1
    return count


@pytest.mark.parametrize(
    ("step", "least"), [(29, 2), pytest.param(5, 15, marks=pytest.mark.slow)], ids=["few", "some"]
)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_fault_at_some_calls_loses_nothing_acknowledged(
    full: Site, scenario: str, step: int, least: int
) -> None:
    assert inject(full, scenario, step) > least


@pytest.mark.soak
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_fault_at_every_call_loses_nothing_acknowledged(full: Site, scenario: str) -> None:
    assert inject(full, scenario, 1) > 75
