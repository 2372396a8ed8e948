import json
import os
import subprocess
import sys
from pathlib import Path

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


GUARDED = """
import sys
from repro.execution import guards
guards.install(sys.argv[1])
try:
    exec(sys.argv[2])
except guards.GuardError as error:
    print("guard:", error)
else:
    print("done")
"""


def guarded(code, folder):
    """Return what happens to a deed under the guards, in a real interpreter."""
    script = Path(folder).parent / "library_of_a_stranger.py"
    script.write_text(GUARDED, "utf-8")
    done = subprocess.run(
        [sys.executable, str(script), str(folder), code],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    return done.stdout.strip() or done.stderr


@pytest.fixture
def folder(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    return inside


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("import socket; socket.create_connection(('127.0.0.1', 9))", "socket."),
        ("import socket; socket.socket().bind(('127.0.0.1', 0))", "socket.bind"),
        ("import subprocess; subprocess.run(['true'])", "subprocess.Popen"),
        ("import os; os.system('true')", "os.system"),
        ("import os; os.fork()", "os.fork"),
        ("import os; os.posix_spawn('/bin/true', ['true'], {})", "os.posix_spawn"),
        ("open('../outside', 'w')", "write to ../outside"),
        ("open('../outside', 'ab')", "write to ../outside"),
        ("import os; os.open('../outside', os.O_CREAT | os.O_WRONLY)", "write to ../outside"),
        ("import os; os.remove('../library_of_a_stranger.py')", "os.remove"),
        ("import os; os.rename('../library_of_a_stranger.py', 'here')", "os.rename"),
        ("import os; os.mkdir('../outside')", "os.mkdir"),
        ("import pathlib; pathlib.Path('../outside').write_text('x')", "write to ../outside"),
    ],
)
def test_a_deed_outside_is_stopped_and_names_library_file_and_line(code, named, folder):
    found = guarded(code, folder)
    assert found.startswith("guard:"), found
    assert named in found
    assert "library_of_a_stranger.py" in found or "<string>" in found or "interpreter" in found
    assert not (folder.parent / "outside").exists()


@pytest.mark.parametrize(
    "code",
    [
        "open('inside', 'w').write('x')",
        "open('/dev/null', 'w')",
        "open('../library_of_a_stranger.py').read()",
        "import os; os.mkdir('d'); os.rename('d', 'e'); os.rmdir('e')",
    ],
)
def test_what_a_trainer_may_do_is_not_stopped(code, folder):
    assert guarded(code, folder) == "done"


def test_a_library_cannot_swallow_a_guard(folder):
    code = "try:\n  open('../outside', 'w')\nexcept Exception:\n  pass"
    assert guarded(code, folder).startswith("guard:")


def test_a_shielded_module_looks_as_if_it_were_not_installed(tmp_path):
    (tmp_path / "optional_thing.py").write_text("raise SystemExit('imported')", "utf-8")
    code = (
        "from repro.execution.guards import Shield\n"
        "s = Shield(['optional_thing']); s.raise_()\n"
        "try:\n  import optional_thing.deep\nexcept ModuleNotFoundError as e:\n  print(e.name)\n"
        "print(sorted(s.refused))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.split("\n")[:2] == ["optional_thing", "['optional_thing']"]
