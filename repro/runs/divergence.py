"""Where one run first went another way than another one, or than itself when it was done again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from repro.identity.distance import in_ulps
from repro.identity.parts import unpack
from repro.identity.payloads import drawn_folds
from repro.pipeline.locate import differences as locate
from repro.runs.predictions import PredictionDifference
from repro.runs.predictions import compare as compare_predictions

MODEL = "model, "
_FOLD = re.compile(r"fold (\d+)")


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first thing of one kind that is not what it was."""

    kind: str
    """data, rows, target, features, folds, selection, model, predictions or metrics: in the order
    in which one follows from another."""
    where: str
    """The place and both values, in words."""


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
    """What came of doing it again, or what another run was."""

    facts: Mapping[str, Any]
    finished: Mapping[str, Any]
    outputs: Mapping[str, str]
    predictions: Path


def as_again(run: Sealed) -> Again:
    """Return a sealed run as what another one is held against; an older one may know less."""
    snapshot, payloads = run.snapshot, run.snapshot["payloads"]
    known = ("dataset", "splits")
    facts = {name: payloads[name]["facts"] if name in payloads else {} for name in known}
    facts |= {name: snapshot[name] for name in ("samples", "drawn_folds") if name in snapshot}
    finished = {"parts": run.parts}
    if "selection" in snapshot:
        finished["selection"] = snapshot["selection"]
    facts["locators"] = run.locators
    return Again(facts, finished, snapshot["outputs"], run.predictions)


def divergences(sealed: Sealed, again: Again) -> tuple[Divergence, ...]:
    """Return the first difference of each kind, the one that came first in front.

    Empty if every output is the same. Raises IntegrityError for predictions that cannot be read.
    """
    if sealed.snapshot["outputs"] == again.outputs:
        return ()
    return (
        *before_predictions(sealed, again),
        *_predictions(sealed, again),
        *metrics(sealed, again),
    )


def before_predictions(sealed: Sealed, again: Again) -> tuple[Divergence, ...]:
    """Return the first difference of each kind up to the models, the one that came first in front.

    Of a kind that one of the two knows nothing of, nothing is said.
    """
    return tuple(
        found
        for found in (
            _data(sealed, again),
            *_rows(sealed.snapshot.get("samples"), again.facts.get("samples")),
            _folds(folds_of(sealed.snapshot), drawn_folds(again.facts)),
            _selection(sealed.snapshot, again.finished),
            _model(sealed, again),
        )
        if found is not None
    )


def metrics(sealed: Sealed, again: Again) -> tuple[Divergence, ...]:
    """Return that the metrics are others, if they are."""
    same = sealed.snapshot["outputs"].get("metrics") == again.outputs.get("metrics")
    return () if same else (Divergence("metrics", "their values"),)


def _data(sealed: Sealed, again: Again) -> Divergence | None:
    payload, now = sealed.snapshot["payloads"].get("dataset"), again.facts.get("dataset")
    if payload is None or not now or payload["facts"]["root"] == now["root"]:
        return None
    for found in locate(sealed.locators, again.facts["locators"]):
        where = f"{found.symbol or 'table'}, {found.column or 'rows'}, {found.first}"
        return Divergence("data", where)
    return Divergence("data", "the dataset's digest")


def _rows(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Iterator[Divergence]:
    """Yield the first difference of the rows, of the target and of the features."""
    if old is None or new is None or old["digest"] == new["digest"]:
        return
    for name in ("time", "symbol"):
        if old["columns"][name] != new["columns"][name]:
            yield Divergence("rows", name)
            break
    if old["columns"]["target"] != new["columns"]["target"]:
        yield Divergence("target", "the labels of the rows")
    both = dict.fromkeys([*new["features"], *old["features"]])
    names = [n for n in both if old["features"].get(n) != new["features"].get(n)]
    if names:
        yield Divergence("features", names[0])
    elif old["columns"] == new["columns"]:
        yield Divergence("features", "their order")


def folds_of(snapshot: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the folds of a sealed run: beside their identity where a seed drew them."""
    found: Mapping[str, Any] | None = snapshot.get("drawn_folds")
    return found or snapshot["payloads"].get("splits", {}).get("facts", {})


def _folds(old: Mapping[str, Any], new: Mapping[str, Any]) -> Divergence | None:
    if old.get("fold_map") == new.get("fold_map") or "folds" not in old or "folds" not in new:
        return None
    for number, (a, b) in enumerate(zip_longest(old["folds"], new["folds"]), 1):
        if a != b:
            return Divergence("folds", f"fold {number}")
    return Divergence("folds", "which rows train and test")


def _selection(old: Mapping[str, Any], new: Mapping[str, Any]) -> Divergence | None:
    if "selection" not in old or "selection" not in new:
        return None
    then, now = old["selection"]["stages"], new["selection"]["stages"]
    for stage in _in_turn([*now, *then]):
        if now.get(stage) != then.get(stage):
            return Divergence("selection", stage)
    return None


def _in_turn(stages: Iterable[str]) -> list[str]:
    """Return stages in the order in which they are trained: by fold, then the final one.

    The files of a sealed run have them by name.
    """

    def place(stage: str) -> tuple[bool, int]:
        fold = _FOLD.match(stage)
        return fold is None, int(fold[1]) if fold else 0

    return sorted(dict.fromkeys(stages), key=place)


def _model(sealed: Sealed, again: Again) -> Divergence | None:
    """Return the first stage whose model differs, and the first part of it that does."""
    old, new = sealed.snapshot["outputs"], again.outputs
    names = (name for name in (*new, *old) if name.startswith(MODEL))
    for stage in _in_turn(name.removeprefix(MODEL) for name in names):
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


def _predictions(sealed: Sealed, again: Again) -> tuple[Divergence, ...]:
    if sealed.snapshot["outputs"]["predictions"] == again.outputs["predictions"]:
        return ()
    timed = is_timed(sealed.locators)
    found = compare_predictions(sealed.predictions, again.predictions, timed=timed)
    return (Divergence("predictions", told(found)),)


def is_timed(locators: Mapping[str, Any]) -> bool:
    """Return whether the rows of a dataset have times, and not numbers in their place."""
    return not str(locators["unit"]).endswith("rows")


def told(found: PredictionDifference) -> str:
    """Return how predictions differ, in a line: the first row, how many, and by how much."""
    if found.first is None:
        return f"{found.only_a} rows are missing, {found.only_b} are new"
    return (
        f"{found.first} ({found.changed} of {found.rows} rows differ, the largest by "
        f"{_amount(found.largest)}, {in_ulps(found.largest_ulps)})"
    )


def _amount(largest: float | None) -> str:
    return "no finite number" if largest is None else repr(largest)
