"""Groups of replicates: each verdict, the seed that was lucky, and what does not count."""

from pathlib import Path

import pytest

from repro.runs.group import judge
from repro.runs.sealed import Run
from repro.runs.variance import Stability

RULE = Stability("replicate", False, 3, 0.95, 500, 2, 0.1)


def run(number, value, **other):
    """Return a run whose seed and place in the log are its number."""
    fields = {"seed": number, "bits": f"bits {number}", "level": "strict", "execution": number}
    fields |= other
    snapshot = {
        "task": "regression",
        "target": "fwd",
        "family": "lightgbm",
        "view": "cross_sectional",
        "symbol": None,
        "level": fields["level"],
        "incomplete": [],
        "metrics": {"rmse": value, "skill": None if value is None else 1.0 - value},
        "output_digest": fields["bits"],
        "comparison_group": {
            "train_seed": fields["seed"],
            "execution_key": f"key {fields['execution']}",
            "replicate_key": "k",
        },
        "log": {"plan": number},
    }
    return Run(f"run-{number}", Path("nowhere"), snapshot)


def judged(*runs, importance=None, seed=None, rule=RULE, gone=()):
    return judge("k", runs, importance or {}, rule, seed, gone=gone)


@pytest.mark.parametrize(
    ("values", "verdict", "status"),
    [
        ((1.0, 1.01), "too few", 1),
        ((1.0, 1.02, 1.01, 1.03), "stable", 0),
        ((1.0, 1.02, 1.2), "diverged", 1),
        ((1.0, None, 1.01), "diverged", 1),
        ((1.0, float("nan"), 1.01), "diverged", 1),
        (tuple(1.0 + n / 1000 for n in range(8)), "drifting", 1),
    ],
)
def test_the_verdict_follows_the_headline_metric(values, verdict, status):
    group = judged(*(run(n, value) for n, value in enumerate(values, 1)))
    assert (group.verdict, group.exit_status) == (verdict, status)


def test_runs_that_are_gone_are_part_of_what_led_to_the_verdict():
    runs = [run(n, 1.0 + n / 1000) for n in (1, 3, 2)]
    assert "in the log" not in judged(*runs).reason
    group = judged(*runs, gone=["a"])
    assert group.reason.endswith("; 1 completed run of this key in the log is not in RESULTS")
    group = judged(*runs[:1], gone=["a", "b"])
    assert group.reason == (
        "1 where 3 are needed; 2 completed runs of this key in the log are not in RESULTS"
    )
    assert group.gone == ("a", "b")


def test_the_same_bits_under_every_seed_are_said_to_be_so():
    group = judged(*(run(n, 1.0, bits="same") for n in range(1, 4)))
    assert (group.verdict, group.exit_status) == ("bit-identical", 0)
    assert group.drift is None


def test_other_bits_under_one_execution_key_are_an_alarm_whatever_else_holds():
    runs = [run(1, 1.0), run(2, 1.0), run(3, 1.0, seed=1, execution=1)]
    group = judged(*runs)
    assert (group.verdict, group.exit_status) == ("BROKEN", 5)
    assert "key 1" in group.reason
    runs[2] = run(3, 1.0, seed=1, execution=1, level="best-effort")
    assert judged(*runs).verdict == "too few"


def test_of_a_seed_the_newest_run_counts_and_best_effort_never():
    runs = [run(1, 9.0, seed=5), run(2, 1.0, seed=5), run(3, 1.0), run(4, 1.01)]
    group = judged(*runs, run(5, 7.0, level="best-effort"))
    assert group.runs == ("run-2", "run-3", "run-4")
    assert (group.left_out, group.seeds) == (2, (5, 3, 4))
    assert [one.mean for one in group.metrics if one.metric == "rmse"] == [pytest.approx(3.01 / 3)]


def test_replicates_of_one_seed_all_count_where_the_seed_is_part_of_the_key():
    rule = Stability("strict", False, 2, 0.95, 500, 2, 0.1)
    group = judged(run(1, 1.0, seed=5, bits="a"), run(2, 1.0, seed=5, bits="a"), rule=rule)
    assert (group.verdict, group.runs) == ("bit-identical", ("run-1", "run-2"))


@pytest.mark.parametrize(
    ("seed", "rank", "better"), [(None, 3, False), (2, 1, True), (4, 3, False), (3, 4, False)]
)
def test_a_seed_has_its_place_among_the_replicates_and_ties_are_no_luck(seed, rank, better):
    values = {1: 1.02, 2: 1.0, 3: 1.03, 4: 1.02}
    luck = judged(*(run(n, value) for n, value in values.items()), seed=seed).luck
    assert (luck.seed, luck.rank, luck.of) == (seed or 1, rank, 4)
    assert luck.better_than_mean is better


def test_a_seed_that_is_none_of_them_has_no_place():
    assert judged(run(1, 1.0), run(2, 1.1), run(3, 1.2), seed=99).luck is None


def test_importance_is_compared_by_the_most_important_and_by_the_order_of_all():
    shares = {
        "run-1": {"a": 0.5, "b": 0.3, "c": 0.2},
        "run-2": {"a": 0.5, "b": 0.3, "c": 0.2},
        "run-3": {"a": 0.2, "b": 0.3, "c": 0.5},
    }
    found = judged(*(run(n, 1.0) for n in range(1, 4)), importance=shares).agreement
    assert (found.pairs, found.top_features) == (3, 2)
    assert found.jaccard == pytest.approx((1 + 1 / 3 + 1 / 3) / 3)
    assert found.jaccard_least == pytest.approx(1 / 3)
    assert (found.tau, found.tau_least) == (pytest.approx(-1 / 3), -1.0)


def test_importance_of_one_run_alone_is_compared_with_nothing():
    shares = {"run-1": {"a": 1.0}}
    assert judged(run(1, 1.0), run(2, 1.0), importance=shares).agreement is None
