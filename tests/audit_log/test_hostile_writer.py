"""What a stranger without a key can do to a log that goes on being written: nothing that lasts."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from repro.audit_log.disk.locks import Lock, exclusive
from repro.audit_log.errors import LogCorruptError, LogUnusableError
from repro.audit_log.formats.canonical import canonical
from repro.audit_log.formats.commitment import Redactable
from repro.audit_log.formats.note_key import format_vkey, verifier_of
from repro.audit_log.formats.record import Actor, Record, Tool, decode, encode, line_hash
from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.keys.place import file_name
from repro.audit_log.storage import aside, erasing, hold, signing
from repro.audit_log.storage.layout import STATE

from .conftest import Site

BAD: dict[str, tuple[str, dict[str, object]]] = {
    "beginning": ("log.created", {"format": "repro-audit v1", "origin": "x", "vkeys": ["x"]}),
    "rotation": ("key.rotated", {"note": "x", "vkeys": []}),
    "planned twice": ("run.planned", {"run": "r1"}),
    "ended twice": ("run.failed", {"run": "r1", "plan": 1}),
    "no plan": ("run.failed", {"run": "nope", "plan": 1}),
    "end of a command": ("command.executed", {"run": "r1", "plan": 1}),
    "plan of a command": ("command.planned", {"run": "r2"}),
    "plan of a training": ("run.planned", {"run": "command-2"}),
    "command without a plan": ("command.executed", {"run": "command-2", "plan": 1}),
    "erasure": ("erasure", {"what": "x"}),
    "approval": ("approval", {"subject": "legal hold"}),
    "retention": ("approval", {"subject": "retention", "segment": 0, "keep_until": "never"}),
    "commitment": ("incident", {"text": {"commitment": "ab" * 32}}),
}
SEAL = {"blake3": "0", "bytes": 1, "count": 4, "first": 0, "segment": 0, "sha256": "0"}


def forge(site: Site, type_: str, body: dict[str, object]) -> int:
    """Append a well-formed line as a stranger does: without key and lock."""
    last = site.lines.read_bytes().split(b"\n")[-2]
    seq = decode(last).seq + 1
    record = Record(
        seq, "2025-02-01T00:00:00.000000Z", type_, Actor("a", "b", "c"), Tool("t", "1"),
        secrets.token_hex(16), line_hash(last), body,
    )  # fmt: skip
    with site.lines.open("ab") as file:
        file.write(encode(record) + b"\n")
    return seq


@pytest.mark.parametrize("name", BAD)
def test_a_bad_line_of_a_stranger_is_not_signed_and_can_be_set_aside(full: Site, name: str) -> None:
    seq = forge(full, *BAD[name])
    log = full.open()
    log.append("incident", {"honest": 1})
    signed = full.checkpoint.read_bytes()

    with pytest.raises(LogCorruptError, match=f"record {seq}") as caught:
        log.commit()
    assert "nothing that is signed is lost" in str(caught.value.hint)
    for act in (log.seal, log.rotate_keys):
        with pytest.raises(LogCorruptError, match=f"record {seq}"):
            act()
    assert full.checkpoint.read_bytes() == signed

    log.set_aside(seq, "not ours")
    log.append("incident", {"honest": 2})
    assert log.commit().size == seq + 2
    recovered = list(log.records())[seq]
    assert recovered.type == "log.recovered"
    assert recovered.body["reason"] == "set aside: not ours"
    kept = full.directory / str(recovered.body["kept"])
    assert kept.read_bytes().count(b"\n") == 2
    assert full.verify(full=True).verdict == "ok"


def test_a_bogus_seal_is_not_rolled(full: Site) -> None:
    seq = forge(full, "segment.sealed", SEAL)
    with pytest.raises(LogCorruptError, match=f"record {seq}"):
        full.open()
    assert not (full.directory / "segments").exists()
    aside.cut(full.directory, seq, "a bogus seal", full.keys)
    full.open().commit()
    assert full.verify(full=True).verdict == "ok"


def test_what_is_signed_is_not_set_aside(full: Site) -> None:
    log = full.open()
    with pytest.raises(LogUnusableError, match="is signed"):
        log.set_aside(3, "no")
    with pytest.raises(LogUnusableError, match="no record 4"):
        log.set_aside(4, "no")


def test_lines_in_a_segment_that_nobody_signed_are_set_aside_too(full: Site) -> None:
    seq = forge(full, *BAD["no plan"])
    log = full.open()
    with log._locked():
        from repro.audit_log.storage import segments

        text = segments.Text.open(full.directory)
        body = segments.body_of_seal(text, log._tail.size, None)
        log.append_locked([("segment.sealed", body)])
    other = full.open()
    other.append("incident", {})
    assert (full.directory / "segments" / "000000000000.jsonl").exists()
    other.set_aside(seq, "all of it")
    other.commit()
    assert full.verify(full=True).verdict == "ok"
    assert [r.type for r in other.records()][seq:] == ["log.recovered", "log.recovered"]


def test_honest_writers_in_other_processes_are_not_refused(full: Site) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.audit_log.conftest import Site\n"
        "log = Site(Path(sys.argv[1])).open()\n"
        "for n in range(8):\n"
        "    run = f'{sys.argv[2]}-{n}'\n"
        "    plan = log.append('run.planned', {'run': run}).seq\n"
        "    if n % 3 == 0: log.commit()\n"
        "    log.append('run.failed', {'run': run, 'plan': plan})\n"
        "    if n == 4: log.seal()\n"
        "    if n == 5: log.rotate_keys()\n"
        "log.commit()\n"
    )
    root = Path(__file__).parents[2]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(full.root), name],
            cwd=root,
            stderr=subprocess.PIPE,
        )
        for name in "abc"
    ]
    for process in started:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said.decode()
    assert full.verify(full=True).verdict == "ok"


def test_a_lift_that_nobody_signed_frees_nothing(full: Site) -> None:
    log = full.open()
    hold.place(log, "h", "lawsuit")
    log.seal(retention={"keep_until": "2020-01-01", "policy": "p"})
    log.append("incident", {})
    log.commit()
    lift = forge(
        full, "approval", {"subject": "legal hold", "action": "lift", "hold": "h", "reason": "x"}
    )
    log = full.open()
    wanted = erasing.commitments_of(full.directory, user="ada")
    assert [h.id for h in hold.active(log)] == ["h"]
    for act in (
        lambda: log.prune(0, reason="x", held=lambda: None),
        lambda: erasing.erase(log, wanted, "x"),
    ):
        with pytest.raises(LogUnusableError, match=f"record {lift}") as caught:
            act()
        assert "repro audit checkpoint --sign" in str(caught.value.hint)
    log.commit()  # knowingly
    assert log.prune(0, reason="x", held=lambda: None).freed_by == (lift,)


def test_a_forged_state_neither_signs_nor_refuses(full: Site) -> None:
    lines = full.lines.read_bytes().split(b"\n")[:-1]
    path = full.directory / STATE
    honest, whole = json.loads(path.read_bytes()), full.lines.read_bytes()
    bad = lines[-1].replace(b'"size":8', b'"size":9')
    assert bad != lines[-1]
    full.lines.write_bytes(b"\n".join([*lines[:-1], bad]) + b"\n")
    path.write_bytes(canonical({**honest, "head": line_hash(bad)}))
    with pytest.raises(LogCorruptError):
        full.open()
    full.lines.write_bytes(whole)
    offset = sum(len(line) + 1 for line in lines[:-1])
    forged = {**honest, "head": line_hash(lines[-2]), "offset": offset}
    path.write_bytes(canonical(forged))
    assert full.open().commit().size == 4


def test_a_rotation_is_believed_for_its_signatures_alone(full: Site) -> None:
    origin = full.open().origin
    old = full.keys.signer(origin).seed
    new = full.keys.prepare_next(origin)
    vkeys = [format_vkey(verifier_of(signer)) for signer in new]
    seq = forge(full, "key.rotated", {"note": "junk", "vkeys": vkeys})
    log = full.open()
    in_force = [verifier_of(signer) for signer in full.keys.signers(origin)]
    assert signing.rotation_of(full.directory, new, in_force) is None
    with pytest.raises(LogCorruptError, match=f"record {seq}"):
        log.commit()
    assert full.keys.signer(origin).seed == old
    log.set_aside(seq, "junk")
    log.rotate_keys()
    assert full.verify(full=True).verdict == "ok"


@pytest.mark.parametrize("kind", ["pipe", "zero"])
def test_opening_reads_no_pipe_and_no_device(full: Site, kind: str) -> None:
    path = full.directory / "suspect"
    os.mkfifo(path) if kind == "pipe" else path.symlink_to("/dev/zero")
    with pytest.raises(LogUnusableError, match="suspect"):
        full.open()


def test_no_file_is_read_through_a_link_among_the_side_files(full: Site) -> None:
    torn = full.directory / "torn"
    torn.mkdir()
    (torn / "xx.pending").write_bytes(b"")
    full.open()
    (torn / f"12-{'a' * 16}.pending").symlink_to(full.keys.root)
    with pytest.raises(LogUnusableError, match="pending"):
        full.open()


def test_a_folder_that_is_a_link_is_the_declared_error(full: Site) -> None:
    (full.directory / "erasing").symlink_to("/nonexistent/x")
    with pytest.raises(LogUnusableError, match="symbolic link"):
        full.open()


def test_a_lock_that_is_held_for_ever_is_waited_for_so_long(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(LogUnusableError, match=rf"{path} is held by (process|another)"):
            Lock(path).acquire(0.05)
        with pytest.raises(LogUnusableError, match="held by"), exclusive(path, 0.05):
            pass
    Lock(path).acquire(0.05)


@pytest.mark.parametrize("how", ["root", "link"])
def test_a_key_store_that_others_can_change_is_refused(full: Site, how: str) -> None:
    origin = full.open().origin
    directory = full.keys.directory(origin)
    if how == "root":
        full.keys.root.chmod(0o777)
    else:
        directory.rename(directory.with_name("elsewhere"))
        directory.symlink_to("elsewhere")
    with pytest.raises(LogUnusableError, match=r"0777|symbolic link") as caught:
        full.keys.signers(origin)
    assert caught.value.hint


def test_a_long_origin_has_a_name_that_fits(tmp_path: Path) -> None:
    names = {file_name("é" * 100 + end) for end in "ab"}
    assert len(names) == 2
    assert all(len(name) <= 255 and name.count("_") == 1 for name in names)
    KeyStore(tmp_path / "keys").create("A" * 250)


def test_what_a_crash_left_is_swept(full: Site) -> None:
    names = (".checkpoint.1.tmp", ".log.vkey.22.tmp", ".log.jsonl.new")
    for name in names:
        (full.directory / name).write_bytes(b"x")
    full.open()
    assert not any((full.directory / name).exists() for name in names)


@pytest.mark.parametrize("crash", [False, True])
def test_what_opens_only_pruned_lines_goes_with_them(full: Site, crash: bool) -> None:
    log = full.open()
    log.append("incident", {"name": Redactable("Jane Doe")})
    log.seal(retention={"keep_until": "2020-01-01", "policy": "p"})
    log.append("incident", {"name": Redactable("John Roe")})
    segment = full.directory / "segments" / "000000000000.jsonl"
    openings = full.directory / "openings"
    saved = {path: path.read_bytes() for path in openings.iterdir()}
    lines = segment.read_bytes()
    assert log.prune(0, reason="over", held=lambda: None).openings == 1
    if crash:  # before the openings went
        segment.write_bytes(lines)
        for path, data in saved.items():
            path.write_bytes(data)
        full.open()
    left = [path.read_bytes() for path in openings.iterdir()]
    assert not any(b"Jane" in data for data in left)
    assert any(b"John" in data for data in left)
    assert any(b'"ada"' in data for data in left)
    assert full.verify(full=True).verdict == "ok"
