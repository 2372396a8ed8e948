"""What fits and predictions show: bits, outputs, rows in pieces, stopping early."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np

from repro.conformance.child import tables
from repro.conformance.child.bench import (
    Bench,
    Wish,
    digest,
    seed_globals,
    state_of_globals,
    table_of,
)

PIECES = (1, 7)
"""Rows of a piece, when rows are predicted piece by piece."""


def fit(bench: Bench, wish: Wish) -> dict[str, Any]:
    """Fit ``repeats`` times; return the bits of each, and the parameters of the last.

    Each time with the interpreter's own generators elsewhere, which must make no difference. With
    ``before``, other rows of the same shape are fitted and predicted first, as a fold before this.
    """
    made = table_of(wish)
    if wish.get("before"):
        other = tables.table(wish["task"], wish["rows"], start=wish["rows"] + 1)
        bench.bits(bench.fit(wish, other), other.x, wish)
    bits = []
    for number in range(wish.get("repeats", 1)):
        model = bench.fit({**wish, "global": number}, made)
        bits.append(bench.bits(model, made.x, wish))
    return {"bits": bits, "effective": plain(dict(bench.trainer.effective_parameters(model)))}


def outputs(bench: Bench, wish: Wish) -> dict[str, Any]:
    """Fit once; return what predictions, importance, rounds and progress are like, and what moved.

    ``moved`` names the inputs that are not as they were; ``drew`` says whether a generator of the
    interpreter's own was drawn from.
    """
    made, untouched = table_of(wish), table_of(wish)
    told: list[tuple[int, int]] = []
    seed_globals(wish.get("global", 0))
    before = state_of_globals()
    model = bench.fit(wish, made, progress=lambda done, total: told.append((done, total)))
    found = bench.predict(model, made.x, wish)
    drew = state_of_globals() != before
    importance = np.asarray(bench.trainer.importance(model))
    effective = dict(bench.trainer.effective_parameters(model))
    rounds = bench.trainer.rounds(model)
    means = bench.trainer.canonical_model(model)
    bench.file(model)
    return {
        "predictions": _described(found),
        "importance": _described(importance),
        "columns": made.x.shape[1],
        "signal": float(importance[tables.SIGNAL]) if importance.ndim == 1 else None,
        "noise": float(importance[tables.NOISE]) if importance.ndim == 1 else None,
        "gap": _gap(wish["task"], found, made.y),
        "rounds": rounds if rounds is None or type(rounds) is int else repr(rounds),
        "told": told[:3] + told[-3:],
        "counts": all(b[0] > a[0] and b[1] == a[1] for a, b in pairwise(told)),
        "json": _is_json(effective),
        "canonical": type(means).__name__,
        "parts": _are_parts(bench.trainer.canonical_parts(model)),
        "drew": drew,
        "moved": [
            name
            for name, (a, b) in {"x": (made.x, untouched.x), "y": (made.y, untouched.y)}.items()
            if a.tobytes() != b.tobytes()
        ],
        "late": bench.late(),
    }


def chunks(bench: Bench, wish: Wish) -> dict[str, Any]:
    """Fit once; return, for each size of a piece, whether rows predicted so have the same bits."""
    made = table_of(wish)
    model = bench.fit(wish, made)
    whole = bench.predict(model, made.x, wish).tobytes()
    found = {}
    for size in PIECES:
        parts = [
            bench.predict(model, np.ascontiguousarray(made.x[n : n + size]), wish).tobytes()
            for n in range(0, len(made.x), size)
        ]
        found[str(size)] = b"".join(parts) == whole
    return {"same": found}


def stopping(bench: Bench, wish: Wish) -> dict[str, Any]:
    """Fit with rows held out that follow the same rule, then with rows that contradict it.

    Returns the rounds that each model predicts with, how often progress was told, and whether the
    rows held out are as they were. ``held`` names the kind: same, contrary, or none.
    """
    made, held = table_of(wish), wish["held"]
    start = len(made.y) + 1
    maker = tables.opposite if held == "contrary" else tables.table
    watched = None if held == "none" else maker(wish["task"], wish["rows"], start=start)
    kept = None if watched is None else watched.copy()
    told: list[int] = []
    model = bench.fit(
        wish,
        made,
        None if watched is None else (watched.x, watched.y),
        lambda done, _: told.append(done),
    )
    moved = (
        watched is not None
        and kept is not None
        and (watched.x.tobytes() != kept.x.tobytes() or watched.y.tobytes() != kept.y.tobytes())
    )
    return {
        "rounds": bench.trainer.rounds(model),
        "told": max(told, default=0),
        "moved": moved,
        "bits": bench.bits(model, made.x, wish),
        "effective": plain(dict(bench.trainer.effective_parameters(model))),
    }


def plain(found: dict[str, Any]) -> dict[str, Any]:
    """Return parameters with what JSON cannot say as the text of it."""
    return {str(name): value if _is_json(value) else repr(value) for name, value in found.items()}


def _are_parts(parts: Any) -> bool:
    """Return whether these are parts of a model: names, each once, with bytes."""
    pairs = [tuple(part) for part in parts]
    named = all(
        len(pair) == 2 and isinstance(pair[0], str) and isinstance(pair[1], bytes) for pair in pairs
    )
    return bool(pairs) and named and len({pair[0] for pair in pairs}) == len(pairs)


def _is_json(value: Any) -> bool:
    """Return whether a value can be recorded as it is: plain, and every number finite."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def _described(array: Any) -> dict[str, Any]:
    """Return what an array is like."""
    is_array = isinstance(array, np.ndarray)
    numeric = is_array and array.dtype.kind == "f" and array.size > 0
    rows = array.sum(axis=1) if numeric and array.ndim == 2 else None
    return {
        "shape": list(array.shape) if is_array else None,
        "dtype": str(array.dtype) if is_array else type(array).__name__,
        "contiguous": bool(is_array and array.flags["C_CONTIGUOUS"]),
        "finite": bool(numeric and np.isfinite(array).all()),
        "least": float(array.min()) if numeric and np.isfinite(array).all() else None,
        "most": float(array.max()) if numeric and np.isfinite(array).all() else None,
        "sums": rows is None or bool(np.allclose(rows, 1.0)),
        "digest": digest(array.tobytes()) if is_array else None,
    }


def _gap(task: str, found: Any, y: Any) -> float | None:
    """Return the squared error over that of the mean, or the share of rows of a wrong class.

    None where predictions have not the shape that they must have.
    """
    if not isinstance(found, np.ndarray) or len(found) != len(y):
        return None
    if task == "regression" and found.ndim == 1:
        return float(np.mean((found - y) ** 2) / np.mean((y - y.mean()) ** 2))
    if task == "binary" and found.ndim == 1:
        return float(np.mean((found > 0.5) != (y == 1.0)))
    return float(np.mean(found.argmax(axis=1) != y)) if found.ndim == 2 else None
