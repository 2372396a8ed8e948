"""Folds by group: by symbol, by a column, and with time cut as well."""

import numpy as np
import pytest

from repro.errors import InputError
from repro.pipeline.panel import build_panel
from repro.pipeline.samples import Samples
from repro.pipeline.splits.fold import facts
from repro.pipeline.splits.grouped import Grouping, grouped, grouping
from repro.pipeline.splits.proof import proof

from .split_panels import DAY


def plan(**changed):
    return {
        "method": "grouped",
        "folds": 2,
        "purge": 1,
        "embargo": 0,
        "group_column": None,
        "time_blocks": None,
        "min_train_rows": 1,
        "min_test_rows": 1,
        "validation_fraction": 0.25,
    } | changed


def square(symbols, days):
    """Return time, label ends of a day and symbol of a panel without gaps."""
    time = np.repeat(np.arange(days, dtype=np.int64), symbols) * DAY
    return time, time + DAY, np.tile(np.arange(symbols), days)


def panel_and_samples(groups, symbols=("A", "B", "C"), days=4, kept=slice(None)):
    """Return a panel with a column of groups, (symbols, days), and samples of some of its rows."""
    count = len(symbols)
    symbol = np.repeat(np.arange(count, dtype=np.int32), days)
    time = np.tile(np.arange(days, dtype=np.int64) * DAY, count)
    columns = {"sector": np.array(groups, dtype=np.int64).reshape(-1), "x": time / DAY}
    panel = build_panel(tuple(symbols), symbol, time, columns)
    rows = np.lexsort((symbol, time))[kept]
    samples = Samples(
        X=np.zeros((len(rows), 1)),
        y=np.zeros(len(rows)),
        time=panel.time[rows],
        label_end=panel.time[rows],
        symbol=panel.symbol[rows],
        symbols=panel.symbols,
        names=("x",),
        dropped={},
    )
    return panel, samples


def test_without_blocks_of_time_every_other_group_trains_and_the_proof_says_what_that_means():
    time, label_end, symbol = square(3, 8)
    groups = Grouping(symbol, one_series=False)
    folds = grouped(time, label_end, groups, plan())
    assert [sorted(set(symbol[fold.test].tolist())) for fold in folds] == [[0, 2], [1]]
    assert [len(fold.train) for fold in folds] == [8, 16]
    assert [facts(fold)["test_groups"] for fold in folds] == [2, 1]
    found = proof(folds, time, label_end, {}, plan(), groups)
    assert found["holds"]
    assert "labels_apart" not in found["promised"]
    assert found["found"] == {
        "rows_apart": True,
        "labels_apart": False,
        "training_first": False,
        "test_times_in_one_fold": False,
        "test_rows_in_one_fold": True,
        "every_row_tested": True,
        "groups_apart": True,
        "test_groups_in_one_fold": True,
    }
    assert [line["meeting_rows"] for line in found["folds"]] == [8, 16]
    assert [line["shared_groups"] for line in found["folds"]] == [0, 0]


