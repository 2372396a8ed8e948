"""Documents and a selection to one configuration: layers, overlays, and the place of each value."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import reduce
from operator import getitem
from pathlib import Path

import pytest

from repro.config.documents.catalog import DOCUMENTS, Slot, fragment_of, slot_of
from repro.config.documents.tree import load, overlay
from repro.config.resolution.experiments import FAMILY, TARGETS
from repro.config.resolution.layers import nest
from repro.config.resolution.resolve import LEVEL, Selection, resolve
from repro.config.text.document import parse
from repro.errors import ProblemsError, UsageError
from repro.facts.trainers import declarations
from repro.identity.equality import same

MODEL = ("model_config", "lightgbm")
TREES = (*MODEL, "hyperparameters", "num_iterations")
AGGRESSIVE = "lightgbm.variants.aggressive"
RATE = (*MODEL, "hyperparameters", "learning_rate")
BINS = (*MODEL, "hyperparameters", "max_bin")
SYMBOL = ("data", "dataset", "dataset", "symbol")
PURGE = ("training_config", "splits_config", "splits", "purge")
CUSTOM = "model_config/lightgbm_custom.yaml"


def history(configuration, path):
    """Return each layer's name and word on a value, oldest first, from the documents on."""
    said = configuration.flat[path].history
    return [(word.layer, word.value) for word in said if word.layer != "defaults"]


def above(value):
    """Return the layers over the documents that set a value."""
    names = [setting.layer for setting in value.history]
    return [name for name in names if name not in ("defaults", "document")]


def sliced(configuration, place):
    """Return the text at a place, and what follows it on its line."""
    line = configuration.sources[place.file][place.line - 1]
    return line[place.column - 1 : place.end - 1], line[place.end - 1 :]


@pytest.fixture
def twin(families):
    """Return a second family, declared as the first is."""
    return {**families, "twin": replace(families["lightgbm"], family="twin")}


# --- places --------------------------------------------------------------------------------------


def test_the_place_of_every_shipped_leaf_is_the_very_text_of_its_value(shipped, families):
    configuration = resolve(shipped, Selection(), families)
    assert len(configuration.flat) > 150
    for value in configuration.flat.values():
        text, rest = sliced(configuration, value.setting.place)
        if text.startswith("- "):  # a list of several lines begins with its first item
            text = f"[{text.removeprefix('- ')}]"
            assert value.value[:1] == parse(f"v: {text}", "slice").value["v"]
            continue
        assert repr(parse(f"v: {text}", "slice").value["v"]) == repr(value.value)
        assert re.fullmatch(r"( +#.*)?", rest)


def test_the_place_of_every_shipped_key_is_its_very_text(shipped, families):
    configuration = resolve(shipped, Selection(), families)
    for path, value in configuration.flat.items():
        aliases = families[path[1] if path[0] == "model_config" else "lightgbm"].aliases()
        text, rest = sliced(configuration, value.setting.key)
        assert text == path[-1] or aliases.get(text) == path[-1]
        assert rest.startswith(":")


def test_all_that_a_document_says_is_resolved(shipped, families):
    flat = resolve(shipped, Selection(), families).flat
    said = nest({path: value.value for path, value in flat.items()})
    for name, document in shipped.documents.items():
        if name not in shipped.defaults:  # values would have other names, and others lie beneath
            assert repr(reduce(getitem, name.split("."), said)) == repr(document.value)


def test_the_place_of_a_variants_value_is_in_the_variant(shipped, families):
    configuration = resolve(shipped, Selection(variant="aggressive"), families)
    place = configuration.flat[RATE].setting.place
    assert sliced(configuration, place)[0] == "0.03"
    assert place.line == configuration.sources[place.file].index("  aggressive:") + 2


def test_the_place_of_a_profiles_value_is_in_the_profile(shipped, families):
    configuration = resolve(shipped, Selection(profile="debug"), families)
    place = configuration.flat[TREES].setting.place
    assert place.file == "CONFIG/training_config/optimizer_config.yaml"
    assert sliced(configuration, place)[0] == "20"


def test_the_place_of_an_override_is_in_the_argument(shipped, families):
    configuration = resolve(shipped, Selection(sets=("embargo=2", "eta=0.5")), families)
    place = configuration.flat[RATE].setting.place
    assert place.file == "--set 2"
    assert sliced(configuration, place) == ("0.5", "")


