"""The workspace's log, as the verbs use it."""

from __future__ import annotations

from pathlib import Path

from repro import __version__
from repro.audit_log.creation import local_actor
from repro.audit_log.keystore import KeyStore
from repro.audit_log.record import Tool
from repro.audit_log.store import Log
from repro.errors import InputError

DIRECTORY = "AUDIT_LOG"
TOOL = Tool("repro", __version__)


def create_log(root: Path) -> Log:
    """Return a new log in the workspace, with a key of its own outside it."""
    return Log.create(root / DIRECTORY, actor=local_actor(), tool=TOOL, keys=KeyStore.default())


def open_log(root: Path) -> Log:
    """Return the workspace's log, with every interrupted run brought to its end.

    Raises InputError if there is none, and the log's own errors if it cannot be used.
    """
    directory = root / DIRECTORY
    if not directory.exists():
        raise InputError(
            f"no log: {directory} does not exist",
            "a missing log is never taken for an empty one; put it back, or make one with: "
            "repro init --add-missing",
        )
    log = Log.open(directory, actor=local_actor(), tool=TOOL)
    log.recover_runs()
    return log


def open_log_to_sign(root: Path) -> Log:
    """Return the log, known to have its private key here: a plan must be committed before work."""
    log = open_log(root)
    log.keys.signer(log.origin)
    return log
