"""Multilayer perceptron: scikit-learn's network, trained one epoch at a time.

An epoch is one call of ``partial_fit`` with one random generator for the weights and every
shuffle. That is this family's definition: ``fit`` shuffles what it shuffled before, where an epoch
here starts from the order of the rows; without shuffling both give the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import array_file, stopping
from .array_file import EXTENSION
from .classes import MULTICLASS, outputs_of, softmax
from .contract import Job, TrainerError
from .linear import PREPARED, TASKS, json_parameters, refusals
from .parts import Parts, array_parts, rows
from .preparation import (
    Preparation,
    affine,
    fit_preparation,
    logistic,
    prepare,
    read_preparation,
    require_floats,
    require_target,
)

if TYPE_CHECKING:
    from .contract import Floats

__all__ = [
    "EXTENSION",
    "canonical_model",
    "canonical_parts",
    "effective_parameters",
    "fit",
    "importance",
    "load",
    "load_library",
    "predict",
    "rounds",
    "save",
]
FAMILY = "mlp"
THEIRS = {"learning_rate_schedule": "learning_rate", "max_epochs": "max_iter"}
"""Names of ours to scikit-learn's."""
UNUSED = ("loss", "max_fun", "n_iter_no_change", "validation_fraction")
"""Parameters of scikit-learn's that training by epochs never reads, or the task decides."""
ACTIVATIONS = ("identity", "logistic", "relu", "tanh")
MOST_LAYERS = 1000


@dataclass(frozen=True, slots=True)
class Network:
    """Weights (inputs, outputs) and biases (outputs,) of each layer, the output layer last."""

    task: str
    activation: str
    preparation: Preparation
    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]
    epochs: int
    """Those that the weights have seen: the best one, where training looked for it."""
    effective: Mapping[str, Any]


def load_library() -> None:
    """Import scikit-learn's neural networks and what they call."""
    import sklearn.neural_network  # noqa: F401


def fit(job: Job, x: Floats, y: Floats, progress: Callable[[int, int], None]) -> Any:
    """Return a Network; ``x`` is (rows, features) float64, ``y`` (rows,) float64.

    With ``early_stopping_rounds`` above 0, the loss on the held-out rows is looked at after every
    epoch, and the weights of the best one are kept.
    """
    require_target(job, y)
    _require_batches(job, len(y))
    preparation, prepared = fit_preparation(job, x)
    with refusals():
        estimator = _estimator(job)
    patience, total = job.parameters["early_stopping_rounds"], job.parameters["max_epochs"]
    held_out = _held_out(job, preparation) if patience else None
    known = {"binary": [0.0, 1.0], MULTICLASS: [float(n) for n in range(job.classes)]}
    classes = {"classes": known[job.task]} if job.task in known else {}
    best, least = _network(job, preparation, estimator, 0), float("inf")
    done = 0
    for done in range(1, total + 1):
        with refusals():
            estimator.partial_fit(prepared, y, **(classes if done == 1 else {}))
        progress(done, total)
        if held_out is None:
            continue
        now = _network(job, preparation, estimator, done)
        loss = stopping.loss(job.task, held_out[1], _outputs(now, held_out[0]))
        if loss < least - job.parameters["tol"]:
            best, least = now, loss
        elif done - best.epochs >= patience:
            break
    if held_out is None:
        best = _network(job, preparation, estimator, done)
    elif not best.epochs:
        raise TrainerError("the loss on the held-out rows is never finite; learn more slowly")
    return _told(best, estimator, job, done)


def predict(model: Any, x: Floats, threads: int) -> Floats:
    """Return the value, or the probability of class 1 or of each class, of each row of ``x``."""
    return _outputs(model, prepare(model.preparation, x))


def save(model: Any, path: Path) -> None:
    """Write arrays and JSON in one file."""
    report = {"epochs": model.epochs, "effective": dict(model.effective)}
    array_file.write(path, {**_meaning(model), "report": report}, _arrays(model))


def load(path: Path) -> Any:
    """Return the Network saved at ``path``; raises TrainerError if it is none."""
    import numpy as np

    parameters, arrays = array_file.read(path)
    task, report = parameters.get("task"), parameters.get("report")
    activation, sizes = parameters.get("activation"), parameters.get("hidden_layer_sizes")
    if parameters.get("family") != FAMILY or task not in TASKS or activation not in ACTIVATIONS:
        raise TrainerError(f"{path.name} is no model of the family {FAMILY}")
    if not (
        isinstance(sizes, list)
        and 0 < len(sizes) <= MOST_LAYERS
        and all(type(size) is int and size > 0 for size in sizes)
    ):
        raise TrainerError(f"{path.name} does not say what layers it has")
    if not isinstance(report, dict):
        raise TrainerError(f"{path.name} does not say how it was fitted")
    epochs, effective = report.get("epochs"), report.get("effective")
    if type(epochs) is not int or not isinstance(effective, dict):
        raise TrainerError(f"{path.name} does not say how it was fitted")
    preparation = read_preparation(parameters, arrays)
    units = [len(preparation.features), *sizes, outputs_of(task, arrays, f"biases_{len(sizes)}")]
    shapes = list(pairwise(units))
    weights = [require_floats(arrays, f"weights_{n}", shape) for n, shape in enumerate(shapes)]
    biases = [require_floats(arrays, f"biases_{n}", shape[1:]) for n, shape in enumerate(shapes)]
    if not all(np.isfinite(array).all() for array in (*weights, *biases)):
        raise TrainerError(f"{path.name} has weights that are not finite")
    return Network(task, activation, preparation, tuple(weights), tuple(biases), epochs, effective)


