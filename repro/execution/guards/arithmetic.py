"""How this thread rounds, and what NumPy does about odd numbers, are what they were before a call.

Both outlast the call that set them, and all that comes later computes by them: which numbers the
text of a saved model is read as, and our metrics. So they are looked at right after each call,
before anybody else computes; ``attained`` looks at them once more at the end.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from repro.errors import DeterminismError

_ONE, _ABOVE, _LITTLE = 1.0, 1.0 + 2.0**-52, 2.0**-60
"""A number, its neighbour, and what is lost beside either where sums are rounded to nearest."""
NEAREST = "to nearest"


def found() -> dict[str, Any]:
    """Return the direction in which this thread rounds, and NumPy's error state if it is loaded."""
    numpy = sys.modules.get("numpy")
    return {
        "rounding": rounding(_ONE, _ABOVE, _LITTLE),
        "errors": {**numpy.geterr(), "call": repr(numpy.geterrcall())} if numpy else {},
    }


def rounding(one: float, above: float, little: float) -> str:
    """Return in words how sums are rounded.

    It is computed, not asked for: the C library's question does not see what is set for vectors
    alone. The numbers are arguments, or the compiler of Python would add them up.
    """
    if one + little != one:
        return "upward"
    if -one - little != -one:
        return "downward"
    return NEAREST if above - little == above else "toward zero"


def differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return, in words, what is otherwise than it was; both are what ``found`` returned."""
    words = []
    if before["rounding"] != now["rounding"]:
        words.append(f"rounding is {now['rounding']}, and was {before['rounding']}")
    old, new = before["errors"], now["errors"]
    names = [
        f"{name} is {new[name]}, and was {old[name]}" for name in old if new[name] != old[name]
    ]
    if names:
        words.append(f"NumPy's error state ({'; '.join(names)})")
    return words


def require_same(before: Mapping[str, Any]) -> None:
    """Raise DeterminismError unless this thread computes as it did ``before``."""
    changed = differing(before, found())
    if changed:
        raise DeterminismError(f"the environment changed while training: {'; '.join(changed)}")
