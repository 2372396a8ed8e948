"""Which files are looked at, in which order, and that an empty scan is not a clean one."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from repro.errors import InputError
from repro.lint.files import LARGEST, python_files
from repro.verbs.configuring.linting import lint

ROOT = Path(__file__).parents[2]
OURS = ("audit_log", "trainers", "schemas", "CONFIG", "repro", "benchmarks")
TODAY = date(2026, 11, 24)


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Return a maker of files in an empty working directory."""
    monkeypatch.chdir(tmp_path)

    def make(*names, text="seed = 1\n"):
        for name in names:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(text, "utf-8")

    return make


def test_folders_are_walked_in_order_and_only_python_is_read(tree):
    tree("b.py", "a/z.py", "a/b/c.pyw", "a.txt", "c", "z.py/inner.py")
    assert list(python_files(["."], [])) == ["a/b/c.pyw", "a/z.py", "b.py", "z.py/inner.py"]
    assert list(python_files(["b.py", "c", "a"], [])) == ["b.py", "c", "a/b/c.pyw", "a/z.py"]


def test_what_is_not_the_owners_code_is_left_out_unless_it_is_named(tree):
    tree(".hidden/a.py", "__pycache__/a.py", "env/a.py", "env/pyvenv.cfg", "kept.py")
    assert list(python_files(["."], [])) == ["kept.py"]
    assert list(python_files(["env", ".hidden"], [])) == ["env/a.py", ".hidden/a.py"]


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("gen", ["a/b.py", "a/gen.py", "c.py"]),
        ("gen/", ["a/b.py", "a/gen.py", "c.py"]),
        ("a/gen", ["a/b.py", "a/gen.py", "c.py"]),
        ("./a/*", ["c.py"]),
        ("*.py", []),
        ("a", ["c.py"]),
        ("[ac]", ["c.py"]),
        ("*/b.py", ["a/gen/x.py", "a/gen.py", "c.py"]),
    ],
)
def test_patterns_mean_paths_or_parts_of_them(tree, pattern, left):
    tree("a/b.py", "a/gen.py", "a/gen/x.py", "c.py")
    assert list(python_files(["."], [pattern])) == left


def test_a_file_is_read_once_however_it_is_named(tree):
    tree("a.py")
    Path("link.py").symlink_to("a.py")
    assert list(python_files([".", "a.py", "./a.py", "link.py"], [])) == ["a.py"]


def test_links_to_folders_are_not_followed_below_and_loops_end(tree):
    tree("a/b.py")
    Path("a/again").symlink_to("..")
    Path("named").symlink_to("a")
    assert list(python_files(["."], [])) == ["a/b.py"]
    assert list(python_files(["named"], [])) == ["named/b.py"]


@pytest.mark.parametrize("path", ["nothing.py", "loop", "pipe", "a\0b", ""])
def test_a_path_that_is_no_file_is_an_error(tree, path):
    tree("a.py")
    Path("loop").symlink_to("loop")
    os.mkfifo("pipe")
    with pytest.raises(InputError):
        lint([path, "a.py"], [], TODAY)


def test_a_pipe_in_a_folder_does_not_hang(tree):
    tree("a.py")
    os.mkfifo("pipe.py")
    assert lint(["."], [], TODAY).files == 1


def test_a_folder_without_python_is_not_clean(tree):
    tree("a.txt")
    with pytest.raises(InputError, match="no Python file"):
        lint(["."], [], TODAY)
    tree("a.py")
    with pytest.raises(InputError, match="no Python file"):
        lint(["."], ["a.py"], TODAY)


def test_what_cannot_be_read_is_told_beside_the_rest_and_ends_with_3(tree):
    tree("a.py", "z.py")
    Path("dead.py").symlink_to("nowhere")
    Path("large.py").write_bytes(b"#" * (LARGEST + 1))
    done = lint(["."], [], TODAY)
    assert [(p.place.file, p.rule) for p in done.problems] == [
        ("a.py", "hardcoded-seed"),
        ("dead.py", "unreadable-file"),
        ("large.py", "unreadable-file"),
        ("z.py", "hardcoded-seed"),
    ]
    assert (done.exit_status, done.files) == (3, 4)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_folder_that_is_closed_is_an_error(tree):
    tree("shut/a.py", "b.py")
    Path("shut").chmod(0)
    try:
        with pytest.raises(InputError, match="shut"):
            lint(["."], [], TODAY)
    finally:
        Path("shut").chmod(0o700)


def test_our_own_code_is_read_whole_and_clean(monkeypatch):
    monkeypatch.chdir(ROOT)
    ours = [path for folder in OURS for path in Path(folder).rglob("*.py")]
    done = lint(OURS, [], date.today())
    assert done.files == len(ours) > 250
    assert done.problems == ()
    assert 0 < len(done.waivers) < 10
