"""What is the trainer's own: the conformance kit (see pyproject.toml) tests all the rest."""

import json

import numpy as np
import pytest
from repro_stumps import stumps

from repro.trainers.contract import Job, TrainerError

SETTINGS = {
    "rounds": 1,
    "learning_rate": 1.0,
    "min_rows": 1,
    "row_share": 1.0,
    "early_stopping_rounds": 0,
}


def job(task="regression", **changed):
    return Job(
        task=task,
        features=["a", "b"],
        parameters={**SETTINGS, **changed},
        seeds={"rows": 1},
        threads=1,
    )


def fitted(x, y, **changed):
    return stumps.fit(job(**changed), np.array(x), np.array(y), lambda done, total: None)


def test_one_stump_cuts_where_the_target_jumps():
    model = fitted([[5.0, 1.0], [5.0, 2.0], [5.0, 3.0], [5.0, 4.0]], [0.0, 0.0, 6.0, 6.0])
    (stump,) = model.stumps
    assert (model.start, stump.feature, stump.threshold) == (3.0, 1, 2.0)
    assert (stump.below, stump.above, stump.gain) == (-3.0, 3.0, 36.0)
    assert stumps.predict(model, np.array([[0.0, 2.0], [0.0, 2.5]]), 1).tolist() == [0.0, 6.0]


def test_a_missing_value_lies_above_every_cut():
    model = fitted([[0.0, 1.0], [0.0, 2.0], [0.0, np.nan], [0.0, np.nan]], [0.0, 0.0, 6.0, 6.0])
    assert stumps.predict(model, np.array([[0.0, np.nan], [0.0, 1.0]]), 1).tolist() == [6.0, 0.0]


def test_a_stump_of_a_binary_task_moves_the_log_odds_by_one_newton_step():
    model = fitted([[0.0, 1.0], [0.0, 2.0], [0.0, 3.0], [0.0, 4.0]], [0.0, 0.0, 1.0, 1.0],
                   task="binary")  # fmt: skip
    (stump,) = model.stumps
    assert (model.start, stump.below, stump.above) == (0.0, -2.0, 2.0)
    expected = 1 / (1 + np.exp(2.0))
    assert stumps.predict(model, np.array([[0.0, 1.0]]), 1) == pytest.approx([expected])


def test_a_table_without_a_cut_has_one_value_on_both_sides():
    model = fitted([[1.0, 1.0], [1.0, 1.0]], [0.0, 1.0])
    assert [(s.below, s.above) for s in model.stumps] == [(0.0, 0.0)]


def test_the_file_can_be_read_without_the_trainer(tmp_path):
    stumps.save(fitted([[0.0, 1.0], [0.0, 2.0]], [0.0, 1.0]), tmp_path / "model.json")
    said = json.loads((tmp_path / "model.json").read_text("utf-8"))
    assert said["stumps"][0]["threshold"] == 1.0


@pytest.mark.parametrize("damage", [{"family": "other"}, {"start": None}, {"stumps": [{"a": 1}]}])
def test_a_file_of_something_else_is_refused(damage, tmp_path):
    path = tmp_path / "model.json"
    stumps.save(fitted([[0.0, 1.0], [0.0, 2.0]], [0.0, 1.0]), path)
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | damage), "utf-8")
    with pytest.raises(TrainerError, match="no model of the family stumps"):
        stumps.load(path)
