"""Several publishers of different logs at one place: one has it, and it verifies for that one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import fsspec
import pytest

from repro.audit_log.disk.locks import exclusive
from repro.audit_log.verification.published import verify_published
from repro.audit_log.verification.source import Directory
from repro.errors import InputError, IntegrityError
from repro.stores import turns
from repro.stores.store import Store, Turn, open_store
from repro.verbs.audit import publishing
from repro.verbs.audit.publishing import Wanted, publish

from .conftest import Site
from .test_publish import files, grown, halted, twins

RACER = """
import sys
from pathlib import Path
from repro.cli.boundary import run
import repro.verbs.audit.publishing
print("ready", flush=True)
for line in sys.stdin:
    print(run(["audit", "publish", line.strip(), "--workspace", sys.argv[1]]), flush=True)
"""
ROUNDS = 25


@contextmanager
def racers(sites: list[Site]) -> Iterator[list[subprocess.Popen[str]]]:
    """Give a process for each site, which publishes wherever it is told to."""
    made = []
    for site in sites:
        (site.workspace / "CONFIG").mkdir(exist_ok=True)
        words = [sys.executable, "-P", "-c", RACER, str(site.workspace)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        made.append(
            subprocess.Popen(
                words, text=True, env={**os.environ, "REPRO_KEYS": str(site.keys.root)}, **pipes
            )
        )
    try:
        for one in made:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        yield made
    finally:
        for one in made:
            one.kill()
            one.communicate()


def race(made: list[subprocess.Popen[str]], address: str) -> list[int]:
    """Let all of them publish at one place at once; return their exit statuses."""

    def run(one: subprocess.Popen[str]) -> int:
        assert one.stdin is not None
        assert one.stdout is not None
        one.stdin.write(f"{address}\n")
        one.stdin.flush()
        while not (line := one.stdout.readline().strip()).isdigit():
            assert line, "it is dead"
        return int(line)

    with ThreadPoolExecutor(len(made)) as pool:
        return list(pool.map(run, made))


def three_logs(site: Site, tmp_path: Path) -> list[Site]:
    """Return two that went different ways from one copy, and one of somebody else."""
    here, there = twins(site, 3, (5, 7))
    stranger = Site(tmp_path / "stranger")
    stranger.workspace.mkdir(parents=True)
    grown(stranger, 4)
    return [here, there, stranger]


@pytest.mark.parametrize("kind", ["folder", "dir"])
def test_of_many_that_publish_at_once_one_has_the_place_and_the_others_are_told(
    site: Site, tmp_path: Path, kind: str
) -> None:
    sites = three_logs(site, tmp_path)
    rounds = ROUNDS if kind == "folder" else ROUNDS // 5  # they wait for each other by the second
    with racers(sites) as made:
        for number in range(rounds):
            place = tmp_path / f"place{number}"
            place.mkdir()
            address = str(place) if kind == "folder" else f"dir://{place.name}::file://{tmp_path}"
            found = race(made, address)
            assert found.count(0) == 1, found
            winner = found.index(0)
            expected = [4, 4, 3] if winner < 2 else [3, 3, 3]
            expected[winner] = 0
            assert found == expected
            report = verify_published(Directory(place), vkeys=sites[winner].vkeys)
            assert (report.verdict, report.faults) == ("ok", ())
            assert publish(sites[winner].workspace, address, Wanted(check=True)).written == 0


def test_publishers_of_one_log_all_end_well_while_it_grows(site: Site, tmp_path: Path) -> None:
    grown(site, 3)
    with racers([site, site]) as made:
        for number in range(ROUNDS):
            assert race(made, str(tmp_path / "place")) == [0, 0]
            grown(site, 4 + number)
    assert publish(site.workspace, str(tmp_path / "place")).size == 3 + ROUNDS


class Unruly:
    """A store for one who waits for no turn, at which somebody else writes after a file is."""

    def __init__(self, store: Store, after: str, what: object = None) -> None:
        self._store, self._after, self._what = store, after, what

    @contextmanager
    def alone(self, _: Turn) -> Iterator[None]:
        """Wait for nobody."""
        yield

    def write(self, name: str, data: bytes) -> None:
        """Write, and let the other one write."""
        self._store.write(name, data)
        if name == self._after:
            self._what()

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


@pytest.mark.parametrize("name", ["checkpoint", "tile/0/000.p/5", "tile/entries/000.p/5"])
def test_who_was_not_kept_out_is_noticed_after_the_last_write(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    here, there = twins(site, 3, (5, 5))
    publish(there.workspace, str(tmp_path / "theirs"))
    theirs = files(tmp_path / "theirs")
    real = open_store(str(tmp_path / "out"), make=True)
    store = Unruly(real, "checkpoint", lambda: real.write(name, theirs[name]))
    monkeypatch.setattr(publishing, "open_store", lambda *_, **__: store)
    with pytest.raises(IntegrityError, match="somebody else has written to") as caught:
        publish(here.workspace, str(tmp_path / "out"))
    assert caught.value.exit_status == 4


@pytest.mark.parametrize(
    "lock", ["out/.publish.lock", "site/workspace/AUDIT_LOG/derived/publish.lock"]
)
def test_whoever_waited_publishes_the_log_as_it_is_by_then(
    site: Site, tmp_path: Path, lock: str
) -> None:
    grown(site, 3)
    out = tmp_path / "out"
    publish(site.workspace, str(out))
    with ThreadPoolExecutor(1) as pool:
        with exclusive(tmp_path / lock):
            waiting = pool.submit(publish, site.workspace, str(out))
            time.sleep(0.5)
            assert not waiting.done()
            grown(site, 5)
        assert waiting.result(30).size == 5


def test_the_lock_of_a_folder_follows_no_link(site: Site, tmp_path: Path) -> None:
    grown(site, 3)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".publish.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"\.publish\.lock"):
        publish(site.workspace, str(tmp_path / "out"))
    assert not (tmp_path / "elsewhere").exists()


@pytest.fixture
def remote(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the address of a store without locks, where nobody waits for long."""
    monkeypatch.setattr(turns.alone.__wrapped__, "__defaults__", (0.2,))
    name = uuid.uuid4().hex
    yield f"memory://{name}/log"
    with suppress(FileNotFoundError):
        fsspec.filesystem("memory").rm(f"/{name}", recursive=True)


