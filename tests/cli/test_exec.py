"""Any command under the strict environment: what it is given, what the log says, how it ends."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import rfc8785
from blake3 import blake3

from repro.audit_log.formats.commitment import commitments_of_line
from repro.audit_log.storage.running import GONE
from repro.audit_log.storage.store import Log
from repro.cli.boundary import run
from repro.execution import child
from repro.execution.environment import settings

PYTHON = (sys.executable, "-S", "-c")
REPRO = Path(sys.executable).parent / "repro"
SYSTEM = "/usr/local/bin:/usr/bin:/bin"


class Bench:
    """A workspace in which commands are run, in this process, and its log."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lines = root / "AUDIT_LOG" / "log.jsonl"

    def records(self):
        return [json.loads(line) for line in self.lines.read_text("utf-8").splitlines()]

    def exec(self, *words, status=0):
        """Run ``repro exec``; return the records that it left."""
        before = len(self.records())
        assert run(["exec", *words]) == status
        return self.records()[before:]

    def plan_and_end(self, *words, status=0, end="command.executed"):
        """Run ``repro exec``; return the bodies of its plan and its end, the only records."""
        plan, ended = self.exec(*words, status=status)
        assert (plan["type"], ended["type"]) == ("command.planned", end)
        assert ended["body"]["plan"] == plan["seq"]
        assert ended["body"]["run"] == plan["body"]["run"]
        return plan["body"], ended["body"]

    def start(self, *words, **options):
        """Start ``repro exec`` in a process of its own."""
        options = {"stdin": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True} | options
        return subprocess.Popen([REPRO, "exec", *words], cwd=self.root, **options)

    def until(self, condition, process):
        """Wait for something to be so, while a process lives."""
        end = time.monotonic() + 60
        while not condition():
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < end
            time.sleep(0.01)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    base = tmp_path_factory.mktemp("exec")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPRO_KEYS", str(base / "keys"))
        assert run(["init", str(base / "workspace")]) == 0
    return base / "workspace"


@pytest.fixture
def bench(workspace, monkeypatch):
    monkeypatch.setenv("REPRO_KEYS", str(workspace.parent / "keys"))
    for name in child.variables("strict", 1, "", {}):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(workspace)
    return Bench(workspace)


# What a command is given.


def test_a_command_has_the_strict_environment_and_nothing_else(bench, monkeypatch):
    monkeypatch.setenv("SECRET", "x")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere")
    code = (
        "import os, json; mask = os.umask(0); "
        "told = [dict(os.environ), os.getcwd(), mask, os.path.isdir(os.environ['HOME'])]; "
        "json.dump(told, open('told.json', 'w'))"
    )
    (bench.root / "below").mkdir()
    monkeypatch.chdir(bench.root / "below")
    plan, _ = bench.plan_and_end("--threads", "2", "--", *PYTHON, code)
    given, place, mask, has_home = json.loads(Path("told.json").read_text("utf-8"))
    scratch = given.pop("HOME")
    assert given.pop("TMPDIR") == scratch
    assert has_home
    assert not Path(scratch).exists()
    assert given.pop("LD_LIBRARY_PATH") == "/nowhere"
    assert given.pop("PATH") == f"{Path(sys.executable).parent}:{SYSTEM}"
    given.pop("LC_CTYPE", None)  # Python's own
    expected = settings("strict", 2)
    del expected["PYTHONSAFEPATH"]  # so that a script can import what lies beside it
    assert given == expected
    assert (place, mask) == (str(bench.root / "below"), 0o022)
    shown = {"PATH": f"EXECUTABLE:{SYSTEM}", "HOME": "SCRATCH", "TMPDIR": "SCRATCH"}
    assert plan["settings"] == {**expected, **shown}
    assert plan["inherited"] == {"LD_LIBRARY_PATH": blake3(b"/nowhere").hexdigest()}
    assert (plan["directory"], plan["level"], plan["threads"]) == ("below", "strict", 2)
    assert plan["executable"]["sha256"] == sha256(Path(sys.executable))


def test_a_script_can_import_what_lies_beside_it(bench):
    (bench.root / "tools").mkdir()
    (bench.root / "tools" / "beside.py").write_text("STATUS = 9\n")
    (bench.root / "tools" / "script.py").write_text(
        "import beside; raise SystemExit(beside.STATUS)"
    )
    bench.plan_and_end("--", sys.executable, "-S", "tools/script.py", status=9)


