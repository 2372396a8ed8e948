"""Sweeps that cannot be: each is told before anything is trained, and nothing is written."""

import json

import pytest


@pytest.fixture(scope="module")
def workspace(make_desk):
    """Return one workspace for all: nothing here may change it."""
    return make_desk()


REFUSED = [
    (["learning_rate="], 2, "the grid is empty"),
    (["learning_rate"], 2, "not an axis: 'learning_rate'"),
    ([], 2, "nothing to sweep over"),
    (["learning_rate="], 2, "write values after the =, as in learning_rate=1,2; an empty text is"),
    (["seed=5..1"], 2, "the range 5..1 is empty"),
    (["seed=5..1"], 2, "to count down: seed=5..1..-1"),
    (["seed=1..2..0"], 2, "axis seed: the range 1..2..0 has the step 0, which leads nowhere"),
    (["seed=1.."], 2, "axis seed: the range 1.. has no last number"),
    (["seed=..5"], 2, "axis seed: the range ..5 has no first number"),
    (["seed=1..1000000"], 2, "1000000 points are more than sweep.ask_above allows unasked, 1000"),
    (["seed=1..1000", "learning_rate=0.1,0.2"], 2, "2000 points are more"),
    (["seed=1..10", "--set", "sweep.ask_above=9"], 2, "10 points are more"),
    (["learning_rat=0.1,0.2"], 2, "did you mean learning_rate?"),
    (["learning_rat=0.1,0.2"], 2, "(in 2 points, the first: learning_rat=0.1)"),
    (["learning_rate=0.1,-1", "seed=1,2"], 1, "in 2 points, the first: learning_rate=-1, seed=1"),
    (["learning_rate=0.1,fast"], 1, "axis learning_rate"),
    (["learning_rate=0.1", "eta=0.2"], 2, "another name of learning_rate"),
    (["seed=1,2", "base_seed=3"], 2, "given twice: axis seed sets it already"),
    (["seed=1,2", "seed=3"], 2, "two axes have the key seed"),
    (["seed=1,2", "--seed", "3"], 2, "axis seed:1:1: "),
    (["seed=1,2", "--seed", "3"], 2, "given twice: --seed sets it already"),
    (["target=fwd_ret_1d,fwd_ret_5d", "-t", "fwd_ret_5d"], 2, "--target fwd_ret_5d and an axis"),
    (["profile=debug", "--profile", "debug"], 2, "--profile debug and an axis"),
    (["target=fwd_ret_1d,fwd_ret_9d"], 2, "no such target: 'fwd_ret_9d'"),
    (["target=fwd_ret_1d,fwd_ret_9d"], 2, "(in the point target=fwd_ret_9d)"),
    (["family=ridge,rigde"], 2, "did you mean ridge?"),
    (["experiment=quick_look,slow_look"], 2, "no such experiment: 'slow_look'"),
    (["symbol=IBM", "view=cross_sectional"], 1, "symbol"),
    (["seed=1,2", "--executor", "locl"], 2, "did you mean local?"),
    (["seed=1,2", "--address", "tcp://127.0.0.1:1"], 2, "has no address"),
    (["seed=1,2", "--metric", "rmsse"], 2, "did you mean rmse?"),
    (["seed=1,2", "--metric", "auc"], 2, "no run of this sweep has the metric 'auc'"),
    (["seed=1,2", "--metric", "baseline_rmse"], 2, "no run of this sweep has the metric"),
    (["seed=1,2", "--jobs", "0"], 2, "--jobs"),
    (["selected=[ret_1d],[ret_1d, nothing]"], 1, "in the point selected=[ret_1d, nothing]"),
]


@pytest.mark.parametrize(("words", "status", "said"), REFUSED)
def test_it_is_refused_with_the_point_and_what_to_do(workspace, words, status, said):
    before = workspace.records()
    done = workspace.run("sweep", "-q", *words, status=status)
    assert said in done.stderr.replace("\n", " ")
    assert done.stdout == ""
    assert workspace.records() == before
    assert not (workspace.root / "RESULTS").exists()


def test_every_problem_of_every_point_is_told_at_once(workspace):
    words = ("learning_rate=0.1,-1", "num_leaves=31,1", "--format", "json")
    told = json.loads(workspace.run("sweep", "-q", *words, status=1).stdout)["error"]["problems"]
    assert len(told) == 2
    assert {one["file"] for one in told} == {"axis learning_rate", "axis num_leaves"}
    assert all("in 2 points, the first: learning_rate=" in one["message"] for one in told)


def test_unknown_names_are_told_at_once_with_what_else_is_wrong(workspace):
    words = ("target=fwd_ret_5x,fwd_ret_5d", "profile=nosuch,debug", "learning_rate=0.1,-1")
    told = json.loads(workspace.run("sweep", "-q", *words, "--format", "json", status=1).stdout)
    found = {one["file"]: one["message"] for one in told["error"]["problems"]}
    assert found.keys() == {"axis target", "axis profile", "axis learning_rate"}
    assert "did you mean fwd_ret_5d?" in found["axis target"]
    assert all(" points, the first: target=" in message for message in found.values())
    assert "(in 4 points" in found["axis target"]
    assert "(in 4 points" in found["axis profile"]
    assert "(in 4 points" in found["axis learning_rate"]


