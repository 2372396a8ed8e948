"""Keys that are replaced: what the record says, who is believed, and crashes at every step."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from repro.audit_log.errors import LogCorruptError, LogUnusableError, NoteError, RecordError
from repro.audit_log.formats.checkpoint import Checkpoint, format_checkpoint
from repro.audit_log.formats.note import open_note, sign, split
from repro.audit_log.formats.note_key import (
    ED25519,
    ED25519_COSIGNATURE,
    MLDSA44_COSIGNATURE,
    Signer,
    format_vkey,
    parse_vkey,
    verifier_of,
)
from repro.audit_log.formats.record import Record
from repro.audit_log.formats.rotation import read_rotation, rotation_body, rotation_text
from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.storage.store import Log
from repro.audit_log.verification.levels import not_proven
from repro.audit_log.verification.rotations import Rotations

from . import reference
from .conftest import ACTOR, TOOL, Site
from .test_crash import check, start

ORIGIN = "repro.log/5f"


def keys_of(origin: str, first: int) -> tuple[Signer, Signer]:
    """Return an Ed25519 and an ML-DSA-44 key with known seeds."""
    return (
        Signer(origin, bytes([first]) * 32, ED25519),
        Signer(origin, bytes([first + 100]) * 32, MLDSA44_COSIGNATURE),
    )


OLD, NEW, THIEF = (keys_of(ORIGIN, first) for first in (1, 2, 3))


def texts(signers: Sequence[Signer]) -> list[str]:
    """Return the public keys as text."""
    return [format_vkey(verifier_of(signer)) for signer in signers]


def record(body: dict[str, object], seq: int = 7, prev: str = "ab" * 32) -> Record:
    """Return a record ``key.rotated``."""
    moment = "2025-01-31T12:00:00.000000Z"
    return Record(seq, moment, "key.rotated", ACTOR, TOOL, "00" * 16, prev, body)


# The record.


def test_a_rotation_is_signed_by_the_old_and_the_new_key_over_the_documented_text() -> None:
    body = rotation_body(7, "ab" * 32, OLD, NEW)
    in_force = [verifier_of(signer) for signer in OLD]
    new = read_rotation(record(body), ORIGIN, in_force)
    assert [format_vkey(key) for key in new] == body["vkeys"] == texts(NEW)
    note = open_note(str(body["note"]).encode(), [verifier_of(OLD[0]), verifier_of(NEW[0])])
    assert note.text == (
        f"repro-audit key rotation v1\n{ORIGIN}\nseq 7\nprev {'ab' * 32}\n"
        + "".join(f"{text}\n" for text in texts(NEW))
    )
    assert len(note.verified) == 2
    assert note.unknown == ()


def forged(
    signers: Sequence[Signer], vkeys: Sequence[str] | None = None, **words: object
) -> dict[str, object]:
    """Return a body whose note is signed by ``signers`` and says ``words``."""
    said = {"origin": ORIGIN, "seq": 7, "prev": "ab" * 32, "vkeys": texts(NEW)} | words
    vkeys = texts(NEW) if vkeys is None else vkeys
    text = rotation_text(**said)  # type: ignore[arg-type]
    return {"note": sign(text, signers).decode(), "vkeys": list(vkeys)}


PAIR = (OLD[0], NEW[0])
COSIGNER = Signer(ORIGIN, bytes([9]) * 32, ED25519_COSIGNATURE)
STRANGER = keys_of("repro.log/other", 4)

BAD: dict[str, tuple[dict[str, object], str]] = {
    "only new": (forged([NEW[0]]), "not signed by the key in force"),
    "only old": (forged([OLD[0]]), "not signed by the new key"),
    "thief": (forged([THIEF[0]]), "signed by no known key"),
    "thief and new": (forged([THIEF[0], NEW[0]]), "not signed by the key in force"),
    "origin": (forged(PAIR, origin="repro.log/6f"), "another log"),
    "seq": (forged(PAIR, seq=8), "another record"),
    "prev": (forged(PAIR, prev="00" * 32), "another record"),
    "other keys": (forged(PAIR, vkeys=[texts(NEW)[0]]), "other keys"),
    "keys in note": (
        forged([OLD[0], NEW[0]], vkeys=texts(NEW)) | {"vkeys": [texts(NEW)[0]]},
        "or other keys",
    ),
    "no body": ({}, "not exactly"),
    "more": (forged(PAIR) | {"more": 1}, "not exactly"),
    "note": (forged(PAIR) | {"note": 1}, "not a text"),
    "vkeys": (forged(PAIR) | {"vkeys": "x"}, "not a list"),
    "no keys": (forged(PAIR) | {"vkeys": []}, "its keys are not"),
    "nonsense": (forged(PAIR) | {"vkeys": ["x"]}, "a key that is none"),
    "number": (forged(PAIR) | {"vkeys": [1]}, "a key that is none"),
    "not a note": (forged(PAIR) | {"note": "x\n"}, "cannot be believed"),
    "surrogate": (forged(PAIR) | {"note": "\ud800"}, "cannot be believed"),
    "order": (forged(PAIR) | {"vkeys": texts(NEW)[::-1]}, "its keys are not"),
    "two": (forged(PAIR) | {"vkeys": texts([NEW[0], THIEF[0]])}, "its keys are not"),
    "cosigner": (forged(PAIR) | {"vkeys": texts([NEW[0], COSIGNER])}, "its keys are not"),
    "named": (forged(PAIR) | {"vkeys": texts(STRANGER)}, "another origin"),
    "same": (forged(PAIR) | {"vkeys": texts([OLD[0], NEW[1]])}, "already in force"),
    "same ml-dsa": (forged(PAIR) | {"vkeys": texts([NEW[0], OLD[1]])}, "already in force"),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_a_rotation_that_is_not_the_documented_one_is_refused(name: str) -> None:
    body, says = BAD[name]
    with pytest.raises(RecordError, match=says):
        read_rotation(record(body), ORIGIN, [verifier_of(signer) for signer in OLD])


def test_no_byte_of_a_rotation_can_be_changed() -> None:
    body = rotation_body(7, "ab" * 32, OLD, NEW)
    note = str(body["note"])
    in_force = [verifier_of(signer) for signer in OLD]
    for place in range(0, len(note), 3):
        changed = note[:place] + chr(ord(note[place]) ^ 1) + note[place + 1 :]
        with pytest.raises(RecordError):
            read_rotation(record(body | {"note": changed}), ORIGIN, in_force)


def test_an_ml_dsa_key_can_sign_no_rotation() -> None:
    with pytest.raises(NoteError, match="only a checkpoint"):
        sign(rotation_text(ORIGIN, 7, "ab" * 32, texts(NEW)), [OLD[1]])


def test_the_observer_continues_where_it_stopped() -> None:
    begins = {"format": "repro-audit v1", "origin": ORIGIN, "vkeys": texts(OLD)}
    first = replace(record(begins, 0, "0" * 64), type="log.created")
    whole = Rotations()
    assert list(whole.see(first)) == []
    assert list(whole.see(record(rotation_body(7, "ab" * 32, OLD, NEW)))) == []
    half = Rotations()
    list(half.see(first))
    later = Rotations()
    later.resume(json.loads(json.dumps(half.state())))
    assert list(later.see(record(rotation_body(7, "ab" * 32, OLD, NEW)))) == []
    assert later.state() == whole.state()
    assert [later.keys_at(size)[0] == verifier_of(NEW[0]) for size in (0, 1, 7, 8, 99)] == [
        False, False, False, True, True]  # fmt: skip
    back = record(rotation_body(9, "ab" * 32, NEW, OLD), 9)
    assert "was replaced before" in next(iter(later.see(back))).message
    assert later.state() == whole.state()
    for nonsense in (None, [], {"epochs": 1, "origin": "x"}, {"epochs": [[1]], "origin": None},
                     {"epochs": [[0, ["x"]]], "origin": None}):  # fmt: skip
        with pytest.raises(ValueError, match=r"state|key"):
            Rotations().resume(nonsense)


# Who is believed.


def rotated(site: Site) -> tuple[list[str], list[str], bytes]:
    """Rotate the keys of a site's log; return the old and the new ones, and the old checkpoint."""
    old, kept = site.vkeys, site.checkpoint.read_bytes()
    log = site.open()
    log.rotate_keys()
    log.append("incident", {"after": True})
    log.commit()
    return old, site.vkeys, kept


