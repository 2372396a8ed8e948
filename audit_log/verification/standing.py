"""Which commitments the lines of a log still hold, if some were pruned after they were read.

An opening must be there as long as a line is that it opens something of. Pruning takes both, the
opening first, and a verifier looks for openings when it has long read the lines.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from repro.audit_log.errors import LogUnusableError
from repro.audit_log.storage.segments import Part

from .erasures import Erasures
from .later import Later
from .reading import Text
from .removals import Removals
from .survey import Reading
from .trust import Case


def still_held(
    case: Case,
    reading: Reading,
    removals: Removals,
    later: Callable[[], Later],
    wanted: Collection[str],
) -> Collection[str]:
    """Return those of ``wanted`` that a line holds which was read, and is still there.

    All of them if no lines went since they were read, as in a log at rest, or if any went without
    an erasure that ``later`` covers. `OSError` and `LogCorruptError` pass.
    """
    before = reading.text
    if before is None:
        return wanted
    try:
        now = Text(case.directory, None if before.is_locked else 0.0)
    except LogUnusableError:
        return wanted
    had_lines = {part.first for part in before.parts if part.pruned is None}
    went = [
        (number, part.pruned)
        for number, part in enumerate(now.parts)
        if part.pruned is not None and part.first in had_lines
    ]
    # Who prunes has it signed first: the checkpoint as it is after this look covers all of these.
    covered = later() if went else None
    if covered is None or not all(removals.let_go(*each, covered) for each in went):
        return wanted
    seen = Erasures(case.directory)
    for part in now.parts:
        for seq, line in _lines(part, reading):
            seen.see_lines(seq, (line,))
    return seen.held() & set(wanted)


def _lines(part: Part, reading: Reading) -> Iterable[tuple[int, bytes]]:
    """Yield the lines of ``part`` that are there, none of a record that was not read."""
    if part.pruned is not None:
        yield from (found for found in part.pruned.sorted() if found[0] < reading.walk.size)
        return
    for seq, (line, whole) in enumerate(part.pieces(), part.first):
        if not whole or seq >= reading.walk.size:
            break
        yield seq, line
