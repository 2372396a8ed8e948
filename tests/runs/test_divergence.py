"""Where a run that was done again first went another way, kind by kind."""

import copy
from dataclasses import replace

import numpy as np
import pytest

from repro.identity.parts import pack
from repro.runs.divergence import Again, Divergence, Sealed, divergences

ROW = [("symbol", "S3"), ("time", "<i8"), ("fold", "<i4"), ("target", "<f8"), ("prediction", "<f8")]
DAY = 86_400_000_000_000


def parts(*trees):
    return pack([("head", b""), *((f"tree {n}", t) for n, t in enumerate(trees, 1))])


def predictions(path, third=0.25):
    rows = [(b"IBM", n * DAY, 1 + n // 2, 0.0, value) for n, value in enumerate((0.5, 0.5, third))]
    np.save(path, np.array(rows, dtype=ROW))
    return path


FOLDS = {"fold_map": "m", "folds": [{"fold": 1, "train_rows": 9}, {"fold": 2, "train_rows": 12}]}
SAMPLES = {
    "features": {"a": "1", "b": "2"},
    "columns": {"time": "t", "symbol": "s", "target": "y"},
    "digest": "d",
}
STAGES = {"fold 1": parts(b"x"), "fold 2": parts(b"x", b"y"), "final": parts(b"z")}
OUTPUTS = {
    **{"model, fold 1": "1", "model, fold 2": "2", "model, final": "3"},
    **{"predictions, fold 1": "4", "predictions, fold 2": "5", "predictions": "6", "metrics": "7"},
}


@pytest.fixture
def same(tmp_path):
    snapshot = {
        "outputs": OUTPUTS,
        "samples": SAMPLES,
        "payloads": {"dataset": {"facts": {"root": "r"}}, "splits": {"facts": FOLDS}},
    }
    file = predictions(tmp_path / "old.npy")
    facts = {"dataset": {"root": "r"}, "samples": SAMPLES, "splits": FOLDS}
    sealed = Sealed(snapshot, {"unit": "month"}, STAGES, file)
    return sealed, Again(facts, {"parts": copy.deepcopy(STAGES)}, dict(OUTPUTS), file)


def test_the_same_outputs_have_no_divergence(same):
    assert divergences(*same) == ()


def test_a_model_is_named_by_its_first_stage_and_part_and_what_follows_after_it(same, tmp_path):
    sealed, again = same
    again.finished["parts"]["fold 2"] = parts(b"x", b"Y")
    again.finished["parts"]["final"] = parts(b"Z")
    for name in ("model, fold 2", "model, final", "predictions", "metrics"):
        again.outputs[name] = "other"
    again = Again(
        again.facts,
        again.finished,
        again.outputs,
        predictions(tmp_path / "new.npy", third=np.nextafter(0.25, 1)),
    )
    model, predicted, metrics = divergences(sealed, again)
    assert model == Divergence("model", "fold 2, tree 2 (1 of 3 parts differ)")
    assert predicted.kind == "predictions"
    assert predicted.where.startswith("fold 2, IBM, 1970-01-03 (1 of 3 rows differ, the largest by")
    assert "1 ULPs" in predicted.where
    assert metrics == Divergence("metrics", "their values")


def test_a_row_without_a_time_is_called_by_its_number(same, tmp_path):
    sealed, again = same
    again.outputs["predictions"] = "other"
    sealed = replace(sealed, locators={"unit": "4096 rows"})
    again = replace(again, predictions=predictions(tmp_path / "new.npy", third=0.75))
    (predicted,) = divergences(sealed, again)
    assert predicted.where.startswith(f"fold 2, IBM, row {2 * DAY} (1 of 3 rows differ")


@pytest.mark.parametrize(
    ("trees", "said"),
    [
        ((b"x",), "fold 2, tree 2, which is missing"),
        ((b"x", b"y", b"w"), "fold 2, tree 3, which was not there"),
        ((b"x", b"y"), "fold 2"),
    ],
    ids=["fewer", "more", "parts that do not tell"],
)
def test_trees_that_are_missing_or_new_are_named(same, trees, said):
    sealed, again = same
    again.finished["parts"]["fold 2"] = parts(*trees)
    again.outputs["model, fold 2"] = "other"
    assert divergences(sealed, again) == (Divergence("model", said),)


def test_features_folds_and_target_come_before_the_model(same):
    sealed, again = same
    folds = copy.deepcopy(FOLDS) | {"fold_map": "other"}
    folds["folds"][1]["train_rows"] = 11
    columns = {**SAMPLES["columns"], "target": "other"}
    features = {"a": "1", "b": "other"}
    samples = {**SAMPLES, "features": features, "columns": columns, "digest": "other"}
    again.outputs["model, fold 1"] = "other"
    facts = {**again.facts, "samples": samples, "splits": folds}
    found = divergences(sealed, Again(facts, again.finished, again.outputs, again.predictions))
    assert [(d.kind, d.where) for d in found] == [
        ("target", "the labels of the rows"),
        ("features", "b"),
        ("folds", "fold 2"),
        ("model", "fold 1"),
    ]


def test_the_data_come_first_of_all(same):
    sealed, again = same
    again.outputs["metrics"] = "other"
    old, new = ({"unit": "month", "symbols": {"IBM": cells(digit)}} for digit in "12")
    facts = {**again.facts, "dataset": {"root": "other"}, "locators": new}
    found = divergences(
        Sealed(sealed.snapshot, old, sealed.parts, sealed.predictions),
        Again(facts, again.finished, again.outputs, again.predictions),
    )
    assert [(d.kind, d.where) for d in found] == [
        ("data", "IBM, Close, 2001-02"),
        ("metrics", "their values"),
    ]


def cells(digit):
    """Return one symbol's locators, of which one month of one column has another digest."""
    columns = {"": "0" * 32, "Close": "0" * 16 + digit * 16, "Open": "0" * 32}
    return {"blocks": ["2001-01", "2001-02"], "columns": columns}


def test_features_in_another_order_are_told(same):
    sealed, again = same
    again.outputs["metrics"] = "other"
    facts = {**again.facts, "samples": {**SAMPLES, "digest": "other"}}
    found = divergences(sealed, Again(facts, again.finished, again.outputs, again.predictions))
    assert found[0] == Divergence("features", "their order")
