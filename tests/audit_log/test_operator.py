"""A malicious operator who holds the key: what catches each deed, and what honestly does not.

Each deed is looked at by a ladder of verifiers, who hold more and more: only the log's key (L1), a
checkpoint that was kept (L2), a trusted timestamp (L3), a witness quorum (L4), a memory of their
own. Below the level that catches a deed the verdict is ok, and says that this is not proven.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from repro.audit_log.errors import LogCorruptError
from repro.audit_log.formats.checkpoint import Checkpoint, parse_checkpoint
from repro.audit_log.formats.note import open_note, sign, split
from repro.audit_log.formats.note_key import (
    ED25519_COSIGNATURE,
    MLDSA44_COSIGNATURE,
    Signer,
    Verifier,
    parse_vkey,
    verifier_of,
)
from repro.audit_log.verification.continuing import verify_from
from repro.audit_log.verification.levels import Stamp

from .conftest import Site
from .test_verify import lines_of, own, rewrite, sign_again, write

WITNESS = Signer("witness.example/w1", b"\x07" * 32, ED25519_COSIGNATURE)


@dataclass(frozen=True)
class Seen:
    """A witness that cosigned."""

    name: bytes
    time: int


@dataclass(frozen=True)
class Known:
    """A log of a policy."""

    verifier: Verifier


@dataclass(frozen=True)
class Judged:
    """What the policy of these tests finds."""

    witnesses: tuple[Seen, ...]
    missing: str
    missing_of_others: str = ""
    own: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class OneWitness:
    """A policy: this log, and one witness."""

    logs: tuple[Known, ...]
    witness: Verifier

    def judge(self, note: bytes) -> Judged:
        """Judge a note."""
        opened = open_note(note, [*(log.verifier for log in self.logs), self.witness])
        found = [v for v in opened.verified if v.verifier == self.witness]
        seen = [Seen(v.verifier.name.encode(), v.time or 0) for v in found]
        return Judged(tuple(seen), "" if seen else "1 of 1 witnesses")


def policy_of(site: Site) -> OneWitness:
    """Return a policy that pins the log and the witness."""
    return OneWitness((Known(parse_vkey(site.vkey)),), verifier_of(WITNESS))


def cosign(site: Site, time: int = 1_700_000_000) -> None:
    """Let the witness cosign what stands; an honest one would do so only for what extends."""
    text, _ = split(site.checkpoint.read_bytes())
    note = sign(text, [WITNESS], time)
    site.checkpoint.write_bytes(site.checkpoint.read_bytes() + note.rpartition(b"\n\n")[2])


@dataclass(frozen=True)
class Outside:
    """What others hold of a log."""

    kept: bytes
    mark: Checkpoint
    stamp: Stamp
    state: Path


@pytest.fixture
def outside(full: Site, tmp_path: Path) -> Outside:
    """Return what was kept of the log when it was honest."""
    (tmp_path / "auditor").mkdir()
    state = tmp_path / "auditor" / "state"
    verify_from(state, full.directory, vkeys=[full.vkey])
    point = own(full)
    stamp = Stamp("2025-02-01T00:00:00Z", "tsa.example", point.size, point.root)
    return Outside(full.checkpoint.read_bytes(), point, stamp, state)


def verdicts(site: Site, outside: Outside) -> dict[str, str]:
    """Return what each verifier says."""
    report = site.verify()
    if report.verdict == "ok":
        assert report.level == 1  # no more is claimed than what was shown
        assert any("holder of the key did not rewrite" in text for text in report.not_proven)
        assert any("not cut back" in text for text in report.not_proven)
        assert any("times are the writer's own word" in text for text in report.not_proven)
    return {
        "key": report.verdict,
        "old": site.verify(old_checkpoint=outside.kept).verdict,
        "mark": site.verify(high_water=outside.mark).verdict,
        "stamp": site.verify(stamps=[outside.stamp]).verdict,
        "memory": verify_from(outside.state, site.directory, vkeys=[site.vkey]).verdict,
    }


def change_incident(site: Site) -> None:
    """Rewrite history: another text, everything after it chained and signed again."""

    def forget(record: dict[str, object]) -> None:
        if record["type"] == "incident":
            record["body"] = {"text": "nothing happened"}

    rewrite(site, lines_of(site), forget)


def back_date(site: Site) -> None:
    """Say that all of it was a month earlier."""

    def earlier(record: dict[str, object]) -> None:
        record["time"] = str(record["time"]).replace("2025-01", "2024-12")

    rewrite(site, lines_of(site), earlier)


def cut_and_sign(site: Site) -> None:
    """Cut everything but the first record and sign what is left."""
    lines = lines_of(site)[:1]
    write(site, lines)
    sign_again(site, lines)


def hide_result(site: Site) -> None:
    """Drop the plan and the result of a run, as if it had never been."""
    kept = [line for line in lines_of(site) if b'"type":"run.' not in line]
    rewrite(site, kept, lambda _: None)


DEEDS: dict[str, tuple[Callable[[Site], None], str]] = {
    "rewrite": (change_incident, "forked"),
    "back-date": (back_date, "forked"),
    "truncate": (cut_and_sign, "rolled back"),
    "hide a result": (hide_result, "rolled back"),
}


@pytest.mark.parametrize("name", DEEDS)
def test_a_deed_passes_l1_and_is_caught_by_everyone_who_kept_something(
    full: Site, outside: Outside, name: str
) -> None:
    deed, caught = DEEDS[name]
    deed(full)
    assert verdicts(full, outside) == {
        "key": "ok",
        "old": caught,
        "mark": caught,
        "stamp": caught,
        "memory": caught,
    }


def test_a_backup_of_the_directory_is_caught_by_the_mark_and_may_not_be_continued(
    full: Site, outside: Outside
) -> None:
    backup = full.root / "backup"
    shutil.copytree(full.directory, backup)
    log = full.open()
    log.append("incident", {"text": "bad"})
    log.commit()
    kept, mark = full.checkpoint.read_bytes(), full.keys.mark(own(full).origin)
    shutil.rmtree(full.directory)
    backup.rename(full.directory)
    assert full.verify().verdict == "ok"
    assert full.verify(high_water=mark).verdict == "rolled back"
    assert full.verify(old_checkpoint=kept).verdict == "rolled back"
    # What was kept before the backup was made cannot know.
    assert full.verify(old_checkpoint=outside.kept).level == 2
    log = full.open()
    log.append("incident", {"text": "good"})
    with pytest.raises(LogCorruptError, match="was it put back"):
        log.commit()


def test_a_backup_of_directory_key_and_mark_is_caught_only_by_what_was_kept_outside(
    full: Site, outside: Outside
) -> None:
    backup = full.copy("backup")
    log = full.open()
    log.append("incident", {"text": "bad"})
    log.commit()
    kept = full.checkpoint.read_bytes()
    log = backup.open()
    log.append("incident", {"text": "good"})
    log.commit()  # nothing here knows better
    mark = backup.keys.mark(own(backup).origin)
    assert backup.verify(high_water=mark).verdict == "ok"
    assert backup.verify(old_checkpoint=outside.kept, stamps=[outside.stamp]).level == 3
    report = backup.verify(old_checkpoint=kept)
    assert (report.verdict, len(report.evidence)) == ("forked", 2)
    assert report.fork


def test_an_older_checkpoint_put_in_place_hides_what_came_later(full: Site) -> None:
    older = full.checkpoint.read_bytes()
    log = full.open()
    log.append("incident", {})
    log.commit()
    newer, mark = full.checkpoint.read_bytes(), own(full)
    full.checkpoint.write_bytes(older)
    report = full.verify()
    assert (report.verdict, report.level, report.committed) == ("ok", 1, 4)
    assert "1 records are durable and not committed" in report.warnings
    assert full.verify(old_checkpoint=newer).verdict == "rolled back"
    # The records are still there, which is all that the mark asks for.
    assert full.verify(high_water=mark).verdict == "ok"
    write(full, lines_of(full)[:4])
    assert full.verify().verdict == "ok"
    assert full.verify(high_water=mark).verdict == "rolled back"


def test_two_histories_shown_to_two_people_are_a_fork_once_they_meet(full: Site) -> None:
    twin = full.copy("twin")
    for site in (full, twin):
        log = site.open()
        log.append("incident", {"for": site.root.name})
        log.commit()
        assert site.verify().verdict == "ok"
    for site, other in ((full, twin), (twin, full)):
        report = site.verify(old_checkpoint=other.checkpoint.read_bytes())
        assert (report.verdict, report.level, len(report.evidence)) == ("forked", -1, 2)


@pytest.mark.parametrize("ended", [False, True])
def test_a_run_that_is_planned_twice_to_keep_the_better_result_is_tampering(
    full: Site, ended: bool
) -> None:
    log = full.open()
    log.append("run.planned", {"run": "r2"})
    if ended:
        log.append("run.completed", {"run": "r2", "plan": 4, "artifacts": []})
    log.append("run.planned", {"run": "r2"})
    log.commit()
    for full_ in (False, True):
        report = full.verify(full=full_)
        assert (report.verdict, report.level) == ("tampered", -1)


def test_a_result_that_is_left_out_leaves_a_plan_without_an_end(full: Site) -> None:
    rewrite(full, lines_of(full)[:3], lambda _: None)
    report = full.verify()
    assert (report.verdict, report.faults[0].seq) == ("incomplete", 1)


# Witnesses.


def test_l4_is_what_the_quorum_has_seen_and_only_that(full: Site) -> None:
    policy = policy_of(full)
    report = full.verify(vkeys=(), policy=policy)
    assert (report.verdict, report.level, report.attained) == ("ok", 1, (0, 1))
    assert any("quorum is not met: 1 of 1 witnesses" in text for text in report.warnings)
    cosign(full)
    report = full.verify(vkeys=(), policy=policy)
    assert (report.verdict, report.level, report.attained) == ("ok", 4, (0, 1, 4))
    assert not any("did not rewrite" in text for text in report.not_proven)
    assert any("act together" in text for text in report.not_proven)
    assert any("an older head looks as good" in text for text in report.not_proven)
    assert any("the times are the writer's own word" in text for text in report.not_proven)
    change_incident(full)  # the witness signs no second history
    report = full.verify(vkeys=(), policy=policy)
    assert (report.verdict, report.level) == ("ok", 1)
    assert any("did not rewrite" in text for text in report.not_proven)


def test_l4_does_not_see_a_log_that_is_cut_back_to_what_the_witness_signed(full: Site) -> None:
    cosign(full)
    older, policy = full.checkpoint.read_bytes(), policy_of(full)
    log = full.open()
    log.append("incident", {})
    log.commit()
    cosign(full)
    kept = full.checkpoint.read_bytes()
    write(full, lines_of(full)[:4])
    full.checkpoint.write_bytes(older)
    report = full.verify(vkeys=(), policy=policy)
    assert (report.verdict, report.level) == ("ok", 4)
    assert any("an older head looks as good" in text for text in report.not_proven)
    assert full.verify(old_checkpoint=kept, policy=policy).verdict == "rolled back"


def test_a_policy_whose_log_key_did_not_sign_is_judged_as_a_pinned_key_is(full: Site) -> None:
    stranger = verifier_of(Signer("repro.log/stranger", b"\x09" * 32))
    policy = OneWitness((Known(stranger),), verifier_of(WITNESS))
    cosign(full)
    assert full.verify(vkeys=(), policy=policy).verdict == "unverifiable"
    thief = Signer(own(full).origin, b"\x05" * 32)
    policy = policy_of(full)
    text, _ = split(full.checkpoint.read_bytes())
    full.checkpoint.write_bytes(sign(text, [thief]))
    cosign(full)
    assert full.verify(vkeys=(), policy=policy).verdict == "tampered"


def test_a_forged_cosignature_refuses_the_checkpoint(full: Site) -> None:
    policy = policy_of(full)
    text, _ = split(full.checkpoint.read_bytes())
    lie = sign(text.replace("\n4\n", "\n5\n"), [WITNESS], 1)
    full.checkpoint.write_bytes(full.checkpoint.read_bytes() + lie.rpartition(b"\n\n")[2])
    assert full.verify(vkeys=(), policy=policy).verdict == "tampered"
    assert full.verify().verdict == "ok"  # to who does not know the witness it is a stranger


def test_a_post_quantum_key_counts_only_where_no_other_is_accepted(full: Site) -> None:
    origin = own(full).origin
    signer = Signer(origin, b"\x03" * 32, MLDSA44_COSIGNATURE)
    classic, quantum = Known(parse_vkey(full.vkey)), Known(verifier_of(signer))
    both = OneWitness((classic, quantum), verifier_of(WITNESS))
    only = OneWitness((quantum,), verifier_of(WITNESS))
    assert full.verify(vkeys=(), policy=both).verdict == "ok"
    assert full.verify(vkeys=(), policy=only).exit_status >= 3
    text, _ = split(full.checkpoint.read_bytes())
    note = sign(text, [full.keys.signer(origin), signer], 1_700_000_000)
    full.checkpoint.write_bytes(note)
    for policy, claimed in ((both, False), (only, True)):
        report = full.verify(vkeys=(), policy=policy)
        assert (report.verdict, report.level) == ("ok", 1)
        assert any("post-quantum" in text for text in report.checked) == claimed


# Timestamps.


def test_l3_speaks_of_what_was_stamped_and_of_no_more(full: Site, outside: Outside) -> None:
    log = full.open()
    log.append("incident", {})
    log.commit()
    report = full.verify(stamps=[outside.stamp])
    assert (report.verdict, report.level, report.attained) == ("ok", 3, (0, 1, 3))
    assert any("those it covers are not younger" in text for text in report.not_proven)
    assert any("did not rewrite" in text for text in report.not_proven)
    assert not any("(L3)" in text for text in report.not_checked)
    assert any("(L3)" in text for text in full.verify().not_checked)


@pytest.mark.parametrize("size", [0, 2, 9])
def test_a_stamp_over_another_tree_is_of_another_log(full: Site, size: int) -> None:
    stamp = Stamp("2025-02-01T00:00:00Z", "tsa.example", size, b"\x01" * 32)
    expected = "rolled back" if size == 9 else "forked"
    assert full.verify(stamps=[stamp]).verdict == expected


def test_no_level_above_l0_is_reached_by_a_log_that_nobody_vouches_for(
    full: Site, outside: Outside
) -> None:
    cosign(full)
    report = full.verify(
        vkeys=(), self_asserted=True, stamps=[outside.stamp], old_checkpoint=outside.kept
    )
    assert (report.verdict, report.level, report.attained) == ("ok", 0, (0,))


def test_l5_and_l6_are_never_claimed(full: Site, outside: Outside) -> None:
    cosign(full)
    policy = policy_of(full)
    given: Sequence[dict[str, object]] = (
        {},
        {"policy": policy, "stamps": [outside.stamp], "old_checkpoint": outside.kept},
    )
    for more in given:
        report = full.verify(**more)
        assert "mirrors (L5), re-executions (L6): not known to this command" in report.not_checked
        assert "that what the records say was so" in report.not_proven
    assert report.attained == (0, 1, 2, 3, 4)


def test_the_older_note_of_evidence_is_really_that(full: Site, outside: Outside) -> None:
    change_incident(full)
    report = full.verify(old_checkpoint=outside.kept)
    found = json.loads(report.fork)
    assert parse_checkpoint(split(found["older"].encode())[0]) == outside.mark
    assert (found["older"], found["newer"]) == report.evidence
