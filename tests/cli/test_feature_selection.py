"""Features chosen by models, through the command: sealed, reproduced, and explained."""

import pytest

IMPORTANCE = (
    *("--set", "feature_selection.method=importance"),
    *("--set", "feature_selection.families=[lightgbm, ridge]"),
    *("--set", "model_config.lightgbm.hyperparameters.num_iterations=15"),
    *("--set", "splits.folds=2", "--family", "ridge"),
)


@pytest.fixture(scope="module")
def chosen(make_desk):
    """Return a workspace with a run whose features two families chose."""
    desk = make_desk()
    return desk, desk.train(*IMPORTANCE, "--set", "top_k=4")


def test_the_choice_of_each_stage_is_sealed_with_its_scores(chosen):
    desk, run = chosen
    snapshot = desk.snapshot(run["run"])
    selection = snapshot["selection"]
    assert list(selection["stages"]) == ["final", "fold 1", "fold 2"]
    names = snapshot["payloads"]["features"]["facts"]["names"]
    for made in selection["stages"].values():
        assert len(made["chosen"]) == 4
        assert made["chosen"] == [name for name in names if name in made["chosen"]]
        kept = min(made["scores"][name] for name in made["chosen"])
        assert all(kept >= made["scores"][name] for name in set(names) - set(made["chosen"]))
    one, two = (set(selection["stages"][f"fold {n}"]["chosen"]) for n in (1, 2))
    assert selection["stability"] == len(one & two) / len(one | two)
    assert selection["models"]["lightgbm"]["rounds"]["final"] == 15
    assert selection["models"]["lightgbm"]["effective"]["num_iterations"] == 15
    assert "final, selection by lightgbm" in snapshot["seeds"]
    assert "selection" in snapshot["outputs"]


def test_the_code_of_every_family_that_is_asked_is_recorded(chosen):
    desk, run = chosen
    (path,) = desk.root.glob(f"RESULTS/runs/{run['run']}/**/environment.json")
    text = path.read_text("utf-8")
    for name in ("lightgbm_", "ridge"):
        assert f'"repro.trainers.{name} (declaration)"' in text
    assert '"lightgbm": "' in text
    assert '"scikit-learn": "' in text


def test_it_is_reproduced_bit_for_bit(chosen):
    desk, run = chosen
    answer = desk.json("verify", "--quiet", run["run"])
    assert (answer["verdict"], answer["causes"]) == ("reproduced", [])


def test_another_rule_is_explained_by_its_leaf(chosen):
    desk, run = chosen
    other = desk.train(*IMPORTANCE, "--set", "top_k=3")
    answer = desk.json("diff", run["run"], other["run"], status=1)
    assert answer["verdict"] == "explained"
    (cause,) = answer["causes"]
    assert cause["subject"].endswith("feature_selection.top_k")
    assert (cause["old"], cause["new"], cause["component"]) == (4, 3, "features")
    group, changed = run["comparison_group"], other["comparison_group"]
    assert {name for name in group if group[name] != changed[name]} == {
        *("feature_signature", "replicate_key", "strict_key", "execution_key")
    }
    assert "selection" in answer["differing_outputs"]


def test_a_family_for_the_ranking_of_features_is_named_where_it_counts(desk):
    said = desk.run("select", "--family", "mlp", status=2).stderr
    assert "say feature_selection.families=[NAME]" in said
