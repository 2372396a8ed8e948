"""A worker elsewhere finds code and data by digest, or names what it lacks."""

import json
import shutil
import tempfile
from pathlib import Path

import pytest
from blake3 import blake3

from repro.errors import InputError, TrainingError
from repro.execution.executor import Task
from repro.execution.launch import WorkerError
from repro.execution.session import Job
from repro.facts import trainers
from repro.facts.trainers import declaration
from repro.sweeping import errand
from repro.sweeping.elsewhere import of_worker

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "repro-stumps"


class Silent:
    """A line on which nobody speaks; a task that gets as far as its child is dropped."""

    place = "tcp://elsewhere:1"

    def __init__(self):
        self.told = []

    def tell(self, message):
        self.told.append(message)

    def order(self, seconds):
        return None

    def is_wanted(self):
        return False


def digest(data):
    return blake3(data).hexdigest()


def sent(path, data, family="ridge", **otherwise):
    """Return a parcel for a file of these bytes, as it arrives."""
    trainer = declaration(family)
    job = Job({"execution": {"threads": 1}}, {}, trainer, {"a.csv": path}, "strict", 1, 60)
    task = Task(1, job, Path(), {"a.csv": digest(data)})
    found = errand.parcel(task, {"a.csv": str(path)}) | otherwise
    return json.loads(json.dumps(found))


def problem(parcel):
    brought = errand.run(parcel, Silent())
    assert brought.message is None
    return "" if brought.error is None else errand.error_of(brought.error)


def test_a_file_of_other_bytes_is_named_and_never_taken(tmp_path):
    path = tmp_path / "a.csv"
    error = problem(sent(path, b"x"))
    assert isinstance(error, InputError)
    assert error.problem == f"the worker tcp://elsewhere:1 lacks a.csv: {path} is not there"
    assert error.hint == f"copy it there, or into a folder named by REPRO_OBJECTS as {digest(b'x')}"
    path.write_bytes(b"y")
    both = f"(BLAKE3 {digest(b'y')}, not {digest(b'x')})"
    assert f"has other bytes there {both}" in problem(sent(path, b"x")).problem


def test_a_file_that_cannot_be_read_is_named():
    path = Path("/proc/self/mem")  # a regular file, whose first bytes nobody may read
    if not path.is_file():
        pytest.skip("this system has no such file")
    error = problem(sent(path, b"x"))
    assert error.problem.endswith(f"lacks a.csv: {path} cannot be read (Input/output error)")
    assert "REPRO_OBJECTS" in error.hint


def test_a_file_is_found_by_its_digest_among_objects(tmp_path, monkeypatch):
    path, objects = tmp_path / "a.csv", tmp_path / "objects"
    path.write_bytes(b"other")
    objects.mkdir()
    monkeypatch.setenv("REPRO_OBJECTS", f":{tmp_path / 'none'}:{objects}")
    (objects / digest(b"x")).write_bytes(b"forged")
    said = problem(sent(path, b"x")).problem
    both = f"has other bytes there (BLAKE3 {digest(b'other')}, not {digest(b'x')})"
    forged = both.replace(digest(b"other"), digest(b"forged"))
    assert said.endswith(f"lacks a.csv: {path} {both}; {objects / digest(b'x')} {forged}")
    path.unlink()
    assert f"{path} is not there; {objects}" in problem(sent(path, b"x")).problem
    (objects / digest(b"x")).write_bytes(b"x")
    job = errand._job(sent(path, b"x"), "here")
    assert job.files == {"a.csv": objects / digest(b"x")}
    assert not isinstance(problem(sent(path, b"x")), InputError)  # it got as far as its child


