"""An experiment as layers: what it chooses to train, and the values that it changes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from repro.config.documents.catalog import EXPERIMENT, EXPERIMENTS, MODELS, Trainer, documents
from repro.config.resolution.layers import Flat, Layer, Path, Setting, below
from repro.config.resolution.settings import PROFILES, file_settings
from repro.config.spelling.names import suggestion
from repro.config.text.document import Document
from repro.errors import Place, Problem, ProblemsError, UsageError

FAMILY: Path = ("training_config", "pipeline_config", "pipeline", "family")
DEFAULT_TARGET: Path = ("data", "dataset", "dataset", "default_target")
TARGETS: Path = ("data", "targets", "targets")
SELECTED: Path = ("data", "feature_registry", "selected")
REGISTRY: Path = ("data", "feature_registry", "registry")
SYMBOLS: Path = ("data", "dataset", "dataset", "symbols")
OVERRIDES = "overrides"
RANKS, SELECTS = "rank_targets", "select_features"
STAGES = (RANKS, SELECTS)
_CHOOSES: Mapping[str, Path] = {"targets": DEFAULT_TARGET, "families": FAMILY, "features": SELECTED}


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment with those that it extends, the farthest first; empty if none is asked for."""

    name: str | None = None
    chain: tuple[Document, ...] = ()

    def said(self, key: str) -> tuple[Any, Document] | None:
        """Return what the nearest of the chain says of a key of its section, and which it is.

        None if it says null, which takes back what an experiment beneath it says.
        """
        for document in reversed(self.chain):
            own = _section(document)
            if key in own:
                return None if own[key] is None else (own[key], document)
        return None

    def choice(self, key: str) -> str | None:
        """Return the variant or profile that it names, or None."""
        found = self.said(key)
        return str(found[0]) if found else None

    def names(self, key: str) -> tuple[str, ...]:
        """Return the targets or families that it names; empty if it names none."""
        found = self.said(key)
        return tuple(found[0]) if found else ()

    def names_at(self, **names: str) -> tuple[Place, ...]:
        """Return where it names these: a family by ``families``, a target by ``targets``."""
        places = []
        for key, name in names.items():
            said = self.said(key)
            if said is not None and name in said[0]:
                places.append(said[1].place((EXPERIMENT, key, said[0].index(name))))
        return tuple(places)

    @property
    def stages(self) -> tuple[str, ...]:
        """Return which stages it goes through before it trains, by their keys."""
        said = {key: self.said(key) for key in STAGES}
        return tuple(key for key, found in said.items() if found and found[0])


def chosen(experiments: Mapping[str, Document], name: str | None) -> Experiment:
    """Return the experiment called ``name`` with its ancestors; none without a name.

    Raises UsageError for a name that does not exist, ProblemsError for an ancestor that does not,
    and for experiments that extend each other in a circle.
    """
    if name is None:
        return Experiment()
    if name not in experiments:
        known = ", ".join(sorted(experiments)) or "none"
        raise UsageError(
            f"no such experiment: {name!r}{suggestion(name, experiments)}",
            f"experiments in CONFIG/{EXPERIMENTS}: {known}",
        )
    chain, seen = [experiments[name]], [name]
    while (parent := _section(chain[0]).get("extends")) is not None:
        where = (EXPERIMENT, "extends")
        if parent in seen:
            circle = " -> ".join([*seen[seen.index(parent) :], parent])
            raise ProblemsError([_at(chain[0], where, f"extends itself: {circle}", "extends")])
        if parent not in experiments:
            message = f"no such experiment: {parent!r}{suggestion(parent, experiments)}"
            raise ProblemsError([_at(chain[0], where, message, "extends")])
        chain.insert(0, experiments[parent])
        seen.append(parent)
    return Experiment(name, tuple(chain))


def layers(experiment: Experiment, families: Mapping[str, Trainer]) -> list[Layer]:
    """Return a layer for each document of the chain, the farthest ancestor's first.

    Raises ProblemsError for two names of one parameter.
    """
    found: list[Problem] = []
    made: list[Layer] = []
    for document in experiment.chain:
        layer = f"experiment {_stem(document)}"
        settings: dict[Path, Setting] = {}
        for name in documents(families):
            inside = section(document, (OVERRIDES, *name.split(".")))
            if inside is not None:
                settings |= file_settings(inside, name, layer, families, found)
        settings |= _choices(experiment, document, layer)
        made.append((layer, settings))
    if found:
        raise ProblemsError(found)
    return made


def section(document: Document, prefix: Path) -> Document | None:
    """Return what lies at ``prefix`` as a document of its own, its places kept; None if nothing."""
    value: Any = document.value
    for key in prefix:
        if not isinstance(value, Mapping) or key not in value:
            return None
        value = value[key]
    n = len(prefix)
    places, keys = (
        {path[n:]: table[path] for path in table if path[:n] == prefix}
        for table in (document.places, document.keys)
    )
    return Document(document.file, value, places, keys, document.lines)


def require_names(experiment: Experiment, flat: Flat, families: Mapping[str, Trainer]) -> None:
    """Raise ProblemsError for each target, family, variant and profile that does not exist.

    Features that do not exist are told with them, and do not raise alone: what is resolved can be
    checked for them.
    """
    found = list(_unknown(experiment, flat, families)) if experiment.chain else []
    if found:
        raise ProblemsError([*found, *_unknown_features(experiment, flat)])


