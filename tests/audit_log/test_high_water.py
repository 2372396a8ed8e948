"""The high-water mark's file: a crash never lowers it, damage never passes for a crash."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from repro.audit_log.errors import CheckpointError
from repro.audit_log.formats.checkpoint import Checkpoint, format_checkpoint
from repro.audit_log.keys import high_water

from .syncs import recorded
from .test_store import in_child

ORIGIN = f"repro.log/{'5f' * 16}"
SIZE = high_water.SIZE


def mark(size: int) -> Checkpoint:
    """Return a mark."""
    return Checkpoint(ORIGIN, size, bytes([size % 251 + 1]) * 32)


def written(path: Path, *sizes: int) -> bytes:
    """Raise the mark to each of ``sizes``; return what is in the file then."""
    for size in sizes:
        high_water.write(path, mark(size))
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """Yield where the file is to be; nothing is really synced, for it is written often."""
    with recorded():
        yield tmp_path / "high-water"


@pytest.mark.parametrize("standing", [1, 2, 7])
def test_a_record_torn_at_any_byte_leaves_the_mark_before_it_and_can_be_followed(
    path: Path, standing: int
) -> None:
    data = written(path, *range(1, standing + 2))
    before, record = data[:-SIZE], data[-SIZE:]
    for place in range(SIZE):
        begun, rest = record[:place], record[place:]
        for torn in (begun, begun + bytes(SIZE - place), bytes(place + 1) + rest[1:]):
            path.write_bytes(before + torn)
            assert high_water.read(path) == mark(standing)
            high_water.write(path, mark(99))
            assert high_water.read(path) == mark(99)
    path.write_bytes(before + record)
    assert high_water.read(path) == mark(standing + 1)


def test_no_crash_while_marks_are_raised_lowers_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = {name: getattr(os, name) for name in ("open", "write", "fsync", "fdatasync")}

    def dying(name: str, after: bool, size: int) -> None:
        def die(*arguments: object) -> None:
            if after:
                calls[name](*arguments)
            raise KeyboardInterrupt

        with monkeypatch.context() as patch, suppress(KeyboardInterrupt):
            patch.setattr(os, name, die)
            high_water.write(path, mark(size))

    for standing in range(1, 2 * high_water.FULL // SIZE):
        high_water.write(path, mark(standing))
        assert high_water.read(path) == mark(standing)
        for name in calls:
            for after in (False, True):
                dying(name, after, standing + 1)
                assert high_water.read(path) in (mark(standing), mark(standing + 1))
    assert path.stat().st_size <= high_water.FULL


def test_a_full_disk_leaves_the_mark_as_it_was(path: Path) -> None:
    resource = pytest.importorskip("resource")
    written(path, 1, 2)

    def work() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2 * SIZE + 100, 2 * SIZE + 100))
        with pytest.raises(OSError, match="short write"):
            high_water.write(path, mark(3))

    assert in_child(work) == 0
    assert path.stat().st_size == 2 * SIZE + 100
    assert high_water.read(path) == mark(2)
    assert len(written(path, 4)) == SIZE


@pytest.mark.parametrize("standing", [1, 2, 3])
def test_a_changed_byte_never_brings_an_earlier_mark_back(path: Path, standing: int) -> None:
    data = written(path, *range(1, standing + 1))
    for place in range(len(data) - SIZE, len(data)):
        for flip in (1, 0x20, 0x80):
            changed = bytearray(data)
            changed[place] ^= flip
            path.write_bytes(changed)
            try:
                found = high_water.read(path)
            except (CheckpointError, UnicodeDecodeError):
                continue
            assert found not in [mark(size) for size in range(standing + 1)]


def test_a_first_record_is_never_torn(path: Path) -> None:
    data = written(path, 1)
    text = format_checkpoint(mark(1)).encode()
    for place in range(SIZE):
        path.write_bytes(data[:place] + bytes(SIZE - place))
        with pytest.raises(CheckpointError):
            high_water.read(path)
        path.write_bytes(data[:place])
        if place == len(text):  # what is left is a mark of version 0.1
            assert high_water.read(path) == mark(1)
        else:
            with pytest.raises(CheckpointError):
                high_water.read(path)


def test_a_mark_of_version_0_1_is_read_and_raised(path: Path) -> None:
    path.write_bytes(format_checkpoint(mark(5)).encode())
    assert high_water.read(path) == mark(5)
    assert len(written(path, 6)) == SIZE
    assert len(written(path, 7)) == 2 * SIZE
    assert high_water.read(path) == mark(7)


def test_a_full_file_is_begun_again_and_a_longer_one_is_damage(path: Path) -> None:
    count = high_water.FULL // SIZE
    data = written(path, *range(1, count + 1))
    assert len(data) == high_water.FULL
    assert high_water.read(path) == mark(count)
    assert len(written(path, count + 1)) == SIZE
    assert high_water.read(path) == mark(count + 1)
    path.write_bytes(data + b"x")
    with pytest.raises(CheckpointError, match="longer"):
        high_water.read(path)


def test_every_origin_and_size_that_a_checkpoint_may_have_fits_a_record(path: Path) -> None:
    longest = Checkpoint("o" * 255, 2**63 - 1, b"\xff" * 32)
    for _ in range(2):
        high_water.write(path, longest)
        assert high_water.read(path) == longest
    assert path.stat().st_size == 2 * SIZE
    assert path.stat().st_mode & 0o777 == 0o600
