"""The cells of a CSV file: values as Python's own reading of each, file by file and in blocks."""

import math
import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from repro.errors import InputError
from repro.pipeline.cells import read_cells
from repro.pipeline.csv_layout import _BLOCK, lay_out
from repro.pipeline.wanted import Wanted

NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*", re.ASCII)
SPELLED = st.sampled_from(
    [
        *("", "NaN", "nan", "NAN", "+nan", "inf", "-Infinity", "1e5", "1E-400", "1e999", "1_000"),
        *("True", " 1.5", "1.5 ", "0x10", "\u0663", "1d5", "e", "-", ".", "1.", ".5", "--1", "Na"),
        *("N", "-0.0", "0.1", "1e", "5e-324", "9007199254740993", "2.2250738585072011e-308", "a"),
    ]
)
CELLS = SPELLED | st.floats().map(repr) | st.floats(-1e6, 1e6).map("{:.4f}".format)
WANTED = Wanted("s", None, None, "UTC", {"x": "float64"})


def expected(text):
    """Return what a cell is, or None if it is neither a number nor missing."""
    if text in ("", "NaN", "nan"):
        return math.nan
    value = float(text) if NUMBER.fullmatch(text) else math.inf
    if re.fullmatch("[0-9]+", text) and abs(value) < math.inf and int(text) != value:
        return None  # no float64 is this whole number
    return None if math.isinf(value) else value


def read(rows, quote=""):
    text = "s,x\n" + "".join(f"A,{quote}{cell}{quote}\n" for cell in rows)
    return read_cells(lay_out("f", text.encode()), WANTED).numbers["x"]


@given(st.lists(CELLS, min_size=1, max_size=4), st.sampled_from(["", '"']))
@example(["1", "NaN", ""], "")
def test_a_cell_is_the_number_that_it_spells_or_refused(cells, quote):
    values = [expected(cell) for cell in cells]
    if None in values:
        with pytest.raises(InputError) as caught:
            read(cells, quote)
        first = values.index(None)
        assert f"f:{first + 2}: column 'x': {cells[first]!r}" in caught.value.problem
    else:
        found = read(cells, quote)
        assert np.array_equal(found, np.array(values), equal_nan=True)
        assert (np.signbit(found) == np.signbit(values))[~np.isnan(found)].all()


def test_blocks_are_put_together_in_order_and_places_count_on():
    rows = [repr(n / 7) for n in range(_BLOCK + 3)]
    for quote in ("", '"'):
        assert read(rows, quote).tolist() == [n / 7 for n in range(_BLOCK + 3)]
    with pytest.raises(InputError) as caught:
        read([*rows, "bad"])
    assert caught.value.problem == f"f:{_BLOCK + 5}: column 'x': 'bad' is not a number"


@pytest.mark.parametrize("text", ["9007199254740993", "-9007199254740993", "18014398509481985"])
def test_a_whole_number_that_no_float_is_is_refused_as_it_is_in_parquet(text):
    with pytest.raises(
        InputError, match=r"f:2: column 'x': '-?\d+' is a whole number beyond 2\^53"
    ):
        read([text])
    assert read([text + ".0", "9007199254740994", "1" + "0" * 22]).tolist() == [
        float(text),
        9007199254740994.0,
        1e22,
    ]


def test_a_word_for_missing_is_refused_with_those_that_are_read():
    with pytest.raises(InputError) as caught:
        read(["n/a"])
    assert "an empty cell, NaN or nan" in str(caught.value.hint)
