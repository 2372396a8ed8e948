"""From documents and a command to one resolved configuration: the layers, lowest to highest.

What lies in ``defaults``, the documents themselves, the profile ``default``, then
``--experiment`` (the variant and the profile that it names, then its own values), ``--variant``,
``--profile``, ``--config OVERLAY``, and ``--set``; every other flag that means a value is a
``--set``. Above all of them, features that leak are taken out where the policy says so. Nothing
else overrides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from repro.config.documents.catalog import MODELS, Slot, Trainer
from repro.config.documents.trainer_faults import unusable
from repro.config.documents.tree import Tree, overlay
from repro.config.resolution.assignments import (
    Assignment,
    other_name,
    parse_assignment,
    said_twice,
    target_path,
)
from repro.config.resolution.experiments import (
    DEFAULT_TARGET,
    FAMILY,
    TARGETS,
    Experiment,
    chosen,
    require_names,
    require_one,
)
from repro.config.resolution.experiments import layers as experiment_layers
from repro.config.resolution.layers import (
    Flat,
    Layer,
    Path,
    Setting,
    below,
    lay_all,
    lay_documents,
    leaves,
)
from repro.config.resolution.named import DEFAULT_PROFILE, named_layers, profile_layers
from repro.config.resolution.numbers import as_declared
from repro.config.resolution.origins import Origin, told
from repro.config.resolution.settings import (
    canonical_path,
    changed_settings,
    document_settings,
    is_atomic,
    require_mappings,
)
from repro.config.resolution.targeted import lines_of, target_setting
from repro.config.resolution.without import line, without
from repro.config.spelling.names import suggestion
from repro.config.text.document import Document
from repro.errors import Place, Problem, ProblemsError, UsageError

LEVEL: Path = ("training_config", "reproducibility_config", "reproducibility", "level")


@dataclass(frozen=True, slots=True)
class Selection:
    """What a command asks of the configuration; every field may be left out."""

    target: str | None = None
    variant: str | None = None
    profile: str | None = None
    overlays: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    experiment: str | None = None
    without: tuple[str, ...] = ()
    """Features that are taken out of what all layers ask for, because they leak."""
    staged: bool = False
    """Whether a stage of the experiment asks: for any target and family, named by it or not."""
    origins: tuple[Origin, ...] = ()
    """The sealed runs that overlays and overrides take values from, for an attribution."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """One resolved configuration: every leaf of every document, with its history."""

    flat: Flat
    family: str
    target: str
    layers: tuple[str, ...]
    """The names of the layers above the documents, lowest first; not `default`, always laid."""
    sources: Mapping[str, tuple[str, ...]] = field(repr=False)
    """The lines of each file (or argument) that a place may point into."""
    experiment: str | None = None
    named_at: tuple[Place, ...] = ()
    """Where the experiment names the family, and where the target, if it names them."""
    stages: tuple[str, ...] = ()
    """What the experiment does before it trains, by the keys that say so."""
    legacy: tuple[str, ...] = ()
    """Which old places and names the configuration was read from, by their ids."""
    warnings: tuple[Problem, ...] = ()
    """The same, for people."""
    target_from: Setting | None = None
    """Who named the target, if it is not the default one and that is known."""

    def hyperparameters(self) -> dict[Path, object]:
        """Return the path below ``hyperparameters`` and value of each one, of this family."""
        prefix = (MODELS, self.family, "hyperparameters")
        return {path: value.value for path, value in below(self.flat, prefix).items()}


def base_of(tree: Tree, families: Mapping[str, Trainer]) -> Flat:
    """Return what all layers are laid over: the documents, over what lies beneath them.

    Raises ProblemsError for two names of one parameter.
    """
    return lay_documents(
        lay_all({}, [("defaults", document_settings(tree.defaults, families, "defaults"))]),
        document_settings(tree.documents, families),
    )


def resolve(
    tree: Tree,
    selection: Selection,
    families: Mapping[str, Trainer],
    base: Flat | None = None,
) -> Resolved:
    """Return the resolved configuration that ``selection`` asks for.

    ``base`` is ``base_of(tree, families)``, for who resolves one tree many times.

    Raises UsageError for a target, experiment, variant, profile or overlay that does not exist, and
    ProblemsError for values and keys, all of them, with their places.
    """
    if base is None:
        base = base_of(tree, families)
    experiment = chosen(tree.experiments, selection.experiment)
    tried = experiment_layers(experiment, families)
    laid = [overlay(tree, name, families) for name in selection.overlays]
    assignments, unread = _assignments(selection.sets)
    sources = _sources(tree, laid, assignments) | line(selection.without)
    sources |= lines_of(selection.target)
    overlays: list[Layer] = [
        (f"overlay {document.file}", changed_settings(base, slot, document, families))
        for slot, document in laid
    ]
    asked = _family_sets(base, assignments, families)
    require_names(experiment, lay_all(base, [*tried, *overlays]), families)
    if not selection.staged:
        require_one(experiment, selection.target, _last(asked, overlays))
    family = _family(base, [*tried, *overlays, *asked], families)
    _require_of_family(laid, family)
    sets = _sets(lay_all(base, [*tried, *overlays]), assignments, families, family, unread)
    require_mappings(base, [*tried, *overlays, *sets], sources)
    # A layer may be changed, or even brought, by an overlay: it is read with all of them laid.
    declared = lay_all(base, [*tried, *overlays, *sets])
    trainer = families[family]
    named = named_layers(declared, trainer, *_unless_asked(experiment, selection))
    layers = [*profile_layers(declared, trainer, DEFAULT_PROFILE), *named, *tried]
    layers += [
        *named_layers(declared, trainer, selection.variant, selection.profile),
        *overlays,
        *sets,
    ]
    layers += without(lay_all(base, layers), selection.without)
    flat = lay_all(base, layers)
    target = _target(flat, selection.target, sources)
    names = tuple(name for name, _ in layers if name != f"profile {DEFAULT_PROFILE}")
    resolved = Resolved(
        flat,
        family,
        target,
        names,
        sources,
        selection.experiment,
        experiment.names_at(families=family, targets=target),
        experiment.stages,
        tree.legacy,
        tree.warnings,
        target_setting(selection.target, experiment),
    )
    return told(resolved, selection.origins) if selection.origins else resolved


def _unless_asked(experiment: Experiment, selection: Selection) -> tuple[str | None, str | None]:
    """Return the variant and the profile that the experiment names, where the command names none.

    They lie beneath the experiment's own values: what a file says itself wins over what it names.
    """
    variant = None if selection.variant is not None else experiment.choice("variant")
    profile = None if selection.profile is not None else experiment.choice("profile")
    return variant, profile


def _last(*layers: list[Layer]) -> str | None:
    """Return the family that the highest of the layers names, or None."""
    for group in layers:
        for _, settings in reversed(group):
            if FAMILY in settings:
                return str(settings[FAMILY].value)
    return None


def _require_of_family(laid: Iterable[tuple[Slot, Document]], family: str) -> None:
    """Raise UsageError for an overlay of a model that is not trained: it would change nothing."""
    for slot, document in laid:
        other = slot.document.removeprefix(f"{MODELS}.")
        if slot.document.startswith(f"{MODELS}.") and other != family:
            raise UsageError(
                f"{document.file} is laid over {MODELS}/{other}.yaml, but {family} is trained: "
                "none of its values would be used",
                f"use --family {other}, or leave the overlay out",
            )


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
    files = [*tree.files(), *(document for _, document in laid)]
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
        said: set[Path] = set()
        for written, value in leaves(assignment.value, path, is_atomic):
            leaf = canonical_path(written, families)
            value = as_declared(leaf, value, families)
            if leaf in said:
                found.append(said_twice(assignment, leaf))
            said.add(leaf)
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
    fault = unusable(families).get(family)
    if fault is not None and setting.layer == "--set":
        raise fault
    hint: str | None
    if fault is not None:
        problem, hint = fault.problem, fault.hint
    elif family not in families:
        problem = f"no trainer offers the family {family!r}{suggestion(family, families)}"
        hint = f"families offered here: {', '.join(sorted(families)) or 'none'}"
    else:
        problem = f"no document for the family {family!r}{suggestion(family, documents)}"
        file = f"CONFIG/{MODELS}/{family}.yaml"
        hint = (
            f"write {file}; a start is: repro trainers show {family} --document > {file}; "
            f"here: {', '.join(documents) or 'none'}"
        )
    if setting.layer == "--set":
        raise UsageError(problem, hint)
    raise ProblemsError([Problem(setting.place, "pipeline.family", problem, "family", hint)])


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
