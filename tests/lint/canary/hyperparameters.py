import argparse
import os
from dataclasses import dataclass, field
from functools import partial

import click
import lightgbm
import typer
from absl import flags


def keywords(model, params, config):
    model.set(learning_rate=0.1)  # expect: hardcoded-hyperparameter
    model.set(num_leaves=31, eta=-0.3)  # expect: hardcoded-hyperparameter, hardcoded-hyperparameter
    lightgbm.train({}, None, eta=0.1)  # expect: hardcoded-hyperparameter
    MyRegressor(eta=1e-1, max_iter=10)  # expect: hardcoded-hyperparameter, hardcoded-hyperparameter
    partial(model, n_estimators=2**7)  # expect: hardcoded-hyperparameter
    model.set(boosting_type="dart", extra_trees=True)  # expect: hardcoded-hyperparameter, hardcoded-hyperparameter
    model.set(hidden_layer_sizes=(64, 32))  # expect: hardcoded-hyperparameter
    model.set(learning_rate=[0.1, 0.2])  # expect: hardcoded-hyperparameter
    model.set(learning_rate=config.rate or 0.1)  # expect: hardcoded-hyperparameter
    model.set(learning_rate=0.1 if params else config.rate)  # expect: hardcoded-hyperparameter
    model.set(learning_rate=float("0.1"))  # expect: hardcoded-hyperparameter
    dict(learning_rate=0.1)  # expect: hardcoded-hyperparameter
    model.set(**{"learning_rate": 0.1})  # expect: hardcoded-hyperparameter
    model.set(
        eta=0.1,  # expect: hardcoded-hyperparameter
        num_leaves=config.leaves,
    )


def not_keywords(model, params, config):
    model.set(learning_rate=params["learning_rate"], num_leaves=config.leaves)
    model.set(learning_rate=None, num_leaves=float("inf"))
    model.set(learning_rate="the rate at which it learns", boosting_type="anything")
    model.set(extra_trees=1, num_leaves=True)
    model.set(eta=0.1, bagging=2, max_iter=5)
    walk(max_depth=3)
    model.set(unheard_of=0.1)


def look_ups(params, config, model):
    config.get("learning_rate", 0.1)  # expect: hardcoded-hyperparameter
    config.get("model.learning_rate", default=0.1)  # expect: hardcoded-hyperparameter
    config.setdefault("learning_rate", 0.1)  # expect: hardcoded-hyperparameter
    config.pop("learning_rate", 0.1)  # expect: hardcoded-hyperparameter
    getattr(config, "learning_rate", 0.1)  # expect: hardcoded-hyperparameter
    setattr(config, "learning_rate", 0.1)  # expect: hardcoded-hyperparameter
    os.environ.get("LEARNING_RATE", "0.1")  # expect: hardcoded-hyperparameter
    os.getenv("LEARNING_RATE", 0.1)  # expect: hardcoded-hyperparameter
    config.getfloat("model", "learning_rate", fallback=0.1)  # expect: hardcoded-hyperparameter
    params.get("eta", 0.1)  # expect: hardcoded-hyperparameter
    float(config.get("learning_rate", 0.1))  # expect: hardcoded-hyperparameter
    rate = config.get("learning_rate", 0.1)  # expect: hardcoded-hyperparameter
    return rate


def not_look_ups(params, config, greek):
    config.get("learning_rate")
    config.get("learning_rate", None)
    config.pop("learning_rate", config.rate)
    getattr(config, "learning_rate")
    getattr(config, "learning_rate", None)
    greek.get("eta", 7)
    config.get("unheard_of", 0.1)


def defaults(a, learning_rate=0.1, *, num_leaves=31):  # expect: hardcoded-hyperparameter, hardcoded-hyperparameter
    return lambda num_trees=100: num_trees  # expect: hardcoded-hyperparameter


def beside(eta=0.3, min_child_weight=1):  # expect: hardcoded-hyperparameter, hardcoded-hyperparameter
    pass


def fit(eta=0.3):  # expect: hardcoded-hyperparameter
    pass


def not_defaults(learning_rate, eta=0.3, max_depth=3, *rest, leaves=None, **more):
    pass


LEARNING_RATE = 0.1  # expect: hardcoded-hyperparameter
DEFAULT_LEARNING_RATE: float = 0.1  # expect: hardcoded-hyperparameter
_learning_rate = num_leaves = 31  # expect: hardcoded-hyperparameter
learning_rate, other = 0.1, 5  # expect: hardcoded-hyperparameter
params["learning_rate"] = 0.1  # expect: hardcoded-hyperparameter
params["eta"] = 0.1  # expect: hardcoded-hyperparameter
self.learning_rate = 0.1  # expect: hardcoded-hyperparameter
self.params.eta = 0.1  # expect: hardcoded-hyperparameter
if (learning_rate := 0.1) > 0:  # expect: hardcoded-hyperparameter
    pass
for learning_rate in (0.1, 0.2):  # expect: hardcoded-hyperparameter
    pass
num_leaves = 0
num_leaves += 5
eta = 0.1
max_depth = 128
learning_rate = params["learning_rate"]
learning_rate: float
self.learning_rate = learning_rate
table["eta"] = 0.1

params = {"learning_rate": 0.1, "eta": 0.1}  # expect: hardcoded-hyperparameter, hardcoded-hyperparameter
PARAMS = {"lambda": 0.1}  # expect: hardcoded-hyperparameter
run(params={"lambda": 0.1})  # expect: hardcoded-hyperparameter
run({"params": {"lambda": 0.1}})  # expect: hardcoded-hyperparameter
model_params = dict(eta=0.1)  # expect: hardcoded-hyperparameter
greek = {"eta": 7, "lambda": 11}
labels = {"learning_rate": "rate", "num_leaves": None}
empty = {**greek, 1: 2}


@dataclass
class Settings:
    learning_rate: float = 0.1  # expect: hardcoded-hyperparameter
    num_leaves: int = field(default=31)  # expect: hardcoded-hyperparameter
    num_trees: int = field(default_factory=lambda: 100)  # expect: hardcoded-hyperparameter
    min_child_weight: int = 0  # expect: hardcoded-hyperparameter
    eta: float = 0.1
    path_smooth: float | None = None


class LeafModel:
    eta = 0.1  # expect: hardcoded-hyperparameter

    def __init__(self, bagging=0.5):  # expect: hardcoded-hyperparameter
        pass


parser = argparse.ArgumentParser()
parser.add_argument("-r", "--learning-rate", type=float, default=0.1)  # expect: hardcoded-hyperparameter
parser.add_argument("--rate", dest="learning_rate", default="0.1")  # expect: hardcoded-hyperparameter
parser.set_defaults(learning_rate=0.1)  # expect: hardcoded-hyperparameter
parser.add_argument("--learning-rate", type=float, required=True)
parser.add_argument("--learning-rate", default=None)
flags.DEFINE_float("learning_rate", 0.1, "its rate")  # expect: hardcoded-hyperparameter


@click.option("--learning-rate", default=0.1)  # expect: hardcoded-hyperparameter
def by_click(learning_rate):
    pass


def by_typer(
    learning_rate: float = typer.Option(0.1),  # expect: hardcoded-hyperparameter
    num_leaves: int = typer.Option(..., "--leaves"),
):
    pass
