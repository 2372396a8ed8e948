"""Workspaces of real files: each test that changes something has its own copy of ``CONFIG``."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from repro.config.documents.tree import Tree, load
from repro.config.resolution.resolve import Resolved, Selection, resolve
from repro.facts.trainers import Declaration, declarations

CONFIG = Path(__file__).parents[2] / "CONFIG"


def copied(root: Path) -> Path:
    """Return ``root`` with a copy of the shipped configuration in it."""
    shutil.copytree(CONFIG, root / "CONFIG", ignore=shutil.ignore_patterns("__*"))
    return root


@pytest.fixture(scope="session")
def families() -> Mapping[str, Declaration]:
    """Return the declarations of the trainers that are installed."""
    return declarations()


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory, families) -> Tree:
    """Return the shipped documents, for tests that only read; they lie in files as anyone's do."""
    tree, found = load(copied(tmp_path_factory.mktemp("shipped")), families)
    assert found == ()
    return tree


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Return the root of a workspace of the test's own."""
    return copied(tmp_path)


@pytest.fixture
def edit(workspace: Path) -> Callable[[str, str, str], None]:
    """Return what replaces a text, which must stand there once, in a file below ``CONFIG``."""

    def replace(relative: str, old: str, new: str) -> None:
        file = workspace / "CONFIG" / relative
        text = file.read_text("utf-8")
        assert text.count(old) == 1, (relative, old, text.count(old))
        file.write_text(text.replace(old, new), "utf-8")

    return replace


@pytest.fixture
def add(workspace: Path) -> Callable[[str, str], Path]:
    """Return what writes a new file below ``CONFIG``."""

    def write(relative: str, text: str) -> Path:
        file = workspace / "CONFIG" / relative
        assert not file.exists()
        file.write_text(text, "utf-8")
        return file

    return write


@pytest.fixture
def resolved(workspace: Path, families) -> Callable[..., Resolved]:
    """Return what resolves the workspace, which must be valid file by file, for a selection."""

    def make(**asked) -> Resolved:
        tree, found = load(workspace, families)
        assert found == ()
        return resolve(tree, Selection(**asked), families)

    return make
