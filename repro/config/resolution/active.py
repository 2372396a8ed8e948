"""What one run uses of a resolved configuration, grouped by identity component.

A workspace declares many targets, features and families; a run uses one target, an ordered list of
features and one family. What it does not use cannot move its keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from repro.config.documents import catalog
from repro.config.documents.catalog import MODELS
from repro.config.resolution.features import feature_of
from repro.config.resolution.layers import WRITTEN, Path, Value, dotted, nest
from repro.config.resolution.resolve import Resolved
from repro.config.resolution.settings import split

COMPONENTS = (
    "dataset",
    "target",
    "features",
    "hyperparameters",
    "splits",
    "routing",
    "seed",
    "execution",
)
"""The identity components that a schema may name; ``none`` is the ninth word it may use."""


SELECTION: Path = ("feature_selection", "feature_selection", "feature_selection")
SELECTION_USES: Mapping[str, tuple[str, ...]] = {
    "none": ("method",),
    "correlation": ("method", "top_k"),
    "importance": ("method", "top_k", "families", "aggregate"),
}
"""Method of feature selection to the values that it uses; the others are idle."""
SPLITS: Path = ("training_config", "splits_config", "splits")
_ALWAYS = (
    *("method", "folds", "purge", "embargo"),
    *("validation_fraction", "min_train_rows", "min_test_rows"),
)
SPLIT_USES: Mapping[str, tuple[str, ...]] = {
    "purged_walk_forward": (*_ALWAYS, "initial_train_fraction", "max_train_timestamps"),
    "k_fold": (*_ALWAYS, "shuffled"),
    "grouped": (*_ALWAYS, "group_column", "time_blocks"),
}
"""Method of splits to the values that it uses; the others are idle."""


@dataclass(frozen=True, slots=True)
class Active:
    """The part of the configuration that decides one run."""

    dataset: Mapping[str, Any]
    target: Mapping[str, Any]
    """Name, task, formula, horizon (rows)."""
    features: tuple[Mapping[str, Any], ...]
    """Name and declaration of each, and how that was resolved, in the order of the columns."""
    family: str
    hyperparameters: Mapping[str, Any]
    """Requested values under canonical names."""
    splits: Mapping[str, Any]
    """The method, and what that method uses."""
    routing: Mapping[str, Any]
    base_seed: int
    level: str
    threads: int
    numeric_fingerprint: str | None
    """What every machine must compute at the level portable, if anything is pinned."""
    time_limit_seconds: int
    input_sha256: bool
    """Whether data files are digested with SHA-256 too; they are known by BLAKE3."""
    leakage: Mapping[str, Any]
    clipping: Mapping[str, Any]
    selection: Mapping[str, Any]
    """Which of the features each model is trained on: method, and what that method uses."""
    selecting: Mapping[str, Mapping[str, Any]]
    """Families whose models choose the features, with their requested hyperparameters."""
    ranking: Mapping[str, Any]
    """How runs of several targets are compared; it decides nothing in a run."""
    sweep: Mapping[str, Any]
    """How the points of a sweep are run and compared; it decides nothing in a run."""
    identity_mode: str
    comparing: Mapping[str, Any]
    """When a symbol's own model is preferred to that of all; it decides nothing in a run."""
    stability: Mapping[str, Any]
    """Which runs count as replicates, and how many are needed."""
    components: Mapping[str, Mapping[str, Any]]
    """Identity component to the leaves that belong to it, by path below their document."""


def activate(resolved: Resolved) -> Active:
    """Return what ``resolved`` means for its target and family.

    The configuration must have been checked: a feature that is not in the registry is a KeyError.
    """
    tree = nest({path: value.value for path, value in resolved.flat.items()})
    training = tree["training_config"]
    tree_splits = training["splits_config"]["splits"]
    registry = tree["data"]["feature_registry"]
    reproducibility = training["reproducibility_config"]["reproducibility"]
    target = tree["data"]["targets"]["targets"][resolved.target]
    columns = tree["data"]["dataset"]["dataset"]["columns"]
    return Active(
        dataset=tree["data"]["dataset"]["dataset"],
        target={"name": resolved.target, **_identified(target)},
        features=tuple(
            {"name": name, **feature_of(name, registry.get("registry", {}), columns)}
            for name in registry["selected"]
        ),
        family=resolved.family,
        hyperparameters=tree[MODELS][resolved.family]["hyperparameters"],
        splits={name: tree_splits[name] for name in splitting(resolved) if name in tree_splits},
        routing=training["routing_config"]["routing"],
        base_seed=reproducibility["base_seed"],
        level=reproducibility["level"],
        threads=reproducibility["threads"],
        numeric_fingerprint=reproducibility["numeric_fingerprint"],
        time_limit_seconds=reproducibility["time_limit_seconds"],
        input_sha256=reproducibility["input_sha256"],
        leakage=training["safety_config"]["safety"]["leakage_detection"],
        clipping=training["safety_config"]["safety"]["clipping"],
        selection={
            name: resolved.flat[(*SELECTION, name)].value
            for name in SELECTION_USES[resolved.flat[(*SELECTION, "method")].value]
        },
        selecting={name: tree[MODELS][name]["hyperparameters"] for name in selecting(resolved)},
        ranking=tree["feature_selection"]["target_ranking"]["target_ranking"],
        sweep=training["pipeline_config"]["sweep"],
        identity_mode=tree["identity_config"]["identity"]["mode"],
        comparing=training["routing_config"]["comparison"],
        stability=tree["identity_config"]["stability"],
        components=components(resolved),
    )


