"""Methods of the splits: what each uses and needs, and what it puts into the identity."""

import pytest

from repro.config.checks.cross import cross_checks
from repro.config.checks.overrides import unused
from repro.config.resolution.active import COMPONENTS, SPLIT_USES, activate, components
from repro.config.sealed.request import build
from repro.identity.seeds import derive_seed

SPLITS = "training_config/splits_config.yaml"
DATASET = "data/dataset.yaml"
K_FOLD = "splits.method=k_fold"
GROUPED = "splits.method=grouped"
ALL = {name for names in SPLIT_USES.values() for name in names}
OTHER = {
    "initial_train_fraction": 0.5,
    "max_train_timestamps": 300,
    "shuffled": True,
    "group_column": "Volume",
    "time_blocks": 3,
}
"""Another value of each leaf that only some methods use."""


def moved(a, b):
    """Return the components that differ between two resolved configurations."""
    before, after = components(a), components(b)
    return {name for name in COMPONENTS if repr(before[name]) != repr(after[name])}


def asked(found, families):
    """Return the half of the request that decides."""
    return build(found, activate(found), families["lightgbm"]).decides


@pytest.mark.parametrize("method", SPLIT_USES)
@pytest.mark.parametrize("name", OTHER)
def test_a_leaf_moves_the_splits_of_the_methods_that_use_it_and_is_idle_under_others(
    method, name, resolved
):
    sets = (f"splits.method={method}",)
    more = f"splits.{name}={OTHER[name]}".replace("True", "true")
    a, b = resolved(sets=sets), resolved(sets=(*sets, more))
    used = name in SPLIT_USES[method]
    assert moved(a, b) == ({"splits"} if used else set())
    assert (name in activate(b).splits) == used
    assert [problem.path.rpartition(".")[2] for problem in unused(b)] == ([] if used else [name])


def test_a_walk_forward_is_identified_as_it_was_before_there_were_other_methods(resolved, families):
    wanted = {
        "method": "purged_walk_forward",
        "folds": 5,
        "initial_train_fraction": 0.4,
        "purge": 5,
        "embargo": 1,
        "max_train_timestamps": None,
        "validation_fraction": 0.2,
        "min_train_rows": 500,
        "min_test_rows": 100,
    }
    assert components(resolved())["splits"] == {f"splits.{k}": v for k, v in wanted.items()}
    assert asked(resolved(), families)["splits"] == wanted


@pytest.mark.parametrize("method", SPLIT_USES)
def test_each_method_is_sound_as_shipped_and_its_document_needs_no_leaf_of_the_others(
    method, edit, resolved, families
):
    edit(SPLITS, "method: purged_walk_forward", f"method: {method}")
    assert cross_checks(resolved(), families) == ()
    for name in ALL - set(SPLIT_USES[method]):
        edit(SPLITS, f"  {name}:", f"  # {name}:")
    assert cross_checks(resolved(), families) == ()
    for name in SPLIT_USES[method]:
        if name in OTHER:
            edit(SPLITS, f"  {name}:", f"  # {name}:")
            (problem,) = cross_checks(resolved(), families)
            assert problem.message == f"{method} needs `{name}`"
            assert problem.hint == f"write splits.{name}"
            edit(SPLITS, f"  # {name}:", f"  {name}:")


# --- the draw ------------------------------------------------------------------------------------


def test_the_seed_of_a_draw_is_asked_for_and_is_no_part_of_the_splits(resolved, families):
    sets = (K_FOLD, "shuffled=true")
    a, b = resolved(sets=sets), resolved(sets=(*sets, "base_seed=7"))
    assert moved(a, b) == {"seed"}
    seeds = [asked(found, families)["splits"]["seed"] for found in (a, b)]
    assert seeds[1] == derive_seed(7, "folds", ["fwd_ret_5d", "cross_sectional", ""], 53)
    assert seeds[0] != seeds[1]


def test_a_draw_is_the_same_for_every_family_and_another_for_another_target_or_symbol(
    resolved, families
):
    sets = (K_FOLD, "shuffled=true")
    one = ("routing.view=symbol_specific", "routing.symbol=IBM")
    found = [
        resolved(sets=sets),
        resolved(sets=(*sets, "pipeline.family=ridge")),
        resolved(sets=sets, target="fwd_ret_1d"),
        resolved(sets=(*sets, *one)),
    ]
    seeds = [asked(each, families)["splits"]["seed"] for each in found]
    assert seeds[0] == seeds[1]
    assert len(set(seeds)) == 3


@pytest.mark.parametrize("sets", [(), (K_FOLD,), (GROUPED,), (GROUPED, "shuffled=true")])
def test_where_nothing_is_drawn_no_seed_is_asked_for(sets, resolved, families):
    assert "seed" not in asked(resolved(sets=sets), families)["splits"]


# --- checks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sets", "at", "message"),
    [
        ((K_FOLD, "purge=4"), 2, "4 is shorter than the horizon of fwd_ret_5d, 5"),
        ((GROUPED, "purge=4"), 2, "4 is shorter than the horizon of fwd_ret_5d, 5"),
        ((K_FOLD, "splits.folds=1"), 2, "k_fold needs two folds or more: what is not tested tr"),
        ((GROUPED, "splits.folds=1"), 2, "grouped needs two folds or more"),
        ((GROUPED, "group_column=Volme"), 2, "no column 'Volme' in the dataset; did you mean Vol"),
        ((GROUPED, "group_column=Close"), 2, "Close is declared float64: groups are int64"),
        (
            (GROUPED, "routing.view=symbol_specific", "routing.symbol=IBM"),
            1,
            "a symbol_specific view has one symbol, and so one group",
        ),
        (
            ("dataset.symbols=[AAPL, IBM]", "splits.folds=3", GROUPED),
            2,
            "3 folds cannot be made of 2 symbols",
        ),
    ],
)
def test_what_cannot_be_is_told_where_it_is_written(sets, at, message, resolved, families):
    (problem,) = cross_checks(resolved(sets=sets), families)
    assert problem.message.startswith(message)
    assert problem.place.file == f"--set {at}"


def test_a_table_of_one_series_has_no_symbols_to_group_by(edit, resolved, families):
    edit(DATASET, "  symbol:\n    column: Ticker", "  symbol: null")
    found = cross_checks(resolved(sets=(GROUPED,)), families)
    assert "the dataset has no symbols to group by: name a column" in [p.message for p in found]
    assert cross_checks(resolved(sets=(GROUPED, "group_column=Volume")), families) == ()


@pytest.mark.parametrize("sets", [("splits.folds=1",), (K_FOLD, "group_column=Close")])
def test_what_another_method_could_not_be_asked_for_is_no_problem(sets, resolved, families):
    assert cross_checks(resolved(sets=sets), families) == ()
