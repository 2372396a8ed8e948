"""Start-up: what a command costs before it does anything, in CPU time of a bare interpreter."""

from __future__ import annotations

import sys
from statistics import median

from measure import Command, Usage, in_turn, ratio, seconds
from places import fresh, ours, peer, scratch
from table import Row

ROUNDS = 15
PEER_ROUNDS = 3
BARE = "a bare interpreter"
VERSION_LIMIT = 1.3
COMMAND_LIMIT = 6.0
ENTRY = "import sys; from repro.__main__ import main; sys.exit(main())"
"""The entry point without the script that the installer wrote around it: that of an old pip (23)
imports `re`, which costs half a bare interpreter; that of a new one (26) imports nothing."""
PEERS = ("dvc", "mlflow", "check-jsonschema")


def rows() -> list[Row]:
    """Measure ours often and the slow peers a few times, each in turn with a bare interpreter."""
    bare = Command([sys.executable, "-c", "pass"])
    with scratch() as folder:
        workspace = fresh(folder)
        commands = {
            "repro --version": workspace.command("--version"),
            "repro --version, no wrapper": Command([sys.executable, "-c", ENTRY, "--version"]),
            "repro validate --help": workspace.command("validate", "--help"),
            "repro runs list, no runs": workspace.command("runs", "list"),
            "repro diff --help": workspace.command("diff", "--help"),
            "repro-verify --help": Command([ours("repro-verify"), "--help"]),
        }
        taken = in_turn({BARE: bare, **commands}, ROUNDS)
    peers = _peers(bare)
    return [
        Row(
            f"{name} / {BARE}",
            ratio(_cpu(taken[name]), _cpu(taken[BARE])),
            VERSION_LIMIT if "--version" in name else COMMAND_LIMIT,
            peers=peers if name == "repro --version" else {},
            numbers=f"CPU {seconds(median(_cpu(taken[name])))} "
            f"against {seconds(median(_cpu(taken[BARE])))}",
        )
        for name in commands
    ]


def _peers(bare: Command) -> dict[str, float | None]:
    """Return what `--version` of each peer costs."""
    there = {name: path for name in PEERS if (path := peer(name))}
    commands = {name: Command([path, "--version"]) for name, path in there.items()}
    taken = in_turn({BARE: bare, **commands}, PEER_ROUNDS)
    return {
        name: ratio(_cpu(taken[name]), _cpu(taken[BARE])) if name in there else None
        for name in PEERS
    }


def _cpu(taken: list[Usage]) -> list[float]:
    return [usage.cpu for usage in taken]
