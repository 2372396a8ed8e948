"""A fingerprint of a dataset: what two of them are compared by, and how one is kept in a file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.errors import InputError, IntegrityError
from repro.pipeline.locate import DIGITS, TIMES
from repro.pipeline.merkle import root_digest, symbol_digest
from repro.runs.sealed import Run
from repro.verbs.data.look import Dataset

SCHEMA = 1
COMMAND = "data fingerprint"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a dataset is, by content; of a table's values it has digests and sums alone."""

    name: str
    """What it is the fingerprint of: ``today``, a run, or a file."""
    root: str | None
    """The dataset's root; None for a run that was recorded without it."""
    files: Sequence[Mapping[str, Any]]
    """Name, digests and size of each data file."""
    locators: Mapping[str, Any]
    """Digests of blocks of rows, by symbol and column: where values differ."""
    summary: Mapping[str, Any]
    """Rows, extent and sums, by symbol and by column."""


def of_dataset(name: str, dataset: Dataset) -> Fingerprint:
    """Return the fingerprint of the dataset as it lies now."""
    facts = dataset.facts
    return Fingerprint(
        name,
        facts["dataset"]["root"],
        [file.facts() for file in dataset.files],
        facts["locators"],
        facts["summary"],
    )


def of_run(run: Run) -> Fingerprint:
    """Return the fingerprint that a run sealed; raises IntegrityError if it cannot be read."""
    sealed = run.read("dataset.json")
    payload = run.snapshot["payloads"].get("dataset")
    try:
        root = None if payload is None else payload["facts"]["root"]
        return Fingerprint(run.name, root, sealed["files"], sealed["locators"], sealed["summary"])
    except (KeyError, TypeError) as error:
        raise IntegrityError(f"run {run.name}: dataset.json lacks {error}") from error


def document(dataset: Dataset) -> dict[str, Any]:
    """Return a fingerprint as a JSON value, which ``read`` reads again."""
    facts = dataset.facts
    columns: Mapping[str, Mapping[str, str]] = facts["columns"]
    return {
        "schema": SCHEMA,
        "command": COMMAND,
        "dataset": facts["dataset"],
        "symbols": {
            symbol: {"digest": symbol_digest(digests), "columns": digests}
            for symbol, digests in columns.items()
        },
        "files": [file.facts() for file in dataset.files],
        "locators": facts["locators"],
        "summary": facts["summary"],
    }


def read(path: Path) -> Fingerprint:
    """Return the fingerprint that ``repro data fingerprint --format json`` wrote to a file.

    Raises InputError for a file that is none, IntegrityError if its parts contradict each other:
    root and columns are digested again, so that a damaged one cannot pass for another dataset.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise _no_fingerprint(path, f"not JSON: {error}") from error
    try:
        if (content["schema"], content["command"]) != (SCHEMA, COMMAND):
            raise _no_fingerprint(path, f"it is of {content['command']}")
        found = Fingerprint(
            str(path),
            content["dataset"]["root"],
            content["files"],
            content["locators"],
            content["summary"],
        )
        _require_whole(found, content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _no_fingerprint(path, f"its parts are not what they should be: {error!r}") from error
    return found


def _require_whole(found: Fingerprint, content: Mapping[str, Any]) -> None:
    """Raise IntegrityError unless root, symbols, columns and locators fit together."""
    located = found.locators["symbols"]
    names = {TIMES, *content["dataset"]["columns"]}
    digests = {}
    for symbol, kept in content["symbols"].items():
        digests[symbol] = symbol_digest(kept["columns"])
        blocks, columns = located[symbol]["blocks"], located[symbol]["columns"]
        digits = {len(columns[column]) for column in columns}
        if set(kept["columns"]) != names or set(columns) != names:
            raise _contradiction(found.name, f"the columns of {symbol} are not the dataset's")
        if kept["digest"] != digests[symbol] or digits != {DIGITS * len(blocks)}:
            raise _contradiction(found.name, f"the digests of {symbol} do not fit together")
    if set(located) != set(digests) or set(digests) != set(found.summary["symbols"]):
        raise _contradiction(found.name, "its symbols are not the same everywhere")
    if root_digest(found.locators["unit"], names, digests) != found.root:
        raise _contradiction(found.name, "its root is not that of its symbols")


def _contradiction(name: str, what: str) -> IntegrityError:
    return IntegrityError(
        f"{name} is not the fingerprint that was written: {what}",
        "make it again from the data that it is of, if they are there",
    )


def _no_fingerprint(path: Path, why: str) -> InputError:
    return InputError(
        f"{path} is no fingerprint of a dataset: {why}",
        "write one with: repro data fingerprint --format json > FILE",
    )
