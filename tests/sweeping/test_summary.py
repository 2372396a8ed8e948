"""What a sweep came to: which configuration is best, and whether seeds could have made it so."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from repro.config.resolution.resolve import Selection
from repro.errors import DeterminismError, TrainingError
from repro.sweeping.axes import parse_axes, points
from repro.sweeping.done import Done, Result
from repro.sweeping.points import Point, selected
from repro.sweeping.scored import scored
from repro.sweeping.summary import Same, best, is_seed, rows, same, unrated


def result(name, value, metric="rmse", target="fwd", task="regression", symbol=None, cut="cut"):
    return Result(
        run=name,
        folder=Path(name),
        target=target,
        task=task,
        family="ridge",
        view="cross_sectional",
        symbol=symbol,
        metrics={metric: value, "skill": -1 if value is None else -value},
        execution_key=name,
        output_digest=name,
        leakage="clean",
        reused=False,
        cut=cut,
    )


def done(number, values, found=None, error=None, twin=None):
    return Done(Point(number, values, str(values), Selection(), twin=twin), found, error)


def grid(table, **other):
    """Return points of a table: value of ``alpha`` to a number for each seed."""
    cells = [(alpha, seed, v) for alpha, row in table.items() for seed, v in enumerate(row)]
    return [
        done(n, {"alpha": alpha, "seed": seed}, result(f"{alpha}-{seed}", value, **other))
        for n, (alpha, seed, value) in enumerate(cells, start=1)
    ]


def test_a_configuration_is_the_mean_over_its_seeds_with_their_spread():
    first, second = rows(grid({0.1: [1.0, 2.0, 3.0], 0.2: [5.0, 5.0, 6.5]}), None)
    assert (first.values, first.metric, first.mean, first.spread) == ({"alpha": 0.1}, "rmse", 2, 2)
    assert (second.mean, second.spread, len(second.results)) == (5.5, 1.5, 3)


def test_the_lowest_loss_wins_and_the_highest_skill():
    table = grid({0.1: [1.0, 1.1], 0.2: [2.0, 2.1]})
    for metric in (None, "skill"):
        (one,) = best(rows(table, metric))
        assert one.row.values == {"alpha": 0.1}
        assert one.result.run == "0.1-0"
        assert one.lead == pytest.approx(1.0)
        assert one.is_clear


def test_what_has_no_such_metric_is_named_and_is_no_failure():
    table = grid({0.1: [1.0, 2.0], 0.2: [None, 3.0], 0.3: [None, None]})
    table.append(done(7, {"alpha": 0.3, "seed": 2}, error=TrainingError("no")))
    table.append(done(8, {"alpha": 0.4, "seed": 0}, error=TrainingError("no")))
    assert [(r.lacking, r.failed) for r in rows(table, "rmse")] == [(0, 0), (1, 0)]
    (one,) = unrated(table, "rmse")
    assert (one.values, one.target, one.metric) == ({"alpha": 0.3}, "fwd", "rmse")
    assert [each.run for each in one.results] == ["0.3-0", "0.3-1"]
    assert unrated(table, "skill") == ()


def test_a_lead_within_the_spread_of_either_is_not_clear():
    for table in ({0.1: [1.0, 1.0], 0.2: [1.0, 1.4]}, {0.1: [0.7, 1.2], 0.2: [1.05, 1.05]}):
        (one,) = best(rows(grid(table), None))
        assert one.row.values == {"alpha": 0.1}
        assert one.is_clear is False


def test_without_several_seeds_nothing_is_said_of_luck():
    (one,) = best(rows(grid({0.1: [1.0], 0.2: [2.0]}), None))
    assert (one.row.spread, one.is_clear) == (None, None)
    (alone,) = best(rows(grid({0.1: [1.0, 2.0]}), None))
    assert (alone.second, alone.lead, alone.is_clear) == (None, None, None)


def test_a_lead_over_seeds_that_change_nothing_is_held_against_nothing():
    (one,) = best(rows(grid({0.1: [1.0, 1.0], 0.2: [1.4, 1.4]}), None))
    assert (one.is_clear, one.is_unmoved) == (None, True)
    (one,) = best(rows(grid({0.1: [1.0, 1.0], 0.2: [1.4, 1.5]}), None))
    assert (one.is_clear, one.is_unmoved) == (True, False)
    (one,) = best(rows(grid({0.1: [1.0], 0.2: [1.4]}), None))
    assert (one.is_clear, one.is_unmoved) == (None, False)


def test_what_cannot_be_compared_has_a_best_each():
    one = grid({0.1: [1.0]}) + grid({0.1: [9.0]}, target="up", task="binary", metric="log_loss")
    for n, each in enumerate(one[:]):
        values = {**each.point.values, "target": each.result.target}
        one[n] = done(n + 1, values, each.result)
    found = best(rows(one, None))
    assert [(b.row.target, b.row.metric, b.row.mean) for b in found] == [
        ("fwd", "rmse", 1.0),
        ("up", "log_loss", 9.0),
    ]


def test_a_configuration_counts_what_failed_and_is_left_out_if_all_did():
    failed = [
        done(7, {"alpha": 0.1, "seed": 9}, error=TrainingError("no")),
        done(8, {"alpha": 0.3, "seed": 9}, error=TrainingError("no")),
        done(9, {"alpha": 0.1, "seed": 10}),
    ]
    (row,) = rows([*grid({0.1: [1.0, 2.0]}), *failed], None)
    assert (len(row.results), row.failed) == (2, 2)
    assert best(rows(failed, None)) == ()


def test_a_run_whose_bits_contradict_the_log_is_neither_counted_nor_best():
    table = grid({0.1: [1.0, 2.0], 0.2: [0.1, 3.0], 0.3: [0.2]})
    for at in (2, 4):  # the lowest of all, and the only one of its configuration
        table[at] = done(at + 1, table[at].point.values, table[at].result, DeterminismError("bits"))
    first, second = rows(table, None)
    assert (first.mean, first.failed, second.numbers, second.failed) == (1.5, 0, (3.0,), 1)
    (one,) = best((first, second))
    assert (one.row, one.second, one.result.run) == (first, second, "0.1-0")


def test_what_was_scored_on_other_rows_has_a_best_of_its_own_and_says_so():
    table = grid({0.1: [1.0, 1.1], 0.2: [2.0, 2.1]}) + grid({0.3: [0.1, 0.2]}, cut="fewer rows")
    found = rows(table, None)
    assert [row.test_set for row in found] == [1, 1, 2]
    one, other = best(found)
    assert (one.row, one.second, one.apart) == (found[0], found[1], 1)
    assert (other.row, other.second, other.lead, other.apart) == (found[2], None, None, 2)


def test_seeds_that_draw_their_folds_are_compared_with_those_that_drew_the_same():
    drawn = [
        done(n, {"alpha": alpha, "seed": seed}, result(f"{alpha}-{seed}", alpha, cut=f"cut {seed}"))
        for n, (alpha, seed) in enumerate([(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 4)], start=1)
    ]
    assert [row.test_set for row in rows(drawn, None)] == [1, 1, 2]
    once_each = dict.fromkeys(("cut 1", "cut 2", "cut 4"), "all rows")
    assert [row.test_set for row in rows(drawn, None, once_each)] == [1, 1, 1]


def test_of_runs_whose_folds_differ_the_predictions_tell_which_rows_were_scored(tmp_path):
    kind = [("symbol", "S4"), ("time", "<i8"), ("fold", "<i4"), ("target", "<f8")]
    table = np.zeros(6, dtype=[*kind, ("prediction", "<f8")])
    table["symbol"], table["time"], table["target"] = b"IBM", range(6), 0.5
    refolded, wider = table.copy(), table.astype([("symbol", "S9"), *table.dtype.descr[1:]])
    refolded["fold"], refolded["prediction"] = range(6), 7
    relabelled, moved, renamed = table.copy(), table.copy(), table.copy()
    relabelled["target"][3], moved["time"][5], renamed["symbol"][0] = 0.25, 9, b"IB"
    tables = {"a": table, "refolded": refolded, "wider": wider, "fewer": table[1:]}
    tables |= {"relabelled": relabelled, "moved": moved, "renamed": renamed}
    results = []
    for name, each in tables.items():
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "predictions.npy", each)
        found = replace(result(name, 1.0, cut=name), folder=tmp_path / name)
        results.append(done(len(results), {}, found))
    gone = replace(result("gone", 1.0, cut="gone"), folder=tmp_path / "nowhere")
    said = scored([*results, done(9, {}, gone)])
    assert said["a"] == said["refolded"] == said["wider"]
    apart = ("a", "fewer", "relabelled", "moved", "renamed", "gone")
    assert len({said[name] for name in apart}) == len(apart)


def test_runs_with_the_same_folds_are_not_read_to_compare_them():
    table = grid({0.1: [1.0, 2.0]}) + grid({0.1: [9.0]}, target="up", cut="of other labels")
    assert scored(table) == {"cut": "cut", "of other labels": "of other labels"}


def test_the_same_run_once_more_is_neither_a_rival_nor_another_seed():
    table = grid({1: [1.0, 1.1], 2: [3.0, 4.0]})
    again = [
        done(n + 4, {"alpha": 1.0, "seed": n - 1}, table[n - 1].result, twin=n) for n in (1, 2)
    ]
    first, second = rows([*table, *again], None)
    assert (first.values, second.values) == ({"alpha": 1}, {"alpha": 2})
    (one,) = best((first, second))
    assert (one.row, one.second) == (first, second)
    once_more = done(5, {"alpha": 1, "seed": 0.0}, table[0].result, twin=1)
    assert [len(row.results) for row in rows([*table, once_more], None)] == [2, 2]
    assert same([*table, *again, done(9, {"alpha": 3, "seed": 0}, table[2].result, twin=3)]) == (
        Same({"alpha": 1.0}, {"alpha": 1}),
        Same({"alpha": 3}, {"alpha": 2}),
    )
    assert same([*table, once_more, done(9, {"alpha": 3}, twin=3)]) == ()


def test_true_and_one_are_two_configurations():
    found = rows(
        [done(1, {"a": True}, result("x", 1.0)), done(2, {"a": 1}, result("y", 2.0))], None
    )
    assert len(found) == 2


@pytest.mark.parametrize(
    ("key", "is_one"),
    [
        ("seed", True),
        ("base_seed", True),
        ("reproducibility.base_seed", True),
        ("training_config.reproducibility_config.reproducibility.base_seed", True),
        ("seed_bits", False),
        ("learning_rate", False),
    ],
)
def test_a_seed_is_known_by_every_end_of_its_path(key, is_one):
    assert is_seed(key) is is_one


def test_a_symbol_brings_its_view_unless_that_is_asked_for():
    (at,) = points(parse_axes(["symbol=IBM"]))
    assert selected(Selection(), at).sets == (
        "routing.symbol=IBM",
        "routing.view=symbol_specific",
    )
    (none,) = points(parse_axes(["symbol=null"]))
    assert selected(Selection(), none).sets == (
        "routing.symbol=null",
        "routing.view=cross_sectional",
    )
    asked = Selection(sets=("routing.view=cross_sectional",))
    assert selected(asked, at).sets[-1] == "routing.symbol=IBM"
    (named,) = points(parse_axes(["target=up", "experiment=quick", "family=ridge"]))
    chosen = selected(Selection(), named)
    assert (chosen.target, chosen.experiment) == ("up", "quick")
    assert chosen.sets == ("pipeline.family=ridge",)
