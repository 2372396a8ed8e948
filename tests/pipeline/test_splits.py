import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.errors import InputError
from repro.pipeline.splits import fold_map_digest, proof, walk_forward

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
    found = proof(folds, *times)
    assert found["holds"]
    assert len(found["folds"]) == len(folds)


def test_the_proof_fails_for_one_row_too_many_and_for_a_moment_tested_twice():
    time = np.arange(30, dtype=np.int64) * DAY
    label_end = time + 2 * DAY
    folds = list(walk_forward(time, label_end, plan()))
    late = dataclasses.replace(folds[1], train=np.append(folds[1].train, folds[1].test[0] - 1))
    found = proof([folds[0], late, folds[2]], time, label_end)
    assert [fold["holds"] for fold in found["folds"]] == [True, False, True]
    assert not found["holds"]
    again = proof([*folds, folds[0]], time, label_end)
    assert (again["holds"], again["test_times_in_one_fold"]) == (False, False)


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
