"""What a trainer is given to fit to, and to stop early by."""

import json

import numpy as np
import pytest

from repro.execution.training import FINAL, Prepared, train
from repro.pipeline.samples import Samples
from repro.pipeline.splits.holding_out import hold_outs
from repro.pipeline.splits.walk_forward import walk_forward

DAY = 86_400_000_000_000
ROWS = 200
SPLITS = {
    "method": "purged_walk_forward",
    "folds": 2,
    "initial_train_fraction": 0.5,
    "purge": 2,
    "embargo": 1,
    "max_train_timestamps": None,
    "min_train_rows": 10,
    "min_test_rows": 10,
    "validation_fraction": 0.2,
}


class Recorder:
    """A family that keeps what it is given: the model is the number of its rounds."""

    EXTENSION = ".json"

    def __init__(self):
        self.given = {}

    def fit(self, job, x, y, progress):
        self.given[len(self.given)] = (x, y, job.validation)
        return 10 * len(self.given)

    def predict(self, model, x, threads):
        return x[:, 0] / 2

    def save(self, model, path):
        path.write_text(json.dumps(model))

    def load(self, path):
        return json.loads(path.read_text())

    def effective_parameters(self, model):
        return {"rounds": model}

    def rounds(self, model):
        return model

    def importance(self, model):
        return np.array([3.0, 1.0])

    def canonical_model(self, model):
        return str(model).encode()

    def canonical_parts(self, model):
        return [("all", self.canonical_model(model))]


def prepared(stops):
    generator = np.random.default_rng(5)
    time = np.arange(ROWS, dtype=np.int64) * DAY
    label_end = time + 2 * DAY
    x = np.stack([np.arange(ROWS) + 0.5, generator.normal(size=ROWS)], axis=1)
    samples = Samples(
        X=np.ascontiguousarray(x),
        y=generator.normal(size=ROWS),
        time=time,
        label_end=label_end,
        symbol=np.zeros(ROWS, dtype=np.int32),
        symbols=("A",),
        names=("row", "noise"),
        dropped={},
    )
    folds = walk_forward(time, label_end, SPLITS)
    rows = {"fold 1": folds[0].train, "fold 2": folds[1].train, FINAL: np.arange(ROWS)}
    held = hold_outs(rows if stops else {}, time, label_end, SPLITS)
    return Prepared(None, samples, folds, held, {}), rows


def trained(stops, directory, quantile=None):
    """Train; return what was given for each stage, its rows, what was ready, and what came out."""
    ready, rows = prepared(stops)
    recorder = Recorder()
    request = {
        "family": "recorder",
        "target": {"task": "regression"},
        "features": [{"name": "row"}, {"name": "noise"}],
        "parameters": {},
        "execution": {"threads": 1},
        "clipping": {"training_target_quantile": quantile},
    }
    thresholds = {"cv_score": 0.99, "training_accuracy": 0.999, "feature_target_correlation": 0.95}
    options = {"leakage": {"auto_fix_thresholds": thresholds}}
    seeds = {stage: {"python": 1, "numpy": 2} for stage in rows}
    out = train(recorder, request, options, ready, seeds, lambda *told: None, directory)
    return dict(zip(rows, recorder.given.values(), strict=True)), rows, ready, out


def row_numbers(x):
    return (x[:, 0] - 0.5).astype(int).tolist()


def test_each_stage_is_fitted_to_its_older_rows_and_may_stop_by_its_newest(tmp_path):
    given, rows, ready, out = trained(True, tmp_path)
    for stage, (x, y, (later_x, later_y)) in given.items():
        fit, later = row_numbers(x), row_numbers(later_x)
        assert later == rows[stage].tolist()[-(len(rows[stage]) // 5) :]
        assert fit == rows[stage].tolist()[: len(rows[stage]) - len(later) - 3]
        assert y.tolist() == ready.samples.y[fit].tolist()
        assert later_y.tolist() == ready.samples.y[later].tolist()
        assert all(a.flags.c_contiguous for a in (x, y, later_x, later_y))
    assert out["rounds"] == {"fold 1": 10, "fold 2": 20, "final": 30}


def test_the_metrics_of_training_are_of_the_rows_that_were_fitted_to(tmp_path):
    _, _, ready, out = trained(True, tmp_path)
    fit = ready.held[FINAL].fit
    error = ready.samples.X[fit, 0] / 2 - ready.samples.y[fit]
    assert out["training_metrics"]["rmse"] == pytest.approx(float(np.sqrt((error**2).mean())))


def test_a_family_that_does_not_stop_is_given_every_row_and_none_to_stop_by(tmp_path):
    given, rows, _, _ = trained(False, tmp_path)
    for stage, (x, _, validation) in given.items():
        assert row_numbers(x) == rows[stage].tolist()
        assert validation is None


def test_labels_are_clipped_by_the_rows_of_the_fit_alone_and_never_those_to_stop_by(tmp_path):
    given, _, ready, out = trained(True, tmp_path, quantile=0.1)
    for x, y, (later_x, later_y) in given.values():
        labels = ready.samples.y[row_numbers(x)]
        low, high = np.quantile(labels, [0.1, 0.9])
        assert (y.min(), y.max()) == (low, high)
        assert y.tolist() == np.clip(labels, low, high).tolist()
        assert later_y.tolist() == ready.samples.y[row_numbers(later_x)].tolist()
    fit = ready.held[FINAL].fit
    error = ready.samples.X[fit, 0] / 2 - ready.samples.y[fit]
    assert out["training_metrics"]["rmse"] == pytest.approx(float(np.sqrt((error**2).mean())))


def test_importance_is_told_as_each_features_share_of_the_whole(tmp_path):
    *_, out = trained(False, tmp_path)
    assert set(out["importance"]) == {"fold 1", "fold 2", FINAL}
    assert out["importance"][FINAL] == {"row": 0.75, "noise": 0.25}
