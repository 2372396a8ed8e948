"""What the auditor's command answers about proofs and checkpoints, and what it refuses to read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from repro.audit_log.__main__ import main
from repro.audit_log.formats import tree

from .cosigned import Key, checkpoint, consistency, note, proof
from .test_proof import DATA, LOG, ORIGIN, OTHER, SIGNED, WITNESS

Capture = pytest.CaptureFixture[str]


def ask(capsys: Capture, *arguments: object) -> tuple[int, str]:
    """Return exit status and first line of an answer; its JSON must say the same."""
    given = [str(argument) for argument in arguments]
    status = main(given)
    first = capsys.readouterr().out.split("\n")[0]
    assert main([*given, "--format", "json"]) == status
    found = json.loads(capsys.readouterr().out)
    assert found["exit_status"] == status
    assert first == f"{found['verdict']}: {found['summary']}"
    return status, first


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory with a proof, its entry, checkpoints and policies; go there."""
    monkeypatch.chdir(tmp_path)
    Path("p").write_bytes(proof(3, DATA, SIGNED, b"more"))
    Path("entry").write_bytes(DATA[3])
    Path("policy").write_text(f"log {LOG.vkey()}\nquorum none\n")
    Path("strict").write_text(f"log {LOG.vkey()}\nwitness w {WITNESS.vkey()}\nquorum w\n")
    Path("new").write_bytes(SIGNED)
    Path("other").write_bytes(note(checkpoint(ORIGIN, OTHER), LOG))
    for size in (7, 8):
        Path(f"old{size}").write_bytes(note(checkpoint(ORIGIN, DATA[:size]), LOG))
        Path(f"c{size}").write_bytes(consistency(size, DATA))
        Path(f"f{size}").write_bytes(consistency(size, OTHER))
    return tmp_path


@pytest.mark.usefixtures("there")
def test_the_command_answers_about_proofs(capsys: Capture) -> None:
    ok = (0, "ok: entry 3 of the first 20 of example.org/log")
    leaf = tree.leaf_hash(DATA[3]).hex()
    key = ("--vkey", LOG.vkey())
    assert ask(capsys, "proof", "p", "--policy", "policy", "--entry", "entry") == ok
    assert ask(capsys, "proof", "p", *key, "--leaf", leaf) == ok
    main(["proof", "p", *key, "--leaf", leaf])
    out = capsys.readouterr().out
    assert "not proven: the extra data (4 bytes)" in out
    assert "no witness has cosigned" in out
    status, line = ask(capsys, "proof", "p", "--policy", "strict", "--leaf", leaf)
    assert (status, line) == (3, "unverifiable: the checkpoint: witness 'w' has not cosigned")
    assert ask(capsys, "proof", "p", "--leaf", leaf)[0] == 3
    assert ask(capsys, "proof", "p", "--vkey", WITNESS.vkey(), "--leaf", leaf)[0] == 3
    Path("entry").write_bytes(DATA[3] + b"\n")
    status, line = ask(capsys, "proof", "p", *key, "--entry", "entry")
    assert status == 4
    assert line.startswith("tampered: the hashes do not lead from this entry at 3")
    assert line.endswith("(it ends in a newline: a record's line is logged without)")
    Path("p").write_bytes(SIGNED)
    status, line = ask(capsys, "proof", "p", *key, "--entry", "entry")
    assert (status, line.split(": ")[:2]) == (3, ["unverifiable", "not a proof"])


@pytest.mark.usefixtures("there")
def test_the_command_answers_about_consistency(capsys: Capture) -> None:
    key = ("--vkey", LOG.vkey())
    for size in (7, 8):
        status, line = ask(capsys, "consistency", f"old{size}", "new", "--proof", f"c{size}", *key)
        assert (status, line) == (0, f"ok: the first 20 of {ORIGIN} begin with the first {size}")
    forked = f"forked: {ORIGIN} signed old7 and other, which contradict each other"
    assert ask(capsys, "consistency", "old7", "other", "--proof", "f7", *key) == (4, forked)
    unjoined = (3, "unverifiable: the proof does not join them")
    for arguments in (
        ("old7", "new", "--proof", "c8"),
        ("old7", "other", "--proof", "c7"),
        ("old8", "other", "--proof", "f8"),
    ):
        assert ask(capsys, "consistency", *arguments, *key) == unjoined
    assert ask(capsys, "consistency", "other", "new", "--proof", "entry", *key)[0] == 4
    assert ask(capsys, "consistency", "old7", "new", "--proof", "entry", *key)[0] == 3
    assert ask(capsys, "consistency", "new", "old7", "--proof", "c7", *key)[0] == 3
    assert ask(capsys, "consistency", "old7", "new", "--proof", "c7")[0] == 3
    given = ("--proof", "c7", "--policy", "strict")
    status, line = ask(capsys, "consistency", "old7", "new", *given)
    assert (status, line) == (3, "unverifiable: old7: witness 'w' has not cosigned")
    status, line = ask(capsys, "consistency", "old7", "other", "--proof", "f7", *given[2:])
    assert status == 4  # a contradiction needs no witness
    Path("old7").write_bytes(Path("old7").read_bytes().replace(b"\n7\n", b"\n6\n"))
    status, line = ask(capsys, "consistency", "old7", "new", "--proof", "c7", *key)
    assert (status, line.split(":")[:2]) == (4, ["tampered", " old7"])


@pytest.mark.usefixtures("there")
def test_two_logs_are_not_one(capsys: Capture) -> None:
    second = Key("example.org/second", 7)
    Path("old7").write_bytes(note(checkpoint(second.name, DATA[:7]), second))
    keys = ("--vkey", LOG.vkey(), "--vkey", second.vkey())
    status, line = ask(capsys, "consistency", "old7", "new", "--proof", "c7", *keys)
    assert (status, line.split(":")[1]) == (3, " two logs")


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize(
    "arguments",
    [
        ["proof", "nowhere", "--policy", "policy", "--leaf", "0" * 64],
        ["proof", "p", "--policy", "nowhere", "--leaf", "0" * 64],
        ["proof", "p", "--policy", "p", "--leaf", "0" * 64],
        ["proof", "p", "--policy", "policy", "--leaf", "0" * 63],
        ["proof", "p", "--policy", "policy", "--leaf", "\u0660" * 64],
        ["proof", "p", "--policy", "policy", "--entry", "."],
        ["proof", "p", "--vkey", "a+b+c", "--leaf", "0" * 64],
        ["proof", "p", "--vkey", "a+b+" + "c" * 9999, "--leaf", "0" * 64],
        ["note", "p", "--vkey", "a+b+c"],
        ["note", "a\0b", "--vkey", LOG.vkey()],
    ],
)
def test_what_the_auditor_gave_wrongly_is_a_usage_error(
    capsys: Capture, arguments: list[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("repro-verify: error: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["proof", "p", "--vkey", "k"],
        ["proof", "p", "--vkey", "k", "--leaf", "0", "--entry", "e"],
        ["proof", "p", "--vkey", "k", "--policy", "f", "--leaf", "0"],
        ["proof", "p", "--policy", "k", "--policy", "f", "--leaf", "0"],
        ["consistency", "a", "b", "--vkey", "k"],
        ["bundle"],
    ],
)
def test_questions_that_are_not_whole_are_usage_errors(
    capsys: Capture, arguments: list[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().out == ""
