"""Many lines judged at once say what each of them would say alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from repro.audit_log.errors import RecordError
from repro.audit_log.formats import record as records
from repro.audit_log.formats.commitment import Redactable
from repro.audit_log.formats.record import Tool
from repro.audit_log.storage.store import Log
from repro.audit_log.verification import swift
from repro.audit_log.verification.erasures import Erasures
from repro.audit_log.verification.plans import run_of

from . import reference
from .conftest import Site
from .test_verify_quick import BODIES

MOMENTS = [
    "2025-01-31T00:00:00.000000Z",
    "2024-02-29T23:59:59.999999Z",
    "2025-02-29T12:30:30.123456Z",
    "2025-01-31T24:00:00.000000Z",
    "2025-01-31T29:00:00.000000Z",
    "2025-01-31T19:60:00.000000Z",
    "2025-01-31T19:00:60.000000Z",
    "2025-01-31T19:00:00.00000aZ",
    "2025-01-31 19:00:00.000000Z",
    "0000-01-31T19:00:00.000000Z",
]


def is_time(text: str) -> bool:
    try:
        records._time(text)
    except RecordError:
        return False
    return True


@given(
    st.lists(
        st.sampled_from(MOMENTS[:2]) | st.sampled_from(MOMENTS)
        | st.tuples(st.sampled_from(MOMENTS), st.integers(0, 26), st.sampled_from("0123456789:TZ"))
        .map(lambda t: t[0][: t[1]] + t[2] + t[0][t[1] + 1 :]),
        min_size=1, max_size=6,
    )
)  # fmt: skip
@example([MOMENTS[0], MOMENTS[3]])
@example([MOMENTS[5]])
@example([MOMENTS[0], MOMENTS[6], MOMENTS[1]])
@settings(max_examples=300, deadline=None)
def test_times_are_good_together_if_each_is(times: list[str]) -> None:
    together = swift._are_times([time.encode() for time in times])
    assert together == all(map(is_time, times))


@given(st.lists(st.binary(max_size=3000), max_size=5))
def test_the_hasher_that_begins_again_forgets_the_line_before(lines: list[bytes]) -> None:
    found = [digest.hex() for digest in swift.hash_lines(lines)]
    assert found == [reference.line_hash(line) for line in lines]


@given(st.dictionaries(st.sampled_from(["run", "plan", 'x"run', "a", "z"]), BODIES, max_size=5))
@settings(max_examples=300, deadline=None)
def test_the_run_of_a_plan_is_that_of_its_body(body: dict[str, object]) -> None:
    record = {
        "actor": {"how": "", "host": '"run":"h"', "user": ""},
        "body": body,
        "nonce": "0" * 32,
        "prev": "0" * 64,
        "seq": 1,
        "type": "run.planned",
        "time": "2025-01-31T12:00:00.000000Z",
        "tool": {"name": "", "version": ""},
    }
    assert run_of(reference.canonical(record).encode()) == body.get("run")


@pytest.mark.parametrize("longer", [1, 30, 31, 32, 33, 200])
def test_endings_of_every_length_are_found_on_the_quick_way(full: Site, longer: int) -> None:
    """The ending of the first line says how far one looks; that of a later one may be longer."""
    for name in ("x" * longer, "y"):
        log = Log.open(full.directory, actor=None, tool=Tool(name, "1"), keys=full.keys)
        log.append("leakage.fixed", {"long": "z" * 2000 if longer == 1 else ""})
        log.append("leakage.fixed", {})
        log.commit()
    report = full.verify()
    assert report.exit_status == 0
    quick = [text for text in report.not_checked if text.startswith("canonical form")]
    assert len(quick) == 1
    # All but those that somebody judges: had the quick way been in doubt, there would be none.
    assert int(quick[0].split(" of ")[1].split()[0]) >= 4


ACTOR, OTHER, THIRD = ("0123456789abcdef"[n] * 64 for n in (1, 2, 3))


def line(actor: str | None, *more: str) -> bytes:
    who: object = {"commitment": actor} if actor else {"how": "", "host": "", "user": ""}
    body = {f"k{n}": {"commitment": digest} for n, digest in enumerate(more)}
    return reference.canonical({"actor": who, "body": body, "nonce": ""}).encode()


LINES = st.one_of(
    st.just(line(ACTOR)),
    st.just(line(ACTOR)),
    st.just(line(OTHER)),
    st.just(line(None)),
    st.just(line(ACTOR, THIRD)),
    st.just(line(None, THIRD)),
    st.just(line(ACTOR, OTHER, THIRD)),
)


@given(st.lists(LINES, min_size=1, max_size=9))
@example([line(ACTOR), line(ACTOR, THIRD), line(None)])
@example([line(ACTOR), line(None), line(ACTOR, ACTOR)])
@example([line(ACTOR, OTHER, THIRD), line(OTHER), line(ACTOR), line(OTHER)])
@settings(max_examples=300, deadline=None)
def test_commitments_of_a_block_are_those_of_its_lines(lines: list[bytes]) -> None:
    alone, together = Erasures(Path()), Erasures(Path())
    faults = [f for seq, one in enumerate(lines) for f in alone.see_lines(seq, [one])]
    assert list(together.see_lines(0, lines[:1])) + list(together.see_lines(1, lines[1:])) == faults
    assert together.state() == alone.state()


def test_a_commitment_is_refused_whichever_way_its_body_is_written(full: Site) -> None:
    log = full.open()
    given_: dict[str, object] = {"x": {"commitment": ACTOR}}
    for body in (given_, {**given_, "n": 1e-9}, {**given_, "y": Redactable("a")}):
        with pytest.raises(RecordError, match="Redactable"):
            log.append("leakage.fixed", body)
    # What only looks like one is none, and was never refused.
    log.append("leakage.fixed", {"x": {"commitment": "not a digest"}})
    log.append("leakage.fixed", {"x": '{"commitment":"' + ACTOR + '"}', "y": Redactable("a")})
    log.commit()
    assert full.verify().exit_status == 0
