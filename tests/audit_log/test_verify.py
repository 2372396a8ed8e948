"""What verification says of every kind of damage, and what it honestly does not claim."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from repro.audit_log.formats.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from repro.audit_log.formats.note import sign, split
from repro.audit_log.formats.note_key import Signer, format_vkey, verifier_of
from repro.audit_log.storage import running
from repro.audit_log.storage.store import Log
from repro.audit_log.verification.faults import EXIT, Report
from repro.audit_log.verification.levels import LEVELS, not_proven
from repro.audit_log.verification.verify import verify

from . import make_vectors, reference
from .conftest import ACTOR, TOOL, Site

GOLDEN = Path(__file__).parents[1] / "vectors" / "audit_log" / "golden"
STRANGER = format_vkey(verifier_of(Signer("repro.log/stranger", b"\x09" * 32)))


def lines_of(site: Site) -> list[bytes]:
    """Return the lines of the log."""
    return site.lines.read_bytes().split(b"\n")[:-1]


def write(site: Site, lines: list[bytes]) -> None:
    """Replace the lines of the log."""
    site.lines.write_bytes(b"".join(line + b"\n" for line in lines))


def rewrite(site: Site, lines: list[bytes], change: Callable[[dict[str, object]], None]) -> None:
    """Replace the log by one with changed records, chained and signed as an operator could."""
    made: list[bytes] = []
    prev = "0" * 64
    for seq, line in enumerate(lines):
        record = json.loads(line)
        change(record)
        record.update(seq=seq, prev=prev)
        made.append(reference.canonical(record).encode())
        prev = reference.line_hash(made[-1])
    write(site, made)
    sign_again(site, made)


def sign_again(site: Site, lines: list[bytes]) -> None:
    """Sign a checkpoint over ``lines`` with the log's key, past the rules that we keep."""
    origin = json.loads(lines[0])["body"]["origin"]
    checkpoint = Checkpoint(origin, len(lines), reference.mth(lines))
    site.checkpoint.write_bytes(sign(format_checkpoint(checkpoint), site.keys.signers(origin)))


def own(site: Site) -> Checkpoint:
    """Return what the checkpoint file says."""
    return parse_checkpoint(split(site.checkpoint.read_bytes())[0])


def test_the_golden_log_verifies_with_its_key_and_its_artifact(tmp_path: Path) -> None:
    shutil.copytree(GOLDEN, tmp_path / "AUDIT_LOG")
    (tmp_path / "RESULTS").mkdir()
    (tmp_path / "RESULTS" / "empty").write_bytes(b"")
    vkey = (GOLDEN / "log.vkey").read_text().strip()
    report = verify(tmp_path / "AUDIT_LOG", vkeys=[vkey], artifacts_root=tmp_path)
    assert (report.verdict, report.level, report.size, report.committed) == ("ok", 1, 5, 5)
    assert report.origin == make_vectors.ORIGIN
    assert report.faults == ()
    assert report.warnings == ()
    assert report.head == reference.line_hash((GOLDEN / "log.jsonl").read_bytes().split(b"\n")[4])


def test_a_tail_cut_beyond_the_checkpoint_is_torn_and_at_a_line_not_noticed(full: Site) -> None:
    committed = len(full.lines.read_bytes())
    full.open().append("incident", {})
    data = full.lines.read_bytes()
    for length in range(committed + 1, len(data)):
        full.lines.write_bytes(data[:length])
        report = full.verify()
        assert (report.verdict, report.exit_status, report.level) == ("torn", 1, 1)
        assert report.faults[0].seq == 4
    full.lines.write_bytes(data)
    assert full.verify().warnings == ("1 records are durable and not committed",)
    full.lines.write_bytes(data[:committed])
    assert full.verify().verdict == "ok"


def test_the_first_bad_record_is_named_first(full: Site) -> None:
    lines = lines_of(full)
    write(full, [lines[0], lines[1].replace(b"0.05", b"0.06"), *lines[2:]])
    report = full.verify()
    assert report.faults[0].seq == 2  # the record after it does not continue the changed one
    assert "root" in {fault.code for fault in report.faults}