# --- layers --------------------------------------------------------------------------------------

ASKED = {
    "variant": {"variant": "conservative"},
    "profile": {"profile": "debug"},
    "overlay": {"overlays": ("lightgbm_custom",)},
    "set": {"sets": ("n_estimators=9",)},
}
SAID = [
    ("document", 200),
    ("variant conservative", 300),
    ("profile debug", 20),
    ("overlay CONFIG/model_config/lightgbm_custom.yaml", 77),
    ("--set", 9),
]


@pytest.mark.parametrize("number", range(5))
def test_the_layers_are_document_variant_profile_overlay_set(number, add, resolved):
    add(CUSTOM, "hyperparameters: {num_trees: 77}\n")
    asked = {k: v for name in list(ASKED)[:number] for k, v in ASKED[name].items()}
    configuration = resolved(**asked)
    assert history(configuration, TREES) == SAID[: number + 1]
    assert configuration.layers == tuple(name for name, _ in SAID[1 : number + 1])


@pytest.mark.parametrize("missing", list(ASKED))
def test_a_layer_that_is_not_asked_for_says_nothing(missing, add, resolved):
    add(CUSTOM, "hyperparameters: {num_trees: 77}\n")
    asked = {k: v for name in ASKED if name != missing for k, v in ASKED[name].items()}
    silent = list(ASKED).index(missing) + 1
    assert history(resolved(**asked), TREES) == [*SAID[:silent], *SAID[silent + 1 :]]


def test_the_later_of_two_overlays_wins(add, resolved):
    add("model_config/lightgbm_a.yaml", "hyperparameters: {eta: 0.2}\n")
    add("model_config/lightgbm_b.yaml", "hyperparameters: {eta: 0.3}\n")
    assert resolved(overlays=("lightgbm_a", "lightgbm_b")).flat[RATE].value == 0.3
    assert resolved(overlays=("lightgbm_b", "lightgbm_a")).flat[RATE].value == 0.2


def test_the_later_of_two_overrides_of_one_value_wins(resolved):
    assert resolved(sets=("eta=0.2", "eta=0.3")).flat[RATE].value == 0.3


def test_two_names_of_one_value_on_one_command_line_are_refused(resolved):
    with pytest.raises(ProblemsError) as caught:
        resolved(sets=("eta=0.2", "learning_rate=0.3"))
    (problem,) = caught.value.problems
    assert problem.message == "another name of eta, which --set 1 sets already"
    assert problem.place.file == "--set 2"


def test_the_last_override_wins_over_one_of_the_mapping_around_it(resolved):
    sets = ("symbol.column=A", "data.dataset.dataset.symbol=null", "symbol.column=B")
    assert resolved(sets=sets).flat[(*SYMBOL, "column")].value == "B"


def test_the_default_profile_sets_nothing(resolved):
    assert resolved(profile="default").flat == resolved().flat


def test_a_profile_sets_nothing_of_another_family(edit, resolved, families):
    edit("training_config/optimizer_config.yaml", "max_bin: 63", "max_bin: 64")
    values = {p: v for p, v in resolved(profile="debug").flat.items() if above(v)}
    assert set(values) == {TREES, BINS}


def test_an_override_with_a_mapping_is_merged_key_by_key(resolved):
    configuration = resolved(sets=("splits={purge: 6, embargo: 2}",))
    assert configuration.flat[PURGE].value == 6
    assert configuration.flat[(*PURGE[:-1], "folds")].value == 5


def test_an_override_replaces_a_formula_whole(resolved):
    configuration = resolved(sets=("fwd_ret_5d.formula={kind: forward_return, column: Close}",))
    formula = configuration.flat[(*TARGETS, "fwd_ret_5d", "formula")]
    assert formula.value == {"kind": "forward_return", "column": "Close"}


def test_an_override_equal_to_the_document_leaves_no_history(resolved):
    assert history(resolved(sets=("purge=5",)), PURGE) == [("document", 5)]


def test_an_override_of_another_type_is_another_value(resolved):
    assert history(resolved(sets=("purge='5'",)), PURGE) == [("document", 5), ("--set", "5")]
    assert history(resolved(sets=("embargo=true",)), (*PURGE[:-1], "embargo"))[-1][1] is True


