"""Edits of YAML text: the value as wanted, every comment kept, no other line touched."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.config.editing import edit
from repro.config.editing.edit import EditError, draft
from repro.config.editing.render import identical, value_at, with_name, with_value, without

TEXT = """\
# yaml-language-server: $schema=../.schemas/x.schema.json

# The model.
hyperparameters:
  # how fast
  learning_rate: 0.01        # small
  'quoted key': "double"
  n: [1, 2,  3]   # odd spacing
  empty: {}       # nothing yet
  flow: {a: 1, b: {c: 2}}
  block: |  # a block
    # no comment
    text

  nothing:
  # about the list
  list:
  - x  # first
  # second's own
  - y
  - z

# The end.
other: 1
"""


def apply(text: str, operation: str, *arguments: Any) -> str:
    """Return the text after one edit."""
    return str(getattr(edit, operation)(draft(text, "x.yaml"), *arguments).text)


def changed(before: str, after: str) -> tuple[list[str], list[str]]:
    """Return the lines that are gone and those that are new."""
    import difflib

    lines = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    return (
        [line[2:] for line in lines if line.startswith("- ")],
        [line[2:] for line in lines if line.startswith("+ ")],
    )


H = "hyperparameters"
CASES: list[tuple[str, tuple[Any, ...], list[str], list[str]]] = [
    (
        "set_value",
        ((H, "learning_rate"), 0.1),
        ["  learning_rate: 0.01        # small"],
        ["  learning_rate: 0.1        # small"],
    ),
    (
        "set_value",
        ((H, "quoted key"), "other"),
        ["  'quoted key': \"double\""],
        ["  'quoted key': \"other\""],
    ),
    (
        "set_value",
        ((H, "n"), [1, 2]),
        ["  n: [1, 2,  3]   # odd spacing"],
        ["  n: [1, 2]   # odd spacing"],
    ),
    (
        "set_value",
        ((H, "empty"), {"a": {"b": 1}}),
        ["  empty: {}       # nothing yet"],
        ["  empty:       # nothing yet", "    a:", "      b: 1"],
    ),
    (
        "set_value",
        ((H, "flow"), {"a": 1, "b": {"c": 3}}),
        ["  flow: {a: 1, b: {c: 2}}"],
        ["  flow: {a: 1, b: {c: 3}}"],
    ),
    (
        "set_value",
        ((H, "block"), "no"),
        ["  block: |  # a block", "    # no comment", "    text"],
        ["  block: no  # a block"],
    ),
    ("set_value", ((H, "nothing"), "null"), ["  nothing:"], ['  nothing: "null"']),
    ("set_value", ((H, "list"), ["x", "w", "z"]), ["  - y"], ["  - w"]),
    ("set_value", ((H, "list"), ["x", "z"]), ["  # second's own", "  - y"], []),
    ("set_value", ((H, "list"), ["x", "y", "z", "é"]), [], ['  - "é"']),
    (
        "set_value",
        ((H, "list"), None),
        ["  - x  # first", "  - y", "  - z", "  list:"],
        ["  # first", "  list: null"],
    ),
    ("insert", (("new",), {"a": [1]}), [], ["new:", "  a: [1]"]),
    (
        "insert",
        ((H, "flow", "z"), True),
        ["  flow: {a: 1, b: {c: 2}}"],
        ["  flow: {a: 1, b: {c: 2}, z: true}"],
    ),
    ("put", ((H, "deep", "er"), 1), [], ["  deep:", "    er: 1"]),
    (
        "remove",
        ((H, "learning_rate"),),
        ["  # how fast", "  learning_rate: 0.01        # small"],
        [],
    ),
    ("remove", ((H, "flow", "a"),), ["  flow: {a: 1, b: {c: 2}}"], ["  flow: {b: {c: 2}}"]),
    ("remove", ((H, "flow", "b"),), ["  flow: {a: 1, b: {c: 2}}"], ["  flow: {a: 1}"]),
    ("rename", ((H, "quoted key"), "q"), ["  'quoted key': \"double\""], ["  'q': \"double\""]),
    (
        "move",
        ((H, "learning_rate"), ("rate",)),
        ["  # how fast", "  learning_rate: 0.01        # small"],
        ["# how fast", "rate: 0.01        # small"],
    ),
    (
        "move",
        ((H, "learning_rate"), (H, "empty", "rate")),
        ["  # how fast", "  learning_rate: 0.01        # small", "  empty: {}       # nothing yet"],
        ["  empty:       # nothing yet", "    # how fast", "    rate: 0.01        # small"],
    ),
]


@pytest.mark.parametrize(
    ("operation", "arguments", "gone", "new"),
    CASES,
    ids=[f"{n}-{c[0]}" for n, c in enumerate(CASES)],
)
@pytest.mark.parametrize("eol", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_an_edit_touches_its_own_lines_alone(
    operation: str, arguments: tuple[Any, ...], gone: list[str], new: list[str], eol: str
) -> None:
    after = apply(TEXT.replace("\n", eol), operation, *arguments)
    removed, added = changed(TEXT.replace("\n", eol), after)
    assert sorted(removed) == sorted(gone)
    assert sorted(added) == sorted(new)
    assert after.count("\r") == (after.count("\n") if eol == "\r\n" else 0)


def test_byte_order_mark_and_a_missing_last_break_stay() -> None:
    text = "\ufeffa: 1\nb: 2".encode()
    assert edit.insert(draft(text, "x"), ("c",), 3).encoded() == "\ufeffa: 1\nb: 2\nc: 3".encode()


def test_the_last_key_leaves_an_empty_mapping() -> None:
    assert apply("a:\n  b: 1  # x\nc: 2\n", "remove", ("a", "b")) == "a: {}\nc: 2\n"
    assert apply("# head\n\na: 1\n", "remove", ("a",)) == "# head\n\n{}\n"
    assert apply("- a: 1\n".replace("- ", "l:\n- "), "remove", ("l", 0, "a")) == "l:\n- {}\n"


def test_the_head_of_a_file_is_not_the_first_keys() -> None:
    assert apply("# the file\na: 1\nb: 2\n", "remove", ("a",)) == "# the file\nb: 2\n"


def test_first_key_of_an_item_goes_without_its_siblings_comments() -> None:
    text = "l:\n- a: 1  # mine\n  # about b\n  b: 2\n"
    assert apply(text, "remove", ("l", 0, "a")) == "l:\n# about b\n- b: 2\n"


def test_a_subtree_moves_between_documents_with_its_comments() -> None:
    a = draft(
        "# head\n\nx:\n    # about y\n    y:      # here\n"
        "        z: |\n          text\n        # end\n    k: 1\n",
        "a",
    )
    b = draft("top:\r\n  k: 1\r\n", "b")
    left, right = edit.move_between(a, ("x", "y"), b, ("top", "moved"))
    assert left.text == "# head\n\nx:\n    k: 1\n"
    assert right.text == (
        "top:\r\n  k: 1\r\n  # about y\r\n  moved:      # here\r\n"
        "      z: |\r\n        text\r\n      # end\r\n"
    )


ANCHORED = """\
base: &base
  a: 1
