"""Older layouts: read as if they had been moved, one warning each, the new place first."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from repro.config.documents import legacy
from repro.config.documents.catalog import DOCUMENTS, slot_of
from repro.config.documents.tree import load
from repro.config.editing.render import identical
from repro.config.resolution.layers import leaves
from repro.config.resolution.resolve import Selection, resolve
from repro.config.text.document import parse
from repro.errors import UsageError
from repro.verbs.configuring.validate import validate_root
from repro.verbs.workspace.initialise import initialise

TABLE = json.loads(files("repro.schemas").joinpath("legacy.json").read_text("utf-8"))
SCHEMA = json.loads(files("repro.schemas").joinpath("legacy.schema.json").read_text("utf-8"))
FILES = [entry for entry in legacy.table() if entry.kind == "file"]
KEYS = [entry for entry in legacy.table() if entry.kind == "key"]


def test_the_table_fits_its_closed_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert not list(Draft202012Validator(SCHEMA).iter_errors(TABLE))
    broken = {**TABLE, "entries": [{**TABLE["entries"][0], "more": 1}]}
    assert list(Draft202012Validator(SCHEMA).iter_errors(broken))


def test_every_entry_has_a_name_of_its_own() -> None:
    names = [entry.id for entry in legacy.table()]
    assert len(names) == len(set(names)) == len(FILES) + len(KEYS)


def example(pattern: str, entry: legacy.Entry) -> Path:
    """Return a file that an entry speaks of."""
    name = entry.names[0] if entry.names else "lightgbm"
    return Path(pattern.format(name=name, overlay="custom"))


@pytest.mark.parametrize("entry", FILES, ids=[entry.id for entry in FILES])
def test_a_file_leads_to_a_place_that_is_read_and_is_no_old_one(entry, families) -> None:
    old, new = example(entry.old, entry), example(entry.new, entry)
    moved = legacy.place_of(old)
    assert moved is not None
    assert (moved.path, moved.entry) == (new, entry)
    assert legacy.place_of(new) is None
    assert slot_of(old, families) is None
    if any(name.startswith(f"{new.parts[0]}.") for name in DOCUMENTS) or len(new.parts) == 1:
        assert slot_of(new, families) is not None


@pytest.mark.parametrize("entry", KEYS, ids=[entry.id for entry in KEYS])
def test_a_key_leads_to_one_that_its_schema_knows(entry, families) -> None:
    from repro.config.documents.catalog import schema_of

    kinds = (
        [f"model:{name}" for name in families] if entry.document == "model" else [entry.document]
    )
    for kind in kinds:
        node: Any = schema_of(kind, families)
        for key in entry.new.split("."):
            assert key in node["properties"], (entry.id, key)
            node = node["properties"][key]
        for _, now in entry.values:
            assert now in node["enum"]
        known: Any = schema_of(kind, families)
        for key in entry.old.split("."):
            known = known.get("properties", {}).get(key, {})
        assert known == {}, f"{entry.old} is a name of today"


@pytest.mark.parametrize(
    "path",
    [
        "model_config/lightgbm.yaml",
        "training_config/splits_config.yaml",
        "training_config/splits_config_custom.yaml",
        "pipeline/training/callbacks.yaml",
        "identity_config.yaml",
        "experiments/models.yaml",
        "other/models/lightgbm.yaml",
        "models/deep/lightgbm.yaml",
        "defaults/model_config/lightgbm.yaml",
    ],
)
def test_other_files_are_no_old_ones(path: str) -> None:
    assert legacy.place_of(Path(path)) is None


def test_the_new_file_wins_and_then_the_first_of_the_table() -> None:
    old = [Path("pipeline/training/splits.yaml"), Path("training/splits.yaml")]
    new = Path("training_config/splits_config.yaml")
    alone = legacy.places_of(old)
    assert [alone[path].winner for path in old] == [None, old[0]]
    both = legacy.places_of([*old, new])
    assert [both[path].winner for path in old] == [new, new]
    told = legacy.warning(legacy.used_file(old[0], both[old[0]]))
    assert "not read: CONFIG/training_config/splits_config.yaml has it already" in told.message


SPLITS = """\
cross_validation:      # how
  n_splits: 4          # four
  purge_bars: 5
  embargo: 1
