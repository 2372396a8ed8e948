import pytest

from repro.runs.sealed import Run
from repro.runs.variance import Stability, replicates, spread_of, stability

RULE = {"filter_mode": "replicate", "allow_legacy_snapshots": False, "min_snapshots": 3}
CONFIG = {
    "values": [{"path": f"identity_config.stability.{n}", "value": v} for n, v in RULE.items()]
}


def run(seed, rmse):
    return Run(
        f"r{seed}",
        None,
        {
            "task": "regression",
            "level": "strict",
            "metrics": {"rmse": rmse},
            "comparison_group": {"train_seed": seed},
        },
    )


OTHERS = [run(3, 1.00), run(4, 1.02), run(5, 1.05)]


def test_a_difference_within_the_range_of_the_others_is_within_variance():
    found = spread_of(run(1, 1.00), run(2, 1.05), OTHERS, 3)
    assert found.verdict == "within variance"
    assert (found.count, found.low, found.high) == (3, 1.00, 1.05)


def test_a_difference_beyond_the_range_is_outside():
    assert spread_of(run(1, 1.0), run(2, 1.06), OTHERS, 3).verdict == "outside variance"


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_a_run_without_the_metric_is_not_judged_and_a_replicate_without_it_does_not_count(value):
    for pair in ((run(1, value), run(2, 1.0)), (run(1, 1.0), run(2, value))):
        found = spread_of(*pair, OTHERS, 3)
        assert (found.verdict, found.difference, found.count) == ("no metric", None, 3)
    found = spread_of(run(1, 1.0), run(2, 1.0), [*OTHERS, run(6, value)], 4)
    assert (found.verdict, found.count, found.lacking) == ("too few replicates", 3, 1)


def test_a_run_that_does_not_have_the_metric_at_all_is_not_judged():
    lacking = run(1, 1.0)
    del lacking.snapshot["metrics"]["rmse"]
    found = spread_of(lacking, run(2, 1.0), OTHERS, 3)
    assert (found.verdict, found.difference) == ("no metric", None)


def test_the_two_runs_do_not_count_among_their_own_judges():
    group = [run(1, 0.0), run(2, 9.0), *OTHERS[:2]]
    found = spread_of(run(1, 0.0), run(2, 9.0), group, 3)
    assert (found.verdict, found.count) == ("too few replicates", 2)


def test_the_same_seed_again_is_not_another_replicate():
    group = [run(3, 1.0), run(3, 1.0), run(3, 1.0)]
    found = spread_of(run(1, 1.0), run(2, 1.0), group, 3)
    assert found.count == 1


def test_the_rule_is_read_from_the_sealed_configuration():
    assert stability(CONFIG) == Stability("replicate", False, 3)


def test_a_rule_that_the_configuration_does_not_hold_is_our_own_mistake():
    with pytest.raises(KeyError):
        stability({"values": []})


def named(name, *, replicate="a", strict="b", target="t", incomplete=()):
    group = {"replicate_key": replicate, "strict_key": strict}
    snapshot = {
        **{"target": target, "view": "cross_sectional", "symbol": None, "family": "lightgbm"},
        **{"incomplete": list(incomplete), "comparison_group": group},
    }
    return Run(name, None, snapshot)


GROUP = [
    named("itself"),
    named("seed", strict="c"),
    named("value", replicate="d", strict="e"),
    named("target", replicate="f", strict="g", target="u"),
    named("incomplete", strict="h", incomplete=["dataset"]),
    named("same"),
]


@pytest.mark.parametrize(
    ("mode", "legacy", "names"),
    [
        ("replicate", False, ["itself", "seed", "same"]),
        ("replicate", True, ["itself", "seed", "incomplete", "same"]),
        ("strict", False, ["itself", "same"]),
        ("legacy", False, ["itself", "seed", "value", "same"]),
        ("legacy", True, ["itself", "seed", "value", "incomplete", "same"]),
    ],
)
def test_which_runs_are_replicates_is_as_the_rule_says(mode, legacy, names):
    found = replicates(GROUP[0], GROUP, Stability(mode, legacy, 3))
    assert [run.name for run in found] == names
