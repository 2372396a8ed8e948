"""``a.b=c``: how it is read, where its parts stand, and which value a suffix of a path means."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.config.resolution.assignments import ASIDE, parse_assignment, target_path
from repro.config.resolution.given import Given
from repro.config.resolution.layers import dotted, lay
from repro.config.resolution.settings import document_settings
from repro.errors import ProblemsError
from repro.facts.trainers import declarations

MODEL = ("model_config", "lightgbm")
OTHERS = {("model_config", family) for family in declarations()} - {MODEL}
HYPERPARAMETERS = (*MODEL, "hyperparameters")


@pytest.fixture(scope="module")
def paths(shipped, families):
    """Return the path of every shipped leaf."""
    return tuple(lay({}, document_settings(shipped.documents, families)))


@pytest.fixture(scope="module")
def meant(paths, families):
    """Return what finds the path that a key means, for the shipped configuration."""

    def find(key, family="lightgbm"):
        return target_path(parse_assignment(1, f"{key}=0"), paths, family, families)

    return find


@pytest.fixture(scope="module")
def complaint(meant):
    """Return what finds the one problem of a key."""

    def find(key, family="lightgbm"):
        with pytest.raises(ProblemsError) as caught:
            meant(key, family)
        (problem,) = caught.value.problems
        return problem

    return find


def unreadable(text):
    """Return the one problem of a text that is no override."""
    with pytest.raises(ProblemsError) as caught:
        parse_assignment(2, text)
    (problem,) = caught.value.problems
    return problem


# --- reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a.b=7", 7),
        ("a.b='7'", "7"),
        ('a.b="7"', "7"),
        ("a.b=1e-3", 0.001),
        ("a.b=012", 12),
        ("a.b=true", True),
        ("a.b=no", "no"),
        ("a.b=null", None),
        ("a.b=", None),
        ("a.b=two words", "two words"),
        ("a.b=[1, x]", [1, "x"]),
        ("a.b={x: 1}", {"x": 1}),
        ("a.b=x=y", "x=y"),
        ("a.b= 5", 5),
        ("a.b=2020-01-31", "2020-01-31"),
    ],
)
def test_a_value_is_read_as_yaml(text, value):
    assert repr(parse_assignment(1, text).value) == repr(value)


@given(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(min_codepoint=32, max_codepoint=126))
    | st.lists(st.integers() | st.text("ab: #'\"\\{}[],&*!|>%@`-", max_size=5))
)
def test_every_value_written_as_json_is_read_back(value):
    assert repr(parse_assignment(1, f"k={json.dumps(value)}").value) == repr(value)


@pytest.mark.parametrize("text", ["a.b =5", " a.b=5", "a . b=5"])
def test_spaces_around_the_parts_of_a_key_do_not_count(text):
    assert parse_assignment(1, text).key == ("a", "b")


def test_a_key_may_hold_spaces():
    assert parse_assignment(1, "dataset.columns.Adj Close=int64").key[-1] == "Adj Close"


@pytest.mark.parametrize(
    ("text", "under", "why"),
    [
        ("a.b", (1, 4), "there is no ="),
        ("", (1, 1), "there is no ="),
        ("=5", (1, 2), "no key before the ="),
        (" =5", (1, 2), "no key before the ="),
        (".a=5", (1, 2), "a name is missing here"),
        ("a.=5", (3, 4), "a name is missing here"),
        ("a..b=5", (3, 4), "a name is missing here"),
        ('a."b=5', (3, 7), "the quote is never closed"),
        ("a=1\nb: 2", (1, 4), "it has more than one line"),
    ],
)
def test_what_is_not_key_equals_value_is_refused_where_it_goes_wrong(text, under, why):
    problem = unreadable(text)
    assert problem.message == f"not of the form key=value: {why}"
    assert (problem.place.file, problem.place.line) == ("--set 2", 1)
    assert ((problem.place.column, problem.place.end), problem.source) == (under, text)
    assert problem.hint == "write it as in learning_rate=0.05"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('a."b.c"=1', ("a", "b.c")),
        ('"a b".c=1', ("a b", "c")),
        ('a."x=y"=1', ("a", "x=y")),
        ("a.b c.d=1", ("a", "b c", "d")),
    ],
)
def test_a_name_may_stand_in_quotes(text, key):
    assignment = parse_assignment(1, text)
    assert (assignment.key, assignment.value) == (key, 1)
    assert text[assignment.place.column - 1 : assignment.place.end - 1] == "1"


def test_the_place_of_a_value_is_its_text_in_the_argument():
    text = "splits.purge=17"
    place = parse_assignment(3, text).place
    assert (place.file, place.line) == ("--set 3", 1)
    assert text[place.column - 1 : place.end - 1] == "17"


def test_the_place_of_a_value_leaves_out_the_space_before_it():
    text = "splits.purge= 17"
    place = parse_assignment(1, text).place
    assert text[place.column - 1 : place.end - 1] == "17"


@pytest.mark.parametrize(
    ("text", "at", "word"),
    [
        ("k={a: 1, a: 2}", 10, "duplicate key"),
        ("k=.nan", 3, "not a finite number"),
        ("k=!x 1", 3, "tag"),
        ("long.key=[1, .inf]", 14, "not a finite number"),
    ],
)
def test_a_fault_in_a_value_is_told_where_it_stands_in_the_argument(text, at, word):
    problem = unreadable(text)
    assert word in problem.message
    assert (problem.place.file, problem.place.line, problem.place.column) == ("--set 2", 1, at)
    assert problem.source == text


def test_a_fault_in_a_value_is_told_with_the_key_that_was_typed():
    assert unreadable("k={a: 1, a: 2}").path == "k.a"


def test_a_second_line_in_a_value_is_not_dropped():
    unreadable("purge=7\nembargo: 3")


# --- looking up ----------------------------------------------------------------------------------


def test_the_full_path_of_every_leaf_means_that_leaf(paths, meant):
    assert [meant(dotted(path)) for path in paths] == list(paths)


def test_a_suffix_means_the_one_active_value_that_ends_in_it_or_lists_all(paths, meant, complaint):
    first = {path: 2 if path[0] == "identity_config" else 3 for path in paths}
    nodes = {path[:n] for path in paths for n in range(first[path], len(path) + 1)}
    active = {path for path in nodes if not ASIDE & set(path) and path[:2] not in OTHERS}
    suffixes = {path[n:] for path in active for n in range(len(path))} - nodes
    for suffix in suffixes:
        ending = sorted(path for path in active if path[-len(suffix) :] == suffix)
        if len(ending) == 1:
            assert meant(dotted(suffix)) == ending[0]
        else:
            listed = ", ".join(map(dotted, ending))
            assert complaint(dotted(suffix)).message == f"ambiguous; it could be {listed}"


@pytest.mark.parametrize(
    "key",
    ["dataset.columns.Adj Close", "columns.Adj Close", "data.dataset.dataset.columns.Adj Close"],
)
def test_a_key_with_a_space_is_found(meant, key):
    assert meant(key) == ("data", "dataset", "dataset", "columns", "Adj Close")


def test_a_suffix_that_begins_within_a_name_means_nothing(complaint):
    assert complaint("rate").message.startswith("unknown key")


def test_a_suffix_of_several_values_lists_them_all(complaint):
    assert complaint("column").message == (
        "ambiguous; it could be data.dataset.dataset.symbol.column, "
        "data.dataset.dataset.time.column"
    )


def test_one_more_key_settles_an_ambiguity(meant):
    assert meant("time.column") == ("data", "dataset", "dataset", "time", "column")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("seed=3", "it is an option: --seed 3"),
        ("target=fwd_ret_1d", "it is an option: --target fwd_ret_1d"),
        ("profile=my own", "it is an option: --profile 'my own'"),
        (
            Given("seed=3", "argument set['seed']", "seed=", "3"),
            "it is an argument of its own: seed=3",
        ),
        ("reproducibility.seed=3", None),
        ("seeds=3", None),
    ],
)
def test_who_gives_an_option_as_a_value_is_told_how_to_give_it(paths, families, text, hint):
    with pytest.raises(ProblemsError) as caught:
        target_path(parse_assignment(1, text), paths, "lightgbm", families)
    (problem,) = caught.value.problems
    assert problem.message.startswith("unknown key")
    assert problem.hint == hint


def test_the_place_of_a_problem_with_a_key_is_the_key(complaint):
    place = complaint("time.colum").place
    assert (place.file, place.line, place.column, place.end) == ("--set 1", 1, 1, 11)


def test_every_name_of_a_hyperparameter_means_the_one(meant, families):
    for name, canonical in families["lightgbm"].aliases().items():
        assert meant(name) == (*HYPERPARAMETERS, canonical)
        assert meant(f"lightgbm.hyperparameters.{name}") == (*HYPERPARAMETERS, canonical)


def test_n_estimators_is_num_iterations(meant):
    assert meant("n_estimators") == meant("num_iterations")


def test_a_bare_hyperparameter_is_never_one_of_a_variant_or_profile(meant):
    assert meant("max_bin") == (*HYPERPARAMETERS, "max_bin")


def test_a_value_of_a_variant_is_found_when_it_is_named(meant):
    expected = (*MODEL, "variants", "aggressive", "num_iterations")
    assert meant("aggressive.num_iterations") == meant("aggressive.n_estimators") == expected


def test_a_bare_hyperparameter_is_that_of_the_chosen_family(paths, families):
    both = {**families, "twin": replace(families["lightgbm"], family="twin")}
    known = [
        *paths,
        *(("model_config", "twin", *path[2:]) for path in paths if path[0] == MODEL[0]),
    ]
    for family in ("lightgbm", "twin"):
        found = target_path(parse_assignment(1, "eta=1"), known, family, both)
        assert found == ("model_config", family, "hyperparameters", "learning_rate")


def test_the_other_familys_hyperparameter_is_found_when_it_is_named(paths, families):
    both = {**families, "twin": replace(families["lightgbm"], family="twin")}
    known = [*paths, ("model_config", "twin", "hyperparameters", "max_bin")]
    found = target_path(
        parse_assignment(1, "twin.hyperparameters.max_bin=9"), known, MODEL[1], both
    )
    assert found == ("model_config", "twin", "hyperparameters", "max_bin")


def test_an_ambiguous_key_is_told_the_other_families_that_have_it_and_not_the_chosen(families):
    declared = families["xgboost"].hyperparameters
    mode = {**declared, "mode": declared["max_depth"]}
    both = {
        **families,
        "one": replace(families["xgboost"], family="one", hyperparameters=mode),
        "two": replace(families["xgboost"], family="two", hyperparameters=mode),
    }
    known = [("identity_config", "identity", "mode")]
    with pytest.raises(ProblemsError) as caught:
        target_path(parse_assignment(1, "mode=1"), known, "one", both)
    assert str(caught.value.problems[0].hint).endswith("or choose a family that has it: two")


# --- keys that nothing has -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("learnin_rate", "learning_rate"),
        ("hyperparameters.num_leavs", "num_leaves"),
        ("n_estimator", "n_estimators"),
        ("splits.purgee", "splits.purge"),
        ("split.purge", "splits.purge"),
        ("base_sed", "reproducibility.base_seed"),
        ("columns.Volum", "columns.Volume"),
        ("Purge", "splits.purge"),
    ],
)
def test_an_unknown_key_is_told_with_the_nearest(complaint, key, near):
    assert complaint(key).message == f"unknown key; did you mean {near}?"


def test_a_key_that_nothing_is_near_to_is_unknown(complaint):
    assert complaint("zzzzzzzz").message == "unknown key"
    assert complaint("zzzzzzzz").hint is None


@pytest.mark.parametrize("key", ["dataset.columns.sector", "columns.sector"])
def test_a_new_key_of_an_open_mapping_is_to_be_written_in_its_file(complaint, key):
    found = complaint(key)
    assert found.message.startswith("unknown key")
    assert found.hint == (
        "--set changes values that are there and adds none: write sector under"
        " dataset.columns in CONFIG/data/dataset.yaml"
    )


@pytest.mark.parametrize("family", ["xgboost", "lightgbm"])
def test_a_name_that_a_profile_lacks_is_not_told_as_the_nearest_to_itself(complaint, family):
    found = complaint("training_profiles.debug.early_stopping_rounds", family)
    assert found.message == ("unknown key: training_profiles.debug has no early_stopping_rounds")
    assert "write early_stopping_rounds under training_profiles.debug in" in found.hint


def test_every_knob_that_strict_mode_forces_says_so(complaint, families):
    for name in families["lightgbm"].forced("strict"):
        assert "strict mode forces it to" in complaint(f"hyperparameters.{name}").message


def test_a_forced_value_is_shown_as_yaml_writes_it(complaint):
    assert complaint("deterministic").message.endswith("strict mode forces it to true")


def test_a_forced_knob_is_merely_unknown_where_no_family_is_chosen_yet(complaint):
    assert complaint("deterministic", None).message == "unknown key"


def test_a_key_inside_a_formula_is_not_taken_for_a_key_elsewhere(complaint):
    assert "did you mean" not in complaint("targets.fwd_ret_5d.formula.column").message
