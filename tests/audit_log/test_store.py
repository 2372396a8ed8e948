"""The log on disk: acknowledged records stay, a torn tail is kept aside, damage is named."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from repro.audit_log.errors import (
    CanonicalError,
    LogCorruptError,
    LogSuspectError,
    LogUnusableError,
    RecordError,
)
from repro.audit_log.formats.checkpoint import Checkpoint
from repro.audit_log.formats.record import Actor, Tool
from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.storage import layout, recovery
from repro.audit_log.storage.store import Log

from .conftest import ACTOR, TOOL, Site


def test_a_new_log_is_committed_and_verifies(site: Site) -> None:
    log = site.create()
    assert [record.type for record in log.records()] == ["log.created"]
    assert log.head().size == 1
    report = site.verify()
    assert (report.verdict, report.level, report.size, report.committed) == ("ok", 1, 1, 1)
    assert report.origin == log.origin


def test_a_log_is_never_made_over_something(full: Site) -> None:
    before = full.lines.read_bytes()
    with pytest.raises(LogUnusableError, match="already"):
        full.create()
    assert full.lines.read_bytes() == before


def test_a_failed_creation_leaves_nothing_in_the_workspace(site: Site) -> None:
    site.keys.root.write_text("a file where the keys should be")
    with pytest.raises(LogUnusableError, match="key"):
        site.create()
    assert list(site.workspace.iterdir()) == []


def test_the_key_may_not_lie_in_the_workspace(site: Site) -> None:
    with pytest.raises(LogUnusableError, match="in the workspace"):
        Log.create(site.directory, actor=ACTOR, tool=TOOL, keys=KeyStore(site.workspace / "keys"))


def test_appended_records_are_there_with_their_hashes(full: Site) -> None:
    log = full.open()
    done = log.append("incident", {"text": "a"})
    more = log.append_many([("incident", {"text": "b"}), ("approval", {})])
    assert [a.seq for a in (done, *more)] == [4, 5, 6]
    records = list(log.records())
    assert records[5].prev == done.hash
    assert records[6].prev == more[0].hash
    assert log.head() == full.open().head()
    assert log.head().hash == more[1].hash
    assert records[4].time == done.time
    assert log.append_many([]) == ()


def test_two_writers_in_one_process_see_each_others_records(full: Site) -> None:
    one, two = full.open(), full.open()
    for turn in range(6):
        assert (one, two)[turn % 2].append("incident", {"turn": turn}).seq == 4 + turn
    assert one.commit() == two.commit()
    assert full.verify().verdict == "ok"


def test_threads_share_one_log(full: Site) -> None:
    log = full.open()

    def work(name: str) -> None:
        for turn in range(20):
            log.append("incident", {"by": name, "turn": turn})
            if turn % 7 == 0:
                log.commit()

    threads = [threading.Thread(target=work, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.commit()
    report = full.verify()
    assert (report.verdict, report.size) == ("ok", 84)


def test_a_forked_child_writes_to_files_of_its_own(full: Site) -> None:
    log = full.open()
    log.append("incident", {"by": "parent"})

    def work() -> None:
        log.append("incident", {"by": "child"})
        log.commit()

    assert in_child(work) == 0
    assert log.append("incident", {"by": "parent"}).seq == 6
    log.commit()
    assert full.verify().verdict == "ok"


@pytest.mark.parametrize(
    ("body", "error"),
    [({"a": float("nan")}, CanonicalError), ({"a": "x" * 70_000}, RecordError)],
)
def test_a_body_that_cannot_be_written_changes_nothing(
    full: Site, body: dict[str, object], error: type[Exception]
) -> None:
    log, before = full.open(), full.lines.read_bytes()
    with pytest.raises(error):
        log.append_many([("incident", {}), ("incident", body)])
    with pytest.raises(RecordError):
        log.append("unheard.of", {})
    assert full.lines.read_bytes() == before
    assert log.append("incident", {}).seq == 4


@pytest.mark.parametrize(
    ("actor", "tool"),
    [(Actor("a", "b", None), TOOL), (ACTOR, Tool("t", 1))],  # type: ignore[arg-type]
)
def test_an_author_who_cannot_stand_in_a_record_cannot_open_a_log(
    full: Site, actor: Actor, tool: Tool
) -> None:
    with pytest.raises(RecordError, match="not a string"):
        Log.open(full.directory, actor=actor, tool=tool, keys=full.keys)


def test_bytes_are_found_wherever_they_are(full: Site) -> None:
    log = full.open()
    assert log.find_bytes(b'"r1"')
    assert log.find_bytes("é".encode())
    assert not log.find_bytes(b"nowhere")


@pytest.mark.parametrize("state", ["kept", "deleted", "damaged", "older"])
def test_a_log_opens_with_whatever_derived_state(full: Site, state: str) -> None:
    path = full.directory / layout.STATE
    older = path.read_bytes()
    log = full.open()
    log.append("incident", {})
    log.commit()
    head = log.head()
    match state:
        case "deleted":
            shutil.rmtree(path.parent)
        case "damaged":
            path.write_bytes(path.read_bytes().replace(b'"offset":1', b'"offset":2'))
        case "older":
            path.write_bytes(older)
    log = full.open()
    assert log.head() == head
    log.append("incident", {})
    log.commit()
    assert full.verify().verdict == "ok"


def test_derived_state_torn_at_any_byte_is_not_believed(full: Site) -> None:
    path = full.directory / layout.STATE
    older = path.read_bytes()
    log = full.open()
    log.append_many([("incident", {})] * 5)
    log.commit()
    head, newer = log.head(), path.read_bytes()
    for place in range(len(newer)):
        for torn in (newer[:place], newer[:place] + older[place:]):
            path.write_bytes(torn)
            assert full.open().head() == head


def test_derived_state_that_was_longer_is_cut(full: Site) -> None:
    path = full.directory / layout.STATE
    path.write_bytes(bytes(5000))
    log = full.open()
    log.append("incident", {})
    log.commit()
    assert path.read_bytes().endswith(b',"size":5,"version":2}')


def test_an_uncommitted_tail_is_read_when_a_log_is_opened(full: Site) -> None:
    full.open().append("incident", {})
    log = full.open()
    assert log.head().size == 5
    assert log.commit().size == 5


def test_a_missing_log_is_an_error_and_never_an_empty_one(site: Site) -> None:
    with pytest.raises(LogUnusableError, match="no such directory"):
        site.open()
    site.directory.mkdir()
    with pytest.raises(LogUnusableError, match="missing"):
        site.open()


def test_a_missing_checkpoint_is_an_error(full: Site) -> None:
    full.checkpoint.unlink()
    with pytest.raises(LogUnusableError, match="checkpoint"):
        full.open()


@pytest.mark.parametrize("name", ["", "log.jsonl", "checkpoint", "log.lock"])
def test_links_are_refused(full: Site, name: str) -> None:
    path = full.directory / name
    path.rename(full.root / "elsewhere")
    path.symlink_to(full.root / "elsewhere")
    with pytest.raises(LogUnusableError):
        full.open()


def test_every_flipped_committed_byte_stops_a_log_from_being_opened_afresh(full: Site) -> None:
    shutil.rmtree(full.directory / "derived")
    data = full.lines.read_bytes()
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        full.lines.write_bytes(changed)
        with pytest.raises(LogCorruptError):
            full.open()
    full.lines.write_bytes(data)
    full.open()


def test_every_flipped_byte_beyond_the_checkpoint_is_refused_unless_it_is_another_record(
    full: Site,
) -> None:
    full.open().append("incident", {})
    full.open().append("incident", {})
    data = full.lines.read_bytes()
    start = data.rfind(b"\n", 0, data.rfind(b"\n", 0, -1)) + 1
    end = data.rfind(b"\n", 0, -1)
    for place in range(start, end):
        changed = bytearray(data)
        changed[place] ^= 1
        full.lines.write_bytes(changed)
        with pytest.raises(LogCorruptError, match=r"record [45]"):
            full.open()
        assert full.lines.read_bytes() == changed


def test_a_torn_tail_is_kept_aside_cut_and_recorded(full: Site) -> None:
    committed = full.lines.read_bytes()
    full.open().append("incident", {"text": "torn"})
    whole = full.lines.read_bytes()
    for length in [*range(len(committed) + 1, len(whole), 23), len(whole) - 1]:
        shutil.rmtree(full.directory / "torn", ignore_errors=True)
        full.lines.write_bytes(whole[:length])
        log = full.open()
        last = list(log.records())[-1]
        assert last.type == "log.recovered"
        assert last.body["offset"] == len(committed)
        kept = full.directory / str(last.body["kept"])
        assert kept.read_bytes() == whole[len(committed) : length]
        assert full.verify().verdict == "ok"
        assert full.open().head().size == 5


def test_a_tail_of_nul_bytes_is_a_torn_write(full: Site) -> None:
    with full.lines.open("ab") as file:
        file.write(bytes(5000))
    assert full.verify().verdict == "torn"
    log = full.open()
    assert [record.type for record in log.records()][-1] == "log.recovered"
    log.commit()
    assert full.verify().verdict == "ok"


def test_a_writer_repairs_what_another_left_torn(full: Site) -> None:
    log = full.open()
    with full.lines.open("ab") as file:
        file.write(b'{"actor":{"how"')
    assert log.append("incident", {}).seq == 5
    assert [record.type for record in log.records()][4] == "log.recovered"


@pytest.mark.parametrize("step", ["kept", "cut", "recorded"])
def test_a_repair_that_was_itself_interrupted_is_finished(full: Site, step: str) -> None:
    data = full.lines.read_bytes()
    with full.lines.open("ab") as file:
        file.write(b"{torn")
    if step == "kept":  # the side file is there, the tail is not cut yet
        copy = full.copy("twin")
        copy.open()
        name = next((copy.directory / "torn").iterdir()).with_suffix(".pending").name
        (full.directory / "torn").mkdir()
        (full.directory / "torn" / name).write_bytes(b"{torn")
    else:
        full.open()
        kept = next((full.directory / "torn").iterdir())
        kept.rename(kept.with_suffix(".pending"))
        if step == "cut":
            full.lines.write_bytes(data)
    log = full.open()
    assert [record.type for record in log.records()].count("log.recovered") == 1
    assert [path.suffix for path in (full.directory / "torn").iterdir()] == [".bin"]


def test_a_torn_tail_that_a_checkpoint_covers_is_corruption(full: Site) -> None:
    data = full.lines.read_bytes()
    log = full.open()
    full.lines.write_bytes(data[:-1])
    for use in (full.open, log.head, log.commit):
        with pytest.raises(LogCorruptError):
            use()
    assert full.lines.read_bytes() == data[:-1]


def test_a_log_that_becomes_shorter_under_a_writer_is_corruption(full: Site) -> None:
    log = full.open()
    log.append("incident", {})
    full.lines.write_bytes(full.lines.read_bytes()[:-300])
    with pytest.raises(LogCorruptError, match="shorter"):
        log.append("incident", {})


def test_a_failed_sync_makes_the_log_suspect_until_it_is_opened_again(
    full: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, other = full.open(), full.open()

    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fail)
        with pytest.raises(LogSuspectError, match="sync"):
            log.append("incident", {"text": "unacknowledged"})
    inode = full.lines.stat().st_ino
    for use in (log.head, other.head, other.commit, lambda: other.append("incident", {})):
        with pytest.raises(LogSuspectError, match="suspect"):
            use()
    assert "suspect" in full.verify().warnings[0]
    healed = full.open()
    assert full.lines.stat().st_ino != inode
    assert [record.type for record in healed.records()][4:] == ["incident", "log.recovered"]
    assert "failed sync" in str(list(healed.records())[-1].body["reason"])
    assert healed.append("incident", {}).seq == 6
    assert other.append("incident", {}).seq == 7
    other.commit()
    assert full.verify().verdict == "ok"


def test_an_interrupt_inside_the_lock_does_no_harm(
    full: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = full.open()
    write = recovery.write_whole

    def interrupted(descriptor: int, data: bytes, offset: int) -> None:
        write(descriptor, data, offset)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(recovery, "write_whole", interrupted)
        with pytest.raises(KeyboardInterrupt):
            log.append("incident", {})
    assert log.append("incident", {}).seq == 5
    log.commit()
    assert full.verify().verdict == "ok"


def test_a_full_disk_leaves_the_log_as_it_was(full: Site) -> None:
    resource = pytest.importorskip("resource")
    log = full.open()
    data = full.lines.read_bytes()
    limit = len(data) + 100

    def work() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        for count in (1, 5):
            with pytest.raises(LogUnusableError, match="nothing was appended"):
                log.append_many([("incident", {"text": "x" * 200})] * count)

    assert in_child(work) == 0
    assert full.lines.read_bytes() == data
    assert log.append("incident", {}).seq == 4


def test_a_directory_that_cannot_be_written_is_unusable_and_verifiable(full: Site) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs a second user")
    place = full.root.parent
    for path in (*place.parents, place, *place.rglob("*")):
        if path.is_relative_to("/tmp") and path.name != "tmp":  # noqa: S108 - pytest's own
            path.chmod(path.stat().st_mode | 0o055 if path.is_dir() else 0o644)
    full.verify()  # what it imports may not be readable to the other user

    def work() -> None:
        os.setuid(65_534)
        with pytest.raises(LogUnusableError, match="denied"):
            full.open()
        assert full.verify().verdict == "ok"

    assert in_child(work) == 0


def test_signing_without_the_key_says_where_it_was_looked_for(full: Site) -> None:
    keys = KeyStore(full.root / "none")
    log = Log.open(full.directory, actor=ACTOR, tool=TOOL, keys=keys)
    assert log.append("incident", {}).seq == 4
    with pytest.raises(LogUnusableError, match=r"none.*private\.key"):
        log.commit()


def test_committing_twice_changes_nothing(full: Site) -> None:
    log = full.open()
    before = full.checkpoint.read_bytes()
    assert log.commit().size == 4
    assert full.checkpoint.read_bytes() == before


def test_a_crash_between_mark_and_signature_is_made_good(full: Site) -> None:
    log = full.open()
    old = full.checkpoint.read_bytes()
    log.append("incident", {})
    new = log.commit()
    full.checkpoint.write_bytes(old)
    assert full.verify(high_water=new).verdict == "ok"
    assert full.open().commit() == new
    assert full.keys.mark(log.origin) == new


def test_a_directory_put_back_from_a_copy_is_not_signed_again(full: Site) -> None:
    copy = full.copy("backup")
    log = full.open()
    log.append("incident", {})
    mark = log.commit()
    shutil.rmtree(full.directory)
    shutil.copytree(copy.directory, full.directory)
    log = full.open()
    with pytest.raises(LogCorruptError, match="shorter than what its key has signed"):
        log.commit()
    assert full.verify(high_water=mark).verdict == "rolled back"
    log.append("incident", {"text": "another history"})
    with pytest.raises(LogCorruptError, match="not those of what its key has signed"):
        log.commit()
    assert full.verify(high_water=mark).verdict == "forked"


def test_a_mark_that_is_missing_or_older_than_the_checkpoint(full: Site) -> None:
    log = full.open()
    path = full.keys.directory(log.origin) / "high-water"
    first = next(iter(log.records()))
    assert first.body["origin"] == log.origin
    older = full.copy("older")
    log.append("incident", {})
    log.commit()
    shutil.copy(older.keys.directory(log.origin) / "high-water", path)
    log.append("incident", {})
    assert log.commit().size == 6  # the old mark is a prefix: found by walking
    path.unlink()
    log.append("incident", {})
    with pytest.raises(LogUnusableError, match="high-water"):
        log.commit()


def test_a_checkpoint_that_its_key_did_not_sign_is_not_extended(full: Site) -> None:
    data = full.checkpoint.read_bytes()
    log = full.open()
    full.checkpoint.write_bytes(data[:-6] + b"AAA=\n")
    with pytest.raises(LogCorruptError, match="cannot be believed"):
        log.commit()


def test_keys_are_for_their_owner_alone(full: Site) -> None:
    log = full.open()
    directory = full.keys.directory(log.origin)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((directory / "private.key").stat().st_mode) == 0o600
    (directory / "private.key").chmod(0o640)
    with pytest.raises(LogUnusableError, match="open to others"):
        log.commit()


@pytest.mark.parametrize("text", ["", "PRIVATE+KEY+a+00000000+AQ==\n", "PRIVATE+KEY+é\n", "+++"])
def test_what_is_no_private_key_is_said_to_be_none(full: Site, text: str) -> None:
    log = full.open()
    (full.keys.directory(log.origin) / "private.key").write_text(text)
    with pytest.raises(LogUnusableError, match="not a private key"):
        log.commit()


@pytest.mark.parametrize("text", ["", "o\n1\nAAAA\n"])
def test_what_is_no_mark_is_said_to_be_none(full: Site, text: str) -> None:
    log = full.open()
    (full.keys.directory(log.origin) / "high-water").write_text(text)
    with pytest.raises(LogUnusableError, match="not a high-water mark"):
        log.commit()


def test_the_environment_says_where_keys_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPRO_KEYS", str(tmp_path / "named"))
    assert KeyStore.default().root == tmp_path / "named"
    monkeypatch.delenv("REPRO_KEYS")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert KeyStore.default().root == tmp_path / "data" / "repro" / "keys"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert KeyStore.default().root == tmp_path / ".local" / "share" / "repro" / "keys"


def test_no_two_origins_share_a_directory() -> None:
    keys = KeyStore(Path("keys"))
    origins = ["a", "A", "a/b", "a_b", "..", ".", "../a", "a_2f_b", "é", "a b"]
    places = {str(keys.directory(origin)).lower() for origin in origins}
    assert len(places) == len(origins)
    assert all(Path(place).parent == Path("keys") and ".." not in place for place in places)


def test_a_log_knows_a_checkpoint_only_by_value(full: Site) -> None:
    log = full.open()
    found = log.commit()
    assert found == Checkpoint(log.origin, found.size, found.root)
    assert layout.read_checkpoint(full.directory) == found


def in_child(work: Callable[[], object]) -> int:
    """Return the exit status of a forked child that does ``work``."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            os.write(2, f"{error!r}\n".encode())
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
