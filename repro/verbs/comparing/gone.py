"""Runs that the log completes and whose folders are gone: whoever judges many must say so.

Who may leave out replicates has the mean that he likes. Of runs whose records were pruned nothing
is known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from repro.audit_log.formats.record import decode
from repro.audit_log.storage.segments import lines_with
from repro.runs import layout
from repro.runs.purpose import is_asked
from repro.runs.variance import Stability, key_in
from repro.verbs.audit.log import DIRECTORY

_RUN = re.compile(rb'"run":"([0-9a-f]{12}-[1-9][0-9]*)"')
PLANNED, COMPLETED = "run.planned", "run.completed"


def gone(root: Path, rule: Stability) -> dict[str, tuple[str, ...]]:
    """Return the names of such runs that would count as replicates, by the key that they share.

    The log is to be known as whole: its lines are taken as they stand. Only lines of runs without a
    folder are decoded.
    """
    base = layout.runs(root)
    there = {entry.name.encode() for entry in base.iterdir()} if base.is_dir() else set()
    planned = {
        str(body["run"]): body
        for body in _bodies(root, PLANNED, there)
        if body["level"] != "best-effort"
        and is_asked(body)
        and (rule.allow_legacy_snapshots or not body["incomplete"])
    }
    if not planned:
        return {}
    found: dict[str, list[str]] = {}
    for body in _bodies(root, COMPLETED, there):
        if body["run"] in planned and not (base / body["run"]).is_dir():  # none that just came
            plan = planned[body["run"]]
            key = key_in(plan, plan["comparison_group"], rule.filter_mode)
            found.setdefault(key, []).append(str(body["run"]))
    return {key: tuple(names) for key, names in found.items()}


def _bodies(root: Path, kind: str, there: set[bytes]) -> Iterator[Mapping[str, Any]]:
    """Yield the body of each record of a kind whose run has no folder."""
    for line in lines_with(root / DIRECTORY, f'"type":"{kind}"'.encode()):
        named = _RUN.search(line)
        if named is None or named[1] not in there:
            record = decode(line)
            if record.type == kind and str(record.body["run"]).encode() not in there:
                yield record.body
