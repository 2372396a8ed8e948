"""Each family through the installed command, under strict: trained, loaded, and done again."""

import json
from dataclasses import dataclass

import pytest

from repro.facts.trainers import declaration

pytestmark = pytest.mark.xdist_group("train_families")


@dataclass(frozen=True)
class Trained:
    """A family, the settings that make it quick, and the file of its model."""

    family: str
    settings: tuple[str, ...]
    file: str
    threads: int = 1


FAMILIES = [
    Trained("hist_gradient_boosting", ("max_iter=3",), "model.npz"),
    Trained("random_forest", ("n_estimators=3", "max_depth=null"), "model.npz", threads=2),
    Trained("extra_trees", ("n_estimators=3", "max_features=sqrt"), "model.npz"),
]


@pytest.fixture(scope="module")
def workspace(make_desk):
    """Return one workspace for all of them."""
    return make_desk()


@pytest.mark.parametrize("case", FAMILIES, ids=lambda case: case.family)
def test_a_family_is_trained_under_strict_and_verified(case, workspace):
    desk = workspace
    assert declaration(case.family).tasks[:2] == ("regression", "binary")
    settings = [f"reproducibility.threads={case.threads}", *case.settings]
    asked = [word for setting in settings for word in ("--set", setting)]
    run = desk.json(
        "train", "--quiet", "--family", case.family, "--target", "fwd_ret_5d", *asked
    )  # fmt: skip
    snapshot = desk.snapshot(run["run"])
    assert case.file in [artifact["path"] for artifact in snapshot["artifacts"]]
    done = desk.json("verify", "--quiet", run["run"])
    assert done["verdict"] == "reproduced", json.dumps(done, indent=1)
