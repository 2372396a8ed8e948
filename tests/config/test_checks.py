"""Checks across documents: each fault once, at the value that is at fault, with what to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repro.config.checks.composed import composed_problems, missing_hyperparameters
from repro.config.checks.cross import cross_checks
from repro.config.documents.tree import load
from repro.config.resolution.resolve import Selection, resolve

REGISTRY = "data/feature_registry.yaml"
TARGETS = "data/targets.yaml"
DATASET = "data/dataset.yaml"
MODEL = "model_config/lightgbm.yaml"
SPLITS = "training_config/splits_config.yaml"
ROUTING = "training_config/routing_config.yaml"
RETURN_1D = "{kind: return, column: Adj Close, periods: 1}\n    lookback: 1\n    lag: 0"
LEVEL = "{kind: column, column: Adj Close}\n    lookback: 0\n    lag: 0"
SHOWS = (
    "shows the level of 'Adj Close', which must not be a feature: "
    "It embeds corporate actions later than the row, which is look-ahead."
)
TIME = 'time:\n    column: Date\n    format: "%Y-%m-%d"\n    timezone: UTC'
SYMBOL = "symbol:\n    column: Ticker"
RETURN_5D = "{kind: forward_return, column: Adj Close}\n    horizon: 5"
VOLUME = "column: Volume, window: 20}\n    lookback: 19\n    lag: 0"
UP = "{kind: forward_return_above, column: Adj Close, threshold: 0.0}"


def told(problems):
    """Return problems as ``file:line:column-end: path: message``."""
    return [
        f"{p.place.file.removeprefix('CONFIG/')}:{p.place.line}:{p.place.column}-{p.place.end}: "
        f"{p.path}: {p.message}"
        for p in problems
    ]


@pytest.fixture
def checked(resolved, families):
    """Return what finds the problems between documents, in the order of their places."""

    def check(offered=families, **asked):
        found = cross_checks(resolved(**asked), offered)
        return sorted(found, key=lambda problem: problem.place)

    return check


@pytest.fixture
def composed(resolved, families):
    """Return what finds the problems of the schemas after the layers."""
    return lambda **asked: composed_problems(resolved(**asked), families)


# --- between documents ---------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["fwd_ret_5d", "fwd_ret_1d", "fwd_up_5d", "fwd_class_5d"])
@pytest.mark.parametrize("variant", [None, "conservative", "aggressive"])
def test_the_shipped_configuration_is_sound(target, variant, checked):
    assert checked(target=target, variant=variant) == []


@pytest.mark.parametrize(
    ("edits", "asked", "expected"),
    [
        pytest.param(
            [(DATASET, "default_target: fwd_ret_5d", "default_target: fwd_ret_5")],
            {"target": "fwd_ret_1d"},
            f"{DATASET}:30:19-28: dataset.default_target: "
            "no such target: 'fwd_ret_5'; did you mean fwd_ret_5d?",
            id="a default target that does not exist",
        ),
        pytest.param(
            [(TARGETS, UP, UP.replace("Adj Close", "Adj Clos"))],
            {},
            f"{TARGETS}:18:14-76: targets.fwd_up_5d.formula: "
            "no column 'Adj Clos' in the dataset; did you mean Adj Close?",
            id="a column of a target that does not exist",
        ),
        pytest.param(
            [(TARGETS, "edges: [-0.02, 0.02]", "edges: [0.02, -0.02, 0.5]")],
            {},
            f"{TARGETS}:24:14-88: targets.fwd_class_5d.formula: "
            "edges must ascend, and -0.02 follows 0.02",
            id="edges of classes that do not ascend",
        ),
        pytest.param(
            [(TARGETS, "task: multiclass", "task: binary")],
            {},
            f"{TARGETS}:23:11-17: targets.fwd_class_5d.task: "
            "binary is not what the formula forward_return_class gives: multiclass",
            id="a task of two classes for a formula of three",
        ),
        pytest.param(
            [(TARGETS, "Adj Close}\n    horizon: 1", "Adj Close}\n    horizon: 0")],
            {},
            f"{TARGETS}:14:14-15: targets.fwd_ret_1d.horizon: "
            "forward_return looks ahead, and so by 1 row or more",
            id="a return over no rows",
        ),
        pytest.param(
            [(TARGETS, UP, "{kind: column, column: Volume, classes: 3}")],
            {},
            f"{TARGETS}:18:14-56: targets.fwd_up_5d.formula: "
            "the task binary has no number of classes to be told",
            id="a number of classes where there are two",
        ),
        pytest.param(
            [(TARGETS, "forward_return_class, column: Adj Close, edges: [-0.02, 0.02]",
              "column, column: Volume")],
            {},
            f"{TARGETS}:24:14-44: targets.fwd_class_5d.formula: "
            "nothing says how many classes the column holds",
            id="classes of a column without their number",
        ),
        pytest.param(
            [(TARGETS, RETURN_5D, "{kind: column, column: Volume}\n    horizon: 0")],
            {},
            f"{REGISTRY}:84:14-56: registry.volume_z_20d.formula: volume_z_20d reads column "
            "'Volume', the labels of fwd_ret_5d, from 0 rows back: they are known from 1 on",
            id="the labels as a feature",
        ),
        pytest.param(
            [(TARGETS, RETURN_5D, "{kind: column, column: Volume}\n    horizon: 5"),
             (REGISTRY, VOLUME, f"{VOLUME[:-1]}4")],
            {},
            f"{REGISTRY}:84:14-56: registry.volume_z_20d.formula: volume_z_20d reads column "
            "'Volume', the labels of fwd_ret_5d, from 4 rows back: they are known from 5 on",
            id="labels as a feature before they are known",
        ),
        pytest.param(
            [(TARGETS, RETURN_5D, "{kind: column, column: Volume}\n    horizon: 0"),
             (REGISTRY, VOLUME, f"{VOLUME[:-1]}1"),
             (REGISTRY, "  - ret_5d\n", "  - Volume\n")],
            {},
            f"{REGISTRY}:8:5-11: feature_registry.selected: Volume reads column 'Volume', "
            "the labels of fwd_ret_5d, from 0 rows back: they are known from 1 on",
            id="the column of the labels selected by its name",
        ),
        pytest.param(
            [],
            {"target": "fwd_class_5d", "sets": ("safety.clipping.training_target_quantile=0.01",)},
            "--set 1:1:42-46: safety.clipping.training_target_quantile: "
            "the labels of fwd_class_5d are classes: write null",
            id="labels that are classes, clipped",
        ),
        pytest.param(
            [(REGISTRY, "column: Volume", "column: Volumes")],
            {},
            f"{REGISTRY}:84:14-57: registry.volume_z_20d.formula: "
            "no column 'Volumes' in the dataset; did you mean Volume?",
            id="a column of a feature that does not exist",
        ),
        pytest.param(
            [(REGISTRY, "  - ret_5d\n", ""),
             (REGISTRY, "Adj Close, periods: 5}", "Adj, periods: 5}")],
            {},
            f"{REGISTRY}:34:14-53: registry.ret_5d.formula: no column 'Adj' in the dataset",
            id="a column of a feature that is not selected",
        ),
        pytest.param(
            [(REGISTRY, "any\n    version: 1\n  ret_5d:", "[1, 20]\n    version: 1\n  ret_5d:")],
            {},
            f"{REGISTRY}:31:23-30: registry.ret_1d.allowed_horizons: "
            "forbids the horizon of fwd_ret_5d, 5; it allows 1, 20",
            id="a feature that forbids the horizon",
        ),
        pytest.param(
            [(REGISTRY, "periods: 60}\n    lookback: 60", "periods: 60}\n    lookback: 59")],
            {},
            f"{REGISTRY}:50:15-17: registry.ret_60d.lookback: 59 is not what the formula needs, 60",
            id="a lookback that the formula has not",
        ),
        pytest.param(
            [(REGISTRY, RETURN_1D, LEVEL)],
            {},
            f"{REGISTRY}:28:14-47: registry.ret_1d.formula: {SHOWS}",
            id="a forbidden level",
        ),
        pytest.param(
            [(REGISTRY, "{kind: rank, formula: {kind: return, column: Adj Close, periods: 20}}\n"
              "    lookback: 20", "{kind: rank, formula: {kind: column, column: Adj Close}}\n"
              "    lookback: 0")],
            {},
            f"{REGISTRY}:112:14-70: registry.rank_ret_20d.formula: {SHOWS}",
            id="a forbidden level inside a rank",
        ),
        pytest.param(
            [(SPLITS, "purge: 5 ", "purge: 4 ")],
            {},
            f"{SPLITS}:9:10-11: splits.purge: 4 is shorter than the horizon of fwd_ret_5d, 5",
            id="a purge shorter than the horizon",
        ),
        pytest.param(
            [(ROUTING, "cross_sectional        #", "symbol_specific  #")],
            {},
            f"{ROUTING}:6:11-15: routing.symbol: a symbol_specific view needs a symbol",
            id="a view of one symbol without the symbol",
        ),
        pytest.param(
            [(ROUTING, "symbol: null", "symbol: AAPL")],
            {},
            f"{ROUTING}:6:11-15: routing.symbol: a cross_sectional view has no symbol; write null",
            id="a symbol in a view of all",
        ),
        pytest.param(
            [(DATASET, "start: null", "start: 2010-01-02"),
             (DATASET, "end: null", "end: 2010-01-01")],
            {},
            f"{DATASET}:23:10-20: dataset.start: 2010-01-02 is after the end, 2010-01-01",
            id="a start after the end",
        ),
        pytest.param(
            [(DATASET, "end: null", "end: 2010-02-30")],
            {},
            f"{DATASET}:24:8-18: dataset.end: 2010-02-30 is no day of the calendar",
            id="a day that is not in the calendar",
        ),
        pytest.param(
            [(DATASET, "    Open: float64", "    Date: float64\n    Open: float64")],
            {},
            f"{DATASET}:15:11-18: dataset.columns.Date: "
            "the column is the row's time or symbol; it is no number",
            id="the time as a number",
        ),
        pytest.param(
            [(DATASET, "    Open: float64", "    Ticker: int64\n    Open: float64")],
            {},
            f"{DATASET}:15:13-18: dataset.columns.Ticker: "
            "the column is the row's time or symbol; it is no number",
            id="the symbol as a number",
        ),
        pytest.param(
            [(DATASET, "symbol:\n    column: Ticker", "symbol: null")],
            {"sets": ("view=symbol_specific", "routing.symbol=AAPL")},
            "--set 1:1:6-21: routing.view: the dataset has no symbols",
            id="a view of one symbol where there are none",
        ),
        pytest.param(
            [(DATASET, '"%Y-%m-%d"', "null")],
            {},
            f"{DATASET}:10:13-17: dataset.time.format: times in CSV are text and need a format",
            id="times in CSV without a format",
        ),
        pytest.param(
            [(DATASET, '"%Y-%m-%d"', '"%Y-%m-%d%m"')],
            {},
            f"{DATASET}:10:13-25: dataset.time.format: %m stands in the format 2 times",
            id="a code twice in a format of times",
        ),
        pytest.param(
            [(DATASET, "interval: 1d", "interval: null")],
            {},
            f"{DATASET}:21:13-17: dataset.interval: rows with times have a spacing",
            id="times without an interval",
        ),
        pytest.param(
            [(DATASET, TIME, "time: null"), (DATASET, SYMBOL, "symbol: null")],
            {},
            f"{DATASET}:17:13-15: dataset.interval: "
            "a table without times has no interval: write null",
            id="an interval without times",
        ),
        pytest.param(
            [(DATASET, TIME, "time: null"), (DATASET, SYMBOL, "symbol: null"),
             (DATASET, "interval: 1d", "interval: null"),
             (DATASET, "end: null", "end: 2010-01-01")],
            {},
            f"{DATASET}:20:8-18: dataset.end: a table without times has no days: write null",
            id="days without times",
        ),
        pytest.param(
            [(DATASET, TIME, "time: null"), (DATASET, "interval: 1d", "interval: null"),
             (REGISTRY, "  - rank_ret_20d\n", "")],
            {},
            f"{SPLITS}:6:11-30: splits.method: "
            "rows of several symbols without times have no common order to cut",
            id="a cut in time without times",
        ),
        pytest.param(
            [(REGISTRY, "  - open_gap\n", "  - Volumes\n")],
            {},
            f"{REGISTRY}:17:5-12: feature_registry.selected: "
            "no feature 'Volumes' in the registry; did you mean Volume?",
            id="a feature that is neither in the registry nor a column",
        ),
        pytest.param(
            [(REGISTRY, "  Adj Close: It", "  Volume: It"),
             (REGISTRY, "  - open_gap\n", "  - Volume\n")],
            {},
            f"{REGISTRY}:17:5-11: feature_registry.selected: "
            f"{SHOWS.replace('Adj Close', 'Volume')}",
            id="a column as a feature whose level is forbidden",
        ),
        pytest.param(
            [(MODEL, "num_leaves: 15", "num_leaves: 33")],
            {},
            f"{MODEL}:8:15-17: hyperparameters.num_leaves: "
            "33 leaves do not fit a depth of 5: at most 32",
            id="more leaves than the depth has",
        ),
    ],
)  # fmt: skip
def test_a_fault_between_documents_is_told_at_the_value(edits, asked, expected, edit, checked):
    for relative, old, new in edits:
        edit(relative, old, new)
    assert told(checked(**asked)) == [expected]


@pytest.mark.parametrize(
    ("edits", "asked"),
    [
        ([(SPLITS, "purge: 5 ", "purge: 1 ")], {"target": "fwd_ret_1d"}),
        ([(MODEL, "num_leaves: 15", "num_leaves: 32")], {}),
        ([(MODEL, "max_depth: 5", "max_depth: -1")], {"sets": ("num_leaves=500",)}),
        ([(REGISTRY, "any\n    version: 1\n  ret_5d:", "[1, 5]\n    version: 1\n  ret_5d:")], {}),
        ([(REGISTRY, "any\n    version: 1\n  ret_5d:", "[1]\n    version: 1\n  ret_5d:"),
          (REGISTRY, "  - ret_1d\n", "")], {}),
        ([(REGISTRY, RETURN_1D, "{kind: column, column: Close}\n    lookback: 0\n    lag: 0")], {}),
        ([(REGISTRY, RETURN_1D, LEVEL),
          (REGISTRY, "  - ret_1d\n", "")], {}),
        ([(DATASET, "start: null", "start: 2010-01-01"),
          (DATASET, "end: null", "end: 2010-01-01")], {}),
        ([], {"sets": ("view=symbol_specific", "routing.symbol=AAPL")}),
        ([(DATASET, TIME, "time: null"), (DATASET, SYMBOL, "symbol: null"),
          (DATASET, "interval: 1d", "interval: null")], {}),
        ([(DATASET, '"%Y-%m-%d"', "null"), (DATASET, "format: csv", "format: parquet")], {}),
        ([(REGISTRY, "  - open_gap\n", "  - Close\n  - Volume\n")], {}),
        ([(REGISTRY, RETURN_1D + "\n    allowed_horizons: any\n    version: 1",
           RETURN_1D.partition("\n")[0])], {}),
    ],
    ids=[
        "a purge that is long enough for the target that is chosen",
        "exactly as many leaves as the depth has",
        "many leaves without a limit to the depth",
        "a horizon that a feature allows",
        "a feature that forbids the horizon and is not selected",
        "a level that nothing forbids",
        "a forbidden level that is not selected",
        "a range of one day",
        "a view of one symbol",
        "one series without times",
        "stored times without a format",
        "columns as features",
        "a feature of which the registry states the formula alone",
    ],
)  # fmt: skip
def test_what_is_sound_gives_no_problem(edits, asked, edit, checked):
    for relative, old, new in edits:
        edit(relative, old, new)
    assert checked(**asked) == []


def test_symbols_without_times_have_no_moment_at_which_to_be_ranked(edit, checked):
    edit(DATASET, TIME, "time: null")
    edit(DATASET, "interval: 1d", "interval: null")
    said = [problem.message for problem in checked()]
    assert "rank_ret_20d ranks symbols at one moment, and the dataset has no times" in said


def test_every_fault_is_told_at_once(edit, checked):
    edit(SPLITS, "purge: 5 ", "purge: 0 ")
    edit(ROUTING, "symbol: null", "symbol: AAPL")
    edit(MODEL, "num_leaves: 15", "num_leaves: 63")
    edit(REGISTRY, "lookback: 14", "lookback: 13")
    edit(TARGETS, UP, UP.replace("Adj Close", "Adj"))
    found = checked()
    assert [problem.path for problem in found] == [
        "registry.rsi_14d.lookback",
        "targets.fwd_up_5d.formula",
        "hyperparameters.num_leaves",
        "routing.symbol",
        "splits.purge",
    ]
    assert {problem.rule for problem in found} == {"cross-check"}


def test_every_fault_shows_its_line(edit, checked, workspace):
    edit(SPLITS, "purge: 5 ", "purge: 0 ")
    (problem,) = checked()
    assert problem.source == (workspace / "CONFIG" / SPLITS).read_text("utf-8").splitlines()[8]


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ({"sets": ("num_leaves=60",)}, "--set 1:1:12-14"),
        ({"sets": ("max_depth=3",)}, f"{MODEL}:8:15-17"),
        ({"variant": "aggressive", "sets": ("embargo=0", "max_depth=2")}, f"{MODEL}:37:17-19"),
        ({"overlays": ("lightgbm_deep",)}, "model_config/lightgbm_deep.yaml:2:13-15"),
    ],
)
def test_a_fault_is_told_at_the_layer_that_decided(asked, place, add, checked):
    add("model_config/lightgbm_deep.yaml", "hyperparameters:\n  max_leaf: 60\n")
    (problem,) = told(checked(**asked))
    assert problem.startswith(f"{place}: hyperparameters.num_leaves: ")


def test_a_purge_that_is_too_short_says_what_would_do(checked):
    (problem,) = checked(sets=("purge=2",))
    assert problem.hint == "set it to 5 or more"


def test_a_feature_that_does_not_exist_is_told_with_the_nearest(edit, checked):
    edit(REGISTRY, "  - rsi_14d\n", "  - rsi_14\n")
    (problem,) = checked()
    assert problem.message == "no feature 'rsi_14' in the registry; did you mean rsi_14d?"
    assert problem.place.file == f"CONFIG/{REGISTRY}"


def test_a_feature_that_does_not_exist_is_told_at_its_own_line(edit, checked):
    edit(REGISTRY, "  - rsi_14d\n", "  - rsi_14\n")
    (problem,) = checked()
    assert (problem.place.line, problem.place.column, problem.place.end) == (18, 5, 11)


def test_a_forbidden_column_that_does_not_exist_is_told(edit, checked):
    edit(REGISTRY, "  Adj Close: It", "  Adj close: It")
    assert checked() != []


def test_a_symbol_that_the_dataset_leaves_out_is_told(edit, checked):
    edit(DATASET, "symbols: null", "symbols: [AAPL]")
    assert checked(sets=("view=symbol_specific", "routing.symbol=MSFT")) != []


# --- what the trainer says -----------------------------------------------------------------------


def test_a_task_that_the_trainer_cannot_do_is_told_at_the_target(checked, families):
    offered = {"lightgbm": replace(families["lightgbm"], tasks=("regression",))}
    assert checked(offered) == []
    (problem,) = checked(offered, target="fwd_up_5d")
    assert told([problem]) == [
        f"{TARGETS}:17:11-17: targets.fwd_up_5d.task: lightgbm cannot be trained for binary"
    ]
    assert problem.hint == "it can for: regression"


@pytest.mark.parametrize(("horizon", "lag"), [(0, 1), (5, 5)])
def test_labels_that_are_known_already_may_be_a_feature(horizon, lag, edit, checked):
    edit(TARGETS, RETURN_5D, f"{{kind: column, column: Volume}}\n    horizon: {horizon}")
    edit(REGISTRY, VOLUME, f"{VOLUME[:-1]}{lag}")
    assert checked() == []


@pytest.mark.parametrize("family", ["ridge", "elasticnet"])
@pytest.mark.parametrize("target", ["fwd_up_5d", "fwd_class_5d"])
def test_a_family_of_regressions_knows_no_classes(family, target, checked, families):
    (problem,) = checked(target=target, sets=(f"pipeline.family={family}",))
    task = "binary" if target == "fwd_up_5d" else "multiclass"
    assert problem.message == f"{family} cannot be trained for {task}"
    assert (problem.path, problem.hint) == (f"targets.{target}.task", "it can for: regression")


@pytest.fixture
def forcing(families):
    """Return the trainers, where strict mode forces a parameter that the document sets."""
    trainer = families["lightgbm"]
    rule = replace(trainer.rulebook[0], parameter="extra_trees", value=True, levels=("strict",))
    return {"lightgbm": replace(trainer, rulebook=(rule,))}


def test_a_value_against_what_the_level_forces_is_told_at_the_value(checked, forcing):
    (problem,) = told(checked(forcing))
    assert problem.startswith(
        f"{MODEL}:21:16-21: hyperparameters.extra_trees: strict mode forces it"
    )


def test_a_value_that_agrees_with_what_the_level_forces_is_sound(checked, forcing):
    assert checked(forcing, sets=("extra_trees=true",)) == []


def test_another_level_does_not_force(checked, forcing):
    assert checked(forcing, sets=("level=best-effort",)) == []


# --- after the layers, against the schemas -------------------------------------------------------


def test_the_shipped_documents_need_no_second_look(composed):
    assert composed() == ()


def test_every_shipped_variant_and_profile_fits_the_schemas(composed):
    for variant in (None, "conservative", "aggressive"):
        for profile in (None, "default", "debug", "throughput_optimized"):
            assert composed(variant=variant, profile=profile) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("eta=3.0", "--set 1:1:5-8: hyperparameters.learning_rate: 3.0 is above the maximum, 1"),
        ("folds=two", '--set 1:1:7-10: splits.folds: found "two", expected an integer'),
        ("base_seed=-1", "--set 1:1:11-13: reproducibility.base_seed: -1 is below the minimum, 0"),
        ("selected=[]", "--set 1:1:10-12: selected: found 0 items, expected at least 1"),
    ],
)
def test_an_override_that_its_schema_refuses_is_told_in_the_argument(text, expected, composed):
    assert told(composed(sets=(text,))) == [expected]


def test_an_override_with_an_unknown_key_in_a_mapping_is_told(composed):
    (problem,) = composed(sets=("splits={purg: 6}",))
    assert problem.message == "unknown key; did you mean purge?"
    assert (problem.place.file, problem.source) == ("--set 1", "splits={purg: 6}")


def test_a_target_that_an_overlay_begins_and_nobody_ends_is_told_in_the_overlay(add, composed):
    add("data/targets_x.yaml", "targets:\n  mine:\n    task: binary\n    horizon: 5\n")
    (problem,) = composed(overlays=("targets_x",))
    assert problem.message == "missing keys description, formula"
    assert problem.place.file == "CONFIG/data/targets_x.yaml"
    assert problem.source.startswith("    ")


def test_an_overlay_of_another_family_is_held_to_its_own_schema(add, workspace, families):
    trainer = families["lightgbm"]
    levels = {"levels": {"type": "integer", "aliases": []}}
    both = {**families, "shallow": replace(trainer, family="shallow", hyperparameters=levels)}
    add("model_config/shallow.yaml", "hyperparameters: {levels: 3}\n")
    add("model_config/shallow_x.yaml", "variants: {low: {levels: 1}}\n")
    tree, found = load(workspace, both)
    assert found == ()
    asked = Selection(overlays=("shallow_x",), sets=("pipeline.family=shallow",))
    configuration = resolve(tree, asked, both)
    assert composed_problems(configuration, both) == ()


# --- nothing is left to the library --------------------------------------------------------------


def test_a_hyperparameter_without_a_value_is_told(edit, resolved, families):
    edit(MODEL, "  max_bin: 255\n", "")
    edit(MODEL, "  subsample: 0.8", "  # subsample: 0.8")
    edit(f"defaults/{MODEL}", "  max_bin: 255\n", "")
    edit(f"defaults/{MODEL}", "  bagging_fraction: ", "  # bagging_fraction: ")
    assert told(missing_hyperparameters(resolved(), families)) == [
        f"{MODEL}:1:1-1: hyperparameters: missing: bagging_fraction, max_bin"
    ]


def test_a_profile_may_give_what_the_document_leaves_out(edit, resolved, families):
    edit(MODEL, "  max_bin: 255\n", "")
    assert missing_hyperparameters(resolved(profile="debug"), families) == ()


def test_an_override_may_give_what_the_document_leaves_out(edit, resolved, families):
    edit(MODEL, "  max_bin: 255\n", "")
    assert missing_hyperparameters(resolved(sets=("max_bin=63",)), families) == ()


def test_a_column_that_is_not_declared_comes_with_how_to_declare_it(edit, checked):
    edit(REGISTRY, "  Adj Close: It", "  sector: It")
    (problem,) = checked()
    assert problem.message == "no column 'sector' in the dataset"
    assert problem.hint == (
        "if the files have it, declare it in dataset.columns as `sector: …`, float64 or int64"
    )
    (group,) = (
        p
        for p in checked(sets=("splits.method=grouped", "group_column=region"))
        if "region" in p.message
    )
    assert group.hint is not None
    assert group.hint.endswith("dataset.columns as `region: …`, int64")
