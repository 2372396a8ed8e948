"""A vocabulary as trainers declare one, and the lint of a text."""

from __future__ import annotations

from datetime import date

import pytest

from repro.lint.check import check
from repro.lint.vocabulary import vocabulary

TODAY = date(2026, 11, 24)


def declared(kind, *aliases, **more):
    """Return what a declaration says of a hyperparameter."""
    return {"type": kind, "aliases": list(aliases), **more}


FAMILY = {
    "learning_rate": declared("number", "eta", "shrinkage_rate"),
    "num_leaves": declared("integer", "max_leaves"),
    "num_iterations": declared("integer", "n_estimators", "num_trees", "max_iter"),
    "bagging_fraction": declared("number", "bagging"),
    "lambda_l2": declared("number", "lambda", "reg_lambda"),
    "min_sum_hessian_in_leaf": declared("number", "min_child_weight"),
    "path_smooth": declared(["number", "null"]),
    "extra_trees": declared("boolean"),
    "boosting_type": declared("string", enum=["gbdt", "dart"]),
    "hidden_layer_sizes": declared("array"),
    "max_depth": declared("integer"),
}
MLP = {
    "learning_rate_init": declared("number", "learning_rate"),
    "shuffle": declared("boolean"),
}


@pytest.fixture(scope="session")
def names():
    """Return a vocabulary that no trainer to come can change."""
    return vocabulary(
        {"forest": FAMILY, "mlp": MLP},
        ["bagging_seed"],
        ["cv_score", "training_accuracy"],
        {"forest": ["lightgbm"], "mlp": ["sklearn.neural_network"]},
    )


@pytest.fixture(scope="session")
def lint(names):
    """Return what finds the problems of a text, or of bytes."""

    def run(source, today=TODAY):
        data = source if isinstance(source, bytes) else source.encode()
        return check(data, "f.py", names, today).problems

    return run
