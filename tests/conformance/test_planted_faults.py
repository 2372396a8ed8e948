"""Each check finds what it is for: the example's trainer with one thing wrong, tried for real."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from repro.conformance.checks import CHECKS

from .planting import House, plant

FAULTS = tomllib.loads(Path(__file__).with_name("faults.toml").read_text("utf-8"))
QUICK = ("by_hash", "dying")
"""Two of different kinds, for the suite that runs at every change."""
REST = tuple(sorted(set(FAULTS) - set(QUICK)))

SCRIPT = """
import json, sys
from repro.conformance.run import check_trainer
found = {}
for family, check in json.loads(sys.argv[1]).items():
    report = check_trainer(family, [check], seconds=10)
    (verdict,) = report.verdicts
    said = [f.message for f in verdict.faults]
    found[family] = {"status": report.exit_status, "faults": said}
print(json.dumps(found))
"""


def found(house: House, families: dict[str, str], cwd: Any) -> Any:
    """Return what a check each finds about families, done in a house."""
    done = house.run("-c", SCRIPT, json.dumps(families), cwd=cwd)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "families",
    [
        pytest.param(QUICK, id="some"),
        pytest.param(REST[::2], id="others", marks=pytest.mark.slow),
        pytest.param(REST[1::2], id="the rest", marks=pytest.mark.slow),
    ],
)
def test_a_check_finds_the_fault_that_it_is_for(families, tmp_path):
    house = House(tmp_path / "house")
    plant(
        house, {family: (FAULTS[family]["sound"], FAULTS[family]["faulty"]) for family in families}
    )
    said = found(house, {family: FAULTS[family]["check"] for family in families}, tmp_path)
    missed = {
        family: said[family]
        for family in families
        if not any(FAULTS[family]["says"] in fault for fault in said[family]["faults"])
        or said[family]["status"] != (5 if "other bits" in str(said[family]["faults"]) else 1)
    }
    assert missed == {}


def test_every_check_has_a_fault_planted_for_it():
    assert {fault["check"] for fault in FAULTS.values()} == set(CHECKS) - {"probes"}
