"""LightGBM: gradient-boosted trees through the library's native interface.

Its scikit-learn interface is not used: it would import scikit-learn, and it renames parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import stopping
from .classes import MULTICLASS
from .contract import Job, TrainerError
from .parts import Parts, cut
from .preparation import require_target
from .singles import require_single_target

if TYPE_CHECKING:
    from .contract import Floats

EXTENSION = ".txt"
OBJECTIVES = {"regression": "regression", "binary": "binary", MULTICLASS: "multiclass"}
PARAMETERS_START = "parameters:"
TREE = b"\nTree="
START = "tree\n"
WHOLE = ("\nend of trees\n", "\nend of parameters\n")
"""What stands in a whole text once each, in this order."""
PATIENCE = "early_stopping_round"
HELD_OUT = "validation"


@dataclass(frozen=True, slots=True)
class Model:
    """A booster and the text of the trees that predict, which is written only once."""

    booster: Any
    text: str
    iterations: int
    """Those that predict: the first ones, where training went on for some more. Each made one tree,
    or one for each class."""


def load_library() -> None:
    """Import LightGBM."""
    import lightgbm  # noqa: F401


def fit(job: Job, x: Floats, y: Floats, progress: Callable[[int, int], None]) -> Any:
    """Return a Model; ``x`` is (rows, features) float64, ``y`` (rows,) float64."""
    import lightgbm

    require_target(job, y)
    require_single_target(y, "LightGBM")  # which puts its largest number in place of more
    parameters = dict(job.parameters)
    rounds = parameters.pop("num_iterations")
    stops = parameters[PATIENCE] > 0
    parameters |= {
        "objective": OBJECTIVES[job.task],
        "num_threads": job.threads,
        **job.seeds,
    }
    if job.task == MULTICLASS:
        parameters["num_class"] = job.classes
    if stops:
        parameters["metric"] = "None"  # ours decides; see stopping

    def tell(environment: Any) -> None:
        progress(environment.iteration + 1, rounds)

    try:
        dataset = lightgbm.Dataset(
            x, label=y, feature_name=list(job.features), params=parameters, free_raw_data=True
        )
        booster = lightgbm.train(
            parameters,
            dataset,
            num_boost_round=rounds,
            callbacks=[tell],
            keep_training_booster=True,  # or the library writes and reads the whole model itself
            **(_held_out(job, dataset, parameters) if stops else {}),
        )
        done = booster.best_iteration if stops else booster.current_iteration()
        return Model(booster, booster.model_to_string(num_iteration=done), done)
    except lightgbm.basic.LightGBMError as error:
        raise TrainerError(f"LightGBM: {error}") from error


def predict(model: Any, x: Floats, threads: int) -> Floats:
    """Return the value, or the probability of class 1 or of each class, of each row of ``x``."""
    import numpy as np

    out = model.booster.predict(x, num_iteration=model.iterations, num_threads=threads)
    return np.ascontiguousarray(out, dtype=np.float64)


def save(model: Any, path: Path) -> None:
    """Write the library's text format; floats in it are lossless."""
    path.write_bytes(model.text.encode())


def load(path: Path) -> Any:
    """Return the Model saved at ``path``; raises TrainerError if it is none.

    Of a text that is cut short, the library would end the process.
    """
    import lightgbm

    try:
        text = path.read_bytes().decode()
        if not text.startswith(START) or any(text.count(mark) != 1 for mark in WHOLE):
            raise TrainerError(f"{path.name} is no whole model of LightGBM's")
        booster = lightgbm.Booster(model_str=text)
    except (UnicodeDecodeError, lightgbm.basic.LightGBMError) as error:
        raise TrainerError(f"{path.name} is no model of LightGBM's: {error}") from error
    return Model(booster, text, booster.current_iteration())


def effective_parameters(model: Any) -> Mapping[str, Any]:
    """Return the parameters that the model's text embeds: those that the C++ side used.

    The library prints numbers with six significant digits, so a longer one reads back rounded.
    """
    text = model.text
    block = text[text.rindex(PARAMETERS_START) :].splitlines()[1:]
    found: dict[str, Any] = {}
    for line in block:
        if not line.startswith("[") or not line.endswith("]"):
            break
        name, _, value = line[1:-1].partition(":")
        found[name.strip()] = _value(value.strip())
    return found


def rounds(model: Any) -> int:
    """Return the number of iterations; each made one tree, or one for each class."""
    return int(model.iterations)


def importance(model: Any) -> Floats:
    """Return the gain that each feature's splits brought."""
    import numpy as np

    gains = model.booster.feature_importance("gain", iteration=model.iterations)
    return np.asarray(gains, dtype=np.float64)


def canonical_model(model: Any) -> bytes:
    """Return the text before the embedded parameters, which hold the number of threads."""
    text: str = model.text
    return text[: text.rindex(PARAMETERS_START)].encode()


def canonical_parts(model: Any) -> Parts:
    """Return what stands before the trees, and each tree."""
    return cut(canonical_model(model), TREE, "tree")


def _held_out(job: Job, dataset: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes the library watch the rows held out; TrainerError if there are none."""
    import lightgbm

    if job.validation is None:
        raise TrainerError(f"LightGBM: {PATIENCE} needs rows held out of the fit")
    x, y = job.validation

    def metric(predicted: Any, _: Any) -> tuple[str, float, bool]:
        return stopping.NAME, stopping.loss(job.task, y, predicted), False

    watched = lightgbm.Dataset(
        x, label=y, feature_name=list(job.features), params=dict(parameters), reference=dataset
    )
    return {"valid_sets": [watched], "valid_names": [HELD_OUT], "feval": metric}


def _value(text: str) -> Any:
    """Return a printed parameter as a number if it is one."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
