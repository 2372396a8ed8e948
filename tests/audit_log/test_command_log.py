"""``repro-verify log`` and ``fork``: what a verifier keeps, and what is handed on as proof."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from repro.audit_log.__main__ import main

from .conftest import Site

Run = tuple[int, str, str]


@pytest.fixture
def asked(capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """Return a way to run the command: status, stdout, stderr."""

    def ask(*arguments: object) -> Run:
        status = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return status, out, err

    return ask


def test_what_was_verified_before_is_not_read_again(full: Site, asked, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    trust = ("--vkey", full.vkey, "--state", tmp_path / "state", "--format", "json")
    first = json.loads(asked("log", full.directory, *trust)[1])
    assert (first["verdict"], first["remembered"]) == ("ok", 0)
    log = full.open()
    log.append("incident", {"text": "new"})
    log.commit()
    again = json.loads(asked("log", full.directory, *trust)[1])
    assert (again["verdict"], again["remembered"]) == ("ok", first["committed"])
    whole = json.loads(asked("log", full.directory, *trust, "--full")[1])
    assert (whole["verdict"], whole["remembered"]) == ("ok", 0)


def test_a_state_inside_the_log_is_refused(full: Site, asked) -> None:  # type: ignore[no-untyped-def]
    status, out, err = asked(
        "log", full.directory, "--vkey", full.vkey, "--state", full.directory / "state"
    )
    assert (status, out) == (2, "")
    assert "lies in the directory of a log" in err


def test_two_notes_that_contradict_each_other_are_written_as_proof(
    full: Site,
    asked,
    tmp_path: Path,  # type: ignore[no-untyped-def]
) -> None:
    keep, evidence = tmp_path / "kept", tmp_path / "evidence"
    evidence.mkdir()
    copy = full.copy("before")
    log = full.open()
    log.append("incident", {"text": "this"})
    log.commit()
    shutil.copy(full.checkpoint, keep)
    # The holder of the key goes back to before, and signs another history.
    shutil.rmtree(full.directory)
    shutil.copytree(copy.directory, full.directory)
    shutil.rmtree(full.keys.root)
    shutil.copytree(copy.keys.root, full.keys.root)
    log = full.open()
    log.append("incident", {"text": "that"})
    log.commit()
    trust = ("--vkey", full.vkey)
    status, out, err = asked(
        "log", full.directory, *trust, "--checkpoint", keep, "--evidence", evidence
    )
    assert (status, out.split(":")[0]) == (4, "forked")
    (written,) = evidence.iterdir()
    assert str(written) in err
    status, out, _ = asked("fork", written, *trust)
    assert (status, out.split(":")[0]) == (4, "forked")
    assert asked("fork", written)[0] == 3
    written.write_bytes(written.read_bytes().replace(b'"proof"', b'"prof"'))
    assert asked("fork", written, *trust)[0] == 3