def test_old_and_new_key_both_lead_to_the_checkpoint(full: Site) -> None:
    old, new, _ = rotated(full)
    assert not set(old) & set(new)
    words = "key rotated at record 4, signed by old and new"
    for pinned in (old, old[:1], new, new[:1], new[1:], [*old, *new]):
        report = full.verify(vkeys=pinned)
        assert (report.verdict, report.level) == ("ok", 1), pinned
        assert words in report.checked
    assert full.verify(vkeys=new).warnings == ()
    assert full.verify(vkeys=(), self_asserted=True).verdict == "ok"
    report = full.verify(vkeys=old[1:])  # nothing of ML-DSA vouches for the new keys
    assert (report.verdict, report.level) == ("unverifiable", -1)
    assert "only Ed25519 keys sign for new ones" in report.faults[0].message
    assert any("no post-quantum" in text for text in full.verify(vkeys=old).warnings)
    stranger = texts(keys_of(full.open().origin, 7))[:1]
    assert full.verify(vkeys=stranger).verdict == "unverifiable"


def test_the_high_water_mark_and_the_log_go_on(full: Site) -> None:
    rotated(full)
    log = full.open()
    mark = full.keys.mark(log.origin)
    assert mark is not None
    assert mark.size == 6
    assert full.verify(high_water=mark).verdict == "ok"
    for turn in range(3):
        log.rotate_keys()
        log.append("incident", {"turn": turn})
        assert full.open().commit().size == 8 + 2 * turn
    assert len(full.keys.retired(log.origin)) == 4
    report = full.verify(vkeys=full.vkeys)
    assert (report.verdict, report.size) == ("ok", 12)
    assert sum(text.startswith("key rotated") for text in report.checked) == 4


