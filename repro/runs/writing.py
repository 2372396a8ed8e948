"""The files of a run, written into its final folder before it is sealed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from repro.audit_log.formats.canonical import canonical
from repro.audit_log.formats.digests import digest_file
from repro.identity.keys import exact, exact_integers

SCHEMA = 1


def json_text(value: Any) -> str:
    """Return JSON that people can read; floats are exact, nothing is rounded."""
    kept = exact_integers(value)
    text = json.dumps(kept, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return text + "\n"


def write_json(path: Path, value: Any) -> None:
    """Write such a file."""
    path.write_text(json_text(value), "utf-8")


def collect(work: Path, final: Path, names: list[str]) -> None:
    """Move what the worker says it wrote; raises FileNotFoundError for what is not there."""
    for name in names:
        if Path(name).name != name:
            raise AssertionError(f"the worker named a file outside its directory: {name!r}")
        (work / name).replace(final / name)


def artifacts(final: Path, below: str) -> list[dict[str, Any]]:
    """Return the digests of every file in ``final``, with paths that start with ``below``."""
    found = []
    for path in sorted(final.iterdir()):
        digest = digest_file(path)
        found.append(
            {
                "path": f"{below}/{path.name}" if below else path.name,
                "blake3": digest.blake3,
                "sha256": digest.sha256,
                "size": digest.size,
            }
        )
    return found


def outputs(finished: Mapping[str, Any]) -> dict[str, str]:
    """Return the digest of everything that came out, by name: what two runs are compared by.

    A model by its meaning (trees, not the thread count in its file), predictions by their bytes,
    metrics and the choice of features by their canonical form.
    """
    found = {f"model, {stage}": digest for stage, digest in finished["canonical"].items()}
    found |= {f"predictions, fold {f['fold']}": f["predictions"] for f in finished["folds"]}
    found["predictions"] = finished["predictions"]
    found["importance"] = _sha256(finished["importance"])
    if "selection" in finished:
        chosen = {name: finished["selection"][name] for name in ("stages", "stability")}
        found["selection"] = _sha256(chosen)
    metrics = {
        "overall": finished["metrics"],
        "training": finished["training_metrics"],
        "folds": [fold["metrics"] for fold in finished["folds"]],
    }
    found["metrics"] = _sha256(metrics)
    return found


def _sha256(value: Any) -> str:
    """Return the digest of a value's canonical form."""
    return "sha256:" + hashlib.sha256(canonical(exact(value))).hexdigest()
