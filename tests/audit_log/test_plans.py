"""Plans without an end are found though their lock files are gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.audit_log.errors import LogUnusableError
from repro.audit_log.storage import plans, running
from repro.audit_log.storage.plans import open_plans

from .conftest import Site


@pytest.fixture(autouse=True)
def _remember_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "_WORTH", 0)


def state(site: Site) -> Path:
    return site.directory / "derived" / "plans.json"


def test_a_plan_whose_lock_file_was_removed_is_ended(full: Site) -> None:
    log = full.open()
    log.append("run.planned", {"run": "r2"})
    assert open_plans(full.directory) == {"r2": 4}
    assert full.verify().verdict == "incomplete"
    assert log.recover_runs() == ("r2",)
    assert [record.type for record in log.records()][5:] == ["run.interrupted"]
    assert log.recover_runs() == ()
    assert full.verify().verdict == "ok"


def test_a_plan_that_somebody_runs_is_left_alone(full: Site) -> None:
    log = full.open()
    with running.hold(full.directory, "r2"):
        log.append("run.planned", {"run": "r2"})
        assert log.recover_runs() == ()
        log.append("run.failed", {"run": "r2", "plan": 4})
    assert open_plans(full.directory) == {}


def test_only_new_lines_are_read_and_segments_do_not_matter(
    full: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = full.open()
    log.append("run.planned", {"run": "r2"})
    log.seal(retention={"keep_until": "2025-01-30", "policy": "test"})
    assert open_plans(full.directory) == {"r2": 4}
    log.append("run.planned", {"run": "r3"})
    log.append("run.failed", {"run": "r2", "plan": 4})
    with monkeypatch.context() as patch:
        lines = plans._lines
        seen = []

        def noted(*given: object) -> object:
            for line, end in lines(*given):  # type: ignore[arg-type]
                seen.append(line)
                yield line, end

        patch.setattr(plans, "_lines", noted)
        assert open_plans(full.directory) == {"r3": 6}
        assert len(seen) == 2
    log.prune(0, reason="over", held=lambda: None)
    state(full).unlink()
    assert open_plans(full.directory) == {"r3": 6}


def test_a_segment_with_the_plan_of_a_command_can_be_pruned_once_it_has_ended(full: Site) -> None:
    log = full.open()
    log.append("command.planned", {"run": "command-2"})
    log.seal(retention={"keep_until": "2025-01-30", "policy": "test"})
    with pytest.raises(LogUnusableError, match="command-2, planned in record 4, has no end"):
        log.prune(0, reason="over", held=lambda: None)
    log.append("command.executed", {"run": "command-2", "plan": 4})
    log.commit()
    log.prune(0, reason="over", held=lambda: None)
    log.commit()
    assert full.verify().verdict == "ok"


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b'{"head":"","offset":9,"open":{}}'])
def test_a_state_that_does_not_agree_is_made_anew(full: Site, data: bytes) -> None:
    full.open().append("run.planned", {"run": "r2"})
    open_plans(full.directory)
    whole = state(full).read_bytes()
    for bad in (data, whole.replace(b'"offset":', b'"offset":1'), whole[:-1]):
        state(full).write_bytes(bad)
        assert open_plans(full.directory) == {"r2": 4}
