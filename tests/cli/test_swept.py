"""What `repro sweep` writes of its points: columns that say what they hold, and equal ones."""

from pathlib import Path

import pytest

from repro.cli.options import Format
from repro.cli.swept import swept
from repro.config.resolution.resolve import Selection
from repro.sweeping.done import Done, Result
from repro.sweeping.points import Point
from repro.verbs.research.sweep import Swept


def done(number, values, rmse, target="fwd", symbol=None):
    result = Result(
        run=f"run-{number}",
        folder=Path(),
        target=target,
        task="regression",
        family="ridge",
        view="cross_sectional" if symbol is None else "symbol_specific",
        symbol=symbol,
        metrics={"rmse": rmse},
        execution_key="",
        output_digest="",
        leakage="clean",
        reused=False,
        cut="cut",
    )
    return Done(Point(number, values, str(values), Selection()), result)


@pytest.fixture
def said(capsys):
    """Return what is written of a sweep with these points, line by line."""

    def written(*points):
        assert swept(Swept("local", 1, None, tuple(points)), Format.text) == 0
        return capsys.readouterr().out.splitlines()

    return written


@pytest.mark.parametrize(
    ("points", "columns"),
    [
        ([({"symbol": "A"}, "fwd", "A"), ({"symbol": "B"}, "fwd", "B")], ["symbol"]),
        ([({"n": 1}, "fwd", None), ({"n": 2}, "fwd", None)], ["n"]),
        ([({"view": "x"}, "fwd", None), ({"view": "y"}, "fwd", "B")], ["view", "symbol"]),
        ([({"n": 1}, "fwd", "A"), ({"n": 2}, "up", "B")], ["n", "target", "symbol"]),
        ([({"target": "fwd"}, "fwd", None), ({"target": "up"}, "up", None)], ["target"]),
    ],
)
def test_a_column_has_what_its_head_says(said, points, columns):
    lines = said(*(done(n, values, n, *of) for n, (values, *of) in enumerate(points, start=1)))
    assert lines[0].split()[: len(columns) + 1] == [*columns, "metric"]
    for line, (values, target, symbol) in zip(lines[1:3], points, strict=True):
        own = {"target": target, "symbol": symbol or "-", **values}
        assert line.split()[: len(columns)] == [str(own[name]) for name in columns]


def test_equal_ones_are_said_to_be_and_none_is_called_lucky(said):
    alone = said(done(1, {"n": 1}, 0.5), done(2, {"n": 2}, 0.5))
    seeds = [done(i, {"n": n, "seed": s}, 0.5) for i, (n, s) in enumerate([(1, 1), (1, 2), (2, 1)])]
    for lines in (alone, said(*seeds, done(9, {"n": 2, "seed": 2}, 0.5))):
        assert "  the next is equal to it, n=2: neither is better" in lines
        assert "lead" not in "\n".join(lines)


def test_one_point_is_no_points(said):
    assert said(done(1, {"n": 1}, 0.5))[-1] == "1 point: 1 sealed, 0 sealed before, 0 failed"


def test_a_damaged_sealed_run_fails_its_own_point_and_is_made_anew_without_it(make_desk):
    desk = make_desk()
    axes = ("sweep", "-q", "--family", "ridge", "--profile", "debug", "--jobs", "1")
    first = desk.json(*axes, "alpha=1,2")
    damaged, whole = (point["run"] for point in first["points"])
    (metrics,) = (desk.root / "RESULTS" / "runs" / damaged).rglob("metrics.json")
    metrics.write_text(metrics.read_text() + " ")
    again = desk.json(*axes, "alpha=1,2,3", status=4)
    assert [point["state"] for point in again["points"]] == ["failed", "sealed before", "sealed"]
    assert again["points"][1]["run"] == whole
    assert f"run {damaged} is not what" in again["points"][0]["problem"]
    (desk.root / "RESULTS" / "runs" / damaged).rename(desk.root / "set-aside")
    anew = desk.json(*axes, "alpha=1,2,3")
    states = [point["state"] for point in anew["points"]]
    assert states == ["sealed", "sealed before", "sealed before"]
