"""Publishing to stores that fail, that others write to, and that no folder of this machine is."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from repro.errors import InputError, IntegrityError
from repro.stores.store import Store, Turn, open_store
from repro.verbs.audit.publishing import Wanted, publish
from repro.verbs.audit.verifying import Asked
from repro.verbs.audit.verifying import verify_published as verify_from_here

from . import foreign_monitor
from .conftest import Site
from .test_publish import as_lines, files, grown


class Dying(MemoryFileSystem):
    """A store whose line dies in the middle of one write, of which a half may be left."""

    protocol = "dying"
    store = {}  # noqa: RUF012 (as its base has it)
    pseudo_dirs = [""]  # noqa: RUF012
    left = -1

    def pipe_file(self, path, value, mode="overwrite", **more):
        """Write, or a half of it."""
        Dying.left -= 1
        if Dying.left == 0:
            super().pipe_file(path, value[: len(value) // 2], mode, **more)
            raise ConnectionError("the line is dead")
        super().pipe_file(path, value, mode, **more)


class Silent(MemoryFileSystem):
    """A web server that gives files and lists no folder."""

    protocol = "silent"
    store = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012

    def ls(self, path, detail=True, **more):
        """Refuse."""
        raise PermissionError("403")


for kind in (Dying, Silent):
    fsspec.register_implementation(kind.protocol, kind, clobber=True)


def fetched(name: str, target: Path) -> Path:
    """Return a local copy of what a dying store has."""
    for path, file in Dying.store.items():
        if f"{name}/log/" in path:
            local = target / path.partition("/log/")[2]
            local.parent.mkdir(parents=True, exist_ok=True)
            local.write_bytes(file.getvalue())
    return target


@pytest.mark.parametrize("writes", [1, 2, 3])
def test_whichever_write_fails_a_monitor_finds_a_whole_log_and_the_next_one_goes_on(
    site: Site, tmp_path: Path, writes: int
) -> None:
    name = uuid.uuid4().hex
    address = f"dying://{name}/log"
    grown(site, 300)
    publish(site.workspace, address)
    grown(site, 600)
    for number in range(9):
        Dying.left = writes + 2  # a flag and so many are whole, and a half of the next one is
        with suppress(InputError):
            publish(site.workspace, address)
            break
        copy = fetched(name, tmp_path / f"copy{number}")
        assert not list(copy.rglob(".*.tmp"))
        assert len(foreign_monitor.monitor(copy, site.vkey)) == 300
    assert number == 6 // writes - (6 % writes == 0)
    Dying.left = -1
    assert foreign_monitor.monitor(fetched(name, tmp_path / "copy"), site.vkey) == as_lines(site)
    assert publish(site.workspace, address, Wanted(check=True)).written == 0


class Meanwhile:
    """A store at which somebody who was not kept out does something before the first write."""

    def __init__(self, store: Store, what: Callable[[], object]) -> None:
        self._store, self._what = store, [what]

    def alone(self, _: Turn) -> AbstractContextManager[None]:
        """Keep nobody out."""
        return nullcontext()

    def write(self, name: str, data: bytes) -> None:
        """Write, after the other."""
        if self._what:
            self._what.pop()()
        self._store.write(name, data)

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


def test_of_two_copies_that_publish_at_once_the_slower_one_ends_and_moves_no_checkpoint_back(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = str(tmp_path / "out")
    grown(site, 3)
    publish(site.workspace, address)
    grown(site, 300)
    other = site.copy("other")
    grown(other, 600)
    store = Meanwhile(open_store(address), lambda: publish(other.workspace, address))
    with monkeypatch.context() as patch:
        patch.setattr("repro.verbs.audit.publishing.open_store", lambda *_, **__: store)
        with pytest.raises(IntegrityError, match="somebody else has changed the checkpoint"):
            publish(site.workspace, address)
    assert foreign_monitor.monitor(tmp_path / "out", site.vkey) == as_lines(other)
    assert publish(other.workspace, address, Wanted(check=True)).written == 0


def test_a_web_server_that_lists_nothing_is_verified_and_the_report_says_what_that_leaves_out(
    site: Site,
) -> None:
    name = uuid.uuid4().hex
    grown(site, 3)
    publish(site.workspace, str(site.root / "out"))
    store = open_store(f"silent://{name}", make=True)
    for path, data in files(site.root / "out").items():
        store.write(path, data)
    report, _ = verify_from_here(site.workspace, f"silent://{name}", Asked(vkeys=(site.vkey,)))
    assert report.verdict == "ok"
    assert any("does not list its files" in text for text in report.not_checked)
