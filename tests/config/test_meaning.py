"""What schemas say of values, as sentences."""

from __future__ import annotations

import pytest

from repro.config.resolution.meaning import described, meaning, meaning_in


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 9}, "integer, 1 to 9"),
        ({"type": "integer", "minimum": 0}, "integer, at least 0"),
        ({"type": "number", "maximum": 1}, "number, at most 1"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, "number, above 0, at most 1"),
        (
            {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            "number, above 0, below 1",
        ),
        ({"type": ["integer", "null"], "minimum": 1}, "integer or null, at least 1"),
        ({"enum": ["a", None, 1, True]}, "one of a, null, 1, true"),
        ({"const": 3}, "only 3"),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, "null or string"),
        ({"type": "array", "items": {"type": "string"}}, "list of string"),
        ({"type": "object"}, "mapping"),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"type": "boolean"}}}, "boolean"),
        ({}, "any value"),
    ],
    ids=str,
)
def test_type_and_bounds_are_said(schema, said):
    assert described(schema, schema) == said


def test_a_reference_to_itself_ends():
    schema = {"$ref": "#/$defs/x", "$defs": {"x": {"$ref": "#/$defs/x"}}}
    assert described(schema, schema) == "any value"


def test_every_value_that_is_shipped_has_a_meaning(resolved, families):
    for path in resolved().flat:
        said = meaning(path, families)
        assert said is not None, path
        assert said.type != "any value", path
        assert said.description, path


def test_what_belongs_to_no_component_says_why(families):
    path = ("data", "dataset", "dataset", "files")
    assert "not what they hold" in meaning(path, families).reason
    assert meaning(("training_config", "splits_config", "splits", "folds"), families).reason is None


def test_choices_are_those_of_the_schema(families):
    view = ("training_config", "routing_config", "routing", "view")
    assert meaning(view, families).choices == ("cross_sectional", "symbol_specific")
    flag = ("model_config", "lightgbm", "hyperparameters", "extra_trees")
    assert meaning(flag, families).choices == (True, False)


def test_what_no_schema_knows_has_no_meaning(families):
    assert meaning(("training_config", "splits_config", "splits", "nope"), families) is None


def test_the_nearest_word_on_identity_and_meaning_counts():
    idle = {"x-identity": "none", "x-identity-reason": "a label", "description": "Above."}
    schema = idle | {
        "properties": {
            "plain": {"type": "string"},
            "own": {"type": "string", "x-identity": "splits", "description": "Its own."},
        }
    }
    plain, own = (meaning_in(schema, (key,)) for key in ("plain", "own"))
    assert (plain.reason, plain.description) == ("a label", "Above.")
    assert (own.reason, own.description) == (None, "Its own.")