def test_both_aliases_of_a_parameter_are_kept_under_its_one_name(resolved):
    names = {path[-1] for path in resolved().flat if path[:3] == (*MODEL, "hyperparameters")}
    assert {"num_iterations", "bagging_fraction", "lambda_l2"} <= names
    assert not {"n_estimators", "subsample", "reg_lambda"} & names


@pytest.mark.parametrize(
    ("relative", "old", "new", "place"),
    [
        ("model_config/lightgbm.yaml", "  num_leaves: 15", "  eta: 1.0\n  num_leaves: 15", (8, 3)),
        (
            "model_config/lightgbm.yaml",
            "    num_leaves: 7",
            "    eta: 1.0\n    num_leaves: 7",
            (32, 5),
        ),
        (
            "training_config/optimizer_config.yaml",
            "      max_bin: 63",
            "      max_bin: 63\n      max_bins: 63",
            (19, 7),
        ),
    ],
)
def test_two_names_of_one_parameter_are_refused(
    relative, old, new, place, edit, workspace, families
):
    edit(relative, old, new)
    tree, found = load(workspace, families)
    assert found == ()
    with pytest.raises(ProblemsError) as caught:
        resolve(tree, Selection(), families)
    (problem,) = caught.value.problems
    assert (problem.place.file, problem.place.line, problem.place.column) == (
        f"CONFIG/{relative}",
        *place,
    )
    assert "another name of" in problem.message


def test_a_variant_may_be_called_as_a_parameter_is(edit, resolved):
    edit("model_config/lightgbm.yaml", "variants:", "variants:\n  lambda: {}")
    resolved(variant="lambda")


# --- names that do not exist ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "problem", "hint"),
    [
        ({"target": "fwd_ret_5"}, "no such target: 'fwd_ret_5'; did you mean fwd_ret_5d?",
         "targets in CONFIG/data/targets.yaml: fwd_class_5d, fwd_ret_1d, fwd_ret_5d, fwd_up_5d"),
        ({"variant": "agressive"},
         "no such variant of lightgbm: 'agressive'; did you mean aggressive?",
         "variants in CONFIG/model_config/lightgbm.yaml: aggressive, conservative"),
        ({"profile": "debgu"}, "no such profile: 'debgu'; did you mean debug?",
         "profiles in CONFIG/training_config/optimizer_config.yaml: "
         "debug, default, throughput_optimized"),
        ({"overlays": ("nope",)}, "no such overlay: 'nope'",
         "overlays here: none; an overlay is a file such as "
         "CONFIG/model_config/lightgbm_custom.yaml"),
        ({"sets": ("family=lightgmb",)},
         "no trainer offers the family 'lightgmb'; did you mean lightgbm?",
         f"families offered here: {', '.join(sorted(declarations()))}"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)  # fmt: skip
def test_a_name_that_does_not_exist_is_told_with_those_that_do(asked, problem, hint, resolved):
    with pytest.raises(UsageError) as caught:
        resolved(**asked)
    assert (caught.value.problem, caught.value.hint) == (problem, hint)


def test_an_empty_target_is_no_target(resolved):
    with pytest.raises(UsageError):
        resolved(target="")


def test_every_wrong_override_is_reported(resolved):
    with pytest.raises(ProblemsError) as caught:
        resolved(sets=("nope=1", "splits.purgee=2", "no assignment"))
    assert [p.place.file for p in caught.value.problems] == ["--set 1", "--set 2", "--set 3"]


def test_a_variant_that_an_overlay_adds_can_be_chosen(add, resolved):
    add(CUSTOM, "variants:\n  mine: {learning_rate: 0.5}\n")
    assert resolved(overlays=("lightgbm_custom",), variant="mine").flat[RATE].value == 0.5


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ({"variant": "aggressive", "sets": ("aggressive.learning_rate=0.5",)}, RATE),
        ({"profile": "debug", "sets": ("debug.n_estimators=0.5",)}, TREES),
        ({"profile": "debug", "sets": ("debug.lightgbm.max_bin=0.5",)}, BINS),
    ],
)
def test_what_is_written_into_the_chosen_variant_or_profile_takes_effect(asked, path, resolved):
    assert resolved(**asked).flat[path].value == 0.5


