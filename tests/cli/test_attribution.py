"""A change taken apart by training: shares that add up, runs that are reused, and refusals."""

import gzip
import json
import math
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
FEW = ("--set", "n_estimators=10")


@pytest.fixture
def two(desk):
    """Return a desk with two runs that differ in three things."""
    first = desk.json("train", "-q", *FEW)
    other = ("learning_rate=0.2", "selected=[ret_5d, vol_20d, ret_1d]")
    second = desk.json("train", "-q", "--seed", "7", *FEW, *other)
    return desk, first["run"], second["run"]


def test_shares_add_up_and_nothing_is_trained_twice(two):
    desk, a, b = two
    found = desk.json("diff", a, b, "--attribute")
    assert [share["factor"].rpartition(".")[2] for share in found["shares"]] != []
    assert {share["factor"].rpartition(".")[2] for share in found["shares"]} == {
        "features",
        "learning_rate",
        "base_seed",
    }
    carried = math.fsum(share["delta"] for share in found["shares"])
    assert math.isclose(carried, found["delta"], rel_tol=1e-9)
    assert abs(found["rest"]) < 1e-15
    assert found["delta"] == found["new"] - found["old"]
    parts = [abs(share["delta"]) for share in found["shares"]] + [abs(found["rest"])]
    assert math.isclose(found["moved"], math.fsum(parts), rel_tol=1e-12)
    assert found["cancels"] is (found["moved"] > 2 * abs(found["delta"]))
    effects = desk.json("diff", a, b, status=1)["effects"]
    (effect,) = [one for one in effects if one["metric"] == found["metric"]]
    assert found["noise"] == effect["noise"]
    assert (found["every_order"], found["trained"], found["reused"]) == (True, 6, 2)
    assert desk.json("runs", "show", "@latest")["snapshot"]["run"] == b
    rows = desk.json("runs", "list", "--limit", "0")["runs"]
    made = [row for row in rows if row["made_for"] is not None]
    assert [row["made_for"] for row in made] == [{"kind": "attribution", "runs": [a, b]}] * 6
    plans = {r["body"]["run"]: r["body"] for r in desk.records() if r["type"] == "run.planned"}
    assert all(plans[row["run"]]["made_for"] == row["made_for"] for row in made)
    assert all("made_for" not in plans[run] for run in (a, b))
    for row in made:
        config = json.loads((Path(row["folder"]) / "config.json").read_text("utf-8"))
        assert set(config["layers"]) == set(plans[row["run"]]["layers"]) <= {f"run {a}", f"run {b}"}
        decided = {
            v["path"].rpartition(".")[2]: v["history"][-1] for v in config["values"] if v["used"]
        }
        origins = {"num_iterations": (a, "--set 1", "n_estimators=10")}
        if row["seed"] == 7:
            origins["base_seed"] = (b, "--seed", "--seed 7")
        for name, (run, file, text) in origins.items():
            said = decided[name]
            assert (said["layer"], said["file"]) == (f"run {run}", f"run {run}: {file}")
            assert (said["line"], said["text"]) == (1, text)
        for file in ("config.json", "config.resolved.yaml", "request.json"):
            assert "repro-attribute-" not in (Path(row["folder"]) / file).read_text("utf-8")
    assert "repro-attribute-" not in (desk.root / "AUDIT_LOG" / "log.jsonl").read_text("utf-8")
    between = desk.run("diff", a, made[-1]["run"], status=1).stdout
    assert f"B run {b}: " in between or f"B run {a}: " in between
    assert desk.run("runs", "list").stdout.count(f"attribution of {a} and {b}\n") == 6
    lines = desk.json("trend")["lines"]
    assert [run["run"] for line in lines for run in line["runs"]] == [a, b]
    again = desk.json("diff", a, b, "--attribute")
    assert (again["trained"], again["reused"]) == (0, 8)
    assert again["shares"] == found["shares"]
    one = desk.json("diff", a, b, "--attribute", "--every-order", "0", "--metric", "mae")
    assert (one["every_order"], one["trained"], one["reused"]) == (False, 0, 4)
    assert math.isclose(math.fsum(s["delta"] for s in one["shares"]), one["delta"], rel_tol=1e-9)
    text = desk.run("diff", a, b, "--attribute")
    assert "at most 8 trainings" in text.stderr
    assert "0 trained, 8 sealed before" in text.stdout
    # It trained the second of these points; whoever asks for that has it trained, once.
    swept = ("sweep", "--jobs", "1", *FEW, "learning_rate=0.01,0.2")
    for states in (["sealed before", "sealed"], ["sealed before"] * 2):
        points = desk.json(*swept)["points"]
        assert [point["state"] for point in points] == states
    rows = desk.json("runs", "list", "--asked")["runs"]
    assert [row["run"] for row in rows] == [points[1]["run"], b, a]
    again = desk.json("diff", a, b, "--attribute")
    assert (again["trained"], again["reused"]) == (0, 8)
    assert desk.json("audit", "verify")["verdict"] == "ok"


