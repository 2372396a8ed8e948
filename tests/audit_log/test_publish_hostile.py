"""What somebody with the store in his hands may try: none of it passes for the log."""

from __future__ import annotations

import json
import os
import shutil
from itertools import product
from pathlib import Path

import pytest

from repro.audit_log.formats import tiled
from repro.audit_log.formats.tree import HASH_SIZE, leaf_hash
from repro.audit_log.verification.published import verify_published
from repro.audit_log.verification.source import Directory
from repro.errors import InputError, IntegrityError
from repro.stores.store import open_store
from repro.verbs.audit.publishing import publish
from repro.verbs.audit.verifying import Asked
from repro.verbs.audit.verifying import verify_published as verify_from_here

from .conftest import Site
from .test_publish import at_home, files, grown, twins


def exit_status(out: Path, site: Site) -> int:
    """Return what verification ends with."""
    return verify_published(Directory(out), vkeys=site.vkeys, full=True).exit_status


def test_a_store_that_was_put_back_is_told_by_the_next_publication_and_by_verification(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, kept = tmp_path / "out", tmp_path / "kept"
    at_home(site, monkeypatch)
    grown(site, 3)
    said: list[str] = []
    publish(site.workspace, str(out), warn=said.append)
    shutil.copytree(out, kept)
    grown(site, 5)
    publish(site.workspace, str(out), warn=said.append)
    assert said == []
    report, _ = verify_from_here(site.workspace, str(out), Asked())
    assert report.warnings == ()
    seen = (out / "checkpoint").read_bytes()
    shutil.rmtree(out)
    shutil.copytree(kept, out)
    report, _ = verify_from_here(site.workspace, str(out), Asked())
    assert any("3 records, and 5 were published there" in text for text in report.warnings)
    (tmp_path / "seen").write_bytes(seen)  # what anybody can do who has no workspace
    asked = Asked(vkeys=(site.vkey,), checkpoint=tmp_path / "seen")
    report, _ = verify_from_here(site.workspace, str(out), asked)
    assert (report.verdict, report.exit_status) == ("rolled back", 4)
    publish(site.workspace, str(out), warn=said.append)
    (told,) = said
    assert "3 records, and 5 were published there from here: it was put back" in told
    publish(site.workspace, str(out), warn=said.append)
    assert len(said) == 1
    shutil.rmtree(out)
    publish(site.workspace, str(out), warn=said.append)
    assert "publishes 0 records, and 5 were published" in said[-1]


@pytest.mark.parametrize(
    "sizes",
    [(300, 280), *(pytest.param(s, marks=pytest.mark.slow) for s in [(300, 300), (256, 512)])],
)
def test_no_mixture_of_two_histories_of_one_key_passes(
    site: Site, tmp_path: Path, sizes: tuple[int, int]
) -> None:
    here, there = twins(site, 3, sizes)
    for one, name in ((here, "here"), (there, "there")):
        publish(one.workspace, str(tmp_path / name))
    for which in product(("here", "there"), repeat=4):
        out = tmp_path / "-".join(which)
        for source, part in zip(which, ("tile/0", "tile/1", "tile/entries", ""), strict=True):
            if part:
                shutil.copytree(tmp_path / source / part, out / part)
            else:
                shutil.copy(tmp_path / source / "checkpoint", out / "checkpoint")
        is_whole = len(set(which)) == 1
        assert (exit_status(out, site) == 0) == is_whole, which


class TwoFaced:
    """A store that shows another checkpoint to whoever asks again."""

    def __init__(self, first: Path, then: Path) -> None:
        self._first, self._notes = open_store(str(first)), [then / "checkpoint"]

    def read(self, name: str, limit: int) -> bytes | None:
        """Read, at first what is there."""
        if name == "checkpoint" and self._notes[0] is None:
            return self._then
        if name == "checkpoint":
            self._then = self._notes[0].read_bytes()
            self._notes[0] = None
        return self._first.read(name, limit)

    def __getattr__(self, name: str) -> object:
        return getattr(self._first, name)


def test_a_store_that_shows_two_checkpoints_is_held_to_the_one_that_was_verified(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = twins(site, 3, (4, 6))
    publish(here.workspace, str(tmp_path / "here"))
    publish(there.workspace, str(tmp_path / "there"))
    at_home(here, monkeypatch)
    store = TwoFaced(tmp_path / "there", tmp_path / "here")
    monkeypatch.setattr("repro.verbs.audit.verifying.open_store", lambda _: store)
    with pytest.raises(IntegrityError, match="forked"):
        verify_from_here(here.workspace, "wherever", Asked())


def cut_bundle(path: Path) -> None:
    """Take the last entry away."""
    entries, data = [], path.read_bytes()
    while data:
        size = 2 + int.from_bytes(data[:2])
        entries.append(data[:size])
        data = data[size:]
    path.write_bytes(b"".join(entries[:-1]))


def cut_tile(path: Path) -> None:
    """Take the last hash away."""
    path.write_bytes(path.read_bytes()[:-HASH_SIZE])


def move_to_partial(path: Path) -> None:
    """Say that it is a part of itself, which lacks what is in the rest."""
    cut = cut_bundle if "entries" in path.parts else cut_tile
    cut(path)
    target = path.with_name(f"{path.name}.p") / "255"
    target.parent.mkdir(exist_ok=True)
    path.rename(target)


@pytest.mark.parametrize("size", [256, 512, 513])
def test_what_is_cut_at_the_end_of_a_full_tile_is_missed(
    site: Site, tmp_path: Path, size: int
) -> None:
    grown(site, size)
    whole = tmp_path / "whole"
    publish(site.workspace, str(whole))
    assert exit_status(whole, site) == 0
    ways = ("cut", "partial", "remove", "next")
    for how, folder in product(ways, ("tile/0", "tile/entries")):
        out = tmp_path / "out"
        shutil.copytree(whole, out)
        path = out / folder / f"{size // 256 - 1:03}"
        if how == "cut":
            (cut_bundle if folder == "tile/entries" else cut_tile)(path)
        elif how == "partial":
            move_to_partial(path)
        elif how == "remove":
            path.unlink()
        else:
            path.rename(path.with_name(f"{size // 256:03}"))
        assert exit_status(out, site) == 4, (how, folder)
        shutil.rmtree(out)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_another_text_of_the_same_record_and_length_is_no_entry_though_tiles_agree_with_it(
    site: Site, tmp_path: Path, level: int
) -> None:
    grown(site, 300)
    out = tmp_path / "out"
    publish(site.workspace, str(out))
    path = out / "tile" / "entries" / "000"
    found = tiled.parse_bundle(path.read_bytes(), 256)
    assert found is not None
    entries = [entry or b"" for entry in found]
    value = json.loads(entries[7])
    other = json.dumps(dict(reversed(value.items())), separators=(",", ":"), ensure_ascii=False)
    assert other.encode() != entries[7]
    assert len(other.encode()) == len(entries[7])
    entries[7] = other.encode()
    path.write_bytes(tiled.format_bundle(entries))
    tile = out / "tile" / "0" / "000"
    if level > 0:  # who forges an entry forges what it hashes to
        hashes = bytearray(tile.read_bytes())
        hashes[7 * HASH_SIZE : 8 * HASH_SIZE] = leaf_hash(entries[7])
        tile.write_bytes(hashes)
    if level > 1:
        from repro.audit_log.formats.tree import root

        data = tile.read_bytes()
        above = root(data[start : start + HASH_SIZE] for start in range(0, len(data), HASH_SIZE))
        (out / "tile" / "1" / "000.p" / "1").write_bytes(above)
    assert exit_status(out, site) == 4


@pytest.mark.parametrize("link", ["tile", "tile/entries", "tile/0"])
def test_a_folder_in_a_store_that_leads_elsewhere_is_not_written_to(
    site: Site, tmp_path: Path, link: str
) -> None:
    grown(site, 300)
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    publish(site.workspace, str(out))
    (out / link).rename(elsewhere)
    (out / link).symlink_to(elsewhere)
    before = files(elsewhere)
    grown(site, 600)
    with pytest.raises(InputError, match=f"{link} is a link"):
        publish(site.workspace, str(out))
    assert files(elsewhere) == before


@pytest.mark.parametrize("kind", ["symlink", "hard link"])
def test_a_link_where_a_file_is_going_to_be_made_overwrites_nothing_of_anybodys(
    tmp_path: Path, kind: str
) -> None:
    store = open_store(str(tmp_path / "store"), make=True)
    (tmp_path / "new").write_bytes(b"new")
    for name, put in (
        ("a/b", lambda: store.upload("a/b", tmp_path / "new")),
        ("a/c", lambda: store.write("a/c", b"new")),
    ):
        mine = tmp_path / f"mine-{name[-1]}"
        mine.write_bytes(b"mine")
        temporary = tmp_path / "store" / "a" / f".{name[-1]}.{os.getpid()}.tmp"
        temporary.parent.mkdir(exist_ok=True)
        if kind == "symlink":
            temporary.symlink_to(mine)
        else:
            temporary.hardlink_to(mine)
        put()
        assert mine.read_bytes() == b"mine"
        assert store.read(name, 9) == b"new"


def test_what_is_not_a_partial_tile_is_left_alone_when_partial_ones_are_removed(
    site: Site, tmp_path: Path
) -> None:
    grown(site, 3)
    out = tmp_path / "out"
    publish(site.workspace, str(out))
    (out / "tile" / "0" / "000.p" / "notes").mkdir()
    grown(site, 256)
    assert publish(site.workspace, str(out)).removed == 2
    assert (out / "tile" / "0" / "000.p" / "notes").is_dir()
    assert exit_status(out, site) == 0
