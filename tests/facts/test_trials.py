"""What a declaration says for trials, and the schema that all declarations fit."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from repro.config.documents.catalog import declaration_schema
from repro.config.schema.validator import problems
from repro.config.text.document import parse, read
from repro.facts.trainers import declaration, declarations
from repro.facts.trials import read_inert, read_probe, read_trial

SCHEMA = declaration_schema()
TRIAL = {"values": {"a": 1}, "others": {"b": 2}, "with": {"seed": {"a": 3}, "b": {"a": 4}}}
PROBE = {"value": False, "also": {"c": 1}, "threads": [1, 4], "repeats": 3, "rows": 10}


def test_a_trial_is_read():
    found = read_trial(TRIAL, ["a", "b"], ["seed"])
    assert (found.values, found.others, found.beside) == ({"a": 1}, {"b": 2}, TRIAL["with"])
    assert read_trial({}, ["a"], []).values == {}


@pytest.mark.parametrize(
    "entry",
    [
        {"value": {}},
        {"values": {"c": 1}},
        {"others": {"seed": 1}},
        {"with": {"c": {"a": 1}}},
        {"with": {"a": {"seed": 1}}},
    ],
)
def test_a_trial_that_names_what_is_not_declared_is_refused(entry):
    with pytest.raises(ValueError, match="trial"):
        read_trial(entry, ["a", "b"], ["seed"])


def test_a_probe_is_read_and_closed():
    found = read_probe(PROBE)
    assert (found.value, found.also, found.threads) == (False, {"c": 1}, (1, 4))
    assert (found.repeats, found.rows) == (3, 10)
    assert read_probe(None) is None
    with pytest.raises(ValueError, match="a probe says"):
        read_probe({**PROBE, "more": 1})
    with pytest.raises(KeyError):
        read_probe({"value": 1})


def test_only_a_declared_seed_can_be_inert():
    assert read_inert({"s": "why"}, ["s"]) == {"s": "why"}
    with pytest.raises(ValueError, match="inert_seeds"):
        read_inert({"t": "why"}, ["s"])


def test_the_schema_of_declarations_is_one_and_refuses_what_is_unknown():
    Draft202012Validator.check_schema(SCHEMA)
    file = declaration("lightgbm").file
    said = json.loads(file.read_bytes())
    for broken in ({**said, "more": 1}, {**said, "seed_bits": 64}, {**said, "tasks": []}):
        assert problems(parse(json.dumps(broken), "a.json"), SCHEMA)
    for name in SCHEMA["required"]:
        lacking = {key: value for key, value in said.items() if key != name}
        assert problems(parse(json.dumps(lacking), "a.json"), SCHEMA), name


@pytest.mark.parametrize("family", sorted(declarations()))
def test_a_declaration_of_ours_fits_it(family):
    file = declaration(family).file
    assert problems(read(file, file.name), SCHEMA) == ()
