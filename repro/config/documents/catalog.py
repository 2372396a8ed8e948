"""The one list of what may lie in ``CONFIG``: which path holds which kind, under which schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

SCHEMAS = "repro.schemas"


class Trainer(Protocol):
    """What this room needs to know of a trainer's declaration."""

    @property
    def family(self) -> str:
        """The name of its document."""

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks it can be trained for."""

    @property
    def hyperparameters(self) -> Mapping[str, Mapping[str, Any]]:
        """Canonical name to JSON Schema, with the list ``aliases``."""

    def aliases(self) -> dict[str, str]:
        """Every accepted name with the canonical one."""

    def procedure(self) -> dict[str, str]:
        """Return those accepted names, with the canonical one, that say how training proceeds."""

    def forced(self, level: str) -> dict[str, Any]:
        """Return the parameters that ``level`` forces."""


DOCUMENTS: Mapping[str, str] = {
    "identity_config": "identity_config",
    "data.dataset": "dataset",
    "data.feature_registry": "feature_registry",
    "data.targets": "targets",
    "feature_selection.feature_selection": "feature_selection",
    "feature_selection.target_ranking": "target_ranking",
    "training_config.optimizer_config": "optimizer_config",
    "training_config.pipeline_config": "pipeline_config",
    "training_config.reproducibility_config": "reproducibility_config",
    "training_config.routing_config": "routing_config",
    "training_config.safety_config": "safety_config",
    "training_config.splits_config": "splits_config",
}
"""Name of each document that every workspace has, with its kind: the name of its schema."""

MODELS = "model_config"
DEFAULTS = "defaults"
"""The folder of the documents that lie beneath the workspace's own, under the same names."""
EXPERIMENTS = "experiments"
EXPERIMENT = "experiment"
"""The kind of a document of that folder."""
NOT_SCHEMA = frozenset({"aliases", "procedure"})
"""What a declaration says of a hyperparameter beside its JSON Schema."""


@dataclass(frozen=True, slots=True)
class Slot:
    """What a file under ``CONFIG`` is: a document, an overlay of one, or what lies beneath one."""

    document: str
    kind: str
    overlay: bool
    beneath: bool = False
    """Whether it lies in ``defaults``."""

    @property
    def whole(self) -> bool:
        """Return whether its schema's demands must be met by it alone."""
        return not (self.overlay or self.beneath)


def slot_of(relative: Path, families: Mapping[str, Trainer]) -> Slot | None:
    """Return what the file at ``relative`` (to ``CONFIG``) is, or None if nothing of ours.

    ``lightgbm_custom.yaml`` is an overlay of ``lightgbm``, never a family: the longest name of a
    document that stands before an underscore wins.
    """
    folder = relative.parent.parts
    if folder[:1] == (DEFAULTS,):
        own = slot_of(relative.relative_to(DEFAULTS), families)
        usable = own is not None and own.whole and own.kind != EXPERIMENT
        return replace(own, beneath=True) if own is not None and usable else None
    name = ".".join((*folder, relative.stem))
    if folder == (EXPERIMENTS,):
        return Slot(name, EXPERIMENT, overlay=False)
    kinds = documents(families)
    if name in kinds:
        return Slot(name, kinds[name], overlay=False)
    base, least = name, len(name) - len(relative.stem)
    while (end := base.rfind("_", least)) != -1:
        base = base[:end]
        if base in kinds and base.count(".") == len(folder):
            return Slot(base, kinds[base], overlay=True)
    return None


@cache
def config_schema(kind: str) -> dict[str, Any]:
    """Return the shipped JSON Schema of a kind of document; fresh data, not to be changed."""
    return _load("config", kind)


@cache
def output_schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of a snapshot or of a command's JSON output."""
    return _load("output", kind)


@cache
def record_schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of the body of a record type."""
    return _load("records", kind)


@cache
def declaration_schema() -> dict[str, Any]:
    """Return the JSON Schema of a trainer's declaration."""
    return _load("", "trainer")


