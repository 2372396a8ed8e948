"""Commands that are stopped by their user, killed, or started twice."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from repro.audit_log.storage.running import GONE

from .workspace import ENDLESS, PLANNED, QUICK, REPRO, Workspace, one_error, require_gone

# Slow: `make slow` runs these, and so does every change before it lands.
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="processes as Linux has them"),
    pytest.mark.slow,
]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_while_training_is_recorded_and_leaves_nothing(
    fresh: Workspace, number: signal.Signals
) -> None:
    before = fresh.state()
    train = fresh.start("train", *ENDLESS)
    run = train.wait_for_training()["run"]
    worker = train.wait_for_worker()
    train.interrupt(number)
    train.end().require(130, run, "interrupted")
    require_gone(worker)
    plan, _, end = fresh.require_clean(before, *PLANNED, "run.interrupted")
    assert end["body"] == {
        "run": run,
        "plan": plan["seq"],
        "reason": "the user stopped it",
    }


def test_a_stop_as_soon_as_the_plan_is_written_ends_the_plan(fresh: Workspace) -> None:
    before = fresh.state()
    train = fresh.start("train", *ENDLESS)
    run = train.wait_for_plan()["run"]
    train.interrupt()
    train.end().require(130, run, "interrupted")
    fresh.require_clean(before, *PLANNED, "run.interrupted")


def test_an_impatient_user_stops_it_as_well(fresh: Workspace) -> None:
    before = fresh.state()
    train = fresh.start("train", *ENDLESS)
    train.wait_for_training()
    worker = train.wait_for_worker()
    for _ in range(8):
        train.interrupt()
        time.sleep(0.004)
    done = train.end()
    # The last of them may reach Python after our last line: a shell shows 130 for both.
    assert done.status in (130, -signal.SIGINT), done.text
    assert "Traceback" not in done.text, done.text
    require_gone(worker)
    fresh.require_clean(before, *PLANNED, "run.interrupted")


def test_a_stop_before_the_plan_leaves_nothing_at_all(fresh: Workspace) -> None:
    before = fresh.state()
    train = fresh.start("train", *ENDLESS)
    worker = train.wait_for_worker()
    train.interrupt()
    train.end().require(130, "interrupted", "nothing was recorded")
    require_gone(worker)
    fresh.require_clean(before)


@pytest.mark.parametrize("module", ["typer", "repro.cli.app", "yaml"])
def test_a_stop_while_the_command_loads_its_modules_shows_no_traceback(
    shared: Workspace, module: str
) -> None:
    require_quiet_stop(shared, module, *ENDLESS)


def test_a_stop_while_it_loads_what_explains_a_fault_shows_no_traceback(shared: Workspace) -> None:
    # Loaded for a document with a fault alone. So many are told that they fill the pipe, which
    # nobody reads before the stop: it cannot come too late.
    safety = "CONFIG/training_config/safety_config.yaml"
    faults = "".join(f"unknown_{number}: 1\n" for number in range(3000))
    content = (shared.root / safety).read_bytes() + faults.encode()
    with shared.holding(safety, content):
        require_quiet_stop(shared, "jsonschema", *QUICK)


def require_quiet_stop(shared: Workspace, module: str, *arguments: str) -> None:
    """Fail unless a training can be stopped quietly once it has loaded ``module``, early on."""
    before = shared.state()
    command = [sys.executable, "-X", "importtime", *REPRO[1:], "train", *arguments]
    with subprocess.Popen(
        command,
        cwd=shared.root,
        env=shared.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.split("|")[-1].strip() == module:
                process.send_signal(signal.SIGINT)
                break
            if line.startswith("repro: "):  # it is at work: it would not end by itself
                process.kill()
                pytest.fail(f"{module} has not been loaded")
        else:
            pytest.fail(f"{module} has not been loaded")
        said = "".join(line for line in process.stderr if not line.startswith("import time:"))
    assert "Traceback" not in said, said
    assert process.returncode in (130, -signal.SIGINT)
    shared.require_clean(before)


def test_a_stop_of_a_verification_is_130_and_records_nothing(trained: Workspace) -> None:
    before = trained.state()
    verify = trained.start("verify", "@latest")
    worker = verify.wait_for_worker()
    verify.interrupt()
    verify.end().require(130, "interrupted")
    require_gone(worker)
    trained.require_clean(before)


def test_a_stop_is_one_json_document_too(fresh: Workspace) -> None:
    train = fresh.start("train", *ENDLESS, "--format", "json")
    train.wait_for_training()
    train.interrupt()
    assert "interrupted" in one_error(train.end())["problem"]


def test_a_notary_that_is_killed_is_an_interrupted_run_and_leaves_no_worker(
    fresh: Workspace,
) -> None:
    before = fresh.state()
    train = fresh.start("train", *ENDLESS)
    run = train.wait_for_plan()["run"]
    worker = train.wait_for_worker()
    train.kill()
    assert train.end().status == -signal.SIGKILL
    require_gone(worker)
    # Verification writes nothing: it says what it sees, and what will end the plan.
    done = fresh.repro("audit", "verify").require(1, "incomplete", run, "nobody runs it")
    assert done.out
    fresh.repro("train", *QUICK).require(0)
    new = fresh.require_clean(before, *PLANNED, "run.interrupted", *PLANNED, "run.completed")
    assert new[2]["body"] == {"run": run, "plan": new[0]["seq"], "reason": GONE}


def test_a_notary_that_is_killed_before_the_plan_leaves_nothing_that_stays(
    fresh: Workspace,
) -> None:
    before = fresh.state()
    train = fresh.start("train", *ENDLESS)
    worker = train.wait_for_worker()
    train.kill()
    train.end()
    require_gone(worker)
    fresh.repro("audit", "verify").require(0)
    fresh.repro("train", "--target", "fwd_ret_5d", *QUICK).require(0)
    fresh.require_clean(before, *PLANNED, "run.completed")


def test_two_trainings_at_once_are_two_runs(fresh: Workspace) -> None:
    before = fresh.state()
    both = [fresh.start("train", *QUICK) for _ in range(2)]
    for train in both:
        train.end().require(0, "sealed in")
    names = sorted(fresh.runs())
    assert [name[-2:] for name in names] == ["-1", "-2"]
    assert len({name[:-2] for name in names}) == 1
    after = fresh.records()[len(before.records) :]
    kinds = sorted(record["type"] for record in after)
    assert kinds == sorted([*PLANNED, "run.completed"] * 2)
    fresh.repro("audit", "verify", "--artifacts").require(0)
    fresh.repro("diff", *names).require(0, "identical")


def test_a_training_that_is_running_is_no_fault_of_the_log(fresh: Workspace) -> None:
    train = fresh.start("train", *ENDLESS)
    run = train.wait_for_plan()["run"]
    try:
        fresh.repro("audit", "verify").require(0, "running", run)
        fresh.repro("runs", "list").require(0, "no runs yet")
    finally:
        train.interrupt()
        train.end()
    fresh.repro("audit", "verify").require(0)


def test_a_run_directory_that_appears_meanwhile_is_never_overwritten(fresh: Workspace) -> None:
    train = fresh.start("train", *QUICK)
    run = train.wait_for_plan()["run"]
    theirs = fresh.root / "RESULTS" / "runs" / run
    theirs.mkdir(parents=True)
    (theirs / "precious.txt").write_text("mine\n", "utf-8")
    train.end().require(3, f"RESULTS/runs/{run} exists already", "nothing is ever overwritten")
    assert [path.name for path in theirs.iterdir()] == ["precious.txt"]
    assert fresh.of_type("run.failed")[0]["run"] == run
    fresh.repro("audit", "verify").require(0)


def test_a_run_directory_of_that_name_takes_no_name_from_a_new_run(fresh: Workspace) -> None:
    fresh.repro("train", *QUICK).require(0)
    (first,) = fresh.runs()
    second = f"{first[:-1]}2"
    theirs = fresh.root / "RESULTS" / "runs" / second
    theirs.mkdir()
    fresh.repro("train", *QUICK).require(0, f"run {first[:-1]}3")
    assert list(theirs.iterdir()) == []
    # What is no run of ours is named, and said what to do about.
    fresh.repro("runs", "list").require(4, second, "repro: hint:")


def test_two_who_make_one_workspace_at_once_make_one_log(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.root.mkdir()
    both = [
        subprocess.Popen(
            [*REPRO, "init"],
            cwd=workspace.root,
            env=workspace.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate()[0] for process in both]
    statuses = sorted(process.returncode for process in both)
    assert statuses[0] == 0, said
    assert statuses[1] in (0, 2, 3), said
    assert all("Traceback" not in text for text in said)
    workspace.repro("validate").require(0)
    workspace.repro("audit", "verify").require(0)
    assert not list(workspace.root.rglob("*.tmp"))
