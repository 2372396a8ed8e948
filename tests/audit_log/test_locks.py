"""The lock that stays open: one holder, whatever is forked, removed or nested."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from repro.audit_log.disk.locks import Lock, exclusive
from repro.audit_log.errors import LogUnusableError

from .conftest import Site
from .syncs import recorded
from .test_store import in_child


def is_free(path: Path) -> bool:
    """Return whether another process could take the lock at once."""
    return os.system(f"flock -n '{path}' true") == 0  # noqa: S605 - our own path


def test_a_forked_child_neither_holds_nor_drops_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    lock = Lock(path)
    lock.acquire()
    assert in_child(lock.release) == 0
    assert not is_free(path)
    out, into = os.pipe()
    alive, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(into)
        os.write(tell, b"1")
        os.read(out, 1)  # lives on while its parent lets go
        os._exit(0)
    os.read(alive, 1)
    lock.close()  # as a parent that dies does: not by name
    assert is_free(path)
    os.close(into)
    for end in (out, alive, tell):
        os.close(end)
    os.waitpid(child, 0)


def test_a_lock_file_that_was_replaced_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    lock = Lock(path)
    lock.acquire()
    lock.release()
    path.unlink()
    path.touch()
    lock.acquire()
    assert not is_free(path)
    lock.release()
    with exclusive(path):
        assert not is_free(path)
    assert is_free(path)


def test_who_holds_the_log_already_is_told_and_the_lock_stays(full: Site) -> None:
    log = full.open()

    def nested() -> bool:
        with pytest.raises(LogUnusableError, match="same thread"):
            log.append("incident", {})
        assert not is_free(full.directory / "log.lock")
        return True

    done = log.append_if(nested, "incident", {})
    assert done is not None
    assert log.append("incident", {}).seq == done.seq + 1
    assert full.verify().verdict == "ok"


def test_a_checkpoint_that_stands_is_made_durable_before_it_is_returned(full: Site) -> None:
    log = full.open()
    standing = log.commit()
    with recorded() as names:
        assert log.commit() == standing
    assert names[-1] == "/"


def test_a_seal_is_durable_and_signed_before_its_file_is_rolled(full: Site) -> None:
    log = full.open()
    with recorded() as names:
        log.seal()
    # lines, mark, checkpoint; the new folder; both ends of the rename; the new file
    assert names == ["log.jsonl", "high-water", ".checkpoint.tmp", "/", "/", "/", "/", "/"]
