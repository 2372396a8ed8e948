import json
import os
import subprocess
import sys

import pytest

from repro.execution.environment import FLAGS, settings, variables

PROBE = """
import json, sys
from repro.execution.environment import faults
print(json.dumps(faults(json.loads(sys.argv[1]), sys.argv[2])))
"""


def faults_in(environment, expected=None, flags=FLAGS, level="strict", umask=0o022, extra=""):
    """Return what the check finds in a real interpreter started with this environment."""
    done = subprocess.run(
        [sys.executable, *flags, "-c", extra + PROBE, json.dumps(expected or environment), level],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        umask=umask,
    )
    return json.loads(done.stdout)


@pytest.fixture
def strict(tmp_path):
    return variables("strict", 1, str(tmp_path), {})


def test_an_environment_as_it_was_set_has_no_faults(strict):
    assert faults_in(strict) == []


@pytest.mark.parametrize("name", sorted(settings("strict", 1)))
def test_each_setting_that_is_not_in_force_is_named(strict, name):
    broken = {**strict, name: "something else"}
    if name in ("PYTHONHASHSEED", "PYTHONUTF8"):  # Python does not start with nonsense in these
        broken[name] = "1" if name == "PYTHONHASHSEED" else "0"
    found = faults_in(broken, expected=strict)
    assert any(fault.startswith(f"{name} is ") for fault in found), found


def test_a_variable_that_is_not_on_the_list_is_named(strict):
    found = faults_in({**strict, "OMP_SCHEDULE": "dynamic"}, expected=strict)
    assert found == ["OMP_SCHEDULE is set, but not on the list"]


def test_random_hashes_are_noticed_although_the_variable_is_right(strict):
    found = faults_in(strict, flags=("-P", "-s", "-E"))
    assert "hashes are randomised" in found


def test_the_working_directory_on_the_path_is_noticed(strict):
    broken = {k: v for k, v in strict.items() if k != "PYTHONSAFEPATH"}
    found = faults_in(broken, expected=strict, flags=("-s",))
    assert "the working directory is on the path" in found


def test_another_umask_is_noticed(strict):
    assert faults_in(strict, umask=0o077) == ["umask is 077, not 022"]


def test_numpy_imported_before_the_check_is_noticed(strict):
    found = faults_in(strict, extra="import sys, types; sys.modules['numpy'] = types\n")
    assert found == ["numpy was imported before the check"]


def test_best_effort_finds_nothing_to_complain_of(strict):
    assert faults_in({"X": "1"}, expected=strict, level="best-effort") == []


def test_nothing_is_inherited_but_what_is_named(tmp_path):
    notary = {**os.environ, "LD_PRELOAD": "x.so", "OMP_DYNAMIC": "TRUE", "LD_LIBRARY_PATH": "/l"}
    found = variables("strict", 3, str(tmp_path), notary)
    assert "LD_PRELOAD" not in found
    assert "PATH" not in found
    assert found["OMP_DYNAMIC"] == "FALSE"
    assert found["LD_LIBRARY_PATH"] == "/l"
    assert found["OMP_NUM_THREADS"] == found["OMP_THREAD_LIMIT"] == "3"
    assert found["OPENBLAS_NUM_THREADS"] == "1"


def test_settings_hold_no_paths():
    assert not any("/" in value for value in settings("strict", 1).values())
