"""Where a worker may read, by where a path leads."""

import os
import sys

import pytest

from repro.execution.guards.files import Places


@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux tells")
def test_what_the_system_tells_of_a_process_is_no_way_to_all_other_files(tmp_path):
    """It may be read, before the plan and after it, but not through its links."""
    run, other = tmp_path / "run", tmp_path / "other"
    run.mkdir()
    other.mkdir()
    (other / "table.csv").write_text("1")
    places = Places(str(run), [])
    through = f"/proc/self/root{other}"
    installed = f"/proc/self/root{os.path.realpath(pytest.__file__)}"
    places.note(installed)
    assert places.installed == (os.path.realpath(pytest.__file__),)
    for mine in ("self", os.getpid()):  # with the number, a run's key would never come again
        places.note(f"/proc/{mine}/status")
    assert len(places.installed) == 1
    for _ in range(2):
        assert places.may_read("/proc/self/status")
        assert places.may_read(f"/proc/self/task/{os.getpid()}/status")
        assert not places.may_read(f"{through}/table.csv")
        assert not places.may_read(f"/proc/self/../self/root{other}/table.csv")
        assert not places.may_list(through)
        places.close([], [])
