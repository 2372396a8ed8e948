"""Commands of several trainings that are stopped: what they say, and that they go on."""

import signal
import subprocess
import sys

import pytest

import repro
from repro.errors import InterruptedRunError
from repro.verbs.observer import Observer
from repro.verbs.research.resuming import GOES_ON

pytestmark = pytest.mark.slow
REPRO = (sys.executable, "-P", "-m", "repro")
QUICK = {"family": "ridge", "set": {"splits.folds": 3}}
SEVERAL = "experiment:\n  description: Two targets.\n  targets: [fwd_ret_1d, fwd_ret_5d]\n"
STAGED = f"{SEVERAL}  select_features: true\n"
SELECTING = "{top_k: 4, families: [ridge]}"
STAGED += (
    f"overrides: {{feature_selection: {{feature_selection: {{feature_selection: {SELECTING}}}}}}}\n"
)


@pytest.fixture
def at(desk, monkeypatch):
    """Return the workspace of an observer that stops at the stage with a text in its name."""
    monkeypatch.setenv("REPRO_KEYS", str(desk.keys))
    folder = desk.root / "CONFIG" / "experiments"
    (folder / "several.yaml").write_text(SEVERAL)
    (folder / "staged.yaml").write_text(STAGED)

    def workspace(text, after=1):
        seen = []

        def stage(name):
            seen.extend([name] * (text in name))
            if len(seen) == after:
                raise KeyboardInterrupt

        return repro.workspace(desk.root, Observer(stage=stage))

    return workspace


def kinds(desk):
    return [r["type"] for r in desk.records() if r["type"].startswith("run.")]


def test_replicates_stopped_before_the_second_plan_do_not_say_that_nothing_was_recorded(desk, at):
    with pytest.raises(InterruptedRunError) as caught:
        at("preparing", 2).replicate(3, **QUICK)
    assert caught.value.problem.startswith("interrupted before the plan of the next run; 1 run ")
    assert caught.value.hint == GOES_ON
    assert kinds(desk) == ["run.planned", "run.completed"]
    made = at("never").replicate(3, **QUICK).made
    assert [one.outcome.reused for one in made] == [True, False, False]


def test_an_experiment_stopped_in_its_second_run_names_it_and_goes_on(desk, at):
    with pytest.raises(InterruptedRunError) as caught:
        at("training", 2).experiment("several", **QUICK)
    run = desk.records()[-1]["body"]["run"]
    assert caught.value.problem == f"run {run} was interrupted; 1 run before it is sealed"
    assert kinds(desk)[-2:] == ["run.planned", "run.interrupted"]
    with pytest.raises(InterruptedRunError, match="2 runs before it are sealed"):
        at("training", 2).experiment("staged", **QUICK)  # the first run of both is the same one
    made = at("never").experiment("several", **QUICK).done
    assert [one.outcome.reused for one in made] == [True, True]


@pytest.mark.parametrize("verb", ["select", "rank"])
def test_a_selection_and_a_ranking_stopped_between_two_runs_say_so(desk, at, verb):
    asked = {
        "select": {"set": {"feature_selection.families": ["ridge", "elasticnet"], "top_k": 4}},
        "rank": {
            "family": "ridge",
            "set": {"target_ranking.targets": ["fwd_ret_1d", "fwd_ret_5d"]},
        },
    }[verb]
    asked["set"]["splits.folds"] = 3
    with pytest.raises(InterruptedRunError) as caught:
        getattr(at("2 of 2"), verb)(**asked)
    assert "1 run before it is sealed" in caught.value.problem
    with pytest.raises(InterruptedRunError) as caught:
        getattr(at("2 of 2"), verb)(rerun=True, **asked)
    assert caught.value.hint != GOES_ON


def test_an_attribution_that_is_stopped_says_so(desk, at):
    space = at("2 of 2")
    a = space.train(**QUICK).run
    b = space.train(family="ridge", set={"splits.folds": 3, "ridge.hyperparameters.alpha": 9.0}).run
    with pytest.raises(InterruptedRunError) as caught:
        space.attribute(a, b)
    assert "1 run before it is sealed" in caught.value.problem
    assert caught.value.hint == GOES_ON


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_stop_that_comes_while_a_run_is_being_completed_lets_no_other_begin(desk, number):
    """It is held back until the log has its record, and was lost then."""
    log = desk.root / "AUDIT_LOG" / "log.jsonl"
    training = subprocess.Popen(
        [*REPRO, "train", "-q", "--replicates", "6", "--family", "ridge", "--set", "folds=3"],
        cwd=desk.root,
        env=desk.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while training.poll() is None and log.read_bytes().count(b'"type":"run.completed"') < number:
        pass
    training.send_signal(signal.SIGINT)
    said = training.communicate(timeout=120)[1]
    assert training.returncode == 130, said
    completed = kinds(desk).count("run.completed")
    assert number <= completed < 6  # one more where this process was late to look
    assert f"{completed} run" in said
    assert kinds(desk).count("run.planned") <= completed + 1
