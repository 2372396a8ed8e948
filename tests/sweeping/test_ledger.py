"""What a worker told that cannot be sealed fails its own run, and never the sweep."""

from types import SimpleNamespace

import pytest

from repro.errors import ReproError
from repro.sweeping.ledger import Ledger, Underway


def nested(depth=100_000):
    found = []
    for _ in range(depth):
        found = [found]
    return found


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"findings": 5},
        {"findings": [], "effective": []},
        {"findings": [], "effective": {"final": []}, "rounds": {}},
        {"findings": [{"code": "x", "message": "\ud83d"}], "effective": {}},
        {"findings": [{"code": "x", "message": nested()}], "effective": {}},
        {"findings": [{"code": [], "message": "x"}], "effective": {}},
    ],
)
def test_what_no_worker_of_ours_tells_is_a_failure_that_can_be_recorded(told):
    resolved = SimpleNamespace(flat={})
    plan = SimpleNamespace(resolved=resolved, job=SimpleNamespace(decides={"parameters": {}}))
    underway = Underway(None, None, None, plan=plan, planned=("a", 1, ""))
    found = Ledger(None, None, None).write(underway, told)
    assert isinstance(found, ReproError)
    found.problem.encode()
