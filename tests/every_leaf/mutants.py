"""Another value for each leaf of a document, and a context in which that leaf decides something."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from repro.config.documents import catalog
from repro.config.text.document import Document, parse
from repro.facts.trainers import declarations

CONFIG = Path(__file__).parents[2] / "CONFIG"
FAMILIES = declarations()
DATASET = "data/dataset.yaml"
REGISTRY = "data/feature_registry.yaml"
TARGETS = "data/targets.yaml"
SPLITS = "training_config/splits_config.yaml"
ROUTING = "training_config/routing_config.yaml"
QUICK = "experiments/quick_look.yaml"
CANARY = "experiments/leakage_canary.yaml"
CONTROL = "experiments/leakage_control.yaml"
PIPELINE = "training_config/pipeline_config.yaml"
SELECTION = "feature_selection/feature_selection.yaml"
RANKING = "feature_selection/target_ranking.yaml"

SAFETY = "training_config/safety_config.yaml"
REPRODUCIBILITY = "training_config/reproducibility_config.yaml"

Keys = tuple[str | int, ...]
CLASSES: Keys = ("targets", "fwd_class_5d", "formula", "edges")
QUANTILE: Keys = ("safety", "clipping", "training_target_quantile")


SPECIAL: Mapping[tuple[str, Keys], Any] = {
    (DATASET, ("dataset", "name")): "other",
    (DATASET, ("dataset", "files", 0)): "data/other.csv.gz",
    (DATASET, ("dataset", "time", "column")): "When",
    (DATASET, ("dataset", "time", "format")): "%Y/%m/%d",
    (DATASET, ("dataset", "symbol", "column")): "Symbol",
    (DATASET, ("dataset", "symbols")): ["AAPL", "IBM"],
    (DATASET, ("dataset", "start")): "2009-09-01",
    (DATASET, ("dataset", "end")): "2013-01-02",
    (DATASET, ("dataset", "max_rows_per_symbol")): 800,
    (DATASET, ("dataset", "min_rows_per_symbol")): 250,
    (DATASET, ("dataset", "interval")): "1h",
    (DATASET, ("dataset", "default_target")): "fwd_ret_1d",
    (TARGETS, (*CLASSES, 0)): -0.03,
    (TARGETS, (*CLASSES, 1)): 0.03,
    (ROUTING, ("routing", "symbol")): "IBM",
    (SPLITS, ("splits", "max_train_timestamps")): 300,
    (REPRODUCIBILITY, ("reproducibility", "numeric_fingerprint")): "ab" * 32,
    (SPLITS, ("splits", "group_column")): "Volume",
    (SPLITS, ("splits", "time_blocks")): 2,
    (SAFETY, QUANTILE): 0.01,
    (f"{catalog.DEFAULTS}/{SAFETY}", QUANTILE): 0.01,
    (SPLITS, ("splits", "min_train_rows")): 100_000,
    (SPLITS, ("splits", "min_test_rows")): 100_000,
    (QUICK, ("experiment", "targets", 0)): "fwd_ret_1d",
    (QUICK, ("experiment", "families", 0)): "xgboost",
    (QUICK, ("experiment", "features", 0)): "ret_5d",
    (QUICK, ("experiment", "features", 1)): "ret_5d",
    (QUICK, ("experiment", "features", 2)): "ret_5d",
    (QUICK, ("experiment", "profile")): "throughput_optimized",
    (CANARY, ("experiment", "targets", 0)): "fwd_ret_5d",
    (CANARY, ("experiment", "families", 0)): "elasticnet",
    **{(CANARY, ("experiment", "features", place)): "ret_5d" for place in range(3)},
    **{(CONTROL, ("experiment", "features", place)): "ret_5d" for place in range(2)},
    (CONTROL, ("experiment", "extends")): "quick_look",
    (PIPELINE, ("pipeline", "family")): "ridge",
    (f"{catalog.DEFAULTS}/{PIPELINE}", ("pipeline", "family")): "ridge",
    (PIPELINE, ("sweep", "executor")): "dask",
    (f"{catalog.DEFAULTS}/{PIPELINE}", ("sweep", "executor")): "dask",
    (SELECTION, ("feature_selection", "families", 0)): "elasticnet",
    (RANKING, ("target_ranking", "targets")): ["fwd_ret_1d"],
    (RANKING, ("target_ranking", "families")): ["ridge"],
}
"""Values that a rule cannot find: names of what must exist, and values in place of null."""
FIRST: Mapping[tuple[str, Keys], Mapping[Keys, Any]] = {
    (ROUTING, ("routing", "symbol")): {("routing", "symbol"): "AAPL"},
    (ROUTING, ("routing", "view")): {("routing", "symbol"): "IBM"},
    (f"defaults/{ROUTING}", ("routing", "view")): {("routing", "symbol"): "IBM"},
    # What it extends brings the feature too.
    (CONTROL, ("experiment", "extends")): {("experiment", "features", 0): "ret_5d"},
    (DATASET, ("dataset", "short_symbols")): {("dataset", "min_rows_per_symbol"): 250},
    **{
        (SELECTION, ("feature_selection", *keys)): {("feature_selection", "method"): "importance"}
        for keys in (("top_k",), ("families", 0), ("aggregate",))
    },
    (REGISTRY, ("forbidden_levels", "Adj Close")): {
        ("registry", "ret_1d", "formula"): {"kind": "column", "column": "Adj Close"}
    },
}
"""What must be written before a leaf decides anything."""
ALIKE = (
    ("return", "lag"),
    ("volatility", "rolling_std", "zscore", "ratio_to_mean", "rsi"),
)
"""Kinds of formulas that take the same keys."""


@cache
def document(relative: str) -> Document:
    """Return a shipped document."""
    return parse((CONFIG / relative).read_bytes(), f"CONFIG/{relative}")


@cache
def shipped() -> tuple[str, ...]:
    """Return the path of every shipped document, below ``CONFIG``."""
    return tuple(
        path.relative_to(CONFIG).as_posix()
        for path in sorted(CONFIG.rglob("*.yaml"))
        if ".schemas" not in path.parts
    )


def leaves(value: Any, path: Keys = ()) -> Iterator[tuple[Keys, Any]]:
    """Yield every scalar of a document, and every empty mapping and list."""
    items: Any = None
    if isinstance(value, Mapping) and value:
        items = value.items()
    elif isinstance(value, list) and value:
        items = enumerate(value)
    if items is None:
        yield path, value
        return
    for key, child in items:
        yield from leaves(child, (*path, key))


def written(relative: str, changes: Mapping[Keys, Any], without: tuple[Keys, ...] = ()) -> str:
    """Return the text of a shipped document with other values, and without some of its leaves."""
    source = document(relative)
    lines = list(source.lines)
    for path, value in changes.items():
        place = source.places[path]
        line = lines[place.line - 1]
        text = json.dumps(value)
        lines[place.line - 1] = line[: place.column - 1] + text + line[place.end - 1 :]
    gone = set(without)
    for path in without:
        line = source.keys[path].line - 1
        lines[line] = "#" + lines[line]
        parent = path[:-1]
        siblings = {key for key in source.keys if len(key) == len(path) and key[:-1] == parent}
        if siblings <= gone and not lines[source.keys[parent].line - 1].endswith("{}"):
            lines[source.keys[parent].line - 1] += " {}"
    return "\n".join(lines) + "\n"


def schema_at(relative: str, path: Keys) -> Any:
    """Return the schema of a value; None where it is one of a formula's."""
    slot = catalog.slot_of(Path(relative), FAMILIES)
    assert slot is not None, relative
    root = catalog.schema_of(slot.kind, FAMILIES)
    node: Any = root
    for key in path:
        while "$ref" in node:
            node = root["$defs"][node["$ref"].rpartition("/")[2]]
        if isinstance(key, int):
            node = node.get("items")
        else:
            node = node.get("properties", {}).get(key, node.get("additionalProperties"))
        if not isinstance(node, Mapping):
            return None
    return node


