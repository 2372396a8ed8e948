"""The example package, built, installed and used as a stranger would: from kit to verified run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from repro.config.documents.catalog import declaration_schema
from repro.config.schema.validator import problems
from repro.config.text.document import read

from .planting import DECLARATION, DOCUMENT, EXAMPLE, House


def test_its_declaration_fits_the_schema():
    assert problems(read(DECLARATION, DECLARATION.name), declaration_schema()) == ()


def test_its_entry_point_and_files_are_what_its_readme_says():
    text = (EXAMPLE / "README.md").read_text("utf-8")
    project = (EXAMPLE / "pyproject.toml").read_text("utf-8")
    assert 'stumps = "repro_stumps.stumps"' in project
    for file in ("repro_stumps/stumps.py", "repro_stumps/stumps.json", "repro_stumps/stumps.yaml"):
        assert file in text
        assert (EXAMPLE / file).is_file()


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """Return an interpreter in which the built wheel of the example is installed."""
    place = tmp_path_factory.mktemp("example")
    made = House(place / "house")
    source = shutil.copytree(
        EXAMPLE, place / "source", ignore=shutil.ignore_patterns("__pycache__")
    )
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "install"]
    offline = ["--no-index", "--no-build-isolation", "--no-deps", "--no-compile"]
    subprocess.run([*pip, *offline, "--target", made.packages, source], cwd=place, check=True)
    shutil.rmtree(source / "repro_stumps")  # its tests must see what was installed
    made.source = source
    return made


@pytest.mark.slow
def test_its_own_tests_and_the_kit_pass(house):
    done = house.run("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=house.source)
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout
    assert "failed" not in done.stdout


@pytest.mark.slow
def test_a_workspace_trains_compares_and_verifies_it(house, tmp_path):
    def repro(*arguments, status=0):
        done = house.run("-m", "repro", *arguments, cwd=tmp_path / "w", REPRO_KEYS=keys)
        assert done.returncode == status, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    keys = os.fspath(tmp_path / "keys")
    (tmp_path / "w").mkdir()
    repro("init")
    listed = json.loads(repro("trainers", "list", "--format", "json"))["trainers"]
    (stumps,) = (t for t in listed if t["family"] == "stumps")
    assert (stumps["distribution"], stumps["installed"]) == ("repro-stumps", True)
    model = tmp_path / "w" / "CONFIG" / "model_config" / "stumps.yaml"
    model.write_text(repro("trainers", "show", "stumps", "--document"), "utf-8")
    assert model.read_bytes() == DOCUMENT.read_bytes()
    repro("validate", "--strict")
    quick = ("--family", "stumps", "--quiet", "--set", "n_estimators=20")
    first = json.loads(repro("train", *quick, "--format", "json"))
    again = json.loads(repro("train", *quick, "--format", "json"))
    other = json.loads(repro("train", *quick, "--set", "eta=0.1", "--format", "json"))
    repro("diff", first["run"], again["run"])
    assert "learning_rate" in repro("diff", first["run"], other["run"], status=1)
    verified = json.loads(repro("verify", first["run"], "--quiet", "--format", "json"))
    assert verified["verdict"] == "reproduced"
    stops = ("--target", "fwd_up_5d", "--set", "early_stopping_rounds=3")
    assert json.loads(repro("train", *quick, *stops, "--format", "json"))["run"]
    assert (
        "unknown key"
        in house.run(
            "-m",
            "repro",
            "train",
            "--family",
            "stumps",
            "nope=1",
            cwd=tmp_path / "w",
            REPRO_KEYS=keys,
        ).stderr
    )
    repro("audit", "verify", "--artifacts")
