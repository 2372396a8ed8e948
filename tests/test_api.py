"""The verbs from Python: typed, lazy, as the commands do; and the notebook that shows them."""

import dataclasses
import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import repro
from repro import api
from repro.errors import IntegrityError, UsageError

DOCS = Path(__file__).parent.parent / "docs"
NOTEBOOK = DOCS / "examples" / "workspace.ipynb"


@pytest.fixture(autouse=True)
def keys():
    """Keep the session's key directory, in which the module's workspace has its key."""
    return Path(os.environ["REPRO_KEYS"])


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """Return a workspace with two runs."""
    folder = tmp_path_factory.mktemp("api") / "workspace"
    folder.mkdir()
    made = repro.init(folder)
    quickly = {"hyperparameters.n_estimators": 5}
    made.train(profile="debug", set=quickly)
    made.train(profile="debug", seed=7, set=quickly)
    return made


def test_importing_it_loads_nothing_and_what_is_used_is_there():
    program = (
        "import sys, repro; before = set(sys.modules)\n"
        "assert not [m for m in before if m.startswith('repro.')], before\n"
        "repro.workspace; assert 'numpy' not in sys.modules and 'typer' not in sys.modules\n"
        "assert all(hasattr(repro, name) for name in repro.__all__)\n"
        "assert set(repro.__all__) <= set(dir(repro))"
    )
    subprocess.run([sys.executable, "-P", "-c", program], check=True)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        repro.nothing  # noqa: B018


def test_runs_are_found_compared_and_shown_as_the_commands_do(workspace):
    first, second = workspace.runs()
    assert workspace.run("@latest") == second
    assert second.metrics["rmse"] == second.snapshot["metrics"]["rmse"]
    compared = workspace.diff(first.name, second.name)
    assert compared.verdict == "too few replicates"
    assert [cause.component for cause in compared.causes] == ["seed"]
    assert dataclasses.is_dataclass(compared)
    (group,) = workspace.stability(first.name).groups
    assert (group.verdict, group.runs) == ("too few", (first.name, second.name))
    assert len(repr(second)) < 500
    assert second.read("metrics.json")["folds"]
    assert second.read("snapshot.json") == second.snapshot
    for name in ("nosuch", "predictions.npy", "../" + second.name, 3, None):
        with pytest.raises(UsageError, match="has no JSON file") as told:
            second.read(name)
        assert "config.json, dataset.json, environment.json, importance.json" in told.value.hint


def test_a_run_that_is_not_what_was_sealed_is_refused_as_the_command_does(workspace):
    run = workspace.run("@latest")
    snapshot = run.folder / "snapshot.json"
    sealed = snapshot.read_bytes()
    snapshot.write_bytes(sealed.replace(b'"rmse": 0.', b'"rmse": 0.0'))
    assert snapshot.read_bytes() != sealed
    try:
        with pytest.raises(IntegrityError, match="not the one that the log names"):
            workspace.run("@latest")
    finally:
        snapshot.write_bytes(sealed)
    assert workspace.run("@latest") == run


def test_values_keep_their_types_and_a_wrong_one_is_told_with_its_place(workspace):
    explained = workspace.explain("learning_rate", set={"hyperparameters.learning_rate": 0.5})
    assert explained.leaf.value == 0.5
    assert not workspace.validate(set={"splits.max_train_timestamps": None}).errors
    problems = workspace.validate(set={"hyperparameters.n_estimators": "7"}).errors
    assert problems[0].message == '"7" is text; write 7'
    with pytest.raises(repro.ProblemsError):
        workspace.train(set={"nothing": 1})
    with pytest.raises(repro.UsageError, match="no value of a configuration"):
        workspace.train(set={"seed": object()})
    with pytest.raises(repro.UsageError, match="no value of a configuration"):
        workspace.train(set={"seed": float("nan")})


def test_an_experiment_is_carried_out_and_told_run_by_run(workspace):
    config = workspace.root / "CONFIG" / "experiments" / "two.yaml"
    config.write_text(
        "experiment:\n  description: Two.\n  families: [ridge, lightgbm]\n  profile: debug\n"
    )
    done = workspace.experiment("two", set={"splits.folds": 2}, family="ridge").done
    assert [(one.member.family, one.outcome.snapshot["family"]) for one in done] == [
        (None, "ridge")
    ]
    with pytest.raises(repro.UsageError, match="no such experiment"):
        workspace.experiment("three")
    config.unlink()


