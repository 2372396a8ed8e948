"""The published log: what a stranger reads, what is written again, and what is refused."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import fsspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repro.audit_log.__main__ import main
from repro.audit_log.formats import tiled
from repro.audit_log.storage.store import Log
from repro.audit_log.verification.published import verify_published
from repro.audit_log.verification.source import Directory
from repro.errors import InputError, IntegrityError, UsageError
from repro.stores.folder import Folder
from repro.stores.store import Store, open_store, shown
from repro.verbs.audit.publishing import Published, Wanted, publish
from repro.verbs.audit.verifying import Asked
from repro.verbs.audit.verifying import verify_published as verify_from_here

from . import foreign_monitor
from .conftest import Site
from .test_segments import later, three


def grown(site: Site, size: int) -> Log:
    """Return the log, committed at ``size`` records."""
    log = site.open() if site.lines.exists() else site.create()
    missing = size - log.head().size
    log.append_many(
        [("incident", {"n": number, "text": "é" * (number % 7)}) for number in range(missing)]
    )
    log.commit()
    return log


def files(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, but for the empty one that publishers lock."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / ".publish.lock"
    }


def flipped(data: bytes) -> bytes:
    """Return bytes of which the last is another."""
    return data[:-1] + bytes([data[-1] ^ 1])


def as_lines(site: Site) -> list[bytes]:
    """Return the lines of a log that has one file."""
    return site.lines.read_bytes().split(b"\n")[:-1]


NEEDED = ("tile/0/003.p/136", "tile/entries/003.p/136")
LEFT = ("tile/0/003.p/133", "tile/entries/003.p/133")
"""Of an earlier checkpoint: they may go, and may not change."""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, Path]:
    """Return a site with a pruned segment, and where its log is published: never to be changed."""
    site = Site(tmp_path_factory.mktemp("published") / "site")
    site.workspace.mkdir(parents=True)
    grown(site, 299).seal(retention={"keep_until": "2025-02-28", "policy": "a month"})
    grown(site, 900)
    later(site).prune(0, reason="over", held=lambda: None)
    publish(site.workspace, str(site.root / "out"))
    grown(site, 904)
    publish(site.workspace, str(site.root / "out"))
    assert {name for name in files(site.root / "out") if "/003.p/" in name} == {*NEEDED, *LEFT}
    return site, site.root / "out"


@pytest.fixture(params=["folder", "file", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the address of an empty store of each kind."""
    if request.param != "memory":
        yield f"{'file://' if request.param == 'file' else ''}{tmp_path / 'store'}"
        return
    name = uuid.uuid4().hex
    yield f"memory://{name}/log"
    fsspec.filesystem("memory").rm(f"/{name}", recursive=True)


def downloaded(address: str, target: Path) -> Path:
    """Return a local copy of a store, as a monitor's cache holds it."""
    if "memory://" not in address:
        return Path(address.removeprefix("file://"))
    shutil.rmtree(target, ignore_errors=True)
    fsspec.filesystem("memory").get(address.removeprefix("memory:/"), str(target), recursive=True)
    return target


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 600])
def test_a_monitor_of_others_reads_what_is_published(site: Site, tmp_path: Path, size: int) -> None:
    grown(site, size)
    made = publish(site.workspace, str(tmp_path / "out"))
    assert (made.size, made.before, made.pending) == (size, 0, 0)
    assert foreign_monitor.monitor(tmp_path / "out", site.vkey) == as_lines(site)
    assert not [name for name in files(tmp_path / "out") if "opening" in name or "vkey" in name]
    report = verify_published(Directory(tmp_path / "out"), vkeys=site.vkeys, full=True)
    assert (report.verdict, report.level, report.size) == ("ok", 1, size)


@pytest.mark.slow
def test_a_tree_of_three_levels_is_published_and_grows(site: Site, tmp_path: Path) -> None:
    grown(site, 65_400)
    publish(site.workspace, str(tmp_path / "out"))
    grown(site, 70_000)
    made = publish(site.workspace, str(tmp_path / "out"))
    assert (tmp_path / "out" / "tile" / "2" / "000.p" / "1").stat().st_size == 32
    assert made.written == 2 * (19) + 2 + 1 + 1  # 273-255+1 of level 0, 2 of level 1, 1 of level 2
    assert foreign_monitor.monitor(tmp_path / "out", site.vkey) == as_lines(site)
    assert verify_published(Directory(tmp_path / "out"), vkeys=site.vkeys).verdict == "ok"


