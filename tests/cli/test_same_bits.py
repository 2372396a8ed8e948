"""Same configuration, same bits: every family in processes of its own, whatever is around them.

Each is trained once and done again under another hash seed, in another directory and time zone, and
while others keep every processor busy.
"""

import platform

import pytest

from repro.facts.trainers import declarations

AROUND = ("hash-seed", "directory", "time-zone", "load")
RACING = ("cores", "load")
"""What makes threads wait for one another."""
QUICKLY = {
    "elasticnet": (),
    "extra_trees": ("n_estimators=8", "max_features=sqrt"),
    "hist_gradient_boosting": ("max_iter=8",),
    "lightgbm": ("n_estimators=8", "bagging_fraction=0.7", "bagging_freq=1"),
    "logistic_regression": (),
    "mlp": ("max_epochs=3", "hidden_layer_sizes=[8]"),
    "random_forest": ("n_estimators=8", "max_depth=null"),
    "ridge": (),
    "xgboost": ("num_boost_round=8", "subsample=0.7"),
}
"""Few rounds, and what is drawn by chance where a family has it."""
TARGET = {"logistic_regression": "fwd_class_5d", "mlp": "fwd_class_5d"}
MANY = ("lightgbm", "xgboost", "hist_gradient_boosting", "random_forest", "extra_trees")
"""The families that use more than one thread; two would hide a race, as a + b is b + a."""
pytestmark = pytest.mark.slow


def test_every_family_is_here():
    ours = {name for name, about in declarations().items() if about.distribution == "repro-audit"}
    assert ours == set(QUICKLY)


def trained(desk, family, threads, target):
    """Train one family quickly; return its run."""
    settings = [f"hyperparameters.{setting}" for setting in QUICKLY[family]]
    settings.append(f"reproducibility.threads={threads}")
    return desk.json("train", "-q", "--family", family, "--target", target, *settings)["run"]


def differing(desk, run, around):
    """Do a run again as it was and under each of ``around``; return what gave other bits."""
    tried = [f"--variation={name}" for name in around]
    answer = desk.json("verify", "-q", run, *tried, status=None)
    assert [r["variation"] for r in answer["rounds"]] == ["none", *around]
    return [(r["variation"], r["divergence"]) for r in answer["rounds"] if not r["same"]]


@pytest.mark.parametrize("family", sorted(QUICKLY))
def test_one_thread_gives_the_same_bits_whatever_is_around_it(family, desk):
    target = TARGET.get(family, "fwd_ret_5d")
    assert differing(desk, trained(desk, family, 1, target), AROUND) == []


@pytest.mark.parametrize("family", MANY)
def test_three_threads_on_two_processors_give_the_same_bits_each_time(family, desk):
    assert differing(desk, trained(desk, family, 3, "fwd_class_5d"), RACING) == []


@pytest.fixture(scope="module")
def pinned(make_desk):
    """Return a desk whose configuration pins how this machine computes when it is portable."""
    desk = make_desk()
    (level,) = desk.json("doctor", "--level", "portable")["levels"]
    found = level["environment"]["numeric_fingerprint"]
    document = "training_config/reproducibility_config.yaml"
    desk.edit(document, "numeric_fingerprint: null", f"numeric_fingerprint: {found}")
    desk.edit(document, "level: strict", "level: portable")
    return desk


@pytest.mark.skipif(platform.machine() != "x86_64", reason="portable means x86-64-v3")
@pytest.mark.parametrize("family", sorted(QUICKLY))
def test_portable_bits_do_not_follow_the_processor(family, pinned):
    run = trained(pinned, family, 1, TARGET.get(family, "fwd_ret_5d"))
    assert pinned.snapshot(run)["level"] == "portable"
    assert differing(pinned, run, ("cpu",)) == []


def test_strict_bits_that_follow_the_processor_are_no_alarm(desk):
    run = trained(desk, "mlp", 1, "fwd_class_5d")
    answer = desk.json("verify", "-q", run, "--variation=cpu", status=None)
    (found,) = [r for r in answer["rounds"] if r["variation"] == "cpu"]
    assert found["held"]
    assert answer["verdict"] == ("reproduced" if found["same"] else "sensitive")
    assert answer["incident"] is None
