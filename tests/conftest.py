"""What every test gets: a key directory of its own, so that no test can touch the user's keys."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

# Two busy cores make any deadline a coin toss; what takes long is measured in benchmarks/.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

SHARE = 4
"""One in how many examples of a property is tried where nobody asks for all."""
KEYS = pytest.StashKey[Path]()
APPLIED = "_hypothesis_internal_use_settings"
"""Where hypothesis keeps the settings of a property; its own plugin replaces them there, too."""
NUMBERS = itertools.count()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `make slow` ask for what `make test` has no time for."""
    parser.addoption(
        "--all-examples", action="store_true", help="try properties with all of their examples"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Try a share of a property's examples; `make slow` tries each property again, with all."""
    if config.getoption("--all-examples"):
        return
    properties = {
        item.obj for item in items
        if isinstance(item, pytest.Function) and getattr(item.obj, "is_hypothesis_test", False)
        and not {"slow", "soak"} & {mark.name for mark in item.iter_markers()}
    }  # fmt: skip
    for each in properties:
        asked = getattr(each, APPLIED, None)
        if asked is not None:  # a state machine says by itself how long it goes on
            few = settings(asked, max_examples=max(asked.max_examples // SHARE, 1))
            setattr(each, APPLIED, few)


def pytest_configure(config: pytest.Config) -> None:
    """Cover collection, wide fixtures and subprocesses too: the variable is never the user's."""
    # A shell that starts us in the background lets us ignore SIGINT, and what we start would too.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.stash[KEYS] = Path(tempfile.mkdtemp(prefix="repro-keys-"))
    os.environ["REPRO_KEYS"] = str(config.stash[KEYS] / "session")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave no key behind."""
    shutil.rmtree(config.stash[KEYS], ignore_errors=True)


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it wrote where."""

    returncode: int
    stdout: str
    stderr: str


def _run(
    arguments: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None
) -> Said:
    """Run ``repro`` as a shell in ``folder`` would, without the cost of another interpreter.

    Its streams are files with numbers: some commands write to the number, or hand it on.
    """
    from repro.cli.boundary import run

    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as out,
        tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as err,
    ):
        with pytest.MonkeyPatch.context() as patch, chdir(folder):
            for name, value in (variables or {}).items():
                patch.setenv(name, value)
            with redirect_stdout(out), redirect_stderr(err):
                status = run(arguments)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read())
    return Said(status, *texts)


@pytest.fixture(scope="session")
def in_this_process() -> Callable[..., Said]:
    """Return what runs a command in this process: arguments, folder, variables."""
    return _run


@pytest.fixture(autouse=True)
def keys(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return this test's key directory, which does not exist yet."""
    directory = pytestconfig.stash[KEYS] / str(next(NUMBERS))
    monkeypatch.setenv("REPRO_KEYS", str(directory))
    return directory
