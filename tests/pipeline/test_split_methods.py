"""Every method of cutting, held against every pair of rows and against scikit-learn."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold, KFold, TimeSeriesSplit

from repro.errors import InputError
from repro.pipeline.splits.cutting import cut
from repro.pipeline.splits.fold import fold_map_digest
from repro.pipeline.splits.grouped import Grouping
from repro.pipeline.splits.holding_out import hold_out
from repro.pipeline.splits.proof import proof

from .split_panels import DAY, KINDS, cases, dealt, folds_of, meeting, near, truths

quick = settings(deadline=None, max_examples=25, database=None, derandomize=True)
every_kind = pytest.mark.parametrize("kind", KINDS)
BASE = {
    "folds": 4,
    "purge": 0,
    "embargo": 0,
    "min_train_rows": 1,
    "min_test_rows": 1,
    "validation_fraction": 0.25,
}


def k_fold(**changed):
    return {**BASE, "method": "k_fold", "shuffled": False, **changed}


def grouped(**changed):
    return {**BASE, "method": "grouped", "group_column": None, "time_blocks": None, **changed}


def in_time(rows, splits):
    """Return whether training keeps clear of the test in time too."""
    alone = len(np.unique(rows.symbol)) == 1
    return splits["method"] != "grouped" or splits["time_blocks"] is not None or alone


def grouping(rows, splits):
    return rows.grouping if splits["method"] == "grouped" else None


@every_kind
def test_no_training_window_meets_a_test_row_wherever_the_method_promises_it(kind):
    @quick
    @given(cases(kind))
    def check(case):
        rows, splits, folds = case
        for fold in folds:
            if in_time(rows, splits):
                assert not meeting(rows)[np.ix_(fold.train, fold.test)].any()
            if splits["method"] == "grouped":
                assert not set(rows.group[fold.train]) & set(rows.group[fold.test])
                alone = len(set(rows.symbol.tolist())) == 1
                assert alone or not set(rows.symbol[fold.train]) & set(rows.symbol[fold.test])

    check()


@pytest.mark.parametrize("kind", ["purged_walk_forward", "k_fold", "shuffled"])
def test_no_moment_lies_in_two_test_folds_of_a_method_that_cuts_by_time_alone(kind):
    @quick
    @given(cases(kind))
    def check(case):
        rows, _, folds = case
        seen = set()
        for fold in folds:
            moments = set(rows.time[fold.test].tolist())
            assert not moments & seen
            assert not moments & set(rows.time[fold.train].tolist())
            seen |= moments

    check()


@every_kind
def test_every_usable_row_is_tested_once_but_for_those_that_a_walk_forward_starts_from(kind):
    @quick
    @given(cases(kind))
    def check(case):
        rows, _, folds = case
        tested = sorted(row for fold in folds for row in fold.test.tolist())
        assert len(tested) == len(set(tested))
        if kind != "purged_walk_forward":
            assert tested == list(range(len(rows.time)))

    check()


@pytest.mark.parametrize("kind", KINDS[1:])
def test_exactly_the_rows_train_that_the_rule_leaves(kind):
    """Of a walk forward tests/pipeline/test_splits.py says which."""

    @quick
    @given(cases(kind))
    def check(case):
        rows, splits, folds = case
        too_near = near(rows, splits["purge"], splits["embargo"])
        fold_of = dealt(rows, splits["folds"])
        for fold in folds:
            test, others = fold.test.tolist(), set(range(len(rows.time)))
            if splits["method"] == "grouped":
                (number,) = {fold_of[group] for group in rows.group[test].tolist()}
                others = {row for row in others if fold_of[rows.group[row]] != number}
            if in_time(rows, splits):
                others = {row for row in others if not too_near[row, test].any()}
            assert set(fold.train.tolist()) == others

    check()


@every_kind
def test_the_proof_finds_what_every_pair_of_rows_says_of_sound_folds_and_of_others(kind):
    @quick
    @given(cases(kind), st.data())
    def check(case, data):
        rows, splits, folds = case
        groups = grouping(rows, splits)
        found = proof(folds, rows.time, rows.label_end, {}, splits, groups)
        assert found["found"] == truths(rows, folds, groups is not None)
        assert found["holds"]
        assert ("labels_apart" in found["promised"]) == in_time(rows, splits)
        number = data.draw(st.integers(0, len(folds) - 1))
        row = data.draw(st.integers(0, len(rows.time) - 1))
        side = data.draw(st.sampled_from(["train", "test"]))
        kept = np.union1d(getattr(folds[number], side), [row])
        changed = dataclasses.replace(folds[number], **{side: kept})
        folds = (*folds[:number], changed, *folds[number + 1 :])
        found = proof(folds, rows.time, rows.label_end, {}, splits, groups)
        wanted = truths(rows, folds, groups is not None)
        assert found["found"] == wanted
        assert found["holds"] == all(wanted[name] for name in found["promised"])

    check()


@every_kind
def test_what_is_held_out_is_newer_than_every_label_that_is_fitted_to(kind):
    @quick
    @given(cases(kind))
    def check(case):
        rows, splits, folds = case
        for fold in folds:
            try:
                held = hold_out("fold", rows.time, rows.label_end, fold.train, splits)
            except InputError:
                continue
            assert rows.label_end[held.fit].max() < rows.time[held.validation].min()
            inside = set(held.fit.tolist()) | set(held.validation.tolist())
            assert inside <= set(fold.train.tolist())
            newest = sorted(set(rows.time[fold.train].tolist()))
            newest = newest[len(newest) - int(len(newest) * splits["validation_fraction"]) :]
            assert set(rows.time[held.validation].tolist()) == set(newest)

    check()


@every_kind
def test_the_folds_depend_on_the_rows_and_not_on_their_order(kind):
    @quick
    @given(cases(kind), st.integers(0, 2**32 - 1))
    def check(case, seed):
        rows, splits, here = case
        order = np.random.default_rng(seed).permutation(len(rows.time))
        there = [
            dataclasses.replace(
                fold, train=np.sort(order[fold.train]), test=np.sort(order[fold.test])
            )
            for fold in folds_of(rows.reordered(order), splits)
        ]
        assert fold_map_digest(there, len(order)) == fold_map_digest(here, len(order))

    check()


# --- scikit-learn --------------------------------------------------------------------------------


def pairs(folds):
    return [(fold.train.tolist(), fold.test.tolist()) for fold in folds]


def peer(splitter, count, groups=None):
    return [(a.tolist(), b.tolist()) for a, b in splitter.split(np.zeros(count), groups=groups)]


@pytest.mark.parametrize(("count", "folds"), [(20, 4), (23, 4), (7, 7), (101, 10)])
def test_without_purge_and_labels_of_no_length_it_is_k_fold(count, folds):
    time = np.arange(count, dtype=np.int64) * DAY
    assert pairs(cut(time, time, k_fold(folds=folds))) == peer(KFold(folds), count)


@pytest.mark.parametrize(("sizes", "folds"), [((9, 2, 14, 5), 2), ((3, 30, 7, 8, 12, 1), 3)])
def test_groups_of_different_sizes_are_dealt_as_group_k_fold_does(sizes, folds):
    group = np.repeat(np.arange(len(sizes)), sizes)
    group = np.random.default_rng(3).permutation(group)
    time = np.arange(len(group), dtype=np.int64) % 11 * DAY
    found = cut(time, time, grouped(folds=folds), Grouping(group, one_series=False))
    wanted = peer(GroupKFold(folds), len(group), group)
    assert sorted(pairs(found)) == sorted(wanted)


@pytest.mark.parametrize(("purge", "embargo", "newest"), [(0, 0, None), (2, 1, None), (1, 2, 9)])
def test_a_walk_forward_is_a_time_series_split_with_a_gap(purge, embargo, newest):
    time = np.arange(40, dtype=np.int64) * DAY
    splits = {
        **BASE,
        "method": "purged_walk_forward",
        "purge": purge,
        "embargo": embargo,
        "initial_train_fraction": 0.5,
        "max_train_timestamps": newest,
    }
    theirs = TimeSeriesSplit(4, test_size=5, gap=purge + embargo, max_train_size=newest)
    assert pairs(cut(time, time, splits)) == peer(theirs, 40)
