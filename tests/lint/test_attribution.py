"""Whose hyperparameter a name is: that of the library that the callable comes from."""

from __future__ import annotations

from datetime import date

import pytest

from repro.lint.check import check
from repro.verbs.configuring.linting import known_names

DAY = date(2026, 11, 24)


@pytest.fixture(scope="module")
def said():
    """Return what gives the messages of a text, with the names of the installed trainers."""
    names = known_names()
    return lambda text: [p.message for p in check(text.encode(), "f.py", names, DAY).problems]


@pytest.mark.parametrize(
    ("text", "whose"),
    [
        (
            "import lightgbm as lgb\nlgb.LGBMRegressor(learning_rate=0.1)",
            "learning_rate of lightgbm",
        ),
        ("from xgboost import XGBRegressor\nXGBRegressor(eta=0.1)", "learning_rate of xgboost"),
        (
            "from sklearn.neural_network import MLPRegressor as M\nM(learning_rate=0.1)",
            "learning_rate_init of mlp",
        ),
        (
            "from sklearn import ensemble as e\ne.RandomForestRegressor(n_estimators=7)",
            "n_estimators of random_forest",
        ),
        ("fit(path_smooth=0.5)", "path_smooth of lightgbm"),
        ("fit(learning_rate=0.1)", "of 4 families"),
    ],
)  # fmt: skip
def test_the_library_says_whose_it_is(text, whose, said) -> None:
    [message] = said(text)
    assert message.endswith(f"a hyperparameter in code ({whose})")


@pytest.mark.parametrize(
    "text",
    [
        "from sklearn.model_selection import KFold\nKFold(5, shuffle=True, random_state=seed)",
        "from sklearn.model_selection import train_test_split as t\n"
        "t(x, shuffle=True, random_state=seed)",
        "DataLoader(data, shuffle=True)",
    ],
)
def test_who_shuffles_rows_is_no_model(text, said) -> None:
    assert said(text) == []


def test_a_model_that_shuffles_is_found(said) -> None:
    text = "from sklearn.neural_network import MLPClassifier\nMLPClassifier(shuffle=False)"
    assert said(text) == ["shuffle is False: a hyperparameter in code (shuffle of mlp)"]
