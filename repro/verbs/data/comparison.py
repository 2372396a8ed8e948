"""``repro data diff``: whether two datasets are the same values, and what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from repro.config.documents.workspace import find_root
from repro.config.resolution.resolve import Selection
from repro.errors import IntegrityError
from repro.pipeline.locate import Difference
from repro.pipeline.locate import differences as locate
from repro.runs import differences, layout
from repro.runs.finding import find
from repro.verbs.audit.log import require_as_logged
from repro.verbs.data.fingerprint import Fingerprint, of_dataset, of_run, read
from repro.verbs.data.look import look_at
from repro.verbs.observer import Observer

TODAY = "today"
MEANING: Mapping[str, str] = {
    "same": "the same values, from the same files",
    "same values": "the same values, from other files",
    "different": "other values",
}
Change = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Something of which the two sides have different facts; None where a side lacks it."""

    name: str
    old: Any
    """What the first side has of it."""
    new: Any
    """What the second side has of it."""

    @property
    def change(self) -> Change:
        """Return what became of it, from the first side to the second."""
        if self.old is None:
            return "added"
        return "removed" if self.new is None else "changed"


@dataclass(frozen=True, slots=True)
class DataComparison:
    """The answer, verdict first."""

    a: Fingerprint
    b: Fingerprint
    verdict: str
    cells: tuple[Difference, ...]
    """Which symbol, column and dates differ."""
    files: tuple[Pair, ...]
    """The digest of each file whose bytes differ."""
    symbols: tuple[Pair, ...]
    """Rows and extent of each symbol in which they differ."""
    columns: tuple[Pair, ...]
    """The summary of each column, over all symbols, in which it differs."""

    @property
    def exit_status(self) -> int:
        """Return 0 for the same values, 1 for others."""
        return 1 if self.verdict == "different" else 0


def compare_data(
    start: Path, a: str, b: str, selection: Selection, observer: Observer
) -> DataComparison:
    """Return how two datasets compare, each named as ``fingerprint_of`` says."""
    return compare(*(fingerprint_of(start, name, selection, observer) for name in (a, b)))


def fingerprint_of(
    start: Path, reference: str, selection: Selection, observer: Observer
) -> Fingerprint:
    """Return the fingerprint that a reference names.

    ``today``: the dataset of a selection as it lies now. A file, or a name that ends in ``.json``:
    a saved fingerprint. Anything else names a run, which must be what the log says was sealed.
    """
    if reference == TODAY:
        return of_dataset(TODAY, look_at(start, selection, "fingerprint", observer))
    path = Path(reference)
    if path.name != layout.SNAPSHOT and (path.is_file() or reference.endswith(".json")):
        return read(path)
    root = find_root(start.resolve())
    run = find(root, reference)
    require_as_logged(root, run)
    return of_run(run)


def compare(a: Fingerprint, b: Fingerprint) -> DataComparison:
    """Return how two fingerprints compare.

    Raises IntegrityError if the roots say that nothing differs and the locators that something
    does, or the reverse: then one of the two is not what was written.
    """
    cells = tuple(locate(a.locators, b.locators))
    if None not in (a.root, b.root) and (a.root == b.root) == bool(cells):
        raise IntegrityError(
            f"the fingerprints of {a.name} and {b.name} contradict each other: their roots "
            f"{'are the same' if a.root == b.root else 'differ'}, their parts do not agree with it"
        )
    files = tuple(
        Pair(cause.subject.removeprefix("file "), cause.old, cause.new)
        for cause in differences.files({"files": a.files}, {"files": b.files})
    )
    return DataComparison(
        a,
        b,
        "different" if cells else "same values" if files else "same",
        cells,
        files,
        tuple(_pairs(a.summary["symbols"], b.summary["symbols"])),
        tuple(_pairs(a.summary["columns"], b.summary["columns"])),
    )


def _pairs(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Pair]:
    """Yield each name of which the two sides have different facts."""
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield Pair(name, old.get(name), new.get(name))
