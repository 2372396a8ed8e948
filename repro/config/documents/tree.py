"""A workspace's ``CONFIG`` folder as documents: read, and checked one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from repro.config.documents import catalog
from repro.config.documents.catalog import DOCUMENTS, MODELS, Slot, Trainer
from repro.config.documents.files import documents_below
from repro.config.documents.legacy import Used, ids, places_of, renamed, used_file, warning
from repro.config.documents.trainer_faults import unusable
from repro.config.documents.workspace import MARKER
from repro.config.schema.gate import surely_fits
from repro.config.schema.validator import problems
from repro.config.spelling.lookalikes import odd_character
from repro.config.spelling.names import suggestion
from repro.config.text.document import JSON, Document, read
from repro.errors import UNREADABLE, InputError, Place, Problem, ProblemsError, UsageError

_OVERRIDES = "overrides"
_MODEL_OVERRIDES = f"{_OVERRIDES}.{MODELS}."


@dataclass(frozen=True, slots=True)
class Tree:
    """The documents and overlays of one workspace, by name."""

    root: Path
    documents: Mapping[str, Document]
    overlays: Mapping[str, tuple[Slot, Document]]
    """Overlay name (``lightgbm_custom``) to what it is laid over, and its document."""
    defaults: Mapping[str, Document] = field(default_factory=dict)
    """What lies beneath the documents, by the same names."""
    experiments: Mapping[str, Document] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()
    """What was read all the same (old places, old names), and what no trainer is here for."""
    legacy: tuple[str, ...] = ()
    """Which old places and names were read, by their ids, sorted."""

    def files(self) -> list[Document]:
        """Return every document, overlay and experiment that was read."""
        overlays = (document for _, document in self.overlays.values())
        tables = (self.documents, self.defaults, self.experiments)
        return [*(document for table in tables for document in table.values()), *overlays]


def load(root: Path, families: Mapping[str, Trainer]) -> tuple[Tree, tuple[Problem, ...]]:
    """Return every document below ``root/CONFIG``, and all problems of each one by itself."""
    found: list[Problem] = []
    documents: dict[str, Document] = {}
    defaults: dict[str, Document] = {}
    experiments: dict[str, Document] = {}
    overlays: dict[str, tuple[Slot, Document]] = {}
    used: list[Used] = []
    left: list[Problem] = []
    base = root / MARKER
    beneath = base / catalog.DEFAULTS
    below = {path.relative_to(base): path for path in sorted(documents_below(base))}
    placed = places_of(relative for relative in below if relative.suffix == ".yaml")
    for relative, path in below.items():
        shown = f"{MARKER}/{relative.as_posix()}"
        if moved := placed.get(relative):
            used.append(used_file(relative, moved))
            if moved.winner is not None:
                continue
            relative = moved.path
        slot = catalog.slot_of(relative, families) if path.suffix == ".yaml" else None
        if slot is None and path.suffix == ".yaml" and _of_a_model(relative):
            alien = _of_nobody(relative, shown, families)
            (left if alien.severity == "warning" else found).append(alien)
            continue
        if slot is None:
            found.append(_nothing_of_ours(relative, shown, families))
            continue
        try:
            document = read(path, shown)
        except ProblemsError as error:
            found.extend(error.problems)
            continue
        except InputError as error:
            place = Place(shown, 1, 1, 1)
            found.append(Problem(place, "", error.problem, UNREADABLE, error.hint))
            continue
        document, names = renamed(document, slot.kind)
        used.extend(names)
        whole = slot.whole and not (beneath / relative).is_file()
        found.extend(document_problems(document, slot, families, whole=whole))
        if slot.overlay:
            document.forget_places()
            overlays[relative.stem] = (slot, document)
        elif slot.beneath:
            defaults[slot.document] = document
        elif slot.kind == catalog.EXPERIMENT:
            experiments[relative.stem] = document
        else:
            documents[slot.document] = document
    if not defaults and not beneath.is_dir():
        found = [_over_nothing(problem, older=bool(placed)) for problem in found]
    found.extend(_missing(documents, found, older=bool(placed)))
    told = (*(warning(name) for name in used), *left)
    old = tuple(ids(used))
    return Tree(root, documents, overlays, defaults, experiments, told, old), tuple(found)


def document_problems(
    document: Document, slot: Slot, families: Mapping[str, Trainer], *, whole: bool
) -> Iterator[Problem]:
    """Yield what is wrong with one document by itself.

    ``whole``: it must meet its schema alone; otherwise something lies over or beneath it.
    """
    if slot.kind == catalog.EXPERIMENT and _plainly_fits(document.value, families):
        return
    schema = catalog.schema_of(slot.kind, families, whole=whole)
    for problem in problems(document, schema):
        if problem.rule == "required" and whole and slot.kind != catalog.EXPERIMENT:
            problem = replace(problem, hint=missing_hint(slot.document))
        path, own = problem.path, slot
        if slot.kind == catalog.EXPERIMENT and path.startswith(_MODEL_OVERRIDES):
            family = path.removeprefix(_MODEL_OVERRIDES).partition(".")[0]
            own = replace(slot, kind=f"model:{family}") if family in families else slot
        yield _forced(problem, own, families)


def _plainly_fits(value: JSON, families: Mapping[str, Trainer]) -> bool:
    """Return whether an experiment is known to be valid.

    What it overrides is held against the schemas of just those documents: the schema of all
    experiments has every document's in it, and takes longer to make than all else to read.
    """
    if not isinstance(value, dict) or not isinstance(value.get(_OVERRIDES, {}), dict):
        return False
    kinds = catalog.documents(families)
    folders = {name.rpartition(".")[0] for name in kinds} - {""}
    parts: dict[str, JSON] = {}
    overrides = value.get(_OVERRIDES)
    for name, inside in overrides.items() if isinstance(overrides, dict) else ():
        if "." in name:
            return False
        if name not in folders:
            parts[name] = inside
        elif isinstance(inside, dict):
            parts |= {f"{name}.{stem}": part for stem, part in inside.items()}
        else:
            return False
    return all(
        name in kinds and surely_fits(part, catalog.schema_of(kinds[name], families, whole=False))
        for name, part in parts.items()
    ) and surely_fits({**value, _OVERRIDES: {}}, catalog.config_schema(catalog.EXPERIMENT))


def overlay(tree: Tree, name: str, families: Mapping[str, Trainer]) -> tuple[Slot, Document]:
    """Return the overlay called ``name``: its name, its path below ``CONFIG``, or a path to a file.

    Raises UsageError if there is none, ProblemsError if it is not valid.
    """
    stem = Path(name).stem if name.endswith((".yaml", ".yml")) else name
    if catalog.EXPERIMENTS in Path(name).parts or (
        stem in tree.experiments and stem not in tree.overlays
    ):
        raise UsageError(f"{name} is an experiment, no overlay", f"use --experiment {stem}")
    if stem in tree.overlays and "/" not in name:
        return tree.overlays[stem]
    path = Path(name)
    if path.is_file():
        slot = catalog.slot_of(Path(MODELS) / path.name, families) or _slot_by_stem(path.stem)
        if slot is None:
            raise UsageError(
                f"{name}: nothing says which document this overlay is laid over",
                "name it after the document, as in lightgbm_custom.yaml",
            )
        own = {document.file for document in tree.files()}
        stranger = name in own and not path.samefile(tree.root / name)
        document = read(path, f"./{name}" if stranger else name)
        schema = catalog.schema_of(slot.kind, families, whole=False)
        found = problems(document, schema)
        if found:
            raise ProblemsError(found)
        return slot, document
    inside = f"{MARKER}/{name.removesuffix('.yaml')}.yaml"
    for known_slot, document in tree.overlays.values():
        if document.file == inside:
            return known_slot, document
    known = ", ".join(sorted(tree.overlays)) or "none"
    raise UsageError(
        f"no such overlay: {name!r}{suggestion(name, tree.overlays)}",
        f"overlays here: {known}; an overlay is a file such as "
        "CONFIG/model_config/lightgbm_custom.yaml",
    )


def _forced(problem: Problem, slot: Slot, families: Mapping[str, Trainer]) -> Problem:
    """Return a problem, saying of a parameter that strict mode forces that it does."""
    name = problem.path.rpartition(".")[2]
    family = slot.kind.removeprefix("model:")
    if family == slot.kind or name not in families[family].forced("strict"):
        return problem
    value = json.dumps(families[family].forced("strict")[name])
    message = f"not a value of the configuration: strict mode forces it to {value}"
    return replace(problem, message=message, hint="remove the line")


def _slot_by_stem(stem: str) -> Slot | None:
    """Return the slot of an overlay that lies outside ``CONFIG``, by its file's name alone."""
    bases = {document.rpartition(".")[2]: document for document in DOCUMENTS}
    fitting = [base for base in bases if stem.startswith(base + "_") or stem == base]
    if not fitting:
        return None
    document = bases[max(fitting, key=len)]
    return Slot(document, DOCUMENTS[document], overlay=True)


