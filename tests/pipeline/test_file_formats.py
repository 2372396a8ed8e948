"""Parquet, Feather and compressed CSV: the same table is the same dataset, and what is refused."""

import datetime
import decimal
import itertools
from contextlib import suppress

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.errors import InputError
from repro.pipeline.digest import dataset_tree
from repro.pipeline.table import read_panel

from .tables import PACKED, arrow_table, csv_bytes, feather_bytes, parquet_bytes

ROWS = [
    ("A", "2001-01-01", 1.5, 1),
    ("A", "2001-01-02", None, 2**53 + 1),
    ("A", "2001-02-01", -0.0, -(2**63)),
    ("NA", "2001-01-01", 1e-320, 3),
    ("Zoë", "2001-01-01", 9007199254740993.0, 4),
]
quick = settings(deadline=None, max_examples=25, database=None, derandomize=True)
rows = st.lists(
    st.tuples(
        st.sampled_from(["A", "NA", "Zoë", "x y"]),
        st.dates(datetime.date(1990, 1, 1), datetime.date(1990, 3, 9)).map(str),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
        st.integers(-(2**63), 2**63 - 1),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda row: row[:2],
)


def root(files, dataset):
    return dataset_tree(read_panel(files, dataset), list(dataset["columns"])).root


def refusal(files, dataset):
    with pytest.raises(InputError) as caught:
        read_panel(files, dataset)
    return caught.value


def stored(values, kind=None, name="x"):
    """Return one Parquet file whose column ``name`` holds these values as this type."""
    table = arrow_table([("A", f"2001-01-{i + 1:02}", 0.5, i) for i in range(len(values))])
    at = table.column_names.index(name)
    return parquet_bytes(table.set_column(at, name, pa.array(values, kind)))


def columns(values, kind=None, name="x"):
    """Return the panel's column as read from ``stored``."""

    def read(small, **changed):
        document = small(format="parquet", **changed)
        return read_panel([("f", stored(values, kind, name))], document).columns[name]

    return read


@quick
@given(rows, st.randoms(use_true_random=False), st.integers(1, 3))
def test_packing_never_changes_the_root(small, table, random, pieces):
    table = sorted(table)
    pieces = min(pieces, len(table))
    roots = {root([("f", csv_bytes(table))], small())}
    for form, ways in PACKED.items():
        parts = [table[i::pieces] for i in range(pieces)]
        write = random.choice(ways)
        files = [(f"f{i}", write(part)) for i, part in enumerate(parts)]
        roots.add(root(files, small(format=form)))
    assert len(roots) == 1


def test_every_way_to_write_a_table_gives_one_root(small):
    roots = {
        root([("f", write(ROWS))], small(format=form))
        for form, ways in PACKED.items()
        for write in ways
    }
    assert len(roots) == 1


def test_a_tree_of_folders_gives_the_root_of_one_file(small):
    whole = root([("f", csv_bytes(ROWS))], small())
    for form, write in (("csv", csv_bytes), ("parquet", None)):
        files = []
        for symbol, part in itertools.groupby(ROWS, key=lambda row: row[0]):
            part = list(part)
            bare = arrow_table(part).drop_columns(["s"])
            raw = parquet_bytes(bare) if write is None else write(part).replace(b"s,d", b"t,d")
            folder = f"s={symbol}".replace("ë", "%C3%AB")
            files.append((f"data/{folder}/year=2001/part.0", raw))
        assert root(files, small(format=form)) == whole


def test_numbers_and_times_may_stand_in_folders_too(small):
    files = [(f"d=2001-01-0{i}/n={i}/f.csv", b"s,x\nA,%d\n" % i) for i in (1, 2)]
    files += [("d=2001-01-03/n=3/f.csv", b"s,x\nA,3\n")]
    whole = b"s,d,x,n\nA,2001-01-01,1,1\nA,2001-01-02,2,2\nA,2001-01-03,3,3\n"
    assert root(files, small()) == root([("f", whole)], small())


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("s=A/n=x/f.csv", "s=A/n=x/f.csv: column 'n': 'x' is not a number"),
        ("s=A/n=__HIVE_DEFAULT_PARTITION__/f.csv", "column 'n': '' is missing"),
        ("n=1/s=%20/f.csv", "n=1/s=%20/f.csv: column 's' is empty"),
        ("n=1/s=%FF/f.csv", "the folder s=%FF is not UTF-8 text"),
        ("n=1/s=%00/f.csv", "the folder s=%00 holds a zero byte"),
        ("s=A/s=B/n=1/f.csv", "two folders give the column 's'"),
        ("s=A/n=1/x=1/f.csv", "column 'x' stands in the file and in the name of its folder"),
    ],
)
def test_folders_that_cannot_be_believed_are_refused(small, name, says):
    assert says in refusal([(name, b"d,x\n2001-01-01,1\n")], small()).problem


