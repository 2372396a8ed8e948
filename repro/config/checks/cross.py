"""Checks across documents: what no single schema can see, each at the value that is at fault."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Protocol

from repro.config.checks import idle
from repro.config.checks.composed import source
from repro.config.checks.dataset import dataset_problems, untimed_problems
from repro.config.checks.idle import impossible
from repro.config.checks.labels import label_problems, shown_labels
from repro.config.checks.levels import Judge as LevelJudge
from repro.config.checks.levels import level_alone, levels
from repro.config.checks.pointing import DATASET, REGISTRY, ROUTING, SELECTED, declare
from repro.config.checks.pointing import at as _at
from repro.config.checks.pointing import at_item as _at_item
from repro.config.checks.pointing import columns as _columns
from repro.config.checks.splits import SPLITS_FILE, split_problems
from repro.config.documents.catalog import MODELS
from repro.config.resolution.active import SELECTION, SELECTION_USES, selecting
from repro.config.resolution.experiments import DEFAULT_TARGET, TARGETS
from repro.config.resolution.layers import Path, Value, below
from repro.config.resolution.resolve import Resolved
from repro.config.spelling.names import suggestion
from repro.errors import Problem
from repro.pipeline.formulas import TASKS_OF, columns_of, is_level, lookback_of

FORBIDDEN: Path = ("data", "feature_registry", "forbidden_levels")
CLIP: Path = (
    *("training_config", "safety_config", "safety", "clipping"),
    "training_target_quantile",
)
RANKED: Path = ("feature_selection", "target_ranking", "target_ranking", "targets")
RANKING_FAMILIES: Path = (*RANKED[:-1], "families")
TARGETS_FILE = "data.targets"
LEVEL_FILE = "training_config.reproducibility_config"
REGISTRY_FILE = "data.feature_registry"
SELECTION_FILE = "feature_selection.feature_selection"
PROFILES_FILE = "training_config.optimizer_config"


class Judge(idle.Judge, LevelJudge, Protocol):
    """A trainer's declaration that can judge its values."""


def cross_checks(
    resolved: Resolved, families: Mapping[str, Judge], broken: Collection[str] = ()
) -> tuple[Problem, ...]:
    """Return every problem that lies between documents, for the target that is resolved.

    Of the ``broken`` documents nothing can be believed: what reads one of them is left out.
    """
    found: list[Problem] = []
    for check, documents in _CHECKS.items():
        if not any(document in broken for document in documents):
            found += check(resolved)
    choosing = {TARGETS_FILE, LEVEL_FILE, SELECTION_FILE, REGISTRY_FILE}
    if not (choosing | {f"{MODELS}.{resolved.family}"}) & set(broken):
        found += _choosing(resolved, families)
    if not {f"{MODELS}.{resolved.family}", PROFILES_FILE} & set(broken):
        found += _set_twice(resolved)
    return (*found, *model_checks(resolved, families, broken))


def model_checks(
    resolved: Resolved, families: Mapping[str, Judge], broken: Collection[str] = ()
) -> tuple[Problem, ...]:
    """Return those of ``cross_checks`` that depend on the family, its variant and the profile."""
    read = (TARGETS_FILE, LEVEL_FILE, f"{MODELS}.{resolved.family}")
    if any(document in broken for document in read):
        return ()
    return tuple(_model(resolved, families[resolved.family]))


def _unknown_columns(resolved: Resolved, value: Value, columns: set[str]) -> Iterator[Problem]:
    """Yield a problem for each column of a formula that is none of the dataset's ``columns``."""
    for column in columns_of(value.value):
        if column not in columns:
            message = f"no column {column!r} in the dataset{suggestion(column, columns)}"
            declared = f"its columns: {', '.join(sorted(columns))}"
            yield _at(resolved, value, message, f"{declared}; {declare(column)}")


def _targets(resolved: Resolved) -> Iterator[Problem]:
    """Every target's columns; the default target exists."""
    flat = resolved.flat
    names = {path[0] for path in below(flat, TARGETS)}
    columns = _columns(resolved)
    for name in sorted(names):
        yield from _unknown_columns(resolved, flat[(*TARGETS, name, "formula")], columns)
        task, kind = flat[(*TARGETS, name, "task")], flat[(*TARGETS, name, "formula")].value["kind"]
        if task.value not in TASKS_OF[kind]:
            given = " or ".join(TASKS_OF[kind])
            message = f"{task.value} is not what the formula {kind} gives: {given}"
            yield _at(resolved, task, message)
        yield from label_problems(resolved, name)
    clip = flat[CLIP]
    if clip.value is not None and flat[(*TARGETS, resolved.target, "task")].value != "regression":
        yield _at(resolved, clip, f"the labels of {resolved.target} are classes: write null")
    default = flat[DEFAULT_TARGET]
    if default.value not in names:
        message = f"no such target: {default.value!r}{suggestion(default.value, names)}"
        yield _at(resolved, default, message)


