"""The files of a run, written into its final folder before it is sealed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring
from math import isfinite
from pathlib import Path
from typing import Any

from repro.audit_log.formats.canonical import canonical
from repro.audit_log.formats.digests import digest_file
from repro.identity.keys import EXACT, exact

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Spelled:
    """A part of a document that is JSON already, as deep as it stands there."""

    text: str


def spelled(value: Any, depth: int) -> Spelled:
    """Return a part of a document as JSON; ``depth`` is in how many lists and mappings it is."""
    return Spelled(_text(value, "\n" + "  " * depth))


def json_text(value: Any) -> str:
    """Return JSON that people can read; floats are exact, nothing is rounded.

    It is what ``json.dumps`` writes with ``indent=2`` and ``sort_keys=True``, in a third of the
    time: that one spells indented JSON without its part in C. Integers beyond 2^53-1 in size are
    strings. Raises ValueError for what is no finite number.
    """
    return _text(value, "\n") + "\n"


def _text(value: Any, line: str) -> str:
    """Return a value as JSON; ``line`` ends a line and begins the next one, at its depth."""
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, dict):
        inner = line + "  "
        items = [f"{_key(key)}: {_text(child, inner)}" for key, child in sorted(value.items())]
        return f"{{{inner}{(',' + inner).join(items)}{line}}}" if items else "{}"
    if isinstance(value, list | tuple):
        inner = line + "  "
        parts = [_text(child, inner) for child in value]
        return f"[{inner}{(',' + inner).join(parts)}{line}]" if parts else "[]"
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, int):
        text = int.__repr__(value)  # as of a plain one: members of an IntEnum spell themselves
        return text if -EXACT <= value <= EXACT else f'"{text}"'
    if isinstance(value, float) and isfinite(value):
        return float.__repr__(value)
    if isinstance(value, Spelled):
        return value.text
    if isinstance(value, Mapping):
        return _text(dict(value), line)
    return json.dumps(value, allow_nan=False)


def _key(key: Any) -> str:
    """Return a key, which JSON only has as a string; raises for what is no scalar of JSON."""
    if isinstance(key, str):
        return encode_basestring(key)
    if key is None or isinstance(key, int | float):
        plain = _text(key, "").strip('"')
        return encode_basestring(plain)
    raise TypeError(f"a key is no scalar: {key!r}")


def write_json(path: Path, value: Any) -> None:
    """Write such a file."""
    path.write_text(json_text(value), "utf-8")


def artifacts(final: Path) -> list[dict[str, Any]]:
    """Return the name, the digests and the size of every file in ``final``, sorted by name."""
    return [artifact(path) for path in sorted(final.iterdir())]


def artifact(path: Path) -> dict[str, Any]:
    """Return the name, the digests and the size of one file."""
    digest = digest_file(path)
    return {
        "path": path.name,
        "blake3": digest.blake3,
        "sha256": digest.sha256,
        "size": digest.size,
    }


def placed(found: Iterable[Mapping[str, Any]], below: str) -> list[dict[str, Any]]:
    """Return artifacts as the log has them: sorted by their paths, which start with ``below``."""
    ordered = sorted(found, key=lambda one: str(one["path"]))
    return [{**one, "path": f"{below}/{one['path']}"} for one in ordered]


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
