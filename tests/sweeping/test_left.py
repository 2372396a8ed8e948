"""What is said of runs that were under way when a sweep stopped."""

import pytest

from repro.sweeping.tally import Left


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (Left(), ""),
        (Left(("a-1", "b-1")), "; interrupted: a-1, b-1"),
        (
            Left(("a-1",), ("b-1",), ("c-1",)),
            "; interrupted: a-1; recorded, for the next command to sign: b-1; left open, for the "
            "next command to record as interrupted: c-1",
        ),
    ],
)
def test_each_run_is_named_with_what_the_log_has_of_it(left, said):
    assert str(left) == said
