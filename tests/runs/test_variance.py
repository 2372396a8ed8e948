import pytest

from repro.runs.sealed import Run
from repro.runs.variance import spread_of

CONFIG = {"values": [{"path": "identity_config.stability.min_snapshots", "value": 3}]}


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
    found = spread_of(run(1, 1.00), run(2, 1.05), OTHERS, CONFIG)
    assert found.verdict == "within variance"
    assert (found.count, found.low, found.high) == (3, 1.00, 1.05)


def test_a_difference_beyond_the_range_is_outside():
    assert spread_of(run(1, 1.0), run(2, 1.06), OTHERS, CONFIG).verdict == "outside variance"


def test_the_two_runs_do_not_count_among_their_own_judges():
    group = [run(1, 0.0), run(2, 9.0), *OTHERS[:2]]
    found = spread_of(run(1, 0.0), run(2, 9.0), group, CONFIG)
    assert (found.verdict, found.count) == ("too few replicates", 2)


def test_the_same_seed_again_is_not_another_replicate():
    group = [run(3, 1.0), run(3, 1.0), run(3, 1.0)]
    found = spread_of(run(1, 1.0), run(2, 1.0), group, CONFIG)
    assert found.count == 1


def test_a_number_that_the_configuration_does_not_hold_is_our_own_mistake():
    with pytest.raises(StopIteration):
        spread_of(run(1, 1.0), run(2, 1.0), [], {"values": []})
