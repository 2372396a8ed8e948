"""LightGBM: gradient-boosted trees through the library's native interface.

Its scikit-learn interface is not used: it would import scikit-learn, and it renames parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .contract import Job, TrainerError

if TYPE_CHECKING:
    from .contract import Floats

EXTENSION = ".txt"
OBJECTIVES = {"regression": "regression", "binary": "binary"}
PARAMETERS_START = "parameters:"


@dataclass(frozen=True, slots=True)
class Model:
    """A booster and its text, which is written once and read by everything that asks of it."""

    booster: Any
    text: str


def load_library() -> None:
    """Import LightGBM."""
    import lightgbm  # noqa: F401


def fit(job: Job, x: Floats, y: Floats, progress: Callable[[int, int], None]) -> Any:
    """Return a Model; ``x`` is (rows, features) float64, ``y`` (rows,) float64."""
    import lightgbm

    parameters = dict(job.parameters)
    rounds = parameters.pop("num_iterations")
    parameters |= {
        "objective": OBJECTIVES[job.task],
        "num_threads": job.threads,
        **job.seeds,
    }

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
        )
        return Model(booster, booster.model_to_string(num_iteration=-1))
    except lightgbm.basic.LightGBMError as error:
        raise TrainerError(f"LightGBM: {error}") from error


def predict(model: Any, x: Floats, threads: int) -> Floats:
    """Return the value, or the probability of class 1, of each row of ``x``."""
    import numpy as np

    return np.ascontiguousarray(model.booster.predict(x, num_threads=threads), dtype=np.float64)


def save(model: Any, path: Path) -> None:
    """Write the library's text format; floats in it are lossless."""
    path.write_bytes(model.text.encode())


def load(path: Path) -> Any:
    """Return the Model saved at ``path``."""
    import lightgbm

    text = path.read_bytes().decode()
    return Model(lightgbm.Booster(model_str=text), text)


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
    """Return the number of trees."""
    return int(model.booster.num_trees())


def importance(model: Any) -> Floats:
    """Return the gain that each feature's splits brought."""
    import numpy as np

    return np.asarray(model.booster.feature_importance("gain"), dtype=np.float64)


def canonical_model(model: Any) -> bytes:
    """Return the text before the embedded parameters, which hold the number of threads."""
    text: str = model.text
    return text[: text.rindex(PARAMETERS_START)].encode()


def _value(text: str) -> Any:
    """Return a printed parameter as a number if it is one."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
