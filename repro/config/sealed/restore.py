"""What a sealed run had, written into the documents of today, or into overlays of them.

Only the leaves that the run used count; variants, profiles, and targets and features that it did
not use stay as they are, unless a layer that is always laid decides one of its values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

from repro.config.documents.catalog import DOCUMENTS, MODELS, Trainer
from repro.config.documents.tree import Tree
from repro.config.editing import edit
from repro.config.editing.edit import Draft
from repro.config.editing.render import entry, identical
from repro.config.resolution.active import component_of, components, used
from repro.config.resolution.experiments import DEFAULT_TARGET
from repro.config.resolution.layers import Path, dotted, leaves, nest
from repro.config.resolution.resolve import Resolved
from repro.config.resolution.settings import canonical_path, is_atomic, split
from repro.config.sealed.record import NOTHING, SCHEMA, keys_of
from repro.config.text.document import Document
from repro.errors import InputError

Families = Mapping[str, Trainer]
Leaf = tuple[str, Path, Any]
"""The name of a document, the keys in it, and the value."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run had."""

    run: str
    family: str
    target: str
    used: Mapping[Path, Any]
    """The leaves that decided it."""
    rest: Mapping[Path, Any]
    """The other leaves of its documents."""

    def components(self) -> dict[str, dict[str, Any]]:
        """Return the used leaves of each identity component, by path below their document."""
        groups: dict[str, dict[str, Any]] = {}
        for path, value in self.used.items():
            name = component_of(path)
            if name != "none":
                groups.setdefault(name, {})[dotted(split(path)[1])] = value
        return groups


def wanted(
    run: str, sealed: Mapping[str, Any], families: Families, known: Mapping[str, Path] = NOTHING
) -> Wanted:
    """Return what a run's ``config.json`` says; raise InputError if it cannot be had here.

    ``known`` are today's paths by their names with dots, for older runs (see ``keys_of``).
    """
    if sealed.get("schema") != SCHEMA:
        raise InputError(
            f"run {run}: its configuration is recorded in another form, {sealed.get('schema')!r}",
            "use the version of repro that made the run",
        )
    if sealed["family"] not in families:
        raise InputError(
            f"run {run}: no trainer offers its family here, {sealed['family']!r}",
            "install what offers it",
        )
    found: dict[bool, dict[Path, Any]] = {True: {}, False: {}}
    for leaf in sealed["values"]:
        path = keys_of(leaf, known)
        is_ours = ".".join(path[:2]) in DOCUMENTS or path[0] in DOCUMENTS or path[0] == MODELS
        if not is_ours and leaf["used"]:
            raise InputError(
                f"run {run}: {leaf['path']} lies in a document that is not known here",
                "use the version of repro that made the run",
            )
        if is_ours:
            found[leaf["used"]][path] = leaf["value"]
    return Wanted(run, sealed["family"], sealed["target"], found[True], found[False])


def known_paths(tree: Tree, families: Families) -> dict[str, Path]:
    """Return the paths of the leaves that the documents of today have, by their names with dots."""
    return {
        dotted(path): path
        for table in (tree.defaults, tree.documents)
        for path in _leaves(table, families)
    }


def missing_documents(tree: Tree, want: Wanted, families: Families) -> dict[File, bytes]:
    """Return each document of the run that is not there, written anew.

    It has all leaves that it had; over a document in ``defaults`` only those that differ from it.
    """
    made = {}
    names = {split(path)[0] for path in want.used}
    beneath = _leaves(tree.defaults, families)
    for name in sorted(names - set(tree.documents)):
        flat = {p: v for p, v in want.used.items() if split(p)[0] == name and p != DEFAULT_TARGET}
        flat = {p: v for p, v in flat.items() if not _lies_beneath(beneath, p, v)}
        if name not in tree.defaults:
            flat = {p: v for p, v in {**want.rest, **want.used}.items() if split(p)[0] == name}
        elif not flat:
            continue
        value = nest({split(path)[1]: v for path, v in flat.items()})
        kind = DOCUMENTS.get(name, name.rpartition(".")[2])
        up = "../" * name.count(".")
        head = [f"# yaml-language-server: $schema={up}.schemas/{kind}.schema.json"]
        head += [f"# As run {want.run} had it.", ""]
        made[_file(name)] = _lines(head, value)
    return made


