"""The question of evidence: do two checkpoints contradict each other, as a file says."""

from __future__ import annotations

from argparse import Namespace

from repro.audit_log.errors import NoteError
from repro.audit_log.verification.forks import MAX_EVIDENCE, check_evidence

from .answer import Answer
from .inputs import read, read_trust

_NOBODY = "nothing says whose log this is: give --policy or --vkey"


def fork(options: Namespace) -> Answer:
    """Answer whether a file of evidence proves that a log was forked: then that is the verdict."""
    trust = read_trust(options.policy, options.vkey)
    data = read(options.file, MAX_EVIDENCE)
    if trust is None:
        return Answer("unverifiable", _NOBODY)
    try:
        found = check_evidence(data, [log.verifier for log in trust.logs])
    except NoteError as error:
        return Answer("unverifiable", f"this proves nothing: {error}")
    older, newer = found.older, found.newer
    return Answer(
        "forked",
        f"{older.origin} signed two trees that no log can have grown through",
        (
            f"signed: {older.size} records, root {older.root.hex()}",
            f"signed: {newer.size} records, root {newer.root.hex()}",
            f"the first {older.size} of these {newer.size} have the root {found.root.hex()}",
        ),
        {
            "origin": older.origin,
            "older": {"size": older.size, "root": older.root.hex()},
            "newer": {"size": newer.size, "root": newer.root.hex()},
            "root": found.root.hex(),
        },
    )