def test_two_records_with_one_parent_are_a_fork_and_called_evidence(full: Site) -> None:
    twin = full.copy("twin")
    for site in (full, twin):
        site.open().append("incident", {"in": site.root.name})
    write(full, [*lines_of(full), lines_of(twin)[-1]])
    report = full.verify()
    assert (report.verdict, report.exit_status) == ("forked", 4)
    assert "evidence" in " ".join(fault.message for fault in report.faults)
    assert report.evidence == ()


def test_a_line_that_is_too_long_is_tampering_and_read_in_flat_memory(full: Site) -> None:
    lines = lines_of(full)
    for length in (65_536, 65_537, 65_538, 1 << 20, 3_000_000):
        write(full, [*lines[:2], b"x" * length, *lines[2:]])
        report = full.verify()
        assert report.verdict == "tampered"
        assert report.faults[0].seq == 2
        assert report.size == 5


@pytest.mark.parametrize(
    "break_", ["directory", "lines", "checkpoint", "link", "file", "empty", "pipe"]
)
def test_what_is_missing_is_unverifiable_and_never_valid(full: Site, break_: str) -> None:
    vkey = full.vkey
    match break_:
        case "directory":
            shutil.rmtree(full.directory)
        case "lines":
            full.lines.unlink()
        case "checkpoint":
            full.checkpoint.unlink()
        case "link":
            full.lines.rename(full.root / "elsewhere")
            full.lines.symlink_to(full.root / "elsewhere")
        case "file":
            shutil.rmtree(full.directory)
            full.directory.write_text("")
        case "pipe":
            full.checkpoint.unlink()
            os.mkfifo(full.checkpoint)
        case "empty":
            full.lines.write_bytes(b"")
            full.checkpoint.unlink()
    report = verify(full.directory, vkeys=[vkey])
    assert (report.verdict, report.exit_status, report.level) == ("unverifiable", 3, -1)


def test_without_a_key_nothing_says_whose_log_it_is(full: Site) -> None:
    report = verify(full.directory)
    assert (report.verdict, report.exit_status) == ("unverifiable", 3)
    assert "nothing says whose log this is" in report.faults[0].message
    accepted = verify(full.directory, self_asserted=True)
    assert (accepted.verdict, accepted.level) == ("ok", 0)
    assert any("who wrote it" in text for text in accepted.not_proven)


@pytest.mark.parametrize("vkey", [STRANGER, "nonsense", ""])
def test_another_key_verifies_nothing(full: Site, vkey: str) -> None:
    report = verify(full.directory, vkeys=[vkey], self_asserted=True)
    assert (report.verdict, report.level) == ("unverifiable", -1)


def test_a_log_that_names_the_pinned_key_but_is_not_signed_by_it_is_tampered(full: Site) -> None:
    vkey = full.vkey
    origin = full.open().origin
    thief = Signer(origin, b"\x05" * 32)
    lines = lines_of(full)
    first = json.loads(lines[0])
    first["body"]["vkeys"].append(format_vkey(verifier_of(thief)))
    made, prev = [], "0" * 64
    for line in [json.dumps(first).encode(), *lines[1:]]:
        made.append(reference.canonical({**json.loads(line), "prev": prev}).encode())
        prev = reference.line_hash(made[-1])
    write(full, made)
    (full.directory / "log.vkey").write_text("".join(f"{k}\n" for k in first["body"]["vkeys"]))
    text = format_checkpoint(Checkpoint(origin, len(made), reference.mth(made)))
    full.checkpoint.write_bytes(sign(text, [thief]))
    assert verify(full.directory, vkeys=[vkey]).verdict == "tampered"
    assert verify(full.directory, self_asserted=True).verdict == "ok"


def test_a_key_signs_only_for_the_origin_that_it_is_named_after(full: Site) -> None:
    other = Signer("repro.log/other", b"\x05" * 32)
    text, _ = split(full.checkpoint.read_bytes())
    both = full.checkpoint.read_bytes() + sign(text, [other]).rpartition(b"\n\n")[2]
    full.checkpoint.write_bytes(both)
    assert full.verify().verdict == "ok"
    report = full.verify(vkeys=[format_vkey(verifier_of(other))])
    assert report.verdict == "unverifiable"


