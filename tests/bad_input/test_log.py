"""Logs and keys that are missing, damaged, or cannot be written."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .workspace import ENDLESS, PLANNED, QUICK, Workspace

# Slow: `make slow` runs these, and so does every change before it lands.
pytestmark = pytest.mark.slow

AS_NOBODY_SPECIAL = ("setpriv", "--inh-caps=-all", "--bounding-set=-all")
"""Root without its privileges is an owner like any other: permissions count again."""


def untouched(workspace: Workspace, *arguments: str, status: int, says: tuple[str, ...]) -> None:
    """Fail unless a command is refused and no byte of log, keys or results moves."""

    def content() -> dict[str, bytes]:
        folders = (workspace.root, workspace.keys)
        found = (path for folder in folders for path in folder.rglob("*"))
        return {str(p): p.read_bytes() for p in found if p.is_file() and p.suffix != ".lock"}

    before = content()
    workspace.repro(*arguments).require(status, *says)
    assert content() == before


def test_a_missing_log_is_never_taken_for_an_empty_one(fresh: Workspace) -> None:
    shutil.rmtree(fresh.root / "AUDIT_LOG")
    says = ("no log", "AUDIT_LOG", "repro init --add-missing")
    untouched(fresh, "train", *QUICK, status=3, says=says)
    untouched(fresh, "audit", "verify", status=3, says=("unverifiable", "AUDIT_LOG"))
    untouched(fresh, "validate", status=0, says=("valid: ",))


def test_a_missing_file_of_records_is_an_error(fresh: Workspace) -> None:
    fresh.log.unlink()
    untouched(fresh, "train", *QUICK, status=3, says=("log.jsonl is missing",))
    untouched(fresh, "audit", "verify", status=3, says=("unverifiable", "log.jsonl"))


def test_a_missing_checkpoint_is_an_error(fresh: Workspace) -> None:
    (fresh.root / "AUDIT_LOG" / "checkpoint").unlink()
    untouched(fresh, "train", *QUICK, status=3, says=("checkpoint", "missing"))
    untouched(fresh, "audit", "verify", status=3, says=("unverifiable", "checkpoint"))


def test_a_missing_key_stops_a_training_before_it_begins_and_is_named(fresh: Workspace) -> None:
    shutil.rmtree(fresh.keys)
    says = ("no private key", str(fresh.keys), "REPRO_KEYS")
    untouched(fresh, "train", *QUICK, status=3, says=says)
    untouched(fresh, "audit", "verify", status=3, says=("unverifiable", "no key was given"))


def test_a_key_that_others_may_read_is_refused(fresh: Workspace) -> None:
    (key,) = fresh.keys.rglob("private.key")
    key.chmod(0o644)
    says = ("private.key", "open to others", "0600")
    untouched(fresh, "train", *QUICK, status=3, says=says)


def test_a_key_that_is_none_is_refused(fresh: Workspace) -> None:
    (key,) = fresh.keys.rglob("private.key")
    key.write_bytes(b"\0garbage\xff")
    untouched(fresh, "train", *QUICK, status=3, says=("not a private key", "private.key"))
    fresh.repro("audit", "verify").require(0, "ok")  # the public key lies beside it


def flip(path: Path) -> None:
    """Change one byte in the middle of the first line."""
    content = bytearray(path.read_bytes())
    at = content.index(b"log.created")
    content[at] ^= 1
    path.write_bytes(bytes(content))


def empty(path: Path) -> None:
    """Cut everything."""
    path.write_bytes(b"")


def cut(path: Path) -> None:
    """Cut in the middle of the first line."""
    path.write_bytes(path.read_bytes()[:200])


def garbage(path: Path) -> None:
    """Add a line that is no record."""
    with path.open("ab") as file:
        file.write(b"hello\n")


def link(path: Path) -> None:
    """Put a link in the place of the file."""
    target = path.with_name("elsewhere.jsonl")
    path.rename(target)
    path.symlink_to(target)


@pytest.mark.parametrize(
    ("damage", "train", "verify"),
    [
        (flip, (4, "not those that the checkpoint was signed over"), (4, "tampered")),
        (empty, (4, "shorter than its own checkpoint: 0 of 1"), (4, "truncated")),
        (cut, (4, "shorter than its own checkpoint: 0 of 1"), (4, "truncated")),
        (garbage, (4, "record 1"), (4, "tampered")),
        (link, (3, "symbolic link"), (3, "unverifiable")),
    ],
)
def test_a_damaged_log_is_refused_and_left_as_it_is(
    fresh: Workspace,
    damage: Callable[[Path], None],
    train: tuple[int, str],
    verify: tuple[int, str],
) -> None:
    damage(fresh.log)
    untouched(fresh, "train", *QUICK, status=train[0], says=(train[1], "repro: error:"))
    untouched(fresh, "audit", "verify", status=verify[0], says=(verify[1],))


def test_a_record_changed_long_ago_is_told_by_verify_however_often_one_trains(
    fresh: Workspace,
) -> None:
    fresh.repro("train", *QUICK).require(0)
    fresh.repro("train", "--set", "dataset.files=[nope.csv]").require(3)
    content = fresh.log.read_bytes()
    fresh.log.write_bytes(content.replace(b'"rmse":0.04', b'"rmse":0.01'))
    assert fresh.log.read_bytes() != content
    untouched(fresh, "audit", "verify", status=4, says=("tampered", "record 4"))
    # Appending looks at what is new, or it would cost the whole log; the evidence stays.
    fresh.repro("train", *QUICK).require(0)
    untouched(fresh, "audit", "verify", status=4, says=("tampered", "record 4"))


def test_a_log_cut_back_to_an_earlier_state_is_rolled_back(fresh: Workspace) -> None:
    folder = fresh.root / "AUDIT_LOG"
    early = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    fresh.repro("train", *QUICK).require(0)
    for path, content in early.items():
        path.write_bytes(content)
    untouched(fresh, "audit", "verify", status=4, says=("rolled back",))
    done = fresh.repro("train", *QUICK)
    done.require(4, "repro: error:")
    fresh.repro("audit", "verify").require(4, "rolled back")


def test_a_torn_tail_is_kept_cut_and_recorded(fresh: Workspace) -> None:
    with fresh.log.open("ab") as file:
        file.write(b'{"actor":{"host":"h')
    fresh.repro("audit", "verify").require(1, "torn", "record 1")
    fresh.repro("train", *QUICK).require(0)
    kinds = [record["type"] for record in fresh.records()]
    assert kinds == ["log.created", "log.recovered", *PLANNED, "run.completed"]
    fresh.repro("audit", "verify").require(0, "ok: 5 records")


def test_what_git_does_not_keep_is_not_missed(fresh: Workspace) -> None:
    fresh.repro("train", *QUICK).require(0)
    shutil.rmtree(fresh.root / "AUDIT_LOG" / "running")
    shutil.rmtree(fresh.root / "AUDIT_LOG" / "derived")
    for lock in (fresh.root / "AUDIT_LOG").glob("*.lock"):
        lock.unlink()
    shutil.rmtree(fresh.root / "RESULTS")
    fresh.repro("audit", "verify").require(0, "ok: 4 records")
    fresh.repro("train", *QUICK).require(0)
    fresh.repro("audit", "verify").require(0, "ok: 7 records")


@pytest.fixture
def read_only(fresh: Workspace) -> Iterator[tuple[Workspace, tuple[str, ...]]]:
    """Give a workspace with one run that nobody may write, and how to become nobody special."""
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root may write anywhere, and setpriv is not installed")
    fresh.repro("train", *QUICK).require(0)
    modes = {p: p.stat().st_mode for p in (fresh.root, *fresh.root.rglob("*"))}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    yield fresh, (AS_NOBODY_SPECIAL if os.geteuid() == 0 else ())
    for path, mode in modes.items():
        path.chmod(mode)


def test_a_read_only_workspace_can_be_read_and_not_trained_in(
    read_only: tuple[Workspace, tuple[str, ...]],
) -> None:
    workspace, command = read_only
    before = workspace.state()
    for words in ("validate", "runs list", "runs show @latest", "diff @latest @latest"):
        workspace.repro(*words.split(), before=command).require(0)
    workspace.repro("audit", "verify", "--artifacts", before=command).require(0)
    for words in ("train", "verify @latest"):
        done = workspace.repro(*words.split(), before=command)
        done.require(3, "AUDIT_LOG", "cannot be used: Permission denied", "repro: hint:")
    workspace.require_clean(before)


def test_results_that_cannot_be_written_are_a_recorded_refusal(fresh: Workspace) -> None:
    (fresh.root / "RESULTS").write_text("a file, not a folder\n", "utf-8")
    says = ("cannot write in", "RESULTS", "the workspace must be writable")
    fresh.refuse("train", *QUICK, status=3, says=says, adds=("run.refused",))


def test_an_old_interrupted_run_is_ended_by_any_command_that_writes(fresh: Workspace) -> None:
    train = fresh.start("train", *ENDLESS)
    run = train.wait_for_training()["run"]
    train.kill()
    assert train.end().status == -signal.SIGKILL
    fresh.repro("train", "--set", "dataset.files=[nope.csv]").require(3)
    kinds = [record["type"] for record in fresh.records()][1:]
    assert kinds == [*PLANNED, "run.interrupted", "run.refused"]
    assert fresh.of_type("run.interrupted")[0]["run"] == run
    fresh.repro("audit", "verify").require(0)
