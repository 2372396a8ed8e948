"""Whatever an executor of others tells, each plan has one end and each point one result."""

from pathlib import Path

import pytest

from .workspace import Away, kinds, once

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
WORDS = ("sweep", "seed=1,2", "--family", "ridge", "--profile", "debug", "-q", "--jobs", "2")


@pytest.fixture
def away(tmp_path):
    """Return a new workspace, where an executor of somebody else's is installed."""
    info = tmp_path / "site" / "unruly-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: unruly\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[repro.executors]\nunruly = unruly:open_unruly\n")
    (info.parent / "unruly.py").write_bytes((HERE / "unruly.py").read_bytes())
    found = Away.new(tmp_path)
    found.environment["PYTHONPATH"] = str(info.parent)
    return found


def swept(away, habit, status, *words):
    words = (*WORDS, *words, "--executor", "unruly", "--address", habit)
    return away.run(*words, status=status)


def mended(away):
    """Require that the point that failed is trained by the same sweep on this machine."""
    found = away.json(*WORDS)
    assert sorted(point["state"] for point in found["points"]) == ["sealed", "sealed before"]
    once(away, 2)


@pytest.mark.parametrize(
    ("habit", "end", "status", "says"),
    [
        ("anew", "run.failed", 6, "tells that it prepared once more while it was let train"),
        ("early", "run.refused", 6, "tells that it finished while it prepares"),
        ("empty", "run.refused", 2, "KeyError"),
        ("forgetful", "run.failed", 2, "KeyError"),
    ],
)
def test_a_task_of_which_it_tells_what_cannot_be_fails_alone(away, habit, end, status, says):
    told = swept(away, habit, status)
    assert says in told.stdout
    (record,) = [r for r in away.records() if r["type"] == end]
    assert says in record["body"]["reason"]
    assert kinds(away).count("run.completed") == 1
    if end == "run.failed":
        mended(away)


def test_a_worker_elsewhere_that_runs_other_code_is_named_with_what_to_do(away):
    said = swept(away, "foreign", 5).stdout
    assert "the worker tcp://elsewhere:1 runs another repro.execution.worker than this" in said
    assert "hint: install the same version on every worker" in said
    assert kinds(away).count("run.completed") == 1


def test_what_it_tells_of_tasks_that_are_over_or_nobody_s_is_warned_of_and_moves_nothing(away):
    told = swept(away, "talkative", 0).stderr
    for said in (
        "Failed of a task that it was never given",
        "Failed of a task that is over",
        "Prepared of a task that is over",
        "str, which is no event",
    ):
        assert told.count(f"the executor tells {said}") == 1, told
    once(away, 2)


def test_one_that_says_it_has_less_than_no_room_is_given_nothing_more(away):
    swept(away, "overdrawn", 0, "--jobs", "1")
    once(away, 2)


def test_one_that_breaks_leaves_no_plan_without_an_end(away):
    told = swept(away, "broken", 70).stderr
    assert "it does not work any more" in told
    planned = kinds(away).count("run.planned")
    assert planned >= 1
    assert kinds(away).count("run.interrupted") == planned
    away.json(*WORDS)
    once(away, 2)
