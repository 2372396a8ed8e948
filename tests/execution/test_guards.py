import json
import subprocess
import sys
from pathlib import Path

import pytest

from repro.execution.failures import last_line
from repro.execution.guards.declared import reached

GUARDED = """
import sys
from repro.execution.guards.imports import Declared
from repro.execution.guards.installed import Guards
from repro.execution.guards.violation import GuardError
names = Declared(frozenset({"declared"}), ("blake3",), frozenset({"optional_thing"}), ("owner",))
guards = Guards(sys.argv[1], [sys.argv[1] + "/../data.csv"], names)
try:
    exec(sys.argv[2])
    guards.watch.require_untouched()
except GuardError as error:
    print("guard:", error)
else:
    print("done")
"""


def guarded(code, folder):
    """Return what happens to a deed under the guards, in a real interpreter."""
    script = folder.parent / "library_of_a_stranger.py"
    script.write_text(GUARDED, "utf-8")
    done = subprocess.run(
        [sys.executable, "-P", str(script), str(folder), code],
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
    (tmp_path / "data.csv").write_text("x")
    (inside / "link").symlink_to("/etc/hostname")
    return inside


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("import socket; socket.create_connection(('127.0.0.1', 9))", "socket."),
        ("import socket; socket.socket()", "socket.socket"),
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
        ("open('/etc/hostname')", "read of /etc/hostname, which is not declared,"),
        ("open('link')", "read of link, which is not declared,"),
        ("open(sys.prefix + '/lib/../../../etc/hostname')", "which is not declared,"),
        ("open('/dev/urandom', 'rb')", "read of /dev/urandom"),
        ("import os; os.listdir('..')", "listing of .., which is not declared,"),
        ("import os; os.scandir(b'/etc')", "listing of /etc, which is not declared,"),
        ("try:\n  open('../outside', 'w')\nexcept Exception:\n  pass", "write to ../outside"),
        ("try:\n  open('../outside', 'w')\nexcept BaseException:\n  pass", "write to ../outside"),
    ],
)
def test_a_deed_is_stopped_and_names_library_file_and_line(code, named, folder):
    found = guarded(code, folder)
    assert found.startswith("guard:"), found
    assert named in found
    assert found.endswith("library_of_a_stranger.py:9)")
    assert not (folder.parent / "outside").exists()


@pytest.mark.parametrize(
    "code",
    [
        "open('inside', 'w').write('x'); open('inside').read()",
        "open('/dev/null', 'w'); open('../data.csv'); open('/proc/self/status')",
        "import os; os.mkdir('d'); os.rename('d', 'e'); os.rmdir('e')",
        "import os; os.listdir(); os.scandir('.'); os.listdir(os.path.dirname(os.__file__))",
        "import blake3, json, sqlite3, email.mime.text",
        "import socket; socket.socketpair()",
        "import threading as t; a = t.Thread(target=print); a.start(); a.join()",
        "import tempfile; tempfile.tempdir = '.'; tempfile.TemporaryFile()",
    ],
)
def test_what_a_trainer_may_do_is_not_stopped(code, folder):
    assert guarded(code, folder).endswith("done")


def test_a_module_that_is_kept_out_or_not_declared_looks_as_if_it_were_not_installed(folder):
    code = (
        "import sys; sys.path.append('..')\n"
        "for name in ('optional_thing', 'numpy'):\n"
        "  try:\n    __import__(name + '.deep')\n"
        "  except ModuleNotFoundError as e:\n    print(e.name, e)\n"
        "print(sorted(guards.shield.refused))"
    )
    (folder.parent / "optional_thing.py").write_text("raise SystemExit('imported')", "utf-8")
    lines = guarded(code, folder).splitlines()
    assert lines[0].startswith("optional_thing optional_thing is kept out")
    assert lines[1].startswith("numpy import of numpy, which no declaration names, by __main__")
    assert lines[2:] == ["['numpy', 'optional_thing']", "done"]


def test_once_sealed_no_module_is_loaded_but_the_standard_librarys(folder):
    assert guarded("guards.seal(2); import colorsys, numpy.nothing", folder) != "done"
    found = guarded("guards.seal(2); import colorsys; import blake3", folder)
    assert found.startswith("guard: import of blake3 after the plan by __main__ ")


def test_after_the_plan_only_what_was_digested_can_be_read(folder):
    package = folder.parent / "package"
    (package / "__pycache__").mkdir(parents=True)
    (package / "table").write_text("1")
    (package / "linked").symlink_to(folder.parent / "data.csv")
    (package / "__pycache__" / "kept").write_text("1")
    site = folder.parent / "site"
    site.mkdir()
    for name in ("known", "other"):
        (site / name).write_text("1")
    (site / "thing-1.dist-info").symlink_to(folder.parent / "kept_elsewhere")
    (folder.parent / "kept_elsewhere").mkdir()
    (folder.parent / "kept_elsewhere" / "entry_points.txt").write_text("x")
    before = f"sys.path.insert(0, {str(site)!r})\nguards.places.allow_folders([{str(site)!r}])\n"
    before += f"guards.close([{str(site / 'known')!r}], [{str(package)!r}])\n"
    for read in ("../package/table", "../package/linked", "../site/known"):
        assert guarded(f"{before}open({read!r})", folder) == "done"
    assert guarded(f"{before}open('../site/thing-1.dist-info/entry_points.txt')", folder) == "done"
    assert guarded(f"{before}import os; os.listdir('../site')", folder) == "done"
    assert (
        guarded(f"{before}open(os.__file__) if (os := __import__('os')) else 0", folder) == "done"
    )
    for read in ("../site/other", "link", "../package/__pycache__/kept"):
        found = guarded(f"{before}open({read!r})", folder)
        assert "was not digested before the plan" in found, read


