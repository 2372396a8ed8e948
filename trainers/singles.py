"""What libraries keep in 32 bits, whatever they are given: refused by name where it does not fit.

One of them stops, naming no feature; another puts the largest number in place of the value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .contract import TrainerError

if TYPE_CHECKING:
    from .array_file import Array
    from .contract import Floats


def narrow(names: Sequence[str], x: Floats, library: str) -> Array:
    """Return ``x`` (rows, features) as float32, C-contiguous.

    Raises TrainerError that names the features some of whose values 32 bits cannot hold.
    """
    import numpy as np

    with np.errstate(over="ignore"):
        rows = np.ascontiguousarray(x, dtype=np.float32)
    beyond = np.isinf(rows)
    if not beyond.any():
        return rows
    hit = np.flatnonzero(beyond.any(axis=0)).tolist()
    first = x[:, hit[0]]
    more = f", and so do {len(hit) - 1} more" if len(hit) > 1 else ""
    raise TrainerError(
        f"feature {names[hit[0]]} goes from {np.nanmin(first):g} to {np.nanmax(first):g}{more}, "
        f"beyond the 32 bits in which {library} keeps features; rescale it or leave it out"
    )


def require_single_target(y: Floats, library: str) -> None:
    """Raise TrainerError for a target (rows,) of which 32 bits cannot hold every value."""
    import numpy as np

    with np.errstate(over="ignore"):
        beyond = np.isinf(y.astype(np.float32))
    if beyond.any():
        raise TrainerError(
            f"the target goes from {y.min():g} to {y.max():g}, beyond the 32 bits in which "
            f"{library} keeps it; rescale it"
        )
