"""Whether an experiment's symbols are in the data, before anything of it is trained."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from repro.config.resolution.experiments import Experiment, symbol_problem
from repro.config.resolution.resolve import Selection
from repro.errors import Problem, ReproError
from repro.verbs.data.look import look_at
from repro.verbs.observer import Observer


def unknown_symbols(
    start: Path,
    experiment: Experiment,
    symbols: Iterable[str | None],
    selection: Selection,
    observer: Observer,
) -> list[Problem]:
    """Return a problem for each of the ``symbols`` that the data of a ``selection`` do not have.

    `repro validate` reads no data, and knows a dataset's symbols only where it lists them. Here a
    worker reads the data once more than training does, and only where symbols are named. If it
    cannot, nothing is said: the first training says why, and records it.
    """
    asked = {symbol for symbol in symbols if symbol is not None}
    said = experiment.said("symbols")
    if not asked or said is None:
        return []
    known = symbols_in(start, selection, observer)
    if known is None:
        return []
    return [
        symbol_problem(said[1], index, name, known)
        for index, name in enumerate(said[0])
        if name in asked and name not in known
    ]


def symbols_in(start: Path, selection: Selection, observer: Observer) -> Collection[str] | None:
    """Return the symbols of a dataset; None if it cannot be read: the first training says why."""
    try:
        facts = look_at(start, selection, "fingerprint", Observer(stage=observer.stage)).facts
    except ReproError:
        return None
    return dict(facts["columns"])
