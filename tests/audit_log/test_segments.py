"""Segments: sealed, rolled, read as one text, pruned; and what is wrong with them is named."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from blake3 import blake3

from repro.audit_log.errors import LogCorruptError, LogUnusableError, RecordError
from repro.audit_log.formats.record import decode
from repro.audit_log.formats.tree import inclusion_proof, leaf_hash, verify_inclusion
from repro.audit_log.storage.layout import pieces
from repro.audit_log.storage.segments import Text, lines_with
from repro.audit_log.storage.store import Log
from repro.audit_log.storage.tiles import Tiles

from .conftest import ACTOR, TOOL, Site

RETENTION = {"keep_until": "2025-03-01", "policy": "one month"}


def later(site: Site, day: str = "2025-03-02") -> Log:
    """Open the log on another day."""
    now = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return Log.open(site.directory, actor=ACTOR, tool=TOOL, keys=site.keys, clock=lambda: now)


def files(site: Site) -> list[str]:
    """Return the names in ``segments/``."""
    return sorted(path.name for path in (site.directory / "segments").iterdir())


def three(site: Site) -> Log:
    """Return a log of two sealed segments (records 0-4 and 5-7) and an active one."""
    log = site.open()
    log.seal(retention=RETENTION)
    log.append_many([("incident", {"n": 1}), ("approval", {"n": 2})])
    log.seal(retention=RETENTION)
    log.append("incident", {"n": 3})
    log.commit()
    return log


def test_a_seal_says_what_it_seals_and_is_signed(full: Site) -> None:
    before = full.lines.read_bytes()
    done = full.open().seal(retention=RETENTION)
    assert done is not None
    assert files(full) == ["000000000000.jsonl"]
    data = (full.directory / "segments" / "000000000000.jsonl").read_bytes()
    assert data.startswith(before)
    record = decode(data[len(before) : -1])
    assert (record.seq, record.type) == (4, "segment.sealed")
    assert record.body == {
        "segment": 0,
        "first": 0,
        "count": 4,
        "bytes": len(before),
        "blake3": blake3(before).hexdigest(),
        "sha256": hashlib.sha256(before).hexdigest(),
        "retention": RETENTION,
    }
    assert full.lines.read_bytes() == b""
    report = full.verify()
    assert (report.verdict, report.size, report.committed) == ("ok", 5, 5)


def test_everything_goes_on_over_segments(full: Site) -> None:
    old = full.open()
    log = three(full)
    assert files(full) == ["000000000000.jsonl", "000000000005.jsonl"]
    assert old.append("incident", {"n": 4}).seq == 9
    assert [record.seq for record in log.records()] == list(range(10))
    assert log.find_bytes(b'"n":1')
    assert len(list(lines_with(full.directory, b'"type":"segment.sealed"'))) == 2
    assert full.open().origin == log.origin
    old.commit()
    assert full.verify().size == 10
    shutil.rmtree(full.directory / "derived")
    assert full.open().head() == log.head()
    assert full.verify().verdict == "ok"


def test_the_text_reads_as_one_file(full: Site, tmp_path: Path) -> None:
    three(full)
    text = Text.open(full.directory)
    parts = [full.directory / "segments" / name for name in files(full)]
    data = b"".join(path.read_bytes() for path in [*parts, full.lines])
    assert text.size == len(data)
    for start in range(0, len(data), 97):
        for count in (1, 300, 5000):
            assert text.read(count, start) == data[start : start + count]
    (tmp_path / "one").write_bytes(data)
    with (tmp_path / "one").open("rb") as file:
        assert list(text.pieces()) == list(pieces(file.fileno(), 0, len(data)))
    assert [data[place : place + 4] for place in text.find(b'"seq')] == [b'"seq'] * 9


def test_a_log_seals_itself_when_it_has_grown(full: Site) -> None:
    log = Log.open(full.directory, actor=ACTOR, tool=TOOL, keys=full.keys, seal_at=4000)
    for _ in range(12):
        log.append("incident", {"text": "x" * 300})
        checkpoint = log.commit()
        assert full.lines.stat().st_size < 4000
    assert len(files(full)) == 2
    assert checkpoint.size == full.verify().committed
    assert full.verify().verdict == "ok"


def test_only_seal_writes_a_seal_and_an_empty_file_is_not_sealed(full: Site) -> None:
    log = full.open()
    for append in (log.append, lambda *given: log.append_if(lambda: True, *given)):
        with pytest.raises(RecordError, match="by seal alone"):
            append("segment.sealed", {})
    log.seal()
    assert log.seal() is None
    for bad in ({}, {"keep_until": "2025-13-01", "policy": ""}, {**RETENTION, "more": "x"}):
        with pytest.raises(RecordError, match="retention"):
            log.seal(retention=bad)


def remove(folder: Path) -> None:
    (folder / "000000000005.jsonl").unlink()


def remove_first(folder: Path) -> None:
    (folder / "000000000000.jsonl").unlink()


def double(folder: Path) -> None:
    shutil.copy(folder / "000000000005.jsonl", folder / "000000000006.jsonl")


def swap(folder: Path) -> None:
    (folder / "000000000000.jsonl").rename(folder / "x")
    (folder / "000000000005.jsonl").rename(folder / "000000000000.jsonl")
    (folder / "x").rename(folder / "000000000005.jsonl")


def link(folder: Path) -> None:
    (folder / "000000000005.jsonl").rename(folder.parent / "elsewhere")
    (folder / "000000000005.jsonl").symlink_to(folder.parent / "elsewhere")


def foreign(folder: Path) -> None:
    (folder / "notes.jsonl").write_text("mine")


def other(folder: Path) -> None:
    shutil.copy(folder / "000000000000.jsonl", folder / "000000000005.jsonl")


def cut(folder: Path) -> None:
    os.truncate(folder / "000000000005.jsonl", 30)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (remove, "log.jsonl begins with record 8"),
        (remove_first, "000000000000.jsonl is missing"),
        (double, "000000000006.jsonl"),
        (swap, "000000000000.jsonl"),
        (link, "000000000005.jsonl"),
        (foreign, "notes.jsonl"),
        (other, "000000000005.jsonl"),
        (cut, "000000000005.jsonl"),
    ],
)
def test_a_segment_that_is_not_as_it_was_is_named(
    full: Site, change: Callable[[Path], None], named: str
) -> None:
    log = three(full)
    change(full.directory / "segments")
    report = full.verify()
    assert report.exit_status == 4
    assert any(named in fault.message for fault in report.faults), report.faults
    with pytest.raises((LogCorruptError, LogUnusableError)):
        full.open()
    with pytest.raises((LogCorruptError, LogUnusableError)):
        log.seal()


def test_a_segment_is_pruned_and_every_proof_stays(full: Site) -> None:
    log = three(full)
    leaves = [leaf_hash(line) for line, _ in Text.open(full.directory).pieces()]
    kept = full.checkpoint.read_bytes()
    pruner = later(full)
    done = pruner.prune(0, reason="over", held=lambda: None)
    assert files(full) == ["000000000000.leaves", "000000000000.pruned", "000000000005.jsonl"]
    record = next(record for record in pruner.records() if record.seq == done.seq)
    stays = (full.directory / "segments" / "000000000000.pruned").read_bytes()
    assert record.body == {
        "what": "segment",
        "segment": 0,
        "first": 0,
        "count": 5,
        "kept": blake3(stays).hexdigest(),
        "reason": "over",
    }
    assert [record.seq for record in pruner.records()] == [0, 4, 5, 6, 7, 8, 9]
    report = full.verify(old_checkpoint=kept)
    assert (report.verdict, report.level, report.size) == ("ok", 2, 10), report.faults
    shutil.rmtree(full.directory / "derived")
    assert full.open().head() == log.head()
    log.append("incident", {})
    checkpoint = log.commit()
    tiles = Tiles(full.directory)
    tiles.catch_up(Text.open(full.directory), checkpoint.size)
    for index in range(9):
        path = tiles.prove(index, checkpoint)
        assert verify_inclusion(leaves[index], index, checkpoint.size, path, checkpoint.root)
    everything = [*leaves, tiles.leaf(9), tiles.leaf(10)]
    assert tiles.inclusion(2, checkpoint.size) == inclusion_proof(everything, 2)
    with pytest.raises(LogCorruptError, match="pruned"):
        tiles.line_at(2)
    assert decode(tiles.line_at(4)).type == "segment.sealed"
    pruner.prune(1, reason="over", held=lambda: None)
    assert full.verify().verdict == "ok"
    with pytest.raises(LogUnusableError, match="pruned already"):
        pruner.prune(1, reason="again", held=lambda: None)


def test_a_run_over_two_segments_keeps_plan_and_end(full: Site) -> None:
    log = full.open()
    log.append("run.planned", {"run": "r2"})
    log.seal(retention=RETENTION)
    log.append("run.planned", {"run": "r3"})
    log.append("run.completed", {"run": "r2", "plan": 4})
    log.seal(retention=RETENTION)
    pruner = later(full)
    with pytest.raises(LogUnusableError, match="r3, planned in record 6, has no end"):
        pruner.prune(1, reason="over", held=lambda: None)
    pruner.prune(0, reason="over", held=lambda: None)
    log.append("run.failed", {"run": "r3", "plan": 6})
    pruner.prune(1, reason="over", held=lambda: None)
    report = full.verify()
    assert report.faults == ()


@pytest.mark.parametrize(
    ("day", "held", "segment", "said"),
    [
        ("2025-03-01", None, 0, "kept until 2025-03-01"),
        ("2025-03-02", "case 12", 0, "legal hold: case 12"),
        ("2025-03-02", None, 2, "no sealed segment 2"),
        ("2025-03-02", None, -1, "no sealed segment -1"),
    ],
)
def test_what_may_not_be_pruned_is_not(
    full: Site, day: str, held: str | None, segment: int, said: str
) -> None:
    three(full)
    before = files(full), full.lines.read_bytes()
    with pytest.raises(LogUnusableError, match=said):
        later(full, day).prune(segment, reason="x", held=lambda: held)
    assert (files(full), full.lines.read_bytes()) == before


def test_a_later_approval_changes_how_long_a_segment_is_kept(full: Site) -> None:
    log = full.open()
    log.seal()
    log.append("incident", {"retention": {"segment": 0, **RETENTION}})
    with pytest.raises(LogUnusableError, match="nothing in the log says"):
        later(full).prune(0, reason="x", held=lambda: None)
    log.append("approval", {"subject": "retention", "segment": 0, **RETENTION})
    later_day = {**RETENTION, "keep_until": "2025-04-01"}
    log.append("approval", {"subject": "retention", "segment": 0, **later_day})
    log.commit()
    with pytest.raises(LogUnusableError, match="until 2025-04-01"):
        later(full).prune(0, reason="x", held=lambda: None)
    later(full, "2025-04-02").prune(0, reason="x", held=lambda: None)
    assert full.verify().verdict == "ok"


def test_what_stays_of_a_segment_is_not_believed(full: Site) -> None:
    three(full)
    later(full).prune(0, reason="over", held=lambda: None)
    folder = full.directory / "segments"
    leaves, pruned = folder / "000000000000.leaves", folder / "000000000000.pruned"
    whole, said = leaves.read_bytes(), pruned.read_bytes()
    for place in range(0, len(whole), 7):
        leaves.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert full.verify().verdict == "tampered"
    leaves.write_bytes(whole[:-32])
    assert full.verify().exit_status == 4
    leaves.write_bytes(whole)
    for key in ("count", "first", "last", "kept"):
        value = json.loads(said)
        value[key] = {"kept": {}, "last": "0" * 64}.get(key, 3)
        pruned.write_bytes(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())
        assert full.verify().exit_status == 4, key
    pruned.write_bytes(said.replace(b'\\"tests\\"', b'\\"toads\\"', 1))
    with pytest.raises(LogCorruptError, match="record 0"):
        full.open()
    pruned.write_bytes(said)
    assert full.verify().verdict == "ok"


def test_lines_that_are_gone_by_no_record_are_missed(full: Site) -> None:
    three(full)
    twin = full.copy("twin")
    later(twin).prune(0, reason="over", held=lambda: None)
    for name in ("000000000000.leaves", "000000000000.pruned"):
        shutil.copy(twin.directory / "segments" / name, full.directory / "segments" / name)
    (full.directory / "segments" / "000000000000.jsonl").unlink()
    report = full.verify()
    assert (report.verdict, report.faults[0].seq) == ("tampered", 0)
    assert "by no record" in report.faults[0].message


def test_readers_and_writers_go_on_while_others_seal(full: Site) -> None:
    child = os.fork()
    if child == 0:
        log = full.open()
        for _ in range(40):
            log.append("incident", {})
            log.seal()
        os._exit(0)
    log, size, count = full.open(), 0, 0
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        for _ in range(50):
            text = Text.open(full.directory).require_sound()
            assert text.size >= size
            size = text.size
        log.append("incident", {})
        count += 1
    assert log.head().size == 4 + 80 + count
    assert full.verify().verdict == "ok"


def test_changed_lines_are_not_pruned(full: Site) -> None:
    three(full)
    path = full.directory / "segments" / "000000000000.jsonl"
    path.write_bytes(path.read_bytes().replace("é".encode(), b"zz", 1))
    with pytest.raises(LogCorruptError, match="not those"):
        later(full).prune(0, reason="over", held=lambda: None)
    assert path.exists()
