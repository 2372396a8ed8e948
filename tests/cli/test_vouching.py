"""A long log is judged by what was found before only if not a byte of that is another."""

import os

import pytest

from repro.audit_log.formats.record import Actor, Tool
from repro.audit_log.storage.store import Log
from repro.errors import IntegrityError
from repro.verbs.audit import log as verbs
from repro.verbs.audit import unchanged

COUNT = 200


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Return a workspace whose log counts as long, and has been verified once."""
    monkeypatch.setattr(unchanged, "LONG", 1)
    log = verbs.create_log(tmp_path)
    fill(log)
    verbs.require_vouching(tmp_path)
    return tmp_path


def fill(log, count=COUNT):
    log.append_many([("leakage.fixed", {"n": number}) for number in range(count)])
    log.commit()


def opened(root):
    return Log.open(root / "AUDIT_LOG", actor=Actor("u", "t", "m"), tool=Tool("repro", "0"))


def again(root):
    """Return what is found by what is remembered."""
    return verbs._verified_again(root)


def state(keys):
    (found,) = keys.glob(f"*/{unchanged.STATE}")
    return found


def edit(root, old, new):
    """Change bytes of the lines, and nothing of their number."""
    path = root / "AUDIT_LOG" / "log.jsonl"
    data = path.read_bytes()
    assert len(old) == len(new)
    assert data.count(old) == 1
    times = path.stat()
    path.write_bytes(data.replace(old, new))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_what_was_verified_is_not_verified_again_and_what_came_since_is(root):
    assert again(root).remembered == COUNT + 1
    fill(opened(root), 5)
    assert (again(root).remembered, again(root).remembered) == (COUNT + 1, COUNT + 6)
    verbs.require_vouching(root)


def test_a_short_log_leaves_nothing_beside_its_key(root, keys, monkeypatch):
    unchanged.forget(state(keys))
    monkeypatch.setattr(unchanged, "LONG", 1 << 22)
    verbs.require_vouching(root)
    assert list(keys.glob(f"*/{unchanged.STATE}")) == []
    assert again(root) is None


@pytest.mark.parametrize("number", [0, 7, COUNT - 1])
def test_a_line_edited_in_place_behind_what_was_verified_is_found_as_ever(root, number):
    digits = f"{number}".encode()
    edit(root, b'"body":{"n":' + digits + b"}", b'"body":{"n":' + b"9" * len(digits) + b"}"[:1])
    assert again(root) is None
    with pytest.raises(IntegrityError, match="the log cannot vouch for a run"):
        verbs.require_vouching(root)


def test_lines_that_are_gone_are_missed_and_lines_put_back_are_believed_again(root):
    path = root / "AUDIT_LOG" / "log.jsonl"
    data = path.read_bytes()
    path.write_bytes(data[: data.rfind(b"\n", 0, -1) + 1])
    with pytest.raises(IntegrityError):
        verbs.require_vouching(root)
    path.write_bytes(data)
    verbs.require_vouching(root)
    assert again(root).remembered == COUNT + 1


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff", b'{"format":"repro-audit v1 verified"}'])
def test_a_damaged_memory_is_thrown_away_and_made_anew(root, keys, damage):
    state(keys).write_bytes(damage)
    verbs.require_vouching(root)
    verbs.require_vouching(root)
    assert again(root).remembered == COUNT + 1


def test_a_memory_of_more_bytes_than_there_are_is_refused_without_reading_on(root):
    judge = unchanged.Unchanged(root / "AUDIT_LOG")
    with pytest.raises(ValueError, match="fewer bytes"):
        judge.resume({"blake3": "0" * 64, "bytes": 10**15})


def test_a_memory_without_its_runs_is_thrown_away_and_made_anew(root, keys):
    log = opened(root)
    unchanged.forget(state(keys))
    body = {"run": "aaaaaaaaaaaa-1", "n": 1}
    log.append("run.planned", body)
    log.append("run.failed", {**body, "plan": COUNT + 1})
    log.commit()
    verbs.require_vouching(root)
    for path in keys.glob(f"*/{unchanged.STATE}.runs-*"):
        path.unlink()
    verbs.require_vouching(root)
    verbs.require_vouching(root)
    assert again(root).remembered == COUNT + 3


def test_a_memory_of_other_bytes_is_not_believed(root, keys):
    """Its digest is bound to what the verification itself read."""
    path = state(keys)
    text = path.read_text("utf-8")
    digest = text.partition('"Unchanged":{"blake3":"')[2][:64]
    path.write_text(text.replace(digest, "0" * 64), "utf-8")
    report = again(root)
    assert report is None or report.remembered == 0
    verbs.require_vouching(root)


def test_nobody_waits_for_somebody_who_is_at_it(root, keys):
    with unchanged.remembered(root / "AUDIT_LOG") as held:
        assert held == state(keys)
        assert again(root) is None
        verbs.require_vouching(root)


def test_a_place_that_cannot_be_written_keeps_nobody_from_verifying(root, keys):
    lock = state(keys).with_name(unchanged.LOCK)
    unchanged.forget(state(keys))
    lock.unlink()
    lock.mkdir()  # to root, too, it is nothing to write to
    assert again(root) is None
    verbs.require_vouching(root)
    assert not any(keys.glob(f"*/{unchanged.STATE}"))
