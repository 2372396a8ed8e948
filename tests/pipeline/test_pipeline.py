"""The whole room on the real data, as the worker walks through it."""

import ast
from pathlib import Path

import numpy as np
import pytest

import repro.pipeline
from repro.pipeline import features, targets
from repro.pipeline.samples import build_samples
from repro.pipeline.splits.fold import fold_map_digest
from repro.pipeline.splits.proof import proof
from repro.pipeline.splits.walk_forward import walk_forward

A = "Adj Close"
TARGET = {
    "name": "fwd_ret_5d",
    "task": "regression",
    "formula": {"kind": "forward_return", "column": A},
    "horizon": 5,
}
FORMULAS = {
    "ret_1d": {"kind": "return", "column": A, "periods": 1},
    "ret_5d": {"kind": "return", "column": A, "periods": 5},
    "volatility_21d": {"kind": "volatility", "column": A, "window": 21},
    "volume_zscore": {"kind": "zscore", "column": "Volume", "window": 21},
    "rank_5d": {"kind": "rank", "formula": {"kind": "return", "column": A, "periods": 5}},
}
FEATURES = [
    {"name": n, "formula": f, "lookback": 21, "lag": 0, "allowed_horizons": "any", "version": 1}
    for n, f in FORMULAS.items()
]
SPLITS = {
    "method": "purged_walk_forward",
    "folds": 5,
    "initial_train_fraction": 0.4,
    "purge": 5,
    "embargo": 0,
    "max_train_timestamps": None,
    "min_train_rows": 500,
    "min_test_rows": 50,
}
FOLD_MAP = "8fcc040536bba76f1d12a29d5ed42363c96640aec140fe5151eae589de36f911"
"""It moves only with a line under "Identity"."""


@pytest.fixture(scope="module")
def real_samples(real_panel):
    matrix = features.compute(real_panel, FEATURES)
    return build_samples(real_panel, matrix, targets.compute(real_panel, TARGET), TARGET)


def test_the_last_rows_of_each_symbol_have_no_target(real_samples):
    assert real_samples.dropped == {"no_target": 25, "no_features": 5}
    assert real_samples.X.shape == (12124, 5)


def test_the_folds_of_the_real_data_are_proved_apart(real_samples):
    folds = walk_forward(real_samples.time, real_samples.label_end, SPLITS)
    assert proof(folds, real_samples.time, real_samples.label_end, {}, SPLITS)["holds"]
    assert sum(len(fold.test) for fold in folds) + len(folds[0].train) < len(real_samples.y)


def test_the_real_fold_map_has_its_published_digest(real_samples):
    folds = walk_forward(real_samples.time, real_samples.label_end, SPLITS)
    assert fold_map_digest(folds, len(real_samples.y)) == FOLD_MAP


def test_a_split_shows_in_the_raw_return_and_not_in_the_adjusted_one(real_panel):
    wanted = [
        {"name": c, "formula": {**FORMULAS["ret_1d"], "column": c}, "lag": 0} for c in ("Close", A)
    ]
    values = features.compute(real_panel, wanted).values
    day = int(np.datetime64("2005-02-28", "ns").astype(np.int64))
    raw, adjusted = values[(real_panel.time == day) & (real_panel.symbol == 0)][0]
    assert raw < -0.4
    assert abs(adjusted) < 0.1


def sources():
    return sorted(Path(repro.pipeline.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.stem)
def test_the_room_keeps_to_its_sizes_and_imports(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < 40, node.name
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not {name.split(".")[0] for name in names} & {"sklearn", "scipy", "os", "random"}
