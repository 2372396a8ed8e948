"""What a user gets: one import root, everything in it, and commands that trust no folder nearby.

The wheel is built through the sdist from a copy of the checkout, and installed where nothing else
is: the core dependencies come from its own metadata, at the versions of requirements/run.txt.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
MAPPING = PROJECT["tool"]["setuptools"]["package-dir"]
NUMERIC = ("lightgbm", "numpy", "pandas", "pyarrow", "scipy", "sklearn", "xgboost")
NOT_SOURCE = shutil.ignore_patterns(
    ".*", "__pycache__", "*.egg-info", "/build", "dist", "benchmarks", "docs"
)

# One worker builds and installs once for all of them (`--dist loadgroup`).
pytestmark = pytest.mark.xdist_group("packaging")


def source_files(folder: str, suffix: str) -> set[str]:
    """Return the files of ``folder`` that end in ``suffix``, relative to it."""
    found = (ROOT / folder).rglob(f"*{suffix}")
    return {path.relative_to(ROOT / folder).as_posix() for path in found}


def pins(name: str) -> set[str]:
    """Return the pinned lines of a lock, with their markers and without their hashes."""
    text = (ROOT / "requirements" / name).read_text("utf-8")
    return {line.removesuffix(" \\") for line in text.splitlines() if re.match(r"[a-z0-9]", line)}


# --- the lists -----------------------------------------------------------------------------------


def test_the_list_of_packages_is_the_folders_on_disk():
    on_disk = set()
    for package, folder in MAPPING.items():
        for path in (ROOT / folder).rglob("*.py"):
            parts = path.parent.relative_to(ROOT / folder).parts
            on_disk.add(".".join((package, *parts)))
    assert sorted(on_disk) == PROJECT["tool"]["setuptools"]["packages"]


def test_every_package_says_what_it_is():
    for package in PROJECT["tool"]["setuptools"]["packages"]:
        root = max((p for p in MAPPING if f"{package}.".startswith(f"{p}.")), key=len)
        below = package.removeprefix(root).strip(".").replace(".", "/")
        assert (ROOT / MAPPING[root] / below / "__init__.py").is_file()


def test_only_the_mapped_folders_hold_packages():
    top = {path.parent.name for path in ROOT.glob("[!.]*/__init__.py")}
    assert top - {"tests", "benchmarks"} == set(MAPPING.values())


@pytest.mark.parametrize("lock", sorted(path.name for path in ROOT.glob("requirements/*")))
def test_a_lock_has_hashes_and_names_no_place(lock):
    text = (ROOT / "requirements" / lock).read_text("utf-8")
    assert text.count(" \\\n    --hash=sha256:") >= len(pins(lock)) > 0
    assert not re.search(r"https?:|file:|index|find-links|@ |(^|[\s'\"])/", text)


def test_the_locks_agree():
    run, dev, audit = (
        {pin.partition(" ")[0] for pin in pins(f"{name}.txt")} for name in ("run", "dev", "audit")
    )
    assert audit < run < dev


# --- the wheel -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def dist(tmp_path_factory):
    """Return the folder with an sdist, and the wheel that was built from it."""
    place = tmp_path_factory.mktemp("packaging")
    shutil.copytree(ROOT, place / "source", ignore=NOT_SOURCE)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", place / "dist"]
    run(*command, cwd=place / "source")
    return place / "dist"


@pytest.fixture(scope="session")
def wheel(dist):
    """Return the path of the wheel."""
    (path,) = dist.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def held(wheel):
    """Return the names of the files in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_is_one_import_root(held):
    version = PROJECT["project"]["version"]
    assert {name.split("/")[0] for name in held} == {"repro", f"repro_audit-{version}.dist-info"}


def test_the_wheel_holds_every_module(held):
    for package, folder in MAPPING.items():
        expected = {f"{package.replace('.', '/')}/{name}" for name in source_files(folder, ".py")}
        assert expected <= held


def test_the_wheel_holds_what_is_not_code(held):
    expected = {"repro/py.typed", "repro/template/gitignore"}
    expected |= {f"repro/schemas/{name}" for name in source_files("schemas", ".json")}
    expected |= {f"repro/trainers/{name}" for name in source_files("trainers", ".json")}
    expected |= {f"repro/template/CONFIG/{name}" for name in source_files("CONFIG", ".yaml")}
    expected |= {f"repro/template/data/{name}" for name in source_files("repro/template/data", "")}
    assert sorted(expected - held) == []


def test_the_wheel_holds_data_of_every_kind(held):
    for start, end in [
        ("repro/schemas/", ".json"),
        ("repro/trainers/", ".json"),
        ("repro/template/CONFIG/", ".yaml"),
        ("repro/template/data/", ".csv.gz"),
        ("repro_audit-", "/LICENSE"),
    ]:
        assert [name for name in held if name.startswith(start) and name.endswith(end)]


