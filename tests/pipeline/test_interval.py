import numpy as np
import pytest

from repro.errors import InputError
from repro.pipeline.interval import SECONDS, require_interval
from repro.pipeline.panel import build_panel

SECOND = 1_000_000_000


def panel(*times):
    """One symbol for each list of seconds."""
    counts = [len(each) for each in times]
    time = np.concatenate([np.array(each, dtype=np.int64) * SECOND for each in times])
    symbol = np.repeat(np.arange(len(times), dtype=np.int32), counts)
    names = tuple(f"S{n}" for n in range(len(times)))
    return build_panel(names, symbol, time, {"x": np.zeros(len(time))})


def spaced(step, rows=10):
    return [n * step for n in range(rows)]


@pytest.mark.parametrize("unit", SECONDS)
@pytest.mark.parametrize("count", [1, 3])
def test_rows_at_their_interval_pass_and_others_are_refused(unit, count):
    step = SECONDS[unit] * count
    require_interval(panel(spaced(step)), f"{count}{unit}")
    for other in (step * 2, step // 2 or 60 * step):
        with pytest.raises(InputError, match=f"dataset.interval says {count}{unit}"):
            require_interval(panel(spaced(other)), f"{count}{unit}")


def test_weekends_and_holidays_are_no_fault():
    days = [n for n in range(200) if n % 7 < 5 and n != 31]
    require_interval(panel([day * 86400 for day in days]), "1d")


def test_the_gap_between_two_symbols_is_none_and_one_row_says_nothing():
    day = SECONDS["d"]
    require_interval(panel([0], [900 * day]), "1d")
    require_interval(panel(spaced(day), [0]), "1d")


def test_it_says_what_the_rows_are():
    with pytest.raises(InputError, match="lie 1h apart"):
        require_interval(panel(spaced(3600)), "1d")
    with pytest.raises(InputError, match="lie 1w apart"):
        require_interval(panel(spaced(7 * 86400)), "1d")
