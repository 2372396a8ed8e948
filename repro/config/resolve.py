"""From documents and a command to one resolved configuration: the layers, lowest to highest.

The documents themselves, then ``--variant``, ``--profile``, ``--config OVERLAY``, and ``--set``;
every other flag that means a value is a ``--set``. Nothing else overrides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from repro.config import catalog
from repro.config.assignments import Assignment, parse_assignment, target_path
from repro.config.catalog import MODELS, Slot, Trainer
from repro.config.document import Document
from repro.config.layers import Flat, Path, Setting, below, lay, leaves
from repro.config.names import suggestion
from repro.config.tree import Tree, overlay
from repro.errors import Problem, ProblemsError, UsageError
from repro.identity.equality import same

FAMILY: Path = ("training_config", "pipeline_config", "pipeline", "family")
SEED: Path = ("training_config", "reproducibility_config", "reproducibility", "base_seed")
LEVEL: Path = ("training_config", "reproducibility_config", "reproducibility", "level")
DEFAULT_TARGET: Path = ("data", "dataset", "dataset", "default_target")
TARGETS: Path = ("data", "targets", "targets")
PROFILES: Path = ("training_config", "optimizer_config", "training_profiles")
Layer = tuple[str, dict[Path, Setting]]
"""The name of a layer and what it sets."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What a command asks of the configuration; every field may be left out."""

    target: str | None = None
    variant: str | None = None
    profile: str | None = None
    overlays: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resolved:
    """One resolved configuration: every leaf of every document, with its history."""

    flat: Flat
    family: str
    target: str
    layers: tuple[str, ...]
    """The names of the layers above the documents, lowest first."""
    sources: Mapping[str, tuple[str, ...]] = field(repr=False)
    """The lines of each file (or argument) that a place may point into."""

    def hyperparameters(self) -> dict[Path, object]:
        """Return the path below ``hyperparameters`` and value of each one, of this family."""
        prefix = (MODELS, self.family, "hyperparameters")
        return {path: value.value for path, value in below(self.flat, prefix).items()}


def flatten(tree: Tree, families: Mapping[str, Trainer]) -> dict[Path, Setting]:
    """Return every leaf of the documents; raises ProblemsError for two names of one parameter."""
    settings: dict[Path, Setting] = {}
    found: list[Problem] = []
    for name, document in tree.documents.items():
        slot = Slot(name, _kind(name), overlay=False)
        settings.update(_settings(document, slot, "document", families, found))
    if found:
        raise ProblemsError(found)
    return settings


def resolve(tree: Tree, selection: Selection, families: Mapping[str, Trainer]) -> Resolved:
    """Return the resolved configuration that ``selection`` asks for.

    Raises UsageError for a target, variant, profile, overlay or key that does not exist, and
    ProblemsError for values that cannot be read.
    """
    base = lay({}, flatten(tree, families))
    laid = [overlay(tree, name, families) for name in selection.overlays]
    assignments = [parse_assignment(n, text) for n, text in enumerate(selection.sets, start=1)]
    overlays = _overlays(base, laid, families)
    family = _family(base, [*overlays, *_sets(base, assignments, families, None)], families)
    layers: list[Layer] = []
    if selection.variant is not None:
        layers.append((f"variant {selection.variant}", _variant(base, family, selection.variant)))
    if selection.profile is not None:
        profile = _profile(base, family, selection.profile, families)
        layers.append((f"profile {selection.profile}", profile))
    layers += overlays
    flat: Flat = base
    for _, settings in layers:
        flat = lay(flat, settings)
    top = _sets(flat, assignments, families, family)
    for _, settings in top:
        flat = lay(flat, settings)
    sources = {d.file: d.lines for d in [*tree.documents.values(), *(d for _, d in laid)]}
    sources |= {a.place.file: (a.text,) for a in assignments}
    target = selection.target or str(flat[DEFAULT_TARGET].value)
    _require_target(flat, target)
    names = tuple(name for name, _ in (*layers, *top))
    return Resolved(flat, family, target, names, sources)


def _overlays(
    base: Flat, overlays: Iterable[tuple[Slot, Document]], families: Mapping[str, Trainer]
) -> list[Layer]:
    """Return the overlays as layers.

    A value equal to the document's own counts as not set, whatever a variant says of it: a copy of
    a document that changes one value is a layer of that one value.
    """
    found: list[Problem] = []
    layers = []
    for slot, document in overlays:
        name = f"overlay {document.file}"
        settings = _settings(document, slot, name, families, found)
        changed = {
            path: setting
            for path, setting in settings.items()
            if path not in base or not same(base[path].value, setting.value)
        }
        layers.append((name, changed))
    if found:
        raise ProblemsError(found)
    return layers