def _ranking(resolved: Resolved) -> Iterator[Problem]:
    """Yield each target to be ranked, and each family to rank by, that does not exist."""
    names = {path[0] for path in below(resolved.flat, TARGETS)}
    listed = resolved.flat[RANKED]
    for index, name in enumerate(listed.value or ()):
        if name not in names:
            message = f"no such target: {name!r}{suggestion(name, names)}"
            yield _at_item(resolved, listed, index, message)
    models = {path[1] for path in resolved.flat if path[0] == MODELS}
    judges = resolved.flat[RANKING_FAMILIES]
    for index, name in enumerate(judges.value or ()):
        if name not in models:
            message = f"no family {name!r} with a document here{suggestion(name, models)}"
            yield _at_item(resolved, judges, index, message)


def _features(resolved: Resolved) -> Iterator[Problem]:
    """Yield what is wrong in the registry, and what may not be used for the target."""
    flat = resolved.flat
    registry = below(flat, REGISTRY)
    names = {path[0] for path in registry}
    forbidden = {path[0]: v.value for path, v in below(flat, FORBIDDEN).items()}
    selected = flat[SELECTED]
    columns = _columns(resolved)
    for name in sorted(names):
        yield from _declared(resolved, name, columns)
    horizon = flat[(*TARGETS, resolved.target, "horizon")].value
    for column in sorted(set(forbidden) - columns):
        message = f"no column {column!r} in the dataset{suggestion(column, columns)}"
        yield _at(resolved, flat[(*FORBIDDEN, column)], message, declare(column))
    for index, name in enumerate(selected.value):
        formula = flat.get((*REGISTRY, name, "formula"))
        if formula is None and name not in columns:
            message = f"no feature {name!r} in the registry{suggestion(name, names | columns)}"
            yield _at_item(resolved, selected, index, message)
            continue
        allowed = flat.get((*REGISTRY, name, "allowed_horizons"))
        if allowed is not None and allowed.value != "any" and horizon not in allowed.value:
            message = f"forbids the horizon of {resolved.target}, {horizon}; it allows "
            yield _at(resolved, allowed, message + ", ".join(map(str, allowed.value)))
        computed = {"kind": "column", "column": name} if formula is None else formula.value
        for column, reason in forbidden.items():
            if not is_level(computed, column):
                continue
            message = f"shows the level of {column!r}, which must not be a feature: {reason}"
            if formula is None:
                yield _at_item(resolved, selected, index, message)
            else:
                yield _at(resolved, formula, message, "use a ratio of it, such as a return")


def _declared(resolved: Resolved, name: str, columns: set[str]) -> Iterator[Problem]:
    """Whether a feature's formula fits the dataset's ``columns`` and its stated lookback."""
    formula = resolved.flat[(*REGISTRY, name, "formula")]
    yield from _unknown_columns(resolved, formula, columns)
    lookback = resolved.flat.get((*REGISTRY, name, "lookback"))
    needed = lookback_of(formula.value)
    if lookback is not None and lookback.value != needed:
        message = f"{lookback.value} is not what the formula needs, {needed}"
        yield _at(resolved, lookback, message)


def _routing(resolved: Resolved) -> Iterator[Problem]:
    """Yield a symbol without its view, and a view without its symbol."""
    view = resolved.flat[(*ROUTING, "view")]
    symbol = resolved.flat[(*ROUTING, "symbol")]
    if view.value == "symbol_specific" and symbol.value is None:
        yield _at(resolved, symbol, "a symbol_specific view needs a symbol")
    if view.value == "cross_sectional" and symbol.value is not None:
        yield _at(resolved, symbol, "a cross_sectional view has no symbol; write null")
    known = resolved.flat.get((*DATASET, "symbols"))
    listed = known.value if known is not None else None
    if symbol.value is not None and listed is not None and symbol.value not in listed:
        message = f"{symbol.value!r} is not among the dataset's symbols"
        yield _at(resolved, symbol, message + suggestion(symbol.value, listed))


