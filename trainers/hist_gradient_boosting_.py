"""Histogram gradient boosting of scikit-learn.

The loss follows from the task and is no hyperparameter: the losses that the library offers for
regression mean nothing for classes, so one closed schema could not hold both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import array_file
from .array_file import EXTENSION as EXTENSION
from .classes import MULTICLASS, outputs_of
from .contract import Job, TrainerError
from .parts import Parts, tree_parts
from .singles import require_single_target
from .sklearn_trees import (
    flattened,
    library_errors,
    member,
    require_columns,
    require_header,
    require_target,
    require_trees,
)

if TYPE_CHECKING:
    from .array_file import Array
    from .contract import Floats

FAMILY = "hist_gradient_boosting"
_CLASSIFIER = ("HistGradientBoostingClassifier", {"loss": "log_loss", "class_weight": None})
ESTIMATORS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "regression": ("HistGradientBoostingRegressor", {"loss": "squared_error"}),
    "binary": _CLASSIFIER,
    MULTICLASS: _CLASSIFIER,
}
_INTERNAL = "sklearn.ensemble._hist_gradient_boosting"


@dataclass(frozen=True, slots=True)
class Model:
    """The trees, as the library's predictors and as arrays."""

    parameters: Mapping[str, Any]
    """Family, task, names of the features, and the parameters in force."""
    arrays: Mapping[str, Array]
    trees: tuple[Any, ...]
    """The library's ``TreePredictor`` of each round; of several classes one for each, in order."""


def load_library() -> None:
    """Import scikit-learn's gradient boosting and its losses."""
    for name in ("sklearn.ensemble", "sklearn._loss.loss", "threadpoolctl"):
        import_module(name)


def fit(job: Job, x: Floats, y: Floats, progress: Callable[[int, int], None]) -> Model:
    """Return a Model; ``x`` is (rows, features) float64, ``y`` (rows,) float64.

    With ``early_stopping_rounds`` above zero, the loss on ``job.validation`` decides when to stop;
    the trees of the last rounds, which did not better it, stay in the model, as the library has
    it. Progress is told when all is done: the library does not say how far it is.
    """
    import sklearn.ensemble
    from threadpoolctl import threadpool_limits

    require_target(job, y)
    require_single_target(y, "scikit-learn")  # as gradients, and then finds no split
    _require_values(job, x)
    parameters = dict(job.parameters)
    parameters["max_features"] = float(parameters["max_features"])  # 1 is all of them, not one
    patience = parameters.pop("early_stopping_rounds")
    stopping: dict[str, Any] = {"early_stopping": patience > 0}
    held_out: dict[str, Any] = {}
    if patience > 0:
        if job.validation is None:
            raise TrainerError("early stopping needs rows that are held out, and there are none")
        stopping["n_iter_no_change"] = patience
        held_out = {"X_val": job.validation[0], "y_val": job.validation[1]}
    name, of_task = ESTIMATORS[job.task]
    with library_errors(), threadpool_limits(job.threads, "openmp"):
        estimator = getattr(sklearn.ensemble, name)(
            **{**parameters, **of_task, **stopping, **job.seeds}
        )
        estimator.fit(x, y, **held_out)
    progress(len(estimator._predictors), parameters["max_iter"])
    trees = tuple(tree for made in estimator._predictors for tree in made)
    counts, nodes = flattened([tree.nodes for tree in trees])
    return Model(
        {
            "family": FAMILY,
            "task": job.task,
            "features": list(job.features),
            "effective": _effective(estimator),
        },
        {
            "counts": counts,
            "nodes": nodes,
            "baseline": estimator._baseline_prediction.reshape(-1).astype("f8"),
        },
        trees,
    )


def predict(model: Model, x: Floats, threads: int) -> Floats:
    """Return the value, or the probability of class 1 or of each class, of each row of ``x``.

    Threads share out the rows; the trees are added up one after another.
    """
    import numpy as np
    from sklearn._loss.loss import HalfBinomialLoss, HalfMultinomialLoss

    require_columns(model.parameters, x)
    no_categories = np.zeros((0, 8), np.uint32)
    not_mapped = np.zeros(x.shape[1], np.uint32)
    task, baseline = model.parameters["task"], model.arrays["baseline"]
    # Column by column, as the library has it: the order of its sums over classes hangs on it.
    raw = np.zeros((len(x), len(baseline)), np.float64, order="F") + baseline
    for n, tree in enumerate(model.trees):
        raw[:, n % len(baseline)] += tree.predict(x, no_categories, not_mapped, threads)
    if task == "regression":
        return raw[:, 0]
    if task == "binary":
        return np.ascontiguousarray(HalfBinomialLoss().predict_proba(raw[:, 0])[:, 1])
    likely = HalfMultinomialLoss(n_classes=len(baseline)).predict_proba(raw)
    return np.ascontiguousarray(likely, dtype=np.float64)