def test_a_column_in_file_and_folder_is_refused_in_parquet_too(small):
    files = [("s=A/f", parquet_bytes(arrow_table(ROWS)))]
    says = "s=A/f: column 's' stands in the file and in the name of its folder"
    assert refusal(files, small(format="parquet")).problem == says


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], pa.int8()),
        ([1, 2], pa.uint64()),
        ([2**53, -(2**53)], pa.int64()),
        ([2**53 + 2, -(2**62)], pa.int64()),
        ([1.5, 2.5], pa.float32()),
        (np.array([1.5, 2.5], np.float16), pa.float16()),
    ],
)
def test_what_float64_holds_exactly_is_read_as_it(small, values, kind):
    found = columns(values, kind)(small)
    assert found.dtype == np.float64
    assert found.tolist() == [float(value) for value in values]


def test_null_is_missing_and_may_be_all_there_is(small):
    assert np.isnan(columns([None, 1], pa.int16())(small)).tolist() == [True, False]
    assert np.isnan(columns([None, 1.0], pa.float32())(small)).tolist() == [True, False]
    assert np.isnan(columns([None, float("nan")], pa.float64())(small)).all()
    assert np.isnan(columns([None, None], pa.null())(small)).all()


def test_a_dictionary_is_the_values_that_it_stands_for(small):
    kind = pa.dictionary(pa.int8(), pa.int64())
    assert columns([7, 7, 9], kind, "n")(small).tolist() == [7, 7, 9]


@pytest.mark.parametrize(
    ("column", "values", "kind", "says"),
    [
        ("x", [decimal.Decimal("1.50")], None, "stored as decimal128(3, 2), which float64 cannot"),
        ("x", ["1.5"], None, "stored as string, which float64 cannot hold exactly"),
        ("x", ["1.5"], pa.dictionary(pa.int8(), pa.string()), "stored as dictionary<values=string"),
        ("x", [True], None, "stored as bool, which float64"),
        ("x", [{"a": 1}], None, "stored as struct<a: int64>, which float64"),
        ("x", [[1.0]], None, "stored as list<"),
        ("x", [b"1"], None, "stored as binary, which float64"),
        ("n", [1.0], None, "stored as double, which int64 cannot hold exactly"),
        ("n", [None], pa.null(), "stored as null, which int64 cannot"),
        (
            "x",
            [0, 2**53 + 1],
            None,
            "f row 2: column 'x': 9007199254740993 is a whole number beyond 2^53",
        ),
        ("x", [0, -(2**63) + 1], None, "f row 2: column 'x': -9223372036854775807 is a"),
        ("x", [2**64 - 1], pa.uint64(), "f row 1: column 'x': 18446744073709551615 is a"),
        ("x", [0.5, float("-inf")], None, "f row 2: column 'x': -inf is infinite"),
        ("n", [2**63], pa.uint64(), "f row 1: column 'n': 9223372036854775808 does not fit int64"),
        ("n", [1, None, None], None, "f row 2: column 'n': is missing, which an int64"),
        ("s", ["A", None], None, "f row 2: column 's' is empty"),
        ("s", ["A", " "], None, "f row 2: column 's' is empty"),
        ("s", ["A\0"], None, "f row 1: column 's' holds a zero byte"),
        ("s", [1.5], None, "column 's' is stored as double, which is no symbol"),
        ("d", [1], None, "column 'd' is stored as int64, which is no time"),
        ("d", [None], pa.timestamp("ns"), "f row 1: column 'd' is missing"),
        (
            "d",
            ["2001-01-01", "01.02.2001"],
            None,
            "f row 2: column 'd': '01.02.2001' is not a time",
        ),
        ("d", [2**40], pa.timestamp("s"), "is not a time between 1677 and 2262"),
        ("d", [10**9], pa.timestamp("ms"), None),
    ],
)
def test_what_is_not_exactly_the_declared_type_is_refused(small, column, values, kind, says):
    table = [("A", f"2001-01-{i + 1:02}", 0.5, i) for i in range(len(values))]
    arrow = arrow_table(table)
    at = arrow.column_names.index(column)
    arrow = arrow.set_column(at, column, pa.array(values, kind))
    for form, write in (("parquet", parquet_bytes), ("feather", feather_bytes)):
        if says is None:
            read_panel([("f", write(arrow))], small(format=form))
        else:
            assert says in refusal([("f", write(arrow))], small(format=form)).problem


