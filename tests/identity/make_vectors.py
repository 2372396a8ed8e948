"""Make the golden vectors of identity without our code: the rfc8785 package and the blake3 package.

``python tests/identity/make_vectors.py`` writes them, ``--check`` proves that nothing moved. A
changed vector needs a line under "Identity" in the changelog.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import blake3
import rfc8785

FOLDER = Path(__file__).parent.parent / "vectors" / "identity"
COMPONENTS = ("dataset", "target", "features", "hyperparameters", "splits", "routing")
NAMES = {
    "dataset": "dataset_signature",
    "target": "target_signature",
    "features": "feature_signature",
    "hyperparameters": "hyperparameters_signature",
    "splits": "split_signature",
    "routing": "routing_signature",
}


def hashed(context: str, value: Any) -> str:
    """BLAKE3 in derive-key mode over RFC 8785 bytes."""
    return blake3.blake3(rfc8785.dumps(value), derive_key_context=context).hexdigest()


def keys(payloads: dict[str, Any], seed: int, execution: dict[str, Any]) -> dict[str, Any]:
    """Every signature and key, straight from the documentation."""
    six = {NAMES[c]: hashed(f"repro-audit v1 identity {c}", payloads[c]) for c in COMPONENTS}
    strict = hashed("repro-audit v1 identity strict", {"schema": 1, **six, "train_seed": seed})
    return {
        **six,
        "train_seed": seed,
        "replicate_key": hashed("repro-audit v1 identity replicate", {"schema": 1, **six}),
        "strict_key": strict,
        "execution_key": hashed(
            "repro-audit v1 identity execution", {"schema": 1, "strict_key": strict, **execution}
        ),
    }


def seed(base: int, purpose: str, names: list[str], bits: int) -> int:
    """Return the seed of a purpose, straight from the documentation."""
    data = rfc8785.dumps([1, base, purpose, names])
    digest = blake3.blake3(data, derive_key_context="repro-audit v1 seed").digest()
    return int.from_bytes(digest[:8], "big") % 2**bits


def vectors() -> dict[str, Any]:
    """All of them, by file."""
    payloads = {
        component: {
            "schema": 1,
            "config": {"a": 1, "b": 0.1, "text": "ü€😀", "list": [1, 2.5, None, True]},
            "facts": {"component": component, "n": 12154},
        }
        for component in COMPONENTS
    }
    execution = {"code": {"x": "00"}, "threads": 1, "seed_scheme": 1, "request": "ab"}
    cases = [
        (42, "bagging_seed", ["fwd_ret_5d", "cross_sectional", "", "lightgbm", "fold 1"], 31),
        (42, "bagging_seed", ["fwd_ret_5d", "cross_sectional", "", "lightgbm", "fold 2"], 31),
        (42, "seed", ["fwd_ret_5d", "cross_sectional", "", "lightgbm", "fold 1"], 31),
        (43, "bagging_seed", ["fwd_ret_5d", "cross_sectional", "", "lightgbm", "fold 1"], 31),
        (0, "python", ["t", "symbol_specific", "AAPL", "lightgbm", "final"], 64),
        (9007199254740991, "numpy", [], 32),
        (7, "one bit", ["x"], 1),
    ]
    return {
        "keys.json": {
            "payloads": payloads,
            "train_seed": 42,
            "execution": execution,
            "comparison_group": keys(payloads, 42, execution),
        },
        "seeds.json": [
            {"base": b, "purpose": p, "names": n, "bits": w, "seed": str(seed(b, p, n, w))}
            for b, p, n, w in cases
        ],
    }


def main() -> int:
    """Write the vectors, or compare them."""
    status = 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, value in vectors().items():
        text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
        path = FOLDER / name
        if "--check" not in sys.argv:
            path.write_text(text, "utf-8")
        elif path.read_text("utf-8") != text:
            sys.stderr.write(f"{path.name} would be written otherwise: make vectors\n")
            status = 1
    return status


if __name__ == "__main__":
    raise SystemExit(main())