def effective_parameters(model: Any) -> Mapping[str, Any]:
    """Return the estimator's parameters under our names, the layers that it has, and the epochs."""
    found: Mapping[str, Any] = model.effective
    return found


def rounds(model: Any) -> int:
    """Return the epochs that the weights have seen."""
    epochs: int = model.epochs
    return epochs


def importance(model: Any) -> Floats:
    """Return the sum, over all paths to the outputs, of the product of the absolute weights.

    Each feature's is multiplied by the standard deviation of its training column. Signs are lost,
    so paths that cancel count as if they added up: a bound rather than an effect.
    """
    import numpy as np

    paths = np.ones((len(model.biases[-1]), 1))
    for weights in reversed(model.weights):
        paths = affine(np.abs(weights), paths, np.zeros(1))
    found: Floats = paths.reshape(-1) * model.preparation.spread
    return found


def canonical_model(model: Any) -> bytes:
    """Return preparation, layers and weights: what predictions are made of."""
    return array_file.canonical(_meaning(model), _arrays(model))


def canonical_parts(model: Any) -> Parts:
    """Return what is said of the network, the preparation, and each input's weights, by layer."""
    prepared, arrays = model.preparation.arrays(), _arrays(model)
    by_feature = {**prepared, "weights_0": arrays["weights_0"]}
    parts = array_parts(_meaning(model), by_feature, model.preparation.features)
    others = [rows(name, array) for name, array in arrays.items() if name not in by_feature]
    return [*parts, *(part for each in others for part in each)]


def _require_batches(job: Job, rows: int) -> None:
    """Raise TrainerError for a batch that the rows cannot fill: the library would shorten it."""
    size = job.parameters["batch_size"]
    if size > rows:
        raise TrainerError(f"batch_size is {size}, but there are only {rows} rows to train on")


def _estimator(job: Job) -> Any:
    """Return the estimator, not fitted yet."""
    import numpy as np
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    ours = (*PREPARED, "early_stopping_rounds")
    given = {THEIRS.get(k, k): v for k, v in job.parameters.items() if k not in ours}
    kind = MLPRegressor if job.task == "regression" else MLPClassifier
    generator = np.random.RandomState(job.seeds["random_state"])
    return kind(**given, random_state=generator, n_iter_no_change=np.inf)


def _held_out(job: Job, preparation: Preparation) -> tuple[Floats, Floats]:
    """Return the rows that decide when to stop, prepared as the training rows are."""
    if job.validation is None or not len(job.validation[1]):
        raise TrainerError(
            "early_stopping_rounds needs rows that are held out of the training rows, and there "
            "are none; say early_stopping_rounds: 0 to train all epochs"
        )
    return prepare(preparation, job.validation[0]), job.validation[1]


def _network(job: Job, preparation: Preparation, estimator: Any, epochs: int) -> Network:
    """Return a copy of the estimator's weights; the library goes on changing them in place."""
    import numpy as np

    layers = (estimator.coefs_, estimator.intercepts_) if epochs else ((), ())
    weights, biases = (tuple(np.array(part, order="C") for part in kind) for kind in layers)
    activation = estimator.activation
    return Network(job.task, activation, preparation, weights, biases, epochs, {})


def _told(model: Network, estimator: Any, job: Job, done: int) -> Network:
    """Return the model with what the estimator says that it used."""
    found = json_parameters(
        {k: v for k, v in estimator.get_params().items() if k not in (*UNUSED, "random_state")}
    )
    effective = {name: found.pop(theirs) for name, theirs in THEIRS.items()} | found
    effective |= {name: model.preparation.parameters()[name] for name in PREPARED}
    effective |= {
        "hidden_layer_sizes": _sizes(model),
        "early_stopping_rounds": job.parameters["early_stopping_rounds"],
        "random_state": job.seeds["random_state"],
        "epochs_done": done,
        "epochs_kept": model.epochs,
    }
    if job.task == MULTICLASS:
        effective["classes"] = int(estimator.n_outputs_)
    return Network(
        *(model.task, model.activation, model.preparation, model.weights, model.biases),
        *(model.epochs, effective),
    )


def _outputs(model: Network, prepared: Floats) -> Floats:
    """Return the network's output for each prepared row: (rows,), or (rows, classes)."""
    import numpy as np

    functions: dict[str, Callable[[Floats], Floats]] = {
        "identity": lambda z: z,
        "logistic": logistic,
        "relu": lambda z: np.maximum(z, 0.0),
        "tanh": np.tanh,
    }
    hidden = functions[model.activation]
    values = prepared
    for weights, biases in zip(model.weights[:-1], model.biases[:-1], strict=True):
        values = hidden(affine(values, weights, biases))
    values = affine(values, model.weights[-1], model.biases[-1])
    if model.task == MULTICLASS:
        return softmax(values)
    return logistic(values.reshape(-1)) if model.task == "binary" else values.reshape(-1)


def _sizes(model: Network) -> list[int]:
    return [int(weights.shape[1]) for weights in model.weights[:-1]]


def _meaning(model: Network) -> dict[str, Any]:
    return {
        "family": FAMILY,
        "task": model.task,
        "activation": model.activation,
        "hidden_layer_sizes": _sizes(model),
        **model.preparation.parameters(),
    }


def _arrays(model: Network) -> dict[str, Floats]:
    weights = {f"weights_{n}": array for n, array in enumerate(model.weights)}
    biases = {f"biases_{n}": array for n, array in enumerate(model.biases)}
    return {**weights, **biases, **model.preparation.arrays()}