def test_the_streams_are_the_users(bench, capfd):
    (bench.root / "read").write_bytes(b"given")
    with (bench.root / "read").open() as file:
        process = bench.start(
            "-q", "--", "sh", "-c", "cat; echo oops >&2", stdin=file, stdout=subprocess.PIPE
        )
        assert process.communicate() == ("given", "oops\n")
    (plan,) = [r["body"] for r in bench.records() if r["type"] == "command.planned"][-1:]
    assert plan["stdin"] == "file"
    assert plan["inputs"]["list"] == [
        {"name": "-", "declared": True, "kind": "file", "size": 5, **known(b"given")}
    ]
    assert plan["promised"]


def test_what_comes_through_a_pipe_is_not_promised(bench):
    process = bench.start("--", "cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    out, err = process.communicate("given")
    assert (process.returncode, out) == (0, "given")
    assert "repro: warning: what comes through the standard input is not recorded" in err
    plan, end = (record["body"] for record in bench.records()[-2:])
    assert (plan["stdin"], plan["promised"], end["promised"]) == ("other", False, False)


def test_with_json_the_standard_output_has_one_document(bench, capfd):
    words = ("--format", "json", "--", "echo", "--format", "text")
    bench.exec(*words)
    out, err = capfd.readouterr()
    document = json.loads(out)
    assert (document["exit_status"], document["status"], document["interrupted"]) == (0, 0, False)
    assert err.startswith("--format text\n")


def test_the_format_of_the_command_is_not_ours(bench, capfd):
    assert run(["exec", "--", "nothing-is-called-so", "--format", "json"]) == 127
    out, err = capfd.readouterr()
    assert (out, "no such command" in err) == ("", True)


# What the log says.


def test_the_plan_is_signed_before_the_command_starts(bench):
    code = (
        "import json; print(json.loads(open('AUDIT_LOG/log.jsonl').readlines()[-1])['seq'], "
        "open('AUDIT_LOG/checkpoint').read().split()[1], file=open('seen', 'w'))"
    )
    plan, _ = bench.exec("--output", "seen", "--", *PYTHON, code)
    seq, size = map(int, (bench.root / "seen").read_text().split())
    assert (seq, size) == (plan["seq"], plan["seq"] + 1)
    assert plan["type"] == "command.planned"


def test_a_path_that_leaves_a_linked_folder_means_what_the_system_opens(bench):
    (bench.root / "far" / "deep").mkdir(parents=True)
    (bench.root / "near").symlink_to(bench.root / "far" / "deep")
    (bench.root / "far" / "a.csv").write_bytes(b"read\n")
    (bench.root / "a.csv").write_bytes(b"beside\n")
    copy = ("--output", "near/../out", "--", "sh", "-c", 'cat "$0" > near/../out', "near/../a.csv")
    plan, end = bench.plan_and_end(*copy)
    (read,), (written,) = plan["inputs"]["list"], end["outputs"]["list"]
    assert (read["name"], read["blake3"]) == ("far/a.csv", digests(b"read\n")["blake3"])
    assert (written["name"], written["sha256"]) == ("far/out", digests(b"read\n")["sha256"])
    spoil = ("--input", "near/../a.csv", "--", "sh", "-c", "echo more >> far/a.csv")
    _, end = bench.plan_and_end(*spoil, status=5)
    assert end["changed"]["list"] == ["far/a.csv"]


def test_the_sha256_of_inputs_is_recorded_where_it_is_asked_for_and_moves_no_key(bench):
    (bench.root / "a.csv").write_bytes(b"1,2\n")
    (bench.root / "digested").mkdir()
    (bench.root / "digested" / "x").write_bytes(b"x")
    words = ("--input", "digested", "--", "sh", "-c", 'cat "$0"', "a.csv")
    plans = []
    for asked in ((), ("--sha256",)):
        with (bench.root / "a.csv").open() as file:
            process = bench.start("-q", *asked, *words, stdin=file, stdout=subprocess.PIPE)
            assert process.communicate() == ("1,2\n", "")
        plan, end = (record["body"] for record in bench.records()[-2:])
        assert (end["changed"]["list"], end["promised"]) == ([], True)
        plans.append(plan)
    plain, both = plans
    assert both["execution_key"] == plain["execution_key"]
    of_file = {"kind": "file", "size": 4}
    (file, folder, dash), (_, tree, _) = both["inputs"]["list"], plain["inputs"]["list"]
    assert dash == {"name": "-", "declared": True, **of_file, **digests(b"1,2\n")}
    assert file == {"name": "a.csv", "declared": False, **of_file, **digests(b"1,2\n")}
    assert folder == tree


def test_inputs_outputs_and_the_end_are_in_the_log(bench):
    (bench.root / "a.csv").write_bytes(b"1,2\n")
    (bench.root / "folder" / "sub").mkdir(parents=True)
    (bench.root / "folder" / "sub" / "x").write_bytes(b"x")
    (bench.root / "folder" / "y").write_bytes(b"yy")
    (bench.root / "script").write_bytes(b"cat a.csv > out\n")
    words = ("--input", "a.csv", "--input", "folder", "--output", "out")
    plan, end = bench.plan_and_end(*words, "--", "sh", "script", "--of=a.csv")
    files = [["sub/x", *known(b"x").values(), "1"], ["y", *known(b"yy").values(), "2"]]
    tree = derived("repro-audit v1 tree", files)
    script = {"name": "script", "declared": False, "kind": "file", "size": 16}
    assert plan["inputs"]["list"] == [
        {"name": "a.csv", "declared": True, "kind": "file", "size": 4, **known(b"1,2\n")},
        {"name": "folder", "declared": True, "kind": "tree", "tree": tree, "files": 2, "size": 3},
        {**script, **known(b"cat a.csv > out\n")},
    ]
    assert plan["inputs"]["digest"] == derived("repro-audit v1 inputs", plan["inputs"]["list"])
    assert plan["arguments"]["list"] == ["sh", "script", "--of=a.csv"]
    assert plan["outputs"]["list"] == ["out"]
    out = digests(b"1,2\n")
    assert end["outputs"]["list"] == [{"name": "out", "kind": "file", "size": 4, **out}]
    assert end["output_digest"] == derived(
        "repro-audit v1 output", {"schema": 1, "outputs": {"out": out["blake3"]}}
    )
    assert (end["status"], end["signal"], end["failure"], end["timed_out"]) == (
        0,
        None,
        None,
        False,
    )
    assert end["undeclared"] is None
    assert end["promised"]
    key = {
        "schema": 1,
        "arguments": ["sh", "script", "--of=a.csv"],
        "executable": plan["executable"]["blake3"],
        "directory": ".",
        "inputs": [
            ["a.csv", out["blake3"]],
            ["folder", tree],
            ["script", digests(b"cat a.csv > out\n")["blake3"]],
        ],
        "outputs": ["out"],
        "settings": plan["settings"],
        "inherited": {},
        "cpu": plan["cpu"],
    }
    assert plan["execution_key"] == derived("repro-audit v1 identity command", key)
    assert plan["run"] == f"command-{plan['execution_key'][:12]}-1"
    assert run(["audit", "verify", "--full", "--artifacts"]) == 0


def test_hidden_arguments_stand_in_the_log_as_a_commitment(bench, capfd):
    before = bench.lines.stat().st_size
    plan, end = bench.plan_and_end("--hide-arguments", "--", "true", "s3cret")
    assert plan["arguments"]["count"] == 2
    assert (plan["execution_key"], end["execution_key"], plan["promised"]) == (None, None, False)
    written = bench.lines.read_bytes()[before:]
    assert b"s3cret" not in written
    line = next(line for line in written.splitlines() if b"command.planned" in line)
    place, digest = commitments_of_line(line)[1]
    assert place == "body.arguments.hidden"
    capfd.readouterr()
    assert run(["audit", "show", plan["run"], "--format", "json"]) == 0
    assert '"s3cret"' in capfd.readouterr().out
    assert run(["audit", "erase", "--yes", "--commitment", digest, "--reason", "asked"]) == 0
    assert run(["audit", "show", plan["run"], "--format", "json"]) == 0
    assert '"s3cret"' not in capfd.readouterr().out.partition("erased")[2]
    assert run(["audit", "verify", "--full"]) == 0
    assert run(["runs", "commands"]) == 0
    assert "(hidden)" in capfd.readouterr().out


def test_hidden_arguments_cannot_be_read_from_the_names_of_files(bench):
    (bench.root / "patient-7").touch()
    plan, _ = bench.plan_and_end("--hide-arguments", "--", "true", "patient-7")
    assert plan["inputs"]["list"] == []
    assert b"patient-7" not in bench.lines.read_bytes()


def test_what_is_too_long_is_named_by_its_digest(bench, capfd):
    words = ["true", *("x" * 2000 for _ in range(30))]
    plan, _ = bench.plan_and_end("--", *words)
    assert plan["arguments"] == {"count": 31, "digest": derived("repro-audit v1 arguments", words)}
    assert run(["runs", "commands", "-n", "1"]) == 0
    assert "(31 arguments)" in capfd.readouterr().out


@pytest.mark.parametrize("output", ["old", "tree"])
def test_what_lay_there_before_is_not_passed_off_as_written(bench, capfd, output):
    place = bench.root / f"stale-{output}"
    (place / "tree").mkdir(parents=True)
    os.chdir(place)
    for name in ("old", "tree/old"):
        Path(name).write_text("of yesterday")
    _, end = bench.plan_and_end("-o", output, "--", "sh", "-c", ":")
    assert end["untouched"]["list"] == [f"stale-{output}/{output}"]
    assert not end["promised"]
    assert f"there before, and not written: stale-{output}/{output}" in capfd.readouterr().err
    # The very bytes, but written.
    again = "printf 'of yesterday' > old; printf 'of yesterday' > tree/old"
    _, end = bench.plan_and_end("-o", output, "--", "sh", "-c", again)
    assert (end["untouched"]["count"], end["promised"]) == (0, True)


def test_files_that_nobody_declared_are_listed_if_asked_for(bench, capfd):
    place = bench.root / "busy"
    place.mkdir()
    os.chdir(place)
    for name in ("kept", "changed", "removed"):
        Path(name).write_text("1")
    script = "mkdir new && echo 2 > new/made; echo 2 > changed; rm removed; echo 2 > declared"
    _, end = bench.plan_and_end("--list-undeclared", "-o", "declared", "--", "sh", "-c", script)
    assert end["undeclared"]["list"] == ["changed", "new/made", "removed"]
    assert "not declared with --output: changed, new/made, removed\n" in capfd.readouterr().err


def test_commands_are_listed(bench, capfd):
    bench.exec("--", "sh", "-c", "exit 3", "two words", status=3)
    bench.exec("--level", "best-effort", "--", "sh", "-c", "kill -9 $$", status=137)
    capfd.readouterr()
    assert run(["runs", "commands", "-n", "2"]) == 0
    out = capfd.readouterr().out.splitlines()
    assert out[1].endswith("best-effort  SIGKILL  sh -c 'kill -9 $$'")
    assert out[2].endswith("strict       3        sh -c 'exit 3' 'two words'")
    assert run(["runs", "commands", "--limit", "0", "--format", "json"]) == 0
    document = json.loads(capfd.readouterr().out)
    plans = [r["body"]["run"] for r in bench.records() if r["type"] == "command.planned"]
    assert [one["run"] for one in document["commands"]] == plans[::-1]
    assert document["total"] == len(plans)


# What is promised.


def test_the_same_again_is_the_next_attempt_and_no_incident(bench):
    (bench.root / "one").write_text("1")
    words = ("--input", "one", "--output", "same", "--", "sh", "-c", "cp one same")
    first, end = bench.plan_and_end(*words)
    second, again = bench.plan_and_end(*words)
    assert second["execution_key"] == first["execution_key"]
    assert (first["run"][-2:], second["run"][-2:]) == ("-1", "-2")
    assert end["output_digest"] == again["output_digest"]
    (bench.root / "one").write_text("2")
    other, _ = bench.plan_and_end(*words)
    assert other["execution_key"] != first["execution_key"]


def test_other_bits_under_one_key_are_an_incident(bench, capfd):
    words = ("-o", "still", "-o", "time", "--", "sh", "-c", "echo 1 > still; date +%N > time")
    first, _ = bench.plan_and_end(*words)
    plan, end, incident = bench.exec(*words, status=5)
    assert incident["type"] == "incident"
    assert incident["body"] == {
        "run": plan["body"]["run"],
        "execution_key": first["execution_key"],
        "output_digest": end["body"]["output_digest"],
        "others": incident["body"]["others"],
    }
    assert [one["run"] for one in incident["body"]["others"]] == [first["run"]]
    err = capfd.readouterr().err
    assert f"repro: error: other bits than {first['run']}: time\n" in err
    assert run(["audit", "verify"]) == 0
    # It says so in the document too, and names every earlier one.
    capfd.readouterr()
    assert run(["exec", "--format", "json", *words]) == 5
    document = json.loads(capfd.readouterr().out)
    assert document["contradicted"] == [first["run"], plan["body"]["run"]]
    assert (document["differing"], document["status"]) == (["time"], 0)
    assert document["incident"] == document["record"] + 1


@pytest.mark.parametrize(
    ("more", "script", "status"),
    [
        (("--level", "best-effort"), "date +%N > free", 0),
        ((), "date +%N > free; exit 1", 1),
        (("--hide-arguments",), "date +%N > free", 0),
    ],
)
def test_what_is_not_promised_is_no_incident(bench, more, script, status):
    for _ in range(2):
        _, end = bench.plan_and_end(*more, "-o", "free", "--", "sh", "-c", script, status=status)
        assert not end["promised"]


@pytest.mark.skipif(sys.platform != "linux", reason="orphans come to us as Linux has it")
def test_what_a_command_leaves_running_is_said_and_nothing_is_promised(bench, capfd, monkeypatch):
    monkeypatch.setattr(child, "GRACE", 0.2)
    script = "echo half > half; (setsid sleep 1; echo half >> half) & exit 0"
    *_, ended = bench.exec("-o", "half", "--", "sh", "-c", script, status=5)
    assert (ended["body"]["left_running"], ended["body"]["promised"]) == (1, False)
    assert "processes that it started and that still run: 1" in capfd.readouterr().err
    end = time.monotonic() + 60
    while (bench.root / "half").read_text() != "half\nhalf\n":
        assert time.monotonic() < end
        time.sleep(0.01)
    monkeypatch.setattr(child, "GRACE", 60.0)
    script = "echo half > whole; (sleep 0.2; echo half >> whole) & exit 0"
    *_, ended = bench.exec("-o", "whole", "--", "sh", "-c", script)
    assert (ended["body"]["left_running"], ended["body"]["promised"]) == (0, True)
    assert (bench.root / "whole").read_text() == "half\nhalf\n"


def test_a_command_that_changes_its_own_executable_is_a_violation(bench, capfd):
    own = bench.root / "own"
    own.write_text("#!/bin/sh\necho '# more' >> own\n")
    own.chmod(0o755)
    *_, ended = bench.exec("--", "./own", status=5)
    assert ended["body"]["changed"]["list"] == ["EXECUTABLE"]
    assert not ended["body"]["promised"]
    assert "an input was changed meanwhile: EXECUTABLE" in capfd.readouterr().err


def test_a_changed_input_is_a_violation(bench, capfd):
    (bench.root / "in").write_text("1")
    plan, end = bench.plan_and_end("-i", "in", "--", "sh", "-c", "echo 2 >> in", status=5)
    assert end["changed"]["list"] == ["in"]
    assert (plan["promised"], end["promised"]) == (True, False)
    assert "an input was changed meanwhile: in" in capfd.readouterr().err
    _, end = bench.plan_and_end("-i", "in", "--", "sh", "-c", "rm in; exit 4", status=4)
    assert end["changed"]["list"] == ["in"]


@pytest.mark.parametrize(
    ("declared", "script"),
    [
        ("in", "mv in kept; echo 2 > in; cat in > out; rm in; mv kept in"),
        ("in", "cp -p in kept; echo 2 > in; cat in > out; cat kept > in; touch -r kept in"),
        ("tree", "cp -p tree/a kept; echo 2 > tree/a; cat tree/a > out; mv kept tree/a"),
    ],
    ids=["renamed", "written, its time put back", "in a tree"],
)
def test_an_input_that_is_swapped_and_put_back_promises_nothing(bench, capfd, declared, script):
    (bench.root / "tree").mkdir(exist_ok=True)
    for name in ("in", "tree/a"):
        (bench.root / name).write_text("1\n")
    (bench.root / "out").unlink(missing_ok=True)
    time.sleep(0.02)  # the clock of the file system ticks every few milliseconds
    words = ("--input", declared, "--output", "out", "--", "sh", "-c", script)
    _, end = bench.plan_and_end(*words)
    assert (bench.root / "out").read_text() == "2\n"
    assert (end["changed"]["count"], end["touched"]["list"]) == (0, [declared])
    assert (end["promised"], end["status"]) == (False, 0)
    assert f"though the bytes are the same: {declared}; what was" in capfd.readouterr().err


def test_who_only_reads_touches_nothing(bench):
    (bench.root / "in").write_text("1\n")
    _, end = bench.plan_and_end("--input", "in", "--", "sh", "-c", "cat in > /dev/null")
    assert (end["touched"]["list"], end["promised"]) == ([], True)


def test_a_file_that_only_an_argument_names_may_be_changed_but_it_is_said(bench, capfd):
    (bench.root / "grows").write_text("1")
    _, end = bench.plan_and_end("--", "sh", "-c", 'echo 2 >> "$0"', "grows")
    assert (end["changed"]["list"], end["promised"]) == (["grows"], False)
    assert "grows was changed: declare it with --output" in capfd.readouterr().err


def test_an_output_that_is_missing_is_said_if_the_command_succeeded(bench, capfd):
    _, end = bench.plan_and_end("-o", "never", "--", "true", status=6)
    assert (end["missing"]["list"], end["promised"]) == (["never"], False)
    assert "repro: error: no output never" in capfd.readouterr().err
    bench.plan_and_end("-o", "never", "--", "false", status=1)
    assert "no output" not in capfd.readouterr().err


# How it ends.


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("sh", "-c", "exit 7"), 7, {"status": 7, "signal": None}),
        (("sh", "-c", "kill -SEGV $$"), 139, {"status": None, "signal": "SIGSEGV"}),
        (("./no-shell",), 126, {"status": None, "failure": "No such file or directory"}),
        (("./no-program",), 126, {"status": None, "failure": "Exec format error"}),
    ],
)
def test_the_exit_status_is_the_commands(bench, words, status, said):
    for name, text in (("no-shell", "#!/no/such\n"), ("no-program", "?")):
        (bench.root / name).write_text(text)
        (bench.root / name).chmod(0o755)
    _, end = bench.plan_and_end("--", *words, status=status)
    assert {name: end[name] for name in said} == said


