"""Over all lines of a log once: quickly where a checkpoint covers them, strictly beyond.

The quick way only ever says that everything agrees. Whenever it does not, the walk starts over from
record 0, strictly, so that what is reported of a bad log is the same whichever way was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from repro.audit_log.formats.checkpoint import Checkpoint
from repro.audit_log.formats.tree import leaf_hash

from .faults import Fault
from .memory import Memory, memory_of
from .observer import Observer
from .reading import Text, blocks
from .swift import pass_lines
from .walk import Walk


@dataclass(slots=True)
class Reading:
    """The lines of a log, and the walk over them; good as far as it came if reading failed."""

    sizes: frozenset[int]
    """Sizes of the tree at which some checkpoint wants the root."""
    judges: Sequence[Observer]
    walk: Walk = field(init=False)
    text: Text | None = None
    cut: bool = False
    """Whether the last line is incomplete."""
    start: int = 0
    """Records that were not read, because an earlier verification did."""
    gone: int = 0
    """How many of these were pruned."""
    quickly_before: bool = False
    """Whether an earlier verification read any of these only quickly."""
    whole: int = 0
    """Where the last whole line ends."""
    memory: Memory | None = None
    """What was known where the last committed record ends."""

    def __post_init__(self) -> None:
        """Begin at record 0."""
        self.walk = Walk(self.sizes, self.judges)

    def read(
        self, directory: Path, signed: Checkpoint | None, memory: Memory | None, *, full: bool
    ) -> None:
        """Walk over all lines; ``signed`` is the log's own checkpoint. `OSError` passes.

        With ``full`` every line is decoded strictly. Without it, the lines that ``signed`` covers
        are not, and the walk goes on from ``memory`` if the log is still what it was there.
        """
        before = [judge.state() for judge in self.judges]
        self.text = Text(directory)
        sound = not self.text.problems
        if sound and signed is not None and not full and self._agrees(self.text, signed, memory):
            return
        for judge, state in zip(self.judges, before, strict=True):
            judge.resume(state)
        self.walk, self.start, self.memory = Walk(self.sizes, self.judges), 0, None
        self.gone = 0
        for problem in self.text.problems:
            self.walk.fault(Fault(None, "chain", problem))
        self._pass(self.text, 0, signed, quickly=False)

    def warnings(self) -> Iterator[str]:
        """Yield what is odd about how the lines lie there, and hurts nobody."""
        if self.text is None:
            return
        if not self.text.is_locked:
            rest = ", and its last line half written" if self.cut else ""
            yield f"somebody holds the log's lock: what was read may be a moment old{rest}"
        odd = self.text.oddities
        if odd:
            yield odd[0] + (f" (and {len(odd) - 1} more)" if len(odd) > 1 else "")

    def leaves(self) -> Iterator[bytes]:
        """Yield the leaf hash of every whole line, from record 0 on."""
        for part in self.text.parts if self.text is not None else ():
            if part.pruned is not None:
                yield from part.pruned.leaves()
                continue
            for block, whole in blocks(self.text, part.start, part.end) if self.text else ():
                if whole:
                    yield from map(leaf_hash, block.split(b"\n")[:-1])

    def _agrees(self, text: Text, signed: Checkpoint, memory: Memory | None) -> bool:
        """Return whether the quick way finds nothing to doubt."""
        offset = 0
        if memory is not None:
            # What a judge remembers of lines that went since is not so any more.
            if signed.origin != memory.origin or not memory.is_of(text):
                return False
            try:
                self.walk = memory.walk(self.sizes, self.judges)
            except (KeyError, ValueError):  # other judges than last time must see everything
                return False
            self.start, self.gone, offset = memory.size, self.walk.gone, memory.offset
            self.quickly_before = memory.quickly
        return self._pass(text, offset, signed, quickly=True)

    def _pass(self, text: Text, offset: int, signed: Checkpoint | None, *, quickly: bool) -> bool:
        """Move the walk over ``text`` from byte ``offset`` on; return whether all agreed.

        Quickly, it stops where it is in doubt; otherwise the faults say what does not agree.
        """
        walk, committed = self.walk, signed.size if signed is not None else 0
        walk.start()
        self._remember(offset, committed)
        self.cut, self.whole = False, text.end
        for part in text.parts:
            if part.end <= offset and part.size:
                continue
            if part.pruned is not None:
                walk.pass_over(part.pruned.leaves(), part.pruned.kept)
                offset = part.end
                self._remember(offset, committed)
            elif not self._pass_part(text, offset, part.end, committed, quickly=quickly):
                return False
            offset = part.end
        if signed is None or walk.size < committed:
            return False
        return walk.roots.get(committed) == signed.root and not walk.doubted

    def _pass_part(
        self, text: Text, offset: int, end: int, committed: int, *, quickly: bool
    ) -> bool:
        """Move the walk over the lines from byte ``offset`` to ``end``; False if in doubt."""
        walk = self.walk
        for block, whole in blocks(text, offset, end):
            if not whole:
                self.cut, self.whole = True, end - len(block)
                break
            lines = block.split(b"\n")
            lines.pop()
            quick = min(len(lines), max(0, committed - walk.size)) if quickly else 0
            if quick:
                covered = lines[:quick]
                walk.quickly = True
                if not pass_lines(walk, covered):
                    return False
                offset += sum(map(len, covered)) + quick
                self._remember(offset, committed)
            for line in lines[quick:]:
                walk.feed(line)
                offset += len(line) + 1
                self._remember(offset, committed)
        return True

    def _remember(self, offset: int, committed: int) -> None:
        if self.walk.size == committed:
            self.memory = memory_of(self.walk, offset)
