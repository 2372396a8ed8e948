"""Openings beside the log, their erasure, legal holds, and what verification says of each."""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from repro.audit_log.disk.locks import exclusive
from repro.audit_log.errors import LogCorruptError, LogUnusableError, OpeningError, RecordError
from repro.audit_log.formats.commitment import Commitment, Redactable
from repro.audit_log.formats.record import Actor, Record, encode
from repro.audit_log.storage import erasing, hold, openings
from repro.audit_log.storage.layout import LOG_LOCK
from repro.audit_log.storage.store import Log
from repro.audit_log.verification.erasures import Erasures
from repro.audit_log.verification.faults import Report

from .conftest import ACTOR, TOOL, Site
from .syncs import recorded
from .test_store import in_child
from .test_verify import lines_of, rewrite

GRACE = Actor("grace", "engine", "test")
ASKED = "the person asked"


def records(site: Site) -> list[Record]:
    """Return the records of the log."""
    return list(site.open().records())


def digest_of(record: Record) -> str:
    """Return the commitment to the actor of a record."""
    assert isinstance(record.actor, Commitment)
    return record.actor.digest


def kept(site: Site) -> list[str]:
    """Return the commitments whose openings are there, in order."""
    return sorted(openings.present(site.directory))


def as_grace(site: Site) -> Log:
    """Return the log, opened by another actor."""
    return Log.open(site.directory, actor=GRACE, tool=TOOL, keys=site.keys)