def test_the_modules_of_a_distribution_are_its_own_and_those_it_requires():
    found = reached(["scikit-learn"])
    assert {"sklearn", "scipy", "numpy", "joblib", "threadpoolctl"} <= found
    assert not {"matplotlib", "pandas", "pytest", "repro"} & found
    assert reached(["No.such_distribution"]) == frozenset()


def test_an_extra_is_reached_only_where_it_is_asked_for(tmp_path, monkeypatch):
    def distribution(name, requires):
        info = tmp_path / f"{name}-1.dist-info"
        info.mkdir()
        lines = "".join(f"Requires-Dist: {line}\n" for line in requires)
        (info / "METADATA").write_text(f"Name: {name}\nVersion: 1\n{lines}\nRequires-Dist: none\n")
        (info / "RECORD").write_text(
            f"{name}_module/__init__.py,,\n{name}_single.py,,\n{name}_c.cpython-311.so,,\n"
            f"../../bin/{name},,\n{name}-1.dist-info/RECORD,,\n"
        )

    distribution("first", ["second[fast]>=1 ; python_version > '3'", "third; extra == 'all'"])
    distribution("second", ['fourth ; extra == "fast"', 'fifth ; extra == "slow"'])
    for name in ("third", "fourth", "fifth"):
        distribution(name, ["first"])
    monkeypatch.syspath_prepend(tmp_path)
    ends = ("_module", "_single", "_c")
    expected = {f"{name}{end}" for name in ("first", "second", "fourth") for end in ends}
    assert reached(["First"]) == expected


RANDOM = """
import sys, random, json
import numpy as np
from repro.execution.guards.randomness import Generators
from repro.execution.guards.violation import GuardError, Watch
generators = Generators(Watch(), ("toy",))
found = {}
for code in json.loads(sys.argv[1]):
    before = np.random.get_state(), random.getstate()
    try:
        with generators.watched():
            exec(code)
    except GuardError as error:
        found[code] = str(error)
    except Exception as error:
        found[code] = "failed: " + repr(error)
    np.random.set_state(before[0]); random.setstate(before[1])
print(json.dumps(found))
"""
FREE = (
    *("np.random.RandomState(3)", "np.random.default_rng(3)", "random.Random(3).random()"),
    *("np.random.PCG64(3)", "np.random.SeedSequence([1, 2])", "random.getstate()"),
    *("np.random.Generator(np.random.Philox(key=3)).random()", "np.random.get_state()"),
    "assert isinstance(np.random.mtrand._rand, np.random.RandomState)",
    "assert not isinstance(3, np.random.RandomState)",
    "assert issubclass(type('Own', (np.random.RandomState,), {}), np.random.RandomState)",
    "assert type('Own', (np.random.RandomState,), {})(3).rand() == np.random.RandomState(3).rand()",
    "import copy; copy.deepcopy(np.random.RandomState(3)); copy.deepcopy(random.Random(3))",
    "import pickle; pickle.loads(pickle.dumps(np.random.RandomState(3)))",
    "import tempfile; next(tempfile._get_candidate_names())",
)
REFUSED = {
    "random.shuffle([1, 2])": "a draw from random.shuffle",
    "random.seed(3)": "a draw from random.seed",
    "random.Random()": "a random.Random without a seed",
    "random.SystemRandom().random()": "a draw from random.SystemRandom.random",
    "import secrets; secrets.token_hex()": "a draw from random.SystemRandom",
    "import secrets; secrets.randbits(3)": "a draw from secrets.randbits",
    "import os; os.urandom(3)": "a draw from os.urandom",
    "np.random.shuffle([1, 2])": "a draw from numpy.random.shuffle",
    "np.random.seed(3)": "a draw from numpy.random.seed",
    "np.random.set_state(np.random.get_state())": "a draw from numpy.random.set_state",
    "np.random.default_rng(None)": "a numpy.random.default_rng without a seed",
    "np.random.RandomState()": "a numpy.random.RandomState without a seed",
    "np.random.Generator(np.random.PCG64())": "a numpy.random.PCG64 without a seed",
    "np.random.SeedSequence()": "a numpy.random.SeedSequence without a seed",
    "np.random.mtrand._rand.rand()": "a draw from NumPy's global generator",
    "random._inst.random()": "a draw from Python's global generator",
}


def test_draws_without_a_seed_are_refused_and_those_with_one_are_free():
    codes = [*FREE, *REFUSED]
    done = subprocess.run(
        [sys.executable, "-c", RANDOM, json.dumps(codes)],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert {code: said for code, said in found.items() if code in FREE} == {}
    assert set(found) == set(REFUSED)
    for code, said in REFUSED.items():
        assert found[code].startswith(said), (code, found[code])


STACKS = """said before
Fatal Python error: Segmentation fault

Thread 0x00007f (most recent call first):
  File "/lib/python3.11/site-packages/other/pool.py", line 7 in wait

Current thread 0x00007f1a (most recent call first):
  File "{standard}/ctypes/__init__.py", line 519 in string_at
  File "/lib/python3.11/site-packages/toy_trainers/toy.py", line 41 in crashed
  File "/repro/execution/worker.py", line 3 in main

Extension modules: numpy, scipy (total: 2)
"""


def test_the_line_that_a_worker_died_in_is_the_latest_of_a_library():
    standard = Path(json.__file__).parents[1]
    assert last_line(STACKS.format(standard=standard)) == "toy_trainers/toy.py:41"
    assert last_line("no stack at all") is None
    assert last_line("Stack (most recent call first):\n  <no Python frame>\n") is None