def test_only_what_is_new_is_written_in_every_kind_of_store(
    site: Site, place: str, tmp_path: Path
) -> None:
    grown(site, 300)
    first = publish(site.workspace, place)
    assert first.written == 2 * 2 + 1 + 1  # two of level 0 and their bundles, level 1, checkpoint
    again = publish(site.workspace, place)
    assert (again.written, again.before, again.size) == (0, 300, 300)
    grown(site, 301)
    one = publish(site.workspace, place)
    assert one.written == 3
    grown(site, 600)
    more = publish(site.workspace, place)
    assert more.removed == 4  # 44 and 45 of level 0 and their bundles are in full ones now
    copy = downloaded(place, tmp_path / "copy")
    assert foreign_monitor.monitor(copy, site.vkey) == as_lines(site)
    assert "tile/0/001.p/44" not in files(copy)
    checked = publish(site.workspace, place, Wanted(check=True))
    assert (checked.written, checked.compared) == (0, 3 + 3 + 1 + 1 + 1)  # and 000.p/1 of level 1


def test_what_no_checkpoint_covers_stays_here_until_it_is_signed(
    site: Site, tmp_path: Path
) -> None:
    log = grown(site, 3)
    log.append("incident", {"n": "durable"})
    made = publish(site.workspace, str(tmp_path / "out"))
    assert (made.size, made.pending) == (3, 1)
    assert foreign_monitor.monitor(tmp_path / "out", site.vkey) == as_lines(site)[:3]


class Halting:
    """A folder whose writer is killed before a write: what is written by then is there."""

    def __init__(self, store: Store, writes: int) -> None:
        self._store, self.left, self.order = store, writes, list[str]()

    def write(self, name: str, data: bytes) -> None:
        """Write, unless it is too late."""
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        self.order.append(name)
        self._store.write(name, data)

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


