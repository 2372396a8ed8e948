"""What is written is what happens: every leaf of every shipped document, changed, moves something.

A leaf that nothing reads fails here. In a context in which it decides something, another value
moves the identity component that its schema names and no other; the worker's facts move only
downstream of it. That a trainer has every parameter in force, tests/trainers and the worker itself
see.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from repro.config.documents import catalog
from repro.config.resolution.settings import PROFILES

from .mutants import (
    CONFIG,
    FAMILIES,
    FIRST,
    ROUTING,
    TARGETS,
    Keys,
    document,
    leaves,
    mutation,
    schema_at,
    shipped,
    written,
)
from .outcome import SIGNATURES, Outcome, outcome

DOWNSTREAM: Mapping[str, frozenset[str]] = {
    "dataset": frozenset({"features", "splits"}),
    "target": frozenset({"splits"}),
    "features": frozenset({"splits"}),
    "routing": frozenset({"splits"}),
}
"""Which signatures may move with another: the rows that are cut depend on what they are made of."""
ALL = [(relative, path) for relative in shipped() for path, _ in leaves(document(relative).value)]
PEOPLE = "a sentence for people"
BRINGS = "the values that it brings are classified where they stand"
LABELS = frozenset({"version"})
"""What is part of an identity and decides nothing else: the author's own mark of a definition."""
WORKS = frozenset({"dataset", "target", "features", "splits", "routing"})


def asked_for(relative: str, path: Keys) -> dict[str, Any]:
    """Return a selection in which a leaf decides something."""
    asked: dict[str, Any] = {}
    parts = Path(relative).with_suffix("").parts
    if "model_config" in parts:
        asked["sets"] = (f"pipeline.family={parts[-1]}",)
        task = FAMILIES[parts[-1]].tasks[0]
        asked["target"] = "fwd_ret_5d" if task == "regression" else "fwd_up_5d"
        if path[0] == "variants":
            asked["variant"] = path[1]
    elif relative == TARGETS:
        asked["target"] = path[1]
    elif parts[0] == catalog.EXPERIMENTS:
        asked["experiment"] = parts[-1]
    elif path[0] == PROFILES[-1]:
        asked["profile"] = path[1]
        asked["sets"] = (f"pipeline.family={reached(path)}",)
    if path[-1] == "validation_fraction":
        asked["sets"] = ("early_stopping_round=5",)
    if path[-1] == "shuffled":
        asked["target"] = "fwd_ret_1d"
        asked["sets"] = ("splits.method=k_fold", "purge=1", "embargo=0", "min_train_rows=99")
    if path[-1] in ("group_column", "time_blocks"):
        asked["sets"] = ("splits.method=grouped", "splits.folds=3")
    if path[-1] == "default_target":
        asked["target"] = "fwd_ret_5d"
    if (relative, path) == (ROUTING, ("routing", "symbol")):
        asked["sets"] = ("routing.view=symbol_specific", "splits.min_train_rows=100")
    return asked


def reached(path: Keys) -> str:
    """Return a family that a leaf of a training profile reaches."""
    if len(path) > 3:
        return str(path[2])
    return next(f for f in sorted(FAMILIES) if path[2] in FAMILIES[f].procedure())


def data_for(path: Keys) -> str:
    """Return the kind of table that lets a leaf of the dataset decide something."""
    return {"sort": "unsorted", "duplicates": "twice"}.get(str(path[-1]), "")


def beneath(root: Path, relative: str, path: Keys) -> None:
    """Take away what lies over a leaf of the defaults."""
    own = Path(relative).relative_to(catalog.DEFAULTS).as_posix()
    if not (CONFIG / own).is_file():
        return
    over, depth = [path], len(path)
    family = Path(own).stem
    if own.startswith(catalog.MODELS):
        main = FAMILIES[family].canonical_name(str(path[1]))
        over, depth = [p for p, _ in leaves(document(own).value)], 2
        over = [p for p in over if p[0] == "hyperparameters"]
        over = [p for p in over if FAMILIES[family].canonical_name(str(p[1])) == main]
    if own == ROUTING:  # a view of one symbol needs that symbol from beneath as well
        over = [p for p, _ in leaves(document(own).value) if p[0] == path[0]]
    present = {p for p, _ in leaves(document(own).value)}
    text = written(own, {}, tuple(sorted({p[:depth] for p in over if p in present})))
    (root / "CONFIG" / own).write_text(text, "utf-8")
    profiles = "training_config/optimizer_config.yaml"
    names = FAMILIES[family].procedure() if family in FAMILIES else {}
    lying = [
        p
        for p, _ in leaves(document(profiles).value)
        if p[1] == "default" and len(p) == 3 and names.get(str(p[2])) == path[1]
    ]
    if lying:
        (root / "CONFIG" / profiles).write_text(written(profiles, {}, tuple(lying)), "utf-8")