def _load(folder: str, kind: str) -> dict[str, Any]:
    # Not importlib.resources: what it brings along takes longer than reading all schemas.
    package = Path(str(import_module(SCHEMAS).__file__)).parent
    loaded: dict[str, Any] = json.loads((package / folder / f"{kind}.schema.json").read_bytes())
    return loaded


_MADE: dict[tuple[int, str, bool], tuple[Mapping[str, Trainer], Mapping[str, Any]]] = {}
"""Schemas that were made: one object for all files of a kind, so that it is compiled once."""
_MADE_MOST = 256


def schema_of(
    kind: str, families: Mapping[str, Trainer], *, whole: bool = True
) -> Mapping[str, Any]:
    """Return the schema of a document of ``kind``; not ``whole``: of any part of one.

    What a trainer declares becomes part of it: a model document is made of its hyperparameters,
    and a training profile may set those of each family.
    """
    key = (id(families), kind, whole)
    if key not in _MADE:
        if len(_MADE) >= _MADE_MOST:
            _MADE.clear()
        made = _schema(kind, families) if whole else fragment_of(schema_of(kind, families))
        _MADE[key] = (families, made)  # it holds the families, so that their id stays theirs
    return _MADE[key][1]


def _schema(kind: str, families: Mapping[str, Trainer]) -> Mapping[str, Any]:
    if kind.startswith("model:"):
        return model_schema(families[kind.removeprefix("model:")])
    if kind == "optimizer_config":
        return _profiles_schema(families)
    if kind == EXPERIMENT:
        return _experiment_schema(families)
    return config_schema(kind)


def documents(families: Mapping[str, Trainer]) -> dict[str, str]:
    """Return the name of each document that a workspace may have, with its kind."""
    return {**DOCUMENTS, **{f"{MODELS}.{family}": f"model:{family}" for family in families}}


def _experiment_schema(families: Mapping[str, Trainer]) -> dict[str, Any]:
    """Return the schema of an experiment, closed over the documents that it may override."""
    schema = config_schema(EXPERIMENT)
    overrides = dict(schema["properties"]["overrides"])
    inside: dict[str, Any] = {}
    shared: dict[str, Any] = {}
    for name, kind in documents(families).items():
        folder, _, stem = name.rpartition(".")
        value = _embedded(schema_of(kind, families, whole=False), kind, shared)
        if not folder:
            inside[stem] = value
            continue
        about = {"type": "object", "description": f"Documents of {folder}/.", "properties": {}}
        below = inside.setdefault(folder, {**about, "additionalProperties": False})
        below["properties"][stem] = value
    overrides |= {"properties": inside, "additionalProperties": False}
    properties = {**schema["properties"], "overrides": overrides}
    return {**schema, "properties": properties, "$defs": shared}


