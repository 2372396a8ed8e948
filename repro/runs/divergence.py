"""Where a run that was done again first went another way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from repro.identity.parts import unpack
from repro.identity.payloads import drawn_folds
from repro.pipeline.locate import differences as locate
from repro.runs.predictions import PredictionDifference
from repro.runs.predictions import compare as compare_predictions

MODEL = "model, "


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first thing of one kind that is not what it was."""

    kind: str
    """data, rows, target, features, folds, selection, model, predictions or metrics: in the order
    in which one follows from another."""
    where: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a run was."""

    snapshot: Mapping[str, Any]
    locators: Mapping[str, Any]
    parts: Mapping[str, Any]
    """By stage; see ``repro.identity.parts``."""
    predictions: Path


@dataclass(frozen=True, slots=True)
class Again:
    """What came of doing it again."""

    facts: Mapping[str, Any]
    finished: Mapping[str, Any]
    outputs: Mapping[str, str]
    predictions: Path


def divergences(sealed: Sealed, again: Again) -> tuple[Divergence, ...]:
    """Return the first difference of each kind, the one that came first in front.

    Empty if every output is the same. Raises IntegrityError for predictions that cannot be read.
    """
    old, new = sealed.snapshot["outputs"], again.outputs
    if old == new:
        return ()
    return tuple(
        found
        for found in (
            _data(sealed, again),
            *_rows(sealed.snapshot["samples"], again.facts["samples"]),
            _folds(_cut(sealed.snapshot), drawn_folds(again.facts)),
            _selection(sealed.snapshot, again.finished),
            _model(sealed, again),
            _predictions(sealed, again),
            _metrics(old, new),
        )
        if found is not None
    )


def _data(sealed: Sealed, again: Again) -> Divergence | None:
    payload = sealed.snapshot["payloads"].get("dataset")
    if payload is None or payload["facts"]["root"] == again.facts["dataset"]["root"]:
        return None
    for found in locate(sealed.locators, again.facts["locators"]):
        where = f"{found.symbol or 'table'}, {found.column or 'rows'}, {found.first}"
        return Divergence("data", where)
    return Divergence("data", "the dataset's digest")


def _rows(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Divergence]:
    """Yield the first difference of the rows, of the target and of the features."""
    if old["digest"] == new["digest"]:
        return
    for name in ("time", "symbol"):
        if old["columns"][name] != new["columns"][name]:
            yield Divergence("rows", name)
            break
    if old["columns"]["target"] != new["columns"]["target"]:
        yield Divergence("target", "the labels of the rows")
    names = [n for n in new["features"] if old["features"].get(n) != new["features"][n]]
    if names:
        yield Divergence("features", names[0])
    elif old["columns"] == new["columns"]:
        yield Divergence("features", "their order")


def _cut(snapshot: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the folds of a sealed run: beside their identity where a seed drew them."""
    found: Mapping[str, Any] = snapshot.get("drawn_folds", snapshot["payloads"]["splits"]["facts"])
    return found


def _folds(old: Mapping[str, Any], new: Mapping[str, Any]) -> Divergence | None:
    if old["fold_map"] == new["fold_map"]:
        return None
    for number, (a, b) in enumerate(zip_longest(old["folds"], new["folds"]), 1):
        if a != b:
            return Divergence("folds", f"fold {number}")
    return Divergence("folds", "which rows train and test")


def _selection(old: Mapping[str, Any], new: Mapping[str, Any]) -> Divergence | None:
    if "selection" not in old or "selection" not in new:
        return None
    for stage, now in new["selection"]["stages"].items():
        if now != old["selection"]["stages"].get(stage):
            return Divergence("selection", stage)
    return None


def _model(sealed: Sealed, again: Again) -> Divergence | None:
    """Return the first stage whose model differs, and the first part of it that does."""
    old, new = sealed.snapshot["outputs"], again.outputs
    for stage in again.finished["parts"]:  # in the order in which they were trained
        name = f"{MODEL}{stage}"
        if old.get(name) != new.get(name):
            return Divergence("model", f"{stage}{_part(sealed.parts, again.finished, stage)}")
    return None


def _part(old: Mapping[str, Any], finished: Mapping[str, Any], stage: str) -> str:
    """Return the name of the first part that differs, after a comma, as far as it is known."""
    if stage not in old or stage not in finished["parts"]:
        return ""
    then, now = list(unpack(old[stage])), list(unpack(finished["parts"][stage]))
    for a, b in zip_longest(then, now):
        if a == b:
            continue
        if a is None:
            return f", {b[0]}, which was not there"
        if b is None:
            return f", {a[0]}, which is missing"
        same = sum(x == y for x, y in zip(then, now, strict=False))
        return f", {a[0]} ({len(then) - same} of {len(then)} parts differ)"
    return ""


def _predictions(sealed: Sealed, again: Again) -> Divergence | None:
    if sealed.snapshot["outputs"]["predictions"] == again.outputs["predictions"]:
        return None
    timed = not sealed.locators["unit"].endswith("rows")
    found = compare_predictions(sealed.predictions, again.predictions, timed=timed)
    return Divergence("predictions", told(found))


def told(found: PredictionDifference) -> str:
    """Return how predictions differ, in a line: the first row, how many, and by how much."""
    if found.first is None:
        return f"{found.only_a} rows are missing, {found.only_b} are new"
    return (
        f"{found.first} ({found.changed} of {found.rows} rows differ, the largest by "
        f"{found.largest!r}, {found.largest_ulps} ULPs)"
    )


def _metrics(old: Mapping[str, str], new: Mapping[str, str]) -> Divergence | None:
    return None if old["metrics"] == new["metrics"] else Divergence("metrics", "their values")
