"""Which model to use for a symbol: on the rows that both predicted, and in doubt the common one."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.pipeline import evaluation
from repro.runs.routing import CLIP, OWN, SHARED, losses, verdict
from repro.runs.table import read

RULE = {"difference_confidence": 0.9, "difference_resamples": 400, "min_common_rows": 20}


def judged(values, folds=4):
    """Return losses by time, in test folds that are blocks of it."""
    size = math.ceil(len(values) / folds)
    return {time: (time // size + 1, value) for time, value in enumerate(values)}


def written(path, rows, classes=()):
    kind = [
        ("symbol", "S4"),
        ("time", "<i8"),
        ("fold", "<i4"),
        ("target", "<f8"),
        ("prediction", "<f8", classes),
    ]
    np.save(path, np.array(rows, dtype=kind), allow_pickle=False)
    return read(path)


def test_an_own_model_that_loses_less_in_every_fold_is_used():
    found = verdict(judged([2.0] * 40), judged([1.0] * 40), RULE, 1)
    assert (found.view, found.rows, found.gain) == (OWN, 40, 0.5)
    assert (found.interval.low, found.interval.high) == (0.5, 0.5)
    assert found.reason.startswith("the loss of its own model is 50 % lower on 40 common rows")


def test_an_own_model_that_loses_more_is_not():
    found = verdict(judged([1.0] * 40), judged([2.0] * 40), RULE, 1)
    assert (found.view, found.gain) == (SHARED, -1.0)
    assert "100 % higher" in found.reason
    assert "doubt" not in found.reason


def test_what_may_be_chance_is_no_reason_to_leave_the_model_of_all():
    own = [0.5] * 10 + [1.5] * 10 + [0.2] * 10 + [1.4] * 10
    found = verdict(judged([1.0] * 40), judged(own), RULE, 1)
    assert found.gain > 0.0
    assert found.interval.low < 0.0 < found.interval.high
    assert found.view == SHARED
    assert found.reason.endswith("which may be chance: in doubt the model of all symbols")


@pytest.mark.parametrize(
    ("shared", "own", "said"),
    [
        ([1.0] * 19, [0.5] * 40, "19 test rows in common, of 20 needed"),
        ([0.0] * 40, [0.5] * 40, "no interval"),
    ],
    ids=["too few rows", "nothing is lost"],
)
def test_without_evidence_it_is_the_model_of_all(shared, own, said):
    found = verdict(judged(shared), judged(own), RULE, 1)
    assert (found.view, found.interval) == (SHARED, None)
    assert found.reason.startswith(said)
    assert found.reason.endswith("in doubt the model of all symbols")


def test_one_fold_gives_no_interval():
    found = verdict(judged([2.0] * 40), judged([1.0] * 40, folds=1), RULE, 1)
    assert (found.view, found.gain, found.interval) == (SHARED, 0.5, None)


losing = st.lists(st.floats(0.01, 10.0), min_size=20, max_size=40)


@given(losing, losing, st.integers(0, 5))
def test_it_is_used_only_if_all_of_the_interval_speaks_for_it(shared, own, seed):
    a, b = judged(shared), judged(own)
    found = verdict(a, b, RULE, seed)
    assert found == verdict(a, b, RULE, seed)
    assert found.rows == min(len(shared), len(own))
    if found.interval is not None:
        assert (found.view == OWN) == (found.interval.low > 0.0)
        assert found.interval.low <= found.interval.high


def test_losses_are_those_of_the_metrics(tmp_path):
    rows = [(b"A", 1, 1, 0.5, 0.25), (b"B", 1, 1, 1.0, 1.0), (b"A", 2, 2, -1.0, 1.0)]
    found = losses(written(tmp_path / "r.npy", rows), "regression")
    assert found == {"A": {1: (1, 0.0625), 2: (2, 4.0)}, "B": {1: (1, 0.0)}}
    rows = [(b"A", 1, 1, 1.0, 0.25), (b"A", 2, 1, 0.0, 0.25), (b"A", 3, 1, 1.0, 0.0)]
    (found,) = losses(written(tmp_path / "b.npy", rows), "binary").values()
    values = [loss for _, loss in found.values()]
    assert values == pytest.approx([-math.log(0.25), -math.log(0.75), -math.log(CLIP)])
    rows = [(b"A", 1, 1, 2.0, (0.1, 0.2, 0.7))]
    (found,) = losses(written(tmp_path / "m.npy", rows, (3,)), "multiclass").values()
    assert found[1] == (1, pytest.approx(-math.log(0.7)))
    assert evaluation.CLIP == CLIP
