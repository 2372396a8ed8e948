"""The quick way over covered lines: it says ok only where the strict way would, and is cheap."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.audit_log.formats.tree import Frontier, leaf_hash
from repro.audit_log.verification import reading, swift
from repro.audit_log.verification.plans import ids_of
from repro.audit_log.verification.spill import Spill
from repro.audit_log.verification.survey import Reading
from repro.audit_log.verification.walk import Walk

from . import reference
from .conftest import Site
from .test_verify import lines_of, own, rewrite, sign_again, write

LEAVES = [leaf_hash(bytes([n % 256, n // 256])) for n in range(300)]


@pytest.mark.parametrize("start", [0, 1, 2, 3, 5, 8, 31, 100])
def test_many_leaves_at_once_make_the_same_tree(start: int) -> None:
    frontier = Frontier()
    for leaf in LEAVES[:start]:
        frontier.append(leaf)
    for count in range(130):
        one = frontier.copy()
        for leaf in LEAVES[start : start + count]:
            one.append(leaf)
        many = swift.extended(frontier, LEAVES[start : start + count])
        assert (many.size, many.nodes) == (one.size, one.nodes)


def test_roots_are_taken_at_every_size_that_is_wanted(full: Site) -> None:
    lines = lines_of(full)
    walk = Walk(frozenset(range(5)))
    walk.start()
    assert swift.pass_lines(walk, lines)
    assert walk.roots == {n: reference.mth(lines[:n]) for n in range(5)}
    assert walk.head == reference.line_hash(lines[-1])


BODIES = st.recursive(
    st.one_of(st.text("run}{,\":\\aé", max_size=6), st.integers(-9, 9), st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(['run', 'plan', 'x"run', '"run":"', 'a', 'z{']), inner,
                        max_size=4),
    ),
    max_leaves=8,
)  # fmt: skip


@given(
    st.dictionaries(
        st.sampled_from(["run", "plan", 'x"run', 'y","run', "a", "z"]), BODIES, max_size=5
    )
)
@settings(max_examples=400, deadline=None)
def test_run_and_plan_are_those_of_the_body_and_of_nothing_within(body: dict[str, object]) -> None:
    record = {
        "actor": {"how": "", "host": '"run":"h"', "user": ""},
        "body": body,
        "nonce": "0" * 32,
        "prev": "0" * 64,
        "seq": 1,
        "type": "run.completed",
        "time": "2025-01-31T12:00:00.000000Z",
        "tool": {"name": "", "version": ""},
    }
    assert ids_of(reference.canonical(record).encode()) == (body.get("run"), body.get("plan"))


@pytest.mark.parametrize(
    "body", [b"1", b"[]", b'{"run":"\\ud800"}', b'{"run":"\xff"}', b'{"run":}', b"{{"]
)
def test_run_and_plan_of_what_is_no_object_are_refused_or_found_strictly(body: bytes) -> None:
    line = b'{"body":' + body + b',"nonce":"0"}'
    try:
        run, _ = ids_of(line)
    except ValueError:
        return
    assert run == json.loads(line)["body"]["run"]


ENDINGS = {
    "seq": lambda r: {**r, "seq": r["seq"] + 1},
    "prev": lambda r: {**r, "prev": "1" * 64},
    "nonce": lambda r: {**r, "nonce": "G" * 32},
    "short nonce": lambda r: {**r, "nonce": "0" * 30},
    "month": lambda r: {**r, "time": "2025-13-01T00:00:00.000000Z"},
    "day": lambda r: {**r, "time": "2025-02-30T00:00:00.000000Z"},
    "hour": lambda r: {**r, "time": "2025-02-01T24:00:00.000000Z"},
    "zone": lambda r: {**r, "time": "2025-02-01T00:00:00.00000+1"},
    "type": lambda r: {**r, "type": "unknown"},
    "second beginning": lambda r: {**r, "type": "log.created"},
    "tool": lambda r: {**r, "tool": {"name": "x"}},
    "tool number": lambda r: {**r, "tool": {"name": "x", "version": 1}},
    "extra": lambda r: {**r, "zzz": 1},
    "no body": lambda r: {**r, "body": "x"},
    "extra within": lambda r: {**r, "size": 1},
}


@pytest.mark.parametrize("name", ENDINGS)
@pytest.mark.parametrize("full_", [False, True], ids=["quick", "full"])
def test_an_envelope_that_breaks_a_rule_is_noticed_though_it_is_signed(
    full: Site, name: str, full_: bool
) -> None:
    made: list[bytes] = []
    prev = "0" * 64
    for seq, line in enumerate(lines_of(full)):
        record = {**json.loads(line), "prev": prev}
        if seq == 2:
            record = ENDINGS[name](record)  # type: ignore[no-untyped-call]
        made.append(reference.canonical(record).encode())
        prev = reference.line_hash(made[-1])
    write(full, made)
    sign_again(full, made)
    report = full.verify(full=full_)
    assert (report.verdict, report.faults[0].seq) == ("tampered", 2)


SPELLINGS = {
    "space": (b'{"actor"', b'{ "actor"'),
    "escape": ("é".encode(), b"\\u00e9"),
    "number": (b'"seq":2', b'"seq":2.0'),
    "twice": (b'{"text"', b'{"text":1,"text"'),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_signed_lines_that_are_not_canonical_are_left_to_full_which_the_report_says(
    full: Site, name: str
) -> None:
    made: list[bytes] = []
    prev = "0" * 64
    for seq, line in enumerate(lines_of(full)):
        data = reference.canonical({**json.loads(line), "prev": prev}).encode()
        if seq == 2:
            changed = data.replace(*SPELLINGS[name])
            assert changed != data
            data = changed
        made.append(data)
        prev = reference.line_hash(data)
    write(full, made)
    sign_again(full, made)
    report = full.verify(full=True)
    assert (report.verdict, report.faults[0].seq) == ("tampered", 2)
    report = full.verify()
    if name == "number":  # the envelope behind the body is checked in any case
        assert report.verdict == "tampered"
        return
    assert report.verdict == "ok"
    # Record 0 is always decoded.
    assert "canonical form, actor and body of 3 records (--full)" in report.not_checked


def test_full_leaves_no_line_undecoded_and_beyond_the_checkpoint_all_are(full: Site) -> None:
    assert not any("canonical" in text for text in full.verify(full=True).not_checked)
    log = full.open()
    log.append("incident", {})
    assert "canonical form, actor and body of 3 records (--full)" in full.verify().not_checked
    lines = lines_of(full)
    write(full, [*lines[:-1], b"{ " + lines[-1][1:]])
    report = full.verify()
    assert (report.verdict, report.faults[0].seq) == ("tampered", 4)


def test_long_names_of_a_tool_and_long_lines_are_read_all_the_same(full: Site) -> None:
    def change(record: dict[str, object]) -> None:
        if record["type"] == "incident":
            record["tool"] = {"name": 'é"\\\n' * 200, "version": "1"}
            record["body"] = {"text": '},"nonce":"' + "x" * 60_000}

    rewrite(full, lines_of(full), change)
    assert full.verify().verdict == "ok"


def test_a_body_that_looks_like_an_envelope_is_not_taken_for_one(full: Site) -> None:
    def change(record: dict[str, object]) -> None:
        if record["type"] == "incident":
            record["body"] = {"a": {}, "nonce": "0" * 32, "prev": "0" * 64, "seq": 9,
                              "time": "2025-02-01T00:00:00.000000Z",
                              "tool": {"name": "x", "version": "x"},
                              "type": "approval"}  # fmt: skip

    rewrite(full, lines_of(full), change)
    report = full.verify()
    assert (report.verdict, report.size) == ("ok", 4)


def test_the_quick_way_agrees_with_the_strict_on_a_log_of_many_blocks(site: Site) -> None:
    log = site.create()
    for part in range(4):
        log.append_many(
            [("run.planned", {"run": f"{part}-{n}", "z": "x" * 99}) for n in range(500)]
        )
        first = 1 + part * 1000
        log.append_many([("run.completed", {"run": f"{part}-{n}", "plan": first + n})
                         for n in range(500)])  # fmt: skip
    log.commit()
    log.append("incident", {})
    assert site.lines.stat().st_size > 4 * reading.BLOCK
    quick, strict = site.verify(), site.verify(full=True)
    assert (quick.verdict, quick.size, quick.head) == ("ok", 4002, strict.head)
    assert quick.checked == strict.checked


def test_the_quick_way_reads_nothing_strictly_that_nobody_asked_for(full: Site) -> None:
    checkpoint = own(full)
    read = Reading(frozenset({checkpoint.size}), ())
    read.read(full.directory, checkpoint, None, full=False)
    assert (read.walk.strict, read.walk.size) == (1, 4)
    assert read.walk.roots[4] == checkpoint.root


@pytest.mark.parametrize("size", [1, 7, 64, 4096])
def test_lines_come_whole_whatever_the_block(full: Site, monkeypatch: pytest.MonkeyPatch,
                                             size: int) -> None:  # fmt: skip
    monkeypatch.setattr(reading, "BLOCK", size)
    text = reading.Text(full.directory)
    found = [block for block, whole in reading.blocks(text, 0, text.end) if whole]
    assert b"".join(found) == full.lines.read_bytes()
    assert all(block.endswith(b"\n") for block in found)


@given(st.lists(st.integers(0, 40), max_size=120), st.integers(1, 9))
@settings(max_examples=150, deadline=None)
def test_what_was_seen_twice_is_exact_however_little_memory_there_is(
    names: list[int], buffer: int
) -> None:
    spill = Spill(buffer)
    first: dict[int, int] = {}
    again = []
    for seq, name in enumerate(names):
        spill.add(str(name), seq)
        if name in first:
            again.append((seq, first[name]))
        first.setdefault(name, seq)
    assert sorted(spill.twice(None)) == again
    assert sorted(spill.twice(None)) == again  # asked again, the same


def test_a_run_planned_twice_is_found_past_the_memory() -> None:
    spill = Spill(1000)
    for seq in range(50_000):
        spill.add(f"run-{seq}", seq)
    spill.add("run-77", 50_000)
    assert list(spill.twice(None)) == [(50_000, 77)]
