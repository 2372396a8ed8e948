"""Fingerprints as they are kept and compared; tables are parsed here as a worker parses them."""

import gzip
import json

import numpy as np
import pytest

from repro.cli.data.diff import _json
from repro.errors import InputError, IntegrityError
from repro.execution import tables
from repro.facts.data import digest_files, locate
from repro.facts.digest_cache import DigestCache
from repro.verbs.data.comparison import compare
from repro.verbs.data.fingerprint import document, of_dataset, read
from repro.verbs.data.look import Dataset

DOCUMENT = {
    "format": "csv",
    "time": {"column": "d", "format": "%Y-%m-%d", "timezone": "UTC"},
    "symbol": {"column": "s"},
    "columns": {"x": "float64", "n": "int64"},
    "interval": "1d",
    "symbols": None,
    "start": None,
    "end": None,
    "max_rows_per_symbol": None,
    "min_rows_per_symbol": 1,
    "short_symbols": "refuse",
    "sort": True,
    "duplicates": "refuse",
}
DAYS = [str(day) for day in np.arange("2001-01-25", "2001-04-05", dtype="datetime64[D]")]
ROWS = [f"{s},{day},{i / 7!r},{i}" for s in "AB" for i, day in enumerate(DAYS)]


@pytest.fixture
def dataset(tmp_path):
    """Return a function that makes the dataset of some rows, in some files."""

    def make(rows=ROWS, names=("data.csv",), head="s,d,x,n", look="fingerprint", **changed):
        for part, name in enumerate(names):
            raw = "\n".join([head, *rows[part :: len(names)], ""]).encode()
            (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
        paths = locate(tmp_path, names)
        message = {
            "request": {"dataset": DOCUMENT | changed},
            "options": {"dataset": {}},
            "files": [{"shown": name, "path": str(path)} for name, path in paths.items()],
            "sha256": False,
            "look": look,
        }
        facts = json.loads(json.dumps(tables.answer(message), allow_nan=False))
        return Dataset(facts, digest_files(paths, DigestCache(tmp_path, tmp_path / "kept")))

    return make


def said(a, b):
    """Return the comparison of two datasets as JSON has it."""
    return _json(compare(of_dataset("a", a), of_dataset("b", b)))


def cells(answer):
    return [tuple(found.values()) for found in answer["cells"]]


def names(pairs):
    return [(pair["name"], pair["change"]) for pair in pairs]


def test_the_same_data_are_the_same(dataset):
    answer = said(dataset(), dataset())
    assert (answer["verdict"], answer["exit_status"]) == ("same", 0)
    assert answer["cells"] == answer["files"] == answer["symbols"] == answer["columns"] == []


def test_the_same_table_in_other_files_has_the_same_values(dataset):
    answer = said(dataset(), dataset(ROWS[::-1], ("data.csv", "more.csv.gz")))
    assert (answer["verdict"], answer["exit_status"]) == ("same values", 0)
    assert names(answer["files"]) == [("data.csv", "changed"), ("more.csv.gz", "added")]
    assert answer["cells"] == answer["columns"] == []


def test_a_changed_cell_is_told_by_symbol_column_dates_and_file(dataset):
    rows = list(ROWS)
    rows[len(DAYS) + 10] = rows[len(DAYS) + 10].replace(",10", ",77")  # of B, on 4 February
    answer = said(dataset(), dataset(rows))
    assert (answer["verdict"], answer["exit_status"]) == ("different", 1)
    assert cells(answer) == [("B", "n", "2001-02", "2001-02", 1, "changed")]
    assert names(answer["files"]) == [("data.csv", "changed")]
    assert answer["symbols"] == []
    (column,) = answer["columns"]
    assert (column["name"], column["old"]["max"]) == ("n", 69)
    assert column["new"]["max"] == 77


def test_in_which_file_a_cell_changed_is_told(dataset):
    before = dataset(ROWS, ("one.csv", "two.csv"))
    rows = [row.replace(",69", ",68") if row.startswith("A") else row for row in ROWS]
    answer = said(before, dataset(rows, ("one.csv", "two.csv")))
    assert cells(answer) == [("A", "n", "2001-04", "2001-04", 1, "changed")]
    assert names(answer["files"]) == [("two.csv", "changed")]


def test_rows_symbols_and_columns_that_come_or_go_are_told(dataset):
    fewer = dataset(ROWS[1 : len(DAYS)], columns={"x": "float64"})
    answer = said(dataset(), fewer)
    assert cells(answer) == [
        ("A", "", "2001-01", "2001-01", 1, "rows"),
        ("A", "n", "2001-01", "2001-04", 4, "removed"),
        ("B", "", "2001-01", "2001-04", 4, "removed"),
    ]
    assert names(answer["symbols"]) == [("A", "changed"), ("B", "removed")]
    assert [answer["symbols"][0][side]["rows"] for side in ("old", "new")] == [70, 69]
    assert names(answer["columns"]) == [("n", "removed"), ("x", "changed")]
    back = said(fewer, dataset())
    assert names(back["symbols"]) == [("A", "changed"), ("B", "added")]
    assert (answer["a"]["rows"], answer["b"]["rows"]) == (140, 69)


def test_a_column_of_another_type_is_another_column(dataset):
    answer = said(dataset(), dataset(columns={"x": "float64", "n": "float64"}))
    assert {(c["symbol"], c["column"], c["change"]) for c in answer["cells"]} == {
        (s, "n", "changed") for s in "AB"
    }
    assert [c["new"]["dtype"] for c in answer["columns"]] == ["float64"]


def saved(folder, dataset, change=lambda content: None):
    """Return the file of a fingerprint, changed by somebody after it was written."""
    content = json.loads(json.dumps(document(dataset)))
    change(content)
    path = folder / "kept.json"
    path.write_text(json.dumps(content, indent=2), "utf-8")
    return path


def test_a_fingerprint_is_read_as_it_was_written(tmp_path, dataset):
    made = dataset()
    kept = read(saved(tmp_path, made))
    assert compare(kept, of_dataset("today", made)).verdict == "same"
    assert kept.root == made.facts["dataset"]["root"]


def otherwise(digits):
    return ("1" if digits[0] == "0" else "0") + digits[1:]


def change_root(content):
    content["dataset"]["root"] = otherwise(content["dataset"]["root"])


def change_column(content):
    columns = content["symbols"]["A"]["columns"]
    columns["x"] = otherwise(columns["x"])


def change_column_and_symbol(content):
    from repro.pipeline.merkle import symbol_digest

    change_column(content)
    content["symbols"]["A"]["digest"] = symbol_digest(content["symbols"]["A"]["columns"])


def drop_symbol(content):
    del content["locators"]["symbols"]["B"]


def drop_everywhere(content):
    for part in (content, content["locators"], content["summary"]):
        del part["symbols"]["B"]


def cut_locator(content):
    columns = content["locators"]["symbols"]["A"]["columns"]
    columns["x"] = columns["x"][16:]


def rename_column(content):
    columns = content["locators"]["symbols"]["A"]["columns"]
    columns["y"] = columns.pop("x")


@pytest.mark.parametrize(
    "change",
    [
        change_root,
        change_column,
        change_column_and_symbol,
        drop_everywhere,
        cut_locator,
        rename_column,
        lambda content: content["locators"].update(unit="year"),
        lambda content: content["summary"]["symbols"].pop("A"),
    ],
)
def test_a_fingerprint_whose_parts_contradict_each_other_is_refused(tmp_path, dataset, change):
    with pytest.raises(IntegrityError, match=r"kept\.json is not the fingerprint"):
        read(saved(tmp_path, dataset(), change))


def test_a_locator_that_the_root_contradicts_is_refused(tmp_path, dataset):
    def change(content):
        columns = content["locators"]["symbols"]["A"]["columns"]
        columns["x"] = otherwise(columns["x"])

    made = dataset()
    kept = read(saved(tmp_path, made, change))
    with pytest.raises(IntegrityError, match=r"their roots are the same, their parts do not"):
        compare(kept, of_dataset("today", made))


def test_a_root_that_no_locator_explains_is_refused(dataset):
    rows = [*ROWS[:-1], ROWS[-1].replace(",69", ",68")]
    a, b = of_dataset("a", dataset()), of_dataset("b", dataset(rows))
    with pytest.raises(IntegrityError, match=r"their roots differ, their parts do not"):
        compare(a, type(b)("b", b.root, b.files, a.locators, b.summary))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "1",
        "null",
        "{}",
        '{"schema": 1, "command": "diff"}',
        '{"schema": 2, "command": "data fingerprint"}',
        '{"schema": 1, "command": "data fingerprint", "dataset": 1, "files": [], '
        '"locators": {}, "summary": {}}',
        "[" * 100_000,
    ],
)
def test_a_file_that_is_no_fingerprint_is_named(tmp_path, text):
    path = tmp_path / "other.json"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=r"other\.json is no fingerprint") as caught:
        read(path)
    assert "repro data fingerprint --format json" in str(caught.value.hint)


def test_a_fingerprint_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nope\.json: cannot be read"):
        read(tmp_path / "nope.json")


def test_a_fingerprint_without_a_symbol_is_none(tmp_path, dataset):
    with pytest.raises((InputError, IntegrityError), match=r"kept\.json"):
        read(saved(tmp_path, dataset(), drop_symbol))


def test_a_description_is_made_only_if_it_is_asked_for(dataset):
    assert "description" not in dataset().facts
    described = dataset(look="description").facts["description"]
    assert described["symbols"]["B"]["columns"]["n"]["quantiles"]["0.5"] == 34.5