# --- overlays ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lightgbm_custom", "lightgbm_custom.yaml"])
def test_an_overlay_is_found_by_name(name, add, resolved):
    add(CUSTOM, "hyperparameters:\n  learning_rate: 0.2\n")
    configuration = resolved(overlays=(name,))
    assert history(configuration, RATE)[-1] == (f"overlay CONFIG/{CUSTOM}", 0.2)
    assert sliced(configuration, configuration.flat[RATE].setting.place)[0] == "0.2"


def test_an_overlay_that_is_not_asked_for_sets_nothing(add, resolved):
    before = resolved().flat
    add(CUSTOM, "hyperparameters:\n  learning_rate: 0.2\n")
    assert resolved().flat == before


@pytest.mark.parametrize("name", ["lightgbm_custom.yaml", "lightgbm.yaml"])
def test_an_overlay_is_found_by_path(name, tmp_path, resolved):
    file = tmp_path / name
    file.write_text("hyperparameters:\n  learning_rate: 0.2\n", "utf-8")
    configuration = resolved(overlays=(str(file),))
    assert history(configuration, RATE)[-1] == (f"overlay {file}", 0.2)
    assert configuration.flat[RATE].setting.place.file == str(file)


@pytest.mark.parametrize(
    "document", ["data/dataset", "identity_config", "training_config/splits_config"]
)
def test_an_overlay_by_path_may_be_laid_over_any_document(document, tmp_path, workspace, resolved):
    file = tmp_path / f"{Path(document).name}_mine.yaml"
    file.write_bytes((workspace / "CONFIG" / f"{document}.yaml").read_bytes())
    assert resolved(overlays=(str(file),)).flat == resolved().flat


def test_a_path_whose_name_tells_no_document_is_refused(tmp_path, resolved):
    file = tmp_path / "mine.yaml"
    file.write_text("hyperparameters: {learning_rate: 0.2}\n", "utf-8")
    with pytest.raises(UsageError) as caught:
        resolved(overlays=(str(file),))
    assert "nothing says which document" in caught.value.problem


def test_a_copy_of_every_document_changes_nothing(workspace, resolved):
    base, before = workspace / "CONFIG", resolved()
    # Defaults and experiments are not laid over by a file beside them, nor other families' models.
    documents = [
        base / f"{name.replace('.', '/')}.yaml" for name in (*DOCUMENTS, "model_config.lightgbm")
    ]
    for file in documents:
        file.with_stem(file.stem + "_copy").write_bytes(file.read_bytes())
    configuration = resolved(overlays=tuple(f"{file.stem}_copy" for file in documents))
    assert configuration.flat == before.flat
    assert len(configuration.layers) == len(documents)


def test_a_copy_of_a_document_that_changes_one_value_is_a_layer_of_that_value(workspace, resolved):
    model = workspace / "CONFIG" / "model_config" / "lightgbm.yaml"
    copy = model.read_text("utf-8").replace("learning_rate: 0.01", "learning_rate: 0.2")
    (model.parent / "lightgbm_custom.yaml").write_text(copy, "utf-8")
    flat = resolved(overlays=("lightgbm_custom",)).flat
    assert [path for path, value in flat.items() if above(value)] == [RATE]


def test_an_overlay_may_use_another_name_of_a_parameter_than_its_document(add, resolved):
    add(CUSTOM, "hyperparameters: {num_boost_round: 3}\n")
    assert resolved(overlays=("lightgbm_custom",)).flat[TREES].value == 3


def test_an_overlay_can_choose_the_family(edit, add, workspace, twin):
    model = workspace / "CONFIG" / "model_config" / "lightgbm.yaml"
    add("model_config/twin.yaml", model.read_text("utf-8"))
    add("training_config/pipeline_config_twin.yaml", "pipeline: {family: twin}\n")
    tree, found = load(workspace, twin)
    assert found == ()
    configuration = resolve(tree, Selection(overlays=("pipeline_config_twin",)), twin)
    assert configuration.family == configuration.flat[FAMILY].value == "twin"


def test_an_override_with_a_mapping_can_choose_the_family(add, workspace, twin):
    model = workspace / "CONFIG" / "model_config" / "lightgbm.yaml"
    add("model_config/twin.yaml", model.read_text("utf-8"))
    tree, _ = load(workspace, twin)
    configuration = resolve(tree, Selection(sets=("pipeline={family: twin}",)), twin)
    assert configuration.family == configuration.flat[FAMILY].value


