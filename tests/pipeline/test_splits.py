import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.errors import InputError
from repro.pipeline.splits.fold import facts, fold_map_digest
from repro.pipeline.splits.holding_out import HoldOut, hold_out, hold_outs
from repro.pipeline.splits.proof import proof
from repro.pipeline.splits.walk_forward import walk_forward

DAY = 86_400_000_000_000
quick = settings(deadline=None, max_examples=100, database=None, derandomize=True)

plans = st.fixed_dictionaries(
    {
        "method": st.just("purged_walk_forward"),
        "folds": st.integers(1, 6),
        "initial_train_fraction": st.floats(0.2, 0.8),
        "purge": st.integers(0, 8),
        "embargo": st.integers(0, 5),
        "max_train_timestamps": st.none() | st.integers(1, 40),
        "min_train_rows": st.just(1),
        "min_test_rows": st.just(1),
        "validation_fraction": st.floats(0.01, 0.9),
    }
)


def plan(**changed):
    return {
        "method": "purged_walk_forward",
        "folds": 3,
        "initial_train_fraction": 0.4,
        "purge": 2,
        "embargo": 0,
        "max_train_timestamps": None,
        "min_train_rows": 1,
        "min_test_rows": 1,
        "validation_fraction": 0.25,
    } | changed


@st.composite
def samples(draw):
    """Return times (ascending, with gaps and repeats) and label ends of any length after them."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = draw(st.integers(40, 160))
    time = np.sort(generator.integers(0, draw(st.integers(30, 200)), rows)) * DAY
    reach = draw(st.integers(1, 12))
    return time, time + generator.integers(1, reach + 1, rows) * DAY


def drawn(times, splits):
    """Return the folds, or none where the data are too few for the plan."""
    try:
        return walk_forward(*times, splits)
    except InputError:
        return ()


@quick
@given(samples(), plans)
def test_no_training_label_reaches_a_test_row(times, splits):
    time, label_end = times
    for fold in drawn(times, splits):
        for row in fold.train.tolist():
            assert label_end[row] < time[fold.test].min()


@quick
@given(samples(), plans)
def test_no_moment_lies_in_two_test_folds_or_in_training_and_test(times, splits):
    time, _ = times
    seen = set()
    for fold in drawn(times, splits):
        moments = set(time[fold.test].tolist())
        assert not moments & seen
        assert not moments & set(time[fold.train].tolist())
        seen |= moments


@quick
@given(samples(), plans)
def test_purge_and_embargo_leave_their_gap_of_moments(times, splits):
    time, label_end = times
    moments = sorted(set(time.tolist()))
    for fold in drawn(times, splits):
        begin = moments.index(fold.test_start)
        gap = begin - 1 - moments.index(fold.train_end)
        assert gap >= splits["purge"] + splits["embargo"]
        assert label_end[fold.train].max() < moments[begin - splits["embargo"]]


@quick
@given(samples(), plans)
def test_test_blocks_follow_each_other_and_differ_by_at_most_one_moment(times, splits):
    time, _ = times
    folds = drawn(times, splits)
    if folds:
        sizes = [len(set(time[fold.test].tolist())) for fold in folds]
        assert max(sizes) - min(sizes) <= 1
        assert sizes == sorted(sizes, reverse=True)
        tested = np.concatenate([fold.test for fold in folds])
        assert tested.tolist() == list(range(tested[0], len(time)))


@quick
@given(samples(), plans)
def test_a_limited_training_is_the_newest_part_of_the_whole(times, splits):
    time, _ = times
    limited = drawn(times, splits)
    whole = drawn(times, splits | {"max_train_timestamps": None})
    for part, full in zip(limited, whole, strict=bool(limited)):
        assert part.train.tolist() == full.train[len(full.train) - len(part.train) :].tolist()
        if splits["max_train_timestamps"] is not None:
            assert len(set(time[part.train].tolist())) <= splits["max_train_timestamps"]


@quick
@given(samples(), plans)
def test_the_proof_holds_for_what_was_cut(times, splits):
    folds = drawn(times, splits)
    found = proof(folds, *times, {}, splits)
    assert found["holds"]
    assert len(found["folds"]) == len(folds)


def test_the_proof_fails_for_one_row_too_many_and_for_a_moment_tested_twice():
    time = np.arange(30, dtype=np.int64) * DAY
    label_end = time + 2 * DAY
    folds = list(walk_forward(time, label_end, plan()))
    late = dataclasses.replace(folds[1], train=np.append(folds[1].train, folds[1].test[0] - 1))
    found = proof([folds[0], late, folds[2]], time, label_end, {}, plan())
    assert [fold["meeting_rows"] for fold in found["folds"]] == [0, 1, 0]
    assert (found["found"]["labels_apart"], found["found"]["training_first"]) == (False, False)
    assert not found["holds"]
    again = proof([*folds, folds[0]], time, label_end, {}, plan())
    assert (again["holds"], again["found"]["test_times_in_one_fold"]) == (False, False)


def test_a_daily_series_is_cut_as_the_page_says():
    time = np.arange(20, dtype=np.int64) * DAY
    folds = walk_forward(time, time + 2 * DAY, plan(embargo=1))
    assert [fold.test.tolist() for fold in folds] == [
        [8, 9, 10, 11],
        [12, 13, 14, 15],
        [16, 17, 18, 19],
    ]
    assert [fold.train.tolist()[-1] for fold in folds] == [4, 8, 12]
    assert (folds[1].train_start, folds[1].train_end) == (0, 8 * DAY)
    assert (folds[1].test_start, folds[1].test_end) == (12 * DAY, 15 * DAY)


def test_a_purge_shorter_than_the_labels_still_lets_none_through():
    time = np.arange(20, dtype=np.int64) * DAY
    folds = walk_forward(time, time + 5 * DAY, plan(purge=0))
    assert [fold.train.tolist()[-1] for fold in folds] == [2, 6, 10]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"min_train_rows": 7}, "fold 1 has 6 training rows; `min_train_rows` asks for 7"),
        ({"min_test_rows": 5}, "fold 1 has 4 test rows; `min_test_rows` asks for 5"),
        ({"folds": 13}, "12 of 20 distinct times remain for 13 test blocks"),
        ({"purge": 8}, "fold 1 has 0 training rows"),
        ({"embargo": 30}, "fold 1 has 0 training rows"),
    ],
)
def test_too_few_rows_are_refused_with_the_count_and_the_knob(changed, said):
    time = np.arange(20, dtype=np.int64) * DAY
    with pytest.raises(InputError, match=said):
        walk_forward(time, time + DAY, plan(**changed))


def test_the_fold_map_digest_moves_with_every_row_and_never_by_itself():
    time = np.arange(30, dtype=np.int64) * DAY
    label_end = time + 2 * DAY
    folds = walk_forward(time, label_end, plan())
    digest = fold_map_digest(folds, 30)
    assert digest == fold_map_digest(walk_forward(time, label_end, plan()), 30)
    fewer = dataclasses.replace(folds[0], train=folds[0].train[1:])
    moved = [
        fold_map_digest(folds, 31),
        fold_map_digest(folds[:2], 30),
        fold_map_digest((fewer, *folds[1:]), 30),
        fold_map_digest(walk_forward(time, label_end, plan(embargo=1)), 30),
    ]
    assert len({digest, *moved}) == 5


def cuts(times, splits):
    """Return the training rows of each fold, and of all, with how they are cut for a stop."""
    everything = np.arange(len(times[0]))
    found = []
    for rows in (*(fold.train for fold in drawn(times, splits)), everything):
        try:
            found.append((rows, hold_out("final", *times, rows, splits)))
        except InputError:
            continue
    return found


@quick
@given(samples(), plans)
def test_the_rows_held_out_are_all_rows_of_the_newest_training_times(times, splits):
    time, _ = times
    for rows, cut in cuts(times, splits):
        moments = sorted(set(time[rows].tolist()))
        newest = moments[len(moments) - int(len(moments) * splits["validation_fraction"]) :]
        assert cut.validation.tolist() == [row for row in rows.tolist() if time[row] in newest]
        assert cut.validation.tolist()


@quick
@given(samples(), plans)
def test_no_label_that_is_fitted_to_reaches_a_row_held_out(times, splits):
    time, label_end = times
    for rows, cut in cuts(times, splits):
        moments = sorted(set(time[rows].tolist()))
        begin = moments.index(time[cut.validation].min())
        assert label_end[cut.fit].max() < time[cut.validation].min()
        assert time[cut.fit].max() < time[cut.validation].min()  # one moment, one side
        gap = begin - 1 - moments.index(time[cut.fit].max())
        assert gap >= splits["purge"] + splits["embargo"]
        assert set(cut.fit.tolist()) <= set(rows.tolist())


@quick
@given(samples(), plans)
def test_no_row_is_left_out_that_might_have_been_fitted_to(times, splits):
    time, label_end = times
    for rows, cut in cuts(times, splits):
        moments = sorted(set(time[rows].tolist()))
        begin = moments.index(time[cut.validation].min())
        neither = set(rows.tolist()) - set(cut.fit.tolist()) - set(cut.validation.tolist())
        for row in neither:
            near = moments.index(time[row]) >= begin - splits["purge"] - splits["embargo"]
            assert near or label_end[row] >= moments[begin - splits["embargo"]]


@quick
@given(samples(), plans)
def test_the_proof_covers_what_is_held_out(times, splits):
    folds = drawn(times, splits)
    held = {f"stage {n}": cut for n, (_, cut) in enumerate(cuts(times, splits))}
    found = proof(folds, *times, held, splits)
    assert found["holds"]
    assert len(found.get("validation", [])) == len(held)


def test_the_proof_fails_for_a_label_that_reaches_the_rows_held_out():
    time = np.arange(30, dtype=np.int64) * DAY
    label_end = time + 2 * DAY
    folds = walk_forward(time, label_end, plan())
    good = hold_out("final", time, label_end, np.arange(30), plan())
    assert (good.fit[-1], good.validation[0]) == (20, 23)
    late = HoldOut(np.append(good.fit, 21), good.validation)
    both = HoldOut(good.fit, np.append(good.validation, 3))
    for cut in (late, both):
        found = proof(folds, time, label_end, {"fold 1": good, "final": cut}, plan())
        assert [line["holds"] for line in found["validation"]] == [True, False]
        assert not found["holds"]
    assert "validation" not in proof(folds, time, label_end, {}, plan())


def test_a_daily_series_is_held_out_as_the_page_says():
    time = np.arange(20, dtype=np.int64) * DAY
    cut = hold_out("final", time, time + 2 * DAY, np.arange(3, 15), plan(embargo=1))
    assert cut.validation.tolist() == [12, 13, 14]
    assert cut.fit.tolist() == [3, 4, 5, 6, 7, 8]


def test_each_stage_is_cut_by_its_own_times():
    time = np.arange(20, dtype=np.int64) * DAY
    rows = {"fold 1": np.arange(8), "final": np.arange(20)}
    found = hold_outs(rows, time, time + DAY, plan())
    assert {name: cut.validation.tolist() for name, cut in found.items()} == {
        "fold 1": [6, 7],
        "final": [15, 16, 17, 18, 19],
    }


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"validation_fraction": 0.04}, "final: of 20 training times, `validation_fraction` 0.04"),
        ({"min_train_rows": 14}, "final has 13 rows to fit to; `min_train_rows` asks for 14"),
        ({"min_test_rows": 6}, "final has 5 rows to stop early by; `min_test_rows` asks for 6"),
        ({"purge": 15}, "final has 0 rows to fit to"),
        ({"validation_fraction": 0.95}, "final has 0 rows to fit to"),
    ],
)
def test_too_few_rows_to_stop_early_are_refused_with_the_count_and_the_knob(changed, said):
    time = np.arange(20, dtype=np.int64) * DAY
    with pytest.raises(InputError, match=said) as caught:
        hold_out("final", time, time + DAY, np.arange(20), plan(**changed))
    assert "do not stop early" in str(caught.value.hint)


def test_boundaries_of_rows_without_times_are_numbers_of_rows():
    time = np.arange(40, dtype=np.int64)
    (fold,) = walk_forward(time, time + 1, plan(folds=1, purge=1))
    known = facts(fold, timed=False)
    first, last = known["test_start"], known["test_end"]
    assert (first, last) == (f"row {fold.test[0]}", "row 39")
    (line,) = proof((fold,), time, time + 1, {}, plan(), timed=False)["folds"]
    assert line["min_test_time"] == first
