"""What git says of the workspace's code: recorded beside a run, never part of its identity."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

SECONDS = 5.0
SAFE = ("--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
"""A repository's own settings must not start programs, and its variables must not name another."""


def describe(root: Path) -> dict[str, Any] | None:
    """Return commit and whether tracked files differ from it; None without git or a repository."""
    git = shutil.which("git")
    if git is None:
        return None
    commit = _run(git, root, "rev-parse", "HEAD")
    if commit is None:
        return None
    status = _run(git, root, "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit.strip(), "dirty": None if status is None else bool(status.strip())}


def _run(git: str, root: Path, *arguments: str) -> str | None:
    """Return what git prints, or None if it fails or takes too long."""
    try:
        done = subprocess.run(
            [git, *SAFE, "-C", str(root), *arguments],
            env={"PATH": os.environ.get("PATH", ""), "GIT_CONFIG_NOSYSTEM": "1"},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
