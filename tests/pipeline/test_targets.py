import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.errors import InputError
from repro.pipeline.targets import compute
from repro.pipeline.times import NEVER

DAY = 86_400_000_000_000


def target(horizon, **formula):
    wanted = {"kind": "forward_return", "column": "c"} | formula
    return {"name": "fwd", "task": "regression", "formula": wanted, "horizon": horizon}


def test_a_return_looks_ahead_within_its_symbol_only(panel_of):
    panel = panel_of({"A": {"c": [1.0, 2.0, 4.0, 3.0]}, "B": {"c": [5.0, 5.0]}})
    labels = compute(panel, target(2))
    assert labels.values[:2].tolist() == [3.0, 0.5]
    assert np.isnan(labels.values[2:]).all()
    assert labels.label_end.tolist() == [2 * DAY, 3 * DAY, NEVER, NEVER, NEVER, NEVER]


def test_a_missing_price_makes_a_missing_label(panel_of):
    labels = compute(panel_of({"A": {"c": [1.0, np.nan, 0.0, 1.0]}}), target(1))
    assert np.isnan(labels.values).all()
    assert labels.replaced_infinities == 1


def test_above_is_strictly_above(panel_of):
    panel = panel_of({"A": {"c": [1.0, 1.0, 2.0, 1.0]}})
    labels = compute(panel, target(1, kind="forward_return_above", threshold=0.0))
    assert labels.values[:3].tolist() == [0.0, 1.0, 0.0]
    assert np.isnan(labels.values[3])


def test_a_class_is_the_number_of_edges_that_a_return_is_above(panel_of):
    panel = panel_of({"A": {"c": [4.0, 3.0, 3.0, 6.0, 5.0, np.nan]}})
    labels = compute(panel, target(1, kind="forward_return_class", edges=[-0.25, 0, 0.5]))
    # Returns are -0.25, 0, 1 and -1/6: at an edge is not above it.
    assert labels.values[:4].tolist() == [0.0, 1.0, 3.0, 1.0]
    assert np.isnan(labels.values[4:]).all()


def test_a_threshold_makes_the_classes_of_one_edge(panel_of):
    panel = panel_of({"A": {"c": np.random.default_rng(1).uniform(1, 2, 50)}})
    binary = compute(panel, target(3, kind="forward_return_above", threshold=0.1))
    edges = compute(panel, target(3, kind="forward_return_class", edges=[0.1, 999]))
    assert binary.values.tobytes() == edges.values.tobytes()


def test_a_column_that_the_dataset_lacks_is_named(panel_of):
    with pytest.raises(InputError, match="target fwd reads column 'c'"):
        compute(panel_of({"A": {"x": [1.0]}}), target(1))


def of_column(task="regression", horizon=0, **more):
    wanted = {"kind": "column", "column": "c"} | more
    return {"name": "own", "task": task, "formula": wanted, "horizon": horizon}


def test_a_column_is_its_own_label_known_at_its_own_row(panel_of):
    panel = panel_of({"A": {"c": [1.5, np.nan, -2.0]}, "B": {"c": [0.25]}})
    labels = compute(panel, of_column())
    np.testing.assert_array_equal(labels.values, [1.5, np.nan, -2.0, 0.25])
    assert labels.label_end.tolist() == panel.time.tolist()
    assert labels.replaced_infinities == 0


def test_labels_made_elsewhere_of_later_rows_are_not_moved_and_known_only_with_those(panel_of):
    panel = panel_of({"A": {"c": [1.0, 2.0, 3.0]}, "B": {"c": [4.0]}})
    labels = compute(panel, of_column(horizon=2))
    np.testing.assert_array_equal(labels.values, [1.0] + [np.nan] * 3)
    assert labels.label_end.tolist() == [2 * DAY, NEVER, NEVER, NEVER]


def test_classes_of_a_column_are_whole_numbers_from_zero(panel_of):
    panel = panel_of({"A": {"c": [2.0, -0.0, np.nan, 1.0]}})
    labels = compute(panel, of_column("multiclass", classes=3))
    assert labels.values.tobytes() == np.array([2.0, 0.0, np.nan, 1.0]).tobytes()
    whole = panel_of({"A": {"c": np.array([0, 1, 1], dtype=np.int64)}})
    assert compute(whole, of_column("binary")).values.tolist() == [0.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("asked", "values", "said"),
    [
        (of_column("binary"), [1.0, 2.0], r"'c' is 2 at B 1970-01-02.*; .* 0 to 1$"),
        (of_column("binary"), [-1.0, 1.0], r"'c' is -1 at B 1970-01-01[^,]*; a class of binary"),
        (
            of_column("multiclass", classes=3),
            [0.5, 9.0],
            r"is 0\.5 at B .*, and 1 more rows; .* 0 to 2",
        ),
    ],
)
def test_what_is_no_class_is_refused_with_its_row(panel_of, asked, values, said):
    panel = panel_of({"A": {"c": [0.0, 1.0]}, "B": {"c": values}})
    with pytest.raises(InputError, match=said) as caught:
        compute(panel, asked)
    assert caught.value.hint.startswith("number the classes 0, 1 and so on")


@settings(deadline=None, database=None, derandomize=True)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=4), st.integers(1, 15))
def test_a_label_ends_at_the_row_that_it_reads(panel_of, sizes, horizon):
    panel = panel_of({f"S{i}": {"c": np.arange(1.0, n + 1)} for i, n in enumerate(sizes)})
    labels = compute(panel, target(horizon))
    known = ~np.isnan(labels.values)
    assert (known == (labels.label_end != NEVER)).all()
    assert (labels.label_end[known] == panel.time[known] + horizon * DAY).all()
    assert known.sum() == sum(max(0, size - horizon) for size in sizes)
