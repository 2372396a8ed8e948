"""What is read back of the interpreter: all code that computes, wherever it lies."""

import ctypes
import importlib
import json
import os
import py_compile
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from repro.execution import inventory, readback
from repro.execution.launch import BOOTSTRAP

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux tells")


def loaded_from(monkeypatch, name, file):
    """Have a module loaded from a file; return the entries that tell of it."""
    module = ModuleType(name)
    module.__file__ = str(file)
    monkeypatch.setitem(sys.modules, name, module)
    return inventory.loaded()


def test_a_package_worked_on_where_its_sources_lie_is_not_the_standard_library(
    monkeypatch, tmp_path
):
    file = tmp_path / "src" / "planted" / "lazily.py"
    found = loaded_from(monkeypatch, "planted.lazily", file)
    assert found["planted"] == [("planted.lazily", str(file))]
    assert ("json", sys.modules["json"].__file__) in found[inventory.STANDARD]
    assert "pytest" in found
    compiled = [n for n, f in found[inventory.STANDARD] if "lib-dynload" in f]
    assert compiled


def test_code_in_an_archive_is_digested_with_it(tmp_path):
    archive = tmp_path / "planted.zip"
    digests = set()
    for text in ("a = 1", "a = 2"):
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("planted/main.py", text)
        inside = str(archive / "planted" / "main.py")
        digests |= set(inventory.libraries({"planted": [("planted.main", inside)]}).values())
    assert len(digests) == 2


@linux
def test_the_interpreter_and_libraries_of_any_name_are_among_the_mapped(tmp_path):
    assert os.path.realpath(sys.executable) in readback.mapped_paths()
    library = tmp_path / "kernel.bin"
    original = next(p for p in readback.mapped_paths() if Path(p).name.startswith("libc.so"))
    shutil.copy(Path(original).with_name("libresolv.so.2"), library)
    kept = ctypes.CDLL(str(library))
    assert str(library) in readback.mapped_paths()
    assert "kernel.bin" in readback.mapped([str(library)])
    assert kept


def test_a_shared_library_is_of_the_package_that_it_was_installed_with():
    site = "/usr/lib/python3.11/site-packages"
    paths = [
        f"{site}/scipy/linalg/_blas.so",
        f"{site}/scipy.libs/libopenblas.so",
        f"{site}/alone.so",
        f"{site}/scipy/_base.so",
        f"{site}/sklearn/_base.so",
        "/usr/lib/libm.so.6",
        "/place/scipy/linalg/_mine.so",
    ]
    assert readback.packages(paths) == {"_blas.so": "scipy", "libopenblas.so": "scipy"}


@linux
def test_a_library_that_was_replaced_since_it_was_mapped_is_not_passed_over(tmp_path):
    library = tmp_path / "libplanted.so"
    original = next(p for p in readback.mapped_paths() if Path(p).name.startswith("libc.so"))
    shutil.copy(Path(original).with_name("libresolv.so.2"), library)
    kept = ctypes.CDLL(str(library))
    library.unlink()
    lost = f"{library}{readback.DELETED}"
    assert lost in readback.mapped_paths()
    assert readback.mapped([lost]) == {f"{library.name}{readback.DELETED}": "unreadable"}
    assert kept


def test_a_trainers_package_is_compiled_from_its_sources_not_taken_from_bytecode(tmp_path):
    package = tmp_path / "planted"
    package.mkdir()
    (package / "__init__.py").write_text("")
    source = package / "main.py"
    source.write_text("def main():\n    return 7\n")
    then = source.stat()
    py_compile.compile(str(source))
    source.write_text("def main():\n    return 3\n")  # as long, and made to be as old
    os.utime(source, ns=(then.st_atime_ns, then.st_mtime_ns))

    def answered(*packages):
        command = [sys.executable, "-P", "-s", "-c", BOOTSTRAP, "0", "0", "planted.main", "-1"]
        command += packages
        environment = {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(command, env=environment, check=False).returncode

    assert answered("repro") == 7
    assert answered("planted", "repro") == 3


def test_a_file_that_was_looked_for_and_is_not_there_is_listed_as_such(tmp_path, monkeypatch):
    """Modules of its name may lie in an archive, or be there: neither is that file."""
    archive = tmp_path / "zipped.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("in_archive/__init__.py", "")
    monkeypatch.syspath_prepend(str(archive))
    importlib.import_module("in_archive")
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        found = inventory.loaded([str(tmp_path / "absent" / "__init__.py")])
    finally:
        del sys.modules["in_archive"]
    assert found["absent"] == [("__init__.py", str(tmp_path / "absent" / "__init__.py"))]
    assert inventory.digest_of(found["absent"][0][1]) == "unreadable"


def test_a_file_of_a_package_is_listed_alike_however_the_package_is_installed(
    tmp_path, monkeypatch
):
    """Through a link, by where it leads, or with no search path that leads there."""
    package = tmp_path / "sources" / "sold"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "VERSION.txt").write_text("1")
    (tmp_path / "site").symlink_to(tmp_path / "sources")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "sold").symlink_to(package)
    module = ModuleType("sold")
    monkeypatch.setitem(sys.modules, "sold", module)
    for site in ("sources", "site", "linked"):
        for path in ([], [str(tmp_path / site)]):
            with monkeypatch.context() as patch:
                patch.setattr(sys, "path", [*sys.path, *path])
                module.__file__ = str(tmp_path / site / "sold" / "__init__.py")
                found = inventory.loaded([str(package / "VERSION.txt")])
            assert [name for name, _ in found["sold"]] == ["sold", "VERSION.txt"]
            assert "VERSION.txt" not in found


READ_BELOW = """
import ctypes, json, os, time
from repro.execution import readback
libc, seen = ctypes.CDLL(None), []
def look():
    seen.append([readback.c_variables(), readback.time_zone()])
look()
libc.setenv(b"OMP_NUM_THREADS", b"9", 1)
libc.setenv(b"TZ", b"ABC-9", 1)
look()
libc.tzset()  # Python's own names of the zone stay
look()
libc.setenv(b"TZ", b"UTC", 1)
look()
libc.clearenv()
look()
print(json.dumps([seen, dict(os.environ)]))
"""


@linux
def test_variables_and_the_time_zone_are_read_where_c_libraries_read_them():
    done = subprocess.run(
        [sys.executable, "-c", READ_BELOW],
        env={"TZ": "UTC", "OMP_NUM_THREADS": "1", "NAME": "a=b\udcff", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
    )
    (first, *rest), copy = json.loads(done.stdout)
    variables, zones = zip(*rest, strict=True)
    assert first == [copy, "UTC UTC+0"]
    assert variables[0] == {**copy, "OMP_NUM_THREADS": "9", "TZ": "ABC-9"}
    assert variables[-1] == {}
    assert zones == ("UTC UTC+0", *["UTC ABC+32400"] * 2, "UTC ABC+32400")
