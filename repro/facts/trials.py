"""What a declaration says for whoever tries the trainer out: the conformance kit. Pure.

``trial`` is a closed mapping of ``values`` (canonical name to the value that the kit starts from,
where the model document's is slow or leaves others without effect), ``others`` (name to another
value that changes a model of a few hundred rows) and ``with`` (hyperparameter or seed to the values
that must stand beside it before it counts). A rule may have a ``probe``, a closed mapping too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Trial:
    """Values to try a trainer with."""

    values: Mapping[str, Any] = field(default_factory=dict)
    others: Mapping[str, Any] = field(default_factory=dict)
    beside: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Hyperparameter or seed to the hyperparameters that let it count."""


@dataclass(frozen=True, slots=True)
class Probe:
    """How to see the difference that a rule of a rulebook makes."""

    value: Any
    """What the parameter has without the rule."""
    also: Mapping[str, Any]
    """What else must be otherwise before it shows; other rules may force it."""
    threads: tuple[int, ...]
    """Numbers of threads that are fitted with; of one number, repeats are compared."""
    repeats: int
    """Fits at each of them."""
    rows: int


def read_trial(entry: Mapping[str, Any], names: Collection[str], seeds: Collection[str]) -> Trial:
    """Return the ``trial`` of a declaration of these hyperparameters and seeds.

    Raises ValueError for one that is not as it must be, TypeError or AttributeError for no mapping.
    """
    _require(entry, {"values", "others", "with"}, "a trial")
    found = Trial(
        dict(entry.get("values", {})), dict(entry.get("others", {})), dict(entry.get("with", {}))
    )
    told = {*found.values, *found.others}
    for beside in found.beside.values():
        told |= set(beside)
    strange = (told - set(names)) | (set(found.beside) - {*names, *seeds})
    if strange:
        raise ValueError(f"a trial names {sorted(strange)}, which are not declared")
    return found


def read_probe(entry: Mapping[str, Any] | None) -> Probe | None:
    """Return the ``probe`` of a rule, or None; raises as ``read_trial`` does, and KeyError."""
    if entry is None:
        return None
    _require(entry, {"value", "also", "threads", "repeats", "rows"}, "a probe")
    return Probe(
        entry["value"],
        dict(entry.get("also", {})),
        tuple(entry["threads"]),
        entry["repeats"],
        entry["rows"],
    )


def read_inert(entry: Mapping[str, str], seeds: Collection[str]) -> dict[str, str]:
    """Return the seeds that change nothing, with the reason; ValueError for one not declared."""
    strange = set(entry) - set(seeds)
    if strange:
        raise ValueError(f"inert_seeds names {sorted(strange)}, which are not declared")
    return dict(entry)


def _require(entry: Mapping[str, Any], known: Collection[str], what: str) -> None:
    """Raise ValueError for a key that nothing reads."""
    strange = set(entry.keys()) - set(known)
    if strange:
        raise ValueError(f"{what} says {sorted(strange)}")
