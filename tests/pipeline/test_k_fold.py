"""Purged k-fold: both sides of a test, and times that a seed draws."""

import dataclasses
import struct

import blake3
import numpy as np
import pytest

from repro.errors import InputError
from repro.pipeline.splits.cutting import identity_facts
from repro.pipeline.splits.fold import Fold, fold_map_digest
from repro.pipeline.splits.k_fold import drawn, k_fold
from repro.pipeline.splits.proof import proof

from .split_panels import DAY


def plan(**changed):
    return {
        "method": "k_fold",
        "folds": 4,
        "purge": 2,
        "embargo": 1,
        "shuffled": False,
        "min_train_rows": 1,
        "min_test_rows": 1,
        "validation_fraction": 0.25,
    } | changed


def daily(count, reach):
    time = np.arange(count, dtype=np.int64) * DAY
    return time, time + reach * DAY


def test_a_daily_series_is_cut_as_the_page_says():
    folds = k_fold(*daily(20, 2), plan())
    assert [fold.test.tolist() for fold in folds] == [
        [0, 1, 2, 3, 4],
        [5, 6, 7, 8, 9],
        [10, 11, 12, 13, 14],
        [15, 16, 17, 18, 19],
    ]
    # Row 1's label ends at 3, one time before the test's first; row 13 comes one after 9's label.
    assert folds[1].train.tolist() == [0, 1, 13, 14, 15, 16, 17, 18, 19]
    assert folds[0].train.tolist() == list(range(8, 20))
    assert folds[3].train.tolist() == list(range(12))


def test_labels_longer_than_the_purge_are_kept_out_on_both_sides():
    folds = k_fold(*daily(20, 4), plan(purge=0, embargo=0))
    assert folds[1].train.tolist() == [0, 14, 15, 16, 17, 18, 19]


def test_one_moment_of_a_panel_stays_whole():
    time = np.repeat(np.arange(10, dtype=np.int64), [3, 1, 2, 3, 1, 1, 4, 1, 2, 2]) * DAY
    folds = k_fold(time, time, plan(folds=5, purge=0, embargo=0))
    assert [sorted(set((time[fold.test] // DAY).tolist())) for fold in folds] == [
        [0, 1],
        [2, 3],
        [4, 5],
        [6, 7],
        [8, 9],
    ]
    assert sum(len(fold.test) for fold in folds) == len(time)


def test_the_proof_says_how_near_training_comes_on_both_sides():
    time, label_end = daily(20, 2)
    splits = plan()
    folds = k_fold(time, label_end, splits)
    found = proof(folds, time, label_end, {}, splits)
    assert found["holds"]
    assert found["folds"][1] == {
        "fold": 2,
        "train_rows": 9,
        "test_rows": 5,
        "max_train_label_end": "1970-01-04",
        "min_test_time": "1970-01-06",
        "max_test_label_end": "1970-01-12",
        "min_train_time_after": "1970-01-14",
        "shared_rows": 0,
        "meeting_rows": 0,
    }
    assert found["folds"][0]["max_train_label_end"] is None
    assert found["folds"][3]["min_train_time_after"] is None
    for row in (3, 4, 10, 11):  # a label that ends on the test's first day, and its mirror image
        late = dataclasses.replace(folds[1], train=np.union1d(folds[1].train, [row]))
        found = proof([folds[0], late, *folds[2:]], time, label_end, {}, splits)
        assert [line["meeting_rows"] for line in found["folds"]] == [0, 1, 0, 0]
        assert not found["holds"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"folds": 21}, "20 distinct times cannot be cut into 21 folds"),
        ({"min_train_rows": 10}, "fold 2 has 9 training rows; `min_train_rows` asks for 10"),
        ({"min_test_rows": 6}, "fold 1 has 5 test rows; `min_test_rows` asks for 6"),
        ({"embargo": 10**9}, "fold 1 has 0 training rows"),
        ({"purge": 10**9}, "fold 1 has 0 training rows"),
    ],
)
def test_too_few_rows_are_refused_with_the_count_and_the_knob(changed, said):
    with pytest.raises(InputError, match=said):
        k_fold(*daily(20, 2), plan(**changed))


