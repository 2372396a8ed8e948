"""Every byte of a small committed log, its checkpoint and its key file: changed, cut, moved.

Whatever the way of verification, quick or full, the same is found; and it is found by name.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from repro.audit_log.verification.faults import Report
from repro.audit_log.verification.verify import verify

from .conftest import Site

Change = Callable[[bytes], Iterator[tuple[int, bytes]]]


def both(site: Site, vkey: str, **more: object) -> Report:
    """Verify quickly and in full; return the one report that both give of a bad log."""
    given = {"vkeys": [vkey], **more}
    quick = verify(site.directory, **given)  # type: ignore[arg-type]
    full = verify(site.directory, full=True, **given)  # type: ignore[arg-type]
    assert replace(quick, not_checked=()) == replace(full, not_checked=())
    return quick


def flipped(values: Callable[[int, int], list[int]]) -> Change:
    """Return a change of each byte to each of the values that belong to it."""

    def change(data: bytes) -> Iterator[tuple[int, bytes]]:
        for place, old in enumerate(data):
            for new in values(place, old):
                if new != old:
                    yield place, data[:place] + bytes([new]) + data[place + 1 :]

    return change


def within_key(site: Site, data: bytes) -> frozenset[int]:
    """Return the places in the middle of the ML-DSA-44 key in record 0, all but each 16th."""
    start = data.index(site.vkeys[1].encode()) + 150
    return frozenset(n for n in range(start, start + 1600) if n % 16)


FEWEST = flipped(lambda place, old: {0: [old ^ 1], 6: [0x0A], 13: [0x20]}.get(place % 19, []))
SOME = flipped(lambda place, old: [[old ^ 1], [], [0x0A], [], [old ^ 1], [], [0x20]][place % 7])
FEW = flipped(lambda place, old: [old ^ 1, *([0x0A, 0x20] if place % 5 == 0 else [])])
ALL = flipped(lambda _place, _old: list(range(256)))
CHANGES = pytest.mark.parametrize(
    "change",
    [
        FEWEST,
        pytest.param(SOME, marks=pytest.mark.slow),
        pytest.param(FEW, marks=pytest.mark.slow),
        pytest.param(ALL, marks=pytest.mark.soak),
    ],
    ids=["fewest", "some", "few", "all"],
)
STEPS = pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])
"""Each seventh offset; each one."""


@CHANGES
def test_every_changed_byte_of_the_lines_is_tampering(full: Site, change: Change) -> None:
    data, vkey = full.lines.read_bytes(), full.vkey
    count, dull = data.count(b"\n"), within_key(full, data)
    for place, changed in change(data):
        if place in dull:
            continue
        full.lines.write_bytes(changed)
        report = both(full, vkey)
        last = place == len(data) - 1  # without its newline the last record is cut short
        assert report.verdict == ("truncated" if last else "tampered"), (place, report)
        assert (report.exit_status, report.level, report.attained) == (4, -1, ())
        seq = data.count(b"\n", 0, place)
        # Nothing follows the last record: that it changed shows in the root over all alone.
        named = (seq, seq + 1) if seq < count - 1 else (seq, None)
        assert report.faults[0].seq in named, (place, report)


@CHANGES
@pytest.mark.parametrize("name", ["checkpoint", "log.vkey"])
def test_every_changed_byte_of_checkpoint_and_key_file_is_tampering(
    full: Site, name: str, change: Change
) -> None:
    path, vkeys = full.directory / name, full.vkeys
    data = path.read_bytes()
    # A cosignature whose name or key id is changed is a stranger's, which the format ignores: that
    # it is missing is a fault for who pins its key, and a warning for others.
    cosignature = data.rindex("\u2014".encode()) if name == "checkpoint" else len(data)
    dense = min(cosignature, 300) + 80  # the rest is one long key or signature
    for place, changed in change(data):
        if place >= dense and place % 7:
            continue
        path.write_bytes(changed)
        report = both(full, vkeys[0], vkeys=vkeys)
        assert (report.verdict, report.exit_status) == ("tampered", 4), (place, report)
        for trust in ({}, {"self_asserted": True, "vkeys": ()}) if place < dense else ():
            report = both(full, vkeys[0], **trust)
            lacks = any("lacks the ML-DSA-44" in warning for warning in report.warnings)
            assert report.verdict == "tampered" or (place > cosignature and lacks), (place, report)


@STEPS
def test_lines_cut_at_any_offset_are_truncated(full: Site, step: int) -> None:
    data, vkey = full.lines.read_bytes(), full.vkey
    dull = within_key(full, data)
    ends = {n for n, byte in enumerate(data) if byte == ord("\n")}
    whole = {0, *ends, *(n + 1 for n in ends)} - {len(data)}
    for length in sorted({*range(0, len(data), step), *whole} - dull):
        full.lines.write_bytes(data[:length])
        report = both(full, vkey)
        assert report.verdict == "truncated", (length, report)
        assert report.faults[0].seq == data[:length].count(b"\n")


@STEPS
@pytest.mark.parametrize("name", ["checkpoint", "log.vkey"])
def test_checkpoint_and_key_file_cut_at_any_offset_are_tampering(
    full: Site, name: str, step: int
) -> None:
    path, vkeys = full.directory / name, full.vkeys
    data = path.read_bytes()
    ends = {place for n, byte in enumerate(data) if byte == ord("\n") for place in (n, n + 1)}
    some = {*range(0, 400, step), *range(400, len(data), 13 * step), *ends, len(data) - 1}
    for length in sorted(some - {len(data)}):
        path.write_bytes(data[:length])
        assert both(full, vkeys[0], vkeys=vkeys).verdict == "tampered", length


def test_every_record_dropped_doubled_or_moved_is_noticed(full: Site) -> None:
    vkey = full.vkey
    lines = full.lines.read_bytes().splitlines(keepends=True)
    for n, line in enumerate(lines):
        others = lines[:n] + lines[n + 1 :]
        last = n == len(lines) - 1
        full.lines.write_bytes(b"".join(others))
        assert both(full, vkey).verdict == ("truncated" if last else "tampered"), n
        for place in range(len(lines) + 1):  # once more, anywhere
            full.lines.write_bytes(b"".join([*lines[:place], line, *lines[place:]]))
            report = both(full, vkey)
            assert report.verdict == "tampered", (n, place)
            assert report.size == len(lines) + 1
    for order in itertools.permutations(lines):
        full.lines.write_bytes(b"".join(order))
        expected = "ok" if list(order) == lines else "tampered"
        if expected == "ok":
            assert verify(full.directory, vkeys=[vkey]).verdict == "ok"
        else:
            assert both(full, vkey).verdict == expected, order


@pytest.mark.parametrize(
    "change", [SOME, pytest.param(FEW, marks=pytest.mark.slow)], ids=["some", "few"]
)
def test_a_byte_that_changes_behind_the_checkpoint_is_noticed_but_for_the_last_record(
    full: Site, change: Change
) -> None:
    vkey = full.vkey
    committed = len(full.lines.read_bytes())
    full.open().append("incident", {"text": "one"})
    full.open().append("incident", {"text": "two"})
    data = full.lines.read_bytes()
    second = data.index(b"\n", committed) + 1
    for place, changed in change(data):
        if not committed <= place < second:
            continue
        full.lines.write_bytes(changed)
        assert both(full, vkey).verdict in ("tampered", "forked"), place


def test_a_changed_byte_in_the_middle_of_a_long_log_is_named(site: Site) -> None:
    log = site.create()
    log.append_many([("incident", {"text": f"{n:>400}"}) for n in range(2000)])
    log.commit()
    data, vkey = site.lines.read_bytes(), site.vkey
    for place in range(1000, len(data) - 1, 299_993):
        changed = bytearray(data)
        changed[place] ^= 1
        site.lines.write_bytes(changed)
        report = verify(site.directory, vkeys=[vkey])
        seq = data.count(b"\n", 0, place)
        assert report.verdict == "tampered"
        assert report.faults[0].seq in (seq, seq + 1)
