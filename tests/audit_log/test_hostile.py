"""What a hostile reader of this room has found, and what became of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from repro.audit_log.disk.sync import write_new
from repro.audit_log.formats.note import signature_line, signature_of, split
from repro.audit_log.formats.note_key import (
    MLDSA44_COSIGNATURE,
    Signer,
    format_vkey,
    verifier_of,
)
from repro.audit_log.formats.policy_file import parse_policy
from repro.audit_log.storage import running
from repro.audit_log.storage.layout import TREE, read_checkpoint
from repro.audit_log.storage.tiles import Tiles
from repro.audit_log.verification import survey
from repro.errors import IntegrityError
from repro.verbs.audit.log import require_as_logged

from .conftest import Site


def test_a_rebuilt_tree_empties_nothing_through_a_link(full: Site) -> None:
    victim = full.root / "victim"
    victim.write_text("precious")
    tree = full.directory / TREE
    tree.mkdir(parents=True, exist_ok=True)
    for name in ("aaa", "99"):
        (tree / name).symlink_to(victim)

    with pytest.raises(OSError, match="symbolic"):
        Tiles(full.directory).rebuild(read_checkpoint(full.directory).size)

    assert victim.read_text() == "precious"


def test_writing_a_new_file_does_not_wait_for_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)

    with pytest.raises(OSError, match=r"pipe|No such device"):
        write_new(path, b"x")


def test_writing_a_new_file_does_not_write_over_another_name_of_a_file(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "new"
    victim.write_text("precious")
    path.hardlink_to(victim)

    with pytest.raises(OSError, match="not a file of its own"):
        write_new(path, b"x")

    assert victim.read_text() == "precious"


@pytest.mark.parametrize("how", ["no checkpoint", "a lock that is a link"])
def test_a_log_that_cannot_be_verified_vouches_for_no_run(
    full: Site, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPRO_KEYS", str(full.root / "keys"))
    if how == "no checkpoint":
        full.checkpoint.unlink()
    else:
        (full.directory / "log.lock").unlink()
        (full.directory / "log.lock").symlink_to("nowhere")

    with pytest.raises(IntegrityError, match="cannot vouch"):
        require_as_logged(full.workspace)


def test_a_checkpoint_with_many_large_cosignatures_is_read_whole(full: Site) -> None:
    note = full.checkpoint.read_bytes()
    text, _ = split(note)
    witnesses = [Signer(f"w{n}", bytes([n]) * 32, MLDSA44_COSIGNATURE) for n in range(1, 24)]
    lines = "".join(signature_line(signature_of(text, one, 1_700_000_000)) for one in witnesses)
    full.checkpoint.write_bytes(note + lines.encode())
    names = [f"n{number}" for number, _ in enumerate(witnesses)]
    known = [
        f"witness {name} {format_vkey(verifier_of(one))}"
        for name, one in zip(names, witnesses, strict=True)
    ]
    rules = [f"log {full.vkey}", *known, f"group all all {' '.join(names)}", "quorum all", ""]

    report = full.verify(policy=parse_policy("\n".join(rules).encode()))

    assert (report.verdict, report.attained) == ("ok", (0, 1, 4))
    full.open()


def test_a_policy_from_before_a_rotation_accuses_nobody(full: Site) -> None:
    policy = parse_policy(f"log {full.vkey}\nquorum none\n".encode())
    full.open().rotate_keys()

    report = full.verify(vkeys=[], policy=policy)

    assert (report.verdict, report.attained) == ("ok", (0, 1))
    assert any("no key of the log that is in force" in text for text in report.warnings)


def test_a_run_that_ends_while_it_is_verified_is_not_left_without_end(
    full: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = full.open()
    before = survey.Reading.read

    with running.hold(full.directory, "r2"):
        plan = log.append("run.planned", {"run": "r2"})
        log.append("run.planned", {"run": "dead"})

        def read(*given: object, **more: object) -> None:
            before(*given, **more)  # type: ignore[arg-type]
            log.append("run.completed", {"run": "r2", "plan": plan.seq, "artifacts": []})
            (full.directory / "running" / "r2.lock").unlink()

        monkeypatch.setattr(survey.Reading, "read", read)
        report = full.verify()

    assert [fault.seq for fault in report.faults] == [plan.seq + 1]
    assert report.running == ("r2",)
