"""What is no table, or one of another kind, is told with what would do."""

import pytest

from repro.errors import InputError
from repro.pipeline.table import read_panel
from repro.pipeline.unpacking import foreign

GOOD = b"s,d,x,n\nA,2001-01-01,1,1\n"
NOTICE = b"# Data\n\nFrom somewhere, with a comma.\n"


def refused(files, document):
    with pytest.raises(InputError) as caught:
        read_panel(files, document)
    return caught.value


@pytest.mark.parametrize(
    ("name", "table", "pattern"),
    [
        ("data/NOTICE.md", "data/a.csv.gz", "data/*.csv.gz"),
        ("data/README", "data/a.2001.csv", "data/*.csv"),
        ("data/notes.JSON", "data/s=A/a.csv", "data/**/*.csv"),
    ],
)
def test_a_notice_in_the_folder_is_named_with_a_pattern_that_leaves_it_out(
    name, table, pattern, small
):
    error = refused([(table, GOOD), (name, NOTICE)], small())
    assert error.problem == f"{name} is not a table"
    assert error.hint is not None
    assert error.hint.endswith(f"such as {pattern}")


def test_a_table_with_a_fault_is_told_by_the_fault(small):
    assert refused([("data/a.csv", NOTICE)], small()).problem.startswith("data/a.csv:3: 2 fields")


def test_a_name_but_for_case_and_spaces_is_meant(small):
    for header in (b"s,d,X,n", b"s,d, x,n"):
        error = refused([("f", GOOD.replace(b"s,d,x,n", header))], small())
        assert error.problem == "f:1: no column 'x'"
        assert error.hint.startswith(f"did you mean {header.decode().split(',')[2]!r}? ")


@pytest.mark.parametrize(
    ("mark", "words"), [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")]
)
@pytest.mark.parametrize("number", ["1", "1,5"])
def test_a_table_with_other_separators_is_told_so(mark, words, number, small):
    text = f"s,d,x,n\nA,2001-01-01,{number},1\n".replace(",", mark).replace(
        number.replace(",", mark), number
    )
    assert refused([("f", text.encode())], small()).problem == (
        f"f:1: separated by {words}; write commas"
    )


@pytest.mark.parametrize("form", ["csv", "parquet", "feather"])
def test_a_pattern_that_would_do_ends_as_the_declared_format_does(form):
    raw = b"PAR1" if form == "feather" else b"ARROW1"
    hint = foreign("f", raw, form).hint
    assert hint is not None
    assert hint.endswith(f"such as data/*.{form}")
    empty = foreign("f", b"", form)
    assert (empty.problem, empty.hint) == (
        "f: the file is empty",
        "write it anew, or leave it out",
    )