def test_a_command_whose_time_is_over_is_ended_with_all_that_it_started(bench, monkeypatch, capfd):
    monkeypatch.setattr(child, "GRACE", 0.05)
    script = "trap '' TERM; (trap '' TERM; sleep 60; echo no > late) & echo $! > pid; sleep 60"
    _, end = bench.plan_and_end(
        "--timeout", "0.3", "-o", "pid", "--", "sh", "-c", script, status=124
    )
    assert (end["timed_out"], end["signal"]) == (True, "SIGKILL")
    assert is_gone(int((bench.root / "pid").read_text()))
    assert "longer than --timeout" in capfd.readouterr().err


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGTERM,
        pytest.param(signal.SIGINT, marks=SLOW),
        pytest.param(signal.SIGHUP, marks=SLOW),
    ],
)
def test_a_request_to_stop_is_passed_on_and_recorded(bench, number):
    (bench.root / "ready").unlink(missing_ok=True)
    process = bench.start("--", "sh", "-c", "echo > ready; exec sleep 60")
    bench.until((bench.root / "ready").exists, process)
    process.send_signal(number)
    _, err = process.communicate()
    assert process.returncode == 128 + number
    end = bench.records()[-1]
    assert end["type"] == "command.interrupted"
    assert end["body"]["reason"] == "the user stopped it"
    assert (end["body"]["status"], end["body"]["signal"]) == (None, number.name)
    assert "was interrupted" in err