def halted(site: Site, address: str, writes: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Publish, and stop before one more write than that; return what was written, in order."""
    store = Halting(open_store(address, make=True), writes)
    with monkeypatch.context() as patch:
        patch.setattr("repro.verbs.audit.publishing.open_store", lambda *_, **__: store)
        with suppress(KeyboardInterrupt):
            publish(site.workspace, address)
    return store.order


def test_wherever_it_stops_a_monitor_finds_a_whole_log_and_the_next_one_goes_on(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown(site, 300)
    publish(site.workspace, str(tmp_path / "old"))
    grown(site, 600)
    for writes in range(7):
        out = tmp_path / f"out{writes}"
        shutil.copytree(tmp_path / "old", out)
        order = halted(site, str(out), writes, monkeypatch)
        assert "checkpoint" not in order[:-1]
        seen = foreign_monitor.monitor(out, site.vkey)
        assert len(seen) == (600 if "checkpoint" in order else 300)
        made = publish(site.workspace, str(out))
        assert made.written + len(order) == 6
        assert foreign_monitor.monitor(out, site.vkey) == as_lines(site)


KILLED = """
import os, signal, sys
from pathlib import Path
from repro.verbs.audit.publishing import publish
from repro.audit_log.disk import sync
import repro.stores.folder as folder
count = int(sys.argv[3])
real = folder.write_new
def counted(path, data, *more):
    global count
    count -= 1
    if count == 0:
        Path(path).write_bytes(data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    real(path, data, *more)
folder.write_new = counted
publish(Path(sys.argv[1]), sys.argv[2])
"""


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 5, 6])
def test_a_publisher_that_is_killed_in_a_write_leaves_no_half_file(
    site: Site, tmp_path: Path, count: int
) -> None:
    grown(site, 300)
    words = [sys.executable, "-P", "-c", KILLED, site.workspace, tmp_path / "out", str(count)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not (tmp_path / "out" / "checkpoint").exists()
    publish(site.workspace, str(tmp_path / "out"))
    assert foreign_monitor.monitor(tmp_path / "out", site.vkey) == as_lines(site)


def test_a_beginning_that_no_checkpoint_covers_is_written_again(site: Site, place: str) -> None:
    grown(site, 2)
    publish(site.workspace, str(site.root / "whole"))
    store = open_store(place, make=True)
    name = "tile/entries/000.p/2"
    store.write(name, files(site.root / "whole")[name][:700])
    assert publish(site.workspace, place).written == 3


@pytest.mark.parametrize("name", ["tile/0/000", "tile/entries/000", "tile/1/000.p/1"])
@pytest.mark.parametrize("change", ["flip", "cut", "lengthen"])
def test_a_changed_tile_is_an_alarm_and_never_written_over(
    site: Site, tmp_path: Path, name: str, change: str
) -> None:
    grown(site, 300)
    out = tmp_path / "out"
    publish(site.workspace, str(out))
    path = out / name
    data = path.read_bytes()
    path.write_bytes(
        {"flip": bytes([data[0] ^ 1]) + data[1:], "cut": data[:-1], "lengthen": data + b"x"}[change]
    )
    before = files(out)
    with pytest.raises(IntegrityError, match=f"{name} holds other bytes"):
        publish(site.workspace, str(out), Wanted(check=True))
    assert files(out) == before
    report = verify_published(Directory(out), vkeys=site.vkeys)
    assert report.exit_status in (3, 4)
    assert any(name in fault.message or "entry" in fault.message for fault in report.faults)


DAMAGED = ["tile/0/002.p/88", "tile/entries/002.p/88", "tile/1/000.p/2"]


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("size", [600, 601, 800])
def test_the_last_tiles_that_a_checkpoint_needs_are_compared_by_every_publication(
    site: Site, tmp_path: Path, name: str, size: int
) -> None:
    grown(site, 600)
    out = tmp_path / "out"
    publish(site.workspace, str(out))
    (out / name).write_bytes(flipped((out / name).read_bytes()))
    before = files(out)
    grown(site, size)
    with pytest.raises(IntegrityError, match=f"{name} holds other bytes"):
        publish(site.workspace, str(out))
    assert files(out) == before


def test_what_was_not_looked_at_is_counted_and_said(
    site: Site, tmp_path: Path, in_this_process, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown(site, 600)
    at_home(site, monkeypatch)
    out = tmp_path / "out"
    assert publish(site.workspace, str(out)).not_compared == 0
    (out / "tile" / "0" / "000").write_bytes(b"x")
    made = publish(site.workspace, str(out))
    assert (made.written, made.compared, made.not_compared) == (0, 4, 4)  # 2 tiles, 2 bundles
    said = in_this_process(["audit", "publish", str(out)], site.workspace)
    assert said.returncode == 0
    assert "there already: 4 files, the same bytes" in said.stdout
    assert "not looked at: 4 full tiles and bundles" in said.stdout
    assert (
        in_this_process(["audit", "publish", str(out), "--check"], site.workspace).returncode == 4
    )


def test_what_a_killed_publisher_did_not_remove_is_compared_and_removed_by_check(
    site: Site, tmp_path: Path
) -> None:
    grown(site, 300)
    out = tmp_path / "out"
    publish(site.workspace, str(out))
    left = {name: data for name, data in files(out).items() if "001.p" in name}
    grown(site, 600)
    publish(site.workspace, str(out))
    assert left
    assert not left.keys() & files(out).keys()
    for name, data in left.items():
        (out / name).parent.mkdir()
        (out / name).write_bytes(data)
    assert publish(site.workspace, str(out)).removed == 0
    made = publish(site.workspace, str(out), Wanted(check=True))
    assert (made.removed, made.written) == (len(left), 0)
    assert not left.keys() & files(out).keys()
    name = "tile/entries/001.p/44"
    (out / name).parent.mkdir()
    (out / name).write_bytes(flipped(left[name]))
    with pytest.raises(IntegrityError, match=f"{name} holds other bytes"):
        publish(site.workspace, str(out), Wanted(check=True))


@pytest.mark.parametrize("folder", ["tile/0", "tile/entries"])
def test_a_partial_tile_of_an_earlier_checkpoint_is_compared_by_check(
    site: Site, tmp_path: Path, folder: str
) -> None:
    out = tmp_path / "out"
    for size in (257, 300):
        grown(site, size)
        publish(site.workspace, str(out))
    made = publish(site.workspace, str(out), Wanted(check=True))
    assert (made.written, made.compared) == (0, 2 + 2 + 1 + 1 + 2)
    (out / folder / "001.p" / "1").write_bytes(b"x")
    with pytest.raises(IntegrityError, match=f"{folder}/001.p/1 holds other bytes"):
        publish(site.workspace, str(out), Wanted(check=True))


OLDER = ["tile/0/002.p/88", "tile/entries/002.p/88", "tile/1/000.p/1"]


@pytest.fixture(scope="module")
def thrice(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Return a site whose log was published at three sizes, in ``out``: never to be changed."""
    site = Site(tmp_path_factory.mktemp("thrice") / "site")
    site.workspace.mkdir(parents=True)
    for size in (257, 600, 601):
        grown(site, size)
        publish(site.workspace, str(site.root / "out"))
    assert set(OLDER) < set(files(site.root / "out"))
    return site


@pytest.mark.parametrize("name", OLDER)
@pytest.mark.parametrize("change", ["flip", "cut", "lengthen", "empty"])
def test_a_partial_tile_that_this_checkpoint_does_not_need_is_verified_too(
    thrice: Site, tmp_path: Path, name: str, change: str
) -> None:
    out = tmp_path / "out"
    shutil.copytree(thrice.root / "out", out)
    report = verify_published(Directory(out), vkeys=thrice.vkeys)
    assert (report.verdict, report.faults) == ("ok", ())
    assert any("3 partial ones of earlier checkpoints" in text for text in report.checked)
    data = (out / name).read_bytes()
    made = {"flip": flipped(data), "cut": data[:-1], "lengthen": data + b"x", "empty": b""}
    (out / name).write_bytes(made[change])
    report = verify_published(Directory(out), vkeys=thrice.vkeys)
    assert report.exit_status == 4
    assert [fault.message.partition(" ")[0] for fault in report.faults] == [name]
    (out / name).unlink()  # who publishes may remove it, once the full one is there
    assert verify_published(Directory(out), vkeys=thrice.vkeys).verdict == "ok"


def test_what_lies_there_besides_is_counted_and_said_not_to_be_looked_at(
    thrice: Site, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(thrice.root / "out", out)
    report = verify_published(Directory(out), vkeys=thrice.vkeys)
    before = set(report.not_checked)
    for name in ["tile/0/003", "tile/0/x001/000", "tile/entries/002.p/90", "tile/3/000.p/1"]:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(b"of no checkpoint yet")
    for name in ["tile/0/x000/001", "tile/0/01", "tile/hello", "tile/0/002.p/088", "tile/64/000"]:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(b"of no tile")
    (out / "tile" / "0" / ".000.1.tmp").write_bytes(b"half")
    (out / "tile" / "0" / "x002").symlink_to(out / "tile" / "0")
    report = verify_published(Directory(out), vkeys=thrice.vkeys)
    assert report.verdict == "ok"
    assert set(report.not_checked) - before == {
        "5 tiles or bundles there that the checkpoint does not cover",
        "5 other things there, such as tile/0/002.p/088",
    }


class Unlisted:
    """A web server that gives files and lists no folders."""

    def __init__(self, folder: Path) -> None:
        self._folder = Directory(folder)

    def read(self, name: str, limit: int) -> bytes | None:
        """Give a file."""
        return self._folder.read(name, limit)

    def names(self, folder: str) -> list[str]:
        """Give nothing."""
        return []


def test_a_place_that_lists_nothing_is_verified_as_far_as_its_checkpoint_reaches(
    thrice: Site, full: Site
) -> None:
    report = verify_published(Unlisted(thrice.root / "out"), vkeys=thrice.vkeys)
    assert report.verdict == "ok"
    assert any("does not list its files" in text for text in report.not_checked)
    pruned(full)
    report = verify_published(Unlisted(full.root / "out"), vkeys=full.vkeys)
    assert report.verdict == "ok", report.faults


def test_a_run_under_way_leaves_a_plan_without_an_end_as_in_any_copy(
    site: Site, tmp_path: Path
) -> None:
    log = grown(site, 2)
    log.append("run.planned", {"run": "r1"})
    log.commit()
    publish(site.workspace, str(tmp_path / "out"))
    report = verify_published(Directory(tmp_path / "out"), vkeys=site.vkeys)
    assert (report.verdict, report.exit_status) == ("incomplete", 1)
    assert "run r1" in report.faults[0].message


def test_two_publishers_at_once_write_one_log(site: Site, tmp_path: Path) -> None:
    grown(site, 600)
    out = str(tmp_path / "out")
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: publish(site.workspace, out), range(4)))
    assert sorted(one.written for one in made) == [0, 0, 0, 3 + 3 + 1 + 1]
    assert foreign_monitor.monitor(tmp_path / "out", site.vkey) == as_lines(site)


def test_a_missing_tile_is_put_back_by_check_alone(site: Site, tmp_path: Path) -> None:
    grown(site, 600)
    out = tmp_path / "out"
    publish(site.workspace, str(out))
    (out / "tile" / "entries" / "000").unlink()
    assert publish(site.workspace, str(out)).written == 0
    report = verify_published(Directory(out), vkeys=site.vkeys)
    assert report.verdict == "truncated"
    assert "tile/entries/000 is not there" in [fault.message for fault in report.faults]
    assert publish(site.workspace, str(out), Wanted(check=True)).written == 1
    assert foreign_monitor.monitor(out, site.vkey) == as_lines(site)


def test_a_place_where_another_log_is_published_is_refused(site: Site, tmp_path: Path) -> None:
    grown(site, 2)
    other = Site(tmp_path / "other")
    other.workspace.mkdir(parents=True)
    grown(other, 5)
    publish(site.workspace, str(tmp_path / "out"))
    before = files(tmp_path / "out")
    with pytest.raises(InputError, match=r"publishes another log: repro\.log/"):
        publish(other.workspace, str(tmp_path / "out"))
    assert files(tmp_path / "out") == before


def twins(site: Site, at: int, sizes: tuple[int, int]) -> tuple[Site, Site]:
    """Return two copies of one log with its key that went different ways from ``at`` on."""
    grown(site, at)
    twin = site.copy("twin")
    grown(site, sizes[0])
    grown(twin, sizes[1])
    return site, twin


@pytest.mark.parametrize("sizes", [(4, 4), (4, 6), (6, 4), (300, 280), (256, 600)])
def test_a_fork_is_refused_with_evidence_that_convinces_anybody(
    site: Site, tmp_path: Path, sizes: tuple[int, int], capsys: pytest.CaptureFixture[str]
) -> None:
    here, there = twins(site, 3, sizes)
    out, proof = tmp_path / "out", tmp_path / "proof"
    proof.mkdir()
    publish(there.workspace, str(out))
    before = files(out)
    with pytest.raises(IntegrityError, match="forked") as caught:
        publish(here.workspace, str(out), Wanted(evidence=proof))
    assert caught.value.exit_status == 4
    assert files(out) == before
    (written,) = proof.iterdir()
    assert str(written) in str(caught.value.hint)
    assert main(["fork", str(written), "--vkey", site.vkey]) == 4
    assert "two trees that no log can have grown through" in capsys.readouterr().out
    with pytest.raises(IntegrityError, match="forked"):  # the same evidence again
        publish(here.workspace, str(out), Wanted(evidence=proof))


def at_home(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a log be that of a workspace whose keys are this machine's."""
    (site.workspace / "CONFIG").mkdir(exist_ok=True)
    monkeypatch.setenv("REPRO_KEYS", str(site.keys.root))


@pytest.mark.parametrize("sizes", [(4, 4), (4, 6), (6, 4)])
def test_another_history_of_the_workspaces_log_does_not_pass_for_it(
    site: Site, tmp_path: Path, sizes: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = twins(site, 3, sizes)
    out, proof = tmp_path / "out", tmp_path / "proof"
    proof.mkdir()
    at_home(here, monkeypatch)
    publish(there.workspace, str(out))
    with pytest.raises(IntegrityError, match="forked") as caught:
        verify_from_here(here.workspace, str(out), Asked(), proof)
    assert caught.value.exit_status == 4
    (written,) = proof.iterdir()
    assert main(["fork", str(written), "--vkey", site.vkey]) == 4
    report, _ = verify_from_here(here.workspace, str(out), Asked(vkeys=(site.vkey,)))
    assert report.verdict == "ok"  # who names the key alone asks for no log of his own


def test_verification_from_the_workspace_tells_what_is_not_published_and_what_was_put_back(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = str(tmp_path / "out")
    grown(site, 3)
    at_home(site, monkeypatch)
    old = site.copy("old")
    publish(site.workspace, out)
    report, _ = verify_from_here(site.workspace, out, Asked())
    assert (report.verdict, report.warnings) == ("ok", ())
    grown(site, 5)
    report, _ = verify_from_here(site.workspace, out, Asked())
    assert report.verdict == "ok"
    assert report.warnings == ("3 records are published, and 5 are signed here: publish the rest",)
    publish(site.workspace, out)
    at_home(old, monkeypatch)
    with pytest.raises(IntegrityError, match=r"rolled back: .* publishes 5 records"):
        verify_from_here(old.workspace, out, Asked())


def test_a_log_that_was_put_back_from_a_copy_is_told_so(site: Site, tmp_path: Path) -> None:
    grown(site, 3)
    old = site.copy("old")
    grown(site, 300)
    publish(site.workspace, str(tmp_path / "out"))
    with pytest.raises(IntegrityError, match=r"rolled back: .* publishes 300 records") as caught:
        publish(old.workspace, str(tmp_path / "out"))
    assert caught.value.exit_status == 4


def test_a_longer_log_whose_tiles_are_broken_is_not_called_a_fork(
    site: Site, tmp_path: Path
) -> None:
    grown(site, 3)
    old = site.copy("old")
    grown(site, 300)
    publish(site.workspace, str(tmp_path / "out"))
    (tmp_path / "out" / "tile" / "0" / "000").write_bytes(bytes(8192))
    with pytest.raises(IntegrityError, match="do not lead to its own checkpoint"):
        publish(old.workspace, str(tmp_path / "out"))


def test_a_checkpoint_that_others_signed_is_refused(site: Site, tmp_path: Path) -> None:
    grown(site, 3)
    out = tmp_path / "out"
    publish(site.workspace, str(out))
    note = (out / "checkpoint").read_text("utf-8")
    (out / "checkpoint").write_text(note.replace("\n3\n", "\n2\n", 1), "utf-8")
    with pytest.raises(IntegrityError, match="not signed by this log"):
        publish(site.workspace, str(out))
    (out / "checkpoint").write_text("hello\n", "utf-8")
    with pytest.raises(IntegrityError, match="has for a checkpoint is none"):
        publish(site.workspace, str(out))


def test_rotated_keys_lead_from_the_old_publication_to_the_new(site: Site, tmp_path: Path) -> None:
    log = grown(site, 3)
    first = site.vkey
    publish(site.workspace, str(tmp_path / "out"))
    log.rotate_keys()
    assert site.vkey != first
    made = publish(site.workspace, str(tmp_path / "out"))
    assert made.before == 3
    report = verify_published(Directory(tmp_path / "out"), vkeys=[first])
    assert report.verdict == "ok"


def pruned(site: Site) -> Published:
    """Prune the first of three segments of a log that is not published yet, and publish it."""
    three(site)
    later(site).prune(0, reason="over", held=lambda: None)
    return publish(site.workspace, str(site.root / "out"))


def test_of_pruned_records_the_leaf_hashes_are_published_and_what_remains_beside(
    full: Site,
) -> None:
    made = pruned(full)
    out = full.root / "out"
    assert made.pruned == 3
    assert made.withheld == made.size - 3
    assert f"tile/entries/000.p/{made.size}" not in files(out)
    left = tiled.parse_bundle(files(out)[f"remaining/000.p/{made.size}"], made.size)
    assert left is not None
    assert [number for number, line in enumerate(left) if line is None] == [1, 2, 3]
    _, size, root = foreign_monitor.checkpoint(out, full.vkey)
    assert foreign_monitor.tree_from_tiles(out, size) == root
    report = verify_published(Directory(out), vkeys=full.vkeys)
    assert report.verdict == "ok", report.faults
    assert any("3 pruned records" in text for text in report.not_checked)


def test_lines_that_are_gone_without_an_erasure_are_a_fault(full: Site) -> None:
    three(full)
    publish(full.workspace, str(full.root / "out"))
    out = full.root / "out"
    (path,) = (out / "tile" / "entries" / "000.p").iterdir()
    found = tiled.parse_bundle(path.read_bytes(), int(path.name))
    assert found is not None
    left = (found[0], None, *found[2:])
    (out / "remaining" / "000.p").mkdir(parents=True)
    (out / "remaining" / "000.p" / path.name).write_bytes(tiled.format_bundle(left))
    path.unlink()
    report = verify_published(Directory(out), vkeys=full.vkeys)
    assert report.exit_status == 4, report
    assert any("by no record" in fault.message for fault in report.faults)


def test_entries_published_before_they_were_pruned_are_named_and_withdrawn(
    full: Site, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    three(full)
    old = publish(full.workspace, str(out)).size
    later(full).prune(0, reason="over", held=lambda: None)
    made = publish(full.workspace, str(out))
    assert made.still_there == (f"tile/entries/000.p/{old}",)
    assert verify_published(Directory(out), vkeys=full.vkeys).verdict == "ok"
    made = publish(full.workspace, str(out), Wanted(withdraw=True))
    assert (made.removed, made.still_there) == (1, ())
    assert not [name for name in files(out) if name.startswith("tile/entries")]
    assert verify_published(Directory(out), vkeys=full.vkeys).verdict == "ok"


def test_a_wide_log_with_a_pruned_segment_is_published_whole_where_it_can_be(
    site: Site, tmp_path: Path
) -> None:
    log = grown(site, 699)
    log.seal(retention={"keep_until": "2025-02-28", "policy": "a month"})
    grown(site, 1200)
    out = tmp_path / "out"
    before = publish(site.workspace, str(out))
    assert before.pruned == 0
    later(site).prune(0, reason="over", held=lambda: None)
    made = publish(site.workspace, str(out), Wanted(withdraw=True))
    assert made.removed == 3  # two full bundles of the segment, and the one it ends in
    names = files(out)
    assert {"tile/entries/003", "remaining/000", "remaining/002"} <= set(names)
    assert "tile/entries/002" not in names
    report = verify_published(Directory(out), vkeys=site.vkeys)
    assert report.verdict == "ok", report.faults
    assert publish(site.workspace, str(out)).written == 0


def test_verification_from_a_store_finds_what_a_checkpoint_of_earlier_contradicts(
    site: Site, tmp_path: Path, in_this_process
) -> None:
    here, there = twins(site, 3, (5, 6))
    publish(there.workspace, str(tmp_path / "out"))
    (tmp_path / "kept").write_bytes(here.checkpoint.read_bytes())
    words = ["tiles", str(tmp_path / "out"), "--vkey", site.vkey]
    assert main([*words, "--checkpoint", str(tmp_path / "kept")]) == 4
    assert main(words) == 0
    assert main(["tiles", str(tmp_path / "out")]) == 3
    assert main(["tiles", str(tmp_path / "nowhere"), "--vkey", site.vkey]) == 3
    done = in_this_process(
        ["audit", "verify", "--from", str(tmp_path / "out"), "--vkey", site.vkey], tmp_path
    )
    assert (done.returncode, done.stdout.partition(":")[0]) == (0, "ok")
    done = in_this_process(
        ["audit", "verify", "--from", str(tmp_path / "out"), "--artifacts"], tmp_path
    )
    assert done.returncode == 2


@given(st.integers(0, 1 << 24), st.integers(0, 1 << 12))
def test_the_tiles_of_a_grown_tree_are_those_of_the_old_and_the_new(size: int, more: int) -> None:
    old = set(tiled.tiles(size)) if size < 1 << 16 else set()
    new = set(tiled.tiles(size + more, size))
    if size < 1 << 16:
        whole = set(tiled.tiles(size + more))
        assert whole <= old | new
        assert not old & new
        assert {tile for tile in old - whole if tile.width == 256} == set()
    assert all(0 < tile.width <= 256 for tile in new)
    assert {tile.path for tile in new} >= {
        f"tile/0/{foreign_monitor.coded(tile.index)}"
        for tile in new
        if tile.level == 0 and tile.width == 256
    }


def test_names_are_those_of_the_specification() -> None:
    assert tiled.path_of("tile/0", 1_234_067) == "tile/0/x001/x234/067"
    assert tiled.path_of("tile/entries", 0, 7) == "tile/entries/000.p/7"
    found = [(t.level, t.width) for t in tiled.tiles(70_000)]
    assert found.count((0, 256)) == 273
    assert [pair for pair in found if pair != (0, 256)] == [(0, 112), (1, 256), (1, 17), (2, 1)]
    assert [(t.level, t.width) for t in tiled.tiles(256)] == [(0, 256), (1, 1)]


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=256), st.binary(max_size=3))
def test_a_bundle_is_read_as_it_was_written_and_nothing_else_is(
    entries: list[bytes], rest: bytes
) -> None:
    data = tiled.format_bundle(entries)
    assert tiled.parse_bundle(data, len(entries)) == tuple(entries)
    assert tiled.parse_bundle(data, len(entries) + 1) is None
    if entries:
        assert tiled.parse_bundle(data[:-1], len(entries)) is None
    if rest:
        assert tiled.parse_bundle(data + rest, len(entries)) is None


def test_an_address_names_a_store_or_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        open_store(str(tmp_path / "nowhere"))
    with pytest.raises(UsageError):
        open_store("")
    with pytest.raises(UsageError, match="bogus"):
        open_store("bogus://x/y")
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError):
        open_store(str(tmp_path / "file"), make=True)
    assert isinstance(open_store(f"file://{tmp_path}"), Folder)
    assert shown("s3://me:secret@host/x?token=1") == "s3://host/x"


def test_a_store_needs_its_extra_and_says_which(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['fsspec'] = None\n"
        "from repro.stores.store import open_store\n"
        "from repro.errors import InputError\n"
        "try: open_store('s3://bucket/log')\n"
        "except InputError as error: print(error.hint)\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], check=True, capture_output=True, text=True
    )
    assert "pip install '.[store]'" in done.stdout


def test_the_workspace_its_log_and_its_results_are_no_place_for_a_store(site: Site) -> None:
    grown(site, 2)
    before = files(site.workspace)
    for place in (".", "AUDIT_LOG", "AUDIT_LOG/public", "RESULTS", "CONFIG"):
        with pytest.raises(UsageError, match="no place for a store"):
            publish(site.workspace, str(site.workspace / place))
    assert set(files(site.workspace)) >= set(before)
    assert not (site.directory / "public").exists()
    assert not (site.workspace / "tile").exists()


@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_changed_there_verification_says_so_and_raises_nothing(
    published: tuple[Site, Path], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    site, out = published
    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree(out, copy, dirs_exist_ok=True)
    names = sorted(name for name in files(copy) if not name.startswith("tile/entries/"))
    bundles = [NEEDED[1], LEFT[1]] * (len(names) // 2)
    name = data.draw(st.sampled_from(names + bundles))
    path = copy / name
    was = path.read_bytes()
    start = data.draw(st.integers(0, len(was) - 1))
    how = data.draw(st.sampled_from(["flip", "drop", "insert", "newline", "remove"]))
    now = {
        "flip": was[:start]
        + bytes([was[start] ^ data.draw(st.integers(1, 255))])
        + was[start + 1 :],
        "drop": was[:start] + was[start + 1 :],
        "insert": was[:start] + data.draw(st.binary(min_size=1, max_size=3)) + was[start:],
        "newline": was[:start] + b"\n" + was[start + 1 :],
        "remove": None,
    }[how]
    if now is None:
        path.unlink()
    else:
        path.write_bytes(now)
    if now == was:
        return
    report = verify_published(Directory(copy), vkeys=[site.vkey])
    shutil.rmtree(copy)
    if how == "remove" and name in LEFT:
        return
    # A changed signature of a key that is not pinned, or what it says, is no fault of the log's.
    assert report.exit_status or name == "checkpoint", (name, how, start)


@pytest.mark.parametrize("what", ["empty", "nowhere", "checkpoint", "tile/0/000.p/3"])
def test_where_nothing_can_be_read_the_verdict_is_unverifiable_as_of_a_log(
    site: Site,
    tmp_path: Path,
    in_this_process,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    at_home(site, monkeypatch)
    grown(site, 3)
    out = tmp_path / "out"
    if what == "empty":
        out.mkdir()
    elif what != "nowhere":
        publish(site.workspace, str(out))
        (out / what).unlink()
        (out / what).mkdir()
    assert main(["tiles", str(out), "--vkey", site.vkey]) == 3
    said = capsys.readouterr().out
    assert said.startswith("unverifiable: ")
    assert (what if "/" in what else "checkpoint") in said
    assert main(["tiles", str(out), "--vkey", site.vkey, "--format", "json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["level"], len(found["faults"])) == ("unverifiable", -1, 1)
    if what == "empty":
        said = in_this_process(["audit", "verify", "--from", str(out)], site.workspace)
        assert (said.returncode, said.stdout[:14]) == (3, "unverifiable: ")


def test_a_link_in_a_store_is_not_followed(site: Site, tmp_path: Path) -> None:
    grown(site, 2)
    out = tmp_path / "out"
    publish(site.workspace, str(out))
    (out / "checkpoint").rename(tmp_path / "elsewhere")
    (out / "checkpoint").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="checkpoint"):
        publish(site.workspace, str(out))
