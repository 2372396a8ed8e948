"""What `repro diff --attribute` says of a change that is small: beside its noise, and its parts."""

from pathlib import Path

import pytest

from repro.cli.attribution import write
from repro.runs.effects import Effect
from repro.runs.sealed import Run
from repro.verbs.research.attribute import CANCELLED, Attribution, Factor, Share


def attribution(parts, noise=None, rest=0.0):
    delta = sum(parts) + rest
    effect = Effect("rmse", 1.0, 1.0 + delta, False, noise, "folds" if noise else None, 5)
    return Attribution(
        a=Run("a-1", Path(), {}),
        b=Run("b-1", Path(), {}),
        metric="rmse",
        old=1.0,
        new=1.0 + delta,
        shares=tuple(Share(Factor(f"cause{n}", ()), part) for n, part in enumerate(parts)),
        rest=rest,
        unattributed=(),
        every_order=True,
        trained=0,
        reused=4,
        effect=effect,
        label="",
    )


@pytest.fixture
def said(capsys):
    """Return what is written of an attribution."""

    def written(*args, **other):
        write(attribution(*args, **other))
        return capsys.readouterr().out

    return written


def test_parts_that_cancel_are_said_to_and_have_no_shares(said):
    found = said([0.5, -0.4375], noise=0.03125)
    assert "small against its parts, which come to 0.9375 and" in found
    assert "%" not in found
    assert "share" not in found.partition("left out")[2]
    assert "16.0 times" in found
    assert "14.0 times" in found
    assert attribution([0.5, -0.4375]).cancels


def test_a_change_within_its_noise_is_said_to_be_and_has_no_shares(said):
    found = said([0.25, 0.125], noise=0.5)
    assert "within the noise" in found
    assert "%" not in found
    assert found.count("  within\n") == 2
    assert not attribution([0.25, 0.125], noise=0.5).cancels


def test_a_large_change_has_shares_and_stands_beside_its_noise_first(said):
    found = said([0.75, 0.25], noise=0.125)
    assert "75.0 %" in found
    assert "25.0 %" in found
    assert "6.0 times" in found
    assert "mislead" not in found
    lines = found.splitlines()
    assert lines[3] == "changed by 1 in all; noise ± 0.125, told from 5 folds"
    assert found.index("noise ±") < found.index("cause0") < found.index("75.0 %")


def test_where_the_noise_is_not_known_nothing_stands_beside_it(said):
    found = said([0.75, 0.25])
    assert "its noise is not known" in found
    assert "beside noise" not in found
    assert "75.0 %" in found
    assert attribution([0.75, 0.25]).within_noise is None


def test_a_change_of_nothing_is_no_division(said):
    found = said([0.5, -0.5])
    assert "small against its parts, which come to 1 and" in found
    assert not attribution([0.0]).cancels
    assert "%" not in said([0.0])


@pytest.mark.parametrize("rest", [0.0, -0.5])
def test_the_rest_counts_among_the_parts(rest):
    found = attribution([0.75], rest=rest)
    assert found.moved == 0.75 + abs(rest)
    assert found.cancels is (found.moved > CANCELLED * abs(found.delta))
    assert found.cancels is bool(rest)


def test_no_line_is_wider_than_a_terminal(said):
    assert all(len(line) <= 80 for line in said([0.5, -0.4375], noise=0.25).splitlines())


def test_a_metric_that_is_the_same_is_no_change_by_chance(said):
    found = said([0.0], noise=0.5)
    assert "the metric is the same in both" in found
    assert "chance" not in found
    assert "changed by" not in found
    cancelled = said([0.25, -0.25], noise=0.5)
    assert "its parts, which come to 0.5 and" in cancelled
    assert "%" not in cancelled