def test_a_lost_terminal_does_not_stop_what_was_started_to_go_on_without_one(bench):
    (bench.root / "ready").unlink(missing_ok=True)
    (bench.root / "go").unlink(missing_ok=True)
    script = "echo > ready; while ! [ -e go ]; do sleep 0.02; done; kill -HUP $$; echo > over"
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup has it for what it starts
    try:
        process = bench.start("-o", "over", "--", "sh", "-c", script)
    finally:
        signal.signal(signal.SIGHUP, before)
    bench.until((bench.root / "ready").exists, process)
    process.send_signal(signal.SIGHUP)
    (bench.root / "go").touch()
    process.communicate()
    assert process.returncode == 0
    end = bench.records()[-1]
    assert (end["type"], end["body"]["status"]) == ("command.executed", 0)


def test_a_command_that_ends_well_when_it_is_asked_to_has_ended_well(bench):
    (bench.root / "ready").unlink(missing_ok=True)
    script = "trap 'echo > over; exit 0' TERM; echo > ready; while :; do sleep 0.02; done"
    process = bench.start("-o", "over", "--", "sh", "-c", script)
    bench.until((bench.root / "ready").exists, process)
    process.terminate()
    process.communicate()
    assert process.returncode == 0
    end = bench.records()[-1]
    assert (end["type"], end["body"]["status"]) == ("command.executed", 0)
    assert end["body"]["outputs"]["count"] == 1


