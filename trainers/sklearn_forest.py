"""Forests of scikit-learn: what ``random_forest_`` and ``extra_trees_`` have in common.

The criterion follows from the task and is no hyperparameter: the names that the library offers for
regression mean nothing for classes, so one closed schema could not hold both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import array_file
from .classes import FEWEST, MULTICLASS
from .contract import Job, TrainerError
from .parts import Parts, tree_parts
from .singles import narrow
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

CRITERIA = {"regression": "squared_error", "binary": "gini", MULTICLASS: "gini"}
SHARES = ("max_features", "max_samples")
"""Numbers that the library reads as a share if they are floats, and as a count if integers."""
OUTPUTS = {"regression": 1, "binary": 2}
"""Values of a node: the mean, or the share of each class, of which a multiclass task has more."""
LIBRARY = "a forest"
BLOCKS = 20
"""Progress is told this often; the library adds the same trees block by block as at once."""


@dataclass(frozen=True, slots=True)
class Model:
    """The trees, as the library's objects and as arrays."""

    parameters: Mapping[str, Any]
    """Family, task, names of the features, and the parameters in force."""
    arrays: Mapping[str, Array]
    trees: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Forest:
    """A trainer's functions, for one family."""

    family: str
    regressor: str
    """Name of the estimator in ``sklearn.ensemble``."""
    classifier: str

    def load_library(self) -> None:
        """Import scikit-learn's forests, and the threads that fit them."""
        for name in ("joblib", "multiprocessing.pool", "sklearn.ensemble", "sklearn.tree._tree"):
            import_module(name)

    def fit(self, job: Job, x: Floats, y: Floats, progress: Callable[[int, int], None]) -> Model:
        """Return a Model; ``x`` is (rows, features) float64, ``y`` (rows,) float64.

        Trees are grown in as many threads as the job has, each tree in one.
        """
        import sklearn.ensemble

        require_target(job, y)
        parameters = {**job.parameters, "criterion": CRITERIA[job.task], **job.seeds}
        for name in SHARES:
            if isinstance(parameters[name], int):
                parameters[name] = float(parameters[name])
        total = parameters["n_estimators"]
        rows = narrow(job.features, x, LIBRARY)
        with library_errors():
            kind = self.regressor if job.task == "regression" else self.classifier
            estimator = getattr(sklearn.ensemble, kind)(**parameters)
            estimator.set_params(n_jobs=job.threads, warm_start=True)
            step = max(1, -(-total // BLOCKS)) if isinstance(total, int) else 1
            for done in [*range(step, total, step), total]:
                estimator.set_params(n_estimators=done).fit(rows, y)
                progress(done, total)
        estimator.set_params(n_jobs=parameters["n_jobs"], warm_start=parameters["warm_start"])
        trees = tuple(tree.tree_ for tree in estimator.estimators_)
        return Model(
            {
                "family": self.family,
                "task": job.task,
                "features": list(job.features),
                "effective": _effective(estimator),
            },
            _arrays(trees),
            trees,
        )

    def predict(self, model: Model, x: Floats, threads: int) -> Floats:
        """Return the value, or the probability of class 1 or of each class, of each row of ``x``.

        Trees are asked one after another, in any level and whatever ``threads`` says: the library
        itself adds them up as they end, which is another sum each time.
        """
        import numpy as np

        require_columns(model.parameters, x)
        rows = narrow(model.parameters["features"], x, LIBRARY)
        outputs = model.arrays["values"].shape[1]
        several = model.parameters["task"] == MULTICLASS
        columns: Any = slice(None) if several else outputs - 1
        out = np.zeros((len(rows), outputs) if several else len(rows), dtype=np.float64)
        for tree in model.trees:
            values = tree.predict(rows)
            out += values[:, columns]
        out /= len(model.trees)
        return out

    def save(self, model: Model, path: Path) -> None:
        """Write the trees as arrays; see ``array_file``."""
        array_file.write(path, model.parameters, model.arrays)

    def load(self, path: Path) -> Model:
        """Return the Model saved at ``path``; raises TrainerError for a file that is none."""
        import numpy as np
        from sklearn.tree._tree import NODE_DTYPE, Tree

        parameters, arrays = array_file.read(path)
        require_header(parameters, self.family, path.name)
        features = len(parameters["features"])
        counts = member(arrays, "counts", np.int64, 1)
        nodes = member(arrays, "nodes", NODE_DTYPE, 1)
        values = member(arrays, "values", np.float64, 2)
        outputs = OUTPUTS.get(parameters["task"], max(FEWEST, values.shape[1]))
        if set(arrays) != {"counts", "nodes", "values"} or values.shape != (len(nodes), outputs):
            raise TrainerError(f"{path.name} is forged or damaged: it has other arrays")
        left, right = nodes["left_child"], nodes["right_child"]
        leaf = left == -1
        require_trees(counts, left, right, leaf, nodes["feature"], features)
        trees, start = [], 0
        with library_errors():
            for count in counts.tolist():
                tree = Tree(features, np.array([outputs], np.intp), 1)
                tree.__setstate__(
                    {
                        "max_depth": 0,  # nothing that we ask of a tree reads it
                        "node_count": count,
                        "nodes": nodes[start : start + count],
                        "values": values[start : start + count].reshape(count, 1, outputs),
                    }
                )
                trees.append(tree)
                start += count
        return Model(parameters, arrays, tuple(trees))

    def effective_parameters(self, model: Model) -> Mapping[str, Any]:
        """Return what the fitted forest and its trees say of themselves."""
        effective: Mapping[str, Any] = model.parameters["effective"]
        return effective

    def rounds(self, model: Model) -> int:
        """Return the number of trees."""
        return len(model.trees)

    def importance(self, model: Model) -> Floats:
        """Return the mean share of the fall of impurity that each feature's splits brought."""
        import numpy as np

        found = [
            tree.compute_feature_importances(normalize=True)
            for tree in model.trees
            if tree.node_count > 1
        ]
        if not found:
            return np.zeros(len(model.parameters["features"]))
        # Rounding can take a split that brings nothing a little below zero.
        return np.maximum(np.mean(found, axis=0, dtype=np.float64), 0.0)

    def canonical_model(self, model: Model) -> bytes:
        """Return the bytes of the file; nothing in it depends on the number of threads."""
        return array_file.canonical(model.parameters, model.arrays)

    def canonical_parts(self, model: Model) -> Parts:
        """Return what is said of the forest, and each tree."""
        return tree_parts(model.parameters, model.arrays, ("nodes", "values"))


def _arrays(trees: tuple[Any, ...]) -> dict[str, Array]:
    """Return the nodes of all trees, and their values as (nodes, outputs)."""
    import numpy as np

    states = [tree.__getstate__() for tree in trees]
    counts, nodes = flattened([state["nodes"] for state in states])
    values = np.concatenate([state["values"][:, 0, :] for state in states])
    return {"counts": counts, "nodes": nodes, "values": values}


def _effective(estimator: Any) -> dict[str, Any]:
    """Return the parameters in force: those of the trees, where the trees have them.

    ``random_state`` is the forest's; from it each tree gets its own.
    """
    tree = estimator.estimators_[0]
    of_trees = {k: v for k, v in tree.get_params().items() if k != "random_state"}
    found: dict[str, Any] = estimator.get_params()
    found |= {name: value for name, value in of_trees.items() if name in found}
    classes = getattr(estimator, "n_classes_", 0)
    return found | {
        **({"classes": int(classes)} if classes >= FEWEST else {}),
        "n_estimators": len(estimator.estimators_),
        "features_of_a_split": int(tree.max_features_),
        "rows_of_a_tree": estimator._n_samples_bootstrap,
    }
