"""What one file sets, under the full path and the one canonical name of each value."""

from __future__ import annotations

import json
from collections.abc import Mapping

from repro.config.documents import catalog
from repro.config.documents.catalog import MODELS, Slot, Trainer
from repro.config.resolution.layers import Flat, Layer, Path, Setting, dotted, leaves
from repro.config.resolution.numbers import as_declared
from repro.config.text.document import Document
from repro.errors import Problem, ProblemsError
from repro.identity.equality import same

PROFILES: Path = ("training_config", "optimizer_config", "training_profiles")


def document_settings(
    documents: Mapping[str, Document], families: Mapping[str, Trainer], layer: str = "document"
) -> dict[Path, Setting]:
    """Return every leaf of the documents; raises ProblemsError for two names of one parameter."""
    settings: dict[Path, Setting] = {}
    found: list[Problem] = []
    for name, document in documents.items():
        settings.update(file_settings(document, name, layer, families, found))
    if found:
        raise ProblemsError(found)
    return settings


def changed_settings(
    base: Flat, slot: Slot, document: Document, families: Mapping[str, Trainer]
) -> dict[Path, Setting]:
    """Return what an overlay sets.

    A value equal to the document's own counts as not set, whatever a variant says of it: a copy of
    a document that changes one value is a layer of that one value.
    """
    found: list[Problem] = []
    name = f"overlay {document.file}"
    settings = file_settings(document, slot.document, name, families, found)
    if found:
        raise ProblemsError(found)
    return {
        path: setting
        for path, setting in settings.items()
        if path not in base or not same(base[path].value, setting.value)
    }


def require_mappings(
    base: Flat, layers: list[Layer], sources: Mapping[str, tuple[str, ...]]
) -> None:
    """Raise ProblemsError for each setting that puts a plain value where there must be a mapping.

    The schemas would say so too, but until then the values inside it could not be looked up.
    """
    if not any(settings for _, settings in layers):
        return
    inside = {path[:n] for path in base for n in range(1, len(path))}
    found = []
    for _, settings in layers:
        for path, setting in settings.items():
            if path in inside and setting.value != {} and not _may_be_plain(path):
                place = setting.place
                shown = json.dumps(setting.value, ensure_ascii=False)
                message = f"found {shown}, expected a mapping"
                text = sources[place.file][place.line - 1]
                found.append(Problem(place, dotted(split(path)[1]), message, "type", None, text))
    if found:
        raise ProblemsError(found)


def split(path: Path) -> tuple[str, Path]:
    """Return the name of the document that a full path lies in, and the keys inside it."""
    n = 1 if path[0] in catalog.DOCUMENTS else 2
    return ".".join(path[:n]), path[n:]


def is_atomic(path: Path) -> bool:
    """Return whether layers replace the value at a full path whole."""
    document, inner = split(path)
    if not inner or document not in catalog.DOCUMENTS:
        return False
    return catalog.is_atomic(catalog.config_schema(catalog.DOCUMENTS[document]), inner)


def canonical_path(path: Path, families: Mapping[str, Trainer]) -> Path:
    """Return ``path`` with the one name of a hyperparameter in the place of an alias."""
    family = ""
    if path[0] == MODELS and (path[2:3], len(path)) in (
        (("hyperparameters",), 4),
        (("variants",), 5),
    ):
        family = path[1]
    elif path[: len(PROFILES)] == PROFILES and len(path) == len(PROFILES) + 3:
        family = path[len(PROFILES) + 1]
    if family not in families:
        return path
    return (*path[:-1], families[family].aliases().get(path[-1], path[-1]))


def _may_be_plain(path: Path) -> bool:
    """Return whether the schema allows a plain value (null) where there is a mapping now."""
    document, inner = split(path)
    if not inner or document not in catalog.DOCUMENTS:
        return False
    return catalog.may_be_null(catalog.config_schema(catalog.DOCUMENTS[document]), inner)


def file_settings(
    document: Document,
    name: str,
    layer: str,
    families: Mapping[str, Trainer],
    found: list[Problem],
) -> dict[Path, Setting]:
    """Return the leaves of one file under canonical names; report two names of one parameter."""
    prefix = tuple(name.split("."))
    out: dict[Path, Setting] = {}
    for path, value in leaves(document.value, prefix, is_atomic):
        written = path[len(prefix) :]
        if not written:
            continue
        items = (
            tuple(document.place((*written, n)) for n in range(len(value)))
            if isinstance(value, list)
            else ()
        )
        canonical = canonical_path(path, families)
        value = as_declared(canonical, value, families)
        setting = Setting(value, layer, document.place(written), document.keys[written], items)
        if canonical in out:
            earlier = out[canonical].key
            found.append(
                Problem(
                    setting.key,
                    ".".join(written),
                    f"another name of {canonical[-1]}, which line {earlier.line} sets already",
                    "alias",
                    "keep one of the two",
                    document.source(setting.key),
                )
            )
        out[canonical] = setting
    return out
