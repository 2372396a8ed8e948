"""Comparisons as Markdown and HTML: everything is said, nothing is rounded, nothing is markup."""

import re
from html.parser import HTMLParser

import pytest

from repro.report.comparison import html, markdown
from repro.report.replicates import beside

CLEAN = {"verdict": "clean", "without": [], "findings": []}
HOSTILE = '<script>alert(1)</script> | `x` [a](b) ![c](d) & "e"\nnext'


def document(**other):
    side = {"file": "CONFIG/a.yaml", "line": 3, "column": 7, "text": "x", "layer": "document"}
    cause = {
        "kind": "configuration", "subject": "splits.folds", "old": 5, "new": "5",
        "component": "splits", "a": side, "b": None, "idle": False, "items": [], "retyped": True,
        "follows": False, "package": "", "moves": ["split_signature", "strict_key"],
    }  # fmt: skip
    moved = {"change": "moved", "value": "ret_1d", "old": 1, "new": 2}
    listed = cause | {"kind": "features", "items": [moved], "retyped": False, "subject": "selected"}
    effect = {"metric": "rmse", "old": 0.1, "new": 0.30000000000000004, "delta": 0.2}
    noise = {"better": False, "noise": 0.05, "noise_from": "replicates", "noise_count": 7}
    noise["within_noise"] = False
    where = [{"kind": "model", "where": "fold 2, tree 3"}]
    return {
        "moved": ["split_signature", "strict_key"], "unstated": ["strict_key"], "divergence": where,
        "a": "a-1", "b": "b-1", "verdict": "explained", "exit_status": 1, "same_bits": False,
        "differing_outputs": ["metrics", "model, final"], "label": "", "causes": [cause, listed],
        "effects": [effect | noise], "spread": None,
        "predictions": {
            "rows": 10, "only_a": 0, "only_b": 1, "changed": 3, "largest": 0.125,
            "largest_ulps": 2, "correlation": None, "first": "fold 1, A, 2001-01-01",
        },
        "leakage": {"a": CLEAN, "b": CLEAN},
        **other,
    }  # fmt: skip


