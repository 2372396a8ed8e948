"""Every seed is derived from one base seed; nothing seeds anything else.

seed = the low ``bits`` of the first 8 bytes (big-endian) of
BLAKE3-derive-key("repro-audit v1 seed", canonical [scheme, base, purpose, [name, …]]).
"""

from __future__ import annotations

from collections.abc import Sequence

from repro.audit_log.formats.canonical import canonical
from repro.audit_log.formats.digests import derive

SCHEME = 1
"""Raised when the rule changes; it is part of the execution key."""
CONTEXT = "repro-audit v1 seed"
GLOBAL = ("python", "numpy")
"""Purposes of the interpreter's own generators."""
GLOBAL_BITS = 32
FOLDS = "folds"
FOLD_BITS = 53
"""What JSON keeps exactly: the seed of drawn folds is part of what a worker is asked."""


def derive_seed(base: int, purpose: str, names: Sequence[str], bits: int) -> int:
    """Return the seed in [0, 2**bits) for a purpose at a path of names; 1 <= bits <= 64."""
    if not 1 <= bits <= 64:
        raise AssertionError(f"a seed has 1 to 64 bits, not {bits}")
    digest = derive(CONTEXT, canonical([SCHEME, base, purpose, list(names)]))
    return int(digest[:16], 16) & ((1 << bits) - 1)


def selection_stage(stage: str, family: str) -> str:
    """Return the name of the fit of ``family`` that chooses the features of a stage."""
    return f"{stage}, selection by {family}"


def fold_seed(base: int, target: str, view: str, symbol: str | None) -> int:
    """Return the seed by which the folds of a run are drawn: the same for every family."""
    return derive_seed(base, FOLDS, [target, view, symbol or ""], FOLD_BITS)


def run_seeds(
    base: int,
    purposes: Sequence[str],
    bits: int,
    names: Sequence[str],
    stages: Sequence[str],
) -> dict[str, dict[str, int]]:
    """Return, for each stage of a run (each fold, then ``final``), a seed for each purpose.

    ``names`` is the path of the run: target, view, symbol (or empty), family. Those of the
    interpreter's own generators have 32 bits at most: NumPy's takes no more.
    """
    purposes_bits = dict.fromkeys(purposes, bits)
    purposes_bits |= dict.fromkeys(GLOBAL, min(bits, GLOBAL_BITS))
    return {
        stage: {
            purpose: derive_seed(base, purpose, [*names, stage], width)
            for purpose, width in purposes_bits.items()
        }
        for stage in stages
    }