def test_shuffled_times_whose_labels_reach_over_each_other_leave_nothing_and_say_why():
    with pytest.raises(InputError, match="training rows") as caught:
        k_fold(*daily(40, 12), plan(shuffled=True, seed=1, purge=12, min_train_rows=5))
    assert "do not shuffle" in str(caught.value.hint)


# --- the draw ------------------------------------------------------------------------------------


def test_the_order_of_a_draw_is_the_published_one():
    assert drawn(12, 7).tolist() == [1, 0, 3, 8, 7, 2, 11, 4, 9, 6, 10, 5]
    assert drawn(12, 2**53 - 1).tolist() == [6, 0, 8, 11, 3, 1, 2, 7, 9, 4, 10, 5]


@pytest.mark.parametrize("seed", [0, 1, 2**53 - 1])
def test_the_order_of_a_draw_is_that_of_keys_that_anybody_can_make(seed):
    context = "repro-audit v1 shuffled times"
    stream = blake3.blake3(struct.pack("<Q", seed), derive_key_context=context)
    data = stream.digest(length=8 * 50)
    keys = [int.from_bytes(data[8 * n : 8 * n + 8], "little") for n in range(50)]
    assert drawn(50, seed).tolist() == sorted(range(50), key=lambda n: (keys[n], n))


def test_another_seed_draws_other_folds_under_one_identity():
    time, label_end = daily(40, 0)
    made = []
    for seed in (1, 2):
        splits = plan(shuffled=True, seed=seed, purge=0, embargo=0)
        folds = k_fold(time, label_end, splits)
        assert sorted(row for fold in folds for row in fold.test.tolist()) == list(range(40))
        assert proof(folds, time, label_end, {}, splits)["holds"]
        made.append(identity_facts(folds, time, splits))
        assert made[-1]["drawn_folds"]["fold_map"] == fold_map_digest(folds, 40)
    assert made[0]["splits"] == made[1]["splits"]
    assert made[0]["splits"] == {
        "draw": "repro-audit v1 shuffled times",
        "rows": 40,
        "times": 40,
        "folds": 4,
    }
    assert made[0]["drawn_folds"]["fold_map"] != made[1]["drawn_folds"]["fold_map"]


def test_folds_that_nobody_drew_are_identified_by_their_rows():
    time, label_end = daily(20, 2)
    folds = k_fold(time, label_end, plan())
    found = identity_facts(folds, time, plan())
    assert found.keys() == {"splits"}
    assert found["splits"]["fold_map"] == fold_map_digest(folds, 20)
    assert len(found["splits"]["folds"]) == 4


def test_the_proof_sees_a_long_label_behind_a_short_one():
    time, label_end = np.array([0, 2, 5]) * DAY, np.array([10, 3, 6]) * DAY
    early = Fold(0, np.array([2]), np.array([0, 1]), 5 * DAY, 5 * DAY, 0, 2 * DAY)
    found = proof([early], time, label_end, {}, plan())
    assert found["folds"][0]["meeting_rows"] == 1


def test_of_a_table_without_times_the_proof_speaks_of_rows():
    rows = np.arange(20, dtype=np.int64)
    splits = plan()
    folds = k_fold(rows, rows + 2, splits)
    line = proof(folds, rows, rows + 2, {}, splits, timed=False)["folds"][1]
    assert (line["max_train_label_end"], line["min_test_time"]) == ("row 3", "row 5")
    assert (line["max_test_label_end"], line["min_train_time_after"]) == ("row 11", "row 13")
    made = identity_facts(folds, rows, splits, timed=False)["splits"]
    assert (made["folds"][1]["test_start"], made["folds"][1]["test_end"]) == ("row 5", "row 9")
