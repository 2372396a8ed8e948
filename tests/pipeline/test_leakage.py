from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.config.documents.tree import load
from repro.config.resolution.active import activate
from repro.config.resolution.resolve import Selection, resolve
from repro.facts.trainers import declarations
from repro.pipeline import features, targets
from repro.pipeline.leakage import checks, scan
from repro.pipeline.samples import Samples, build_samples

TARGET = {"name": "fwd", "task": "regression"}
LIMITS = {"feature_target_correlation": 0.95, "cv_score": 0.99, "training_accuracy": 0.999}
ROWS = (300, 400)
NOISE = np.random.default_rng(3).normal(size=(2, 400))


def samples(y, *columns):
    n = len(y)
    index = np.arange(n, dtype=np.int64)
    names = tuple(f"f{i}" for i in range(len(columns)))
    matrix = np.column_stack(columns).astype(float)
    symbol = np.zeros(n, dtype=np.int32)
    return Samples(matrix, y, index, index + 1, symbol, ("A",), names, {})


def found(y, *columns):
    definitions = [{"name": f"f{i}", "formula": {"kind": "column"}} for i in range(len(columns))]
    return scan(samples(y, *columns), definitions, TARGET, LIMITS)


def test_honest_features_are_no_finding():
    assert found(NOISE[0], NOISE[1], NOISE[1] + 0.1 * NOISE[0]) == ()


def test_the_target_itself_in_any_unit_is_found_even_with_holes():
    scaled = 7.0 - 1e-3 * NOISE[0]
    scaled[::3] = np.nan
    findings = found(NOISE[0], NOISE[1], NOISE[0], scaled)
    assert [(f.code, f.subject) for f in findings] == [
        ("target_in_feature", "f1"),
        ("target_in_feature", "f2"),
    ]


def test_a_nearly_determined_target_is_found_by_pearson():
    (finding,) = found(NOISE[0], NOISE[0] + 0.1 * NOISE[1])
    assert finding.code == "target_correlation"
    assert finding.threshold == 0.95
    assert finding.value == pytest.approx(np.corrcoef(NOISE[0], NOISE[0] + 0.1 * NOISE[1])[0, 1])


def test_a_monotone_disguise_is_found_by_spearman():
    (finding,) = found(NOISE[0], -np.exp(4 * NOISE[0]))
    assert (finding.code, finding.value) == ("target_correlation", 1.0)
    assert "Spearman" in finding.message


def classes(k):
    """Return the class of each of the noisy values, k of them, and their target."""
    edges = np.quantile(NOISE[0], np.arange(1, k) / k)
    task = "binary" if k == 2 else "multiclass"
    return np.searchsorted(edges, NOISE[0]).astype(float), {"name": "fwd", "task": task}


@pytest.mark.parametrize("k", [2, 3, 5])
def test_a_feature_that_tells_the_classes_apart_is_found_though_ties_hide_it(k):
    y, target = classes(k)
    ahead = -np.exp(NOISE[0])
    ahead[::7] = np.nan
    definitions = [{"name": f"f{i}", "formula": {"kind": "column"}} for i in range(2)]
    (finding,) = scan(samples(y, ahead, NOISE[1]), definitions, target, LIMITS)
    assert (finding.code, finding.subject) == ("target_correlation", "f0")
    assert (finding.value, "rank-biserial" in finding.message) == (1.0, True)


def test_the_measure_of_two_classes_is_twice_the_area_under_the_curve_less_one():
    from sklearn.metrics import roc_auc_score

    y, target = classes(2)
    x = NOISE[0] + NOISE[1]
    (finding,) = scan(
        samples(y, x), [{"name": "f", "formula": {"kind": "lag"}}], target,
        {**LIMITS, "feature_target_correlation": 0.1},
    )  # fmt: skip
    assert finding.value == pytest.approx(2 * roc_auc_score(y, x) - 1)


def test_a_constant_feature_is_no_finding():
    assert found(NOISE[0], np.ones(400)) == ()


def test_the_targets_own_column_moved_into_the_future_is_found_in_the_real_data(real_panel):
    target = {
        "name": "fwd_ret_5d",
        "task": "regression",
        "formula": {"kind": "forward_return", "column": "Adj Close"},
        "horizon": 5,
    }
    past = {
        "name": "ret_5d",
        "formula": {"kind": "return", "column": "Adj Close", "periods": 5},
        "lookback": 5,
        "lag": 0,
    }
    labels = targets.compute(real_panel, target)
    matrix = features.compute(real_panel, [past])
    assert scan(build_samples(real_panel, matrix, labels, target), [past], target, LIMITS) == ()
    leaked = features.FeatureMatrix(("ret_5d",), labels.values[:, None] * 100.0, {})
    (finding,) = scan(build_samples(real_panel, leaked, labels, target), [past], target, LIMITS)
    assert finding.code == "target_in_feature"


