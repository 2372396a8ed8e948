"""Workflow commands, read back as the runner reads them."""

from __future__ import annotations

import re
from dataclasses import replace

from repro.report.github import github

from .samples import ARGUMENT, EVERY, HOSTILE, PLAIN, WARNING

COMMAND = re.compile(r"::(?P<word>error|warning) (?P<properties>.*?)::(?P<message>.*)")


def read(line):
    """Return word, properties and message of a command, unescaped."""
    found = COMMAND.fullmatch(line)
    assert found, line
    pairs = [pair.split("=", 1) for pair in found["properties"].split(",")]
    return found["word"], {k: unescaped(v) for k, v in pairs}, unescaped(found["message"])


def unescaped(text):
    """Return what the runner makes of an escaped text; the percent sign comes last."""
    for escape, character in (
        ("%0D", "\r"),
        ("%0A", "\n"),
        ("%3A", ":"),
        ("%2C", ","),
        ("%25", "%"),
    ):
        text = text.replace(escape, character)
    return text


def test_a_problem_is_one_line_with_its_place():
    assert github([PLAIN]) == (
        "::error file=CONFIG/model_config/lightgbm.yaml,line=7,col=18,endColumn=20,"
        "title=repro%3A maximum::hyperparameters.learning_rate: 3.0 is above the maximum, 1"
        "%0Ahint: set it to 1 or less\n"
    )


def test_a_warning_is_one_and_an_empty_region_is_one_column():
    word, properties, message = read(github([WARNING]).rstrip("\n"))
    assert (word, message) == ("warning", "an old place")
    assert (properties["col"], properties["endColumn"]) == ("1", "1")


def test_what_lies_in_no_file_names_none():
    _, properties, message = read(github([ARGUMENT]).rstrip("\n"))
    assert properties == {"title": "repro: minimum"}
    assert message.startswith("--set 2:1:5: a.b: -1 is")


def test_hostile_texts_stay_inside_their_command():
    (line,) = github([HOSTILE]).splitlines()
    word, properties, message = read(line)
    assert word == "error"
    assert properties["file"] == "CONFIG/a b,c:d%é#?\\udcff\n.yaml"
    assert properties["title"] == "repro: rule:one,two"
    assert message == f"{HOSTILE.path}: {HOSTILE.message}"


def test_a_percent_sign_is_escaped_before_what_it_would_make():
    assert "%250A" in github([replace(PLAIN, message="100%0A")])


def test_there_is_a_line_for_each_and_none_for_none():
    assert len(github(EVERY).splitlines()) == len(EVERY)
    assert github([]) == ""
