"""What every test gets: a key directory of its own, so that no test can touch the user's keys."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

# Two busy cores make any deadline a coin toss; what takes long is measured in benchmarks/.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

KEYS = pytest.StashKey[Path]()
NUMBERS = itertools.count()


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


@pytest.fixture(autouse=True)
def keys(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return this test's key directory, which does not exist yet."""
    directory = pytestconfig.stash[KEYS] / str(next(NUMBERS))
    monkeypatch.setenv("REPRO_KEYS", str(directory))
    return directory
