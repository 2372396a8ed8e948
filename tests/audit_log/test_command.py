"""The auditor's command: what it prints first, and its exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from repro.audit_log.__main__ import main

from .conftest import Site

VECTORS = Path(__file__).parents[1] / "vectors" / "audit_log"
NEUMANN_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"

Capture = pytest.CaptureFixture[str]


def run(capsys: Capture, *arguments: object) -> tuple[int, list[str]]:
    """Return the exit status and the lines of the output."""
    status = main([str(argument) for argument in arguments])
    return status, capsys.readouterr().out.splitlines()


def test_the_first_line_names_the_verdict_then_the_level(full: Site, capsys: Capture) -> None:
    status, lines = run(capsys, "log", full.directory, "--vkey", full.vkey)
    assert status == 0
    assert lines[0] == "ok: 4 records, all committed"
    assert lines[1] == "level: L1 signed by the pinned key"
    assert lines[2].startswith("  not proven: ")


def test_a_key_may_lie_in_a_file(full: Site, capsys: Capture) -> None:
    (full.root / "key").write_text(f"{full.vkey}\n")
    assert run(capsys, "log", full.directory, "--vkey", full.root / "key")[0] == 0
    assert main(["log", str(full.directory), "--vkey", "nowhere"]) == 2


@pytest.mark.parametrize(
    ("damage", "status", "verdict"),
    [
        (lambda data: data.replace(b"0.05", b"0.06"), 4, "tampered"),
        (lambda data: data[:-1], 4, "truncated"),
        (lambda data: data + b"{", 1, "torn"),
    ],
)
def test_the_status_is_that_of_the_verdict(
    full: Site, capsys: Capture, damage: object, status: int, verdict: str
) -> None:
    full.lines.write_bytes(damage(full.lines.read_bytes()))  # type: ignore[operator]
    found, lines = run(capsys, "log", full.directory, "--vkey", full.vkey)
    assert (found, lines[0].split(":")[0]) == (status, verdict)
    assert any(line.startswith("fault: ") for line in lines)


def test_what_holds_beside_a_broken_log_is_no_success(full: Site, capsys: Capture) -> None:
    _, lines = run(capsys, "log", full.directory, "--vkey", full.vkey)
    assert "checked: 4 records: framing, order, chain, tree" in lines
    assert any(line.startswith("head: 4 ") for line in lines)
    good = full.lines.read_bytes()
    for old, new in (
        (b"0.05", b"0.06"),  # record 2 does not continue it
        (b"model.txt", b"Model.txt"),  # in the last: the chain is whole, the tree is another
    ):
        full.lines.write_bytes(good.replace(old, new))
        status, lines = run(capsys, "log", full.directory, "--vkey", full.vkey)
        assert (status, lines[0].partition(":")[0]) == (4, "tampered")
        assert not any("framing" in line or line.startswith("checked") for line in lines)
        assert "holds by itself: the signature of the pinned key (Ed25519)" in lines
        assert any(line.startswith("head, as it was read: 4 ") for line in lines)


def test_without_a_key_the_status_is_3(full: Site, capsys: Capture) -> None:
    status, lines = run(capsys, "log", full.directory)
    assert status == 3
    assert lines[0] == "unverifiable: nothing says whose log this is: no key was given"
    assert run(capsys, "log", full.directory, "--self-asserted")[0] == 0


def test_json_holds_the_same_facts(full: Site, capsys: Capture) -> None:
    status, lines = run(capsys, "log", full.directory, "--vkey", full.vkey, "--format", "json")
    found = json.loads("\n".join(lines))
    assert status == found["exit_status"] == 0
    assert (found["verdict"], found["level"], found["size"]) == ("ok", 1, 4)


def test_a_kept_checkpoint_and_artifacts_are_options(full: Site, capsys: Capture) -> None:
    kept = full.root / "kept"
    kept.write_bytes(full.checkpoint.read_bytes())
    given = ("log", full.directory, "--vkey", full.vkey, "--checkpoint", kept, "--artifacts")
    status, lines = run(capsys, *given)
    assert status == 0
    assert lines[1].startswith("level: L2 ")
    assert "checked: 1 artifacts, byte by byte" in lines
    (full.workspace / "RESULTS" / "model.txt").write_text("other")
    status, lines = run(capsys, *given)
    assert (status, lines[0]) == (
        4,
        "tampered: record 3: artifact 'RESULTS/model.txt' is not what it was",
    )
    assert "holds by itself: 0 artifacts, byte by byte" in lines
    assert run(capsys, *given, full.root)[0] == 1  # they do not lie there
    assert main(["log", str(full.directory), "--checkpoint", "nowhere"]) == 2


def test_control_characters_of_a_log_never_reach_the_terminal(full: Site, capsys: Capture) -> None:
    log = full.open()
    log.append("run.planned", {"run": "\x1b[2J\n"})
    log.commit()
    status, lines = run(capsys, "log", full.directory, "--vkey", full.vkey)
    assert status == 1
    assert not any("\x1b" in line for line in lines)
    assert any("\\x1b[2J\\x0a" in line for line in lines)


def test_notes_are_verified(capsys: Capture) -> None:
    file = VECTORS / "neumann.note"
    status, lines = run(capsys, "note", file, "--vkey", NEUMANN_KEY)
    assert (status, lines[0]) == (0, "ok: signed by PeterNeumann")
    assert run(capsys, "note", file)[0] == 3
    other = (VECTORS / "golden" / "log.vkey").read_text().strip()
    status, lines = run(capsys, "note", file, "--vkey", other)
    assert (status, lines[0].split(":")[0]) == (3, "unverifiable")


def test_a_mangled_note_is_tampering(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "note"
    file.write_bytes((VECTORS / "neumann.note").read_bytes().replace(b"problem", b"Problem"))
    status, lines = run(capsys, "note", file, "--vkey", NEUMANN_KEY)
    assert (status, lines[0].split(":")[0]) == (4, "tampered")


@pytest.mark.parametrize("arguments", [[], ["log"], ["unheard"], ["log", "x", "--unheard"]])
def test_usage_errors_end_in_2(arguments: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().out == ""


def test_asking_for_help_loads_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from repro.audit_log.__main__ import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'blake3', 'cryptography', 'repro.audit_log.verification.verify', 'dataclasses'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)\n"
    )
    command = [sys.executable, "-P", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_appending_loads_no_cryptography(full: Site) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from repro.audit_log.storage.store import Log\n"
        "Log.open(Path(sys.argv[1])).append('incident', {})\n"
        "sys.exit('cryptography' in sys.modules)\n"
    )
    command = [sys.executable, "-P", "-c", program, str(full.directory)]
    assert subprocess.run(command, check=False).returncode == 0
