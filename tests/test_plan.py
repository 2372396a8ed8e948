"""What must be in force after training, and the one thing that may differ."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from repro.errors import DeterminismError, TrainingError
from repro.execution.session import Job
from repro.facts.trainers import declaration
from repro.verbs.training.plan import require_in_force

ASKED = {
    "num_boost_round": 200,
    "early_stopping_rounds": 10,
    "max_bin": 256,
    "learning_rate": 0.1,
    "device": "cpu",
}


def judged(rounds=40, asked=None, **effective):
    """Judge a final model of so many rounds, which the library says that it made so."""
    parameters = {**ASKED, **(asked or {})}
    job = Job(
        {"parameters": parameters}, {}, declaration("xgboost"), {"d": Path("d")}, "strict", 1, 60
    )
    plan = SimpleNamespace(
        job=job, seeds={"final": {"python": 1}}, forced={"device": "cpu"}, judged=None
    )
    finished = {
        "effective": {"final": {**parameters, **effective}},
        "rounds": {"final": rounds},
        "findings": [],
    }
    require_in_force(plan, finished)


def test_fewer_rounds_are_in_force_where_training_may_stop_early():
    judged()
    judged(num_boost_round=50)
    judged(num_boost_round=40)


@pytest.mark.parametrize(
    "case",
    [
        {"num_boost_round": 50, "asked": {"early_stopping_rounds": 0}},  # it may not stop
        {"num_boost_round": 201},  # more than were asked for
        {"num_boost_round": 39},  # fewer than predict
        {"num_boost_round": 50, "rounds": None},  # a family without rounds
        {"num_boost_round": "50"},
        {"num_boost_round": None},
        {"early_stopping_rounds": 9},  # the switch itself
        {"max_bin": 255, "rounds": 2},  # no part of the procedure
        {"learning_rate": 0.05, "rounds": 0},
    ],
)
def test_nothing_else_may_differ(case):
    with pytest.raises(TrainingError, match="but the library used"):
        judged(**case)


def test_what_strict_mode_forces_is_a_matter_of_determinism():
    with pytest.raises(DeterminismError, match="device"):
        judged(device="gpu")


def judged_choice(**effective):
    """Judge a run of ridge whose features a model of xgboost chose."""
    trained, chooser = declaration("ridge"), declaration("xgboost")
    asked = {"family": "xgboost", "parameters": ASKED}
    decides = {"parameters": {}, "selection": {"families": [asked]}}
    job = Job(decides, {}, trained, {"d": Path("d")}, "strict", 1, 60, (chooser,))
    stage = {"python": 1}
    plan = SimpleNamespace(
        job=job,
        seeds={"final": stage, "final, selection by xgboost": {**stage, "seed": 5}},
        forced={},
        active=SimpleNamespace(level="strict"),
        judged=None,
    )
    made = {
        "effective": {"final": {**ASKED, "seed": 5, **effective}},
        "rounds": {"final": 40},
    }
    finished = {
        "effective": {"final": {}},
        "rounds": {"final": None},
        "findings": [],
        "selection": {"models": {"xgboost": made}},
    }
    require_in_force(plan, finished)


def test_a_model_that_chooses_features_is_held_to_what_was_asked_of_it():
    judged_choice()
    judged_choice(num_boost_round=50)
    for wrong in ({"max_bin": 255}, {"seed": 6}):
        with pytest.raises(TrainingError, match="final, selection by xgboost: "):
            judged_choice(**wrong)
