"""Where a run that was done again first went another way, kind by kind."""

import copy
from dataclasses import replace

import numpy as np
import pytest

from repro.identity.parts import pack
from repro.runs.divergence import Again, Divergence, Sealed, as_again, divergences

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


# --- two sealed runs -----------------------------------------------------------------------------


def another(sealed, **other):
    """Return another sealed run, whose snapshot is other in some names."""
    snapshot = {**copy.deepcopy(sealed.snapshot), **other}
    return replace(sealed, snapshot=snapshot)


def first(a, b):
    """Return kind and place of the first divergence of two sealed runs."""
    found = divergences(a, as_again(b))
    return (found[0].kind, found[0].where) if found else None


def test_two_sealed_runs_of_the_same_bits_have_no_divergence(same):
    assert first(same[0], another(same[0])) is None


def test_two_sealed_runs_are_located_from_the_data_down_to_the_row(same, tmp_path):
    a, _ = same
    outputs = {**OUTPUTS, "model, fold 2": "o", "predictions": "o", "metrics": "o"}
    payloads = copy.deepcopy(a.snapshot["payloads"])
    payloads["dataset"]["facts"]["root"] = "other"
    folds = copy.deepcopy(FOLDS) | {"fold_map": "other"}
    folds["folds"][1]["train_rows"] = 11
    payloads["splits"]["facts"] = folds
    features = {"a": "1", "b": "other"}
    b = replace(
        another(
            a,
            outputs=outputs,
            payloads=payloads,
            samples={**SAMPLES, "features": features, "digest": "o"},
        ),
        locators={"unit": "month", "symbols": {"IBM": cells("2")}},
        parts={**STAGES, "fold 2": parts(b"x", b"Y")},
        predictions=predictions(tmp_path / "new.npy", third=0.75),
    )
    a = replace(a, locators={"unit": "month", "symbols": {"IBM": cells("1")}})
    found = divergences(a, as_again(b))
    assert [d.kind for d in found] == [
        *("data", "features", "folds", "model", "predictions", "metrics")
    ]
    assert [d.where for d in found[:4]] == [
        *("IBM, Close, 2001-02", "b", "fold 2", "fold 2, tree 2 (1 of 3 parts differ)")
    ]
    assert found[4].where.startswith("fold 2, IBM, 1970-01-03 (1 of 3 rows differ")


def test_folds_come_by_number_and_the_final_model_last_whatever_order_files_have(same):
    a, _ = same
    stages = ("final", "fold 1", "fold 10", "fold 2")
    a = another(a, outputs={f"model, {s}": "1" for s in stages} | {"predictions": "p"})
    a = replace(a, parts={stage: parts(b"x") for stage in stages})
    outputs = {**a.snapshot["outputs"]} | {f"model, {s}": "2" for s in stages if s != "fold 1"}
    b = replace(another(a, outputs=outputs), parts={s: parts(b"y") for s in stages})
    assert first(a, b) == ("model", "fold 2, tree 1 (1 of 2 parts differ)")
    outputs = {**a.snapshot["outputs"], "model, fold 10": "2", "model, final": "2"}
    assert first(a, another(a, outputs=outputs)) == ("model", "fold 10")


def test_a_fold_that_only_one_run_has_is_a_divergence_of_the_model(same):
    a, _ = same
    outputs = {n: d for n, d in OUTPUTS.items() if n != "model, fold 2"}
    assert first(a, another(a, outputs=outputs)) == ("model", "fold 2")
    assert first(another(a, outputs=outputs), a) == ("model", "fold 2")


def test_a_feature_that_only_the_first_run_has_is_named(same):
    a, _ = same
    samples = {**SAMPLES, "features": {"a": "1"}, "digest": "other"}
    b = another(a, samples=samples, outputs={**OUTPUTS, "metrics": "o"})
    assert first(a, b) == ("features", "b")


def test_folds_that_a_seed_drew_are_located_beside_their_rule(same):
    a, _ = same
    payloads = copy.deepcopy(a.snapshot["payloads"])
    payloads["splits"]["facts"] = {"draw": "rule"}
    a = another(a, payloads=payloads, drawn_folds=FOLDS)
    other = {"fold_map": "o", "folds": [FOLDS["folds"][0], {"fold": 2, "train_rows": 13}]}
    b = another(a, drawn_folds=other, outputs={**OUTPUTS, "metrics": "o"})
    assert first(a, b) == ("folds", "fold 2")


def test_of_what_an_older_or_incomplete_run_does_not_know_nothing_is_said(same):
    a, _ = same
    old = replace(
        another(a, payloads={}, outputs={**OUTPUTS, "model, final": "o", "metrics": "o"}), parts={}
    )
    del old.snapshot["samples"]
    for one, other in ((a, old), (old, a)):
        found = divergences(one, as_again(other))
        assert [(d.kind, d.where) for d in found] == [
            ("model", "final"),
            ("metrics", "their values"),
        ]
