"""Where things are: the product's commands, its peers, scratch space, and fresh workspaces.

Everything measured lies on the disk of this checkout (``build/bench``), never in a temporary
directory that may live in memory: a sync that costs nothing proves nothing.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from measure import Command, run

HERE = Path(__file__).resolve().parent
BASE = HERE.parent / "build" / "bench"
DATA = "data/stocks.csv.gz"
"""The example panel that `repro init` puts into a workspace."""
PEERS = Path(os.environ.get("REPRO_BENCH_PEERS") or Path(sys.prefix) / "peers")


def ours(name: str) -> Path:
    """Return a command of the product, as it is installed beside this interpreter."""
    return Path(sys.prefix) / "bin" / name


def peer(name: str) -> Path | None:
    """Return a command of the peers' environment (`python` is its interpreter), or None."""
    path = PEERS / "bin" / name
    return path if path.exists() else None


def peer_with(module: str) -> Path | None:
    """Return the peers' interpreter if it has ``module``, or None."""
    python = peer("python")
    if python is None:
        return None
    probe = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    try:
        run(Command([python, "-c", probe]))
    except RuntimeError:
        return None
    return python


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a new folder on the checkout's disk; it is removed at the end."""
    BASE.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=BASE))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace with a key store of its own."""

    root: Path
    keys: Path

    def command(self, *words: str | Path, good: tuple[int, ...] = (0,)) -> Command:
        """Return a command of ``repro`` that runs here."""
        return Command([ours("repro"), *words], self.root, {"REPRO_KEYS": str(self.keys)}, good)


def fresh(folder: Path) -> Workspace:
    """Return a workspace as `repro init` makes it, committed to a git repository of its own."""
    root = folder / "workspace"
    workspace = Workspace(root, folder / "keys")
    run(Command([ours("repro"), "init", root], None, {"REPRO_KEYS": str(workspace.keys)}))
    commit_all(root)
    return workspace


def commit_all(root: Path) -> None:
    """Put everything in ``root`` that is not ignored under git."""
    if not (root / ".git").exists():
        run(Command(["git", "init", "-q"], root))
    run(Command(["git", "add", "-A"], root))
    run(Command(["git", "commit", "-q", "--allow-empty", "-m", "everything"], root))
