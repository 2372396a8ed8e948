"""``repro runs pin``: a name for a run, in the log; ``@NAME`` then stands for it everywhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from repro.config.documents.workspace import find_root
from repro.errors import UsageError
from repro.runs.finding import find, pinned, pins
from repro.verbs.audit.log import cosigner, open_log_to_sign, require_as_logged
from repro.verbs.observer import Warn, unheard

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
LATEST = "latest"
"""What stands for the newest run, and cannot be given to another."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A name, and the run that it stands for; None where it stands for none any more."""

    name: str
    run: str | None
    record: int
    """The place in the log of the record that says so."""


def pin(start: Path, name: str, reference: str | None, warn: Warn = unheard) -> Pin:
    """Let a name stand for a run from here on, or, without a run, for none; return it.

    Appends ``run.pinned`` to the log. Raises UsageError for a name that cannot be one or that
    stands for nothing, and IntegrityError for a run that is not what was sealed.
    """
    root = find_root(start.resolve())
    if not NAME.fullmatch(name) or name == LATEST:
        bare = name.removeprefix("@")
        hint = "a name has letters, digits and _, begins with a letter, and is not latest"
        if bare != name and NAME.fullmatch(bare) and bare != LATEST:
            hint = f"here it is written without the @: {bare}"
        raise UsageError(f"{name!r} cannot name a run", hint)
    run = None
    if reference is not None:
        run = find(root, reference)
        require_as_logged(root, run)
        if run.log:
            raise UsageError(
                f"run {run.name} was pulled from another log, and names are for runs of this one",
                "name it by its path",
            )
    elif name not in pins(root):
        raise UsageError(f"no run is pinned as @{name}", "see them with: repro runs pins")
    log = open_log_to_sign(root, warn)
    cosign = cosigner(log, warn)
    stands_for = None if run is None else run.name
    digest = None if run is None else run.snapshot["output_digest"]
    appended = log.append("run.pinned", {"name": name, "run": stands_for, "output_digest": digest})
    log.commit()
    cosign()
    return Pin(name, stands_for, appended.seq)


def all_pins(start: Path) -> tuple[Pin, ...]:
    """Return every name that stands for a run, sorted."""
    root = find_root(start.resolve())
    return tuple(Pin(name, run, seq) for name, (run, seq) in pinned(root).items())
