"""Runs by what they are called, found by the index and read from the disk."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path

from repro.audit_log.errors import LogError
from repro.errors import IntegrityError, UsageError
from repro.runs import layout
from repro.runs.entries import signed_size
from repro.runs.index import ASKED, Index, opened
from repro.runs.sealed import Run, at_path, load_run, pulled_runs

_LATEST = re.compile(r"@latest(?:~(\d+))?\Z")
_NAMING = ("name", "execution_key", "strict_key", "replicate_key")
"""What the beginning of names a run."""
_NAMES = "target || '/' || view || '/' || coalesce(symbol, '') || '/' || family"
_KEY_OF_NAMES = "target || '/' || view || coalesce('/' || symbol, '') || '/' || family"
_BEYOND = "\x7f"
"""Sorts after every character of a name or key."""
_SHOWN = 10
"""Runs that a hint names, the newest first."""
_COMPARED = 1000
"""Of how many runs, the newest, a name with a slip may be one."""
_ALIKE = 0.8
"""Share of two names that must agree, for one to be meant by the other."""
_TOLD = 6
"""Characters from which on the beginning of a name is no other one's by chance."""


def find(root: Path, reference: str) -> Run:
    """Return the run that ``reference`` names.

    A path, ``@latest``, ``@latest~N``, the name of a pin as ``@NAME``, or a unique prefix of a name
    or of an execution, strict or replicate key; if none is so called, a run that was pulled.
    ``@latest`` is the newest run that somebody asked for: those that an attribution trained are
    passed over, unless the log says that they were sealed otherwise. Raises UsageError if there is
    none, or if there are several (it lists them).
    """
    if not reference:
        raise UsageError("no run is called ''", "a run has a name, such as @latest")
    if "/" in reference or reference.startswith("."):
        return at_path(root, Path(reference))
    base = layout.runs(root)
    with opened(root) as index:
        count = index.count()
        if not count and not _pulled_as(root, reference):
            raise UsageError("there are no runs yet", "make one with: repro train")
        latest = _LATEST.match(reference)
        if latest:
            back = int(latest.group(1) or 0)
            rest = f"WHERE {ASKED} ORDER BY plan DESC, name DESC LIMIT 1 OFFSET ?"
            rows = index.select(rest, (back,)) if back < count else []
            if not rows:
                raise UsageError(f"{reference}: there is no such run; {_how_many(index)}")
            return load_run(base / rows[0][0])
        if reference.startswith("@"):
            return _pinned(root, reference[1:])
        begins = " OR ".join(f"({column} >= ? AND {column} < ?)" for column in _NAMING)
        found = index.names("WHERE name = ?", (reference,)) or index.names(
            f"WHERE {begins}", (reference, reference + _BEYOND) * len(_NAMING)
        )
        if len(found) == 1:
            return load_run(base / found[0])
        newest = (found or index.names(f"WHERE {ASKED}") or index.names())[::-1]
        names = ", ".join(newest[:_SHOWN])
    if not found and (others := _pulled_as(root, reference)):
        if len(others) == 1:
            return others[0]
        names = ", ".join(str(run.folder.parents[4].relative_to(root)) for run in others)
        raise UsageError(f"{reference!r} names {len(others)} pulled runs", f"by path: {names}")
    if not found:
        meant = _meant(root, reference, newest[:_COMPARED])
        raise UsageError(f"no run is called {reference!r}{meant}", f"the newest runs: {names}")
    raise UsageError(f"{reference!r} names {len(found)} runs", f"candidates: {names}")


def _meant(root: Path, reference: str, newest: Sequence[str]) -> str:
    """Return ``; did you mean X?``, or nothing: a name without its ``@``, or a run so begun."""
    words = ["latest"]
    with suppress(LogError):  # what the log cannot say is only not proposed
        words += _given(root)
    if close := get_close_matches(reference, words, 1, _ALIKE):
        return f"; did you mean @{close[0]}?"
    begun = {name[: len(reference)]: name for name in reversed(newest)}
    if len(reference) >= _TOLD and (close := get_close_matches(reference, begun, 1, _ALIKE)):
        return f"; did you mean {begun[close[0]]}?"
    return ""


def _how_many(index: Index) -> str:
    """Return how many runs ``@latest`` counts, in words."""
    count = index.count(f"WHERE {ASKED}")
    others = index.count() - count
    said = f"the workspace has {count} run" + ("" if count == 1 else "s")
    return f"{said}, and {others} more that attributions trained" if others else said


def _pulled_as(root: Path, reference: str) -> tuple[Run, ...]:
    return () if reference.startswith("@") else pulled_runs(root, reference)