def test_with_blocks_of_time_no_other_group_trains_near_the_test():
    time, label_end, symbol = square(2, 8)
    groups = Grouping(symbol, one_series=False)
    splits = plan(time_blocks=2, embargo=1)
    folds = grouped(time, label_end, groups, splits)
    days = [(time[fold.test] // DAY).tolist() for fold in folds]
    assert days == [[0, 1, 2, 3], [0, 1, 2, 3], [4, 5, 6, 7], [4, 5, 6, 7]]
    assert [(time[fold.train] // DAY).tolist() for fold in folds] == [[6, 7]] * 2 + [[0, 1]] * 2
    assert [set(symbol[fold.test].tolist()) for fold in folds] == [{0}, {1}, {0}, {1}]
    found = proof(folds, time, label_end, {}, splits, groups)
    assert found["holds"]
    assert "labels_apart" in found["promised"]
    assert "test_groups_in_one_fold" not in found["promised"]
    assert not found["found"]["test_times_in_one_fold"]


def test_one_block_purges_around_groups_that_lie_apart_in_time():
    time = np.arange(12, dtype=np.int64) * DAY
    group = np.repeat([0, 1, 0, 1], 3)
    splits = plan(time_blocks=1)
    folds = grouped(time, time + DAY, Grouping(group, one_series=False), splits)
    assert [fold.test.tolist() for fold in folds] == [[0, 1, 2, 6, 7, 8], [3, 4, 5, 9, 10, 11]]
    assert [fold.train.tolist() for fold in folds] == [[4, 10, 11], [0, 1, 7]]


def test_in_a_single_series_labels_that_reach_into_another_group_do_not_train():
    time = np.arange(12, dtype=np.int64) * DAY
    groups = Grouping(np.repeat([0, 1], 6), one_series=True)
    folds = grouped(time, time + 2 * DAY, groups, plan())
    assert [fold.train.tolist() for fold in folds] == [[8, 9, 10, 11], [0, 1, 2, 3]]
    found = proof(folds, time, time + 2 * DAY, {}, plan(), groups)
    assert found["holds"]
    assert "labels_apart" in found["promised"]


def test_a_symbol_that_was_not_there_yet_makes_no_empty_fold():
    time, label_end, symbol = square(3, 8)
    there = (symbol < 2) | (time >= 4 * DAY)
    groups = Grouping(symbol[there], one_series=False)
    folds = grouped(time[there], label_end[there], groups, plan(folds=3, time_blocks=2))
    assert [fold.index for fold in folds] == [0, 1, 2, 3, 4]
    assert [set(symbol[there][fold.test].tolist()) for fold in folds] == [{0}, {1}, {0}, {1}, {2}]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"folds": 4}, "3 groups cannot be dealt to 4 folds"),
        ({"time_blocks": 9}, "8 distinct times cannot be cut into 9 blocks"),
        ({"time_blocks": 1}, "fold 1 has 0 training rows"),
        ({"min_train_rows": 9}, "fold 1 has 8 training rows; `min_train_rows` asks for 9"),
        ({"min_test_rows": 9}, "fold 2 has 8 test rows; `min_test_rows` asks for 9"),
    ],
)
def test_too_few_are_refused_with_the_count_and_the_knob(changed, said):
    time, label_end, symbol = square(3, 8)
    with pytest.raises(InputError, match=said) as caught:
        grouped(time, label_end, Grouping(symbol, one_series=False), plan(**changed))
    if changed == {"time_blocks": 1}:
        assert str(caught.value.hint).startswith("set `time_blocks` to 2 or more")


# --- which group a row is of ---------------------------------------------------------------------


def test_only_this_method_has_groups():
    assert grouping(*panel_and_samples([[1] * 4] * 3), plan(method="k_fold")) is None


def test_a_symbol_is_a_group_unless_a_column_says_so():
    panel, samples = panel_and_samples([[5] * 4, [-3] * 4, [5] * 4])
    own = grouping(panel, samples, plan())
    assert own.of.tolist() == samples.symbol.tolist()
    assert not own.one_series
    sectors = grouping(panel, samples, plan(group_column="sector"))
    assert sectors.of.tolist() == [1, 0, 1] * 4


def test_the_value_of_a_row_is_its_own_where_rows_were_left_out():
    groups = [[10, 20, 20, 30]]
    panel, samples = panel_and_samples(groups, ("-",), kept=[0, 2, 3])
    found = grouping(panel, samples, plan(group_column="sector"))
    assert (found.of.tolist(), found.one_series) == ([0, 1, 2], True)


def test_a_symbol_in_two_groups_is_refused_by_name():
    panel, samples = panel_and_samples([[5] * 4, [5, 5, 7, 7], [5] * 4])
    with pytest.raises(InputError, match="the symbol B has rows in two groups, sector 5 and 7"):
        grouping(panel, samples, plan(group_column="sector"))


@pytest.mark.parametrize("name", ["x", "nowhere"])
def test_a_column_that_is_none_of_whole_numbers_is_refused(name):
    with pytest.raises(InputError, match="is no column of whole numbers"):
        grouping(*panel_and_samples([[5] * 4] * 3), plan(group_column=name))
