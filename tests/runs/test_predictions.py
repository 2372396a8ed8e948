import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.errors import IntegrityError
from repro.runs.predictions import compare

KIND = [
    ("symbol", "S4"),
    ("time", "<i8"),
    ("fold", "<i4"),
    ("target", "<f8"),
    ("prediction", "<f8"),
]
DAY = 86_400_000_000_000


def table(predictions, symbol=b"AAPL", start=0):
    rows = np.zeros(len(predictions), dtype=KIND)
    rows["symbol"], rows["fold"] = symbol, 1
    rows["time"] = (start + np.arange(len(predictions))) * DAY
    rows["prediction"] = predictions
    return rows


@pytest.fixture
def write(tmp_path):
    def writer(name, rows):
        np.save(tmp_path / name, rows, allow_pickle=False)
        return tmp_path / f"{name}.npy"

    return writer


def test_equal_predictions_do_not_differ(write):
    path = write("a", table([0.1, -0.0, 3.0]))
    found = compare(path, path)
    assert (found.rows, found.changed, found.largest_ulps, found.first) == (3, 0, 0, None)
    assert found.correlation == pytest.approx(1.0)


def test_one_unit_in_the_last_place_is_seen_and_located(write):
    values = np.array([0.1, 0.2, 0.3])
    other = values.copy()
    other[1] = np.nextafter(0.2, 1)
    found = compare(write("a", table(values)), write("b", table(other)))
    assert (found.changed, found.largest_ulps) == (1, 1)
    assert found.first == "fold 1, AAPL, 1970-01-02"
    assert found.largest == abs(other[1] - values[1])


def test_the_two_zeros_are_neighbours_and_not_the_same_bits(write):
    found = compare(write("a", table([0.0])), write("b", table([-0.0])))
    assert (found.changed, found.largest_ulps, found.largest) == (1, 1, 0.0)


def test_rows_are_matched_by_symbol_and_time_and_not_by_place(write):
    found = compare(write("a", table([1.0, 2.0, 3.0])), write("b", table([2.0, 3.0, 4.0], start=1)))
    assert (found.rows, found.changed, found.only_a, found.only_b) == (2, 0, 1, 1)


@given(st.lists(st.floats(allow_nan=False, width=64), min_size=2, max_size=20), st.integers(1, 9))
def test_ulps_agree_with_numpy(values, steps):
    import tempfile
    from pathlib import Path

    ahead = np.array(values)
    with np.errstate(over="ignore"):
        for _ in range(steps):
            ahead = np.nextafter(ahead, math.inf)
    with tempfile.TemporaryDirectory() as folder:
        one, two = Path(folder) / "a.npy", Path(folder) / "b.npy"
        np.save(one, table(values))
        np.save(two, table(ahead))
        found = compare(one, two)
    assert found.largest_ulps <= steps + 1
    finite = [v for v in values if v != math.inf]
    assert found.changed == sum(
        struct.pack("<d", a) != struct.pack("<d", b) for a, b in zip(values, ahead, strict=True)
    )
    assert (found.largest_ulps >= 1) == bool(finite)


def classes(predictions):
    """Return a table of several classes, as it is written."""
    values = np.array(predictions)
    rows = np.zeros(len(values), dtype=[*KIND[:-1], ("prediction", "<f8", values.shape[1:])])
    rows["symbol"], rows["fold"], rows["prediction"] = b"AAPL", 1, values
    rows["time"] = np.arange(len(values)) * DAY
    return rows


def test_of_several_classes_the_first_that_differs_is_named(write):
    values = np.array([[0.25, 0.25, 0.5], [0.125, 0.5, 0.375]])
    other = values.copy()
    other[1, 1:] = np.nextafter(0.5, 1), 0.5
    found = compare(write("a", classes(values)), write("b", classes(other)))
    assert (found.rows, found.changed, found.largest) == (2, 1, 0.125)
    assert found.first == "fold 1, AAPL, 1970-01-02, class 1"
    same = compare(write("a", classes(values)), write("c", classes(values)))
    assert (same.changed, same.first) == (0, None)
    assert same.correlation == pytest.approx(1.0)


def test_other_classes_are_not_compared(write):
    one, two = np.full((2, 3), 1 / 3), np.full((2, 4), 1 / 4)
    with pytest.raises(IntegrityError, match="3 predictions a row, the other one has 4"):
        compare(write("a", classes(one)), write("b", classes(two)))
    with pytest.raises(IntegrityError, match="cannot be read"):
        compare(write("c", classes(np.zeros((2, 2, 2)))), write("b", classes(two)))


@pytest.mark.parametrize(
    "content", [b"", b"\x93NUMPY\x01\x00", b"PK\x03\x04", b"\x93NUMPY\x02\x00aaaa"]
)
def test_a_file_that_is_no_table_is_an_integrity_error(content, tmp_path, write):
    (tmp_path / "broken.npy").write_bytes(content)
    with pytest.raises(IntegrityError, match=r"broken\.npy cannot be read"):
        compare(tmp_path / "broken.npy", write("a", table([1.0])))


SIDES = st.lists(
    st.tuples(st.sampled_from([b"A", b"BB", b"CCCCC"]), st.integers(0, 3), st.floats(-1, 1)),
    max_size=9, unique_by=lambda row: row[:2],
)  # fmt: skip


def spelled_out(a, b):
    """Return what two tables share, what of it has other bits, and by how much at most."""
    left, right = ({(s, t): p for s, t, p in side} for side in (a, b))
    both = [(left[key], right[key]) for key in left if key in right]
    moved = [(x, y) for x, y in both if struct.pack("<d", x) != struct.pack("<d", y)]
    largest = max((abs(x - y) for x, y in moved), default=0.0)
    return len(both), len(left) - len(both), len(right) - len(both), len(moved), largest


@given(SIDES, SIDES, st.sampled_from(["S5", "S9"]))
def test_rows_in_any_order_and_width_are_matched_as_one_would_by_hand(a, b, width):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, side, wide in (("a", a, "S5"), ("b", b, width)):
            rows = np.zeros(len(side), dtype=[("symbol", wide), *KIND[1:]])
            for place, (symbol, time, value) in enumerate(side):
                rows[place]["symbol"], rows[place]["time"] = symbol, time
                rows[place]["prediction"] = value
            paths.append(Path(folder) / f"{name}.npy")
            np.save(paths[-1], rows)
        found, back = compare(*paths), compare(*reversed(paths))
    one = (found.rows, found.only_a, found.only_b, found.changed, found.largest)
    assert one == spelled_out(a, b)
    assert (found.first is None) == (found.changed == 0)
    assert (back.only_b, back.only_a) == (found.only_a, found.only_b)
    for name in ("rows", "changed", "largest", "largest_ulps"):
        assert getattr(back, name) == getattr(found, name)
    assert (back.correlation is None) == (found.correlation is None)


def test_a_file_that_was_cut_short_is_an_integrity_error(write):
    path = write("a", table([1.0, 2.0, 3.0]))
    path.write_bytes(path.read_bytes()[:-32])  # a whole row
    with pytest.raises(IntegrityError, match="2 whole rows where its header says"):
        compare(path, path)