def test_the_wheel_holds_nothing_else(held):
    kinds = {Path(name).suffix for name in held if name.startswith("repro/")}
    assert kinds <= {".py", ".typed", ".json", ".yaml", ".gz", ".md", ""}


def test_the_sdist_can_be_tested(dist):
    (path,) = dist.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "Makefile", "LICENSE", "requirements/dev.txt"} <= names
    assert "tests/test_packaging.py" in names


# --- installed, with nothing but the core --------------------------------------------------------


def run(*command: str | Path, cwd: Path, **variables: str) -> str:
    """Run a command without what Python inherits from us, and return what it said."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_"))}
    done = subprocess.run(
        [os.fspath(part) for part in command],
        cwd=cwd,
        env=environment | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "--python")
"""Our pip, for the environment whose interpreter follows: to install another costs seconds."""


def empty_environment(place: Path) -> Path:
    """Make an environment with nothing in it, not even pip; return its interpreter."""
    venv.create(place, with_pip=False)
    return place / "bin" / "python"


@pytest.fixture(scope="session")
def commands(wheel, tmp_path_factory):
    """Return the ``bin`` folder of an environment with the wheel and what it says it needs."""
    place = tmp_path_factory.mktemp("installed")
    constraints = place / "versions.txt"
    constraints.write_text("\n".join(sorted(pins("run.txt"))), "utf-8")
    python = empty_environment(place / "venv")
    run(*PIP, python, "install", "--constraint", constraints, wheel, cwd=place)
    run(*PIP, python, "check", cwd=place)
    return python.parent


@pytest.fixture(scope="session")
def bystander(tmp_path_factory):
    """Return a folder whose packages bear our folders' names, and say so when they are imported."""
    place = tmp_path_factory.mktemp("bystander")
    confess = "from pathlib import Path\nPath(__file__).with_name('IMPORTED').touch()\n"
    for name in ("audit_log", "trainers", "schemas", "CONFIG", "template"):
        (place / name).mkdir()
        (place / name / "__init__.py").write_text(confess, "utf-8")
        (place / name / "__main__.py").write_text("print('a stranger verified it')\n", "utf-8")
    return place


NEARBY = [{}, {"PYTHONPATH": "."}]
"""Two ways to stand in a stranger's folder; many projects export the second."""


@pytest.mark.parametrize("variables", NEARBY, ids=["cwd", "pythonpath"])
@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("repro", "--version"), PROJECT["project"]["version"]),
        (("repro", "--help"), "validate"),
        (("repro-verify", "--help"), "repro-verify"),
        (("python", "-m", "repro", "--version"), PROJECT["project"]["version"]),
        (("python", "-m", "repro.audit_log", "--help"), "repro-verify"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_strangers_folder_does_not_answer(commands, bystander, command, says, variables):
    said = run(commands / command[0], *command[1:], cwd=bystander, **variables)
    assert says in said
    assert list(bystander.rglob("IMPORTED")) == []


@pytest.mark.parametrize("variables", NEARBY, ids=["cwd", "pythonpath"])
def test_a_new_workspace_is_valid_without_any_numeric_library(
    commands, bystander, tmp_path, variables
):
    folder = shutil.copytree(bystander, tmp_path / "folder")
    run(commands / "repro", "init", "workspace", cwd=folder, **variables)
    for name in ("audit_log", "trainers", "schemas"):
        shutil.copytree(bystander / name, folder / "workspace" / name)
    run(commands / "repro", "validate", cwd=folder / "workspace", **variables)
    assert list(folder.rglob("IMPORTED")) == []


def test_the_core_needs_no_numeric_library(commands, tmp_path):
    question = f"""
from importlib.util import find_spec
print([name for name in {NUMERIC!r} if find_spec(name)])
"""
    assert run(commands / "python", "-c", question, cwd=tmp_path) == "[]\n"


def test_the_installed_package_is_typed_and_of_this_version(commands, tmp_path):
    question = """
import importlib.metadata, importlib.resources, repro
assert importlib.resources.files("repro").joinpath("py.typed").is_file()
print(repro.__version__, importlib.metadata.version("repro-audit"))
"""
    version = PROJECT["project"]["version"]
    said = run(commands / "python", "-c", question, cwd=tmp_path)
    assert said == f"{version} {version}\n"


@pytest.mark.slow
def test_an_auditor_needs_the_wheel_and_the_audit_lock_alone(wheel, tmp_path):
    python = empty_environment(tmp_path / "venv")
    lock = ROOT / "requirements" / "audit.txt"
    run(*PIP, python, "install", "--require-hashes", "-r", lock, cwd=tmp_path)
    run(*PIP, python, "install", "--no-deps", wheel, cwd=tmp_path)
    assert "repro-verify" in run(python.parent / "repro-verify", "--help", cwd=tmp_path)
    done = subprocess.run(
        [python.parent / "repro", "validate"],
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if not k.startswith("PYTHON")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("repro: error: typer is not installed")