def test_time_that_goes_backwards_is_a_warning(full: Site) -> None:
    def back(record: dict[str, object]) -> None:
        if record["type"] == "incident":
            record["time"] = "2020-01-01T00:00:00.000000Z"

    rewrite(full, lines_of(full), back)
    report = full.verify()
    assert report.verdict == "ok"
    assert report.warnings == ("time goes backwards at 1 records",)
    assert any("the writer's own word" in text for text in report.not_proven)


# A malicious operator who holds the key.


def forget(record: dict[str, object]) -> None:
    """Change what an incident says."""
    if record["type"] == "incident":
        record["body"] = {"text": "nothing happened"}


def test_a_rewritten_log_passes_l1_which_says_so_and_fails_l2(full: Site) -> None:
    kept = full.checkpoint.read_bytes()
    rewrite(full, lines_of(full), forget)
    report = full.verify()
    assert (report.verdict, report.level) == ("ok", 1)
    assert any("holder of the key did not rewrite" in text for text in report.not_proven)
    report = full.verify(old_checkpoint=kept)
    assert (report.verdict, report.exit_status) == ("forked", 4)
    assert report.evidence == (kept.decode(), full.checkpoint.read_text())


def test_a_shortened_log_passes_l1_which_says_so_and_fails_l2(full: Site) -> None:
    kept, mark = full.checkpoint.read_bytes(), own(full)
    lines = lines_of(full)[:1]
    write(full, lines)
    sign_again(full, lines)
    report = full.verify()
    assert (report.verdict, report.level) == ("ok", 1)
    assert any("not cut back" in text for text in report.not_proven)
    assert full.verify(old_checkpoint=kept).verdict == "rolled back"
    assert full.verify(high_water=mark).verdict == "rolled back"


def test_an_older_checkpoint_put_in_place_passes_l1_and_fails_l2(full: Site) -> None:
    older = full.checkpoint.read_bytes()
    log = full.open()
    log.append("incident", {})
    log.commit()
    kept = full.checkpoint.read_bytes()
    assert full.verify(old_checkpoint=older).level == 2
    full.checkpoint.write_bytes(older)
    assert full.verify().level == 1
    assert full.verify(old_checkpoint=kept).verdict == "rolled back"


def test_two_histories_of_one_key_are_a_fork_whichever_is_shown(full: Site) -> None:
    twin = full.copy("twin")
    for site in (full, twin):
        log = site.open()
        log.append("incident", {"in": site.root.name})
        log.commit()
    for site, other in ((full, twin), (twin, full)):
        report = site.verify(old_checkpoint=other.checkpoint.read_bytes())
        assert report.verdict == "forked"
        assert len(report.evidence) == 2


def test_records_beyond_a_kept_checkpoint_can_be_rewritten_and_l2_says_so(full: Site) -> None:
    kept = full.checkpoint.read_bytes()
    log = full.open()
    log.append("incident", {"text": "bad"})
    log.commit()
    lines = lines_of(full)[:4]
    write(full, lines)
    sign_again(full, lines)
    report = full.verify(old_checkpoint=kept)
    assert (report.verdict, report.level) == ("ok", 2)
    assert any("beyond the kept checkpoint" in text for text in report.not_proven)


@pytest.mark.parametrize("old", [b"", b"nonsense", b"o\n1\nx\n\n\xe2\x80\x94 o AAAAAAAA\n"])
def test_a_kept_checkpoint_that_is_none_proves_nothing(full: Site, old: bytes) -> None:
    assert full.verify(old_checkpoint=old).verdict == "unverifiable"


def test_a_kept_checkpoint_of_another_log_or_key_proves_nothing(full: Site, tmp_path: Path) -> None:
    other = Site(tmp_path / "other")
    other.create()
    assert full.verify(old_checkpoint=other.checkpoint.read_bytes()).verdict == "unverifiable"
    text = split(full.checkpoint.read_bytes())[0]
    forged = sign(text, [Signer(own(full).origin, b"\x05" * 32)])
    assert full.verify(old_checkpoint=forged).verdict == "unverifiable"
    high = Checkpoint("other", 1, bytes(32))
    assert full.verify(high_water=high).verdict == "unverifiable"


