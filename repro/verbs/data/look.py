"""The dataset as it lies now: digested here, parsed and digested again by a worker."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.config.resolution.resolve import Selection
from repro.execution.session import Look, Session
from repro.facts.data import DataFile
from repro.verbs.configuring.validate import configuration
from repro.verbs.observer import Observer
from repro.verbs.training.inputs import digest_inputs, require_same_files
from repro.verbs.training.wanted import wanted


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a worker told of the dataset, and the files that it was read from."""

    facts: Mapping[str, Any]
    """``dataset``, ``locators``, ``summary``, ``columns``, and ``description`` if asked for."""
    files: Sequence[DataFile]


@dataclass(frozen=True, slots=True)
class Description:
    """Sums of a dataset; of its values the extremes and quantiles, each as it stands."""

    root: str
    """The dataset's root."""
    rows: int
    """How many rows it has, without those that were left out."""
    first: str
    """The earliest time."""
    last: str
    """The latest time."""
    columns: Mapping[str, Any]
    """By column, over all symbols: ``count``, ``missing``, ``min``, ``max``, ``mean``, …"""
    symbols: Mapping[str, Any]
    """By symbol, the same for each of its columns."""
    dropped_symbols: Mapping[str, int]
    """Rows of each symbol that was left out, because it is too short."""
    dropped_duplicates: int
    """Rows that were left out, because another has their time and symbol."""


def describe(start: Path, selection: Selection, observer: Observer) -> Description:
    """Return sums of the dataset as it lies now, by symbol and column; raises as `look_at`."""
    facts = look_at(start, selection, "description", observer).facts
    dataset, summary = facts["dataset"], facts["summary"]
    return Description(
        **{name: dataset[name] for name in ("root", "rows", "first", "last")},
        **{name: facts["description"][name] for name in ("columns", "symbols")},
        **{name: summary[name] for name in ("dropped_symbols", "dropped_duplicates")},
    )


def look_at(start: Path, selection: Selection, look: Look, observer: Observer) -> Dataset:
    """Return what a configuration's dataset is now; nothing is trained and nothing recorded.

    Raises ProblemsError for a configuration that is not valid, InputError for data that cannot be
    used or that changed meanwhile, and what else a worker raises.
    """
    root, resolved, families = configuration(start, selection)
    for found in resolved.warnings:
        observer.warn(f"{found.place.file}:{found.place.line}: {found.message}")
    job = wanted(root, resolved, families).job
    observer.stage("reading the data")
    with tempfile.TemporaryDirectory(prefix="repro-") as scratch:
        with Session(job, Path(scratch), look=look) as session:
            files = digest_inputs(root, job)
            facts = session.tables()
        require_same_files(root, files, facts["files"])
    return Dataset(facts, files)
