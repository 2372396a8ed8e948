import numpy as np
import pytest

from repro.errors import InputError
from repro.pipeline.features import FeatureMatrix
from repro.pipeline.samples import build_samples
from repro.pipeline.targets import Labels

NAN = float("nan")
REGRESSION = {"name": "fwd", "task": "regression"}
TWO = {
    "name": "fwd",
    "task": "binary",
    "formula": {"kind": "forward_return_above", "column": "c", "threshold": 0.0},
}
THREE = {
    "name": "fwd",
    "task": "multiclass",
    "formula": {"kind": "forward_return_class", "column": "c", "edges": [-0.5, 0.5]},
}


def labels(values):
    return Labels(np.array(values), np.arange(len(values), dtype=np.int64) + 100, 0)


def matrix(*columns):
    names = tuple(f"f{i}" for i in range(len(columns)))
    return FeatureMatrix(names, np.column_stack(columns).astype(float), dict.fromkeys(names, 0))


@pytest.fixture
def panel(panel_of):
    return panel_of({"A": {"c": [1.0, 1.0]}, "B": {"c": [1.0, 1.0]}})


def test_samples_are_ordered_by_time_and_then_symbol(panel):
    found = build_samples(panel, matrix([1, 2, 3, 4]), labels([5.0, 6.0, 7.0, 8.0]), REGRESSION)
    assert found.X[:, 0].tolist() == [1, 3, 2, 4]
    assert found.y.tolist() == [5, 7, 6, 8]
    assert found.symbol.tolist() == [0, 1, 0, 1]
    assert found.label_end.tolist() == [100, 102, 101, 103]
    assert (np.diff(found.time) >= 0).all()
    assert found.X.flags.c_contiguous


def test_rows_without_target_or_without_any_feature_are_dropped_and_counted(panel):
    features = matrix([1, NAN, 3, NAN], [1, NAN, NAN, NAN])
    found = build_samples(panel, features, labels([1.0, 2.0, 3.0, NAN]), REGRESSION)
    assert found.X[:, 0].tolist() == [1, 3]
    assert np.isnan(found.X[1, 1])
    assert found.dropped == {"no_target": 1, "no_features": 1}


def test_no_usable_row_is_refused_with_the_counts(panel):
    with pytest.raises(
        InputError, match="none of 4 rows is usable: 4 have no target, 0 no feature"
    ):
        build_samples(panel, matrix([1, 2, 3, 4]), labels([NAN] * 4), REGRESSION)


def test_features_without_any_value_are_named(panel):
    features = matrix([1, 2, 3, 4], [NAN] * 4, [NAN] * 4)
    with pytest.raises(InputError, match="no usable row has a value of feature f1, f2"):
        build_samples(panel, features, labels([1.0, 2.0, 3.0, 4.0]), REGRESSION)


def test_a_constant_target_and_a_single_class_are_refused(panel):
    features = matrix([1, 2, 3, 4])
    with pytest.raises(InputError, match=r"target fwd is constant: all 4 rows are 0\.5"):
        build_samples(panel, features, labels([0.5] * 4), REGRESSION)
    with pytest.raises(InputError, match="target fwd has one class: all 4 rows are 1"):
        build_samples(panel, features, labels([1.0] * 4), TWO)


def test_a_constant_target_is_told_before_the_features_that_it_empties(panel):
    with pytest.raises(InputError, match=r"target fwd is constant: all 4 rows are 0\.5"):
        build_samples(panel, matrix([1, 2, 3, 4], [NAN] * 4), labels([0.5] * 4), REGRESSION)


def test_a_class_that_a_column_lacks_is_not_to_be_had_by_moving_edges(panel):
    formula = {"kind": "column", "column": "c", "classes": 3}
    target = {"name": "own", "task": "multiclass", "formula": formula}
    said = r"target own: class 1 does not occur in any of 4 rows"
    with pytest.raises(InputError, match=said) as caught:
        build_samples(panel, matrix([1, 2, 3, 4]), labels([0.0, 2.0, 2.0, 0.0]), target)
    assert "number the classes that occur" in caught.value.hint


def test_a_class_that_occurs_in_no_row_is_named(panel):
    features = matrix([1, 2, 3, 4])
    said = r"target fwd: class 1 \(above -0\.5, up to 0\.5\) does not occur in any of 4 rows"
    with pytest.raises(InputError, match=said):
        build_samples(panel, features, labels([0.0, 2.0, 2.0, 0.0]), THREE)
    assert len(build_samples(panel, features, labels([0.0, 2.0, 1.0, 0.0]), THREE).y) == 4
    with pytest.raises(InputError, match="target fwd has one class: all 4 rows are 2"):
        build_samples(panel, features, labels([2.0] * 4), THREE)