def test_a_kept_checkpoint_raises_no_level_without_a_pinned_key(full: Site) -> None:
    kept = full.checkpoint.read_bytes()
    report = verify(full.directory, self_asserted=True, old_checkpoint=kept)
    assert (report.verdict, report.level) == ("ok", 0)


# Plans and their ends.


def test_a_plan_without_an_end_is_incomplete_unless_somebody_runs_it(full: Site) -> None:
    log = full.open()
    with running.hold(full.directory, "r2"):
        log.append("run.planned", {"run": "r2"})
        log.commit()
        report = full.verify()
        assert (report.verdict, report.running) == ("ok", ("r2",))
    report = full.verify()
    assert (report.verdict, report.exit_status, report.level) == ("incomplete", 1, 1)
    assert report.faults[0].seq == 4


@pytest.mark.parametrize(
    "entries",
    [
        [("run.completed", {"run": "r1", "plan": 1})],
        [("run.failed", {"run": "never", "plan": 1})],
        [("run.planned", {"run": "r2"}), ("run.failed", {"run": "r2", "plan": 1})],
        [("run.planned", {})],
        [("run.interrupted", {})],
        [("command.planned", {"run": "r2"}), ("command.executed", {"run": "r2", "plan": 4})],
        [("run.planned", {"run": "command-2"}), ("run.failed", {"run": "command-2", "plan": 4})],
        [
            ("command.planned", {"run": "command-2"}),
            ("run.failed", {"run": "command-2", "plan": 4}),
        ],
        [("run.planned", {"run": "r2"}), ("command.executed", {"run": "r2", "plan": 4})],
        [("command.planned", {"run": "command-2"})],
        [("command.executed", {"run": "command-2", "plan": 4})],
        [
            ("command.planned", {"run": "command-2"}),
            ("command.executed", {"run": "command-2", "plan": 4}),
            ("command.interrupted", {"run": "command-2", "plan": 4}),
        ],
    ],
)
def test_ends_that_do_not_tally_with_plans_are_incomplete(
    full: Site, entries: list[tuple[str, dict[str, object]]]
) -> None:
    log = full.open()
    log.append_many(entries)
    log.commit()
    for way in (False, True):
        assert full.verify(full=way).verdict == "incomplete"


def test_a_command_has_one_end_as_a_training_has(full: Site) -> None:
    log = full.open()
    for run, end in (("command-2", "command.executed"), ("command-3", "command.interrupted")):
        seq = log.append("command.planned", {"run": run}).seq
        log.append(end, {"run": run, "plan": seq})
    log.commit()
    for way in (False, True):
        assert full.verify(full=way).verdict == "ok"
    with running.hold(full.directory, "command-4"):
        log.append("command.planned", {"run": "command-4"})
        log.commit()
        assert full.verify().running == ("command-4",)
    seq = log.append("command.planned", {"run": "command-2"}).seq
    log.commit()
    report = full.verify()
    assert (report.verdict, report.faults[0].seq) == ("tampered", seq)


# Artifacts.


def test_artifacts_are_checked_only_when_asked_for(full: Site) -> None:
    path = full.workspace / "RESULTS" / "model.txt"
    report = full.verify(artifacts_root=full.workspace)
    assert report.verdict == "ok"
    assert "1 artifacts, byte by byte" in report.checked
    path.write_text("Weights\n")
    assert full.verify().verdict == "ok"
    assert "artifacts" in full.verify().not_checked
    report = full.verify(artifacts_root=full.workspace)
    assert report.verdict == "tampered"
    assert report.faults[0].seq == 3
    assert "RESULTS/model.txt" in report.faults[0].message
    path.unlink()
    report = full.verify(artifacts_root=full.workspace)
    assert (report.verdict, report.exit_status) == ("incomplete", 1)
    assert "1 of 1 artifacts are not here, such as RESULTS/model.txt" in report.faults[0].message
    assert "0 artifacts, byte by byte" in report.checked


@pytest.mark.parametrize("ended", [False, True])
def test_a_run_that_is_planned_again_is_tampering(full: Site, ended: bool) -> None:
    log = full.open()
    log.append("run.planned", {"run": "r2"})
    if ended:
        log.append("run.completed", {"run": "r2", "plan": 4, "artifacts": []})
    seq = log.append("run.planned", {"run": "r2"}).seq
    log.commit()
    report = full.verify()
    assert report.verdict == "tampered"
    assert report.faults[0].seq == seq