def save(model: Model, path: Path) -> None:
    """Write the trees as arrays; see ``array_file``."""
    array_file.write(path, model.parameters, model.arrays)


def load(path: Path) -> Model:
    """Return the Model saved at ``path``; raises TrainerError for a file that is none."""
    import numpy as np

    predictor = import_module(f"{_INTERNAL}.predictor")
    parameters, arrays = array_file.read(path)
    require_header(parameters, FAMILY, path.name)
    counts = member(arrays, "counts", np.int64, 1)
    nodes = member(arrays, "nodes", predictor.PREDICTOR_RECORD_DTYPE, 1)
    baseline = member(arrays, "baseline", np.float64, 1)
    outputs = outputs_of(parameters["task"], arrays, "baseline")
    if set(arrays) != {"counts", "nodes", "baseline"} or baseline.shape != (outputs,):
        raise TrainerError(f"{path.name} is forged or damaged: it has other arrays")
    if len(counts) % outputs:
        raise TrainerError(f"{path.name} is forged or damaged: a round has not a tree a class")
    if nodes["is_categorical"].any() or nodes["bitset_idx"].any():
        raise TrainerError(f"{path.name} is forged or damaged: a split is categorical")
    if (nodes["is_leaf"] > 1).any():
        raise TrainerError(f"{path.name} is forged or damaged: a node is neither leaf nor split")
    left, right = nodes["left"].astype(np.int64), nodes["right"].astype(np.int64)
    leaf = nodes["is_leaf"] == 1
    require_trees(counts, left, right, leaf, nodes["feature_idx"], len(parameters["features"]))
    none = np.zeros((0, 8), np.uint32)
    parts = np.split(nodes, np.cumsum(counts)[:-1])
    trees = tuple(predictor.TreePredictor(part, none, none) for part in parts)
    return Model(parameters, arrays, trees)


def effective_parameters(model: Model) -> Mapping[str, Any]:
    """Return what the fitted estimator says of itself."""
    effective: Mapping[str, Any] = model.parameters["effective"]
    return effective


def rounds(model: Model) -> int:
    """Return the number of rounds; each made one tree, or one for each class."""
    return len(model.trees) // len(model.arrays["baseline"])


def importance(model: Model) -> Floats:
    """Return the gain that each feature's splits brought."""
    import numpy as np

    nodes = model.arrays["nodes"]
    inner = nodes[nodes["is_leaf"] == 0]
    gain = np.bincount(
        inner["feature_idx"], weights=inner["gain"], minlength=len(model.parameters["features"])
    )
    return np.maximum(gain, 0.0)


def canonical_model(model: Model) -> bytes:
    """Return the bytes of the file; nothing in it depends on the number of threads."""
    return array_file.canonical(model.parameters, model.arrays)


def canonical_parts(model: Model) -> Parts:
    """Return what is said of the model, the prediction that it starts from, and each tree."""
    return tree_parts(model.parameters, model.arrays, ("nodes",))


def _require_values(job: Job, x: Floats) -> None:
    """Raise TrainerError for a feature of which nothing is known; the library stumbles over it."""
    import numpy as np

    unknown = np.flatnonzero(np.isnan(x).all(axis=0) & (len(x) > 0))
    empty = [job.features[n] for n in unknown.tolist()]
    if empty:
        raise TrainerError(f"no value of {', '.join(empty)} in any of {len(x)} training rows")


def _effective(estimator: Any) -> dict[str, Any]:
    """Return the parameters in force: the estimator's, and what its fitted parts have instead."""
    found: dict[str, Any] = estimator.get_params()
    patience = found.pop("n_iter_no_change")
    return found | {
        # repro: allow hardcoded-hyperparameter until 2028-06-30: what is read back, not asked for
        "early_stopping_rounds": patience if estimator.do_early_stopping_ else 0,
        "max_bins": int(estimator._bin_mapper.n_bins) - 1,
        "rounds": int(estimator.n_iter_),
        "trees_of_a_round": int(estimator.n_trees_per_iteration_),
    }
