"""The kept tree: equal to the slow one, made only of what is new, and never believed."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from repro.audit_log.errors import LogCorruptError
from repro.audit_log.formats.checkpoint import Checkpoint
from repro.audit_log.formats.tree import consistency_proof, inclusion_proof, leaf_hash, root
from repro.audit_log.storage.segments import Text
from repro.audit_log.storage.tiles import Tiles

from .conftest import Site


def lines_of(count: int) -> list[bytes]:
    """Return lines of different lengths."""
    return [b'{"n":%d,"x":"%s"}' % (number, b"y" * (number % 7)) for number in range(count)]


def make(directory: Path, lines: list[bytes]) -> Text:
    """Write the lines, whatever they are, as those of a log."""
    directory.mkdir(exist_ok=True)
    (directory / "log.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    return Text.open(directory)


def check(tiles: Tiles, lines: list[bytes], size: int, pairs: list[tuple[int, int]]) -> None:
    """Compare with the slow tree: (index of a leaf, size of an older tree)."""
    leaves = [leaf_hash(line) for line in lines[:size]]
    assert tiles.root(size) == root(leaves)
    for index, old in pairs:
        assert tiles.inclusion(index, size) == inclusion_proof(leaves, index)
        assert tiles.consistency(old, size) == consistency_proof(leaves, old)


def test_every_proof_of_every_small_tree_equals_the_slow_one(tmp_path: Path) -> None:
    lines = lines_of(130)
    text = make(tmp_path / "log", lines)
    tiles = Tiles(tmp_path / "log")
    assert tiles.root(0) == root([])
    for size in range(1, 131):
        tiles.catch_up(text, size)
        step = 1 if size < 40 or size > 126 else 7
        check(tiles, lines, size, [(n, n + 1) for n in range(0, size, step)])


@pytest.mark.soak
def test_every_proof_of_every_tree_up_to_130(tmp_path: Path) -> None:
    lines = lines_of(130)
    text = make(tmp_path / "log", lines)
    tiles = Tiles(tmp_path / "log")
    for size in range(1, 131):
        tiles.catch_up(text, size)
        check(tiles, lines, size, [(n, n + 1) for n in range(size)])


@pytest.mark.parametrize("size", [255, 256, 257, 511, 512, 513, 1500])
def test_larger_trees_grown_in_steps(tmp_path: Path, size: int) -> None:
    chance = random.Random(size)  # noqa: S311 - no secret
    lines = lines_of(size)
    text = make(tmp_path / "log", lines)
    tiles = Tiles(tmp_path / "log")
    for step in [*sorted(chance.sample(range(1, size), 6)), size]:
        tiles.catch_up(text, step)
    pairs = [(chance.randrange(size), chance.randrange(size + 1)) for _ in range(6)]
    check(tiles, lines, size, pairs)
    for seq in [0, size - 1, *(index for index, _ in pairs)]:
        assert tiles.line_at(seq) == lines[seq]
        assert tiles.leaf(seq) == leaf_hash(lines[seq])


def test_a_tile_is_that_of_the_specification(tmp_path: Path) -> None:
    lines = lines_of(600)
    tiles = Tiles(tmp_path / "log")
    tiles.catch_up(make(tmp_path / "log", lines), 600)
    leaves = [leaf_hash(line) for line in lines]
    assert tiles.tile(0, 1) == b"".join(leaves[256:512])
    assert tiles.tile(0, 2, 88) == b"".join(leaves[512:])
    assert tiles.tile(1, 0, 2) == root(leaves[:256]) + root(leaves[256:512])


def test_catching_up_reads_only_what_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = lines_of(3000)
    text = make(tmp_path / "log", lines)
    Tiles(tmp_path / "log").catch_up(text, 2900)
    count = 0

    def counted(line: bytes) -> bytes:
        nonlocal count
        count += 1
        return leaf_hash(line)

    monkeypatch.setattr("repro.audit_log.storage.tiles.leaf_hash", counted)
    tiles = Tiles(tmp_path / "log")
    tiles.catch_up(text, 3000)
    assert count <= 100 + 255
    tiles.catch_up(text, 3000)
    assert count <= 100 + 255
    assert tiles.root(3000) == root([leaf_hash(line) for line in lines])


@pytest.mark.parametrize("name", ["0", "1", "5", "8", "places"])
@pytest.mark.parametrize("how", ["changed", "cut", "emptied", "gone"])
def test_what_is_handed_out_leads_to_the_signed_root_whatever_the_files_hold(
    tmp_path: Path, name: str, how: str
) -> None:
    lines = lines_of(700)
    text = make(tmp_path / "log", lines)
    leaves = [leaf_hash(line) for line in lines]
    Tiles(tmp_path / "log").catch_up(text, 700)
    path = tmp_path / "log" / "derived" / "tree" / name
    data = bytearray(path.read_bytes())
    if how == "changed":
        data[0::8] = bytes(byte ^ 1 for byte in data[0::8])
        path.write_bytes(data)
    elif how == "gone":
        path.unlink()
    else:
        path.write_bytes(data[: len(data) // 2 - 1 if how == "cut" else 0])
    checkpoint, old = Checkpoint("o", 700, root(leaves)), Checkpoint("o", 300, root(leaves[:300]))
    for index in (0, 3, 299, 511, 699):
        tiles = Tiles(tmp_path / "log")
        tiles.catch_up(text, 700)
        assert tiles.prove(index, checkpoint) == inclusion_proof(leaves, index)
        assert tiles.line_at(index) == lines[index]
    assert tiles.prove_consistency(old, checkpoint) == consistency_proof(leaves, 300)


def test_a_tree_whose_maker_died_is_finished_from_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = lines_of(2000)
    text = make(tmp_path / "log", lines)
    Tiles(tmp_path / "log").catch_up(text, 1000)
    with monkeypatch.context() as patch:
        patch.setattr(Tiles, "_pair_up", lambda self, old, new: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            Tiles(tmp_path / "log").catch_up(text, 1500)
    tiles = Tiles(tmp_path / "log")
    tiles.catch_up(text, 1500)
    monkeypatch.setattr(Tiles, "rebuild", lambda self, size: 1 // 0)
    tiles.believe(Checkpoint("o", 1500, root([leaf_hash(line) for line in lines[:1500]])))
    assert tiles.line_at(1499) == lines[1499]


def test_lines_that_do_not_lead_to_the_signed_root_are_said_to_be_corrupt(tmp_path: Path) -> None:
    lines = lines_of(300)
    tiles = Tiles(tmp_path / "log")
    tiles.catch_up(make(tmp_path / "log", lines), 300)
    wrong = Checkpoint("o", 300, bytes(32))
    with pytest.raises(LogCorruptError, match="not those that were signed"):
        tiles.prove(7, wrong)
    with pytest.raises(LogCorruptError, match="not those that were signed"):
        tiles.believe(wrong)
    with pytest.raises(LogCorruptError, match="not those that were signed"):
        tiles.prove_consistency(Checkpoint("o", 3, bytes(32)), wrong)
    with pytest.raises(LogCorruptError, match="300 of 301"):
        tiles.catch_up(Text.open(tmp_path / "log"), 301)


def test_the_tree_goes_through_segments_and_what_was_pruned(site: Site) -> None:
    log = site.create()
    for turn in range(3):
        log.append_many([("incident", {"turn": turn})] * 300)
        log.seal()
    log.append("incident", {})
    checkpoint = log.commit()
    text = Text.open(site.directory)
    lines = [line for line, _ in text.pieces()]
    tiles = Tiles(site.directory)
    tiles.catch_up(text, checkpoint.size)
    tiles.believe(checkpoint)
    for index in (0, 299, 300, 301, 302, 512, 600, checkpoint.size - 1):
        leaves = [leaf_hash(line) for line in lines]
        assert tiles.prove(index, checkpoint) == inclusion_proof(leaves, index)
        assert tiles.line_at(index) == lines[index]
    shutil.rmtree(site.directory / "derived")
    again = Tiles(site.directory)
    again.catch_up(text, checkpoint.size)
    assert again.root(checkpoint.size) == checkpoint.root