def test_features_and_targets_are_ranked_by_ordinary_runs(workspace):
    sets = {"splits.folds": 2, "feature_selection.families": ["ridge"]}
    found = workspace.select(set={**sets, "feature_selection.top_k": 3})
    best = [feature.name for feature in found.ranked.features[:3]]
    assert set(found.names) == set(best)
    assert found.outcomes["ridge"].run in {run.name for run in workspace.runs()}
    ranking = workspace.rank(set={"splits.folds": 2, "target_ranking.targets": ["fwd_ret_5d"]})
    assert [standing.target for standing in ranking.standings] == ["fwd_ret_5d"]


def test_a_sweep_is_carried_out_and_told_point_by_point(workspace):
    axes = {"hyperparameters.alpha": [0.5, 2], "seed": "1..2"}
    chosen = {"family": "ridge", "profile": "debug", "set": {"splits.folds": 2}}
    found = workspace.sweep(axes, jobs=2, **chosen)
    assert [one.state for one in found.done] == ["sealed"] * 4
    assert [one.point.values for one in found.done][1] == {"hyperparameters.alpha": 0.5, "seed": 2}
    assert [len(row.results) for row in found.rows] == [2, 2]
    assert found.best[0].result.run in {one.result.run for one in found.done}
    again = workspace.sweep(axes, **chosen)
    assert [one.state for one in again.done] == ["sealed before"] * 4
    with pytest.raises(repro.UsageError, match="1001 points are more") as told:
        workspace.sweep({"seed": "1..1001"}, **chosen)
    assert "most=N" in told.value.hint
    with pytest.raises(repro.UsageError, match="no value of a configuration"):
        workspace.sweep({"seed": [object()]})
    with pytest.raises(repro.UsageError, match="the grid is empty"):
        workspace.sweep({"seed": []})


def test_the_log_and_the_data_can_be_asked(workspace):
    report = workspace.audit_verify()
    assert (report.verdict, report.exit_status) == ("ok", 0)
    assert workspace.data_diff("@latest").verdict == "same"
    assert workspace.fingerprint("@latest").root == workspace.fingerprint().root


def test_stages_are_told_to_who_asks(workspace):
    told = []
    watched = repro.workspace(workspace.root / "CONFIG", repro.Observer(stage=told.append))
    assert watched.root == workspace.root
    watched.fingerprint()
    assert told == ["reading the data"]


def test_a_folder_that_is_no_workspace_is_refused(tmp_path):
    with pytest.raises(repro.ReproError, match="no workspace"):
        repro.workspace(tmp_path)


def test_every_method_is_documented():
    text = (DOCS / "python.md").read_text("utf-8")
    documented = dict(re.findall(r"`\.(\w+)\((.*?)\)`[,|` ]", text))
    methods = {
        name: inspect.signature(getattr(api.Workspace, name))
        for name in dir(api.Workspace)
        if name[0] != "_" and inspect.isfunction(getattr(api.Workspace, name))
    }
    assert set(documented) == set(methods)
    for name, signature in methods.items():
        passed = [
            one.replace(annotation=one.empty) for one in list(signature.parameters.values())[1:]
        ]
        shown = str(inspect.Signature(passed)).replace("'", '"')
        assert f"({documented[name]})" == shown, name


def test_everything_that_is_offered_is_documented():
    text = (DOCS / "python.md").read_text("utf-8")
    assert [name for name in repro.__all__ if name[0] != "_" and f"repro.{name}" not in text] == []


@pytest.mark.slow
def test_what_the_page_shows_runs_as_it_stands(tmp_path):
    text = (DOCS / "python.md").read_text("utf-8")
    program = "\n".join(re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    (tmp_path / "demo").mkdir()
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=tmp_path,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "preparing data, features and folds" in done.stdout
    snapshots = [json.loads(path.read_bytes()) for path in tmp_path.rglob("snapshot.json")]
    assert {one["family"] for one in snapshots} == {"lightgbm"}, "the page says what it needs"


@pytest.mark.slow
def test_the_notebook_runs_from_top_to_bottom(tmp_path):
    book = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(book)
    NotebookClient(book, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [
        "".join(o.get("data", {}).get("text/plain", "") for o in c.outputs)
        for c in book.cells
        if c.cell_type == "code"
    ]
    assert shown[0].startswith("Workspace(root=")
    assert "'stable'" in shown[4]
    assert shown[6] == "'reproduced'"
    assert shown[8].startswith("('ok'")
    assert "learning_rate" in shown[9]
