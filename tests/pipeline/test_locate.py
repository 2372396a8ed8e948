import pytest

from repro.pipeline.locate import Difference, differences

BLOCKS = ["2000-01", "2000-02", "2000-03", "2000-06"]


def digits(letters):
    return "".join(letter * 16 for letter in letters)


def side(times="0000", x="aaaa", blocks=BLOCKS, **columns):
    kept = {"": digits(times), "x": digits(x)} | {n: digits(v) for n, v in columns.items()}
    return {"blocks": blocks, "columns": kept}


def sides(a, b):
    return {"unit": "month", "symbols": {"A": a}}, {"unit": "month", "symbols": {"A": b}}


def test_equal_data_have_no_differences():
    assert differences(*sides(side(), side())) == []


def test_neighbouring_blocks_are_one_difference_across_months_without_rows():
    found = differences(*sides(side(), side(x="abbb")))
    assert found == [Difference("A", "x", "2000-02", "2000-06", 3, "changed")]


def test_blocks_that_agree_part_two_differences():
    found = differences(*sides(side(), side(x="babb")))
    assert found == [
        Difference("A", "x", "2000-01", "2000-01", 1, "changed"),
        Difference("A", "x", "2000-03", "2000-06", 2, "changed"),
    ]


def test_added_and_removed_blocks_are_rows_that_one_side_lacks():
    shorter = side("000", "aaa", BLOCKS[:3])
    grown = [Difference("A", "", "2000-06", "2000-06", 1, "added")]
    assert differences(*sides(shorter, side())) == grown
    assert differences(*sides(side(), shorter)) == [grown[0]._replace(change="removed")]


def test_where_the_dates_of_a_block_differ_its_cells_are_not_compared():
    found = differences(*sides(side(), side(times="0100", x="abba")))
    assert found == [
        Difference("A", "", "2000-02", "2000-02", 1, "rows"),
        Difference("A", "x", "2000-03", "2000-03", 1, "changed"),
    ]


def test_added_and_removed_symbols_and_columns_are_whole():
    a, b = sides(side(y="cccc"), side(z="cccc"))
    b["symbols"]["B"] = side()
    assert differences(a, b) == [
        Difference("A", "y", "2000-01", "2000-06", 4, "removed"),
        Difference("A", "z", "2000-01", "2000-06", 4, "added"),
        Difference("B", "", "2000-01", "2000-06", 4, "added"),
    ]
    assert differences(b, a)[-1] == Difference("B", "", "2000-01", "2000-06", 4, "removed")


def test_locators_whose_digits_do_not_fit_their_blocks_are_refused():
    broken = side()
    broken["columns"]["x"] += "0"
    with pytest.raises(ValueError, match="65 digits, 4 blocks"):
        differences(*sides(side(), broken))