def test_the_flag_of_a_killed_publisher_stops_others_until_it_is_taken_over(
    site: Site, remote: str
) -> None:
    grown(site, 3)
    copy = site.copy("copy")
    store = open_store(remote)
    publish(site.workspace, remote)
    assert store.names("publishing") == []
    own = Turn(publishing._publisher(site.directory), "repro.log/x")
    killed = store.alone(own)
    killed.__enter__()
    assert store.names("publishing") == [own.name]
    with pytest.raises(InputError, match=rf"publishing/{own.name} is there \(repro.log/x\)") as no:
        publish(copy.workspace, remote)
    assert "--take-over" in str(no.value.hint)
    assert store.names("publishing") == [own.name]
    assert publish(copy.workspace, remote, Wanted(take_over=True)).written == 0
    assert store.names("publishing") == []
    store.write(f"publishing/{own.name}", b"")
    assert publish(site.workspace, remote).written == 0  # its own does not stop it
    assert store.names("publishing") == []


def test_a_flag_that_is_raised_at_the_same_moment_is_seen(remote: str) -> None:
    store = open_store(remote)

    class Late:
        """A store where the other one's flag comes between the look and one's own."""

        def write(self, name: str, data: bytes) -> None:
            """Write both."""
            store.write("publishing/other", b"another log")
            store.write(name, data)

        def __getattr__(self, name: str) -> object:
            return getattr(store, name)

    with (
        pytest.raises(InputError, match=r"publishing/other is there \(another log\)"),
        turns.alone(Late(), Turn("own", "")),
    ):
        pytest.fail("both of them write")
    assert store.names("publishing") == ["other"]


def test_a_store_that_does_not_list_what_was_written_is_not_published_to(remote: str) -> None:
    class Blind:
        """A store that lists nothing."""

        def names(self, _: str) -> list[str]:
            """List nothing."""
            return []

        def __getattr__(self, name: str) -> object:
            return getattr(open_store(remote), name)

    with (
        pytest.raises(InputError, match="does not list publishing/own"),
        turns.alone(Blind(), Turn("own", "")),
    ):
        pytest.fail("nobody would be seen")


@pytest.mark.parametrize("sizes", [(7, 5), (300, 280), (600, 257)])
def test_what_a_killed_publisher_of_another_history_left_is_not_built_upon(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, int]
) -> None:
    here, there = twins(site, 3, sizes)
    out = tmp_path / "out"
    halted(there, str(out), 1 if sizes[1] < 256 else 2, monkeypatch)
    before = files(out)
    assert before
    assert "checkpoint" not in before
    with pytest.raises(IntegrityError, match="holds other bytes"):
        publish(here.workspace, str(out))
    assert files(out) == before
    publish(there.workspace, str(out))
    assert verify_published(Directory(out), vkeys=site.vkeys).verdict == "ok"
