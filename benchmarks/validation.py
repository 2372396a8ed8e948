"""Validation: whole processes beside tools that check or compose YAML, and what it adds to a run.

A fresh workspace of shipped documents; a thousand documents of one kind, against the same schema on
both sides; and reading, resolving and checking a run's configuration within a process.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from statistics import median

from measure import Command, Usage, both, calls_in_turn, in_turn, ratio, seconds
from places import HERE, Workspace, fresh, peer, peer_with, scratch
from table import Row

from repro.config.documents.catalog import schema_of
from repro.config.resolution.resolve import Selection
from repro.facts.trainers import declarations
from repro.verbs.configuring.validate import configuration

ROUNDS = 9
LIMIT = 0.35
MANY = 1000
MANY_ROUNDS = 3
RATE = 10.0
ADDED = 0.050
"""Seconds that a run's configuration may add to a command."""
TREE = 15
"""Files of the tree that Hydra composes: a primary one and its groups."""
OURS, CHECK, HYDRA = "repro validate", "check-jsonschema", "hydra compose"


def rows() -> list[Row]:
    """Measure the three goals."""
    with scratch() as folder:
        workspace = fresh(folder)
        return [_shipped(folder, workspace), _added(workspace), _many(folder, workspace)]


def _shipped(folder: Path, workspace: Workspace) -> Row:
    """Measure the CPU time of whole processes over the shipped documents."""
    commands = {OURS: workspace.command("validate")}
    documents = sorted((workspace.root / "CONFIG").rglob("*.yaml"))
    if check := peer("check-jsonschema"):
        commands[CHECK] = _check(folder, documents, check)
    if python := peer_with("hydra"):
        commands[HYDRA] = Command([python, HERE / "peer_hydra.py", _tree(folder, workspace)])
    cpu = {name: _cpu(usages) for name, usages in in_turn(commands, ROUNDS).items()}
    goal = f"repro validate, {len(documents)} documents and schemas / check-jsonschema, one schema"
    if CHECK not in cpu:
        return Row(goal, None, LIMIT)
    hydra = ratio(cpu[HYDRA], cpu[CHECK]) if HYDRA in cpu else None
    return Row(
        goal,
        ratio(cpu[OURS], cpu[CHECK]),
        LIMIT,
        peers={f"hydra ({TREE} files)": hydra},
        numbers=f"CPU {both(cpu[OURS], cpu[CHECK])}",
    )


def _added(workspace: Workspace) -> Row:
    """Measure what the configuration adds to a command whose modules are loaded."""
    calls = {"ours": lambda: configuration(workspace.root, Selection())}
    taken = calls_in_turn(calls, ROUNDS)["ours"]
    return Row(
        f"a run's configuration, read, resolved and checked / {ADDED * 1e3:.0f} ms",
        median(taken) / ADDED,
        1.0,
        numbers=seconds(median(taken)),
    )


def _many(folder: Path, workspace: Workspace) -> Row:
    """Measure whole processes over many overlays of one kind; the last row, for it adds them."""
    goal = f"documents a second, {MANY} of one kind / check-jsonschema, the same schema"
    check = peer("check-jsonschema")
    if check is None:
        return Row(goal, None, RATE, at_least=True)
    shipped = workspace.root / "CONFIG" / "model_config" / "lightgbm.yaml"
    documents = [shipped.with_name(f"lightgbm_copy{number}.yaml") for number in range(MANY)]
    for document in documents:
        shutil.copy(shipped, document)
    schema = folder / "model.json"
    schema.write_text(json.dumps(schema_of("model:lightgbm", declarations())), "utf-8")
    commands = {
        OURS: workspace.command("validate"),
        CHECK: Command([check, "--schemafile", schema, *documents]),
    }
    cpu = {name: _cpu(usages) for name, usages in in_turn(commands, MANY_ROUNDS).items()}
    return Row(
        goal,
        ratio(cpu[CHECK], cpu[OURS]),
        RATE,
        at_least=True,
        numbers=f"CPU {both(cpu[OURS], cpu[CHECK])}",
    )


def _check(folder: Path, documents: list[Path], command: Path) -> Command:
    """Return check-jsonschema over the same files, with the least that a schema can say."""
    schema = folder / "trivial.json"
    schema.write_text(json.dumps({"type": "object"}), "utf-8")
    return Command([command, "--schemafile", schema, *documents])


def _tree(folder: Path, workspace: Workspace) -> Path:
    """Return a Hydra tree of as many files, their contents those of the workspace in turn."""
    documents = sorted((workspace.root / "CONFIG").rglob("*.yaml"))
    tree = folder / "hydra"
    defaults = ["defaults:"]
    for number in range(TREE - 1):
        group = tree / f"group{number}"
        group.mkdir(parents=True)
        shutil.copy(documents[number % len(documents)], group / "chosen.yaml")
        defaults.append(f"  - group{number}: chosen")
    (tree / "main.yaml").write_text("\n".join([*defaults, "  - _self_", ""]), "utf-8")
    return tree


def _cpu(taken: list[Usage]) -> list[float]:
    return [usage.cpu for usage in taken]
