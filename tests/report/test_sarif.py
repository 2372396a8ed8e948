"""SARIF against its published schema, and what no schema can see."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from jsonschema import Draft4Validator

from repro.errors import Place
from repro.report.sarif import Rule, sarif

from .samples import ARGUMENT, EVERY, HOSTILE, PLAIN, WARNING

SCHEMA = json.loads(
    (Path(__file__).parents[1] / "vectors/sarif/sarif-2.1.0-rtm.5.json").read_text("utf-8")
)
RULES = (
    Rule("minimum", "A number is too small.", "Write a greater one."),
    Rule("maximum", "A number is too great.", "Write a smaller one."),
)


def log(problems, root=None):
    """Return the log as JSON, which must be valid by the published schema."""
    text = sarif(problems, RULES, root)
    text.encode("utf-8")
    value = json.loads(text)
    assert [e.message[:200] for e in Draft4Validator(SCHEMA).iter_errors(value)] == []
    return value


def results(problems, root=None):
    """Return the results of the only run."""
    (run,) = log(problems, root)["runs"]
    return run["results"]


def place(result):
    """Return the physical location of a result."""
    return result["locations"][0]["physicalLocation"]


def fingerprint(problem):
    """Return the fingerprint of a problem that is alone."""
    (value,) = results([problem])[0]["partialFingerprints"].values()
    return value


def test_the_schema_is_the_whole_one_and_refuses():
    Draft4Validator.check_schema(SCHEMA)
    assert len(SCHEMA["definitions"]) > 50
    bad = log(EVERY)
    bad["runs"][0]["results"][0]["level"] = "fatal"
    assert not Draft4Validator(SCHEMA).is_valid(bad)


@pytest.mark.parametrize("problems", [(), EVERY, (PLAIN, PLAIN)], ids=["none", "every", "twice"])
@pytest.mark.parametrize("root", [None, Path("/a b/ü")], ids=["anywhere", "here"])
def test_a_log_is_valid_by_the_published_schema(problems, root):
    assert len(results(problems, root)) == len(problems)


def test_a_result_has_rule_level_and_region():
    first, second, *_ = results(EVERY)
    assert (first["ruleId"], first["ruleIndex"], first["level"]) == ("maximum", 1, "error")
    assert second["level"] == "warning"
    assert place(first)["region"] == {
        "startLine": 7,
        "startColumn": 18,
        "endColumn": 21,
        "snippet": {"text": "3.0"},
    }
    assert place(first)["contextRegion"]["snippet"]["text"] == "  learning_rate: 3.0"
    assert first["message"]["text"].endswith("maximum, 1\nhint: set it to 1 or less")


def test_columns_are_code_points_and_declared_so():
    wide = replace(PLAIN, place=Place("x.yaml", 1, 4, 5), source="é\U0001f600 5")
    assert log([wide])["runs"][0]["columnKind"] == "unicodeCodePoints"
    assert place(results([wide])[0])["region"]["snippet"]["text"] == "5"


def test_every_index_leads_to_its_rule_whatever_the_order():
    (run,) = log(EVERY)["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rules[r["ruleIndex"]]["id"] for r in run["results"]] == [p.rule for p in EVERY]
    assert [rule["id"] for rule in rules] == ["minimum", "maximum", "legacy", "rule:one,two"]


@pytest.mark.parametrize(
    "name", ["CONFIG/a b.yaml", "a:b/c.yaml", "100%.yaml", "é?#.yaml", "../up.yaml"]
)
def test_a_name_is_a_relative_uri_that_leads_back_to_the_file(name):
    where = place(results([replace(PLAIN, place=replace(PLAIN.place, file=name))])[0])
    uri = where["artifactLocation"]["uri"]
    assert where["artifactLocation"]["uriBaseId"] == "SRCROOT"
    split = urlsplit(uri)
    assert (split.scheme, split.netloc, split.query, split.fragment) == ("", "", "", "")
    assert unquote(uri) == name


def test_the_base_is_written_only_if_it_is_given(tmp_path):
    (run,) = log([PLAIN])["runs"]
    assert "uri" not in run["originalUriBaseIds"]["SRCROOT"]
    folder = tmp_path / "a b"
    (run,) = log([PLAIN], folder)["runs"]
    base = run["originalUriBaseIds"]["SRCROOT"]["uri"]
    uri = place(run["results"][0])["artifactLocation"]["uri"]
    assert unquote(urlsplit(urljoin(base, uri)).path) == str(folder / PLAIN.place.file)


def test_an_absolute_name_has_no_base():
    absolute = replace(PLAIN, place=replace(PLAIN.place, file="/x y/z.yaml"))
    assert place(results([absolute])[0])["artifactLocation"] == {"uri": "file:///x%20y/z.yaml"}


def test_what_lies_in_no_file_has_no_location():
    (result,) = results([ARGUMENT])
    assert "locations" not in result
    assert result["message"]["text"].startswith("--set 2:1:5: a.b: ")


def test_braces_are_no_placeholders_and_brackets_no_links():
    text = results([HOSTILE])[0]["message"]["text"]
    assert "{{0}}" in text
    assert "](" not in text


def test_a_fingerprint_is_stable_when_lines_move_and_nothing_else():
    moved = replace(
        PLAIN, place=Place(PLAIN.place.file, 90, 20, 23), source="    learning_rate: 3.0"
    )
    assert fingerprint(moved) == fingerprint(PLAIN)
    for other in (
        replace(PLAIN, source="  learning_rate: 4.0"),
        replace(PLAIN, rule="minimum"),
        replace(PLAIN, path="variants.x.learning_rate"),
        replace(PLAIN, place=replace(PLAIN.place, file="other.yaml")),
    ):
        assert fingerprint(other) != fingerprint(PLAIN)


def test_two_alike_have_two_fingerprints():
    first, second = results([PLAIN, PLAIN])
    assert first["partialFingerprints"] != second["partialFingerprints"]


def test_nothing_depends_on_when_it_was_written():
    assert sarif(EVERY, RULES, None) == sarif(EVERY, RULES, None)
    text = sarif(EVERY, RULES, None)
    assert "guid" not in text
    assert "Utc" not in text
    assert results([WARNING])[0]["level"] == "warning"