@pytest.mark.parametrize(
    ("otherwise", "says"),
    [
        ({"version": "9.9"}, "this command has 9.9"),
        ({"trainers": [{"family": "ridge", "digest": "sha256:0"}]}, "another declaration of ridge"),
        ({"trainers": [{"family": "nobody", "digest": "sha256:0"}]}, "the family 'nobody'"),
    ],
)
def test_another_version_of_code_is_named_with_the_worker(tmp_path, otherwise, says):
    path = tmp_path / "a.csv"
    path.write_bytes(b"x")
    error = problem(sent(path, b"x", **otherwise))
    assert isinstance(error, InputError)
    assert error.is_unfit  # another worker may take it
    assert "tcp://elsewhere:1" in error.problem
    assert says in error.problem


class Wanted(Silent):
    """A line on which nobody speaks and everything is wanted."""

    def is_wanted(self):
        return True


def test_what_its_child_ends_with_names_the_worker(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"x")
    brought = errand.run(sent(path, b"x"), Wanted())  # its options say nothing of the dataset
    error = errand.error_of(brought.error)
    assert error.problem == "the worker tcp://elsewhere:1 failed: KeyError('dataset')"
    assert not error.is_unfit


def test_a_worker_that_can_keep_nothing_is_named_with_what_to_look_at(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_bytes(b"x")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    error = problem(sent(path, b"x"))
    assert isinstance(error, InputError)
    assert error.problem == (
        "the worker tcp://elsewhere:1 could not read or write: No such file or directory"
    )
    assert "TMPDIR" in error.hint
    assert error.is_unfit


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("the worker was killed", "the worker tcp://a:1 was killed"),
        ("it cannot be trained here", "on the worker tcp://a:1: it cannot be trained here"),
        ("the worker tcp://a:1 lacks a.csv", "the worker tcp://a:1 lacks a.csv"),
    ],
)
def test_an_error_names_the_worker_that_it_is_of_once(said, told):
    error = of_worker(TrainingError(said, "a hint"), "tcp://a:1")
    assert (error.problem, error.hint) == (told, "a hint")
    assert of_worker(TrainingError(said), "here").problem == said


def test_an_error_comes_home_with_its_kind_and_what_the_worker_printed():
    told = errand._told(WorkerError("the worker ended", "a hint", "last words"), "A")
    error = errand.error_of(json.loads(json.dumps(told)))
    assert (error.exit_status, error.problem, error.hint, error.tail) == (
        6,
        "the worker ended",
        "a hint",
        "last words",
    )


def test_a_trainer_of_others_is_taken_only_with_the_very_files_of_its_package(
    tmp_path, monkeypatch
):
    """A fit may read any file of that package, so the coordinator's is part of the key."""
    path, installed = tmp_path / "a.csv", tmp_path / "installed"
    path.write_bytes(b"x")
    shutil.copytree(EXAMPLE / "repro_stumps", installed / "repro_stumps")
    info = installed / "repro_stumps-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: repro-stumps\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[repro.trainers]\nstumps = repro_stumps.stumps\n")
    monkeypatch.syspath_prepend(str(installed))
    trainers._found.cache_clear()
    try:
        parcel = sent(path, b"x", family="stumps")
        assert errand._job(parcel, "here").trainer.family == "stumps"
        (installed / "repro_stumps" / "table.csv").write_text("another table")
        error = problem(parcel)
    finally:
        trainers._found.cache_clear()
    assert isinstance(error, InputError)
    assert "tcp://elsewhere:1 has other files in the package repro_stumps" in error.problem


@pytest.mark.parametrize("name", ["../out", "/out", "a/b", "..", ".", "", "a\0b"])
def test_a_worker_writes_nothing_beside_the_folder_of_its_task(tmp_path, name):
    folder = tmp_path / "work"
    folder.mkdir()
    with pytest.raises(TrainingError, match="the worker tcp://elsewhere:1 sent a file"):
        errand.keep({"model": b"1", name: b"2"}, folder, "tcp://elsewhere:1")
    assert sorted(tmp_path.rglob("*")) == [folder]
    errand.keep({"model": b"1", "..b": b"2"}, folder, "tcp://elsewhere:1")
    assert (folder / "..b").read_bytes() == b"2"