@pytest.mark.parametrize(
    "text", ["pipeline_config=5", "data.dataset.dataset=5", "data={x: {y: 1}}", "data=5"]
)
def test_an_override_that_replaces_a_whole_document_is_refused(text, resolved):
    with pytest.raises((ProblemsError, UsageError)):
        resolved(sets=(text,))


@pytest.mark.parametrize(
    ("relative", "text", "place", "message"),
    [
        (
            CUSTOM,
            "hyperparameters:\n  num_leavs: 7\n",
            (2, 3),
            "unknown key; did you mean num_leaves?",
        ),
        (CUSTOM, "hyperparameter: {}\n", (1, 1), "unknown key; did you mean hyperparameters?"),
        (
            "data/dataset_x.yaml",
            "dataset: {star: null}\n",
            (1, 11),
            "unknown key; did you mean start?",
        ),
    ],
)
def test_an_unknown_key_in_an_overlay_is_told_with_the_nearest(
    relative, text, place, message, add, workspace, families
):
    add(relative, text)
    _, (problem,) = load(workspace, families)
    assert problem.place.file == f"CONFIG/{relative}"
    assert (problem.place.line, problem.place.column, problem.message) == (*place, message)


def test_an_unknown_key_in_an_overlay_by_path_is_told_with_the_nearest(tmp_path, resolved):
    file = tmp_path / "lightgbm_x.yaml"
    file.write_text("hyperparameters:\n  num_leavs: 7\n", "utf-8")
    with pytest.raises(ProblemsError) as caught:
        resolved(overlays=(str(file),))
    (problem,) = caught.value.problems
    assert problem.message == "unknown key; did you mean num_leaves?"
    assert (problem.place.file, problem.place.line, problem.source) == (
        str(file),
        2,
        "  num_leavs: 7",
    )


def test_an_overlay_may_leave_out_what_its_document_must_have(shipped, families, workspace, add):
    add("data/dataset_x.yaml", "dataset:\n  time: {column: Day}\n")
    tree, found = load(workspace, families)
    assert found == ()
    slot, document = overlay(tree, "dataset_x", families)
    assert (slot.document, document.value) == (
        "data.dataset",
        {"dataset": {"time": {"column": "Day"}}},
    )


def test_a_fragment_keeps_all_of_a_schema_but_what_must_be_present():
    schema = {
        "required": ["a"],
        "minProperties": 1,
        "properties": {"a": {"required": ["b"], "minimum": 1}, "required": {"minLength": 1}},
        "additionalProperties": False,
    }
    assert fragment_of(schema) == {
        "properties": {"a": {"minimum": 1}, "required": {"minLength": 1}},
        "additionalProperties": False,
    }


# --- which file is what --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("relative", "document", "is_overlay"),
    [
        ("identity_config.yaml", "identity_config", False),
        ("data/dataset.yaml", "data.dataset", False),
        ("data/dataset_small.yaml", "data.dataset", True),
        ("model_config/lightgbm.yaml", "model_config.lightgbm", False),
        ("model_config/lightgbm_custom.yaml", "model_config.lightgbm", True),
        ("model_config/lightgbm_a_b.yaml", "model_config.lightgbm", True),
        ("model_config/twin.yaml", "model_config.twin", False),
        ("model_config/twin_deep.yaml", "model_config.twin_deep", False),
        ("model_config/twin_deep_x.yaml", "model_config.twin_deep", True),
        ("model_config/twin_deeper.yaml", "model_config.twin", True),
    ],
)
def test_a_file_is_a_document_or_an_overlay_by_its_name(relative, document, is_overlay, twin):
    offered = {**twin, "twin_deep": twin["twin"]}
    slot = slot_of(Path(relative), offered)
    assert isinstance(slot, Slot)
    assert (slot.document, slot.overlay) == (document, is_overlay)


@pytest.mark.parametrize(
    "relative",
    [
        "model_config/lightgbmx.yaml",
        "dataset.yaml",
        "lightgbm.yaml",
        "data/lightgbm.yaml",
        "x/y.yaml",
    ],
)
def test_a_file_that_no_document_is_named_as_is_nothing_of_ours(relative, families):
    assert slot_of(Path(relative), families) is None


