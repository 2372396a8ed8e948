"""What is written for editors: schemas that stand alone, and lines that name them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from repro.errors import InputError, UsageError
from repro.facts.trainers import declarations
from repro.verbs.workspace.editors import (
    SCHEMA_FOLDER,
    kind_named,
    kinds,
    schema_files,
    write_for_editors,
)

SPLITS = "CONFIG/training_config/splits_config.yaml"
LINE = "# yaml-language-server: $schema=../.schemas/splits_config.schema.json\n"


def references(schema):
    """Yield every reference inside a schema."""
    if isinstance(schema, dict):
        yield from (v for k, v in schema.items() if k in ("$ref", "$dynamicRef"))
        for below in schema.values():
            yield from references(below)
    elif isinstance(schema, list):
        for below in schema:
            yield from references(below)


@pytest.mark.parametrize("name", sorted(schema_files()))
def test_each_schema_is_one_and_needs_no_other(name):
    schema = json.loads(schema_files()[name])
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    assert [ref for ref in references(schema) if not ref.startswith("#/$defs/")] == []
    for ref in references(schema):
        assert ref.removeprefix("#/$defs/") in schema["$defs"]


def test_every_document_that_is_shipped_names_the_right_schema(workspace):
    done = write_for_editors(workspace, lines=False)
    assert done.lines == ()
    assert set(done.written) == set(schema_files())
    for kind in kinds(declarations()):
        assert (workspace / kind.file).read_bytes() == kind.content


def test_what_is_right_already_is_not_written_again(workspace):
    write_for_editors(workspace, lines=False)
    file = workspace / SCHEMA_FOLDER / "splits_config.schema.json"
    before = file.stat().st_mtime_ns, file.stat().st_ino
    old = workspace / SCHEMA_FOLDER / "targets.schema.json"
    old.write_text("{}")
    done = write_for_editors(workspace, lines=False)
    assert done.written == (f"{SCHEMA_FOLDER}/targets.schema.json",)
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == before
    assert old.read_bytes() == kind_named("targets", declarations()).content


def test_nothing_is_left_beside_what_is_written(workspace):
    write_for_editors(workspace, lines=True)
    left = {path.name for path in (workspace / SCHEMA_FOLDER).iterdir()}
    assert left == {Path(name).name for name in schema_files()}


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "BOM"])
def test_a_missing_line_is_added_only_when_asked_for(workspace, end, mark):
    file = workspace / SPLITS
    body = file.read_text("utf-8").removeprefix(LINE)
    content = (mark + body.replace("\n", end)).encode()
    file.write_bytes(content)
    (told,) = write_for_editors(workspace, lines=False).lines
    assert (told.file, told.state) == (SPLITS, "missing")
    assert file.read_bytes() == content
    (told,) = write_for_editors(workspace, lines=True).lines
    assert told.state == "added"
    assert file.read_bytes() == (mark + (LINE + body).replace("\n", end)).encode()
    assert write_for_editors(workspace, lines=True).lines == ()


def test_a_line_that_names_another_schema_is_told_and_left(workspace):
    file = workspace / SPLITS
    file.write_text(file.read_text("utf-8").replace("splits_config.schema", "mine.schema"))
    before = file.read_bytes()
    (told,) = write_for_editors(workspace, lines=True).lines
    assert (told.state, told.found) == ("wrong", "../.schemas/mine.schema.json")
    assert told.expected == "../.schemas/splits_config.schema.json"
    assert file.read_bytes() == before


def test_a_folder_that_cannot_be_written_is_told(workspace):
    (workspace / SCHEMA_FOLDER).write_text("in the way")
    with pytest.raises(InputError, match="schemas"):
        write_for_editors(workspace, lines=False)


def test_a_kind_is_meant_by_its_name_and_a_model_by_its_family_too():
    families = declarations()
    assert kind_named("lightgbm", families) == kind_named("model:lightgbm", families)
    with pytest.raises(UsageError, match="did you mean splits_config"):
        kind_named("split_config", families)


def test_a_part_of_a_document_is_right_to_an_editor_and_a_slip_is_not():
    schema = json.loads(schema_files()[f"{SCHEMA_FOLDER}/lightgbm.schema.json"])
    editor = Draft202012Validator(schema)
    assert editor.is_valid({"hyperparameters": {"num_leaves": 7, "eta": 0.1}})
    assert not editor.is_valid({"hyperparameters": {"num_leavs": 7}})
    assert not editor.is_valid({"hyperparameters": {"num_leaves": "7"}})