def _embedded(schema: Any, kind: str, shared: dict[str, Any]) -> Any:
    """Return a document's schema as a part of another, its definitions moved into ``shared``."""
    if isinstance(schema, list):
        return [_embedded(part, kind, shared) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    for name, definition in schema.get("$defs", {}).items():
        shared.setdefault(f"{kind}.{name}", _embedded(definition, kind, shared))
    out: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("$schema", "$id", "$defs"):
            continue
        if key == "$ref":
            out[key] = f"#/$defs/{kind}.{value.removeprefix('#/$defs/')}"
        else:
            out[key] = _embedded(value, kind, shared)
    return out


def fragment_of(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``schema`` without the demand that anything be present: what an overlay must meet."""
    out: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "required" or key == "minProperties":
            continue
        if key in ("properties", "additionalProperties") and isinstance(value, Mapping):
            out[key] = (
                {name: fragment_of(child) for name, child in value.items()}
                if key == "properties"
                else fragment_of(value)
            )
        else:
            out[key] = value
    return out


def _profiles_schema(families: Mapping[str, Trainer]) -> dict[str, Any]:
    """Return the schema of the training profiles, closed over the families offered here."""
    schema = config_schema("optimizer_config")
    profiles = schema["properties"]["training_profiles"]
    profile = dict(profiles["additionalProperties"])
    below = profile.pop("additionalProperties")
    profile["properties"] = {
        name: {
            **below,
            "properties": hyperparameter_schemas(trainer),
            "additionalProperties": False,
        }
        for name, trainer in families.items()
    }
    for trainer in families.values():
        schemas = hyperparameter_schemas(trainer)
        for name in trainer.procedure():
            known = profile["properties"].get(name)
            found = known["anyOf"] if known and "anyOf" in known else [known] if known else []
            found = [*found, *(each for each in [schemas[name]] if each not in found)]
            several = {
                "description": schemas[name]["description"],
                "anyOf": found,
                "x-identity": "hyperparameters",
            }
            profile["properties"][name] = found[0] if len(found) == 1 else several
    profile["additionalProperties"] = False
    closed = {**profiles, "additionalProperties": profile}
    return {**schema, "properties": {"training_profiles": closed}}


def model_schema(trainer: Trainer) -> dict[str, Any]:
    """Return the JSON Schema of a model document, with every accepted name as a property."""
    values: dict[str, Any] = {
        "type": "object",
        "properties": hyperparameter_schemas(trainer),
        "additionalProperties": False,
        "x-identity": "hyperparameters",
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"repro:config/model/{trainer.family}",
        "title": f"Model: {trainer.family}",
        "description": f"Hyperparameters of {trainer.family}, and variants of them.",
        "type": "object",
        "properties": {
            "hyperparameters": {"description": "The values that are trained with.", **values},
            "variants": {
                "type": "object",
                "description": "Named changes, chosen with --variant.",
                "propertyNames": {
                    "pattern": "^[A-Za-z][A-Za-z0-9_]*$",
                    "x-spelling": "a name: letters, digits and _, with a letter in front",
                },
                "additionalProperties": {"description": "Values that it changes.", **values},
            },
        },
        "required": ["hyperparameters"],
        "additionalProperties": False,
    }


def hyperparameter_schemas(trainer: Trainer) -> dict[str, dict[str, Any]]:
    """Return the schema of each accepted name, canonical ones and aliases."""
    return {
        name: {
            **{k: v for k, v in trainer.hyperparameters[canonical].items() if k not in NOT_SCHEMA},
            "x-identity": "hyperparameters",
        }
        for name, canonical in trainer.aliases().items()
    }


def component_of(schema: Mapping[str, Any], path: tuple[str, ...]) -> str | None:
    """Return the identity component that the value at ``path`` belongs to, or None if unclassified.

    The annotation ``x-identity`` nearest to the value counts; it holds for everything below it.
    """
    component: str | None = schema.get("x-identity")
    node: Any = schema
    for key in path:
        node = _child(node, key)
        if not isinstance(node, Mapping):
            break
        component = node.get("x-identity", component)
    return component


def is_atomic(schema: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    """Return whether layers replace the value at ``path`` whole: a formula is one value."""
    node: Any = schema
    for key in path:
        node = _child(node, key)
        if not isinstance(node, Mapping):
            return False
    return str(node.get("$ref", "")).startswith("#/$defs/formula")


def may_be_null(schema: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    """Return whether the value at ``path`` may be null as well as a mapping."""
    node: Any = schema
    for key in path:
        node = _child(node, key)
        if not isinstance(node, Mapping):
            return False
    types = [choice.get("type") for choice in node.get("anyOf", ())]
    return "null" in types or node.get("type") == ["object", "null"]


def _child(node: Any, key: str) -> Any:
    """Return the schema of ``key`` inside ``node``, or None."""
    properties = node.get("properties", {})
    if key in properties:
        return properties[key]
    below = node.get("additionalProperties")
    return below if isinstance(below, Mapping) else None