def test_a_kept_checkpoint_counts_if_the_key_in_force_at_its_size_signed_it(full: Site) -> None:
    old, new, kept = rotated(full)
    for pinned in (old[:1], new[:1], old, new):
        assert full.verify(vkeys=pinned, old_checkpoint=kept).level == 2
    assert full.verify(vkeys=(), self_asserted=True, old_checkpoint=kept).verdict == "ok"
    origin = full.open().origin
    text = split(kept)[0]
    late = sign(text, [full.keys.signer(origin)])  # the new key, for a size of the old one's
    for pinned in (old[:1], new[:1]):
        report = full.verify(vkeys=pinned, old_checkpoint=late)
        assert report.verdict == "unverifiable"
        assert "cannot be believed" in report.faults[0].message


def test_a_log_put_back_to_before_its_rotation_is_rolled_back(full: Site) -> None:
    before = full.copy("before")
    old, new, _ = rotated(full)
    kept = full.checkpoint.read_bytes()
    shutil.rmtree(full.directory)
    shutil.copytree(before.directory, full.directory)
    assert full.verify(vkeys=[*old, *new], old_checkpoint=kept).verdict == "rolled back"
    origin = full.open().origin
    assert full.verify(vkeys=old, high_water=full.keys.mark(origin)).verdict == "rolled back"
    assert full.verify(vkeys=new).verdict == "unverifiable"  # this log names no such key
    with pytest.raises(LogCorruptError, match="shorter than what its key has signed"):
        full.open().commit()


