"""What people are asked, on a terminal alone: whether to go on, and for a passphrase."""

from __future__ import annotations

import sys
from pathlib import Path

from repro.errors import UsageError

MEANT = "if it is meant, add --yes"


def require_consent(question: str, yes: bool, hint: str = MEANT) -> None:
    """Raise UsageError unless the user says yes; without a terminal only ``yes`` does.

    ``hint`` is what can be done where nobody can be asked.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked here: nothing was done", hint)
    import typer

    if not typer.confirm(question, default=False, err=True):
        raise UsageError("not confirmed: nothing was done")


def new_passphrase(file: Path | None) -> str:
    """Return the passphrase in ``file``, or the one that the user types twice."""
    from repro.verbs.audit.keys import read_passphrase, require_passphrase

    if file is not None:
        return read_passphrase(file)
    if not sys.stdin.isatty():
        raise UsageError(
            "nobody can be asked for the new passphrase here",
            "give it in a file: --new-passphrase-file FILE",
        )
    from getpass import getpass

    first = getpass("new passphrase: ")
    require_passphrase(first)
    if getpass("again: ") != first:
        raise UsageError("the two passphrases differ: nothing was done", "type it again")
    return first
