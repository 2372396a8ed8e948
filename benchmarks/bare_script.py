"""The job of `repro train` as a script without a notary: ``python bare_script.py CSV PARAMS OUT``.

The same CSV, features, target and purged walk-forward folds as the configuration that `repro init`
writes, LightGBM's parameters from a JSON file; five folds, a final model, out-of-fold predictions
and their metrics.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

HORIZON = 5
FOLDS, INITIAL, PURGE, EMBARGO = 5, 0.4, 5, 1


def load(path: str) -> pd.DataFrame:
    """Return the panel, sorted by symbol and date."""
    panel = pd.read_csv(path, parse_dates=["Date"])
    return panel.sort_values(["Ticker", "Date"], ignore_index=True)


def add_features(panel: pd.DataFrame) -> list[str]:
    """Add 13 features, the target and the date on which it is known; return the features."""
    price, symbol = panel["Adj Close"], panel["Ticker"]
    prices = price.groupby(symbol)
    before = set(panel.columns)
    panel["ret_1d"] = prices.pct_change(1)
    panel["ret_5d"] = prices.pct_change(5)
    panel["ret_20d"] = prices.pct_change(20)
    panel["ret_60d"] = prices.pct_change(60)
    panel["ret_1d_lag1"] = panel["ret_1d"].groupby(symbol).shift(1)
    daily = panel["ret_1d"].groupby(symbol)
    panel["vol_20d"] = daily.transform(lambda s: s.rolling(20).std())
    panel["vol_60d"] = daily.transform(lambda s: s.rolling(60).std())
    panel["trend_20d"] = price / prices.transform(lambda s: s.rolling(20).mean()) - 1
    volume = panel["Volume"].groupby(symbol)
    mean = volume.transform(lambda s: s.rolling(20).mean())
    panel["volume_z_20d"] = (panel["Volume"] - mean) / volume.transform(
        lambda s: s.rolling(20).std()
    )
    panel["range_1d"] = (panel["High"] - panel["Low"]) / panel["Close"]
    panel["open_gap"] = panel["Close"] / panel["Open"] - 1
    moves = prices.diff()
    gains = moves.clip(lower=0).groupby(symbol).transform(lambda s: s.rolling(14).mean())
    losses = (-moves).clip(lower=0).groupby(symbol).transform(lambda s: s.rolling(14).mean())
    panel["rsi_14d"] = 100 * gains / (gains + losses)
    panel["rank_ret_20d"] = panel.groupby("Date")["ret_20d"].rank(pct=True)
    features = [name for name in panel.columns if name not in before]
    panel["target"] = prices.shift(-HORIZON) / price - 1
    panel["known"] = panel.groupby("Ticker")["Date"].shift(-HORIZON)
    return features


def folds(samples: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Yield training and test rows of each fold: expanding, purged, with an embargo."""
    dates = np.sort(samples["Date"].unique())
    first = int(len(dates) * INITIAL)
    for block in np.array_split(np.arange(first, len(dates)), FOLDS):
        begin, end = block[0], block[-1]
        trains = samples["Date"] < dates[begin - EMBARGO - PURGE]
        trains &= samples["known"] < dates[begin - EMBARGO]
        tests = (samples["Date"] >= dates[begin]) & (samples["Date"] <= dates[end])
        yield samples[trains], samples[tests]


def fit(rows: pd.DataFrame, features: list[str], parameters: dict[str, Any]) -> lgb.Booster:
    """Return a model of the target."""
    return lgb.train(parameters, lgb.Dataset(rows[features], label=rows["target"]))


def score(truth: pd.Series, predicted: pd.Series, date: pd.Series) -> dict[str, float]:
    """Return error, explained variance and the mean rank correlation of a date."""
    error = predicted - truth
    ranks = pd.DataFrame({"a": truth.groupby(date).rank(), "b": predicted.groupby(date).rank()})
    by_date = ranks.groupby(date)
    centred = ranks - by_date.transform("mean")
    products = (centred["a"] * centred["b"]).groupby(date).sum()
    squares = (centred**2).groupby(date).sum()
    with np.errstate(invalid="ignore"):
        rank_ic = (products / np.sqrt(squares["a"] * squares["b"])).mean()
    return {
        "rmse": float(np.sqrt((error**2).mean())),
        "mae": float(error.abs().mean()),
        "r2": float(1 - (error**2).sum() / ((truth - truth.mean()) ** 2).sum()),
        "rank_ic": float(rank_ic),
    }


def main() -> None:
    """Train, predict, score, and write model, predictions and metrics."""
    path, parameters = sys.argv[1], json.loads(Path(sys.argv[2]).read_text("utf-8"))
    out = Path(sys.argv[3])
    panel = load(path)
    features = add_features(panel)
    usable = panel["target"].notna() & panel[features].notna().any(axis=1)
    samples = panel[usable].sort_values(["Date", "Ticker"], ignore_index=True)
    tested, metrics, counts = [], {}, []
    for number, (train, test) in enumerate(folds(samples), 1):
        model = fit(train, features, parameters)
        test = test.assign(prediction=model.predict(test[features]), fold=number)
        metrics[f"fold {number}"] = score(test["target"], test["prediction"], test["Date"])
        tested.append(test[["Ticker", "Date", "fold", "target", "prediction"]])
        counts.append([len(train), len(test)])
    final = fit(samples, features, parameters)
    fitted = pd.Series(final.predict(samples[features]), index=samples.index)
    predictions = pd.concat(tested)
    metrics["training"] = score(samples["target"], fitted, samples["Date"])
    metrics["overall"] = score(
        predictions["target"], predictions["prediction"], predictions["Date"]
    )
    out.mkdir(parents=True, exist_ok=True)
    final.save_model(out / "model.txt")
    predictions.to_csv(out / "predictions.csv", index=False)
    document = {"rows": len(samples), "folds": counts, "metrics": metrics}
    (out / "metrics.json").write_text(json.dumps(document, indent=2), "utf-8")


if __name__ == "__main__":
    main()