def mutation(relative: str, path: Keys, value: Any) -> dict[Keys, Any]:
    """Return what to write so that a leaf has another valid value."""
    if relative == REGISTRY and path[0] == "selected" and isinstance(path[1], int):
        items: Any = document(relative).value["selected"]  # type: ignore[call-overload, index]
        other = (path[1] + 1) % len(items)
        return {path: items[other], ("selected", other): value}
    if path[-1] == "kind" and "formula" in path:
        alike = [kind for kinds in ALIKE if value in kinds for kind in kinds if kind != value]
        if alike:
            return {path: alike[0]}
        plain = {"kind": "column", "column": "Open"}
        ahead = {"kind": "forward_return_above", "column": "Close", "threshold": 0.5}
        if value == "forward_return_above":
            ahead = {"kind": "forward_return", "column": "Close"}
        return {path[:-1]: ahead if relative == TARGETS else plain}
    return {path: another(relative, path, value)}


def another(relative: str, path: Keys, value: Any) -> Any:
    """Return another valid value for a leaf; AssertionError if none can be found."""
    if (relative, path) in SPECIAL:
        return SPECIAL[relative, path]
    schema = schema_at(relative, path)
    for candidate in _candidates(relative, path, value, schema):
        valid = schema is None or Draft202012Validator(schema).is_valid(candidate)
        if valid and (candidate != value or type(candidate) is not type(value)):
            return candidate
    raise AssertionError(f"no other value is known for {relative}: {path}: {value!r}")


def _candidates(relative: str, path: Keys, value: Any, schema: Any) -> Iterator[Any]:
    if isinstance(schema, Mapping):
        for branch in (schema, *schema.get("anyOf", ())):
            yield from branch.get("enum", ())
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, value - 1, value * 2)
    elif isinstance(value, float):
        yield from (value * 0.75 + 0.0625, value * 0.5, value + 0.25, value + 1.0)
    elif isinstance(value, str):
        yield from _texts(relative, path, value)
    elif value is None:
        yield from (3, 0.5, "other", [3])


def _texts(relative: str, path: Keys, value: str) -> Iterator[str]:
    columns = ("Open", "Close", "Volume")
    if path[-1] in ("column", "numerator", "denominator", "high", "low", "by"):
        yield from (column for column in columns if column != value)
    if value == "any":
        yield [3]
    yield value + " other"
