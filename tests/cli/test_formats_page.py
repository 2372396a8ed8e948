"""What docs/formats.md says is enough: all that is named there is computed again from files.

By the page's own words, with BLAKE3 and a canonical JSON of others. Contexts, members, purposes and
bits are read from its tables, so that a page that says otherwise fails here.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from blake3 import blake3

from repro.audit_log.formats.record import TYPES

from .conftest import Desk

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
WORD = re.compile(r"`([^`]+)`")


def rows(first: str, page: str = "formats.md") -> list[list[str]]:
    """Return the rows of the one table of a page whose head begins with ``first``."""
    text = (DOCS / page).read_text("utf-8")
    (table,) = re.findall(rf"^\| {re.escape(first)} \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.M)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


CONTEXTS = {what: WORD.findall(context) for what, context, _ in rows("what")}
VALUES = {what: value for what, _, value in rows("what")}
SIGNATURES = re.findall(r'"(\w+_signature)"', VALUES["replicate_key"])
MEMBERS = {WORD.findall(member)[0]: where for member, where in rows("member")}
SEEDS = {
    family: (int(bits), WORD.findall(purposes))
    for families, bits, purposes in rows("family")
    for family in WORD.findall(families)
}


def plain(value: Any) -> Any:
    """Return a value with whole numbers beyond 2^53-1 as strings of their digits."""
    match value:
        case dict():
            return {key: plain(child) for key, child in value.items()}
        case list():
            return [plain(child) for child in value]
        case int() | float() if not isinstance(value, bool):
            return str(int(value)) if value == int(value) and abs(value) > 2**53 - 1 else value
    return value


def h(what: str, value: Any, c: str = "") -> str:
    """Return H of a value, in the context that the page has for ``what``."""
    context = CONTEXTS[what][0]
    if c:
        context = context.replace(" C", f" {c}")
    return blake3(rfc8785.dumps(plain(value)), derive_key_context=context).hexdigest()


def files_of(folder: Path) -> dict[str, Any]:
    """Return the JSON files of a run by name."""
    return {path.name: json.loads(path.read_bytes()) for path in folder.glob("*.json")}


def seed(files: dict[str, Any], family: str, purpose: str, stage: str) -> int:
    """Return a seed as the page says, of a family that is trained or chooses features."""
    snapshot = files["snapshot.json"]
    names = [snapshot["target"], snapshot["view"], snapshot["symbol"] or "", snapshot["family"]]
    digest = h("a seed", [1, files["request.json"]["base_seed"], purpose, [*names, stage]])
    bits = SEEDS[family][0] if purpose in SEEDS[family][1] else min(32, SEEDS[family][0])
    return int(digest[:16], 16) % 2**bits


def recompute(desk: Desk, folder: Path) -> dict[str, Any]:
    """Compute again what is named of the run in ``folder``; return its files."""
    files = files_of(folder)
    snapshot, environment = files["snapshot.json"], files["environment.json"]
    group, request = snapshot["comparison_group"], files["request.json"]
    parts = CONTEXTS["signature of a component"][1:]
    six = {
        name: h("signature of a component", snapshot["payloads"][part], part)
        for part, name in zip(parts, SIGNATURES, strict=True)
    }
    assert six == {name: group[name] for name in SIGNATURES}
    assert h("replicate_key", {"schema": 1, **six}) == group["replicate_key"]
    strict = h("strict_key", {"schema": 1, **six, "train_seed": group["train_seed"]})
    assert strict == group["strict_key"]
    assert h("request", request["decides"]) == snapshot["request_digest"]
    of_environment = WORD.findall(MEMBERS["environment"])[2:]
    made = {
        "schema": 1,
        "strict_key": strict,
        "code": environment["code"],
        "environment": {name: environment["environment"][name] for name in of_environment},
        "settings": environment["environment"]["settings"],
        "threads": request["decides"]["execution"]["threads"],
        "seed_scheme": 1,
        "request": h("request", request["decides"]),
    }
    assert {"schema", "seed_scheme", *MEMBERS} == set(made)
    assert set(re.findall(r'"(\w+)":', VALUES["execution_key"])) == set(made)
    assert h("execution_key", made) == group["execution_key"]
    outputs = {"schema": 1, "outputs": snapshot["outputs"]}
    assert h("output_digest", outputs) == snapshot["output_digest"]
    (plan,) = [r["body"] for r in desk.records() if r["seq"] == snapshot["log"]["plan"]]
    whole = h("environment, in a plan and in a snapshot's `log`", environment["environment"])
    assert whole == plan["environment"] == snapshot["log"]["environment"]
    assert h("seeds, in a plan", snapshot["seeds"]) == plan["seeds"]
    assert h("data files, in a plan", files["dataset.json"]["files"]) == plan["inputs"]["digest"]
    return files


def test_keys_digests_and_seeds_are_computed_again(with_run: tuple[Desk, Any]) -> None:
    desk, run = with_run
    files = recompute(desk, Path(run["folder"]))
    stages = files["snapshot.json"]["seeds"]
    folds = len(files["snapshot.json"]["payloads"]["splits"]["facts"]["folds"])
    assert set(stages) == {"final", *(f"fold {n + 1}" for n in range(folds))}
    for stage, seeds in stages.items():
        purposes = [*SEEDS["lightgbm"][1], "python", "numpy"]
        assert seeds == {name: seed(files, "lightgbm", name, stage) for name in purposes}
    (override,) = [r["body"] for r in desk.records() if r["type"] == "config.override"]
    assert h("overrides, in `config.override`", override["list"]) == override["digest"]


@pytest.mark.slow
def test_seeds_of_drawn_folds_and_of_who_chooses_features_too(desk: Desk) -> None:
    options = ["splits.method=k_fold", "splits.shuffled=true", "splits.purge=1"]
    options += ["feature_selection.method=importance", "feature_selection.top_k=5"]
    options += ["feature_selection.families=[ridge, xgboost]"]
    sets = [word for option in options for word in ("--set", option)]
    run = desk.train("--target", "fwd_ret_1d", *sets)
    files = recompute(desk, Path(run["folder"]))
    snapshot, request = files["snapshot.json"], files["request.json"]
    names = [snapshot["target"], snapshot["view"], snapshot["symbol"] or ""]
    drawn = h("a seed of drawn folds", [1, request["base_seed"], "folds", names])
    assert int(drawn[:16], 16) % 2**53 == request["decides"]["splits"]["seed"]
    chosen = 0
    for stage, seeds in snapshot["seeds"].items():
        fit, _, chooser = stage.partition(", selection by ")
        family = chooser or snapshot["family"]
        chosen += bool(chooser)
        purposes = [*SEEDS[family][1], "python", "numpy"]
        assert fit == "final" or fit.startswith("fold ")
        assert seeds == {name: seed(files, family, name, stage) for name in purposes}
    assert chosen


@pytest.mark.parametrize("page", ["formats.md", "log-format.md"])
def test_the_types_of_records_are_all_listed_once(page: str) -> None:
    listed = [name for types, _ in rows("type", page) for name in WORD.findall(types)]
    assert sorted(listed) == sorted(TYPES)


def test_bits_and_purposes_are_those_of_the_declarations() -> None:
    declared = [json.loads(path.read_bytes()) for path in (ROOT / "trainers").glob("*.json")]
    assert {one["family"]: (one["seed_bits"], one["seeds"]) for one in declared} == SEEDS
