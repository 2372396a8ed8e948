"""Features ranked through the command: ordinary runs on all features, and a list to use."""

import json

import pytest

pytestmark = pytest.mark.slow
ASKED = (
    *("-q", "--profile", "debug", "--set", "splits.folds=3"),
    *("--set", "feature_selection.families=[lightgbm, ridge]"),
    *("--set", "feature_selection.top_k=4"),
)


@pytest.fixture(scope="module")
def selected(make_desk):
    """Return a workspace in which features were ranked, and the answer."""
    desk = make_desk()
    return desk, desk.json("select", *ASKED)


def importance(desk, run):
    (path,) = desk.root.glob(f"RESULTS/runs/{run}/**/importance.json")
    return json.loads(path.read_text("utf-8"))


def test_each_family_is_an_ordinary_run_on_all_features(selected):
    desk, answer = selected
    found = answer["selection"]
    planned = [r["body"] for r in desk.records() if r["type"] == "run.planned"][:2]
    assert [body["run"] for body in planned] == [model["run"] for model in found["models"]]
    for model in found["models"]:
        snapshot = desk.snapshot(model["run"])
        assert snapshot["family"] == model["family"]
        assert "selection" not in snapshot
        assert len(importance(desk, model["run"])["fold 1"]) == 13


def test_the_scores_are_those_of_the_folds_and_not_of_the_final_model(selected):
    desk, answer = selected
    found = answer["selection"]
    for model in found["models"]:
        told = importance(desk, model["run"])
        folds = [told[stage] for stage in sorted(told) if stage != "final"]
        assert len(folds) == 3
        for feature in found["features"]:
            name = feature["name"]
            places = [
                (
                    sum(v < fold[name] for v in fold.values()),
                    sum(v == fold[name] for v in fold.values()),
                )
                for fold in folds
            ]
            beats = [(less + (same - 1) / 2) / 12 for less, same in places]
            assert feature["scores"][model["family"]] == pytest.approx(sum(beats) / 3)
    assert sum(feature["kept"] for feature in found["features"]) == 4
    assert {feature["name"] for feature in found["features"] if feature["kept"]} == set(
        found["selected"]
    )
    among = [(one["among"], one["family"], one["pairs"]) for one in found["stability"]]
    assert among == [
        ("folds", "lightgbm", 3),
        ("folds", "ridge", 3),
        ("families", None, 1),
        ("models", None, 15),
    ]


def test_again_nothing_is_trained_and_the_answer_is_the_same(selected):
    desk, answer = selected
    before = len(desk.records())
    again = desk.json("select", *ASKED)
    assert [model.pop("reused") for model in again["selection"]["models"]] == [True, True]
    first = json.loads(json.dumps(answer))
    assert [model.pop("reused") for model in first["selection"]["models"]] == [False, False]
    assert again == first
    assert len(desk.records()) == before
    # That it is chosen in each fold, elsewhere, changes no run here.
    other = desk.json("select", *ASKED, "--set", "feature_selection.method=importance")
    assert [model["reused"] for model in other["selection"]["models"]] == [True, True]


def test_what_is_printed_as_yaml_is_an_experiment_of_these_features(selected):
    desk, answer = selected
    text = desk.run("select", *ASKED, "--format", "yaml").stdout
    assert text == answer["document"]
    (desk.root / "CONFIG" / "experiments" / "chosen.yaml").write_text(text, "utf-8")
    assert desk.run("validate").returncode == 0
    (run,) = desk.json("train", "-q", "-e", "chosen", "--set", "splits.folds=3")["runs"]
    names = desk.snapshot(run["run"])["payloads"]["features"]["facts"]["names"]
    assert names == answer["selection"]["selected"]


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        (("feature_selection.families=[ridge, lightgmb]",), "did you mean lightgbm?"),
        (("feature_selection.top_k=14",), "14 cannot be kept: 13 features"),
        (
            ("feature_selection.families=[ridge]", "default_target=fwd_up_5d"),
            "cannot be trained for",
        ),
    ],
    ids=["no such family", "too many", "no such task"],
)
def test_what_cannot_be_is_said_before_anything_is_trained(desk, sets, said):
    words = [word for text in sets for word in ("--set", text)]
    assert said in desk.run("select", "-q", *words, status=1).stderr
    assert not [r for r in desk.records() if r["type"].startswith("run.")]
