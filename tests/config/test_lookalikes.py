"""Characters that pass for others: named, pointed at, and the right name suggested."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.config.documents.tree import load
from repro.config.resolution.resolve import Selection, resolve
from repro.config.schema.validator import problems, render
from repro.config.spelling.lookalikes import _LIKE, odd_character, skeleton
from repro.config.spelling.names import nearest, suggestion
from repro.config.text.document import parse
from repro.errors import ProblemsError, UsageError

SCHEMA = {
    "properties": {
        "learning_rate": {"type": "number"},
        "symbols": {"type": "array"},
        "family": {"enum": ["lightgbm", "xgboost"]},
        "targets": {"type": "object", "propertyNames": {"pattern": "^[A-Za-z][A-Za-z0-9_]*$"}},
        "caf\u00e9": {},
    },
    "additionalProperties": False,
}
YE = 'U+0435 CYRILLIC SMALL LETTER IE, which looks like "e"'


def told(text):
    [problem] = problems(parse(text, "f"), SCHEMA)
    return problem


@pytest.mark.parametrize(
    ("text", "column", "what"),
    [
        ("l\u0435arning_rate: 1", 2, f"did you mean learning_rate? character 2 is {YE}"),
        ("l\u0435arning_rat: 1", 2, f"did you mean learning_rate? character 2 is {YE}"),
        ("learning_r\u03b1te: 1", 11, 'U+03B1 GREEK SMALL LETTER ALPHA, which looks like "a"'),
        ("lear\u0578ing_rate: 1", 5, 'U+0578 ARMENIAN SMALL LETTER VO, which looks like "n"'),
        ("\uff4cearning_rate: 1", 1, 'FULLWIDTH LATIN SMALL LETTER L, which looks like "l"'),
        ("learning\uff3frate: 1", 9, 'U+FF3F FULLWIDTH LOW LINE, which looks like "_"'),
        ("learn\u200ding_rate: 1", 6, "U+200D ZERO WIDTH JOINER, which cannot be seen"),
        ("learning_rate\u00ad: 1", 14, "U+00AD SOFT HYPHEN, which cannot be seen"),
        ("learning_rate\u3164: 1", 14, "U+3164 HANGUL FILLER, which cannot be seen"),
        ("cafe\u0301: 1", 5, "U+0301 COMBINING ACUTE ACCENT, which belongs to the one before it"),
        ("targets: {h\u043er: 1}", 12, 'U+043E CYRILLIC SMALL LETTER O, which looks like "o"'),
        ("targets: {h1\u0661: 1}", 13, 'U+0661 ARABIC-INDIC DIGIT ONE, which looks like "1"'),
    ],
)
def test_the_odd_character_of_a_key_is_named_with_a_caret_under_it(text, column, what):
    problem = told(text)
    assert what in problem.message
    assert (problem.place.column, problem.place.end) == (column, column + 1)


def test_what_cannot_be_seen_is_shown_as_an_escape():
    shown = render(told("learn\u200ding_rate: 1")).splitlines()
    assert shown[0].startswith("f:1:6: learn\\u200ding_rate: unknown key; did you mean")
    assert shown[1] == "    1 | learn\\u200ding_rate: 1"
    assert shown[2] == "      |      ^^^^^^"


def test_a_value_with_an_odd_character_is_underlined_whole():
    problem = told("family: light\u0261bm")
    assert problem.message.endswith(
        "did you mean lightgbm? character 6 is U+0261 LATIN SMALL LETTER SCRIPT G, "
        'which looks like "g"'
    )
    assert (problem.place.column, problem.place.end) == (9, 17)


@pytest.mark.parametrize("text", ["\u0446\u0435\u043d\u0430: 1", "\u540d: 1"])
def test_of_a_name_in_another_script_nothing_is_said(text):
    assert "U+" not in told(text).message


def test_a_letter_that_both_names_have_is_not_odd():
    assert suggestion("\u03b1_1", ["\u03b1_2"]) == "; did you mean \u03b1_2?"
    assert "U+03B1" in suggestion("\u03b1_1", ["a_2"])


def test_what_cannot_be_seen_does_not_count():
    assert skeleton("a\u200db\ufeffc\ufe0f\u3164d") == "abcd"


def test_the_odd_one_may_be_in_the_name_that_exists():
    assert suggestion("fwd_1e", ["fwd_1\u0435"]) == (
        f"; did you mean fwd_1\u0435? There, character 6 is {YE}"
    )


def test_of_several_near_names_the_one_that_looks_the_same_is_meant():
    assert nearest("lag_\u03b1", ["lag_b", "lag_a", "lag_\u03b2"]) == "lag_a"


def test_the_table_holds_single_characters_that_are_not_ascii():
    for odd, plain in _LIKE.items():
        assert len(odd) == len(plain) == 1
        assert not odd.isascii()
        assert plain.isascii()
    for letter, plain in (
        ("CYRILLIC SMALL LETTER A", "a"),
        ("GREEK SMALL LETTER OMICRON", "o"),
        ("CYRILLIC CAPITAL LETTER EN", "H"),
        ("ARMENIAN SMALL LETTER SEH", "u"),
        ("LATIN SMALL LETTER DOTLESS I", "i"),
        ("MINUS SIGN", "-"),
    ):
        assert skeleton(unicodedata.lookup(letter)) == plain  # fmt: skip


@given(st.text(max_size=20), st.text(max_size=20) | st.none())
def test_any_name_has_a_skeleton_and_at_most_one_odd_character(name, meant):
    assert isinstance(skeleton(name), str)
    odd = odd_character(name, meant)
    assert odd is None or not name[odd.at].isascii()
    assert isinstance(suggestion(name, [meant] if meant else []), str)


def failing(workspace, families, **asked):
    tree, found = load(workspace, families)
    if found:
        return found[0]
    with pytest.raises((ProblemsError, UsageError)) as caught:
        resolve(tree, Selection(**asked), families)
    return getattr(caught.value, "problems", [caught.value])[0]


def test_in_a_key_of_set_it_is_pointed_at(workspace, families):
    problem = failing(workspace, families, sets=("hyperparameters.l\u0435arning_rate=0.1",))
    assert "did you mean learning_rate?" in problem.message
    assert YE in problem.message
    assert (problem.place.column, problem.place.end) == (18, 19)


def test_in_a_key_of_an_overlay_it_is_pointed_at(workspace, families, add):
    add("model_config/lightgbm_mine.yaml", "hyperparameters:\n  l\u0435arning_rate: 0.1\n")
    problem = failing(workspace, families)
    assert "did you mean learning_rate?" in problem.message
    assert YE in problem.message
    assert (problem.place.file, problem.place.line, problem.place.column) == (
        "CONFIG/model_config/lightgbm_mine.yaml", 2, 4,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ({"target": "fwd_r\u0435t_5d"}, YE),
        ({"variant": "c\u043enservative"}, "U+043E"),
        ({"profile": "d\u0435bug"}, YE),
        ({"overlays": ("light\u0261bm_x",)}, None),
        ({"sets": ("pipeline.family=light\u0261bm",)}, "U+0261"),
    ],
)
def test_in_a_name_that_is_asked_for_it_is_named(workspace, families, asked, what):
    found = failing(workspace, families, **asked)
    words = getattr(found, "problem", None) or found.message
    assert what is None or what in words


def test_in_the_name_of_a_familys_file_it_is_named(workspace, families, add):
    add("model_config/light\u0261bm.yaml", "hyperparameters: {}\n")
    problem = failing(workspace, families)
    assert "did you mean lightgbm? character 6 is U+0261" in problem.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learning_rate: 0,01", '"0,01" is text; write 0.01'),
        ("learning_rate: 0,001", '"0,001" is text; write 0.001'),
        ("learning_rate: 1,000", '"1,000" is text; write 1000'),
        ("learning_rate: 1 000 000.5", '"1 000 000.5" is text; write 1000000.5'),
        ("learning_rate: 1,2,3", 'found "1,2,3", expected a number'),
        ("symbols: IBM", 'found "IBM", expected a list; write [IBM]'),
        ("symbols: 5", "found 5, expected a list; write [5]"),
        ("symbols: {a: 1}", "found a mapping, expected a list"),
    ],
)
def test_what_was_read_is_shown_with_how_to_write_it(text, message):
    assert told(text).message == message
