"""Runs that do not exist, that are not unique, and that are not what was sealed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from .workspace import Workspace, one_error

ONE = (("runs", "show"), ("verify",), ("diff",))
"""Commands whose first argument is a run."""


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("nope", "no run is called 'nope'"),
        ("@latest~2", "the workspace has 2 runs"),
        ("@latest~99999999999999999999", "the workspace has 2 runs"),
        ("@latest~-1", "no run is called '@latest~-1'"),
        ("@last", "no run is called '@last'"),
        ("", "no run"),
        ("data", "no run is called 'data'"),
        ("RESULTS/runs/nope", "no run at RESULTS/runs/nope"),
        ("RESULTS/runs", "no run at RESULTS/runs"),
        ("../..", "no run at ../.."),
        ("CONFIG/identity_config.yaml", "no run at CONFIG/identity_config.yaml"),
    ],
)
def test_a_run_that_does_not_exist_is_a_usage_error(
    trained: Workspace, reference: str, says: str
) -> None:
    trained.refuse("runs", "show", reference, status=2, says=("repro: error:", says))


def test_every_command_refuses_a_run_that_does_not_exist(trained: Workspace) -> None:
    for command in ONE:
        says = ("repro: error: no run is called 'nope'", "repro: hint:")
        trained.refuse(*command, "nope", status=2, says=says)


def test_no_runs_at_all_is_said_with_what_to_do(fresh: Workspace) -> None:
    for command in ONE:
        says = ("there are no runs yet", "make one with: repro train")
        fresh.refuse(*command, "@latest", status=2, says=says)


def test_a_reference_to_several_runs_lists_them(trained: Workspace) -> None:
    replicate_key = snapshot(trained, sorted(trained.runs())[0])["comparison_group"][
        "replicate_key"
    ]
    for command in ONE:
        says = (f"'{replicate_key[:8]}' names 2 runs", "candidates:", *sorted(trained.runs()))
        trained.refuse(*command, replicate_key[:8], status=2, says=says)


def snapshot(workspace: Workspace, run: str) -> dict[str, Any]:
    """Return the snapshot of a run."""
    content: dict[str, Any] = json.loads((workspace.folder_of(run) / "snapshot.json").read_bytes())
    return content


@contextmanager
def tampered(workspace: Workspace, run: str, name: str, content: bytes) -> Iterator[None]:
    """Give a file of a run another content, for a while."""
    path = workspace.folder_of(run) / name
    with workspace.holding(path.relative_to(workspace.root).as_posix(), content):
        yield


def refuse(workspace: Workspace, run: str, *says: str) -> None:
    """Fail unless every command that reads the run says first that it is not what it was."""
    other = next(name for name in sorted(workspace.runs()) if name != run)
    for words in (
        ("diff", run, other),
        ("diff", other, run),
        ("verify", run),
        ("runs", "show", run),
    ):
        done = workspace.refuse(*words, status=4, says=("repro: error:", run, *says))
        assert done.out == "", f"{words} said something before it looked:\n{done.out}"
    done = workspace.repro("audit", "verify", "--artifacts")
    done.require(4, "tampered", run)


def test_one_prediction_that_was_changed_is_noticed_before_anything_is_said(
    trained: Workspace,
) -> None:
    run = sorted(trained.runs())[0]
    content = bytearray((trained.folder_of(run) / "predictions.npy").read_bytes())
    content[-1] ^= 1
    with tampered(trained, run, "predictions.npy", bytes(content)):
        refuse(trained, run, "predictions.npy is not what was sealed", "audit verify --artifacts")


def test_a_metric_that_was_changed_in_the_snapshot_is_noticed(trained: Workspace) -> None:
    run = sorted(trained.runs())[0]
    content = snapshot(trained, run)
    content["metrics"]["rmse"] = 0.01
    with tampered(trained, run, "snapshot.json", json.dumps(content).encode()):
        refuse(trained, run, "snapshot.json is not the one that the log names")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"schema": 2}', b'{"schema": 1}', b"\xff\xfe", b"[" * 100_000],
    ids=["empty", "open", "list", "null", "later", "hollow", "utf-16", "deep"],
)
def test_a_snapshot_that_is_none_is_an_integrity_error_and_no_bug(
    trained: Workspace, content: bytes
) -> None:
    run = sorted(trained.runs())[0]
    with tampered(trained, run, "snapshot.json", content):
        for words in (("runs", "list"), ("runs", "show", run), ("diff", run, "@latest")):
            trained.refuse(*words, status=4, says=("repro: error:", run))


def test_a_file_that_is_missing_or_added_is_noticed(trained: Workspace) -> None:
    run = sorted(trained.runs())[0]
    folder = trained.folder_of(run).relative_to(trained.root).as_posix()
    with trained.holding(f"{folder}/model.txt", None):
        trained.repro("diff", run, run).require(4, "model.txt is missing")
        trained.repro("audit", "verify", "--artifacts").require(1, "not here, such as", "model.txt")
    with trained.holding(f"{folder}/note.txt", b"better model\n"):
        done = trained.repro("diff", run, run).require(4, "note.txt is not listed")
        assert done.out == ""


def test_a_copy_of_a_run_under_another_name_is_no_run(trained: Workspace) -> None:
    run = sorted(trained.runs())[0]
    source = trained.root / "RESULTS" / "runs" / run
    copy = source.with_name("000000000000-1")
    shutil.copytree(source, copy)
    try:
        for words in (("diff", copy.name, run), ("verify", copy.name)):
            done = trained.repro(*words).require(4, copy.name)
            assert done.out == ""
    finally:
        shutil.rmtree(copy)


def test_an_integrity_error_is_one_json_document(trained: Workspace) -> None:
    run = sorted(trained.runs())[0]
    with tampered(trained, run, "metrics.json", b"{}"):
        for words in (("diff", run, "@latest"), ("verify", run)):
            done = trained.repro(*words, "--format", "json")
            done.require(4, "metrics.json is not what was sealed")
            assert one_error(done)["kind"] == "IntegrityError"
