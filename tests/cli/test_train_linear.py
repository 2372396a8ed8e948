"""The linear families and the perceptron through the installed command, strict as users run it."""

import pytest

pytestmark = pytest.mark.xdist_group("train")

SEARCH = ("fit_intercept=true", "tol=0.0001")
NETWORK = (
    *("learning_rate_schedule=constant", "power_t=0.5", "momentum=0.9", "nesterovs_momentum=true"),
    *("beta_1=0.9", "beta_2=0.999", "epsilon=1e-8", "shuffle=true", "batch_size=256"),
    *("max_epochs=3", "early_stopping_rounds=0", "tol=0.0001", "hidden_layer_sizes=[8]"),
)
TRAININGS = {
    "ridge": ("fwd_ret_5d", ("fit_intercept=true",)),
    "elasticnet": ("fwd_ret_5d", (*SEARCH, "positive=false", "selection=cyclic")),
    "logistic_regression": ("fwd_up_5d", (*SEARCH, "intercept_scaling=1.0")),
    "mlp": ("fwd_up_5d", NETWORK),
}
"""Target of each family, and what the shipped documents leave to the defaults."""


@pytest.fixture(scope="module")
def desk(make_desk):
    desk = make_desk()
    for path in (desk.root / "CONFIG" / "defaults").rglob("*.yaml"):
        path.unlink()  # every value is given below, so the layer is not what is tested
    return desk


@pytest.mark.parametrize("family", sorted(TRAININGS))
def test_a_family_trains_strictly_and_again_to_the_bit(desk, family):
    target, given = TRAININGS[family]
    sets = [word for value in given for word in ("--set", value)]
    run = desk.json("train", "--quiet", "--family", family, "--target", target, *sets)
    snapshot = desk.snapshot(run["run"])
    assert "model.npz" in [artifact["path"] for artifact in snapshot["artifacts"]]
    parameters = snapshot["parameters"]
    asked = {**parameters["requested"], **parameters["forced"]}
    assert {name: parameters["effective"][name] for name in asked} == asked
    desk.run("verify", run["run"])