def test_scores_too_good_to_be_true_are_found_at_the_threshold():
    findings = checks({"r2": 0.99}, {"r2": 0.999}, LIMITS, ROWS)
    assert [(f.code, f.subject) for f in findings] == [
        ("cv_score", "r2"),
        ("training_accuracy", "r2"),
    ]
    findings = checks({"macro_auc": 1.0}, {"macro_auc": 0.5, "accuracy": 0.9999}, LIMITS, ROWS)
    assert [f.subject for f in findings] == ["macro_auc", "accuracy"]
    findings = checks({"auc": 1.0}, {"auc": 1.0, "accuracy": 0.9999}, LIMITS, ROWS)
    assert [f.subject for f in findings] == ["auc", "accuracy"]


def test_ordinary_and_undefined_scores_are_no_finding():
    assert checks({"r2": 0.9899}, {"r2": 0.99}, LIMITS, ROWS) == ()
    assert checks({"auc": None}, {"accuracy": None}, LIMITS, ROWS) == ()


@pytest.fixture(scope="module")
def scanned(real_panel):
    """Return what scans the example panel as a selection of the shipped configuration says."""
    families = declarations()
    tree, _ = load(Path(__file__).parents[2], families)

    def make(**asked):
        active = activate(resolve(tree, Selection(**asked), families))
        labels = targets.compute(real_panel, active.target)
        matrix = features.compute(real_panel, active.features)
        rows = build_samples(real_panel, matrix, labels, active.target)
        limits = active.leakage["auto_fix_thresholds"]
        return rows, scan(rows, active.features, active.target, limits)

    return make


def test_the_shipped_canary_trips_the_scan_and_its_control_does_not(scanned):
    rows, (finding,) = scanned(experiment="leakage_canary")
    assert (finding.code, finding.subject) == ("target_correlation", "canary_high")
    assert 0.999 < finding.value < 1.0
    assert finding.rows == len(rows.y)
    assert finding.formula == {"kind": "column", "column": "High"}
    assert scanned(experiment="leakage_control")[1] == ()
    assert scanned(experiment="leakage_canary", without=("canary_high",))[1] == ()


def test_a_finding_names_its_first_rows_so_that_they_can_be_looked_up(scanned, real_panel):
    rows, (finding,) = scanned(experiment="leakage_canary")
    assert len(finding.first) == 3
    for place, row in enumerate(finding.first):
        assert row["symbol"] == rows.symbol_names()[place]
        days = np.datetime64(row["time"], "ns").astype(int)
        (at,) = np.flatnonzero(
            (real_panel.time == days)
            & (real_panel.symbol == real_panel.symbols.index(row["symbol"]))
        )
        assert row["feature"] == real_panel.columns["High"][at]
        assert row["target"] == real_panel.columns["Close"][at]


def test_rows_without_a_value_are_no_evidence():
    scaled = NOISE[0].copy()
    scaled[:5] = np.nan
    (finding,) = found(NOISE[0], NOISE[1], scaled)[:1]
    assert finding.rows == 395
    assert [row["feature"] for row in finding.first] == scaled[5:8].tolist()
    assert finding.first[0]["time"] == "1970-01-01T00:00:00.000000005"
    assert "on 395 rows" in finding.message


def test_without_times_a_row_is_named_by_its_number():
    definitions = [{"name": "f0", "formula": {"kind": "column", "column": "C"}}]
    (finding,) = scan(samples(NOISE[0], NOISE[0]), definitions, TARGET, LIMITS, timed=False)
    assert finding.first[1]["time"] == "row 1"
    assert "f0 (column, column: C)" in finding.message


@given(
    shares=st.lists(st.sampled_from([0.0, 0.2, 0.33, 0.5, 2.0]), min_size=1, max_size=4),
    holes=st.integers(min_value=0, max_value=390),
)
def test_what_is_left_holds_nothing_that_the_first_scan_did_not_find(shares, holes):
    columns = [NOISE[0] + share * NOISE[1] for share in shares]
    columns[0] = np.where(np.arange(400) < holes, np.nan, columns[0])
    whole = found(NOISE[0], *columns)
    culprits = {finding.subject for finding in whole}
    left = [column for place, column in enumerate(columns) if f"f{place}" not in culprits]
    assert not left or found(NOISE[0], *left) == ()


def test_scores_say_on_how_many_rows():
    findings = checks({"r2": 1.0}, {"r2": 1.0}, LIMITS, ROWS)
    assert [(f.rows, f.formula, f.first) for f in findings] == [(300, None, ()), (400, None, ())]