def test_a_command_dies_with_its_notary_and_the_next_one_ends_its_plan(bench):
    (bench.root / "pid").unlink(missing_ok=True)
    process = bench.start("--", "sh", "-c", "echo $$ > new; mv new pid; exec sleep 60")
    bench.until((bench.root / "pid").exists, process)
    process.kill()
    process.communicate()
    end = time.monotonic() + 60
    while not is_gone(int((bench.root / "pid").read_text())):
        assert time.monotonic() < end
    plan = bench.records()[-1]
    assert plan["type"] == "command.planned"
    ended, *_ = bench.exec("--", "true")
    assert ended["type"] == "command.interrupted"
    assert ended["body"] == {
        "run": plan["body"]["run"],
        "plan": plan["seq"],
        "reason": GONE,
    }
    assert run(["audit", "verify"]) == 0


def test_on_a_terminal_ctrl_c_reaches_the_command_once(bench):
    (bench.root / "ready").unlink(missing_ok=True)
    script = "trap 'echo >> heard' INT; echo > ready; while ! [ -e heard ]; do sleep 0.02; done;" \
        "sleep 0.3; exit 9"  # fmt: skip
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(REPRO, ["repro", "exec", "--", "sh", "-c", script])  # noqa: S606 - on a terminal
    end = time.monotonic() + 60
    while not (bench.root / "ready").exists():
        assert time.monotonic() < end
        time.sleep(0.01)
    os.write(terminal, b"\x03")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
    os.close(terminal)
    assert (bench.root / "heard").read_text() == "\n"
    plan, ended = bench.records()[-2:]
    assert (plan["body"]["stdin"], plan["body"]["promised"]) == ("terminal", False)
    assert (ended["type"], ended["body"]["status"]) == ("command.interrupted", 9)