copy: *base
merged:
  <<: *base
  b: 2
free: &unused {x: 1}
"""


@pytest.mark.parametrize(
    ("operation", "arguments", "said"),
    [
        ("set_value", (("base", "a"), 2), r"x.yaml:1: .*\*base repeats it elsewhere"),
        ("set_value", (("copy", "a"), 2), r"x.yaml:3: .*\*base stands there"),
        ("set_value", (("copy",), 2), r"x.yaml:3: .*\*base stands there"),
        ("set_value", (("merged", "a"), 2), "comes through <<"),
        ("remove", (("merged",),), r"<< stands in it|\*base"),
        ("remove", (("base",),), "repeats it elsewhere"),
        ("insert", (("base", "c"), 2), "cannot be changed"),
        ("rename", (("merged", "a"), "c"), "comes through <<"),
        ("move", (("base",), ("free", "base")), "repeats it elsewhere"),
    ],
)
def test_anchors_at_the_place_are_refused(
    operation: str, arguments: tuple[Any, ...], said: str
) -> None:
    with pytest.raises(EditError, match=said) as caught:
        apply(ANCHORED, operation, *arguments)
    assert caught.value.hint


def test_beside_anchors_edits_go_on() -> None:
    assert "  b: 3\n" in apply(ANCHORED, "set_value", ("merged", "b"), 3)
    assert "{x: 2}" in apply(ANCHORED, "set_value", ("free", "x"), 2)


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("rename", (("other",), H)),
        ("insert", (("other",), 1)),
        ("insert", (("other", "x"), 1)),
        ("remove", (("nowhere",),)),
        ("move", (("other",), (H, "n"))),
        ("move", ((H,), (H, "x"))),
        ("set_value", ((), {})),
    ],
)
def test_what_cannot_be_done_is_said(operation: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises((EditError, KeyError)):
        apply(TEXT, operation, *arguments)


def test_a_block_scalar_without_a_last_break_is_not_changed_by_what_follows() -> None:
    with pytest.raises(EditError, match="come to mean something else"):
        apply("a: |\n  text", "insert", ("b",), 1)


# --- random documents and edits ----------------------------------------------------------------

KEYS = st.sampled_from(["a", "b", "c_d", "rate", "no", "1", "x y", "#h", "true", "é", "-", "a: b"])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: abs(x) > 1e-300 or x == 0),
    st.sampled_from(
        ["", "text", "no", "1", "a # b", "a: b", "'", '"', "- x", "é", "~", "two words"]
    ),
    st.text(st.characters(max_codepoint=0x2FFF, exclude_characters="\x7f"), max_size=8),
)
VALUES = st.recursive(
    SCALARS,
    lambda kids: st.one_of(st.lists(kids, max_size=3), st.dictionaries(KEYS, kids, max_size=4)),
    max_leaves=8,
)


class Writer:
    """Writes a value as YAML in one of many ways, with a comment wherever one may stand."""

    def __init__(self, draw: Any) -> None:
        self.draw, self.count = draw, 0

    def chance(self, of: int = 3) -> bool:
        return bool(self.draw(st.integers(0, of - 1)) == 0)

    def comment(self) -> str:
        self.count += 1
        return f"# c{self.count}."

    def tail(self) -> str:
        return "  " + self.comment() if self.chance() else ""

    def quoted(self, value: Any) -> str:
        text = json.dumps(value)
        if isinstance(value, str) and re.fullmatch(r"[ -~]*", value) and self.chance(2):
            return "'" + value.replace("'", "''") + "'"
        if value is None and self.chance(2):
            return ""
        return text

    def above(self, pad: str) -> list[str]:
        lines = [""] if self.chance(6) else []
        return lines + ([pad + self.comment()] if self.chance() else [])

    def mapping(self, value: dict[str, Any], column: int) -> list[str]:
        lines = []
        for key, item in value.items():
            pad = " " * column
            lines += self.above(pad)
            lines += self.item(f"{pad}{self.quoted(key) or json.dumps(key)}:", item, column)
        return lines

    def item(self, head: str, value: Any, column: int) -> list[str]:
        if isinstance(value, dict) and value and not self.chance(4):
            return [head + self.tail(), *self.mapping(value, column + self.draw(st.integers(1, 4)))]
        if isinstance(value, list) and value and not self.chance(4):
            inner = column + self.draw(st.integers(0, 3))
            lines = [head + self.tail()]
            for kid in value:
                lines += self.above(" " * inner)
                if isinstance(kid, dict) and kid:
                    body = self.mapping(kid, inner + 2)
                    at = next(n for n, x in enumerate(body) if x.strip() and x.strip()[0] != "#")
                    body[at] = " " * inner + "- " + body[at][inner + 2 :]
                    lines += body
                else:
                    lines.append(" " * inner + "- " + json.dumps(kid) + self.tail())
            return lines
        if isinstance(value, str) and re.fullmatch(r"[a-z]+( [a-z]+)*", value) and self.chance():
            mark = self.draw(st.sampled_from(["|-", ">-"]))
            return [f"{head} {mark}{self.tail()}", " " * (column + 2) + value]
        if isinstance(value, dict | list):
            return [f"{head} {json.dumps(value)}{self.tail()}"]
        return [f"{head} {self.quoted(value)}".rstrip() + self.tail()]


@st.composite
def documents(draw: Any) -> tuple[str, Any]:
    value = draw(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4))
    writer = Writer(draw)
    eol = draw(st.sampled_from(["\n", "\r\n"]))
    lines = (["# the head", ""] if writer.chance(2) else []) + writer.mapping(value, 0)
    return eol.join(lines) + (eol if writer.chance(2) else ""), value


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every key of every mapping."""
    found = []
    if isinstance(value, dict):
        for key, item in value.items():
            found += [(*path, key), *paths(item, (*path, key))]
    elif isinstance(value, list):
        for n, item in enumerate(value):
            found += paths(item, (*path, n))
    return found


