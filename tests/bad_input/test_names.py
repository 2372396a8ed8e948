"""Names that do not exist and values that are none, on the command line."""

from __future__ import annotations

import pytest

from .workspace import QUICK, Workspace

# Slow: `make slow` runs these, and so does every change before it lands.
pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ("--target", "fwd_ret_5"),
            ("no such target: 'fwd_ret_5'; did you mean fwd_ret_5d?", "CONFIG/data/targets.yaml"),
        ),
        (
            ("--set", "default_target=fwd_ret_2d"),
            ("no such target: 'fwd_ret_2d'; did you mean fwd_ret_1d?",),
        ),
        (
            ("--family", "lightgmb"),
            ("no trainer offers the family 'lightgmb'; did you mean lightgbm?",),
        ),
        (
            ("--variant", "agressive"),
            ("no such variant of lightgbm: 'agressive'; did you mean aggressive?", "conservative"),
        ),
        (
            ("--profile", "debgu"),
            ("no such profile: 'debgu'; did you mean debug?", "optimizer_config.yaml"),
        ),
        (
            ("--config", "lightgbm_custm"),
            ("no such overlay: 'lightgbm_custm'", "CONFIG/model_config/lightgbm_custom.yaml"),
        ),
    ],
    ids=lambda value: value[0].lstrip("-") if value[0].startswith("--") else "",
)
def test_a_name_that_does_not_exist_gets_the_nearest_one(
    shared: Workspace, arguments: tuple[str, ...], says: tuple[str, ...]
) -> None:
    shared.refuse("train", *arguments, status=2, says=("repro: error:", "repro: hint:", *says))


def test_an_overlay_that_does_not_exist_gets_the_nearest_one(shared: Workspace) -> None:
    overlay = b"hyperparameters: {learning_rate: 0.02}\n"
    with shared.holding("CONFIG/model_config/lightgbm_custom.yaml", overlay):
        says = ("no such overlay: 'lightgbm_custm'; did you mean lightgbm_custom?",)
        shared.refuse("train", "--config", "lightgbm_custm", status=2, says=says)


def test_a_symbol_that_does_not_exist_gets_the_nearest_one(shared: Workspace) -> None:
    says = ("no samples of the symbol 'AAPLL'", "did you mean AAPL?", "GOOG, IBM, MSFT")
    shared.refuse("train", "--symbol", "AAPLL", status=3, says=says, adds=("run.refused",))


def test_a_listed_symbol_that_does_not_exist_is_named(shared: Workspace) -> None:
    says = ("no rows of symbol GOOGL", "AAPL, FB, GOOG, IBM, MSFT")
    arguments = ("train", "--set", "symbols=[IBM, GOOGL]")
    shared.refuse(*arguments, status=3, says=says, adds=("run.refused",))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("learning_rat=0.1", "learning_rat: unknown key; did you mean learning_rate?"),
        ("model_config.xgboost.learning_rate=0.1", "unknown key"),
        ("description=x", "description: ambiguous; it could be data.feature_registry"),
        ("deterministic=false", "strict mode forces it"),
        ("num_threads=4", "num_threads"),
        ("learning_rate", "key=value"),
        ("=0.1", "key=value"),
        ("..=0.1", "key=value"),
        ("", "key=value"),
    ],
)
def test_a_key_on_the_command_line_that_means_nothing_is_a_usage_error(
    shared: Workspace, text: str, says: str
) -> None:
    shared.refuse("train", "--set", text, status=2, says=("--set 1", says))


