"""Validation: a fresh workspace against its schemas, beside tools that check or compose YAML."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from measure import Command, Usage, both, in_turn, ratio
from places import HERE, Workspace, fresh, peer, peer_with, scratch
from table import Row

ROUNDS = 9
LIMIT = 0.35
TREE = 15
"""Files of the tree that Hydra composes: a primary one and its groups."""
OURS, CHECK, HYDRA = "repro validate", "check-jsonschema", "hydra compose"


def rows() -> list[Row]:
    """Measure the CPU time of whole processes."""
    with scratch() as folder:
        workspace = fresh(folder)
        commands = {OURS: workspace.command("validate")}
        documents = sorted((workspace.root / "CONFIG").rglob("*.yaml"))
        if check := peer("check-jsonschema"):
            commands[CHECK] = _check(folder, documents, check)
        if python := peer_with("hydra"):
            commands[HYDRA] = Command([python, HERE / "peer_hydra.py", _tree(folder, workspace)])
        taken = in_turn(commands, ROUNDS)
    cpu = {name: _cpu(usages) for name, usages in taken.items()}
    goal = f"repro validate, {len(documents)} documents and schemas / check-jsonschema, one schema"
    if CHECK not in cpu:
        return [Row(goal, None, LIMIT)]
    hydra = ratio(cpu[HYDRA], cpu[CHECK]) if HYDRA in cpu else None
    return [
        Row(
            goal,
            ratio(cpu[OURS], cpu[CHECK]),
            LIMIT,
            peers={f"hydra ({TREE} files)": hydra},
            numbers=f"CPU {both(cpu[OURS], cpu[CHECK])}",
        )
    ]


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
