"""XGBoost: gradient-boosted trees through the library's native interface.

Its scikit-learn interface is not used: it would import scikit-learn, and it renames parameters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import stopping
from .classes import MULTICLASS
from .contract import Job, TrainerError
from .parts import Parts, cut
from .preparation import require_target
from .singles import narrow, require_single_target

if TYPE_CHECKING:
    from .contract import Floats

EXTENSION = ".ubj"
LIBRARY = "XGBoost"
OBJECTIVES = {
    "regression": "reg:squarederror",
    "binary": "binary:logistic",
    MULTICLASS: "multi:softprob",
}
WEIGHT, UNWEIGHTED = "scale_pos_weight", 1.0
"""The objective of several classes has no such weight: it weighs rows as this value does."""
HELD_OUT = "validation"
TREE = b"{L" + (12).to_bytes(8, "big") + b"base_weights"
"""How a tree begins in the library's UBJSON: an object, and the name of its first member."""
WHERE = re.compile(r"^\[[0-9:]+\] \S+ ")
"""How the library begins a message: with a clock and a place in its own source."""


@dataclass(frozen=True, slots=True)
class Model:
    """A booster of exactly the trees that predict, and what the library said that it used."""

    booster: Any
    effective: Mapping[str, Any]


def load_library() -> None:
    """Import XGBoost, with SciPy's sparse matrices, which it needs."""
    import xgboost  # noqa: F401


def fit(job: Job, x: Floats, y: Floats, progress: Callable[[int, int], None]) -> Any:
    """Return a Model; ``x`` is (rows, features) float64, which the library makes float32."""
    import xgboost

    require_target(job, y)
    require_single_target(y, LIBRARY)
    narrow(job.features, x, LIBRARY)
    parameters = dict(job.parameters)
    _require_consumed(job.task, parameters)
    rounds = parameters.pop("num_boost_round")
    patience = parameters.pop("early_stopping_rounds")
    asked = {
        **parameters,
        "objective": OBJECTIVES[job.task],
        "nthread": job.threads,
        **job.seeds,
    }
    if job.task == MULTICLASS:
        del asked[WEIGHT]
        asked["num_class"] = job.classes
    callbacks = [_teller(progress, rounds)]
    held_out: dict[str, Any] = {}
    try:
        if patience > 0:
            held_out = _held_out(job)
            callbacks.append(
                xgboost.callback.EarlyStopping(
                    rounds=patience, metric_name=stopping.NAME, data_name=HELD_OUT, maximize=False
                )
            )
            asked["disable_default_eval_metric"] = True
        booster = xgboost.train(
            {**asked, "verbosity": 0},
            _matrix(job, x, y),
            rounds,
            callbacks=callbacks,
            verbose_eval=False,
            **held_out,
        )
        effective = {
            **_read_back(booster, asked),
            "num_boost_round": booster.num_boosted_rounds(),
            # repro: allow hardcoded-hyperparameter until 2028-06-30: read back, not asked for
            "early_stopping_rounds": callbacks[-1].rounds if patience > 0 else 0,
        }
        if job.task == MULTICLASS:
            effective[WEIGHT] = UNWEIGHTED
        if patience > 0:
            booster = booster[: booster.best_iteration + 1]
    except (xgboost.core.XGBoostError, ValueError) as error:
        raise TrainerError(f"XGBoost: {_said(error)}") from error
    return Model(_without_attributes(booster), effective)


def predict(model: Any, x: Floats, threads: int) -> Floats:
    """Return the value, or the probability of class 1 or of each class, of each row.

    They are float32, widened to float64.
    """
    import numpy as np
    import xgboost

    booster = model.booster
    narrow(booster.feature_names, x, LIBRARY)
    booster.set_param({"nthread": threads})
    matrix = xgboost.DMatrix(x, nthread=threads, feature_names=booster.feature_names)
    return np.ascontiguousarray(booster.predict(matrix), dtype=np.float64)


def save(model: Any, path: Path) -> None:
    """Write the library's UBJSON; it holds the trees, the objective and the names of features."""
    path.write_bytes(bytes(model.booster.save_raw("ubj")))


def load(path: Path) -> Any:
    """Return the Model saved at ``path``; the file does not say what it was trained with.

    Raises TrainerError if it is none. Of an empty one the library would end the process.
    """
    import xgboost

    data = path.read_bytes()
    booster = xgboost.Booster()
    try:
        if not (data.startswith(b"{") and data.endswith(b"}")):
            raise TrainerError(f"{path.name} is no whole model of XGBoost's")
        booster.load_model(bytearray(data))
    except (xgboost.core.XGBoostError, ValueError) as error:
        raise TrainerError(f"{path.name} is no model of XGBoost's: {_said(error)}") from error
    return Model(_without_attributes(booster), _read_back(booster, {}))