def test_two_names_of_one_parameter_on_the_command_line_are_refused(shared: Workspace) -> None:
    arguments = ("train", *QUICK, "--set", "learning_rate=0.1", "--set", "eta=0.2")
    shared.refuse(*arguments, status=2, says=("eta", "learning_rate", "another name"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("learning_rate=[0.1", "--set 1:1:"),
        ("learning_rate=.nan", "--set 1:1:15"),
        ("learning_rate=1e400", "--set 1:1:15"),
        ("learning_rate={a: 1}", "--set 1:1:15"),
        ("n_estimators=" + "9" * 5000, "n_estimators: a number of 5000 digits"),
        ("max_depth=" + "[" * 5000, "max_depth: nested deeper"),
    ],
    ids=["unclosed", "nan", "infinite", "mapping", "long", "deep"],
)
def test_a_value_on_the_command_line_that_cannot_be_read_is_a_finding(
    shared: Workspace, text: str, says: str
) -> None:
    shared.refuse("train", "--set", text, status=1, says=("--set 1:1:", says, "1 problem"))


@pytest.mark.parametrize(
    "faults",
    [
        {
            "learning_rate=fast": 'learning_rate: found "fast", expected a number',
            "n_estimators=20.5": "hyperparameters.",
            "folds=0": "splits.folds: 0 is below the minimum",
            "files=[]": "dataset.files",
            "dataset.time.timezone=Mars/Olympus": "dataset.time.timezone",
            'dataset.time.format="%Q"': "dataset.time.format",
            "base_seed=-1": "base_seed: -1 is below the minimum, 0",
            "view=sideways": "routing.view",
            "level=strct": "did you mean strict?",
            "threads=0": "reproducibility.threads",
            "selected=[]": "selected",
        },
        {
            "learning_rate=": "hyperparameters.learning_rate",
            "n_estimators=true": "hyperparameters.",
            "base_seed=1.5": "base_seed",
            "selected=[ret_1d, ret_1d]": "selected",
        },
        {
            "num_leaves=64": "64 leaves do not fit a depth of 5: at most 32",
            "purge=4": "purge: 4 is shorter than the horizon of fwd_ret_5d, 5",
            "selected=[ret_1d, ret_5]": "no feature 'ret_5' in the registry; did you mean ret_5d?",
        },
    ],
    ids=["schemas", "types", "across"],
)
def test_values_on_the_command_line_that_cannot_be_are_all_found(
    shared: Workspace, faults: dict[str, str]
) -> None:
    arguments = [word for text in faults for word in ("--set", text)]
    says = [f"--set {number}:1:" for number in range(1, len(faults) + 1)]
    says += [*faults.values(), f"{len(faults)} problems"]
    shared.refuse("train", *arguments, status=1, says=says)


def test_a_view_of_one_symbol_without_a_symbol_is_a_finding_where_the_symbol_is_set(
    shared: Workspace,
) -> None:
    says = ("routing_config.yaml:6:11: routing.symbol", "a symbol_specific view needs a symbol")
    shared.refuse("train", "--view", "symbol_specific", status=1, says=says)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("train", "--bogus"), "No such option: --bogus"),
        (("train", "--format", "xml"), "'xml' is not one of 'text', 'json'"),
        (("train", "--seed", "many"), "'many' is not a whole number"),
        (("train", "fwd_ret_5d"), "not an override: 'fwd_ret_5d'"),
        (("tarin",), "tarin"),
        (("runs",), "list"),
        (("audit",), "verify"),
        ((), "train"),
        (("runs", "list", "--limit", "-1"), "--limit"),
        (("diff",), "Missing argument 'a'"),
        (("verify",), "Missing argument 'run'"),
        (("rank", "--target", "fwd_ret_5d"), "or target_ranking.targets=[A, B]"),
        (("train", "--replicates", "abc"), "'abc' is not a whole number"),
        (("runs", "pin", "@foo", "@latest"), "here it is written without the @: foo"),
        (("runs", "unpin", "@latest"), "and is not latest"),
        (("train", "seed=3"), "hint: it is an option: --seed 3"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_command_line_that_cannot_be_understood_is_a_usage_error(
    shared: Workspace, arguments: tuple[str, ...], says: str
) -> None:
    shared.refuse(*arguments, status=2, says=(says,))