def _set_twice(resolved: Resolved) -> Iterator[Problem]:
    """Yield what the profile ``default`` says of a value that the model document sets."""
    for path, value in resolved.flat.items():
        if path[0] != MODELS or path[2] != "hyperparameters":
            continue
        layers = [setting.layer for setting in value.history]
        if "document" in layers and "profile default" in layers:
            profile = value.history[layers.index("profile default")]
            document = value.history[layers.index("document")].place
            message = f"{path[-1]} is set in {document.file}:{document.line} too"
            place = profile.place
            yield Problem(
                place,
                "training_profiles.default",
                message,
                "cross-check",
                "the profile default is always in force: write the value in one of the two",
                source(resolved, place),
            )


def _model(resolved: Resolved, trainer: Judge) -> Iterator[Problem]:
    """Yield what the family cannot do, and what is wrong with its hyperparameters."""
    task = resolved.flat[(*TARGETS, resolved.target, "task")]
    if task.value not in trainer.tasks:
        message = f"{trainer.family} cannot be trained for {task.value}{_combined(resolved)}"
        yield _at(resolved, task, message, f"it can for: {', '.join(trainer.tasks)}")
    yield from _parameters(resolved, trainer)


def _combined(resolved: Resolved) -> str:
    """Return which lines of an experiment bring the target and the family together."""
    lines = dict.fromkeys(f"{place.file}:{place.line}" for place in resolved.named_at)
    named = f", as experiment {resolved.experiment} combines them in {' and '.join(lines)}"
    return named if lines else ""


def _choosing(resolved: Resolved, families: Mapping[str, Judge]) -> Iterator[Problem]:
    """Yield what is wrong with the choice of features, and with the families that are asked."""
    flat = resolved.flat
    yield from _kept(resolved)
    task, listed = flat[(*TARGETS, resolved.target, "task")], flat[(*SELECTION, "families")]
    known = {path[1] for path in flat if path[0] == MODELS} & set(families)
    for index, name in enumerate(selecting(resolved)):
        if name not in known:
            message = f"no family {name!r} with a document here{suggestion(name, known)}"
            yield _at_item(resolved, listed, index, message)
        elif task.value not in families[name].tasks:
            message = f"{name} cannot be trained for {task.value}, the task of {resolved.target}"
            message += _combined(resolved)
            yield _at_item(resolved, listed, index, message)
        elif name != resolved.family:
            yield from _parameters(resolved, families[name])


def _kept(resolved: Resolved) -> Iterator[Problem]:
    """Yield more features to be kept than there are."""
    top = resolved.flat[(*SELECTION, "top_k")]
    used = SELECTION_USES[resolved.flat[(*SELECTION, "method")].value]
    there = len(resolved.flat[SELECTED].value)
    if "top_k" in used and top.value > there:
        message = f"{top.value} cannot be kept: {there} features are selected in the registry"
        yield _at(resolved, top, message, f"set it to {there} or fewer")


def _parameters(resolved: Resolved, trainer: Judge) -> Iterator[Problem]:
    """Yield hyperparameters that the level forbids, and those that contradict each other."""
    flat = resolved.flat
    yield from levels(resolved, trainer)
    prefix = (MODELS, trainer.family, "hyperparameters")
    leaves, depth = flat.get((*prefix, "num_leaves")), flat.get((*prefix, "max_depth"))
    if leaves is not None and depth is not None and 0 < depth.value < 31:
        most = 2**depth.value
        if leaves.value > most:
            message = f"{leaves.value} leaves do not fit a depth of {depth.value}: at most {most}"
            yield _at(resolved, leaves, message)
    yield from impossible(resolved, trainer)


_CHECKS: Mapping[Callable[[Resolved], Iterator[Problem]], tuple[str, ...]] = {
    _targets: (TARGETS_FILE, "data.dataset"),
    level_alone: (LEVEL_FILE,),
    _ranking: (TARGETS_FILE, "feature_selection.target_ranking"),
    _features: (TARGETS_FILE, "data.dataset", REGISTRY_FILE),
    shown_labels: (TARGETS_FILE, REGISTRY_FILE),
    split_problems: (TARGETS_FILE, SPLITS_FILE, "data.dataset", "training_config.routing_config"),
    _routing: ("data.dataset", "training_config.routing_config"),
    dataset_problems: ("data.dataset", "training_config.routing_config"),
    untimed_problems: ("data.dataset", "training_config.splits_config", REGISTRY_FILE),
}
"""Each check, with the documents that it reads."""
