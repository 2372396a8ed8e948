"""A plain table, without times, symbols or a registry: labels are columns, folds are drawn rows."""

import json

import numpy as np
import pandas as pd
import pytest

DATASET = """dataset:
  name: plain
  files: [data/plain.csv]
  format: csv
  time: null
  symbol: null
  columns: {a: float64, b: float64, y: float64, k: int64}
  interval: null
  symbols: null
  start: null
  end: null
  max_rows_per_symbol: null
  min_rows_per_symbol: 100
  short_symbols: refuse
  sort: false
  duplicates: refuse
  default_target: y
"""
TARGETS = """targets:
  y:
    description: What was measured.
    task: regression
    formula: {kind: column, column: y}
    horizon: 0
  k:
    description: Which of three.
    task: multiclass
    formula: {kind: column, column: k, classes: 3}
    horizon: 0
"""
REGISTRY = "registry: {}\nselected: [a, b]\nforbidden_levels: {}\n"
DRAWN = ("splits.method=k_fold", "splits.shuffled=true", "splits.purge=0", "splits.embargo=0")


@pytest.fixture
def plain(desk):
    """Return a workspace whose data are 3,000 rows of which nothing is known but their values."""
    drawn = np.random.default_rng(1)
    a, b = drawn.normal(size=(2, 3000))
    y = a - b * b + drawn.normal(size=3000)
    table = pd.DataFrame({"a": a, "b": b, "y": y, "k": (y > -1) * 1 + (y > 1)})
    table.to_csv(desk.root / "data" / "plain.csv", index=False)
    for name, text in (("dataset", DATASET), ("targets", TARGETS), ("feature_registry", REGISTRY)):
        (desk.root / "CONFIG" / "data" / f"{name}.yaml").write_text(text)
    return desk


@pytest.mark.slow
def test_labels_of_a_column_are_learned_and_the_run_is_done_again(plain):
    number = plain.train("--target", "y", *DRAWN)
    assert number["metrics"]["r2"] > 0.1
    label = plain.train("--target", "k", *DRAWN)
    snapshot = plain.snapshot(label["run"])
    assert snapshot["classes"] == [{"class": 0}, {"class": 1}, {"class": 2}]
    assert plain.json("verify", "-q", label["run"])["verdict"] == "reproduced"


def test_the_column_of_the_labels_is_no_feature(plain):
    said = plain.run("validate", "--target", "y", *DRAWN, "selected=[a, y]", status=1).stdout
    assert "y reads column 'y', the labels of y, from 0 rows back" in said


@pytest.mark.slow
def test_what_is_no_class_is_named_with_its_row(plain):
    targets = plain.root / "CONFIG" / "data" / "targets.yaml"
    targets.write_text(TARGETS.replace("task: regression", "task: binary"))
    said = plain.run("train", "-q", "--target", "y", *DRAWN, status=3).stderr
    assert "target y: column 'y' is " in said
    assert "a class of binary is a whole number from 0 to 1" in said


@pytest.mark.slow
def test_pandas_is_loaded_and_recorded_only_where_times_are_finer_than_python_reads(desk):
    def versions(run):
        (path,) = desk.root.glob(f"RESULTS/runs/{run}/**/environment.json")
        return json.loads(path.read_text())["environment"]["versions"]

    plain = desk.train()
    assert "pandas" not in versions(plain["run"])
    desk.edit("data/dataset.yaml", '"%Y-%m-%d"', '"%Y-%m-%dT%H:%M:%S.%f"')
    desk.edit("data/dataset.yaml", "data/stocks.csv.gz", "data/finer.csv")
    table = pd.read_csv(desk.root / "data" / "stocks.csv.gz", dtype=str, keep_default_na=False)
    table["Date"] += "T00:00:00.000"
    table.to_csv(desk.root / "data" / "finer.csv", index=False)
    finer = desk.train()
    assert "pandas" in versions(finer["run"])
    both = [desk.snapshot(run["run"]) for run in (plain, finer)]
    assert both[0]["output_digest"] == both[1]["output_digest"]
    assert both[0]["payloads"] == both[1]["payloads"]
