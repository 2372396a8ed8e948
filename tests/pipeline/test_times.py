"""Times as texts: what is read by arithmetic, by Python and by pandas is the same where all can."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from repro.execution.loading import readers
from repro.pipeline.time_formats import needs_pandas
from repro.pipeline.times import FIRST, LAST, parse_times

FORMATS = (
    *("%Y-%m-%d", "%Y%m%d", "%d/%m/%Y", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y%m%d%H%M%S"),
    *(
        "%y%m%d",
        "%Y-%j",
        "%b %d %Y",
        "%Y-%m",
        "%Y",
        "%m/%d/%Y %I:%M %p",
        "%Y.%m.%d-%S",
    ),
    "%H %d%m%Y",
)
NUMBERS = st.integers(0, 99).map("{:02d}".format) | st.integers(0, 99).map(str)
YEARS = st.integers(0, 9999).map("{:04d}".format) | st.sampled_from(["1677", "2000", "2262"])
NAMES, HALVES = st.sampled_from(["Jan", "feb", "Xyz"]), st.sampled_from(["AM", "pm"])
WORDS = {"b": NAMES, "p": HALVES, "Y": YEARS}


@st.composite
def written(draw):
    """Return a format and a text that is, or nearly is, written in it."""
    form = draw(st.sampled_from(FORMATS))
    text = re.sub("%(.)", lambda field: draw(WORDS.get(field[1], NUMBERS)), form)
    if draw(st.integers(0, 9)) == 0:
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.text(max_size=2)) + text[at:]
    return form, text


@given(written())
@example(("%Y-%m-%d", "2001-02-29"))
@example(("%Y-%m-%d", "2000-2-9"))
@example(("%Y-%m-%d", "\u0662\u0660\u0660\u0660-01-01"))
@example(("%Y-%m-%d", "0000-01-01"))
@example(("%Y%m%d", "2000015"))
def test_a_text_is_the_moment_that_pandas_reads(case):
    form, text = case
    (found,), (good,) = parse_times(np.array([text], dtype=object), form, "UTC")
    plausible = text if any(c.isdigit() for c in text) else ""  # of words, pandas reads the clock
    asked = pd.Series([plausible], dtype=object)
    moment = pd.to_datetime(asked, format=form, exact=True, errors="coerce").to_numpy()[0]
    if moment >= FIRST and moment <= LAST:
        # A 61st second is the next minute's first to pandas; there is no such time in UTC here.
        spelled = moment.astype("datetime64[s]").item().strftime(form)
        assert good or re.search("6[01]", text) or text.casefold() != spelled.casefold()
        assert not good or found == moment.astype("datetime64[ns]").astype(np.int64)
    else:
        assert not good


@pytest.mark.parametrize(
    ("form", "text", "good"),
    [
        ("%Y%m%d", "20011105", True),
        ("%Y%m%d", "2001115", False),
        ("%Y%m%d", "\uff12\uff10\uff10\uff11\uff11\uff11\uff10\uff15", False),
        ("%Y-%m-%d", "\u0662\u0660\u0660\u0661-01-01", False),
        ("%m/%d/%Y", "1/2/2001", True),
        ("%y%m%d", "01115", False),
        ("%Y-%m-%d %H:%M", "2001-01-02  10:00", False),
        ("%Y-%m-%d %H:%M", "2001-01-02\t10:00", False),
        ("%Y-%m-%dT%H:%M", "2001-01-02t10:00", False),
        ("%Y-%m-%d", " 2001-01-02", False),
        ("%d %b %Y", "2 jan 2001", True),
        ("%Y-%m-%d %H:%M%z", "2001-01-02 10:00+01:00", True),
        ("%Y-%m-%d %H:%M%z", "2001-01-02 10:00Z", True),
        ("%Y-%m-%d %H:%M%z", "2001-01-02 1:00Z", True),
        ("%Y-%m-%d %H:%M:%S.%f", "2001-01-02 10:00:00.\uff11", False),
        ("%H%M%S%f %Y%m%d", "100000123 20010102", True),
    ],
)
def test_a_format_is_read_to_the_character(form, text, good):
    assert parse_times(np.array([text], dtype=object), form, "UTC")[1].tolist() == [good]


def test_many_texts_are_read_as_each_alone():
    texts = ["2001-12-31", "2001-1-2", "", "2001-02-30", "2001-12-31", "x001-12-31", "1969-12-31"]
    times, good = parse_times(np.array(texts, dtype=object), "%Y-%m-%d", "UTC")
    assert good.tolist() == [True, True, False, False, True, False, True]
    day = 86_400 * 10**9
    assert (times[good] // day).tolist() == [11_687, 11_324, 11_687, -1]


@pytest.mark.parametrize(
    ("form", "zone", "needed"),
    [
        ("%Y-%m-%d", "UTC", False),
        ("%Y-%m-%d %H:%M:%S", "UTC", False),
        (None, "UTC", False),
        ("%Y-%m-%d %H:%M:%S.%f", "UTC", True),
        ("%Y-%m-%d %H:%M%z", "UTC", True),
        ("%Y-%m-%d", "Europe/Berlin", True),
    ],
)
def test_pandas_is_let_in_only_where_times_need_it(form, zone, needed):
    assert needs_pandas(form, zone) is needed
    dataset = {"format": "csv", "time": {"format": form, "timezone": zone}}
    assert readers(dataset) == (("pandas",) if needed else ())
    assert readers(dataset | {"format": "parquet"})[0] == "pyarrow"


def test_nanoseconds_of_a_text_are_kept():
    texts = np.array(["2001-01-01 00:00:00.123456789"], dtype=object)
    times, good = parse_times(texts, "%Y-%m-%d %H:%M:%S.%f", "UTC")
    assert good.all()
    assert times[0] % 10**9 == 123_456_789