# What cannot be run leaves no record.


@pytest.mark.parametrize(
    ("words", "status", "problem"),
    [
        ((), 2, "Missing argument"),
        (("--", ""), 2, "no command"),
        (("--level", "lax", "--", "true"), 2, "no level is called 'lax'"),
        (("--", "nothing-is-called-so"), 127, "no such command: nothing-is-called-so"),
        (("--", "./nothing"), 127, "no such command: ./nothing"),
        (("--", "./CONFIG"), 126, "./CONFIG cannot be executed"),
        (("-i", "nothing", "--", "true"), 3, "no such file or directory: nothing"),
        (("-i", "fifo", "--", "true"), 3, "fifo is neither a file nor a directory"),
        (("-i", "loop", "--", "true"), 3, "a link in it leads back"),
        (("-i", "data", "-o", "data/new", "--", "true"), 2, "--input data overlap"),
        (("-i", "data/a", "-o", "data", "--", "true"), 2, "--input data/a overlap"),
        (("-i", "data", "-o", "./data", "--", "true"), 2, "--input data overlap"),
        (("-i", ".", "--", "true"), 2, "it holds AUDIT_LOG"),
        (("-i", "RESULTS", "--", "true"), 2, "it holds .staging"),
        (("-o", "AUDIT_LOG/log.jsonl", "--", "true"), 2, "the log lies there"),
        (("-o", "RESULTS/runs/new", "--", "true"), 2, "sealed runs lie there"),
        (("-o", "", "--", "true"), 2, "an empty path"),
        (("--", "true", "\udcff"), 2, "an argument is not UTF-8"),
        (("--threads", "0", "--", "true"), 2, "--threads"),
        (("--timeout", "0", "--", "true"), 2, "a time limit of 0 seconds"),
        (("--timeout", "-1", "--", "true"), 2, "a time limit of -1 seconds"),
        (("--timeout", "nan", "--", "true"), 2, "a time limit of nan seconds"),
        (
            ("--level", "portable", "--threads", "2", "--", "true"),
            2,
            "the level portable has one",
        ),
    ],
)
def test_what_cannot_be_run_leaves_no_record(bench, words, status, problem, capfd):
    if not (bench.root / "fifo").exists():
        os.mkfifo(bench.root / "fifo")
        (bench.root / "loop").mkdir()
        (bench.root / "loop" / "back").symlink_to(bench.root / "loop")
    assert bench.exec(*words, status=status) == []
    assert problem in capfd.readouterr().err