def _nothing_of_ours(relative: Path, shown: str, families: Mapping[str, Trainer]) -> Problem:
    """Return the problem of a file that is no document of ours."""
    known = [*(d.replace(".", "/") for d in DOCUMENTS), *(f"{MODELS}/{f}" for f in families)]
    name = relative.with_suffix("").as_posix()
    place = Place(shown, 1, 1, 1)
    if relative.suffix == ".yml":
        message = "nothing reads this file: a document's name ends in .yaml"
        return Problem(place, name.replace("/", "."), message, "document", "rename it")
    message = f"nothing reads this file{suggestion(name, known)}"
    return Problem(place, name.replace("/", "."), message, "document")


def _of_a_model(relative: Path) -> bool:
    """Return whether a file lies where the documents of models lie."""
    return relative.parent.parts in ((MODELS,), (catalog.DEFAULTS, MODELS))


def _of_nobody(relative: Path, shown: str, families: Mapping[str, Trainer]) -> Problem:
    """Return the warning of a model document whose family nobody offers: nothing reads it.

    Whoever asks for that family is refused; to all others a package that was uninstalled, or is
    broken, is nothing to stop at. A name that only looks like a family's is a problem for all: its
    author takes the file for one that is read.
    """
    stem = relative.stem
    fault = unusable(families).get(stem)
    message = f"no trainer offers the family {stem!r}{suggestion(stem, families)}"
    hint = (
        "install the package that brings it, or remove the file; families offered here: "
        f"{', '.join(sorted(families)) or 'none'}"
    )
    if fault is not None:
        message = f"the trainer of the family {stem!r} cannot be used: nothing reads this file"
        hint = "repro trainers show " + stem + " says what is wrong with it"
    path = relative.with_suffix("").as_posix().replace("/", ".")
    severity = "warning" if odd_character(stem) is None else "error"
    return Problem(Place(shown, 1, 1, 1), path, message, "family", hint, None, severity)


