"""Where a log ends: what one must know to append to it and to sign it.

A `Tail` grows line by line. Lines below the last checkpoint are only chained and hashed, because
the root over them is compared with the signed one; lines beyond it are decoded strictly.

The place of the last checkpoint is kept as derived state, so that opening a long log reads only
what came after. The state is believed only if its tree has the checkpoint's root, and the line
that ends at its offset is the last leaf of that tree; it can be deleted at any time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from repro.audit_log.disk.sync import read_small
from repro.audit_log.errors import CanonicalError, LogCorruptError, RecordError
from repro.audit_log.formats.canonical import canonical, parse
from repro.audit_log.formats.checkpoint import Checkpoint
from repro.audit_log.formats.record import FIRST_PREV, MAX_LINE, decode, line_hash
from repro.audit_log.formats.tree import Frontier, leaf_hash, node_hash

from .layout import STATE
from .pruned import Pruned
from .segments import Text

_PREV = b',"prev":"'


@dataclass(slots=True)
class Tail:
    """The end of a log, owned by one holder: how much there is, and what the next line needs."""

    offset: int
    """Bytes in the lines so far, newlines included."""
    head: str
    """Hash of the last line; zeros before the first."""
    frontier: Frontier
    base: Frontier
    """The tree at the last checkpoint that was compared with the lines."""
    leaves: list[bytes]
    """Leaf hashes beyond ``base``."""

    @property
    def size(self) -> int:
        """How many records there are."""
        return self.frontier.size

    def extend(self, line: bytes, *, committed: bool = False) -> None:
        """Add the next line; raise `LogCorruptError` naming the record if it is not the next."""
        seq = self.size
        prev = prev_of(line) if committed else _strict_prev(line, seq)
        if prev != self.head:
            raise LogCorruptError(f"record {seq} does not continue the record before it")
        self.push(line, line_hash(line), committed=committed)

    def follow(self, line: bytes) -> None:
        """Add a line that another writer has just appended, looked at without decoding it.

        It must say that it comes next. The rest of it is judged before it is signed: with many
        writers each would otherwise decode what all others write, while it holds the lock.
        """
        seq = self.size
        place = line.rfind(_PREV)
        rest = line[place + len(_PREV) :]
        if place < 0 or not rest.startswith(f'{self.head}","seq":{seq},"time":"'.encode()):
            self.extend(line)  # says what is wrong with it
            return
        self.push(line, line_hash(line))

    def push(self, line: bytes, digest: str, *, committed: bool = False) -> None:
        """Add the next line, known to be it, whose hash is ``digest``."""
        leaf = leaf_hash(line)
        self.frontier.append(leaf)
        if committed:
            self.base.append(leaf)
        else:
            self.leaves.append(leaf)
        self.head = digest
        self.offset += len(line) + 1

    def pass_over(self, pruned: Pruned) -> None:
        """Add a segment that a checkpoint covers and whose lines are gone."""
        for leaf in pruned.leaves():
            self.frontier.append(leaf)
            self.base.append(leaf)
        self.head = pruned.last
        self.offset += pruned.size

    def root_at(self, size: int) -> bytes | None:
        """Return the root over the first ``size`` records; None if that is before the base."""
        if not self.base.size <= size <= self.size:
            return None
        frontier = self.base.copy()
        for leaf in self.leaves[: size - self.base.size]:
            frontier.append(leaf)
        return frontier.root()

    def snapshot(self) -> Tail:
        """Return an independent copy."""
        return Tail(
            self.offset, self.head, self.frontier.copy(), self.base.copy(), self.leaves.copy()
        )

    def rebase(self, size: int) -> None:
        """Forget the leaves below ``size``: a checkpoint covers them."""
        if size > self.base.size:
            count = size - self.base.size
            for leaf in self.leaves[:count]:
                self.base.append(leaf)
            del self.leaves[:count]


def prev_of(line: bytes) -> str:
    """Return the envelope's ``prev``, found without parsing: nothing after it has free keys."""
    place = line.rfind(_PREV) + len(_PREV)
    return line[place : place + 64].decode("ascii", "replace")


def empty() -> Tail:
    """Return the tail of a log without lines."""
    return Tail(0, FIRST_PREV, Frontier(), Frontier(), [])


