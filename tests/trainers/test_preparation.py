"""What is done to features before a linear model or a perceptron sees them."""

import numpy as np
import pytest

from repro.trainers.contract import Job, TrainerError
from repro.trainers.preparation import affine, fit_preparation, logistic, prepare

NAN = np.nan


def job(impute="mean", standardize=True, names=("a", "b")):
    return Job("regression", names, {"impute": impute, "standardize": standardize}, {}, 1)


X = np.array([[1.0, 10.0], [NAN, 20.0], [2.0, NAN], [6.0, 60.0]])


@pytest.mark.parametrize(
    ("impute", "fill"), [("mean", [3.0, 30.0]), ("median", [2.0, 20.0]), ("zero", [0.0, 0.0])]
)
def test_a_missing_value_is_filled_as_the_training_rows_say(impute, fill):
    found, out = fit_preparation(job(impute, standardize=False), X)
    np.testing.assert_array_equal(found.fill, fill)
    np.testing.assert_array_equal(out, np.where(np.isnan(X), fill, X))
    np.testing.assert_array_equal(prepare(found, np.array([[NAN, NAN]])), [fill])


def test_refuse_names_the_features_and_counts_the_rows():
    with pytest.raises(TrainerError, match=r"missing in a \(1 rows\), b \(1 rows\).*refuse"):
        fit_preparation(job("refuse"), X)
    found, _ = fit_preparation(job("refuse"), X[[0, 3]])
    with pytest.raises(TrainerError, match=r"missing in b \(1 rows\)"):
        prepare(found, np.array([[1.0, NAN]]))


def test_standardized_columns_have_mean_zero_and_deviation_one():
    x = np.random.default_rng(1).normal([5, -3], [2, 900], size=(1000, 2))
    found, out = fit_preparation(job(), x)
    np.testing.assert_allclose(out.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(out.std(axis=0), 1, rtol=1e-14)
    np.testing.assert_array_equal(found.spread, 1)
    assert out.flags.c_contiguous


def test_prediction_rows_are_put_on_the_scale_of_the_training_rows():
    found, _ = fit_preparation(job(), np.array([[0.0, 0.0], [2.0, 20.0]]))
    np.testing.assert_array_equal(prepare(found, np.array([[5.0, 0.0]])), [[4.0, -1.0]])


@pytest.mark.parametrize("value", [0.1, 1e300, 0.0, -7.3])
def test_a_constant_column_becomes_zero_also_where_it_changes_later(value):
    """The mean of 0.1 is not 0.1 in floating point: a constant is known by its extremes."""
    x = np.column_stack([np.full(1001, value), np.arange(1001.0)])
    found, out = fit_preparation(job(), x)
    assert (found.scale[0], found.spread[0], found.center[0]) == (0.0, 0.0, value)
    assert not out[:, 0].any()
    assert prepare(found, np.array([[value + 5, 1.0]]))[0, 0] == 0.0


def test_a_constant_column_stays_as_it_is_without_scaling():
    x = np.column_stack([np.full(5, 3.0), np.arange(5.0)])
    found, out = fit_preparation(job(standardize=False), x)
    np.testing.assert_array_equal(out, x)
    assert found.spread[0] == 0.0


@pytest.mark.parametrize("impute", ["mean", "median"])
def test_a_column_without_any_value_has_no_middle(impute):
    x = np.column_stack([np.full(4, NAN), np.arange(4.0)])
    with pytest.raises(TrainerError, match=f"feature a has no value at all.*no {impute}"):
        fit_preparation(job(impute), x)


def test_a_column_without_any_value_is_a_constant_of_zero():
    x = np.column_stack([np.full(4, NAN), np.arange(4.0)])
    found, out = fit_preparation(job("zero"), x)
    assert found.scale[0] == 0.0
    assert not out[:, 0].any()


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_an_infinity_is_refused(value):
    for rows in (X, X[[0, 3]]):
        x = rows.copy()
        x[0, 1] = value
        with pytest.raises(TrainerError, match=r"infinite values in b \(1 rows\)"):
            fit_preparation(job(), x)
    found, _ = fit_preparation(job(), X)
    with pytest.raises(TrainerError, match="infinite"):
        prepare(found, np.array([[1.0, value]]))


@pytest.mark.parametrize("ends", [(-1e308, 1e308), (0.0, 1e-300)])
def test_a_column_whose_deviation_floats_cannot_hold_is_refused(ends):
    x = np.column_stack([np.array([*ends, *ends]), np.arange(4.0)])
    with pytest.raises(TrainerError, match="feature a goes from"):
        fit_preparation(job(), x)


def test_another_number_of_features_is_refused():
    found, _ = fit_preparation(job(), X)
    with pytest.raises(TrainerError, match="knows 2 features"):
        prepare(found, np.zeros((3, 5)))


def test_the_callers_rows_are_not_touched():
    x = X.copy()
    fit_preparation(job(), x)
    np.testing.assert_array_equal(x, X)


def test_the_product_is_the_product_and_each_row_has_its_own_bits():
    generator = np.random.default_rng(3)
    x, w, b = (generator.normal(size=s) for s in ((3000, 17), (17, 5), (5,)))
    found = affine(x, w, b)
    np.testing.assert_allclose(found, x @ w + b, rtol=1e-11, atol=1e-13)
    for n in (0, 1023, 1024, 2999):
        assert affine(x[n : n + 1], w, b).tobytes() == found[n : n + 1].tobytes()


def test_the_logistic_function_has_no_overflow():
    z = np.array([-1e308, -750.0, -1.0, 0.0, 1.0, 750.0, 1e308])
    expected = [0.0, 0.0, 1 / (1 + np.e), 0.5, 1 / (1 + np.exp(-1)), 1.0, 1.0]
    np.testing.assert_allclose(logistic(z), expected, rtol=1e-15)
