"""Workspaces to do wrong things in; a copy of one would sign under its key, so there are none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .workspace import QUICK, Workspace


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a workspace for mistakes that leave it as it was; its log grows."""
    return Workspace.made(tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a workspace with two runs, which differ in their seed."""
    workspace = Workspace.made(tmp_path_factory.mktemp("trained"))
    workspace.repro("train", *QUICK).require(0)
    workspace.repro("train", *QUICK, "--seed", "7").require(0)
    return workspace


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Workspace]:
    """Give a workspace of the test's own."""
    workspace = Workspace.made(tmp_path)
    yield workspace
    workspace.end_all()


@pytest.fixture(autouse=True)
def _nothing_goes_on(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    for name in {"shared", "trained"} & set(request.fixturenames):
        request.getfixturevalue(name).end_all()
