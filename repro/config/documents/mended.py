"""Experiments as they would be without what is wrong in them, so that the rest can be checked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from repro.config.documents.catalog import EXPERIMENT, EXPERIMENTS, Slot, Trainer
from repro.config.documents.tree import Tree, document_problems
from repro.config.text.document import Document, Path
from repro.config.text.lines import dotted
from repro.errors import Problem

_SLOT = Slot("", EXPERIMENT, overlay=False)


def mended(
    tree: Tree, broken: Collection[str], found: Iterable[Problem], families: Mapping[str, Trainer]
) -> tuple[Tree, set[str]]:
    """Return ``tree`` with its broken experiments mended, and what is still ``broken``.

    Whatever a problem lies at is left out: an unknown key, a value that its schema refuses. One
    that lacks a key which is only for people is whole enough. Nothing that is mended may be
    trained; what is ``found`` stays told.
    """
    wrong: dict[str, set[str]] = {}
    for problem in found:
        if problem.rule != "required":
            wrong.setdefault(problem.place.file, set()).add(problem.path)
    whole: dict[str, Document] = {}
    for name, document in tree.experiments.items():
        if f"{EXPERIMENTS}.{name}" not in broken:
            continue
        value = _without(document.value, (), wrong.get(document.file, set()))
        if not isinstance(value, dict) or not isinstance(value.get(EXPERIMENT), dict):
            continue
        made = replace(document, value=value)
        if all(p.rule == "required" for p in document_problems(made, _SLOT, families, whole=True)):
            whole[name] = made
    left = set(broken) - {f"{EXPERIMENTS}.{name}" for name in whole}
    return replace(tree, experiments={**tree.experiments, **whole}), left


def _without(value: Any, path: Path, wrong: Collection[str]) -> Any:
    """Return a value without what lies at one of the ``wrong`` paths, lists as they are.

    A list with a wrong item is wrong itself: its items have no names by which they could be kept.
    """
    if not isinstance(value, dict):
        return value
    return {
        key: _without(inside, (*path, key), wrong)
        for key, inside in value.items()
        if not _is_wrong(inside, (*path, key), wrong)
    }


def _is_wrong(value: Any, path: Path, wrong: Collection[str]) -> bool:
    """Return whether a value is wrong, or a list in which something is."""
    if dotted(path) in wrong:
        return True
    items = enumerate(value) if isinstance(value, list) else ()
    return any(_holds_wrong(item, (*path, index), wrong) for index, item in items)


def _holds_wrong(value: Any, path: Path, wrong: Collection[str]) -> bool:
    """Return whether anything in a value is wrong."""
    if dotted(path) in wrong:
        return True
    inside: Any = ()
    if isinstance(value, Mapping):
        inside = value.items()
    elif isinstance(value, list):
        inside = enumerate(value)
    return any(_holds_wrong(child, (*path, key), wrong) for key, child in inside)
