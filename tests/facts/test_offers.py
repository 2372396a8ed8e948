"""Entry points as we read them, held against ``importlib.metadata``."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import zipfile
from importlib.metadata import entry_points

import pytest

from repro.facts.offers import offers

BOTH = (
    "from repro.facts.offers import offers\n"
    "ours = [tuple(o) for o in offers('repro.trainers')]\n"
    "import sys; loaded = 'importlib.metadata' in sys.modules\n"
    "from importlib.metadata import entry_points\n"
    "theirs = [(p.name, p.value, p.dist.name, p.dist.version)\n"
    "          for p in entry_points(group='repro.trainers')]\n"
    "print((sorted(ours), sorted(theirs), loaded))"
)


def both(*places):
    """Return what we, and what the library finds in a process with these places on its path."""
    path = os.pathsep.join(map(str, places))
    done = subprocess.run(
        [sys.executable, "-c", BOTH],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return ast.literal_eval(done.stdout)


def distribution(place, folder, text, about="METADATA", name="acme", version="1.0"):
    info = place / folder
    info.mkdir(parents=True)
    (info / about).write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: in the description\n"
    )
    (info / "entry_points.txt").write_text(text)


ONE = "[repro.trainers]\none = acme.one\n"


@pytest.mark.parametrize("group", ["console_scripts", "pytest11", "repro.trainers", "none.such"])
def test_here_we_find_what_the_library_finds(group):
    theirs = [(p.name, p.value, p.dist.name, p.dist.version) for p in entry_points(group=group)]
    assert sorted(map(tuple, offers(group))) == sorted(theirs)


def test_odd_files_read_as_the_library_reads_them(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    text = (
        "# a comment\n[console_scripts]\nrun = acme:main\n\n[repro.trainers]\n"
        "  one=acme.one  \n# two = acme.two\nthree = acme.a.three\n[other]\nx = y\n"
    )
    distribution(first, "Acme.Trainers-1.0.dist-info", text, name="Acme.Trainers")
    distribution(first, "old-2.egg-info", ONE.replace("one", "old"), about="PKG-INFO", name="old")
    (first / "empty-1.dist-info").mkdir()
    (first / "file-1.egg-info").write_text("Name: file\nVersion: 1\n")
    distribution(second, "acme_trainers-9.dist-info", ONE, name="acme-trainers", version="9")
    ours, theirs, loaded = both(first, second, tmp_path / "nowhere")
    assert ours == theirs
    names = [(name, version) for name, _, _, version in ours]
    assert {("one", "1.0"), ("three", "1.0"), ("old", "1.0")} <= set(names)
    assert ("one", "9") not in names  # a distribution of that name was found before it
    assert not loaded


def test_where_the_path_holds_an_archive_the_library_is_asked(tmp_path):
    archive = tmp_path / "acme.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("acme-1.0.dist-info/METADATA", "Name: acme\nVersion: 1.0\n")
        file.writestr("acme-1.0.dist-info/entry_points.txt", ONE)
    ours, theirs, loaded = both(archive)
    assert ours == theirs
    assert ("one", "acme.one", "acme", "1.0") in ours
    assert loaded