@pytest.mark.parametrize("artifacts", ["x", [1], [{"path": "../x"}], [{"path": 1}]])
def test_artifacts_that_are_no_artifacts_are_tampering(full: Site, artifacts: object) -> None:
    log = full.open()
    log.append("run.planned", {"run": "r2"})
    log.append("run.completed", {"run": "r2", "plan": 4, "artifacts": artifacts})
    log.commit()
    assert full.verify(artifacts_root=full.workspace).verdict == "tampered"


@pytest.mark.parametrize("path", ["../outside", "/etc/hostname", "RESULTS/link", "RESULTS", "a\0b"])
def test_artifacts_outside_of_the_workspace_are_never_read(full: Site, path: str) -> None:
    (full.root / "outside").write_text("x")
    (full.workspace / "RESULTS" / "link").symlink_to(full.root / "outside")
    log = full.open()
    log.append("run.planned", {"run": "r2"})
    item = {"path": path, "blake3": "", "sha256": "", "size": 1}
    log.append("run.completed", {"run": "r2", "plan": 4, "artifacts": [item]})
    log.commit()
    report = full.verify(artifacts_root=full.workspace)
    assert report.verdict == "tampered"
    assert "not what it was" not in report.faults[0].message


@pytest.mark.parametrize("vkeys", [[], ["nonsense"], [1], "x", [STRANGER]])
def test_a_log_that_names_no_key_of_its_own_is_tampered(full: Site, vkeys: object) -> None:
    kept = full.checkpoint.read_bytes()

    def change(record: dict[str, object]) -> None:
        if record["type"] == "log.created":
            record["body"] = {"format": "repro-audit v1", "origin": own(full).origin,
                              "vkeys": vkeys}  # fmt: skip

    vkey = full.vkey
    rewrite(full, lines_of(full), change)
    for trust in ({"vkeys": [vkey]}, {"vkeys": (), "self_asserted": True}):
        report = full.verify(**trust, old_checkpoint=kept)
        assert report.exit_status == 4


# The table itself.


def test_graver_verdicts_come_first_and_levels_shrink_what_is_open() -> None:
    statuses = list(EXIT.values())
    assert statuses == sorted(statuses, reverse=True)
    assert [text.split()[0] for text in LEVELS] == [f"L{level}" for level in range(7)]
    some = ({0}, {0, 1}, {0, 1, 2}, {0, 1, 4}, {0, 1, 2, 3, 4})
    assert len({not_proven(attained) for attained in some}) == len(some)
    assert all("that what the records say was so" in not_proven(attained) for attained in some)


def test_many_faults_are_counted_and_not_kept(full: Site) -> None:
    write(full, [b"x"] * 100)
    report = full.verify()
    assert len(report.faults) < 30
    assert any("further faults" in text for text in report.warnings)


def test_verification_writes_nothing(full: Site) -> None:
    def state() -> list[tuple[str, int, bytes]]:
        files = [path for path in sorted(full.root.rglob("*")) if path.is_file()]
        return [(str(p), p.stat().st_mtime_ns, p.read_bytes()) for p in files]

    before = state()
    full.verify(old_checkpoint=full.checkpoint.read_bytes(), artifacts_root=full.workspace)
    assert state() == before


def test_a_log_read_while_it_grows_is_never_called_tampered(full: Site) -> None:
    log = full.open()
    seen: list[Report] = []

    def clock_that_verifies() -> None:
        seen.append(full.verify())

    for turn in range(30):
        log.append("incident", {"turn": turn})
        clock_that_verifies()
        if turn % 3 == 0:
            log.commit()
            clock_that_verifies()
    assert {report.verdict for report in seen} == {"ok"}


def test_the_log_class_and_verify_agree_on_the_head(full: Site) -> None:
    head = Log.open(full.directory, actor=ACTOR, tool=TOOL, keys=full.keys).head()
    report = full.verify()
    assert (head.size, head.hash) == (report.size, report.head)
