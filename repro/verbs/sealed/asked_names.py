"""Names in a filter that nobody knows: a slip of the finger must not look like an empty answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from repro.config.spelling.names import suggestion
from repro.errors import UsageError
from repro.runs.index import Index
from repro.verbs.workspace import offering

KNOWN: Mapping[str, Callable[[Path], list[str]]] = {
    "target": offering.targets,
    "family": lambda _: offering.families(),
    "view": lambda _: offering.allowed("routing_config", "routing", "view"),
    "level": lambda _: offering.allowed("reproducibility_config", "reproducibility", "level"),
    "experiment": offering.experiments,
    "symbol": lambda _: [],
}
"""What a run is filtered by, and the names of it that the workspace's documents have, run or not.

Symbols stand in the data, which a list does not read: one that no run has is refused."""


def require_known(root: Path, index: Index, asked: Mapping[str, str | None]) -> None:
    """Raise UsageError for a name that no run has and that is not the workspace's either.

    ``asked`` has the names that were asked for, by what they are names of.
    """
    for column, offered in KNOWN.items():
        name = asked.get(column)
        if name is None:
            continue
        had = index.texts(column)
        known = sorted({*had, *offered(root)})
        if name not in known:
            also = "" if column == "symbol" else ", and the workspace has none of that name"
            raise UsageError(
                f"no run has the {column} {name!r}{also}{suggestion(name, known)}",
                f"runs have: {', '.join(had)}" if had else f"no run has any {column}",
            )