def test_after_a_rotation_the_old_key_signs_nothing(full: Site) -> None:
    origin = full.open().origin
    thief = full.keys.signers(origin)
    old, new, kept = rotated(full)
    lines = full.lines.read_bytes().split(b"\n")[:-1]
    for size in (5, 6):
        text = format_checkpoint(Checkpoint(origin, size, reference.mth(lines[:size])))
        full.checkpoint.write_bytes(sign(text, thief))
        for pinned in (old, new):
            report = full.verify(vkeys=pinned)
            assert report.verdict == "tampered"
            assert "in force since record 4" in report.faults[0].message
        with pytest.raises(LogCorruptError, match="cannot be believed"):
            full.open().commit()
    # Cut back to where the old key was in force: only what others kept shows that.
    full.lines.write_bytes(b"".join(line + b"\n" for line in lines[:4]))
    full.checkpoint.write_bytes(kept)
    (full.directory / "log.vkey").write_text("".join(f"{text}\n" for text in old))
    assert full.verify(vkeys=old).verdict == "ok"
    assert full.verify(vkeys=new).verdict == "unverifiable"


def test_what_a_thief_of_the_key_can_do_is_said(full: Site) -> None:
    origin = full.open().origin
    stolen = full.copy("stolen")
    stolen.open().rotate_keys()
    assert stolen.verify(vkeys=full.vkeys).verdict == "ok"
    said = stolen.verify(vkeys=full.vkeys).not_proven
    assert any("a thief can sign, and rotate it (only witnesses help)" in text for text in said)
    assert all(
        any("rotate" in text for text in not_proven(range(level + 1))) for level in (0, 1, 2)
    )
    assert full.keys.next_signers(origin) is None


@pytest.mark.parametrize("name", ["only new", "only old", "seq", "prev", "no body", "thief"])
def test_a_bad_rotation_is_tampering_that_names_the_record(full: Site, name: str) -> None:
    log = full.open()
    head, old = log.head(), full.keys.signers(log.origin)
    new, thief = keys_of(log.origin, 2), keys_of(log.origin, 3)
    if name == "no body":
        body: dict[str, object] = {}
    else:
        said = {"origin": log.origin, "seq": head.size, "prev": head.hash, "vkeys": texts(new)}
        said |= {"seq": {"seq": 99}, "prev": {"prev": "0" * 64}}.get(name, {})
        pair = {"only new": new[:1], "only old": old[:1], "thief": (thief[0], new[0])}
        note = sign(rotation_text(**said), pair.get(name, (old[0], new[0])))  # type: ignore[arg-type]
        body = {"note": note.decode(), "vkeys": texts(new)}
    log.append("key.rotated", body)
    log.commit()
    for pinned in (full.vkeys, texts(new)):
        report = full.verify(vkeys=pinned)
        assert (report.verdict, report.exit_status) == ("tampered", 4)
        assert report.faults[0].seq == 4
        assert "record 4 does not rotate the key of the log" in report.faults[0].message


def test_the_published_keys_are_those_of_the_records(full: Site) -> None:
    old, new, _ = rotated(full)
    file = full.directory / "log.vkey"
    file.write_text("".join(f"{text}\n" for text in old))
    report = full.verify(vkeys=new)
    assert (report.verdict, report.warnings) == ("ok", ("log.vkey holds keys that were replaced",))
    file.write_text("".join(f"{text}\n" for text in texts(keys_of(full.open().origin, 3))))
    assert full.verify(vkeys=new).verdict == "tampered"


# What is left on the disk.


def test_the_old_private_key_is_gone_and_its_public_half_kept(full: Site) -> None:
    origin = full.open().origin
    directory = full.keys.directory(origin)
    before = (directory / "private.key").read_bytes()
    descriptor = os.open(directory / "private.key", os.O_RDONLY)
    old, new, _ = rotated(full)
    assert os.pread(descriptor, 1000, 0) == bytes(len(before))  # the unlinked file, overwritten
    os.close(descriptor)
    secrets = [line.split(b"+", 4)[4].strip() for line in before.splitlines()]
    for path in full.root.rglob("*"):
        assert not path.is_file() or not any(s in path.read_bytes() for s in secrets), path
    assert (directory / "retired.vkeys").read_text() == "".join(f"4 {text}\n" for text in old)
    assert (directory / "public.vkey").read_text() == "".join(f"{text}\n" for text in new)
    assert sorted(path.name for path in directory.iterdir()) == [
        "high-water", "lock", "private.key", "public.vkey", "retired.vkeys"]  # fmt: skip
    assert (directory / "private.key").stat().st_mode & 0o777 == 0o600