def missing_hint(document: str) -> str:
    """Return where a value that a document lacks can be written."""
    file = f"{document.replace('.', '/')}.yaml"
    return f"write it here, or in {MARKER}/{catalog.DEFAULTS}/{file}, which lies beneath"


def without_defaults(older: bool) -> str:
    """Return what to do where nothing at all lies beneath the documents.

    ``older``: some of them stand in older places.
    """
    first = "first: repro config migrate; then add it" if older else "add it"
    return f"there is no {MARKER}/{catalog.DEFAULTS}; {first} with: repro init --add-missing"


def _over_nothing(problem: Problem, *, older: bool) -> Problem:
    """Return a problem, of a missing value saying that nothing lies beneath any document."""
    if problem.rule != "required" or problem.hint is None:
        return problem
    return replace(problem, hint=f"{problem.hint}; {without_defaults(older)}")


def _missing(
    documents: Mapping[str, Document], found: list[Problem], *, older: bool
) -> list[Problem]:
    """Return a problem for each document that every workspace must have and this one has not.

    ``older``: other documents stand in older places, and must be moved before any are added.
    """
    hint = "add what is missing with: repro init --add-missing"
    if older:
        hint = f"first: repro config migrate; then {hint}"
    broken = {problem.place.file for problem in found}
    missing = []
    for document in DOCUMENTS:
        shown = f"{MARKER}/{document.replace('.', '/')}.yaml"
        if document not in documents and shown not in broken:
            missing.append(
                Problem(
                    Place(shown, 1, 1, 1),
                    document,
                    "this document is missing",
                    "document",
                    hint,
                )
            )
    return missing
