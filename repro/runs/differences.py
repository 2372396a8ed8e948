"""What differs between two sealed runs: causes by kind, with the places on both sides. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from repro.identity.equality import same
from repro.pipeline.locate import differences as locate


@dataclass(frozen=True, slots=True)
class Side:
    """Where a value of one run was decided."""

    file: str
    line: int
    column: int
    text: str | None
    layer: str


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that differs."""

    kind: str
    """configuration, data, features, splits, seed, code, environment."""
    subject: str
    old: Any
    new: Any
    component: str
    """The identity component or key that it moves; empty if none."""
    a: Side | None = None
    b: Side | None = None
    idle: bool = False
    """Whether it is a hyperparameter that has no effect in either run."""


SEED = "reproducibility.base_seed"


def configuration(
    a: Mapping[str, Any], b: Mapping[str, Any], idle: Collection[str] = ()
) -> Iterator[Cause]:
    """Yield the used values that differ, by path; types are kept apart.

    ``idle`` are the paths of those that have no effect in either run.
    """
    old = {leaf["path"]: leaf for leaf in a["values"] if leaf["used"]}
    new = {leaf["path"]: leaf for leaf in b["values"] if leaf["used"]}
    for path in sorted({*old, *new}):
        left, right = old.get(path), new.get(path)
        if left is not None and right is not None and same(left["value"], right["value"]):
            continue
        known = left or right
        component = known["component"] if known else ""
        yield Cause(
            "seed" if path.endswith(SEED) else "configuration",
            path,
            left["value"] if left else None,
            right["value"] if right else None,
            "" if component == "none" else component,
            _side(left),
            _side(right),
            path in idle,
        )
    if a["target"] != b["target"]:
        yield Cause("configuration", "target", a["target"], b["target"], "target")
    if a["family"] != b["family"]:
        yield Cause("configuration", "family", a["family"], b["family"], "hyperparameters")


def data(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Cause]:
    """Yield which cells of the dataset differ: symbol, column, first and last block of dates."""
    for found in locate(a["locators"], b["locators"]):
        span = found.first if found.first == found.last else f"{found.first} to {found.last}"
        what = found.column or "rows"
        subject = f"{found.symbol or 'table'}, {what}, {span}"
        yield Cause("data", subject, None, found.change, "dataset")


def files(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Cause]:
    """Yield the data files whose bytes differ, or that only one run read."""
    old = {file["name"]: file for file in a["files"]}
    new = {file["name"]: file for file in b["files"]}
    for name in sorted({*old, *new}):
        left, right = old.get(name), new.get(name)
        if left is None or right is None or left["blake3"] != right["blake3"]:
            yield Cause("data", f"file {name}", _digest(left), _digest(right), "")


def mapping(kind: str, component: str, a: Any, b: Any, prefix: str = "") -> Iterator[Cause]:
    """Yield each leaf at which two nested facts differ."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for key in sorted({*a, *b}):
            yield from mapping(
                kind, component, a.get(key), b.get(key), f"{prefix}, {key}" if prefix else key
            )
    elif not same(a, b):
        yield Cause(kind, prefix, a, b, component)


def _side(leaf: Mapping[str, Any] | None) -> Side | None:
    """Return where a sealed value was decided."""
    if leaf is None:
        return None
    last = leaf["history"][-1]
    return Side(last["file"], last["line"], last["column"], last["text"], last["layer"])


def _digest(file: Mapping[str, Any] | None) -> str | None:
    """Return a file's digest as it is shown."""
    return None if file is None else f"blake3:{file['blake3']}"