class Text(HTMLParser):
    """Collects tags and text."""

    def __init__(self):
        super().__init__()
        self.tags, self.text = [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


def parsed(page):
    parser = Text()
    parser.feed(page)
    return parser


@pytest.mark.parametrize("write", [markdown, html])
def test_a_change_within_noise_is_called_neither_better_nor_worse(write):
    (effect,) = document()["effects"]
    small = effect | {"within_noise": True, "noise": 0.5}
    for better in (True, False):
        found = write(document(effects=[small | {"better": better}]), "other bits")
        assert "within noise" in found
        assert "better" not in found
        assert "worse" not in found


@pytest.mark.parametrize("write", [markdown, html])
def test_everything_is_said_and_nothing_rounded(write):
    found = write(document(), "other bits")
    text = parsed(found).text if write is html else re.sub(r"</?code>|\\", "", found)
    for word in (
        *("explained", "other bits", "a-1", "b-1", "splits.folds", "5", '"5"', "retyped"),
        *("CONFIG/a.yaml:3:7", "0.30000000000000004", "0.05", "worse", "model, final"),
        *("moved", '"ret_1d" (1 to 2)', "3 of 10 rows", "only in B 1", "fold 1, A, 2001-01-01"),
        *("split_signature, strict_key", "Without a cause: strict_key", "7 replicates"),
        *("first divergence", "fold 2, tree 3"),
    ):
        assert word in text, word
    assert write(document(), "other bits") == found


def test_what_comes_from_runs_is_never_markup():
    bad = document()
    bad["causes"][0] |= {"subject": HOSTILE, "old": HOSTILE, "kind": "data"}
    bad |= {"label": HOSTILE, "a": HOSTILE}
    page = parsed(html(bad, HOSTILE))
    assert not {"script", "img", "a"} & set(page.tags)
    assert HOSTILE in page.text
    text = markdown(bad, HOSTILE)
    assert "<script" not in re.sub(r"\\<script", "", text.replace(f"`{HOSTILE}`", ""))
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert all(line.count("|") in (3, 6, 8) for line in rows)


def test_the_same_bits_are_said_to_be_so():
    same = document(same_bits=True, causes=[], effects=[], predictions=None, verdict="identical")
    same |= {"moved": [], "unstated": [], "divergence": []}
    for found in (markdown(same, "x"), html(same, "x")):
        assert "All outputs are the same, bit for bit" in found.replace("\\", "")


@pytest.mark.parametrize("write", [markdown, html])
def test_leakage_is_told_of_the_side_that_it_was_found_in_and_of_no_other(write):
    fixed = {"verdict": "fixed", "without": ["f1", "f2"], "findings": []}
    warned = {"verdict": "warned", "without": [], "findings": ["r2 is 0.99", HOSTILE]}
    found = write(document(leakage={"a": fixed, "b": CLEAN}), "other bits")
    assert "leakage in A: fixed: without f1, f2, which leaked" in found
    assert "leakage in B" not in found
    found = write(document(leakage={"a": CLEAN, "b": warned}), "other bits")
    text = parsed(found).text if write is html else found.replace("\\", "")
    assert "leakage in B: warned: r2 is 0.99; " in text
    assert "leakage in A" not in text
    assert "<script>" not in (found if write is html else found.replace("\\<", ""))


def several(count, subject="mapped, lib{}.so"):
    one = document()["causes"][0] | {
        "kind": "environment", "old": None, "new": "ab" * 32, "a": None, "retyped": False,
        "component": "execution_key", "moves": ["execution_key"],
    }  # fmt: skip
    return [one | {"subject": subject.format(n)} for n in range(count)]


def test_what_is_alike_is_one_row_of_markdown_and_each_of_it_where_all_is_asked_for():
    many = document(causes=several(160))
    found = markdown(many, "x")
    assert "<code>160 shared objects in the process, only in B</code>" in found
    assert found.count("<code>mapped, lib") == 0
    whole = markdown(many, "x", full=True)
    assert whole.count("<code>mapped, lib") == whole.count(f'<code>"{"ab" * 32}"</code>') == 160


def test_a_page_holds_each_of_what_is_alike_to_be_unfolded():
    found = html(document(causes=several(160)), "x")
    page = parsed(found)
    assert page.tags.count("details") == page.tags.count("summary") == 1
    assert found.count("<code>mapped, lib") == 160
    assert "script" not in page.tags


def test_what_is_alike_is_never_markup_either():
    hostile = [cause | {"subject": f"mapped, {HOSTILE}{n}"} for n, cause in enumerate(several(4))]
    page = parsed(html(document(causes=hostile), "x"))
    assert not {"script", "img", "a"} & set(page.tags)
    assert HOSTILE in page.text
    rows = [line for line in markdown(document(causes=hostile), "x").splitlines() if "lib" in line]
    assert not any("<script" in line or "`" in line for line in rows)
    for text in (markdown(document(causes=hostile), "x"),):
        assert all(line.count("|") in (3, 6, 8) for line in text.splitlines() if line[:2] == "| ")


class Balanced(HTMLParser):
    """Fails on a tag that is not closed by its own; those that are never closed are void."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        names = {name for name, _ in attrs}
        assert not names & {"src", "href", "onclick", "onload"}
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_stands_alone():
    page = Balanced()
    page.feed(html(document(causes=[*several(5), *document()["causes"]], label=HOSTILE), HOSTILE))
    assert page.open == []


def test_units_in_the_last_place_are_words_where_numbers_are_not_near():
    far = document()
    far["predictions"] |= {"largest_ulps": "9142960602738300640"}
    for write in (markdown, html):
        found = write(far, "x").replace("\\", "").replace("&gt;", ">")
        assert "9142960602738300640" not in found
        assert "> 2^20 ULPs: not near" in found


@pytest.mark.parametrize("write", [markdown, html])
def test_what_a_run_does_not_have_is_no_null(write):
    side = document()["causes"][0]["a"]
    gone = document()["causes"][0] | {"old": None, "new": None, "a": side, "b": None}
    both = gone | {"b": side}
    counts = [write(document(causes=[one]), "x").count(">null<") for one in (gone, both)]
    assert counts[1] == counts[0] + 1


@pytest.mark.parametrize("write", [markdown, html])
def test_the_first_row_that_differs_is_said_once(write):
    found = document()
    first = found["predictions"]["first"]
    where = {"kind": "predictions", "where": f"{first} (3 of 10 rows differ, the largest by 0.125)"}
    for divergence in ([], [where]):
        text = write(found | {"divergence": divergence}, "x").replace("\\", "")
        assert text.count(first) == 1
        assert text.count("of 10 rows differ") == 1


def test_replicates_beside_the_two_are_said_to_be_so():
    assert beside(1, 3) == "1 replicate beside these two, where 3 are needed"
    assert beside(2, 1) == "2 replicates beside these two, where 1 is needed"
