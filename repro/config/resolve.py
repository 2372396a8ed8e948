"""From documents and a command to one resolved configuration: the layers, lowest to highest.

The documents themselves, then ``--variant``, ``--profile``, ``--config OVERLAY``, and ``--set``;
every other flag that means a value is a ``--set``. Nothing else overrides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from repro.config.assignments import (
    Assignment,
    other_name,
    parse_assignment,
    target_path,
)
from repro.config.catalog import MODELS, Slot, Trainer
from repro.config.document import Document
from repro.config.layers import Flat, Layer, Path, Setting, below, lay_all, leaves
from repro.config.names import suggestion
from repro.config.settings import (
    PROFILES,
    changed_settings,
    document_settings,
    is_atomic,
    require_mappings,
)
from repro.config.tree import Tree, overlay
from repro.errors import Problem, ProblemsError, UsageError

FAMILY: Path = ("training_config", "pipeline_config", "pipeline", "family")
LEVEL: Path = ("training_config", "reproducibility_config", "reproducibility", "level")
DEFAULT_TARGET: Path = ("data", "dataset", "dataset", "default_target")
TARGETS: Path = ("data", "targets", "targets")


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


def resolve(tree: Tree, selection: Selection, families: Mapping[str, Trainer]) -> Resolved:
    """Return the resolved configuration that ``selection`` asks for.

    Raises UsageError for a target, variant, profile or overlay that does not exist, and
    ProblemsError for values and keys, all of them, with their places.
    """
    base = lay_all({}, [("documents", document_settings(tree.documents, families))])
    laid = [overlay(tree, name, families) for name in selection.overlays]
    assignments, unread = _assignments(selection.sets)
    sources = _sources(tree, laid, assignments)
    overlays: list[Layer] = [
        (f"overlay {document.file}", changed_settings(base, slot, document, families))
        for slot, document in laid
    ]
    family = _family(base, [*overlays, *_family_sets(base, assignments, families)], families)
    sets = _sets(lay_all(base, overlays), assignments, families, family, unread)
    require_mappings(base, [*overlays, *sets], sources)
    # A layer may be changed, or even brought, by an overlay: it is read with all of them laid.
    declared = lay_all(base, [*overlays, *sets])
    lower: list[Layer] = []
    if selection.variant is not None:
        lower.append(_variant(declared, family, selection.variant))
    if selection.profile is not None:
        lower.append(_profile(declared, family, selection.profile))
    layers = [*lower, *overlays, *sets]
    flat = lay_all(base, layers)
    target = _target(flat, selection.target, sources)
    return Resolved(flat, family, target, tuple(name for name, _ in layers), sources)


def _assignments(sets: tuple[str, ...]) -> tuple[list[Assignment], list[Problem]]:
    """Return every override, and the problems of those that cannot be read."""
    found: list[Problem] = []
    read = []
    for number, text in enumerate(sets, start=1):
        try:
            read.append(parse_assignment(number, text))
        except ProblemsError as error:
            found.extend(error.problems)
    return read, found


def _sources(
    tree: Tree, laid: list[tuple[Slot, Document]], assignments: list[Assignment]
) -> dict[str, tuple[str, ...]]:
    """Return the lines of everything that a place may point into."""
    files = [*tree.documents.values(), *(document for _, document in laid)]
    lines = {document.file: document.lines for document in files}
    return lines | {a.place.file: (a.text,) for a in assignments}


def _sets(
    flat: Flat,
    assignments: list[Assignment],
    families: Mapping[str, Trainer],
    family: str | None,
    unread: Iterable[Problem] = (),
) -> list[Layer]:
    """Return the overrides as one layer, or none.

    Raises ProblemsError with all unknown keys, and with what could not be read before.
    """
    found = list(unread)
    names: dict[Path, Assignment] = {}
    settings: dict[Path, Setting] = {}
    for assignment in assignments:
        try:
            path = target_path(assignment, flat, family, families)
        except ProblemsError as error:
            found.extend(error.problems)
            continue
        for leaf, value in leaves(assignment.value, path, is_atomic):
            earlier = names.setdefault(leaf, assignment)
            if leaf == path and earlier.key[-1] != assignment.key[-1]:
                found.append(other_name(assignment, earlier, leaf))
            settings.pop(leaf, None)  # the last one wins, also over what covers it in between
            settings[leaf] = Setting(value, "--set", assignment.place, assignment.place)
    if found:
        raise ProblemsError(found)
    return [("--set", settings)] if settings else []


def _family_sets(
    base: Flat, assignments: list[Assignment], families: Mapping[str, Trainer]
) -> list[Layer]:
    """Return what the overrides say of the family; no other key can be looked up before it."""
    layers: list[Layer] = []
    for assignment in assignments:
        try:
            layers += _sets(base, [assignment], families, None)
        except ProblemsError:
            continue  # told later, when the family's own names are known
    return [(name, {p: s for p, s in settings.items() if p == FAMILY}) for name, settings in layers]


def _family(base: Flat, layers: list[Layer], families: Mapping[str, Trainer]) -> str:
    """Return the family that the layers choose.

    Raises UsageError for a name on the command line that nobody offers or that has no document,
    ProblemsError for one in a file.
    """
    chosen = lay_all(base, [(n, {p: s for p, s in x.items() if p == FAMILY}) for n, x in layers])
    setting = chosen[FAMILY].setting
    family = str(setting.value)
    documents = sorted({path[1] for path in base if path[0] == MODELS})
    if family in families and family in documents:
        return family
    if family not in families:
        problem = f"no trainer offers the family {family!r}{suggestion(family, families)}"
        hint = f"families offered here: {', '.join(sorted(families)) or 'none'}"
    else:
        problem = f"no document for the family {family!r}{suggestion(family, documents)}"
        hint = f"write CONFIG/{MODELS}/{family}.yaml; here: {', '.join(documents) or 'none'}"
    if setting.layer == "--set":
        raise UsageError(problem, hint)
    raise ProblemsError([Problem(setting.place, "pipeline.family", problem, "family", hint)])


def _variant(declared: Flat, family: str, name: str) -> Layer:
    """Return the layer of a variant of the model document."""
    variants = below(declared, (MODELS, family, "variants"))
    known = sorted({path[0] for path in variants})
    if name not in known:
        raise UsageError(
            f"no such variant of {family}: {name!r}{suggestion(name, known)}",
            f"variants in CONFIG/{MODELS}/{family}.yaml: {', '.join(known) or 'none'}",
        )
    layer = f"variant {name}"
    return layer, {
        (MODELS, family, "hyperparameters", *path[1:]): v.setting.as_of(layer)
        for path, v in variants.items()
        if path[0] == name and len(path) > 1
    }


def _profile(declared: Flat, family: str, name: str) -> Layer:
    """Return the layer of a training profile, for this family."""
    profiles = below(declared, PROFILES)
    known = sorted({path[0] for path in profiles})
    if name not in known:
        raise UsageError(
            f"no such profile: {name!r}{suggestion(name, known)}",
            f"profiles in CONFIG/training_config/optimizer_config.yaml: {', '.join(known)}",
        )
    layer = f"profile {name}"
    return layer, {
        (MODELS, family, "hyperparameters", path[2]): v.setting.as_of(layer)
        for path, v in profiles.items()
        if path[:2] == (name, family) and len(path) > 2
    }


def _target(flat: Flat, asked: str | None, sources: Mapping[str, tuple[str, ...]]) -> str:
    """Return the target; UsageError for an unknown one asked for, ProblemsError for a default."""
    known = sorted({path[0] for path in below(flat, TARGETS)})
    setting = flat[DEFAULT_TARGET].setting
    target = setting.value if asked is None else asked
    if isinstance(target, str) and target in known:
        return target
    near = suggestion(target, known) if isinstance(target, str) else ""
    problem = f"no such target: {target!r}{near}"
    hint = f"targets in CONFIG/data/targets.yaml: {', '.join(known)}"
    if asked is not None or setting.layer == "--set":
        raise UsageError(problem, hint)
    place = setting.place
    text = sources[place.file][place.line - 1]
    raise ProblemsError([Problem(place, "dataset.default_target", problem, "target", hint, text)])
