"""Listing: a page of 50 runs by `repro runs list`, whole processes, beside MLflow's search.

The runs are copies of one real run's snapshot under other names, keys, seeds and metrics, in a
workspace with a log; the index is made once, as it is by whoever lists first. Each command then has
what a user has: a folder that nobody has touched for a while.

MLflow has fewer runs than we have; they are copies of one that it made itself.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path

from logs import scaled
from measure import Command, both, in_turn, ratio, run, seconds
from places import HERE, Workspace, fresh, peer_with, scratch
from table import Row

MANY, FEW, PAGE = 100_000, 1_000, 50
PEER_RUNS = 10_000
ROUNDS, PEER_ROUNDS = 9, 3
LIMIT, FILES, SQLITE = 1.5, 1 / 20, 1 / 2
AGO = 10
"""Seconds for which nobody has touched the runs."""


def rows() -> list[Row]:
    """Measure many against few in turn, then each store of MLflow against many."""
    many, few, peer_runs = scaled(MANY), scaled(FEW), scaled(PEER_RUNS)
    with scratch() as folder:
        commands, made = {}, {}
        for count in (many, few):
            (folder / str(count)).mkdir()
            workspace = fresh(folder / str(count))
            run(workspace.command("train", "--quiet", "--profile", "debug"))
            copy_runs(workspace, count)
            begin = time.perf_counter()
            listing = workspace.command("runs", "list", "--limit", str(PAGE))
            run(listing)
            made[count] = time.perf_counter() - begin
            commands[f"{count} newest"] = listing
            commands[f"{count} best"] = replace(listing, words=[*listing.words, "--sort", "rmse"])
        settle(folder)
        for listing in commands.values():
            run(listing)
        taken = in_turn(commands, ROUNDS)
        walls = {name: [usage.wall for usage in usages] for name, usages in taken.items()}
        found = [
            Row(
                f"runs list, {order}, a page of {PAGE}: {many:,} runs / {few:,}",
                ratio(walls[f"{many} {order}"], walls[f"{few} {order}"]),
                LIMIT,
                numbers=both(walls[f"{many} {order}"], walls[f"{few} {order}"]),
            )
            for order in ("newest", "best")
        ]
        found += [
            Row(
                f"making the index of {many:,} runs, seconds",
                made[many],
                numbers=seconds(made[many]),
            ),
        ]
        for store, limit in (("files", FILES), ("sqlite", SQLITE)):
            search = _mlflow(folder, store, peer_runs)
            sides = {"ours": commands[f"{many} best"]} | ({"theirs": search} if search else {})
            turns = in_turn(sides, PEER_ROUNDS)
            ours, *peers = ([usage.wall for usage in usages] for usages in turns.values())
            found.append(
                Row(
                    f"runs list over {many:,} / MLflow's search over {peer_runs:,}, {store}",
                    ratio(ours, *peers) if peers else None,
                    limit,
                    numbers=both(ours, *peers) if peers else "",
                )
            )
    return found


def copy_runs(workspace: Workspace, count: int) -> None:
    """Lay down so many copies of the one run's snapshot."""
    base = workspace.root / "RESULTS" / "runs"
    (snapshot,) = base.rglob("snapshot.json")
    inner = snapshot.relative_to(base).parts[1:]
    text = json.loads(snapshot.read_bytes())
    for number in range(1, count):
        key = f"{number:012x}".ljust(64, "0")
        name = f"{key[:12]}-1"
        text["run"] = name
        text["comparison_group"] |= {"execution_key": key, "strict_key": key, "train_seed": number}
        text["metrics"]["rmse"] = number / count
        text["log"]["plan"] = number + 3
        place = base.joinpath(name, *inner)
        place.parent.mkdir(parents=True)
        place.write_text(json.dumps(text))


def settle(folder: Path) -> None:
    """Let the folders of the runs be as old as they are for a user."""
    for base in sorted(folder.glob("*/*/RESULTS/runs")):
        then = time.time() - AGO
        os.utime(base, (then, then))


def _mlflow(folder: Path, store: str, count: int) -> Command | None:
    """Return a search in a store that has so many runs, or None without MLflow."""
    python = peer_with("mlflow")
    if python is None:
        return None
    place = folder / f"mlflow {store}"
    place.mkdir()
    script = HERE / "peer_mlflow_search.py"
    run(Command([python, script, "make", store, str(count)], place))
    return Command([python, script, "search", store, str(count)], place)