def component(relative: str, path: Keys) -> tuple[str, str]:
    """Return the component that the schema names for a leaf, and the reason if it is none."""
    slot = catalog.slot_of(Path(relative), FAMILIES)
    assert slot is not None
    schema = catalog.schema_of(slot.kind, FAMILIES)
    found, reason = catalog.component_of(schema, ()), ""
    for n in range(1, len(path) + 1):
        keys = tuple(str(key) for key in path[:n])
        found = catalog.component_of(schema, keys) or found
        said = schema_at(relative, path[:n])
        reason = said.get("x-identity-reason", reason) if said else reason
    assert found is not None, f"nobody classified {relative}: {path}"
    return found, reason


def both(base: Path, relative: str, path: Keys, now: Any, works: bool) -> tuple[Outcome, Outcome]:
    """Return what the shipped configuration comes to before and after one leaf is changed."""
    asked, kind = asked_for(relative, path), data_for(path)
    first = FIRST.get((relative, path), {})
    shutil.copytree(CONFIG, base / "CONFIG", ignore=shutil.ignore_patterns("__*"))
    file = base / "CONFIG" / relative
    if relative.startswith(catalog.DEFAULTS):
        beneath(base, relative, path)
        before = outcome(base, asked, kind, works=works)
    elif first:
        file.write_text(written(relative, first), "utf-8")
        before = outcome(base, asked, kind, works=works)
    else:
        before = shipped_outcome(tuple(sorted(asked.items())), kind, works)
    changes = {**first, **mutation(relative, path, now)}
    file.write_text(written(relative, changes), "utf-8")
    return before, outcome(base, asked, kind, works=works)


@cache
def shipped_outcome(asked: tuple[tuple[str, Any], ...], kind: str, works: bool) -> Outcome:
    """Return what the shipped configuration comes to as it is."""
    with TemporaryDirectory() as base:
        shutil.copytree(CONFIG, Path(base, "CONFIG"), ignore=shutil.ignore_patterns("__*"))
        return outcome(Path(base), dict(asked), kind, works=works)


@pytest.mark.parametrize(
    ("relative", "path"), ALL, ids=[f"{r}:{'.'.join(map(str, p))}" for r, p in ALL]
)
def test_another_value_moves_what_its_schema_names_and_nothing_upstream(relative, path, tmp_path):
    now = document(relative).value
    for key in path:
        now = now[key]
    named, reason = component(relative, path)
    schema = schema_at(relative, path)
    if reason == PEOPLE:
        return  # it is shown, never read
    if schema and len(schema.get("enum", ())) == 1:
        return  # there is no other valid value; tests/config finds an invalid one refused
    before, after = both(tmp_path, relative, path, now, named in WORKS | {"none"})
    names = [*before.components]
    moved = {name for name in names if before.components[name] != after.components[name]}
    if reason == BRINGS:
        assert moved, "it brings nothing"
        return
    assert moved == {named} - {"none"}
    said = [(each.facts, each.options, each.active, each.problems) for each in (before, after)]
    assert said[0] != said[1], "nothing reads this leaf"
    if named in SIGNATURES and path[-1] not in LABELS:
        assert before.decides != after.decides, "the worker is not told"
    if named in WORKS and path[-1] not in LABELS:
        made = [(each.facts, each.problems) for each in (before, after)]
        assert made[0] != made[1], "nothing that the worker or a check does depends on this leaf"
    if before.signatures and after.signatures:
        went = {name for name in SIGNATURES if before.signatures[name] != after.signatures[name]}
        assert {named} & set(SIGNATURES) <= went
        assert went <= {named} | DOWNSTREAM.get(named, frozenset())


def test_there_are_leaves_to_change():
    assert len(ALL) > 200
    assert {relative for relative, _ in ALL} == set(shipped())