def test_a_key_under_a_passphrase_is_followed_by_one_under_it(full: Site) -> None:
    origin = full.open().origin
    full.keys.encrypt(origin, "p")
    with pytest.raises(LogUnusableError, match="under a passphrase"):
        full.open().rotate_keys()
    assert full.open().head().size == 4
    keys = KeyStore(full.keys.root, "p")
    Log.open(full.directory, actor=ACTOR, tool=TOOL, keys=keys).rotate_keys()
    path = full.keys.directory(origin) / "private.key"
    assert path.read_bytes().startswith(b"repro-audit sealed key")
    assert full.verify(vkeys=full.vkeys).verdict == "ok"


@pytest.mark.parametrize("text", [b"x", b"4 x\n", b"x PeterNeumann\n", b"\xff\n"])
def test_retired_keys_that_are_none_stop_a_signature(full: Site, text: bytes) -> None:
    log = full.open()
    (full.keys.directory(log.origin) / "retired.vkeys").write_bytes(text)
    with pytest.raises(LogUnusableError, match="cannot read the retired keys"):
        log.commit()


# Crashes and company.

CALLS = ("open", "write", "pwrite", "fsync", "fdatasync", "replace", "ftruncate")


def dying(work: Callable[[], object], at: int, after: bool) -> bool:
    """Do ``work`` in a child killed at its ``at``-th call of the system; return whether it was."""
    child = os.fork()
    if child == 0:
        count = 0

        def wrap(call: Callable[..., object]) -> Callable[..., object]:
            def counted(*arguments: object, **more: object) -> object:
                nonlocal count
                count += 1
                mine = count
                if mine == at and not after:
                    os.kill(os.getpid(), signal.SIGKILL)
                try:
                    return call(*arguments, **more)
                finally:
                    if mine == at:
                        os.kill(os.getpid(), signal.SIGKILL)

            return counted

        try:
            for name in CALLS:
                setattr(os, name, wrap(getattr(os, name)))
            work()
        except BaseException as error:
            sys.stderr.write(repr(error))
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, -signal.SIGKILL), status
    return status != 0


@pytest.mark.parametrize(
    "after", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["before", "after"]
)
def test_a_rotation_killed_at_any_step_is_finished_or_undone_by_the_next_commit(
    full: Site, after: bool
) -> None:
    old, origin = full.vkeys, full.open().origin
    # Loaded here once, not in each child.
    Log.open(full.copy("warm").directory, keys=full.copy("warm").keys).rotate_keys()
    seen, at = set(), 0
    while True:
        at += 1
        site = full.copy("dying")
        log = site.open()
        log.append("incident", {})  # not committed
        if not dying(log.rotate_keys, at, after):
            break
        report = site.verify(vkeys=old)
        assert report.verdict in ("ok", "torn"), (at, report)
        assert report.level == 1
        size = site.open().commit().size
        is_done = site.vkeys != old
        seen.add(is_done)
        # Whatever was done, both the log and the key store agree about it now.
        assert [format_vkey(key) for key in site.keys.public(origin)] == site.vkeys
        assert texts(site.keys.signers(origin)) == site.vkeys
        assert (site.keys.next_signers(origin) is None) or not is_done
        for pinned in (old, site.vkeys):
            report = site.verify(vkeys=pinned, high_water=site.keys.mark(origin))
            assert (report.verdict, report.level, report.committed) == ("ok", 1, size), (at, report)
            rotations = sum(text.startswith("key rotated") for text in report.checked)
            assert rotations == is_done
        site.open().rotate_keys()
        assert site.keys.next_signers(origin) is None
        last = site.verify(vkeys=old)
        assert (last.verdict, last.level) == ("ok", 1)
        left = [path.name for path in site.keys.directory(origin).iterdir()]
        assert not [name for name in left if ".key." in name], (at, left)
    assert seen == {False, True}
    assert at > 25


