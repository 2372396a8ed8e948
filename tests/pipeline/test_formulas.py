import subprocess
import sys

import pytest

from repro.pipeline.formulas import (
    FEATURE_KINDS,
    class_table,
    class_words,
    classes_of,
    columns_of,
    is_level,
    lookback_of,
    newest_of,
)

RETURN = {"kind": "return", "column": "c", "periods": 5}


@pytest.mark.parametrize(
    ("formula", "lookback"),
    [
        ({"kind": "column", "column": "c"}, 0),
        ({"kind": "lag", "column": "c", "periods": 3}, 3),
        (RETURN, 5),
        ({"kind": "rolling_mean", "column": "c", "window": 20}, 19),
        ({"kind": "rolling_std", "column": "c", "window": 20}, 19),
        ({"kind": "volatility", "column": "c", "window": 20}, 20),
        ({"kind": "zscore", "column": "c", "window": 20}, 19),
        ({"kind": "ratio_to_mean", "column": "c", "window": 20}, 19),
        ({"kind": "ratio", "numerator": "a", "denominator": "b"}, 0),
        ({"kind": "spread", "high": "h", "low": "l", "by": "c"}, 0),
        ({"kind": "rsi", "column": "c", "window": 14}, 14),
        ({"kind": "rank", "of": "ret_5d", "formula": RETURN}, 5),
    ],
)
def test_a_lookback_is_the_oldest_row_that_a_formula_reads(formula, lookback):
    assert lookback_of(formula) == lookback


def test_columns_are_sorted_and_each_named_once():
    assert columns_of({"kind": "spread", "high": "h", "low": "b", "by": "h"}) == ("b", "h")
    assert columns_of({"kind": "rank", "formula": RETURN}) == ("c",)
    assert columns_of({"kind": "forward_return", "column": "c"}) == ("c",)


def test_a_ratio_to_another_column_exposes_the_levels_of_both():
    adjustment = {"kind": "ratio", "numerator": "adjusted", "denominator": "raw"}
    assert is_level(adjustment, "adjusted")
    assert is_level(adjustment, "raw")
    assert not is_level({**adjustment, "denominator": "adjusted"}, "adjusted")


def test_a_return_exposes_no_level_and_a_column_that_is_not_read_is_not_exposed():
    assert not is_level(RETURN, "c")
    assert not is_level({"kind": "column", "column": "c"}, "other")


def test_a_rank_exposes_what_the_ranked_formula_exposes():
    assert is_level({"kind": "rank", "formula": {"kind": "column", "column": "c"}}, "c")
    assert not is_level({"kind": "rank", "formula": RETURN}, "c")


THREE = {"kind": "forward_return_class", "column": "c", "edges": [-0.02, 0.5]}
ABOVE = {"kind": "forward_return_above", "column": "c", "threshold": 0}


def test_classes_are_counted_and_bounded_in_the_order_of_their_labels():
    assert columns_of(THREE) == ("c",)
    assert classes_of({"task": "multiclass", "formula": THREE}) == 3
    assert classes_of({"task": "binary", "formula": ABOVE}) == 2
    assert classes_of({"task": "regression"}) == 0
    assert class_table({"task": "multiclass", "formula": THREE}) == [
        {"class": 0, "above": None, "up_to": -0.02},
        {"class": 1, "above": -0.02, "up_to": 0.5},
        {"class": 2, "above": 0.5, "up_to": None},
    ]
    assert [row["class"] for row in class_table({"task": "binary", "formula": ABOVE})] == [0, 1]
    ahead = {"kind": "forward_return", "column": "c"}
    assert class_table({"task": "regression", "formula": ahead}) == []
    assert [class_words({"task": "multiclass", "formula": THREE}, label) for label in range(3)] == [
        "class 0 (up to -0.02)",
        "class 1 (above -0.02, up to 0.5)",
        "class 2 (above 0.5)",
    ]


@pytest.mark.parametrize(("task", "classes"), [("regression", 0), ("binary", 2), ("multiclass", 4)])
def test_classes_of_a_column_are_its_own_values_and_have_no_bounds(task, classes):
    formula = {"kind": "column", "column": "c"} | ({"classes": 4} if classes == 4 else {})
    target = {"task": task, "formula": formula}
    assert columns_of(formula) == ("c",)
    assert classes_of(target) == classes
    assert class_table(target) == [{"class": n} for n in range(classes)]
    assert [class_words(target, n) for n in range(classes)] == [
        f"class {n}" for n in range(classes)
    ]


def test_the_newest_row_that_is_read_is_the_own_one_but_of_a_lag():
    lag = {"kind": "lag", "column": "c", "periods": 3}
    assert [newest_of(f) for f in (RETURN, lag, {"kind": "rank", "formula": lag})] == [0, 3, 3]


@pytest.mark.parametrize("question", [lookback_of, columns_of, lambda f: is_level(f, "c")])
def test_an_unknown_kind_is_a_broken_promise_of_the_schemas(question):
    assert "oracle" not in FEATURE_KINDS
    with pytest.raises(AssertionError, match="oracle"):
        question({"kind": "oracle", "column": "c"})


@pytest.mark.parametrize("module", ["formulas", "locate", "metric_names"])
def test_what_the_notary_imports_loads_no_numpy(module):
    code = f"import sys, repro.pipeline.{module}; print({{'numpy', 'pandas'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
