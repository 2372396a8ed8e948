"""What the tree trainers on scikit-learn share: errors, targets, and trees as arrays.

The trees of a model lie one after another in one array of records; ``counts`` says how many nodes
each has, and the children of a node are numbered within its own tree, as the library has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .classes import MULTICLASS, require_every_class
from .contract import Job, TrainerError

if TYPE_CHECKING:
    from .array_file import Array
    from .contract import Floats


@contextmanager
def library_errors() -> Iterator[None]:
    """Turn what scikit-learn refuses into a TrainerError with its words."""
    try:
        yield
    except (ValueError, TypeError, OverflowError) as error:
        raise TrainerError(f"scikit-learn: {error}") from error


def require_target(job: Job, y: Floats) -> None:
    """Raise TrainerError for a target of which nothing can be learned.

    The library trains on one value without a word, and its classifiers then have no column for
    the class that is missing.
    """
    import numpy as np

    require_every_class(job, y)
    found = np.unique(y)
    if len(found) == 1:
        what = "is constant" if job.task == "regression" else "has one class"
        raise TrainerError(f"the target {what}: each of {len(y)} training rows is {found[0]:g}")


def flattened(trees: Sequence[Array]) -> tuple[Array, Array]:
    """Return the number of nodes of each tree, (trees,), and the nodes of all, one after another.

    Records come without the padding between their fields.
    """
    import numpy as np

    counts = np.array([len(tree) for tree in trees], np.int64)
    names = trees[0].dtype.names
    if names is None:
        return counts, np.concatenate(trees)
    packed = np.dtype([(name, trees[0].dtype[name]) for name in names])
    nodes = np.empty(int(counts.sum()), packed)
    for name in names:
        nodes[name] = np.concatenate([tree[name] for tree in trees])
    return counts, nodes


def member(arrays: Mapping[str, Array], name: str, dtype: Any, dimensions: int) -> Array:
    """Return an array of a file in the layout of the library, ``dtype``.

    Raises TrainerError unless it is there, has as many dimensions, and is of the same numbers.
    """
    import numpy as np

    if name not in arrays:
        raise TrainerError(f"the model file has no array {name!r}")
    array, wanted = arrays[name], np.dtype(dtype)
    if array.ndim != dimensions or _numbers(array.dtype) != _numbers(wanted):
        raise TrainerError(f"the array {name!r} of the model file is not of the expected kind")
    if wanted.names is None:
        return array.astype(wanted)
    out = np.zeros(array.shape, wanted)
    for field in wanted.names:
        out[field] = array[field]
    return out


def _numbers(dtype: Any) -> list[tuple[str, str]]:
    """Return the names and kinds of a dtype's fields, whatever lies between them."""
    if dtype.names is None:
        return [("", dtype.newbyteorder("<").str)]
    return [(name, dtype[name].newbyteorder("<").str) for name in dtype.names]


def require_trees(
    counts: Array, left: Array, right: Array, leaf: Array, feature: Array, features: int
) -> None:
    """Raise TrainerError unless the nodes are trees that the library's C code can walk.

    A walk is safe if every child lies behind its parent and within its tree, and every feature
    that is asked for exists. Beyond that, each node but the roots has one parent.
    """
    import numpy as np

    if len(counts) == 0 or counts.min() < 1 or counts.max() > len(leaf):
        raise TrainerError("the model file is forged or damaged: a tree has no nodes, or too many")
    if counts.sum() != len(leaf):
        raise TrainerError("the model file is forged or damaged: its trees have other nodes")
    ends = np.cumsum(counts)
    starts = np.repeat(ends - counts, counts)
    inner = np.flatnonzero(~leaf)
    within = inner - starts[inner]
    sizes = np.repeat(counts, counts)[inner]
    for child in (left[inner], right[inner]):
        if not ((child > within) & (child < sizes)).all():
            raise TrainerError("the model file is forged or damaged: a child is not in its tree")
    children = np.concatenate([starts[inner] + left[inner], starts[inner] + right[inner]])
    parents = np.bincount(children.astype(np.int64), minlength=len(leaf))
    parents[ends - counts] += 1
    if not (parents == 1).all():
        raise TrainerError("the model file is forged or damaged: a node has not one parent")
    asked = feature[inner]
    if not ((asked >= 0) & (asked < features)).all():
        raise TrainerError("the model file is forged or damaged: a feature does not exist")


def require_header(parameters: Mapping[str, Any], family: str, path_name: str) -> None:
    """Raise TrainerError unless the parameters of a file are those of a model of ``family``."""
    features, effective = parameters.get("features"), parameters.get("effective")
    fits = (
        parameters.get("family") == family
        and parameters.get("task") in ("regression", "binary", MULTICLASS)
        and isinstance(features, list)
        and all(isinstance(name, str) for name in features)
        and isinstance(effective, dict)
        and set(parameters) == {"family", "task", "features", "effective"}
    )
    if not fits:
        raise TrainerError(f"{path_name} is no model of the family {family}")


def require_columns(parameters: Mapping[str, Any], x: Floats) -> None:
    """Raise TrainerError unless ``x`` (rows, features) has as many columns as the model."""
    known = len(parameters["features"])
    if x.ndim != 2 or x.shape[1] != known:
        raise TrainerError(f"the model has {known} features, the table {x.shape[1:]} columns")
