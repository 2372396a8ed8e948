"""JUnit's XML, read back by a parser."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

from repro.report.junit import junit

from .samples import ARGUMENT, EVERY, HOSTILE, PLAIN, WARNING


def read(problems, files=(), suite="repro validate"):
    """Return the root of the document."""
    text = junit(problems, files, suite)
    return ElementTree.fromstring(text.encode("utf-8"))  # noqa: S314  our own text


def test_a_file_is_a_case_and_its_problems_are_one_failure():
    second = replace(PLAIN, message="another")
    (suite,) = read([PLAIN, second], ["a.yaml", PLAIN.place.file])
    good, bad = suite
    assert (good.get("name"), len(good)) == ("a.yaml", 0)
    assert (bad.get("name"), bad.get("classname")) == (PLAIN.place.file, "repro validate")
    (failure,) = bad
    assert failure.get("message", "").startswith("2 problems: hyperparameters.learning_rate: 3.0")
    assert failure.get("type") == "maximum"
    lines = (failure.text or "").splitlines()
    assert (
        f"{PLAIN.place.file}:7:18: error: hyperparameters.learning_rate: 3.0 is above" in lines[1]
    )
    assert lines[2:4] == ["    7 |   learning_rate: 3.0", "  hint: set it to 1 or less"]
    assert ": another" in lines[4]


def test_the_counts_are_what_is_there():
    root = read(EVERY, ["a.yaml"])
    for node in (root, root[0]):
        assert node.get("tests") == str(len(root[0])) == "5"
        assert node.get("failures") == str(len(root.findall(".//failure"))) == "3"
        assert node.get("errors") == "0"


def test_a_warning_does_not_fail_its_file():
    root = read([WARNING])
    assert root.get("failures") == "0"
    assert "warning: an old place" in (root.findtext(".//system-out") or "")


def test_what_lies_in_no_file_has_a_case_too():
    assert [case.get("name") for case in read([ARGUMENT], ["a.yaml"])[0]] == ["a.yaml", "--set 2"]


def test_hostile_texts_stay_inside_and_what_xml_cannot_hold_is_made_visible():
    root = read([HOSTILE], suite='<"&')
    (case,) = root[0]
    assert root.get("name") == '<"&'
    assert case.get("name") == "CONFIG/a b,c:d%é#?\\udcff\n.yaml"
    (failure,) = case
    text = failure.text or ""
    assert '{0} ]]> <b> & "q"\r\n::error::owned\\x00\\x1b[31m\\ufffe\U0001f600' in text
    assert "]]>\\x08" in text
    assert len(failure) == 0


def test_it_is_the_same_each_time():
    assert junit(EVERY, ["x"], "s") == junit(EVERY, ["x"], "s")
    assert junit([], [], "s").count("\n") == 5