def relatives(root: Path, of: Run, mode: str) -> tuple[Run, ...]:
    """Return the runs that have a run's replicate key, strict key or (``legacy``) names.

    As in the two below, those that an attribution trained are passed over, the run itself too:
    nobody chose what they are, and whoever asked for replicates did not ask for them.
    """
    if mode == "legacy":
        names = ("target", "view", "symbol", "family")
        rest = " AND ".join(f"{name} IS ?" for name in names)
        values = tuple(of.snapshot[name] for name in names)
    else:
        key = "replicate_key" if mode == "replicate" else "strict_key"
        rest, values = f"{key} = ?", (of.group[key],)
    with opened(root) as index:
        found = index.names(f"WHERE {rest} AND {ASKED}", values)
    return tuple(load_run(layout.runs(root) / name) for name in found)


def several(root: Path, mode: str) -> tuple[Run, ...]:
    """Return the runs that share what ``relatives`` goes by with another one, oldest first."""
    columns = {"replicate": "replicate_key", "strict": "strict_key"}
    shared = columns.get(mode, _NAMES)
    with opened(root) as index:
        each = f"SELECT {shared} FROM runs WHERE {ASKED} GROUP BY 1"  # noqa: S608 (our own)
        found = index.names(f"WHERE {shared} IN ({each} HAVING count(*) > 1) AND {ASKED}")
    return tuple(load_run(layout.runs(root) / name) for name in found)


def sharing(root: Path, mode: str, key: str) -> tuple[Run, ...]:
    """Return the runs whose key of that mode is this one (see `variance.key_of`), oldest first."""
    columns = {"replicate": "replicate_key", "strict": "strict_key"}
    with opened(root) as index:
        found = index.names(f"WHERE {columns.get(mode, _KEY_OF_NAMES)} = ? AND {ASKED}", (key,))
    return tuple(load_run(layout.runs(root) / name) for name in found)


def newest_of(root: Path, beginning: str, column: str = "replicate_key") -> Run | None:
    """Return the newest run of the one replicate key that begins so; None if none or several do.

    Of one that somebody asked for, if the key has such. ``column`` may be ``strict_key``.
    """
    begins, values = f"WHERE {column} >= ? AND {column} < ?", (beginning, beginning + _BEYOND)
    with opened(root) as index:
        found = index.names(begins, values)
        own = f"(SELECT {column} FROM runs WHERE name = ?)"  # noqa: S608 (our own)
        if not found or index.count(f"{begins} AND {column} != {own}", (*values, found[-1])):
            return None
        asked = index.names(f"{begins} AND {ASKED}", values)
    return load_run(layout.runs(root) / (asked or found)[-1])


def pins(root: Path) -> dict[str, str]:
    """Return the run that each name stands for, as the log has it: the newest record counts."""
    return {name: run for name, (run, *_) in _given(root).items()}


def pinned(root: Path) -> dict[str, tuple[str, int]]:
    """Return the same with the place in the log of the record that says so."""
    return {name: (run, seq) for name, (run, _, seq) in _given(root).items()}


def _given(root: Path) -> dict[str, tuple[str, str, int]]:
    """Return run, output digest and place of the record of each name that stands for a run.

    A record counts once it is signed, as a pin is when it is made: appending needs no key, and
    nobody else may move a baseline. Where no checkpoint says what is, all do: whoever judges a run
    verifies the log first.
    """
    from repro.audit_log.storage.search import records_of

    found: dict[str, tuple[str, str, int] | None] = {}
    signed = signed_size(root)
    with suppress(FileNotFoundError):  # no log, no pins
        for record in records_of(root / layout.LOG, "run.pinned"):
            if signed is not None and record.seq >= signed:
                continue
            run, digest = record.body["run"], record.body["output_digest"]
            given = None if run is None else (str(run), str(digest), record.seq)
            found[str(record.body["name"])] = given
    return {name: given for name, given in sorted(found.items()) if given is not None}


def _pinned(root: Path, name: str) -> Run:
    """Return the run that a name stands for; IntegrityError if it was given to other bits."""
    known = _given(root)
    if name not in known:
        there = f"pinned are @{', @'.join(known)}" if known else "none is pinned"
        raise UsageError(
            f"no run is called '@{name}'", f"there is @latest, @latest~1 and so on; {there}"
        )
    named, digest, _ = known[name]
    run = load_run(layout.runs(root) / named)
    if run.snapshot["output_digest"] != digest:
        raise IntegrityError(
            f"@{name} was given to other bits than run {named} has",
            "look at who said so: repro audit show; give it again: repro runs pin",
        )
    return run