def test_whole_numbers_may_be_symbols(small):
    panel = read_panel([("f", stored([10, 9], name="s"))], small(format="parquet"))
    assert panel.symbols == ("10", "9")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "+02:00", "America/New_York"])
def test_stored_times_are_instants_whatever_their_unit_and_zone(small, unit, zone):
    moment = int(np.datetime64("2001-07-01T12:00:00", "s").astype(int))
    scale = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    raw = stored([moment * scale], pa.timestamp(unit, zone), "d")
    assert read_panel([("f", raw)], small(format="parquet")).time.tolist() == [moment * 10**9]


def test_local_times_are_put_into_utc_and_those_of_a_zone_are_not_touched(small):
    time = {"column": "d", "format": None, "timezone": "America/New_York"}
    noon = datetime.datetime(2001, 7, 1, 12)
    document = small(format="parquet", time=time)
    hours = []
    for zone in (None, "UTC"):
        panel = read_panel([("f", stored([noon], pa.timestamp("us", zone), "d"))], document)
        hours.append(int(panel.time[0]) // 3_600_000_000_000 % 24)
    assert hours == [16, 12]
    skipped = stored([datetime.datetime(2001, 4, 1, 2, 30)], pa.timestamp("us"), "d")
    assert "f row 1: column 'd'" in refusal([("f", skipped)], document).problem


@pytest.mark.parametrize(
    ("one", "other", "says"),
    [
        ("UTC", None, "times are stored without a zone in g and in UTC in f"),
        ("UTC", "Europe/Berlin", "times are stored in Europe/Berlin in g and in UTC in f"),
    ],
)
def test_files_with_times_in_different_zones_are_refused(small, one, other, says):
    noon = datetime.datetime(2001, 7, 1, 12)
    files = [("f", stored([noon], pa.timestamp("us", one), "d"))]
    files += [("g", stored([noon + datetime.timedelta(1)], pa.timestamp("us", other), "d"))]
    assert refusal(files, small(format="parquet")).problem == says


def test_one_zone_by_two_names_is_one_zone(small):
    noon = datetime.datetime(2001, 7, 1, 12)
    files = [("f", stored([noon], pa.timestamp("us", "UTC"), "d"))]
    files += [("g", stored([noon + datetime.timedelta(1)], pa.timestamp("s", "+00:00"), "d"))]
    assert read_panel(files, small(format="parquet")).rows == 2


def test_text_needs_a_declared_format_and_stored_times_need_none(small):
    time = {"column": "d", "format": None, "timezone": "UTC"}
    table = arrow_table(ROWS)
    assert read_panel([("f", parquet_bytes(table))], small(format="parquet", time=time)).rows == 5
    error = refusal([("f", csv_bytes(ROWS))], small(time=time))
    assert error.problem.startswith("f: column 'd' holds times as text")


def test_duplicate_and_descending_rows_are_named_by_row(small):
    table = arrow_table([ROWS[0], ROWS[1], ROWS[1]])
    error = refusal([("f", parquet_bytes(table))], small(format="parquet"))
    assert error.problem == "f row 3: A 2001-01-02 again, first at f row 2"
    table = arrow_table([ROWS[1], ROWS[0]])
    error = refusal([("f", parquet_bytes(table))], small(format="parquet"))
    assert error.problem == "f row 2: A 2001-01-01 stands after A 2001-01-02 on row 1"


@pytest.mark.parametrize("form", ["parquet", "feather"])
def test_a_file_cut_anywhere_is_refused_as_cut(small, form):
    raw = PACKED[form][1](ROWS * 1)
    for end in (0, 3, 8, 12, len(raw) // 2, len(raw) - 1):
        problem = refusal([("f", raw[:end])], small(format=form)).problem
        assert problem.startswith("f: "), end
    assert (
        "its end is missing" in refusal([("f", raw[: len(raw) // 2])], small(format=form)).problem
    )


@pytest.mark.parametrize("form", ["parquet", "feather"])
def test_a_damaged_file_is_refused_or_read_but_never_crashes(small, form):
    raw = PACKED[form][0](ROWS)
    for at in range(0, len(raw), 7):
        damaged = bytearray(raw)
        damaged[at] ^= 0xFF
        with suppress(InputError):
            assert read_panel([("f", bytes(damaged))], small(format=form)).rows


@pytest.mark.parametrize(
    ("form", "raw", "says"),
    [
        ("parquet", csv_bytes(ROWS), "f: not Parquet"),
        ("feather", csv_bytes(ROWS), "f: not Feather"),
        ("parquet", PACKED["feather"][0](ROWS), "f: Feather, where Parquet was declared"),
        ("feather", PACKED["parquet"][0](ROWS), "f: Parquet, where Feather was declared"),
        ("feather", b"FEA1junk", "f: Feather of the first version"),
        ("parquet", parquet_bytes(arrow_table(ROWS).slice(0, 0)), "f: columns, but no rows"),
        ("parquet", parquet_bytes(arrow_table(ROWS).drop_columns(["n"])), "f: no column 'n'"),
    ],
)
def test_a_file_of_another_format_is_refused_by_name(small, form, raw, says):
    assert refusal([("f", raw)], small(format=form)).problem.startswith(says)


def test_a_column_named_twice_is_refused_and_dots_in_names_are_names(small):
    table = arrow_table(ROWS)
    twice = table.append_column("x", table.column("x"))
    error = refusal([("f", feather_bytes(table.append_column("y", table.column("x"))))], small())
    assert "Feather, where CSV" in error.problem
    error = refusal([("f", parquet_bytes(twice))], small(format="parquet"))
    assert error.problem == "f: the file names 'x' more than once"
    dotted = table.append_column("x.n", table.column("n"))
    for form, write in (("parquet", parquet_bytes), ("feather", feather_bytes)):
        found = read_panel([("f", write(dotted))], small(format=form)).columns
        assert found.keys() == {"x", "n"}
        declared = small(format=form, columns={"x.n": "int64"})
        assert read_panel([("f", write(dotted))], declared).columns["x.n"].tolist()[0] == 1


def test_text_that_is_no_utf8_is_refused(small):
    bad = pa.array([b"\xff"], pa.binary()).view(pa.string())
    table = arrow_table([ROWS[0]]).set_column(0, "s", bad)
    for form, write in (("parquet", parquet_bytes), ("feather", feather_bytes)):
        problem = refusal([("f", write(table))], small(format=form)).problem
        assert problem.startswith("f: cannot be read: ")
        assert "UTF8" in problem


@pytest.mark.slow
def test_a_file_of_a_hundred_thousand_columns_is_read_for_the_few_that_are_declared(small):
    wide = arrow_table(ROWS)
    extra = pa.array([0.5] * len(ROWS))
    names = [f"c{i}" for i in range(100_000)]
    arrow = pa.table([*wide.columns, *[extra] * len(names)], names=[*wide.column_names, *names])
    text = csv_bytes(ROWS).splitlines()
    head, body = ",".join(["", *names]).encode(), b",0.5" * len(names)
    lines = b"\n".join([text[0] + head, *(line + body for line in text[1:])])
    want = root([("f", csv_bytes(ROWS))], small())
    for form, raw in (
        ("csv", lines),
        ("feather", feather_bytes(arrow)),
        ("parquet", parquet_bytes(arrow)),
    ):
        assert root([("f", raw)], small(format=form)) == want
        error = refusal([("f", raw)], small(format=form, columns={"Close": "float64"}))
        assert "no column 'Close'" in error.problem
        assert error.hint.endswith("more")
        assert len(error.hint) < 1000


def test_a_parquet_file_of_many_columns_is_read_for_the_few_that_are_declared(small):
    wide = arrow_table(ROWS[:1])
    names = [f"c{i}" for i in range(2_000)]
    arrow = pa.table(
        [*wide.columns, *[wide.column("x")] * len(names)], [*wide.column_names, *names]
    )
    panel = read_panel([("f", parquet_bytes(arrow))], small(format="parquet"))
    assert panel.columns.keys() == {"x", "n"}