def test_an_unknown_experiment_hides_nothing_of_the_other_axes(workspace):
    words = ("experiment=slow_look", "profile=nosuch", "learning_rate=-1", "seed=-1")
    said = workspace.run("sweep", "-q", *words, status=1).stderr
    assert "no such experiment: 'slow_look'" in said
    assert "no such profile: 'nosuch'" in said
    assert "axis seed:1:6: reproducibility.base_seed: -1" in said
    assert "axis learning_rate" not in said  # whose it is, only the experiment says


def test_two_unknown_names_and_nothing_else_are_a_matter_of_the_command(workspace):
    words = ("target=fwd_ret_5x", "profile=nosuch", "seed=1..3")
    said = workspace.run("sweep", "-q", *words, status=2).stderr
    assert said.count("(in 3 points, the first: target=fwd_ret_5x, profile=nosuch, seed=1)") == 2
    assert "axis profile:1:9: profile: " in said
    assert "axis target:1:8: target: " in said


def test_a_warning_counts_the_points_that_it_is_true_of(workspace):
    words = ("model_config.lightgbm.hyperparameters.num_leaves=7,8", "alpha=1,2,-1")
    said = workspace.run("sweep", "-q", "--family", "ridge", *words, status=1).stderr
    (line,) = [line for line in said.splitlines() if "warning" in line and "(in" in line]
    assert "(in 4 points, the first: model_config." in line
    assert "alpha=1)" in line


@pytest.mark.parametrize("symbols", ["IBM", "null,IBM"])
def test_both_views_of_a_symbol_are_a_sweep_without_the_axis_view(workspace, symbols):
    words = (f"symbol={symbols}", "view=cross_sectional,symbol_specific")
    said = workspace.run("sweep", "-q", *words, status=1).stderr
    assert "hint: leave out the axis view" in said
    assert "symbol=null,AAPL" in said
    fine = workspace.run("sweep", "-q", "symbol=null,IBM", "seed=1,-1", status=1).stderr
    assert "routing" not in fine  # the one problem is the seed's
    assert "(in 2 points, the first: symbol=null, seed=-1)" in fine


def test_a_workspace_whose_documents_say_nothing_of_sweeps_is_told_what_to_add(make_desk):
    desk = make_desk()
    desk.edit("training_config/pipeline_config.yaml", "  ask_above: 1000", "  # ask_above: 1000")
    desk.edit(
        "defaults/training_config/pipeline_config.yaml", "  ask_above: 1000", "  # ask_above: 1000"
    )
    assert "ask_above" in desk.run("sweep", "-q", "seed=1,2", status=1).stderr


UNKNOWN_SYMBOLS = [
    (["symbol=AAPL,APPL", "seed=1,2"], "no such symbol: 'APPL'; did you mean AAPL?"),
    (["symbol=AAPL,APPL", "seed=1,2"], "in 2 points, the first: symbol=APPL, seed=1"),
    (["symbol=APPL,IBN"], "axis symbol:1:8: symbol: no such symbol: 'APPL'"),
    (["symbol=APPL,IBN"], "no such symbol: 'IBN'"),
]


@pytest.mark.parametrize(("words", "said"), UNKNOWN_SYMBOLS)
def test_a_symbol_that_the_data_do_not_have_is_refused_before_anything_is_trained(
    make_desk, words, said
):
    desk = make_desk()
    before = desk.records()
    done = desk.run("sweep", "-q", *words, status=2)
    assert said in done.stderr.replace("\n", " ")
    assert "symbols of the dataset: AAPL, FB, GOOG, IBM, MSFT" in done.stderr
    assert desk.records() == before
    left = {path.name for path in (desk.root / "RESULTS").glob("*")}
    assert left <= {".derived"}  # digests of files that are no longer new


def test_a_symbol_of_other_data_is_looked_for_in_those(make_desk):
    desk = make_desk()
    names = "Date,Ticker,Open,High,Low,Close,Volume,Adj Close"
    rows = [f"2020-01-{day:02},ZZZ,1,1,1,1,1,1" for day in range(1, 32)]
    (desk.root / "data" / "other.csv").write_text("\n".join([names, *rows]) + "\n")
    axes = ('files=["data/stocks.csv.gz"],["data/other.csv"]', "symbol=AAPL")
    axes = (*axes, "--set", "min_rows_per_symbol=1")
    said = desk.run("sweep", "-q", *axes, status=2).stderr.replace("\n", " ")
    assert "no such symbol: 'AAPL' (in the point files=" in said
    assert "symbols of the dataset: ZZZ" in said