def effective_parameters(model: Any) -> Mapping[str, Any]:
    """Return the library's saved configuration, flat, with the rounds that it did.

    It keeps numbers in single precision and prints them so. One that was asked for is returned as
    it was asked for if, and only if, it rounds to the very single that the library has.
    """
    effective: Mapping[str, Any] = model.effective
    return effective


def rounds(model: Any) -> int:
    """Return the number of rounds; each made ``num_parallel_tree`` trees, or so many a class."""
    return int(model.booster.num_boosted_rounds())


def importance(model: Any) -> Floats:
    """Return the gain that each feature's splits brought, in all."""
    import numpy as np

    gains = model.booster.get_score(importance_type="total_gain")
    names = model.booster.feature_names
    return np.asarray([gains.get(name, 0.0) for name in names], dtype=np.float64)


def canonical_model(model: Any) -> bytes:
    """Return the bytes that are saved: no attributes, no threads and no parameters are in them."""
    return bytes(model.booster.save_raw("ubj"))


def canonical_parts(model: Any) -> Parts:
    """Return what stands before the trees, and each tree."""
    return cut(canonical_model(model), TREE, "tree")


def _require_consumed(task: str, parameters: Mapping[str, Any]) -> None:
    """Raise TrainerError for what the library would accept and not look at."""
    if task == MULTICLASS and parameters[WEIGHT] != UNWEIGHTED:
        raise TrainerError(
            f"XGBoost: {OBJECTIVES[task]} ignores {WEIGHT}: say {WEIGHT}: {UNWEIGHTED}"
        )
    if parameters["tree_method"] == "exact":
        ignored = [name for name in ("max_leaves",) if parameters[name] != 0]
        ignored += ["grow_policy"] if parameters["grow_policy"] != "depthwise" else []
        if ignored:
            raise TrainerError(
                f"XGBoost: tree_method exact ignores {' and '.join(ignored)}: "
                "use hist or approx, or max_leaves: 0 and grow_policy: depthwise"
            )


def _matrix(job: Job, x: Floats, y: Floats) -> Any:
    """Return the library's own table of rows."""
    import xgboost

    return xgboost.DMatrix(x, label=y, nthread=job.threads, feature_names=list(job.features))


def _held_out(job: Job) -> dict[str, Any]:
    """Return what makes the library watch the rows held out; TrainerError if there are none."""
    if job.validation is None:
        raise TrainerError("XGBoost: early_stopping_rounds needs rows held out of the fit")
    x, y = job.validation

    def metric(predicted: Any, _: Any) -> tuple[str, float]:
        return stopping.NAME, stopping.loss(job.task, y, predicted)

    return {"evals": [(_matrix(job, x, y), HELD_OUT)], "custom_metric": metric}


def _teller(progress: Callable[[int, int], None], total: int) -> Any:
    """Return a callback of the library that passes on how many rounds are done, and never stops."""
    import xgboost

    def after_iteration(self: Any, model: Any, epoch: int, evals_log: Any) -> bool:
        progress(epoch + 1, total)
        return False

    bases = (xgboost.callback.TrainingCallback,)
    return type("Teller", bases, {"after_iteration": after_iteration})()


def _without_attributes(booster: Any) -> Any:
    """Return the booster without attributes: best scores, whose last bit depends on threads."""
    found = booster.attributes()
    if found:
        booster.set_attr(**dict.fromkeys(found))
    return booster


def _read_back(booster: Any, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return every plain value of the saved configuration by its own name."""
    found: dict[str, Any] = {}
    _flatten(json.loads(booster.save_config())["learner"], found)
    for name, value in asked.items():
        if isinstance(value, float) and _is_same_single(value, found.get(name)):
            found[name] = value
    return found


def _flatten(node: Mapping[str, Any], found: dict[str, Any]) -> None:
    """Gather the leaves of nested mappings; lists (updaters, metrics) name no parameter."""
    for key, value in node.items():
        if isinstance(value, Mapping):
            _flatten(value, found)
        elif isinstance(value, str) and key != "name":
            found[key] = _value(value)


def _is_same_single(asked: float, printed: Any) -> bool:
    """Return whether a double rounds to the single that the library printed."""
    import numpy as np

    if isinstance(printed, bool) or not isinstance(printed, (int, float)):
        return False
    return bool(np.float32(asked) == np.float32(printed))


def _value(text: str) -> Any:
    """Return a printed parameter as a number if it is one."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _said(error: Exception) -> str:
    """Return the library's words without its clock, its source's place and its stack."""
    words, _, _ = str(error).partition("\nStack trace")
    return WHERE.sub("", words.strip())
