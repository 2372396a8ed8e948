"""What a writer asks of the disk: each byte is synced, and by one process only once."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from pathlib import Path

import pytest

from repro.audit_log.formats.checkpoint import Checkpoint
from repro.audit_log.storage.layout import SUSPECT
from repro.audit_log.storage.lines import Lines

from .conftest import Site
from .syncs import recorded
from .test_store import in_child

MARK_AND_CHECKPOINT = ["high-water", ".checkpoint.tmp", "/"]


def test_a_tracked_run_makes_eight_syncs(full: Site) -> None:
    log = full.open()
    with recorded() as names:
        log.append("run.planned", {"run": "r2"})
        log.commit()
        log.append("run.completed", {"run": "r2", "plan": 4})
        log.commit()
    assert names == ["log.jsonl", *MARK_AND_CHECKPOINT] * 2


def test_what_another_writer_has_synced_is_synced_before_it_is_signed(full: Site) -> None:
    log, other = full.open(), full.open()
    log.append("incident", {})
    other.append("incident", {})
    with recorded() as names:
        log.commit()
    assert names == ["log.jsonl", *MARK_AND_CHECKPOINT]


def test_what_was_there_when_the_log_was_opened_is_synced_before_it_is_signed(full: Site) -> None:
    full.open().append("incident", {})
    log = full.open()
    with recorded() as names:
        log.commit()
    assert names == ["log.jsonl", *MARK_AND_CHECKPOINT]


def test_a_file_that_was_swapped_is_synced_though_its_bytes_are_the_same(full: Site) -> None:
    log = full.open()
    log.append("incident", {})
    twin = full.directory / "twin"
    shutil.copy(full.lines, twin)
    twin.replace(full.lines)
    with recorded() as names:
        log.commit()
    assert names == ["log.jsonl", *MARK_AND_CHECKPOINT]


def test_a_forked_child_syncs_what_its_parent_has_synced(full: Site) -> None:
    log = full.open()
    log.append("incident", {})

    def work() -> None:
        with recorded() as names:
            log.commit()
        assert names == ["log.jsonl", *MARK_AND_CHECKPOINT]

    assert in_child(work) == 0


def test_a_suspect_log_is_not_signed_though_its_lines_are_durable(full: Site) -> None:
    log = full.open()
    log.append("incident", {})
    (full.directory / SUSPECT).write_text("somebody's sync has failed")
    with pytest.raises(Exception, match="suspect"):
        log.commit()


def test_a_mark_that_stands_is_made_durable_again_before_it_is_signed(full: Site) -> None:
    log = full.open()
    log.append("incident", {})
    before = full.checkpoint.read_bytes()
    mark = log.commit()
    full.checkpoint.write_bytes(before)  # as a signer leaves it who dies before the rename
    with recorded() as names:
        assert log.commit() == mark
    assert names == MARK_AND_CHECKPOINT


def test_a_failed_sync_fails_every_thread_that_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lines").write_bytes(bytes(40))
    lines, told, start = Lines(tmp_path / "lines"), [], threading.Barrier(4)

    def fail_once(descriptor: int) -> None:
        if not told:
            raise OSError(errno.EIO, "told to one")

    def work(end: int) -> None:
        start.wait()
        try:
            lines.sync(end)
        except OSError as error:
            told.append(error)

    monkeypatch.setattr(os, "fdatasync", fail_once)
    threads = [threading.Thread(target=work, args=(10 * n,)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 4
    with pytest.raises(OSError, match="earlier"):
        lines.sync(40)


def test_only_what_a_successful_sync_has_covered_is_not_synced_again(tmp_path: Path) -> None:
    (tmp_path / "lines").write_bytes(bytes(40))
    lines = Lines(tmp_path / "lines")
    with recorded() as names:
        for end, count in ((10, 1), (10, 1), (9, 1), (11, 2), (40, 3), (11, 3), (40, 3)):
            lines.sync(end)
            assert len(names) == count


def test_the_name_of_a_new_mark_is_durable_before_its_second_record_is_written(
    site: Site,
) -> None:
    (site.keys.directory("o")).mkdir(parents=True)
    root = bytes(32)
    with recorded() as names:
        for size in range(1, 5):
            site.keys.raise_mark(Checkpoint("o", size, root))
            names.append(str(size))
    first = [".high-water.tmp", "/", "1"]
    assert names == [*first, "/", "high-water", "2", "high-water", "3", "high-water", "4"]
