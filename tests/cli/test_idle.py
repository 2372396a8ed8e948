"""A hyperparameter that is requested and has no effect: said when it is trained, and ever after."""

import pytest

pytestmark = pytest.mark.xdist_group("idle")
NEVER = "model_config.lightgbm.hyperparameters.bagging_freq=0"


@pytest.fixture(scope="module")
def two(make_desk):
    """Return a workspace with two runs that differ only in what neither uses, and what was said."""
    desk = make_desk()
    found = []
    for fraction in ("0.5", "0.9"):
        share = f"model_config.lightgbm.hyperparameters.bagging_fraction={fraction}"
        found.append(
            desk.run(
                *("train", "--family", "lightgbm", "--profile", "debug"),
                *("--set", NEVER, "--set", share),
            )
        )
    names = [line["run"] for line in desk.json("runs", "list")["runs"]]
    return desk, sorted(names), found


def test_training_says_what_is_not_used(two):
    _, _, said = two
    for ran in said:
        assert "bagging_fraction is not used while bagging_freq is 0" in ran.stderr


def test_the_snapshot_holds_what_is_idle(two):
    desk, names, _ = two
    for name in names:
        parameters = desk.snapshot(name)["parameters"]
        assert "bagging_fraction" in parameters["idle"]
        assert "learning_rate" not in parameters["idle"]
        assert set(parameters["idle"]) <= set(parameters["requested"])


def test_a_run_shows_it(two):
    desk, names, _ = two
    shown = desk.run("runs", "show", names[0]).stdout.splitlines()
    told = [line.split()[0] for line in shown if line.endswith("(requested, but idle)")]
    assert told == [
        name for name in desk.snapshot(names[0])["parameters"]["requested"] if name in told
    ]
    assert "bagging_fraction" in told


def test_the_bits_are_the_same_and_the_difference_is_known_to_be_idle(two):
    desk, names, _ = two
    answer = desk.json("diff", *names)
    assert answer["verdict"] == "same output"
    (cause,) = [c for c in answer["causes"] if c["component"]]
    assert cause["subject"] == "model_config.lightgbm.hyperparameters.bagging_fraction"
    assert cause["idle"] is True
    assert "(moves hyperparameters)  (idle on both sides)" in desk.run("diff", *names).stdout