def _identified(declared: Mapping[str, Any]) -> dict[str, Any]:
    """Return a declaration without the sentence that is for people alone."""
    return {key: value for key, value in declared.items() if key != "description"}


def selecting(resolved: Resolved) -> tuple[str, ...]:
    """Return the families whose models choose the features, in order; often none."""
    if "families" not in SELECTION_USES[resolved.flat[(*SELECTION, "method")].value]:
        return ()
    return tuple(resolved.flat[(*SELECTION, "families")].value)


def splitting(resolved: Resolved) -> tuple[str, ...]:
    """Return the names of the values that the method of the splits uses."""
    return SPLIT_USES[resolved.flat[(*SPLITS, "method")].value]


def used(resolved: Resolved) -> dict[Path, Value]:
    """Return the leaves that decide this run: its own target, features, families and no layers."""
    selected = resolved.flat[("data", "feature_registry", "selected")].value
    choosing = SELECTION_USES[resolved.flat[(*SELECTION, "method")].value]
    cutting = splitting(resolved)
    models = {(family, "hyperparameters") for family in (resolved.family, *selecting(resolved))}
    keep: dict[Path, Value] = {}
    for path, value in resolved.flat.items():
        document, inner = split(path)
        if document == "data.targets" and inner[1] != resolved.target:
            continue
        if document == "data.feature_registry" and _is_idle(inner, selected):
            continue
        if path[0] == MODELS and path[1:3] not in models:
            continue
        if path[:-1] == SELECTION and path[-1] not in choosing:
            continue
        if path[:-1] == SPLITS and path[-1] not in cutting:
            continue
        if document == "training_config.optimizer_config":
            continue
        keep[path] = value
    return keep


def overridden(resolved: Resolved) -> dict[Path, Value]:
    """Return the used leaves that a layer above the documents decided."""
    return {p: v for p, v in used(resolved).items() if v.setting.layer not in WRITTEN}


def _is_idle(inner: Path, selected: Sequence[str]) -> bool:
    """Return whether a path belongs to a feature of the registry that is not selected.

    A registry without any feature is a leaf of its own, and says nothing.
    """
    return inner[0] == "registry" and (len(inner) == 1 or inner[1] not in selected)


def components(resolved: Resolved) -> dict[str, dict[str, Any]]:
    """Return the used leaves of each identity component, by path below their document.

    Of a family that only chooses features, the full path: several may do so. Raises AssertionError
    for a leaf that its schema does not classify: a value that nobody classified must never be left
    out of the identity silently.
    """
    groups: dict[str, dict[str, Any]] = {name: {} for name in COMPONENTS}
    for path, value in used(resolved).items():
        name = component_in(resolved, path)
        if name != "none":
            inner = path if _only_selects(resolved, path) else split(path)[1]
            groups[name][dotted(inner)] = value.value
    return groups


def component_in(resolved: Resolved, path: Path) -> str:
    """Return the identity component of a full path in this run.

    The hyperparameters of a family that only chooses features are part of that rule.
    """
    return "features" if _only_selects(resolved, path) else component_of(path)


def _only_selects(resolved: Resolved, path: Path) -> bool:
    """Return whether a path belongs to a family that chooses features and is not trained."""
    return path[0] == MODELS and path[1] != resolved.family and path[1] in selecting(resolved)


@cache
def component_of(path: Path) -> str:
    """Return the identity component of a full path; AssertionError if it has none."""
    document, inner = split(path)
    if path[0] == MODELS or document == "training_config.optimizer_config":
        return "hyperparameters"
    found = catalog.component_of(catalog.config_schema(catalog.DOCUMENTS[document]), inner)
    if found is None or found not in (*COMPONENTS, "none"):
        raise AssertionError(f"{dotted(path)} has no identity component in its schema: {found!r}")
    return found
