"""What a worker told that cannot be sealed fails its own run, and never the sweep."""

from types import SimpleNamespace

import pytest

from repro.audit_log.storage.running import hold
from repro.errors import ReproError
from repro.sweeping.ledger import Ledger, Underway
from repro.verbs.audit.log import create_log

KEY = "a1" * 32
NAME = f"{KEY[:12]}-1"


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


@pytest.mark.parametrize("run", [NAME, 5, None, "../x", "b" * 5000])
@pytest.mark.parametrize("group", [5, [], {}, {"execution_key": [KEY]}])
def test_a_line_of_no_plan_s_form_keeps_no_sweep_from_going_on(tmp_path, run, group):
    log = create_log(tmp_path)
    log.append("run.planned", {"run": run, "comparison_group": group, "execution_key": KEY})
    with hold(log.directory, NAME):
        assert not Ledger(tmp_path, log, None).is_busy(KEY)
        log.append("run.planned", {"run": NAME, "comparison_group": {"execution_key": KEY}})
        assert Ledger(tmp_path, log, None).is_busy(KEY)
    assert not Ledger(tmp_path, log, None).is_busy(KEY)