def require_one(experiment: Experiment, target: str | None, family: str | None) -> None:
    """Raise UsageError unless one target and one family of the experiment are meant.

    ``target`` and ``family`` are what the command line says, or None.
    """
    open_: list[tuple[str, str]] = []
    for key, flag, asked in (("targets", "target", target), ("families", "family", family)):
        names = experiment.names(key)
        if asked is None and len(names) > 1:
            open_.append((f"{len(names)} {key}: {', '.join(names)}", f"--{flag}"))
        if asked is not None and names and asked not in names:
            raise UsageError(
                f"experiment {experiment.name} has no {flag} {asked!r}{suggestion(asked, names)}",
                f"its {key}: {', '.join(names)}",
            )
    if open_:
        raise UsageError(
            f"experiment {experiment.name} names {', and '.join(said for said, _ in open_)}",
            f"choose one of them with {' and with '.join(flag for _, flag in open_)}",
        )


def _choices(experiment: Experiment, document: Document, layer: str) -> dict[Path, Setting]:
    """Return what one of a chain sets: one target, one family, the features.

    What another lays over it, were it null, it does not set.
    """
    made: dict[Path, Setting] = {}
    for key, path in _CHOOSES.items():
        said = experiment.said(key)
        if said is None or said[1] is not document:
            continue
        names = said[0]
        if key != "features" and len(names) != 1:
            continue
        where: tuple[str | int, ...] = (EXPERIMENT, key)
        items = tuple(document.place((*where, n)) for n in range(len(names)))
        if key == "features":
            made[path] = Setting(names, layer, document.place(where), document.keys[where], items)
        else:
            made[path] = Setting(names[0], layer, items[0], document.keys[where])
    return made


def _unknown(
    experiment: Experiment, flat: Flat, families: Mapping[str, Trainer]
) -> Iterator[Problem]:
    """Yield a problem for each name that nothing has."""
    models = {path[1] for path in flat if path[0] == MODELS} & set(families)
    known: dict[str, set[str]] = {
        "targets": {path[0] for path in below(flat, TARGETS)},
        "families": models,
    }
    for key, names in known.items():
        said = experiment.said(key)
        if said is None:
            continue
        for index, name in enumerate(said[0]):
            if name not in names:
                message = f"no such {'target' if key == 'targets' else 'family'}: {name!r}"
                message += suggestion(name, names)
                hint = f"{key} here: {', '.join(sorted(names)) or 'none'}"
                yield _at(said[1], (EXPERIMENT, key, index), message, key, hint)
    yield from _unknown_symbols(experiment, flat)
    profiles = {path[0] for path in below(flat, PROFILES)}
    said = experiment.said("profile")
    if said is not None and said[0] not in profiles:
        message = f"no such profile: {said[0]!r}{suggestion(said[0], profiles)}"
        yield _at(said[1], (EXPERIMENT, "profile"), message, "profile")
    said = experiment.said("variant")
    for family in experiment.names("families") or (str(flat[FAMILY].value),):
        variants = {path[0] for path in below(flat, (MODELS, family, "variants"))}
        if said is not None and family in models and said[0] not in variants:
            message = f"no such variant of {family}: {said[0]!r}{suggestion(said[0], variants)}"
            hint = f"its variants: {', '.join(sorted(variants)) or 'none'}"
            yield _at(said[1], (EXPERIMENT, "variant"), message, "variant", hint)


def _unknown_symbols(experiment: Experiment, flat: Flat) -> Iterator[Problem]:
    """Yield a problem for each symbol that is none of the dataset's, where it lists them."""
    listed = flat[SYMBOLS].value if SYMBOLS in flat else None
    if listed is not None and (said := experiment.said("symbols")) is not None:
        for index, name in enumerate(said[0]):
            if name not in listed:
                yield symbol_problem(said[1], index, name, listed)


def symbol_problem(document: Document, index: int, name: str, known: Collection[str]) -> Problem:
    """Return the problem of one of an experiment's symbols that the dataset does not have."""
    message = f"no such symbol: {name!r}{suggestion(name, known)}"
    hint = f"symbols of the dataset: {', '.join(sorted(known)) or 'none'}"
    return _at(document, (EXPERIMENT, "symbols", index), message, "symbols", hint)


def _unknown_features(experiment: Experiment, flat: Flat) -> Iterator[Problem]:
    """Yield a problem for each feature that the registry does not have."""
    known = {path[0] for path in below(flat, REGISTRY)}
    said = experiment.said("features")
    if said is None:
        return
    for index, name in enumerate(said[0]):
        if name not in known:
            message = f"no feature {name!r} in the registry{suggestion(name, known)}"
            yield _at(said[1], (EXPERIMENT, "features", index), message, "features")


def _at(
    document: Document,
    path: tuple[str | int, ...],
    message: str,
    rule: str,
    hint: str | None = None,
) -> Problem:
    """Return a problem at a value of an experiment."""
    place = document.place(path)
    shown = ".".join(key for key in path if isinstance(key, str))
    return Problem(place, shown, message, rule, hint, document.source(place))


def _section(document: Document) -> dict[str, Any]:
    """Return what a document says under ``experiment``; its schema has been met."""
    value: Any = document.value
    found: dict[str, Any] = value[EXPERIMENT]
    return found


def _stem(document: Document) -> str:
    """Return the name of an experiment by its file."""
    return document.file.rpartition("/")[2].removesuffix(".yaml")