def documents(tree: Tree, drafts: dict[str, Draft], want: Wanted, families: Families) -> None:
    """Write the run's leaves into the drafts of the documents, each where it is written today."""
    where = _leaves(tree.documents, families)
    beneath = _leaves(tree.defaults, families)
    for path, found in want.used.items():
        value = want.target if path == DEFAULT_TARGET else found
        if path in where:
            name, inner, _ = where[path]
        elif _lies_beneath(beneath, path, value):
            continue
        else:
            name, inner = split(path)
        drafts[name] = edit.put(drafts[name], inner, value)


def layers(
    tree: Tree, resolved: Resolved, drafts: dict[str, Draft], want: Wanted, families: Families
) -> None:
    """Take away what the run did not have, and change what a layer that is always laid decides."""
    where = _leaves(tree.documents, families)
    files = {document.file: name for name, document in tree.documents.items()}
    for path, found in used(resolved).items():
        if path not in want.used:
            if path in where and component_of(path) != "none":
                name, inner, _ = where[path]
                drafts[name] = edit.remove(drafts[name], _whole(drafts[name], inner))
        elif path != DEFAULT_TARGET and not identical(found.value, want.used[path]):
            name = files.get(found.setting.place.file, "")
            key = _key(tree.documents[name], found.setting.key) if name else None
            if key is not None:
                drafts[name] = edit.put(drafts[name], key, want.used[path])


def overlays(resolved: Resolved, want: Wanted) -> dict[File, bytes]:
    """Return an overlay of each document that differs, with only what differs in it."""
    changed: dict[str, dict[Path, Any]] = {}
    today = resolved.flat
    for path, value in want.used.items():
        if path == DEFAULT_TARGET:
            continue
        if path not in today or not identical(today[path].value, value):
            name, inner = split(path)
            changed.setdefault(name, {})[inner] = value
    head = [f"# What run {want.run} had where the document says otherwise."]
    return {
        _file(name, f"_{want.run}"): _lines(head, nest(leaves_))
        for name, leaves_ in sorted(changed.items())
    }


def differing(resolved: Resolved, want: Wanted) -> list[str]:
    """Return the leaves by which the identity of the run and of ``resolved`` differ."""
    now, then = components(resolved), want.components()
    found = []
    for name in sorted({*now, *then}):
        a, b = now.get(name, {}), then.get(name, {})
        found += [
            k for k in sorted({*a, *b}) if k not in a or k not in b or not identical(a[k], b[k])
        ]
    if (resolved.family, resolved.target) != (want.family, want.target):
        found.append("family or target")
    return found


def _leaves(documents: Mapping[str, Document], families: Families) -> dict[Path, Leaf]:
    """Return each leaf with its document and the keys it is written under, aliases as they are."""
    found = {}
    for name, document in documents.items():
        prefix = tuple(name.split("."))
        for path, value in leaves(document.value, prefix, is_atomic):
            found[canonical_path(path, families)] = (name, path[len(prefix) :], value)
    return found


def _lies_beneath(beneath: Mapping[Path, Leaf], path: Path, value: Any) -> bool:
    """Return whether a document in ``defaults`` says the same already."""
    return path in beneath and identical(beneath[path][2], value)


def _key(document: Document, place: Any) -> Path | None:
    """Return the keys that lead to what is written at ``place``."""
    for path, where in document.keys.items():
        if where == place:
            return tuple(str(step) for step in path)
    return None


def _whole(source: Draft, path: Path) -> Path:
    """Return the path to remove with ``path``: a mapping that would be empty goes too."""
    while len(path) > 2:
        above: Any = source.value
        for key in path[:-1]:
            above = above[key]
        if len(above) > 1:
            break
        path = path[:-1]
    return path


def _file(name: str, suffix: str = "") -> File:
    """Return where a document lies below ``CONFIG``."""
    return File(f"{name.replace('.', '/')}{suffix}.yaml")


def _lines(head: list[str], value: Mapping[str, Any]) -> bytes:
    lines = head + [line for key, item in value.items() for line in entry(key, item, 0)]
    return ("\n".join(lines) + "\n").encode("utf-8")