def test_a_writer_goes_on_after_a_rotation_was_killed_and_needs_no_key(full: Site) -> None:
    log = full.open()
    for at in range(1, 60):
        site = full.copy("writing")
        if not dying(site.open().rotate_keys, at, after=True):
            break
        if (site.keys.directory(log.origin) / "next.key").exists():
            no_keys = KeyStore(site.root / "none")
            writer = Log.open(site.directory, actor=ACTOR, tool=TOOL, keys=no_keys)
            writer.append("incident", {"at": at})
            site.open().commit()
            report = site.verify(vkeys=full.vkeys)
            assert (report.verdict, report.committed) == ("ok", report.size), (at, report)


def test_keys_to_come_are_not_thrown_away_for_a_copy_that_never_recorded_them(full: Site) -> None:
    twin = full.copy("twin")
    origin = full.open().origin
    for at in range(1, 60):  # until the record is there and the keys are not in force
        site = full.copy("site2")
        assert dying(site.open().rotate_keys, at, after=True)
        if len(site.lines.read_bytes()) > len(full.lines.read_bytes()):
            break
    elsewhere = Log.open(twin.directory, actor=ACTOR, tool=TOOL, keys=site.keys)
    elsewhere.commit()
    assert site.keys.next_signers(origin) is not None
    site.open().commit()
    assert site.vkeys != full.vkeys
    assert site.verify(vkeys=full.vkeys).verdict == "ok"
    elsewhere.append("incident", {})
    with pytest.raises(LogCorruptError, match="what its key has signed"):
        elsewhere.commit()


def test_writers_and_signers_go_on_while_keys_are_replaced(full: Site) -> None:
    old = full.vkey
    writers = [start(full, f"w{n}", 40) for n in range(2)]
    log = full.open()
    turns = 0
    while any(writer.poll() is None for writer in writers) or turns < 3:
        log.rotate_keys()
        turns += 1
        report = full.verify(vkeys=[old])
        assert (report.verdict, report.level) == ("ok", 1), report
        time.sleep(0.02)
    outputs = []
    for writer in writers:
        assert writer.stdout is not None
        outputs.append(writer.stdout.read())
        writer.stdout.close()
        assert writer.returncode == 0
    log.commit()
    assert check(full, outputs) == 2 * (14 * 1 + 13 * 2 + 13 * 3)
    report = full.verify(vkeys=[old])
    assert (report.verdict, report.size) == ("ok", report.committed)
    assert sum(text.startswith("key rotated") for text in report.checked) == turns


def test_two_who_rotate_at_once_make_two_rotations(full: Site) -> None:
    old = full.vkey
    logs = [full.open() for _ in range(3)]
    problems: list[BaseException] = []

    def work(log: Log) -> None:
        try:
            for _ in range(3):
                log.rotate_keys()
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(log,)) for log in logs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    report = full.verify(vkeys=[old])
    assert (report.verdict, report.size) == ("ok", 13)


def test_a_failed_append_leaves_the_old_keys_in_force(full: Site) -> None:
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from repro.audit_log.errors import LogUnusableError\n"
        "from repro.audit_log.keys.keystore import KeyStore\n"
        "from repro.audit_log.storage.store import Log\n"
        "log = Log.open(Path(sys.argv[1]), keys=KeyStore(Path(sys.argv[2])))\n"
        "for n in range(8): log.append('incident', {'text': 'x' * 1000})\n"
        "size = (Path(sys.argv[1]) / 'log.jsonl').stat().st_size + 100\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))\n"
        "try: log.rotate_keys()\n"
        "except LogUnusableError as error: sys.exit('nothing was appended' not in str(error))\n"
        "sys.exit(2)\n"
    )
    command = [sys.executable, "-P", "-c", program, str(full.directory), str(full.keys.root)]
    assert subprocess.run(command, check=False).returncode == 0
    old = full.vkeys
    assert full.open().commit().size == 12
    assert full.vkeys == old
    assert full.verify(vkeys=old).verdict == "ok"
    full.open().rotate_keys()
    assert full.verify(vkeys=old).verdict == "ok"


def test_every_key_of_a_rotated_log_can_be_parsed(full: Site, tmp_path: Path) -> None:
    rotated(full)
    assert [parse_vkey(text).kind for text in full.vkeys] == [ED25519, MLDSA44_COSIGNATURE]