def told(text: str) -> list[str]:
    """Return the comments, each of which is there once."""
    return sorted(re.findall(r"# c\d+\.", text))


def check(before: Any, after: Any, expected: Any, lost: int) -> None:
    """Check value and comments, and that the lines kept are the same bytes in the same order."""
    assert identical(after.value, expected)
    assert identical(draft(after.encoded(), "x").value, expected)
    missing = set(told(before.text)) - set(told(after.text))
    assert len(told(after.text)) == len(set(told(after.text)))
    if not lost:
        assert not missing


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_random_edits_of_random_documents(data: Any) -> None:
    text, value = data.draw(documents())
    before = draft(text, "x")
    assert identical(before.value, value)
    path = data.draw(st.sampled_from(paths(value)))
    operation = data.draw(st.sampled_from(["set", "insert", "remove", "rename", "move"]))
    if operation == "set":
        new = data.draw(VALUES)
        after, expected, lost = (
            edit.set_value(before, path, new),
            with_value(value, path, new),
            type(new) is type(value_at(value, path)) and isinstance(new, dict | list),
        )
    elif operation == "insert":
        name, new = "inserted", data.draw(VALUES)
        after = edit.insert(before, (*path[:-1], name), new)
        expected, lost = with_value(value, (*path[:-1], name), new), False
    elif operation == "remove":
        after, expected, lost = edit.remove(before, path), without(value, path), True
    elif operation == "rename":
        after = edit.rename(before, path, "renamed")
        expected, lost = with_name(value, path, "renamed"), False
    else:
        to = ("moved", "here")
        after = edit.move(before, path, to)
        expected = without(with_value(value, to, value_at(value, path)), path)
        lost = False
    check(before, after, expected, lost)
    if operation in ("insert", "rename"):
        gone, _ = changed(before.text, after.text)
        assert len(gone) <= 1
    if operation == "remove":
        _, new_lines = changed(before.text, after.text)
        assert len(new_lines) <= 1 + len(told("\n".join(new_lines)))
