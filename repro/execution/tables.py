"""Tables in the worker: files → a panel and its facts, for a training and for ``repro data``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from blake3 import blake3

from repro.errors import InputError
from repro.pipeline.digest import DatasetTree, dataset_tree
from repro.pipeline.interval import require_interval
from repro.pipeline.panel import Panel
from repro.pipeline.summary import describe, summarize
from repro.pipeline.table import read_panel
from repro.pipeline.times import spell

DataBytes = tuple[str, bytes, Mapping[str, str]]
"""The name that a file is shown by, what is in it, and the digests of that by hash function."""


def answer(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a request of the kind ``tables`` asks for; raises InputError for bad data.

    The facts of the dataset and the digest of each column by symbol (empty name: times);
    if the look is for a description, that too.
    """
    request, options = message["request"]["dataset"], message["options"]["dataset"]
    files = read_files(message["files"], sha256=message["sha256"])
    panel, tree, facts = read_dataset(request, options, files)
    columns = {symbol: dict(found.columns) for symbol, found in tree.symbols.items()}
    described = {"description": describe(panel)} if message["look"] == "description" else {}
    return {**facts, "columns": columns, **described}


def read_files(files: Sequence[Mapping[str, str]], *, sha256: bool) -> list[DataBytes]:
    """Return name, bytes and digests of each file, read once: what is digested is what is parsed.

    With ``sha256`` it is digested with that too. Raises InputError for a file that cannot be read.
    """
    found: list[DataBytes] = []
    for file in files:
        try:
            data = Path(file["path"]).read_bytes()
        except OSError as error:
            raise InputError(
                f"{file['shown']}: cannot be read: {error.strerror}",
                "dataset.files in CONFIG/data/dataset.yaml names the files",
            ) from error
        digests = {"blake3": blake3(data).hexdigest()}
        if sha256:
            digests["sha256"] = hashlib.sha256(data).hexdigest()
        found.append((file["shown"], data, digests))
    return found


def read_dataset(
    decides: Mapping[str, Any],
    options: Mapping[str, Any],
    files: Sequence[DataBytes],
) -> tuple[Panel, DatasetTree, dict[str, Any]]:
    """Return the panel, its tree, and the facts of both; raises InputError for bad data.

    ``decides`` and ``options`` are the two halves of the dataset's document.
    """
    dataset = _merge(decides, options)
    panel = read_panel([(name, data) for name, data, _ in files], dataset)
    require_interval(panel, dataset["interval"])
    tree = dataset_tree(panel, sorted(dataset["columns"]))
    facts = {
        "dataset": {
            "root": tree.root,
            "rows": panel.rows,
            "symbols": list(panel.symbols),
            "columns": {name: str(column.dtype) for name, column in panel.columns.items()},
            "first": spell(int(panel.time.min()), timed=panel.timed),
            "last": spell(int(panel.time.max()), timed=panel.timed),
        },
        "locators": tree.locators(),
        "summary": summarize(panel),
        "files": {name: dict(digests) for name, _, digests in files},
    }
    return panel, tree, facts


def _merge(base: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the two halves of a document as one mapping."""
    merged = dict(base)
    for key, value in extra.items():
        below = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(below, Mapping)
        merged[key] = _merge(below, value) if both and below is not None else value
    return merged