def _sets(
    flat: Flat,
    assignments: Iterable[Assignment],
    families: Mapping[str, Trainer],
    family: str | None,
) -> list[Layer]:
    """Return the assignments as one layer, or none.

    Without ``family`` only what may choose the family is kept: no other key can be looked up yet.
    """
    sets: dict[Path, Setting] = {}
    for assignment in assignments:
        if family is None and assignment.key[-1] != FAMILY[-1]:
            continue
        path = target_path(assignment, flat, family, families)
        for leaf, value in leaves(assignment.value, path, _atomic):
            sets[leaf] = Setting(value, "--set", assignment.place, assignment.place)
    return [("--set", sets)] if sets else []


def _family(base: Flat, layers: Iterable[Layer], families: Mapping[str, Trainer]) -> str:
    """Return the family that the layers choose; raises UsageError if it has no document."""
    flat: Flat = base
    for _, settings in layers:
        flat = lay(flat, {p: s for p, s in settings.items() if p == FAMILY})
    family = str(flat[FAMILY].value)
    known = sorted({path[1] for path in base if path[0] == MODELS})
    if family not in families:
        raise UsageError(
            f"no trainer offers the family {family!r}{suggestion(family, families)}",
            f"families offered here: {', '.join(sorted(families)) or 'none'}",
        )
    if family not in known:
        raise UsageError(
            f"no document for the family {family!r}{suggestion(family, known)}",
            f"write CONFIG/{MODELS}/{family}.yaml; documents here: {', '.join(known) or 'none'}",
        )
    return family


def _variant(base: Flat, family: str, name: str) -> dict[Path, Setting]:
    """Return the layer of a variant of the model document."""
    variants = below(base, (MODELS, family, "variants"))
    known = sorted({path[0] for path in variants})
    if name not in known:
        raise UsageError(
            f"no such variant of {family}: {name!r}{suggestion(name, known)}",
            f"variants in CONFIG/{MODELS}/{family}.yaml: {', '.join(known) or 'none'}",
        )
    return {
        (MODELS, family, "hyperparameters", *path[1:]): Setting(
            v.value, f"variant {name}", v.setting.place, v.setting.key
        )
        for path, v in variants.items()
        if path[0] == name and len(path) > 1
    }


def _profile(
    base: Flat, family: str, name: str, families: Mapping[str, Trainer]
) -> dict[Path, Setting]:
    """Return the layer of a training profile, for this family."""
    profiles = below(base, PROFILES)
    known = sorted({path[0] for path in profiles})
    if name not in known:
        raise UsageError(
            f"no such profile: {name!r}{suggestion(name, known)}",
            f"profiles in CONFIG/training_config/optimizer_config.yaml: {', '.join(known)}",
        )
    aliases = families[family].aliases()
    return {
        (MODELS, family, "hyperparameters", aliases.get(path[2], path[2])): Setting(
            v.value, f"profile {name}", v.setting.place, v.setting.key
        )
        for path, v in profiles.items()
        if path[:2] == (name, family) and len(path) > 2
    }


def _require_target(flat: Flat, target: str) -> None:
    """Raise UsageError unless the target is declared."""
    known = sorted({path[0] for path in below(flat, TARGETS)})
    if target not in known:
        raise UsageError(
            f"no such target: {target!r}{suggestion(target, known)}",
            f"targets in CONFIG/data/targets.yaml: {', '.join(known)}",
        )


def _kind(document: str) -> str:
    """Return the kind of a document by its name."""
    prefix, _, family = document.partition(".")
    return f"model:{family}" if prefix == MODELS else catalog.DOCUMENTS[document]


def _atomic(path: Path) -> bool:
    """Return whether layers replace the value at a full path whole."""
    document, inner = split(path)
    if not inner or path[0] == MODELS:
        return False
    return catalog.is_atomic(catalog.config_schema(catalog.DOCUMENTS[document]), inner)


def split(path: Path) -> tuple[str, Path]:
    """Return the name of the document that a full path lies in, and the keys inside it."""
    n = 1 if path[0] in catalog.DOCUMENTS else 2
    return ".".join(path[:n]), path[n:]


def _settings(
    document: Document,
    slot: Slot,
    layer: str,
    families: Mapping[str, Trainer],
    found: list[Problem],
) -> dict[Path, Setting]:
    """Return the leaves of one file under canonical names; report two names of one parameter."""
    prefix = tuple(slot.document.split("."))
    out: dict[Path, Setting] = {}
    for path, value in leaves(document.value, prefix, _atomic):
        written = path[len(prefix) :]
        if not written:
            continue
        setting = Setting(value, layer, document.place(written), document.keys[written])
        canonical = canonical_path(path, families)
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


def canonical_path(path: Path, families: Mapping[str, Trainer]) -> Path:
    """Return ``path`` with the one name of a hyperparameter in the place of an alias."""
    if path[0] == MODELS and path[1] in families and len(path) >= 4:
        aliases = families[path[1]].aliases()
        return (*path[:-1], aliases.get(path[-1], path[-1]))
    if path[: len(PROFILES)] == PROFILES and len(path) == len(PROFILES) + 3:
        family = path[len(PROFILES) + 1]
        if family in families:
            return (*path[:-1], families[family].aliases().get(path[-1], path[-1]))
    return path
