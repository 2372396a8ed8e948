"""What strangers, and operators with the key, have tried on the verifier; honest work stays ok."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from repro.audit_log.disk import patience
from repro.audit_log.formats.canonical import canonical
from repro.audit_log.formats.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from repro.audit_log.formats.commitment import Redactable
from repro.audit_log.formats.note import sign, signature_line, signature_of, split
from repro.audit_log.formats.note_key import (
    ED25519_COSIGNATURE,
    Signer,
    Verifier,
    format_vkey,
    parse_vkey,
    verifier_of,
)
from repro.audit_log.formats.policy_file import parse_policy
from repro.audit_log.formats.record import Actor, Record, Tool, decode, encode, line_hash
from repro.audit_log.formats.tree import leaf_hash, root
from repro.audit_log.storage import erasing, hold
from repro.audit_log.storage.pruned import format_pruned
from repro.audit_log.storage.store import Log
from repro.audit_log.verification import survey
from repro.audit_log.verification.continuing import verify_from
from repro.audit_log.verification.report import as_text

from .conftest import ACTOR, TOOL, Site

OVER = {"keep_until": "2020-01-01", "policy": "over"}
LONG = {"keep_until": "2099-01-01", "policy": "long"}


def free() -> str | None:
    return None


def lines_of(site: Site) -> list[bytes]:
    folder = site.directory / "segments"
    paths = sorted(folder.glob("*.jsonl")) if folder.is_dir() else []
    data = b"".join(path.read_bytes() for path in [*paths, site.lines])
    return data.split(b"\n")[:-1]


def forge(site: Site, last: bytes, type_: str, body: dict[str, object]) -> None:
    """Append as a stranger does: no key, no lock."""
    seq, time = decode(last).seq + 1, "2025-02-01T00:00:00.000000Z"
    actor, tool = Actor("eve", "engine", "test"), Tool("tests", "1")
    record = Record(seq, time, type_, actor, tool, "0" * 32, line_hash(last), body)
    with site.lines.open("ab") as file:
        file.write(encode(record) + b"\n")


def put_pruned(site: Site, first: int, lines: list[bytes], kept: list[int]) -> None:
    """Put what a pruned segment leaves in place of ``lines``."""
    path = site.directory / "segments" / f"{first:012}.pruned"
    path.parent.mkdir(exist_ok=True)
    path.with_suffix(".leaves").write_bytes(b"".join(map(leaf_hash, lines)))
    stays = {first + place: lines[place] for place in kept}
    size = sum(map(len, lines)) + len(lines)
    path.write_bytes(format_pruned(first, len(lines), size, line_hash(lines[-1]), stays))
    path.with_suffix(".jsonl").unlink(missing_ok=True)


def sealed(site: Site, retention: dict[str, str] | None = OVER) -> Log:
    """Return a log with one sealed segment of five records, and one record after it."""
    log = site.open()
    log.seal(retention=retention)
    log.append("incident", {"n": 1})
    log.commit()
    return log


def erasure(first: int, count: int, **more: object) -> dict[str, object]:
    return {
        "what": "segment",
        "segment": 0,
        "first": first,
        "count": count,
        "reason": "over",
        **more,
    }


# --- lines that are hidden ------------------------------------------------------------------------


@pytest.mark.parametrize("full", [False, True])
def test_an_active_file_cannot_be_hidden_as_a_pruned_segment(full: bool, site: Site) -> None:
    log = site.create()
    site.fill(log)
    log.append("incident", {"n": 1})
    log.commit()
    lines = lines_of(site)
    put_pruned(site, 0, lines[:4], [0, 3])
    site.lines.write_bytes(lines[4] + b"\n")
    forge(site, lines[4], "erasure", erasure(0, 4))
    report = site.verify(full=full)
    assert (report.verdict, report.exit_status) == ("tampered", 4)
    assert any("does not hold the seal" in fault.message for fault in report.faults)


@pytest.mark.parametrize("full", [False, True])
def test_an_erasure_that_nobody_signed_hides_no_segment(full: bool, site: Site) -> None:
    site.fill(site.create())
    sealed(site)
    lines = lines_of(site)
    put_pruned(site, 0, lines[:5], [0, 4])
    forge(site, lines[5], "erasure", erasure(0, 5))
    report = site.verify(full=full)
    assert report.verdict == "tampered"
    assert [fault.seq for fault in report.faults] == [0]
    assert "record 6, which no checkpoint covers" in report.faults[0].message


def test_a_checkpoint_that_was_not_there_when_it_was_read_is_read_again(
    full: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, before = sealed(full), survey.Reading.read

    def read(*given: object, **more: object) -> None:
        log.prune(0, reason="over", held=free)  # between the checkpoint and the lines
        before(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(survey.Reading, "read", read)
    assert full.verify().verdict == "ok"
    monkeypatch.setattr(survey.Reading, "read", before)
    assert full.verify().verdict == "ok"


def test_what_was_signed_meanwhile_may_be_pruned_meanwhile(
    full: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, before = full.open(), survey.Reading.read
    entry = log.append("incident", {"name": Redactable("a name")})
    log.commit()

    def read(*given: object, **more: object) -> None:
        before(*given, **more)  # type: ignore[arg-type]
        found = erasing.commitments_of(full.directory, seq=entry.seq, path="body.name")
        erasing.erase(log, found, "asked")
        log.append("incident", {})
        sealed(full).prune(0, reason="over", held=free)
        log.rotate_keys()

    monkeypatch.setattr(survey.Reading, "read", read)
    assert full.verify().verdict == "ok"


@pytest.mark.parametrize("forger", ["no key", "another key", "other lines"])
def test_a_checkpoint_read_again_must_be_signed_over_these_lines(
    full: Site, forger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed(full)
    lines = lines_of(full)
    put_pruned(full, 0, lines[:5], [0, 4])
    forge(full, lines[5], "erasure", erasure(0, 5))
    leaves, own = (
        [*map(leaf_hash, [*lines, lines_of(full)[-1]])],
        full.keys.signers(full_origin(full)),
    )
    if forger == "other lines":
        leaves[0] = bytes(32)
    now = Checkpoint(own[0].name, 7, root(leaves))
    signers = (Signer(own[0].name, b"e" * 32),) if forger == "another key" else own
    note = sign(format_checkpoint(now), signers, 1)
    if forger == "no key":
        old = full.checkpoint.read_bytes()
        note = old.replace(split(old)[0].encode(), format_checkpoint(now).encode())
    before = survey.Reading.read

    def read(*given: object, **more: object) -> None:
        before(*given, **more)  # type: ignore[arg-type]
        full.checkpoint.write_bytes(note)

    monkeypatch.setattr(survey.Reading, "read", read)
    assert full.verify().verdict == "tampered"


def full_origin(site: Site) -> str:
    return parse_checkpoint(split(site.checkpoint.read_bytes())[0]).origin


@pytest.mark.parametrize("full", [False, True])
def test_openings_are_not_erased_by_a_record_that_nobody_signed(full: bool, site: Site) -> None:
    site.fill(site.create())
    [opening] = (site.directory / "openings").iterdir()
    opening.unlink()
    named = {"what": "openings", "commitments": [opening.stem], "reason": "asked"}
    forge(site, lines_of(site)[-1], "erasure", named)
    report = site.verify(full=full)
    assert (report.verdict, report.faults[0].code) == ("incomplete", "opening")
    assert "no checkpoint covers record 4" in report.faults[0].message


# --- what is kept of a segment, and whether it was to be erased -----------------------------------


def test_a_kept_line_that_is_left_out_later_is_missed(full: Site) -> None:
    log = full.open()
    hold.place(log, "case 7", "letter")
    hold.lift(log, "case 7", "closed")
    sealed(full).prune(0, reason="over", held=free)
    assert full.verify().verdict == "ok"
    path = full.directory / "segments" / "000000000000.pruned"
    stays = json.loads(path.read_bytes())
    del stays["kept"]["4"]
    path.write_bytes(canonical(stays))
    report = full.verify()
    assert (report.verdict, report.faults[0].seq) == ("tampered", 0)
    assert "is not what record" in report.faults[0].message


@pytest.mark.parametrize(
    ("number", "count", "named"),
    [(0, 4, "4 records as segment 0"), (1, 5, "5 records as segment 1")],
)
def test_an_erasure_must_be_of_the_segment_that_is_gone(
    full: Site, number: int, count: int, named: str
) -> None:
    log = sealed(full)
    lines = lines_of(full)
    log.append("erasure", {**erasure(0, count), "segment": number})
    log.commit()
    put_pruned(full, 0, lines[:5], [0, 4])
    report = full.verify()
    assert report.verdict == "tampered"
    assert named in report.faults[0].message


@pytest.mark.parametrize("retention", [LONG, None])
def test_an_operator_who_erases_too_early_is_named(
    full: Site, retention: dict[str, str] | None
) -> None:
    log = sealed(full, retention)
    lines = lines_of(full)
    log.append("erasure", erasure(0, 5))
    log.commit()
    put_pruned(full, 0, lines[:5], [0, 4])
    report = full.verify()
    assert report.verdict == "incomplete"
    assert [(fault.seq, fault.code) for fault in report.faults] == [(6, "erasure")]
    assert any("record 6 does not say which lines were kept" in text for text in report.warnings)


def test_an_approval_before_the_erasure_changes_how_long_a_segment_is_kept(full: Site) -> None:
    log = sealed(full, LONG)
    log.append("approval", {"subject": "retention", "segment": 0, **OVER})
    log.commit()
    log.prune(0, reason="over", held=free)
    assert full.verify().verdict == "ok"


def test_an_approval_after_the_erasure_comes_too_late(full: Site) -> None:
    log = sealed(full, LONG)
    log.append("erasure", erasure(0, 5))
    log.append("approval", {"subject": "retention", "segment": 0, **OVER})
    log.commit()
    assert [fault.seq for fault in full.verify().faults] == [6]


def test_an_operator_who_erases_an_open_plan_is_named(full: Site) -> None:
    log = full.open()
    log.append("run.planned", {"run": "r2"})
    log = sealed(full)
    log.append("erasure", erasure(0, 6))
    log.append("run.failed", {"run": "r2", "plan": 4})
    log.commit()
    report = full.verify()
    assert [(fault.seq, fault.code) for fault in report.faults] == [(7, "erasure")]
    assert "the plan of record 4, which had no end" in report.faults[0].message


def test_a_continued_verification_still_judges_what_was_erased(full: Site, tmp_path: Path) -> None:
    log, state = sealed(full, LONG), tmp_path / "state"
    assert verify_from(state, full.directory, vkeys=full.vkeys).verdict == "ok"
    log.append("erasure", erasure(0, 5))
    log.commit()
    report = verify_from(state, full.directory, vkeys=full.vkeys)
    assert (report.remembered, [fault.seq for fault in report.faults]) == (6, [6])


# --- names that are no segment's ------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [".DS_Store", ".nfs0001", "000000000000.jsonl~", ".000000000000.leaves.7.tmp", "._1.jsonl"],
)
def test_what_an_editor_or_a_desktop_leaves_accuses_nobody(full: Site, name: str) -> None:
    sealed(full)
    (full.directory / "segments" / name).write_bytes(b"x")
    report = full.verify()
    assert (report.verdict, report.faults) == ("ok", ())
    assert any(name in text for text in report.warnings)
    log = full.open()
    log.append("incident", {})
    log.prune(0, reason="over", held=free)
    assert full.verify().verdict == "ok"


def test_a_stray_name_does_not_stand_for_the_lines(full: Site) -> None:
    (full.directory / "segments").mkdir()
    (full.directory / "segments" / ".DS_Store").write_bytes(b"")
    full.lines.unlink()
    assert full.verify().verdict in ("unverifiable", "truncated")


# --- the mark -------------------------------------------------------------------------------------


def test_a_checkpoint_behind_the_mark_is_said_loudly(full: Site) -> None:
    old = full.checkpoint.read_bytes()
    log = full.open()
    log.append("incident", {})
    log.commit()
    full.checkpoint.write_bytes(old)
    report = full.verify(high_water=full.keys.mark(log.origin))
    assert report.verdict == "ok"
    assert any("signed 5 records, the checkpoint says 4" in text for text in report.warnings)


def test_a_signer_between_mark_and_checkpoint_is_not_suspected(
    full: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = full.open()
    log.append("incident", {})
    old, new, before = full.checkpoint.read_bytes(), log.commit(), survey.Reading.read
    note = full.checkpoint.read_bytes()
    full.checkpoint.write_bytes(old)

    def read(*given: object, **more: object) -> None:
        before(*given, **more)  # type: ignore[arg-type]
        full.checkpoint.write_bytes(note)

    monkeypatch.setattr(survey.Reading, "read", read)
    report = full.verify(high_water=new)
    assert report.verdict == "ok"
    assert not any("a signer died" in text for text in report.warnings)


# --- what could hang or break the verifier --------------------------------------------------------


def operator_writes(site: Site, body: bytes, type_: bytes) -> None:
    """Let the holder of the key sign a line of his own making after all others."""
    lines = lines_of(site)
    model = encode(
        Record(
            len(lines),
            "2025-02-01T00:00:00.000000Z",
            "incident",
            Actor("ada", "engine", "test"),
            Tool("tests", "1"),
            "0" * 32,
            line_hash(lines[-1]),
            {"x": 1},
        )
    )
    line = model.replace(b'{"x":1}', body).replace(b'"incident"', b'"' + type_ + b'"')
    site.lines.write_bytes(b"".join(one + b"\n" for one in [*lines, line]))
    origin = full_origin(site)
    now = Checkpoint(origin, len(lines) + 1, root([*map(leaf_hash, [*lines, line])]))
    site.checkpoint.write_bytes(sign(format_checkpoint(now), site.keys.signers(origin), 1))


@pytest.mark.parametrize(
    "body",
    [b'{"run":"\\ud800"}', b'{"run":"r2","r\\u0075n":"r1"}', b'{"run":"\xed\xa0\x80","x":{}}'],
    ids=["escaped surrogate", "escaped key", "raw surrogate"],
)
def test_the_id_of_a_run_cannot_be_hidden_or_break_what_is_remembered(
    full: Site, tmp_path: Path, body: bytes
) -> None:
    operator_writes(full, body, b"run.planned")
    for _ in range(2):
        report = verify_from(tmp_path / "state", full.directory, vkeys=full.vkeys)
        assert (report.verdict, report.faults[0].seq) == ("tampered", 4)
        assert as_text(report).encode()


@contextmanager
def held(path: Path) -> Iterator[None]:
    path.touch()
    number = os.open(path, os.O_RDONLY)
    fcntl.flock(number, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(number)


def test_who_holds_the_lock_for_ever_stops_no_verification(
    full: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PATIENCE", 0.2)
    with held(full.directory / "log.lock"):
        report = full.verify()
        assert report.verdict == "ok"
        assert any("holds the log's lock" in text for text in report.warnings)
        with full.lines.open("ab") as file:
            file.write(b'{"actor":')
        assert full.verify().verdict == "ok"  # it may be being written
    assert full.verify().verdict == "torn"


def test_who_holds_the_lock_of_erasures_stops_no_verification(
    full: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PATIENCE", 0.2)
    for opening in (full.directory / "openings").iterdir():
        opening.unlink()
    with held(full.directory / "erase.lock"):
        report = full.verify()
    assert report.verdict == "incomplete"
    assert any("erase.lock" in text for text in report.warnings)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def loop(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize("put", [pipe, endless, loop, Path.mkdir])
@pytest.mark.parametrize("name", ["suspect", "torn", "erasing", "segments", "log.lock"])
def test_odd_files_get_a_verdict(full: Site, name: str, put: Callable[[Path], None]) -> None:
    path = full.directory / name
    path.unlink(missing_ok=True)
    put(path)
    done: list[str] = []
    thread = threading.Thread(target=lambda: done.append(full.verify().verdict), daemon=True)
    thread.start()
    thread.join(8)
    assert done
    if name == "suspect":
        assert any("suspect" in text for text in full.verify().warnings)


# --- what is remembered ---------------------------------------------------------------------------


@pytest.mark.parametrize(("full_first", "said"), [(False, "quickly"), (True, "strictly")])
def test_a_continued_verification_says_how_the_rest_was_verified(
    site: Site, tmp_path: Path, full_first: bool, said: str
) -> None:
    log, state = site.create(), tmp_path / "state"
    site.fill(log)
    verify_from(state, site.directory, full=full_first, vkeys=site.vkeys)
    log.append("incident", {})
    log.commit()
    report = verify_from(state, site.directory, vkeys=site.vkeys)
    assert f"records 0-3 again: they were verified before, {said}" in report.not_checked
    log.append("incident", {})
    log.commit()
    report = verify_from(state, site.directory, vkeys=site.vkeys)
    assert "records 0-4 again: they were verified before, quickly" in report.not_checked


# --- witnesses ------------------------------------------------------------------------------------


def cosign(site: Site, signer: Signer, time: int) -> Verifier:
    note = site.checkpoint.read_bytes()
    line = signature_line(signature_of(split(note)[0], signer, time))
    site.checkpoint.write_bytes(note + line.encode())
    return verifier_of(signer)


def test_a_log_does_not_witness_itself(full: Site) -> None:
    [own, *_] = full.keys.signers(full_origin(full))
    key = cosign(full, Signer("w.example", own.seed, ED25519_COSIGNATURE), 1_700_000_000)
    assert key.key == parse_vkey(full.vkey).key
    text = f"log {full.vkey}\nwitness w {format_vkey(key)}\nquorum w\n"
    report = full.verify(policy=parse_policy(text.encode()))
    assert (report.verdict, report.attained) == ("ok", (0, 1))
    assert any("the log's own word" in text for text in report.warnings)


def test_a_cosignature_from_the_future_counts_with_a_warning(full: Site) -> None:
    far = int((datetime.now(UTC) + timedelta(days=400)).timestamp())
    key = cosign(full, Signer("w.example", b"w" * 32, ED25519_COSIGNATURE), far)
    text = f"log {full.vkey}\nwitness w {format_vkey(key)}\nquorum w\n"
    report = full.verify(policy=parse_policy(text.encode()))
    assert (report.verdict, report.attained) == ("ok", (0, 1, 4))
    assert any("dated in the future" in text for text in report.warnings)


# --- honest work while somebody verifies ----------------------------------------------------------


def work(site: Site, rounds: int, errors: list[BaseException]) -> None:
    try:
        log = Log.open(site.directory, actor=ACTOR, tool=TOOL, keys=site.keys)
        for number in range(rounds):
            entry = log.append("incident", {"n": number, "name": Redactable(f"name {number}")})
            log.commit()
            found = erasing.commitments_of(site.directory, seq=entry.seq, path="body.name")
            erasing.erase(log, found, "asked")
            if number % 3 == 2:
                log.seal(retention=OVER)
                log.append("incident", {})
                log.commit()
                log.prune(number // 3, reason="over", held=free)
            if number % 4 == 3:
                log.rotate_keys()
    except BaseException as error:
        errors.append(error)
        raise


def verified_while_working(site: Site, rounds: int, **more: object) -> list[object]:
    key, errors = site.vkey, list[BaseException]()
    thread = threading.Thread(target=work, args=(site, rounds, errors))
    bad: list[object] = []
    thread.start()
    while thread.is_alive():
        mark = site.keys.mark(full_origin(site))
        report = site.verify(vkeys=[key], high_water=mark, **more)
        if report.verdict != "ok":
            bad.append((report.verdict, report.faults))
    thread.join()
    assert not errors
    assert site.verify(vkeys=[key]).verdict == "ok"
    return bad


@pytest.mark.parametrize("full", [False, True])
def test_honest_work_is_never_accused(full: bool, site: Site) -> None:
    site.fill(site.create())
    assert verified_while_working(site, 24, full=full) == []


@pytest.mark.soak
def test_honest_work_is_never_accused_for_long(full: Site) -> None:
    assert verified_while_working(full, 200) == []