def test_lightgbm_custom_is_never_a_family(add, workspace, resolved, families):
    add(CUSTOM, (workspace / "CONFIG/model_config/lightgbm.yaml").read_text("utf-8"))
    tree, found = load(workspace, families)
    assert (found, set(tree.overlays)) == ((), {"lightgbm_custom"})
    assert {path[1] for path in resolved().flat if path[0] == "model_config"} == set(families)
    with pytest.raises(UsageError, match="no trainer offers the family 'lightgbm_custom'"):
        resolved(sets=("family=lightgbm_custom",))


def test_a_model_document_without_a_trainer_is_a_warning(add, workspace, families):
    add("model_config/lightgmb.yaml", "hyperparameters: {}\n")
    tree, found = load(workspace, families)
    assert found == ()
    (problem,) = tree.warnings
    assert problem.severity == "warning"
    assert problem.message == "no trainer offers the family 'lightgmb'; did you mean lightgbm?"
    assert problem.place.file == "CONFIG/model_config/lightgmb.yaml"


def test_a_file_that_nothing_reads_is_a_problem(add, workspace, families):
    add("data/dataste.yaml", "dataset: {}\n")
    _, (problem,) = load(workspace, families)
    assert problem.message == "nothing reads this file; did you mean data/dataset?"


def test_a_file_with_the_other_ending_is_not_passed_over(add, workspace, families):
    add("model_config/lightgbm_custom.yml", "hyperparameters: {learning_rate: 0.2}\n")
    tree, found = load(workspace, families)
    assert found or tree.overlays


def test_a_document_that_is_missing_is_a_problem_at_its_place(workspace, families):
    (workspace / "CONFIG/data/targets.yaml").unlink()
    _, (problem,) = load(workspace, families)
    assert (problem.place.file, problem.place.line) == ("CONFIG/data/targets.yaml", 1)
    assert problem.message == "this document is missing"


def test_hidden_files_are_not_read(add, workspace, families):
    (workspace / "CONFIG" / ".schemas").mkdir()
    add(".schemas/x.yaml", "a: [")
    add("data/.dataset.yaml", "a: [")
    assert load(workspace, families)[1] == ()


# --- what is resolved ----------------------------------------------------------------------------


def test_the_target_is_the_datasets_default_until_one_is_named(resolved):
    assert resolved().target == "fwd_ret_5d"
    assert resolved(target="fwd_up_5d").target == "fwd_up_5d"
    assert resolved(sets=("default_target=fwd_ret_1d",)).target == "fwd_ret_1d"


def test_the_seed_is_the_documents_until_it_is_set(resolved):
    assert resolved().flat[(*LEVEL[:-1], "base_seed")].value == 42
    assert resolved(sets=("base_seed=7",)).flat[(*LEVEL[:-1], "base_seed")].value == 7


def test_hyperparameters_are_those_of_the_chosen_family_by_their_one_name(resolved, families):
    found = resolved(sets=("max_bin=9",)).hyperparameters()
    assert {path[0] for path in found} == set(families["lightgbm"].hyperparameters)
    assert found["max_bin",] == 9


def test_the_documents_are_never_changed_by_resolving_them(shipped, families):
    before = {name: repr(document.value) for name, document in shipped.documents.items()}
    resolve(shipped, Selection(variant="aggressive", sets=("purge=9",)), families)
    assert {name: repr(d.value) for name, d in shipped.documents.items()} == before


def test_resolving_is_the_same_each_time(shipped, families):
    selection = Selection(variant="aggressive", profile="debug", sets=("purge=9",))
    first, second = (resolve(shipped, selection, families) for _ in range(2))
    assert first == second
    assert same([v.value for v in first.flat.values()], [v.value for v in second.flat.values()])


def test_a_plain_value_where_a_mapping_must_stand_is_refused_at_its_place(resolved):
    with pytest.raises(ProblemsError) as caught:
        resolved(sets=("splits=5",))
    (problem,) = caught.value.problems
    assert (problem.path, problem.message) == ("splits", "found 5, expected a mapping")
    assert (problem.place.file, problem.place.column, problem.place.end) == ("--set 1", 8, 9)
