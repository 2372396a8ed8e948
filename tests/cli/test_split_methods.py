"""Methods of the splits, through the command: sealed with their proof, and done again."""

from __future__ import annotations

import numpy as np
import pytest

DRAWN = (
    *("--family", "ridge", "--set", "splits.method=k_fold", "--set", "splits.folds=3"),
    *("--set", "shuffled=true", "--target", "fwd_ret_1d", "--set", "purge=1"),
)


def predictions(desk, run):
    (path,) = desk.root.glob(f"RESULTS/runs/{run}/**/predictions.npy")
    return np.load(path)


@pytest.fixture(scope="module")
def drawn(make_desk):
    """Return a workspace with a run whose folds a seed drew."""
    desk = make_desk()
    return desk, desk.train(*DRAWN)


def test_of_drawn_folds_the_rule_is_the_identity_and_the_folds_stand_beside_it(drawn):
    desk, run = drawn
    snapshot = desk.snapshot(run["run"])
    rows, facts = snapshot["samples"]["rows"], snapshot["payloads"]["splits"]["facts"]
    assert (facts["draw"], facts["rows"]) == ("repro-audit v1 shuffled times", rows)
    assert "seed" not in str(snapshot["payloads"]["splits"])
    folds = snapshot["drawn_folds"]["folds"]
    assert [fold["fold"] for fold in folds] == [1, 2, 3]
    assert sum(fold["test_rows"] for fold in folds) == rows
    proof = snapshot["proof"]
    assert proof["holds"]
    assert proof["found"]["every_row_tested"]
    assert [line["meeting_rows"] for line in proof["folds"]] == [0, 0, 0]


def test_every_row_is_predicted_once_by_a_model_that_saw_none_of_its_day(drawn):
    desk, run = drawn
    table = predictions(desk, run["run"])
    assert len(table) == desk.snapshot(run["run"])["samples"]["rows"]
    assert len(np.unique(table[["symbol", "time"]])) == len(table)
    of_day = {(time, fold) for time, fold in table[["time", "fold"]].tolist()}
    assert len(of_day) == len(np.unique(table["time"]))


@pytest.mark.slow
def test_another_seed_draws_anew_and_is_a_replicate(drawn):
    desk, run = drawn
    other = desk.train(*DRAWN, "--seed", "7")
    a, b = run["comparison_group"], other["comparison_group"]
    assert {name for name in a if a[name] != b[name]} == {
        *("train_seed", "strict_key", "execution_key")
    }
    folds = [desk.snapshot(one["run"])["drawn_folds"]["fold_map"] for one in (run, other)]
    assert folds[0] != folds[1]
    answer = desk.json("diff", run["run"], other["run"], status=1)
    assert [cause["kind"] for cause in answer["causes"]] == ["seed"]


@pytest.mark.slow
def test_drawn_folds_are_reproduced_bit_for_bit(drawn):
    desk, run = drawn
    answer = desk.json("verify", "--quiet", run["run"])
    assert (answer["verdict"], answer["causes"]) == ("reproduced", [])


@pytest.mark.slow
@pytest.mark.parametrize("blocks", ["null", "3"])
def test_no_symbol_is_predicted_by_a_model_that_saw_it_even_where_it_stops_early(desk, blocks):
    run = desk.train(
        *("--set", "splits.method=grouped", "--set", f"time_blocks={blocks}"),
        *("--set", "early_stopping_round=5", "--set", "splits.folds=3"),
    )
    snapshot = desk.snapshot(run["run"])
    table = predictions(desk, run["run"])
    count = 3 if blocks == "null" else 9
    folds = snapshot["payloads"]["splits"]["facts"]["folds"]
    assert [fold["fold"] for fold in folds] == list(range(1, count + 1))
    there = [table["symbol"][table["fold"] == fold["fold"]] for fold in folds]
    assert [len(np.unique(symbols)) for symbols in there] == [f["test_groups"] for f in folds]
    assert set(np.concatenate(there[:3])) < set(table["symbol"]) or blocks == "null"
    assert len(table) == snapshot["samples"]["rows"]
    proof = snapshot["proof"]
    assert proof["found"]["groups_apart"]
    assert proof["found"]["labels_apart"] == ("labels_apart" in proof["promised"])
    assert ("labels_apart" in proof["promised"]) == (blocks == "3")
    assert [line["stage"] for line in proof["validation"]][-1] == "final"
    assert all(line["holds"] for line in proof["validation"])
    assert desk.json("verify", "--quiet", run["run"])["verdict"] == "reproduced"
