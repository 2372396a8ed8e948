"""What a configuration comes to: its identity, and what the worker makes of it."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

from repro.audit_log.formats.canonical import canonical
from repro.audit_log.formats.digests import digest_bytes
from repro.config.documents.tree import load
from repro.config.resolution.active import Active, activate
from repro.config.resolution.resolve import Resolved, Selection, resolve
from repro.config.sealed import request as requests
from repro.errors import InputError, ReproError
from repro.execution import training
from repro.execution.fitting import Part
from repro.execution.selecting import choose
from repro.identity.keys import exact
from repro.identity.payloads import component_payloads
from repro.identity.run import seeds_of
from repro.verbs.configuring.validate import check

from .mutants import FAMILIES

SIGNATURES = ("dataset", "target", "features", "hyperparameters", "splits", "routing")


@dataclass(frozen=True)
class Outcome:
    """One configuration, carried as far as it goes."""

    components: Mapping[str, str]
    """Every component of the configuration, by digest."""
    signatures: Mapping[str, str]
    """The six, with the worker's facts in them; empty if it refused."""
    facts: str
    """What the worker prepared, or why it refused."""
    decides: str
    options: str
    active: Mapping[str, Any]
    problems: tuple[str, ...]
    """What validation says of it."""


@cache
def panel(kind: str) -> bytes:
    """Return rows of the shipped table in their order, unsorted, or with one twice."""
    packed = files("repro.template").joinpath("data", "stocks.csv.gz").read_bytes()
    head, *rows = gzip.decompress(packed).decode().splitlines()
    date = head.split(",").index("Date")
    rows = [row for row in rows if row.split(",")[date] >= "2009-06-01"]
    rows = [row for row in rows if "GOOG" not in row and "MSFT" not in row]
    if kind == "":
        pass
    elif kind == "unsorted":
        rows[5], rows[6] = rows[6], rows[5]
    elif kind == "twice":
        cells = rows[7].split(",")
        cells[-1] = "77.5"
        rows.insert(8, ",".join(cells))
    else:
        raise AssertionError(kind)
    return "\n".join([head, *rows]).encode()


def resolved_at(root: Path, asked: Mapping[str, Any]) -> Resolved:
    """Return the resolved configuration of a workspace, whose files must each be valid."""
    tree, found = load(root, FAMILIES)
    assert found == (), found
    return resolve(tree, Selection(**asked), FAMILIES)


def outcome(root: Path, asked: Mapping[str, Any], kind: str, *, works: bool) -> Outcome:
    """Return what a workspace comes to; ``works``: carry it through the worker's preparation."""
    resolved = resolved_at(root, asked)
    active = activate(resolved)
    selectors = [FAMILIES[family] for family in active.selecting]
    request = requests.build(resolved, active, FAMILIES[active.family], selectors)
    facts, signatures = "", {}
    if works:
        facts, signatures = _prepared(active, request, kind)
    return Outcome(
        components={name: _digest(value) for name, value in active.components.items()},
        signatures=signatures,
        facts=facts,
        decides=_digest(request.decides),
        options=_digest(request.options),
        active={k: v for k, v in asdict(active).items() if k != "components"},
        problems=tuple(problem.message for problem in check(resolved, FAMILIES)),
    )


def _prepared(active: Active, request: requests.Request, kind: str) -> tuple[str, dict[str, str]]:
    data = panel(kind)
    digests = {"blake3": digest_bytes(data).blake3}
    named = [(name, data, digests) for name in active.dataset["files"]]
    choosing = {
        family: (import_module(FAMILIES[family].module), FAMILIES[family].early_stopping)
        for family in active.selecting
    }
    for module, _ in choosing.values():
        module.load_library()
    try:
        prepared = training.prepare(
            request.decides,
            request.options,
            named,
            FAMILIES[active.family].early_stopping,
            choosing,
        )
    except (InputError, ReproError) as error:
        return error.problem, {}
    facts = prepared.facts
    made = component_payloads(active.components, facts)
    said = {name: facts[name] for name in ("dataset", "samples", "splits", "proof", "findings")}
    said["selection"] = _selected(prepared, active, request)
    return _digest(said), {name: _digest(made[name]) for name in SIGNATURES}


def _selected(prepared: training.Prepared, active: Active, request: requests.Request) -> Any:
    """Return the features that the first fold's model would be trained on."""
    if "selection" not in request.decides:
        return None
    declared = [FAMILIES[family] for family in active.selecting]
    seeds = seeds_of(active.base_seed, (), 31, request.decides, len(prepared.folds), declared)
    rows = prepared.folds[0].train
    part = Part(rows, range(prepared.samples.X.shape[1]), prepared.held.get("fold 1"))
    choice = choose(
        prepared.selectors,
        request.decides,
        prepared.samples,
        part,
        "fold 1",
        seeds,
        lambda *told: None,
    )
    return {"columns": choice.columns, "scores": choice.scores.tolist()}


def _digest(value: Any) -> str:
    return hashlib.sha256(canonical(exact(value))).hexdigest()
