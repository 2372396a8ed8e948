"""Labels of more than two classes, and probabilities of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .contract import Job, TrainerError

if TYPE_CHECKING:
    from .contract import Floats

MULTICLASS = "multiclass"
FEWEST = 3
"""With two classes the libraries have one output, as for a binary task."""


def require_every_class(job: Job, y: Floats) -> None:
    """Raise TrainerError unless the labels of a multiclass task are all its classes, 0.0 and so on.

    Of a class that is missing nothing can be learned, and the libraries then number the others
    anew. Labels of other tasks are none of its business.
    """
    import numpy as np

    if job.task != MULTICLASS:
        return
    if job.classes < FEWEST:
        raise TrainerError(f"a multiclass task has {FEWEST} classes or more, not {job.classes}")
    found = np.unique(y).tolist()
    known = [float(label) for label in range(job.classes)]
    strange = [label for label in found if label not in known]
    if strange:
        raise TrainerError(f"classes are 0 to {job.classes - 1}, not {strange[:5]}")
    missing = [int(label) for label in known if label not in found]
    if missing:
        raise TrainerError(
            f"no row of class {', '.join(map(str, missing))} in any of {len(y)} training rows"
        )


def outputs_of(task: str, arrays: Mapping[str, Any], name: str) -> int:
    """Return how many outputs a saved model has: 1, or as many as ``name`` (outputs,) is long.

    Raises TrainerError where that array of a multiclass model is no list of one number a class.
    """
    if task != MULTICLASS:
        return 1
    array = arrays.get(name)
    if array is None or array.ndim != 1 or len(array) < FEWEST:
        raise TrainerError(f"the model file has no array {name} with a number for each class")
    return len(array)


def softmax(z: Floats) -> Floats:
    """Return exp(z) over its sum along each row of ``z`` (rows, classes), without overflow.

    Classes are added in their order, so that a row has the same bits alone and among others.
    """
    import numpy as np

    raised = np.exp(z - z.max(axis=1, keepdims=True))
    sums = np.zeros(len(z))
    for column in range(z.shape[1]):
        sums += raised[:, column]
    return np.ascontiguousarray(raised / sums[:, None])