def test_what_changed_prices_did_is_the_rest(two):
    desk, a, _ = two
    panel = desk.root / "data" / "stocks.csv.gz"
    lines = gzip.decompress(panel.read_bytes()).split(b"\n")
    head, *cells = lines[5000].split(b",")
    lines[5000] = b",".join([head, cells[0], *(b"9" + cell for cell in cells[1:])])
    panel.write_bytes(gzip.compress(b"\n".join(lines)))
    b = desk.json("train", "-q", *FEW, "learning_rate=0.2")["run"]
    found = desk.json("diff", a, b, "--attribute")
    assert [share["factor"].rpartition(".")[2] for share in found["shares"]] == ["learning_rate"]
    assert found["rest"] != 0
    assert math.isclose(found["shares"][0]["delta"] + found["rest"], found["delta"], rel_tol=1e-9)
    assert any("5" in subject or "," in subject for subject in found["unattributed"])
    assert "the rest is other data" in desk.run("diff", a, b, "--attribute").stdout


def test_what_cannot_be_taken_apart_is_refused(two):
    desk, a, _ = two
    assert (
        "nothing differs between these runs"
        in desk.run("diff", a, a, "--attribute", status=2).stderr
    )
    other = desk.json("train", "-q", "--target", "fwd_ret_1d", *FEW)["run"]
    said = desk.run("diff", a, other, "--attribute", status=2).stderr
    assert "where the target differs" in said
    said = desk.run("diff", a, a, "--attribute", "--metric", "auc", status=2).stderr
    assert "auc is not a number on both sides" in said
    said = desk.run("diff", a, a, "--attribute", "--metric", "rmze", status=2).stderr
    assert "did you mean rmse?" in said
    assert "metrics that are: " in said


def test_causes_that_are_valid_only_together_are_changed_together(desk):
    sets = ("num_leaves=7", "max_depth=3", "learning_rate=0.05")
    first = desk.train()["run"]
    second = desk.train(*(word for text in sets for word in ("--set", text)))["run"]
    done = desk.run("diff", first, second, "--attribute", "--format", "json", status=0)
    answer = json.loads(done.stdout)
    names = {share["factor"] for share in answer["shares"]}
    (joined,) = [name for name in names if " and " in name]
    assert {"num_leaves", "max_depth"} == {
        part.rpartition(".")[2] for part in joined.split(" and ")
    }
    assert "can only change together" in done.stderr
    assert answer["trained"] + answer["reused"] == 4
    assert answer["old"] + sum(s["delta"] for s in answer["shares"]) == pytest.approx(answer["new"])


def test_options_that_would_have_no_effect_are_refused(desk):
    said = desk.run("diff", "@latest", "--attribute", "--format", "html", status=2).stderr
    assert "--attribute writes text or JSON, not html" in said
    said = desk.run("diff", "@latest", "--metric", "skill", status=2).stderr
    assert "--metric is for --attribute" in said
