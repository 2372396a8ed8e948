"""A panel of a user's own, with what such panels have: symbols without labels, and slips."""

import datetime

import numpy as np
import pytest

ROWS = 600
DATASET = """dataset:
  name: own
  files: [data/own.csv]
  format: csv
  time: {column: d, format: "%Y-%m-%d", timezone: UTC}
  symbol: {column: s}
  columns: {px: float64, size: float64}
  interval: 1d
  symbols: null
  start: null
  end: null
  max_rows_per_symbol: null
  min_rows_per_symbol: 1
  short_symbols: refuse
  sort: false
  duplicates: refuse
  default_target: fwd
"""
TARGETS = """targets:
  fwd:
    description: The next return.
    task: regression
    formula: {kind: forward_return, column: px}
    horizon: 1
"""
REGISTRY = """registry:
  r1:
    description: The last return.
    formula: {kind: return, column: px, periods: 1}
    lookback: 1
    lag: 0
    allowed_horizons: any
    version: 1
selected: [r1, size]
forbidden_levels: {}
"""


def lines(huge=None, silent=()):
    """Return the panel as CSV; ``huge`` is one price of BB, ``silent`` symbols without prices."""
    drawn = np.random.default_rng(5)
    first = datetime.date(2015, 1, 1)
    out = ["s,d,px,size"]
    for symbol in ("AA", "BB", "CC"):
        prices = np.exp(np.cumsum(drawn.normal(scale=0.01, size=ROWS)))
        for n, (price, size) in enumerate(zip(prices, drawn.normal(size=ROWS), strict=True)):
            day = first + datetime.timedelta(days=n)
            if huge is not None and symbol == "BB" and n == ROWS // 2:
                price = huge
            shown = "" if symbol in silent else repr(float(price))
            out.append(f"{symbol},{day},{shown},{float(size)!r}")
    return "\n".join(out) + "\n"


@pytest.fixture(scope="module")
def own(make_desk):
    """Return a workspace whose panel is to be written to ``data/own.csv``."""
    desk = make_desk()
    for name, text in (("dataset", DATASET), ("targets", TARGETS), ("feature_registry", REGISTRY)):
        (desk.root / "CONFIG" / "data" / f"{name}.yaml").write_text(text)
    return desk


@pytest.mark.slow
@pytest.mark.parametrize("family", ["hist_gradient_boosting", "lightgbm", "xgboost", "ridge"])
def test_one_price_of_1e250_is_refused_before_training_whatever_the_family(own, family):
    (own.root / "data" / "own.csv").write_text(lines(huge=1e250))
    before = len(own.records())
    said = own.run("train", "-q", "--family", family, status=3).stderr
    assert "feature r1 goes from -1 to " in said
    assert "target fwd goes from -1 to " in said
    assert "(at BB 2015-10-28)" in said
    assert "rescale the column" in said
    assert [record["type"] for record in own.records()[before:]] == ["run.refused"]


@pytest.mark.slow
def test_what_a_run_is_made_of_is_said_and_a_symbol_that_vanished_warned_of(own):
    (own.root / "data" / "own.csv").write_text(lines(silent=("BB",)))
    done = own.run("train", "-q", "--profile", "debug", "min_train_rows=100")
    line = "rows: 1,198 of 1,800; 2 of 3 symbols (BB: no label)"
    assert line in done.stdout.splitlines()
    assert "warning: no row is used of BB (no label)" in done.stderr
    assert line in own.run("runs", "show", "@latest").stdout.splitlines()
    used = own.train("--symbol", "AA", "min_train_rows=100", "min_test_rows=50")["used"]
    assert (used["rows"], used["of_rows"], used["symbols"], used["of_symbols"]) == (599, 600, 1, 1)
