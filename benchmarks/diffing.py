"""Comparing two runs: `repro diff` against what DVC says of two experiments."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from measure import Command, Usage, both, in_turn, ratio, run
from places import Workspace, commit_all, fresh, peer, scratch
from table import Row

ROUNDS = 9
LIMIT = 0.25
OURS, JSON, PARAMS = "repro diff", "repro diff --format json", "dvc params diff"
EXPERIMENTS = "dvc exp diff"
STAGE = "import json; p = json.load(open('params.json')); json.dump(p, open('metrics.json', 'w'))"


def rows() -> list[Row]:
    """Measure the CPU time of whole processes; the two runs differ in one parameter."""
    with scratch() as folder:
        workspace = fresh(folder)
        for trees in (20, 21):
            run(
                workspace.command(
                    "train", "--quiet", "--set", f"hyperparameters.n_estimators={trees}"
                )
            )
        different = (0, 1)
        commands = {
            OURS: workspace.command("diff", "@latest~1", "@latest", good=different),
            JSON: workspace.command(
                "diff", "@latest~1", "@latest", "--format", "json", good=different
            ),
        }
        if dvc := peer("dvc"):
            commands |= _dvc(folder / "dvc", dvc, workspace)
        taken = in_turn(commands, ROUNDS)
    goal = "repro diff, 2 sealed runs"
    if EXPERIMENTS not in taken and PARAMS not in taken:
        return [Row(f"{goal} / {EXPERIMENTS}", None, LIMIT)]
    peer_name = EXPERIMENTS if EXPERIMENTS in taken else PARAMS
    cpu = {name: _cpu(usages) for name, usages in taken.items()}
    others = {n: ratio(cpu[n], cpu[peer_name]) for n in (PARAMS, JSON) if n in cpu}
    return [
        Row(
            f"{goal} / {peer_name}",
            ratio(cpu[OURS], cpu[peer_name]),
            LIMIT,
            peers=others,
            numbers=f"CPU {both(cpu[OURS], cpu[peer_name])}",
        )
    ]


def _dvc(place: Path, dvc: Path, workspace: Workspace) -> dict[str, Command]:
    """Return DVC's comparisons in a repository with two commits and, if it can, two experiments.

    Its parameters are those of our run; its stage is as short as a stage can be.
    """
    place.mkdir()
    snapshot_file = min((workspace.root / "RESULTS").rglob("snapshot.json"))
    parameters = json.loads(snapshot_file.read_text("utf-8"))["parameters"]["requested"]
    shutil.copy(snapshot_file.parent / "model.txt", place / "model.txt")
    stage = {
        "cmd": f'{sys.executable} -c "{STAGE}"',
        "deps": ["model.txt"],
        "params": [{"params.json": None}],
        "metrics": [{"metrics.json": {"cache": False}}],
    }
    (place / "dvc.yaml").write_text(json.dumps({"stages": {"train": stage}}), "utf-8")
    run(Command(["git", "init", "-q"], place))
    run(Command([dvc, "init", "-q"], place))
    for trees in (20, 21):
        text = json.dumps({**parameters, "num_iterations": trees})
        (place / "params.json").write_text(text, "utf-8")
        run(Command([dvc, "repro", "-q"], place))
        commit_all(place)
    found = {PARAMS: Command([dvc, "params", "diff", "HEAD~1"], place)}
    try:
        for number in (1, 2):
            setting = f"params.json:num_iterations={30 + number}"
            run(Command([dvc, "exp", "run", "-q", "-n", f"exp{number}", "-S", setting], place))
        found[EXPERIMENTS] = Command([dvc, "exp", "diff", "exp1", "exp2"], place)
        run(found[EXPERIMENTS])
    except RuntimeError as error:
        found.pop(EXPERIMENTS, None)
        print(f"{EXPERIMENTS} does not run here, {PARAMS} stands in: {error}", file=sys.stderr)
    return found


def _cpu(taken: list[Usage]) -> list[float]:
    return [usage.cpu for usage in taken]