def load(directory: Path, text: Text, checkpoint: Checkpoint) -> Tail:
    """Return the tail of the log just at ``checkpoint``; raise if the lines do not have its root.

    From the derived state if it can be believed, else by walking the lines from the start.
    """
    tail = _from_state(directory, text, checkpoint)
    if tail is not None:
        return tail
    tail = empty()
    for part in text.parts:
        if tail.size + (part.pruned.count if part.pruned else 1) > checkpoint.size:
            break
        if part.pruned is not None:
            tail.pass_over(part.pruned)
        for line, whole in part.pieces():
            if not whole:
                break
            tail.extend(line, committed=True)
            if tail.size == checkpoint.size:
                break
    if tail.size < checkpoint.size:
        raise LogCorruptError(
            f"the log is shorter than its own checkpoint: {tail.size} of {checkpoint.size} records"
        )
    if tail.frontier.root() != checkpoint.root:
        raise LogCorruptError(
            f"the first {checkpoint.size} records are not those that the checkpoint was signed over"
        )
    return tail


def root_from_lines(directory: Path, size: int) -> bytes | None:
    """Return the root over the first ``size`` records of a log; None if it holds fewer."""
    frontier = Frontier()
    if size:
        for leaf in _leaves(Text.open(directory)):
            frontier.append(leaf)
            if frontier.size == size:
                break
    return frontier.root() if frontier.size == size else None


def _leaves(text: Text) -> Iterator[bytes]:
    for part in text.parts:
        if part.pruned is not None:
            yield from part.pruned.leaves()
        for line, whole in part.pieces():
            if whole:
                yield leaf_hash(line)


def format_state(tail: Tail) -> bytes | None:
    """Return the derived state of ``tail``, which must end at a checkpoint.

    None if nothing is beyond its base: then what leads from the last leaf to the tree is not known.
    """
    if not tail.leaves:
        return None
    before = tail.base.copy()
    for leaf in tail.leaves[:-1]:
        before.append(leaf)
    joined = _full_trees_at_the_end(before.size)
    value = {
        "head": tail.head,
        "nodes": [node.hex() for node in tail.frontier.nodes],
        "offset": tail.offset,
        "path": [node.hex() for node in before.nodes[len(before.nodes) - joined :]],
        "size": tail.size,
        "version": 2,
    }
    return canonical(value)


def _full_trees_at_the_end(size: int) -> int:
    """Return how many subtrees the next leaf is joined with: the ones at the end of ``size``."""
    return (size ^ (size + 1)).bit_length() - 1


def _from_state(directory: Path, text: Text, checkpoint: Checkpoint) -> Tail | None:
    try:
        value = parse(read_small(directory / STATE, MAX_LINE))
        match value:
            case {"nodes": list(nodes), "offset": int(offset), "path": list(path), "size": int(n)}:
                frontier = Frontier(n, [bytes.fromhex(str(node)) for node in nodes])
                siblings = [bytes.fromhex(str(node)) for node in path]
            case _:
                return None
        if frontier.size != checkpoint.size or frontier.root() != checkpoint.root:
            return None
        line = _line_that_ends_at(text, offset) if offset > 0 else None
    except (OSError, CanonicalError, ValueError, OverflowError):
        return None
    if line is None or n < 1 or len(siblings) != _full_trees_at_the_end(n - 1):
        return None
    node = leaf_hash(line)
    for sibling in reversed(siblings):
        node = node_hash(sibling, node)
    # The root is signed; so the last of its subtrees is, and with it the line itself.
    if node != frontier.nodes[-1]:
        return None
    return Tail(offset, line_hash(line), frontier, frontier.copy(), [])


def last_line_hash(text: Text, offset: int) -> str | None:
    """Return the hash of the line that ends at ``offset``; None if none does."""
    line = _line_that_ends_at(text, offset)
    return None if line is None else line_hash(line)


def _line_that_ends_at(text: Text, offset: int) -> bytes | None:
    part = next((part for part in text.parts if part.start < offset <= part.end), None)
    if part is None:
        return None
    if part.pruned is not None:
        seal = part.pruned.kept.get(part.first + part.pruned.count - 1)
        return seal if offset == part.end else None
    start = max(part.start, offset - MAX_LINE - 2)
    window = text.read(offset - start, start)
    if len(window) != offset - start or not window.endswith(b"\n"):
        return None
    return window[window.rfind(b"\n", 0, -1) + 1 : -1]


def _strict_prev(line: bytes, seq: int) -> str:
    try:
        record = decode(line)
    except RecordError as error:
        raise LogCorruptError(f"record {seq} is not a record: {error}") from None
    if record.seq != seq:
        raise LogCorruptError(f"record {seq} says that it is record {record.seq}")
    return record.prev