def found(folder: Path, needle: bytes) -> list[str]:
    """Return the files below ``folder`` that hold ``needle``."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [path.name for path in files if needle in path.read_bytes()]


def codes(report: Report) -> list[str]:
    """Return the kinds of the faults."""
    return [fault.code for fault in report.faults]


# --- what is written -----------------------------------------------------------------------------


def test_no_record_holds_a_name_and_each_can_be_resolved(full: Site) -> None:
    as_grace(full).append("incident", {})
    assert re.search(rb'"ada"|grace|engine', full.lines.read_bytes()) is None
    assert full.lines.read_bytes().startswith(b'{"actor":{"commitment":"')
    actors = [openings.resolve(full.directory, record) for record in records(full)]
    assert actors == [ACTOR] * 4 + [GRACE]
    assert full.verify().verdict == "ok"
    assert "2 openings; 0 erased" in full.verify().checked


def test_an_actor_of_a_log_has_one_opening_whoever_opens_it(full: Site) -> None:
    full.open().append("incident", {})
    as_grace(full).append("incident", {})
    as_grace(full).append("incident", {})
    assert len({digest_of(record) for record in records(full)}) == 2
    assert len(kept(full)) == 2


def test_a_log_from_before_openings_is_continued_with_one(full: Site) -> None:
    def plain(record: dict[str, object]) -> None:
        record["actor"] = {"user": "ada", "host": "engine", "how": "test"}

    rewrite(full, lines_of(full), plain)
    shutil.rmtree(full.directory / "openings")
    shutil.rmtree(full.directory / "derived")
    assert full.verify().verdict == "ok"
    # The mark beside the key knows the log as it was signed; appending needs no key.
    full.open().append("incident", {})
    assert [openings.resolve(full.directory, r) for r in records(full)] == [ACTOR] * 5
    assert isinstance(records(full)[0].actor, Actor)
    assert full.verify().verdict == "ok"


def test_an_opening_is_durable_before_the_record_that_needs_it(full: Site) -> None:
    log = as_grace(full)
    with recorded() as names:
        log.append("incident", {})
        log.append("incident", {"by": Redactable("x"), "of": Redactable("y")})
        log.append("incident", {})
    made = r"\.[0-9a-f]{64}\.json\.tmp"
    assert [re.sub(made, "opening", name) for name in names] == [
        "opening", "/", "log.jsonl", "opening", "opening", "/", "log.jsonl", "log.jsonl",
    ]  # fmt: skip


def test_an_opening_that_another_left_is_synced_before_it_is_relied_on(full: Site) -> None:
    as_grace(full).append("incident", {})
    with recorded() as names:
        as_grace(full).append("incident", {})
        full.open().append("incident", {})  # ada's was durable before there was a log
    assert names == ["/", "log.jsonl", "log.jsonl"]


def test_values_in_bodies_get_commitments_of_their_own(full: Site) -> None:
    log = full.open()
    people = [{"name": Redactable("Hopper")}, {"name": Redactable("Hopper")}]
    seq = log.append("incident", {"people": people, "n": 1}).seq
    body = records(full)[seq].body
    assert b"Hopper" not in full.lines.read_bytes()
    first, second = (person["name"]["commitment"] for person in body["people"])  # type: ignore[attr-defined]
    assert first != second
    opening = openings.read(full.directory, second)
    assert opening is not None
    assert (opening.path, opening.value) == ("body.people.1.name", "Hopper")
    assert full.verify().verdict == "ok"


def test_an_append_that_fails_leaves_no_opening(
    full: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, before = full.open(), kept(full)
    log.append("incident", {})
    for body in ({"a": "x" * 70_000}, {"a": Redactable("x" * 70_000)}):
        with pytest.raises(RecordError):
            log.append_many([("incident", {"a": Redactable(1)}), ("incident", body)])
    write = os.write

    def short(descriptor: int, data: bytes) -> int:
        lines = Path(f"/proc/self/fd/{descriptor}").readlink().name == "log.jsonl"
        return write(descriptor, data[:9] if lines else data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", short)
        with pytest.raises(LogUnusableError, match="short"):
            log.append("incident", {"a": Redactable(1)})
    assert kept(full) == before
    assert full.verify().verdict == "ok"


def test_a_commitment_that_nothing_opens_is_not_written(full: Site) -> None:
    log, before = full.open(), full.lines.read_bytes()
    with pytest.raises(RecordError, match="Redactable"):
        log.append("incident", {"a": [{"commitment": "ab" * 32}]})
    assert full.lines.read_bytes() == before


@pytest.mark.parametrize("target", ["there", "nowhere"])
def test_openings_behind_a_link_are_refused(full: Site, target: str) -> None:
    folder = full.directory / "openings"
    folder.rename(full.root / "there")
    folder.symlink_to(full.root / target)
    with pytest.raises(LogUnusableError, match="link"):
        full.open().append("incident", {})
    with pytest.raises(OpeningError, match="link"):
        openings.read(full.directory, digest_of(records(full)[0]))
    assert full.verify().verdict == "tampered"


def test_what_is_no_opening_is_named(full: Site) -> None:
    record = records(full)[0]
    path = openings.path_of(full.directory, digest_of(record))
    data = path.read_bytes()
    for wrong in (b"", b"{}", data[:-1], data.replace(b"ada", b"bob"), data + b"\n"):
        path.write_bytes(wrong)
        with pytest.raises(OpeningError, match=path.name):
            openings.resolve(full.directory, record)
    path.unlink()
    assert openings.resolve(full.directory, record) is None
    path.symlink_to(full.checkpoint)
    with pytest.raises(OpeningError, match="link"):
        openings.read(full.directory, digest_of(record))
    for name in ("../checkpoint", "AB" * 32, ""):
        with pytest.raises(OpeningError, match="not the digest"):
            openings.read(full.directory, name)


# --- erasing -------------------------------------------------------------------------------------


def test_a_name_is_erased_and_every_proof_stays(full: Site) -> None:
    as_grace(full).append("incident", {})
    log = full.open()
    log.commit()
    old = full.checkpoint.read_bytes()
    done = erasing.erase(log, erasing.commitments_of(full.directory, user="grace"), ASKED)
    assert len(done.records) == 1
    assert (len(done.removed), done.left) == (1, ())
    *beyond, anew = done.beyond
    assert tuple(beyond) == erasing.BEYOND
    assert anew.startswith("record 5 of this erasure: who erased")
    assert found(full.workspace, b"grace") == []
    record = records(full)[4]
    assert openings.resolve(full.directory, record) is None
    assert records(full)[5].body == {
        "what": "openings", "commitments": [digest_of(record)], "reason": ASKED,
    }  # fmt: skip
    report = full.verify(old_checkpoint=old)
    assert (report.verdict, report.level, report.committed) == ("ok", 2, 6)
    again = erasing.erase(log, [digest_of(record)], ASKED)
    assert (again.records, again.removed) == ((), ())


def test_who_is_erased_and_writes_on_gets_another_commitment(full: Site) -> None:
    log, other = full.open(), full.open()
    before = digest_of(records(full)[0])
    other.append("incident", {})
    erasing.erase(log, erasing.commitments_of(full.directory, user="ada"), ASKED)
    log.append("incident", {})
    other.append("incident", {})
    after = {digest_of(record) for record in records(full)[5:]}
    assert len(after) == 1
    assert before not in after
    assert full.verify().verdict == "ok"


def test_a_writer_in_another_process_notices(full: Site) -> None:
    ready, go = os.pipe(), os.pipe()
    log = full.open()

    def write() -> None:
        mine = as_grace(full)
        mine.append("incident", {"n": 1})
        os.write(ready[1], b"x")
        os.read(go[0], 1)
        mine.append("incident", {"n": 2})

    pid = os.fork()
    if not pid:
        try:
            write()
        finally:
            os._exit(0)
    os.read(ready[0], 1)
    erasing.erase(log, erasing.commitments_of(full.directory, user="grace"), ASKED)
    os.write(go[1], b"x")
    os.waitpid(pid, 0)
    before, _, after = records(full)[4:]
    assert digest_of(before) != digest_of(after)
    assert openings.resolve(full.directory, after) == GRACE
    assert full.verify().verdict == "ok"


def test_an_opening_that_was_put_back_is_not_used_and_is_found_out(full: Site) -> None:
    twin = full.copy("twin")
    before = digest_of(records(full)[0])
    erasing.erase(as_grace(full), [before], ASKED)  # so that ada has no other opening
    shutil.copy(openings.path_of(twin.directory, before), full.directory / "openings")
    seq = full.open().append("incident", {}).seq
    assert digest_of(records(full)[seq]) != before
    report = full.verify()
    assert (report.verdict, codes(report), report.faults[0].seq) == ("incomplete", ["erasure"], 4)
    assert "was not carried out" in report.faults[0].message
    done = erasing.erase(full.open(), [before], ASKED)
    assert (done.records, len(done.removed)) == ((), 1)
    assert full.verify().verdict == "ok"


def test_one_place_of_a_record_is_found(full: Site) -> None:
    log = full.open()
    seq = log.append("incident", {"a": Redactable(1), "b": [Redactable(2)]}).seq
    log.append("incident", {"a": Redactable(3)})
    one = erasing.commitments_of(full.directory, seq=seq, path="body.b.0")
    assert len(one) == 1
    assert set(one) < set(erasing.commitments_of(full.directory, seq=seq))
    assert len(erasing.commitments_of(full.directory, seq=seq)) == 3
    assert erasing.commitments_of(full.directory, user="nobody") == ()
    erasing.erase(log, one, ASKED)
    values = [openings.read(full.directory, digest) for digest in kept(full)]
    assert sorted(v.value for v in values if v and v.path != "actor") == [1, 3]  # type: ignore[type-var]


@pytest.mark.parametrize("wrong", ["unknown", "spelling", "reason", "folder", "key"])
def test_what_cannot_be_erased_is_refused_and_nothing_moves(full: Site, wrong: str) -> None:
    log, mine = full.open(), digest_of(records(full)[0])
    before = {path: path.stat().st_mtime_ns for path in full.directory.rglob("*.json*")}
    wanted, reason, also = [mine], ASKED, [full.workspace]
    match wrong:
        case "unknown":
            wanted.append("ab" * 32)
        case "spelling":
            wanted.append("../checkpoint")
        case "reason":
            reason = " "
        case "folder":
            also.append(full.root / "nowhere")
        case "key":
            shutil.rmtree(full.keys.root)
    with pytest.raises(LogUnusableError):
        erasing.erase(log, wanted, reason, also=also)
    assert {p: p.stat().st_mtime_ns for p in full.directory.rglob("*.json*")} == before


def test_copies_are_removed_and_what_only_holds_one_is_told(full: Site) -> None:
    log, digest = full.open(), digest_of(records(full)[0])
    log.append("incident", {})
    opening = openings.path_of(full.directory, digest).read_bytes()
    salt = json.loads(opening)["salt"]
    elsewhere = full.root / "elsewhere"
    shutil.copytree(full.directory, elsewhere / "snapshot")
    (elsewhere / "renamed.txt").write_bytes(opening + b"\n")
    (elsewhere / "mixed.bin").write_bytes(b"\0" * ((1 << 20) - 30) + salt.encode() + b'"ada"')
    (elsewhere / "other.json").write_bytes(b'{"path":"actor"}')
    (elsewhere / "link").symlink_to(full.lines)
    (full.directory / "derived" / "index").write_bytes(b"ada")
    done = erasing.erase(log, [digest], ASKED, also=[elsewhere, full.workspace])
    names = [Path(path).name for path in done.removed]
    assert sorted(names) == sorted([f"{digest}.json", f"{digest}.json", "renamed.txt", "index"])
    assert [re.sub(":.*", "", Path(text).name) for text in done.left] == ["mixed.bin"]
    assert found(elsewhere, salt.encode()) == ["mixed.bin"]
    assert (full.directory / "derived" / "state.json").is_file()
    assert full.verify().verdict == "ok"


def test_more_than_fit_in_a_line_are_named_by_several_records(full: Site) -> None:
    log = full.open()
    many = {"a": [Redactable(n) for n in range(500)]}
    with recorded():  # a thousand syncs take long
        seqs = [log.append("incident", many).seq for _ in "ab"]
    wanted = {d for seq in seqs for d in erasing.commitments_of(full.directory, seq=seq)}
    wanted.remove(digest_of(records(full)[0]))
    assert len(erasing.erase(log, wanted, ASKED).records) == 2
    assert full.verify().verdict == "ok"
    assert len(kept(full)) == 1


def test_what_a_crash_left_beside_the_log_is_erased_without_a_record(full: Site) -> None:
    stray = {"ab" * 32: b"half"}
    for digest, data in stray.items():
        openings.path_of(full.directory, digest).write_bytes(data)
        (full.directory / "openings" / f".{digest}.json.tmp").write_bytes(data)
    report = full.verify()
    assert (report.verdict, len(report.warnings)) == ("ok", 2)
    assert erasing.erase(full.open(), stray, ASKED).records == ()
    assert len(kept(full)) == 1
    assert full.verify().warnings == ()


# --- crashes -------------------------------------------------------------------------------------

STEPS = ("fsync", "fdatasync", "write", "replace", "rename", "unlink", "mkdir")


def dying(at: int) -> None:
    """Let this process end at the ``at``-th call that changes or syncs a file."""
    left = at

    def wrap(call: Callable[..., object]) -> Callable[..., object]:
        def counted(*given: object, **named: object) -> object:
            nonlocal left
            left -= 1
            if left == 0:
                os._exit(9)
            return call(*given, **named)

        return counted

    for name in STEPS:
        setattr(os, name, wrap(getattr(os, name)))


def test_an_erasure_that_dies_anywhere_is_finished_or_undone(full: Site) -> None:
    as_grace(full).append("incident", {"a": Redactable("secret")})
    full.open().commit()
    wanted = erasing.commitments_of(full.directory, seq=4)
    (full.root / "elsewhere").mkdir()
    for digest in wanted:
        shutil.copy(openings.path_of(full.directory, digest), full.root / "elsewhere")
    outcomes = []
    for step in range(1, 200):
        twin = full.copy("twin")

        def work(twin: Site = twin, step: int = step) -> None:
            log = twin.open()
            dying(step)
            erasing.erase(log, wanted, ASKED, also=[twin.root / "elsewhere"])

        if in_child(work) == 0:
            break
        verdict = twin.verify().verdict
        log = twin.open()
        log.commit()
        twin.open()
        report = twin.verify()
        assert report.verdict == "ok", (step, report)
        is_recorded = any(r.type == "erasure" for r in log.records())
        left = [d for d in wanted if d in kept(twin)] + found(twin.root / "elsewhere", b"salt")
        assert len(left) == (0 if is_recorded else 4), (step, left)
        assert not list((twin.directory / "erasing").glob("*.json"))
        outcomes.append((is_recorded, verdict))
    assert {is_recorded for is_recorded, _ in outcomes} == {True, False}
    assert {verdict for is_recorded, verdict in outcomes if not is_recorded} == {"ok"}
    assert step > 20


def test_who_verifies_while_somebody_erases_sees_nothing_wrong(full: Site) -> None:
    def work() -> None:
        log = full.open()
        for turn in range(25):
            seq = log.append("incident", {"turn": Redactable(turn)}).seq
            digests = erasing.commitments_of(full.directory, seq=seq, path="body.turn")
            erasing.erase(log, digests, ASKED)

    pid = os.fork()
    if not pid:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    done, looks = 0, 0
    while not done:
        report = full.verify()
        assert report.faults == (), report
        looks += 1
        done, status = os.waitpid(pid, os.WNOHANG)
    assert (status, looks > 3) == (0, True)


# --- legal holds ---------------------------------------------------------------------------------


def test_a_legal_hold_refuses_erasure_until_it_is_lifted(full: Site) -> None:
    log, digest = full.open(), digest_of(records(full)[0])
    hold.place(log, "case 7", "letter")
    hold.place(log, "case 8", "letter")
    with pytest.raises(LogUnusableError, match="in force already"):
        hold.place(log, "case 7", "again")
    assert [h.seq for h in hold.active(log)] == [4, 5]
    with pytest.raises(LogUnusableError, match="'case 7' of record 4 and 1 more"):
        erasing.erase(log, [digest], ASKED)
    hold.lift(log, "case 7", "closed")
    with pytest.raises(LogUnusableError, match="'case 8' of record 5"):
        erasing.erase(log, [digest], ASKED)
    assert kept(full) == [digest]
    hold.lift(log, "case 8", "closed")
    with pytest.raises(LogUnusableError, match="not in force"):
        hold.lift(log, "case 8", "again")
    assert erasing.erase(log, [digest], ASKED).records == (8,)
    assert full.verify().verdict == "ok"


def test_under_a_hold_not_even_what_no_record_names_is_deleted(full: Site) -> None:
    log, stray = full.open(), openings.path_of(full.directory, "ab" * 32)
    stray.write_bytes(b"half")
    hold.place(log, "case 7", "letter")
    with pytest.raises(LogUnusableError, match="case 7"):
        erasing.erase(log, ["ab" * 32], ASKED)
    assert stray.exists()


def test_a_hold_that_comes_while_somebody_is_erasing_is_in_time(full: Site) -> None:
    log, digest = full.open(), digest_of(records(full)[0])
    head, raised = log.head(), []
    body = {"subject": hold.SUBJECT, "action": "place", "hold": "case 7", "reason": "letter"}
    time = records(full)[3].time
    line = encode(Record(4, time, "approval", GRACE, TOOL, "0" * 32, head.hash, body))

    def work() -> None:
        try:
            erasing.erase(log, [digest], ASKED)
        except LogUnusableError as error:
            raised.append(error.problem)

    eraser = threading.Thread(target=work)
    with exclusive(full.directory / LOG_LOCK):
        eraser.start()
        eraser.join(0.3)  # it has found no hold, and waits for the lock
        with full.lines.open("ab") as file:
            file.write(line + b"\n")
    eraser.join()
    assert "case 7" in raised[0]
    assert kept(full) == [digest]
    assert full.verify().verdict == "ok"


def test_an_approval_that_may_be_a_hold_is_not_passed_over(full: Site) -> None:
    log = full.open()
    log.append("approval", {"subject": "legal hold", "action": "place"})
    with pytest.raises(LogCorruptError, match="record 4"):
        hold.active(log)
    assert codes(full.verify()) == ["hold"]


def test_an_erasure_under_a_hold_is_named(full: Site) -> None:
    log, digest = full.open(), digest_of(records(full)[0])
    hold.place(log, "case 7", "letter")
    log.append("erasure", {"what": "openings", "commitments": [digest], "reason": ASKED})
    log.commit()
    openings.path_of(full.directory, digest).unlink()
    hold.lift(log, "case 7", "closed")
    report = full.verify()
    assert (report.verdict, codes(report), report.faults[0].seq) == ("incomplete", ["hold"], 5)
    assert "'case 7' of record 4" in report.faults[0].message


# --- verification --------------------------------------------------------------------------------


def test_a_missing_opening_makes_the_log_incomplete(full: Site) -> None:
    log = as_grace(full)
    log.append("incident", {"a": Redactable(1)})
    for digest in erasing.commitments_of(full.directory, seq=4):
        openings.path_of(full.directory, digest).unlink()
    report = full.verify()
    assert (report.verdict, report.exit_status, codes(report)) == ("incomplete", 1, ["opening"])
    assert report.faults[0].seq == 4
    assert "(and 1 more)" in report.faults[0].message
    shutil.rmtree(full.directory / "openings")
    report = full.verify()
    assert (report.verdict, report.faults[0].seq) == ("incomplete", 0)
    assert "at all" in report.faults[0].message
    handed_out = full.verify(without_openings=True)
    assert handed_out.verdict == "ok"
    assert "openings" in handed_out.not_checked
    assert "openings" not in full.verify().not_checked


def test_only_openings_that_open_are_counted_as_checked(full: Site) -> None:
    as_grace(full).append("incident", {"a": Redactable(1)})
    ada, grace = digest_of(records(full)[0]), digest_of(records(full)[4])
    assert "3 openings; 0 erased" in full.verify().checked
    log = full.open()
    log.append("erasure", {"what": "openings", "commitments": [grace], "reason": ASKED})
    log.commit()
    assert "2 openings; 0 erased" in full.verify().checked  # it was recorded, and not carried out
    openings.path_of(full.directory, grace).unlink()
    assert "2 openings; 1 erased" in full.verify().checked
    openings.path_of(full.directory, ada).write_bytes(b"{}")  # it opens nothing
    assert "1 opening; 1 erased" in full.verify().checked
    shutil.rmtree(full.directory / "openings")
    report = full.verify()
    assert report.verdict == "incomplete"
    assert "0 openings; 1 erased" in report.checked


def test_every_flipped_byte_of_an_opening_is_tampering(full: Site) -> None:
    path = openings.path_of(full.directory, digest_of(records(full)[0]))
    data = path.read_bytes()
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        path.write_bytes(changed)
        report = full.verify()
        assert (report.verdict, codes(report)) == ("tampered", ["commitment"]), place
        assert path.name in report.faults[0].message


def test_a_commitment_that_was_moved_to_another_place_is_tampering(full: Site) -> None:
    full.open().append("incident", {"approver": Redactable("ada"), "subject": 1})
    lines = lines_of(full)

    def move(record: dict[str, dict[str, object]]) -> None:
        body = record["body"]
        if "approver" in body:
            body["subject"], body["approver"] = body["approver"], 1

    rewrite(full, lines, move)  # type: ignore[arg-type]
    report = full.verify()
    assert (report.verdict, codes(report)) == ("tampered", ["commitment"])
    assert "opens body.approver, not body.subject" in report.faults[0].message

    def spread(record: dict[str, object]) -> None:
        if record["type"] == "incident":
            record["body"] = {"by": record["actor"]}

    rewrite(full, lines, spread)
    assert "no opening opens both" in full.verify().faults[0].message


@pytest.mark.parametrize(
    "body",
    [{"what": "openings", "commitments": ["ab" * 32], "reason": "x"},
     {"what": "openings", "commitments": ["AB"], "reason": "x"},
     {"what": "openings", "commitments": [], "reason": "x"},
     {"what": "openings", "commitments": "x", "reason": "x"},
     {"what": "all", "commitments": ["ab" * 32], "reason": "x"}, {}],
)  # fmt: skip
def test_an_erasure_of_nothing_is_named(full: Site, body: dict[str, object]) -> None:
    full.open().append("erasure", body)
    report = full.verify()
    assert (report.verdict, codes(report), report.faults[0].seq) == ("incomplete", ["erasure"], 4)


def test_an_erasure_of_what_comes_later_is_named(full: Site) -> None:
    digest = digest_of(records(full)[0])

    def swap(record: dict[str, object]) -> None:
        if record["seq"] != 3:
            record["actor"] = {"user": "ada", "host": "engine", "how": "test"}
        if record["seq"] == 2:
            record["type"] = "erasure"
            record["body"] = {"what": "openings", "commitments": [digest], "reason": "x"}

    rewrite(full, lines_of(full), swap)
    openings.path_of(full.directory, digest).unlink()
    assert "no record before it holds" in full.verify().faults[0].message


def test_a_judge_continues_where_it_stopped(full: Site) -> None:
    log = as_grace(full)
    hold.place(log, "case 7", "letter")
    digest = digest_of(records(full)[4])
    log.append("erasure", {"what": "openings", "commitments": [digest], "reason": ASKED})
    lines, known = lines_of(full), records(full)

    def look(judge: Erasures, start: int, end: int) -> list[str]:
        faults = list(judge.see_lines(start, lines[start:end]))
        for record in known[start:end]:
            if record.type in judge.types:
                faults.extend(judge.see(record))
        return [fault.message for fault in faults]

    whole = Erasures(full.directory)
    expected = look(whole, 0, 6) + [fault.message for fault in whole.finish()]
    assert len(expected) == 2
    for stop in range(7):
        first, second = Erasures(full.directory), Erasures(full.directory)
        seen = look(first, 0, stop)
        second.see_lines(0, lines)  # of which nothing may stay
        second.resume(json.loads(json.dumps(first.state())))
        assert second.state() == first.state()
        seen += look(second, stop, 6)
        assert seen + [fault.message for fault in second.finish()] == expected


@pytest.mark.parametrize(
    "state",
    [None, {}, {"erased": [], "held": {}, "holds": []},
     {"erased": {}, "held": {"x": 1}, "holds": []},
     {"erased": {"x": 1}, "held": {}, "holds": []}, {"erased": {}, "held": {}, "holds": [1]},
     {"erased": {}, "held": {}, "holds": [["a", "b", "c"]]}],
)  # fmt: skip
def test_a_judge_refuses_what_is_not_its_state(full: Site, state: object) -> None:
    with pytest.raises(ValueError, match=r"judge|invalid|unpack"):
        Erasures(full.directory).resume(state)