"""


def test_a_document_is_read_under_the_names_of_now_with_its_places() -> None:
    document, used = legacy.renamed(parse(SPLITS, "s.yaml"), "splits_config")
    assert document.value == {"splits": {"embargo": 1, "folds": 4, "purge": 5}}
    assert document.places["splits", "folds"].line == 2
    assert document.keys["splits", "folds"].column == 3
    assert set(document.places) >= {path for path, _ in leaves(document.value, (), lambda _: False)}
    ids = ["cross-validation", "splits-n-splits", "splits-purge-bars"]
    assert legacy.ids(used) == ids
    told = [legacy.warning(name) for name in used]
    assert [problem.severity for problem in told] == ["warning"] * 3
    assert [problem.place.line for problem in told] == [1, 2, 3]
    assert "splits.folds" in told[1].message
    assert "repro config migrate" in str(told[1].hint)
    assert told[1].source == "  n_splits: 4          # four"


@pytest.mark.parametrize(
    ("kind", "text", "value", "read"),
    [
        ("splits_config", "splits: {n_splits: 4, folds: 3}", {"splits": {"folds": 3}}, [False]),
        (
            "splits_config",
            "splits: {n_splits: 4, n_folds: 3}",
            {"splits": {"folds": 4}},
            [True, False],
        ),
        (
            "model:lightgbm",
            "params: {a: 1, b: 2}\nhyperparameters: {b: 3}",
            {"hyperparameters": {"b": 3, "a": 1}},
            [True, False],
        ),
        (
            "safety_config",
            "safety: {leakage: {policy: warn}}",
            {"safety": {"leakage_detection": {"policy": "warn"}}},
            [True],
        ),
        (
            "reproducibility_config",
            "reproducibility: {mode: best_effort}\nglobal: {base_seed: 7}",
            {"reproducibility": {"level": "best-effort", "base_seed": 7}},
            [True, True],
        ),
        (
            "reproducibility_config",
            "reproducibility: {mode: strange}",
            {"reproducibility": {"level": "strange"}},
            [True],
        ),
        (
            "identity_config",
            "identity: {require_signatures: true}",
            {"identity": {"mode": "strict"}},
            [True],
        ),
        ("identity_config", "identity: {require_signatures: 1}", {"identity": {"mode": 1}}, [True]),
        ("splits_config", "splits: null\ncross_validation: 1", {"splits": None}, [False]),
        ("optimizer_config", "params: {a: 1}", {"params": {"a": 1}}, []),
    ],
)  # fmt: skip
def test_where_both_exist_the_new_one_wins(
    kind: str, text: str, value: Any, read: list[bool]
) -> None:
    document, used = legacy.renamed(parse(text, "x.yaml"), kind)
    assert identical(document.value, value)
    assert sorted(name.winner is None for name in used) == sorted(read)


def test_nothing_old_is_the_same_document() -> None:
    document = parse("splits: {folds: 3}", "x.yaml")
    assert legacy.renamed(document, "splits_config") == (document, ())


def test_an_old_tree_resolves_as_the_new_one_with_a_warning_each(
    workspace: Path, shipped, families
) -> None:
    config = workspace / "CONFIG"
    (config / "models").mkdir()
    (config / "core").mkdir()
    (config / "model_config" / "lightgbm.yaml").rename(config / "models" / "lightgbm.yaml")
    (config / "identity_config.yaml").rename(config / "core" / "identity_config.yaml")
    splits = config / "training_config" / "splits_config.yaml"
    text = splits.read_text("utf-8")
    splits.rename(splits.with_name("splits.yaml")).write_text(
        text.replace("  folds:", "  n_splits:"), "utf-8"
    )
    tree, found = load(workspace, families)
    assert found == ()
    old, new = (resolve(each, Selection(), families) for each in (tree, shipped))
    assert {p: v.value for p, v in old.flat.items()} == {p: v.value for p, v in new.flat.items()}
    assert tree.legacy == ("core-identity", "models", "splits-n-splits", "training-config-short")
    assert old.legacy == tree.legacy
    assert [problem.severity for problem in tree.warnings] == ["warning"] * 4
    folds = old.flat["training_config", "splits_config", "splits", "folds"]
    assert folds.setting.place.file == "CONFIG/training_config/splits.yaml"
    assert "n_splits" in tree.documents["training_config.splits_config"].source(folds.setting.place)


def test_nothing_is_added_over_documents_in_older_places(workspace: Path, families) -> None:
    config = workspace / "CONFIG"
    (config / "models").mkdir()
    (config / "model_config" / "lightgbm.yaml").rename(config / "models" / "lightgbm.yaml")
    (config / "training_config" / "splits_config.yaml").unlink()
    before = sorted(workspace.rglob("*"))
    with pytest.raises(UsageError, match=r"CONFIG/models/lightgbm\.yaml") as caught:
        initialise(workspace, add_missing=True)
    assert "first: repro config migrate" in str(caught.value.hint)
    assert sorted(workspace.rglob("*")) == before
    [problem] = load(workspace, families)[1]
    assert problem.place.file == "CONFIG/training_config/splits_config.yaml"
    hint = "first: repro config migrate; then add what is missing with: repro init --add-missing"
    assert problem.hint == hint


def test_a_missing_value_says_which_files_may_hold_it(workspace: Path, families) -> None:
    config = workspace / "CONFIG"
    identity = config / "identity_config.yaml"
    text = identity.read_text("utf-8").replace("  min_snapshots: 3\n", "")
    identity.write_text(text, "utf-8")
    beneath = config / "defaults" / "identity_config.yaml"
    beneath.write_text(beneath.read_text("utf-8").replace("  min_snapshots: 3\n", ""), "utf-8")
    where = "write it here, or in CONFIG/defaults/identity_config.yaml, which lies beneath"
    [problem] = validate_root(workspace, families).problems
    assert (problem.message, problem.hint) == ("missing key min_snapshots", where)
    shutil.rmtree(config / "defaults")
    add = "there is no CONFIG/defaults; add it with: repro init --add-missing"
    for problem in validate_root(workspace, families).problems:
        assert str(problem.hint).endswith(f"; {add}")
    (config / "core").mkdir()
    identity.rename(config / "core" / "identity_config.yaml")
    errors = validate_root(workspace, families).errors
    assert len(errors) > 1
    for problem in errors:
        assert "first: repro config migrate; then add it with" in str(problem.hint), problem