def test_without_a_workspace_or_a_log_nothing_is_run(bench, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert run(["exec", "--", "sh", "-c", "echo > ran"]) == 3
    assert "no workspace" in capfd.readouterr().err
    (tmp_path / "CONFIG").mkdir()
    assert run(["exec", "--", "sh", "-c", "echo > ran"]) == 3
    assert "no log" in capfd.readouterr().err
    assert not (tmp_path / "ran").exists()


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digests(data):
    return {"blake3": blake3(data).hexdigest(), "sha256": hashlib.sha256(data).hexdigest()}


def known(data):
    """Return what is recorded of an input of which SHA-256 is not asked for."""
    return {"blake3": blake3(data).hexdigest()}


def derived(context, value):
    return blake3(rfc8785.dumps(value), derive_key_context=context).hexdigest()


def is_gone(pid):
    """Return whether a process has ended, also if nobody has asked how."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("Z")
    except (FileNotFoundError, ProcessLookupError):
        return True


DEEP = """
import os
for name in ("deep", *"d" * 1500):
    os.mkdir(name)
    os.chdir(name)
"""


def test_a_command_whose_outcome_cannot_be_looked_at_has_an_end_in_the_log_all_the_same(bench):
    try:
        said = bench.exec("--output", "deep", "--", *PYTHON, DEEP, status=70)
    finally:
        subprocess.run(["rm", "-rf", bench.root / "deep"], check=True)
    plan, ended = said
    assert (plan["type"], ended["type"]) == ("command.planned", "command.interrupted")
    assert ended["body"]["reason"] == "what it gave could not be recorded"
    assert ended["body"]["plan"] == plan["seq"]
    assert run(["audit", "verify"]) == 0


def test_a_line_that_is_no_result_does_not_keep_a_command_from_its_end(bench):
    words = ("--output", "made", "--", *PYTHON, "open('made', 'w').write('x')")
    plan, _ = bench.plan_and_end(*words)
    key = plan["execution_key"]
    log = Log.open(bench.root / "AUDIT_LOG")
    log.append("run.verified", {"run": "x", "execution_key": key})
    log.append("run.verified", {"run": "x", "execution_key": key, "promised": True, "produced": 5})
    bench.plan_and_end(*words)


def test_a_name_that_counts_beyond_all_numbers_does_not_keep_a_command_from_its_own(bench):
    words = ("--", *PYTHON, "print('counted')")
    first = bench.plan_and_end(*words)[0]["run"]
    start = first.removesuffix("1")
    log = Log.open(bench.root / "AUDIT_LOG")
    for digits in ("9" * 5000, "999999999", "1000000000"):
        log.append("command.planned", {"run": f"{start}{digits}"})
    plan, end = [r for r in bench.exec(*words) if r["body"].get("run") == f"{start}1000000001"]
    assert (plan["type"], end["type"]) == ("command.planned", "command.executed")
