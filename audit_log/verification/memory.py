"""What a verifier remembers of a log: where it stopped, and all that the rest depends on.

It is the verifier's own file: one canonical JSON object (RFC 8785), beside it the file of `index`.
It never lies in the directory of a log, whose owner could then write it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from repro.audit_log.disk.sync import read_small, replace
from repro.audit_log.errors import CanonicalError, LogUnusableError
from repro.audit_log.formats.canonical import canonical, parse
from repro.audit_log.formats.record import MAX_LINE, line_hash
from repro.audit_log.formats.tree import Frontier
from repro.audit_log.storage.layout import LINES

from .index import Parts
from .observer import Observer
from .reading import Text
from .walk import Walk

FORMAT: Final = "repro-audit v1 verified"
MAX_STATE: Final = 1 << 26


@dataclass(frozen=True, slots=True)
class Memory:
    """A log as far as it was verified: up to a checkpoint that its key had signed."""

    origin: str
    vkeys: tuple[str, ...]
    """The keys that its first record names."""
    size: int
    offset: int
    """Bytes in these records."""
    head: str
    time: str
    backwards: int
    nodes: tuple[bytes, ...]
    """The edge of the tree."""
    plans: Mapping[str, int]
    """Runs that were planned and not ended."""
    observers: Mapping[str, object]
    """The state of each judge, by the name of its class."""
    parts: Parts
    quickly: bool
    """Whether any of the lines was verified on the quick way only."""
    gone: int
    """How many of the records were pruned, and their lines not kept."""

    @property
    def root(self) -> bytes:
        """The root over the records."""
        return Frontier(self.size, self.nodes).root()

    def walk(self, sizes: frozenset[int], observers: Sequence[Observer]) -> Walk:
        """Return a walk that goes on from here; raise `ValueError` if a judge cannot."""
        walk = Walk(sizes, observers)
        for judge in observers:
            judge.resume(self.observers[type(judge).__name__])
        walk.frontier = Frontier(self.size, self.nodes)
        walk.origin, walk.vkeys, walk.head = self.origin, self.vkeys, self.head
        walk.time, walk.backwards = self.time, self.backwards
        walk.plans.open.update(self.plans)
        walk.quickly, walk.gone = self.quickly, self.gone
        return walk

    def is_of(self, text: Text) -> bool:
        """Return whether all lines are still there that were, and the last still ends there."""
        return self.gone == _gone_before(text, self.size) and self._is_at(text)

    def _is_at(self, text: Text) -> bool:
        start = max(0, self.offset - MAX_LINE - 2)
        window = text.read(start, self.offset - start) if self.offset <= text.end else b""
        if len(window) != self.offset - start or not window.endswith(b"\n"):
            return False
        return line_hash(window[window.rfind(b"\n", 0, -1) + 1 : -1]) == self.head


def memory_of(walk: Walk, offset: int) -> Memory | None:
    """Return what is to be remembered of a walk that has come to ``offset``; None without origin.

    Its parts are empty: whoever writes it adds the runs.
    """
    if walk.origin is None or not walk.size:
        return None
    return Memory(
        walk.origin,
        walk.vkeys,
        walk.size,
        offset,
        walk.head,
        walk.time,
        walk.backwards,
        walk.frontier.nodes,
        dict(walk.plans.open),
        {type(judge).__name__: judge.state() for judge in walk.observers},
        Parts(),
        walk.quickly,
        walk.gone,
    )


def _gone_before(text: Text, size: int) -> int:
    """Return how many of the first ``size`` records were pruned, and their lines not kept."""
    gone = 0
    for pruned in (part.pruned for part in text.parts if part.pruned is not None):
        stop = min(size, pruned.first + pruned.count)
        kept = sum(1 for seq in pruned.kept if seq < stop)
        gone += max(0, stop - pruned.first - kept)
    return gone


def require_outside(path: Path, directory: Path) -> None:
    """Raise `LogUnusableError` if ``path`` lies in the log's ``directory``, or in any log's."""
    place = path.absolute().parent.resolve()
    inside = [place, *place.parents]
    if directory.resolve() in inside or any((above / LINES).exists() for above in inside):
        raise LogUnusableError(
            f"{path} lies in the directory of a log",
            "what a verifier remembers is its own: keep it where the log's owner cannot write",
        )


def read_memory(path: Path) -> Memory | None:
    """Return what was remembered at ``path``, None if there is nothing; raise if it is damaged."""
    try:
        data = read_small(path, MAX_STATE + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LogUnusableError(f"cannot read {path}: {error.strerror or error}") from error
    try:
        if len(data) > MAX_STATE:
            raise ValueError(f"longer than {MAX_STATE} bytes")
        return _parse(data)
    except (CanonicalError, ValueError) as error:
        raise LogUnusableError(
            f"{path} is not what a verification has left: {error}",
            "without it, everything is read again, and nothing is known of earlier checkpoints",
        ) from None


def write_memory(path: Path, memory: Memory) -> None:
    """Put ``memory`` at ``path``, whole or not at all, durably; `OSError` passes."""
    value = {
        "backwards": memory.backwards,
        "format": FORMAT,
        "gone": memory.gone,
        "head": memory.head,
        "nodes": [node.hex() for node in memory.nodes],
        "observers": memory.observers,
        "offset": memory.offset,
        "origin": memory.origin,
        "plans": memory.plans,
        "quickly": memory.quickly,
        "runs": {"counts": memory.parts.counts, "generation": memory.parts.generation},
        "size": memory.size,
        "time": memory.time,
        "vkeys": memory.vkeys,
    }
    if path.is_symlink() or (os.path.lexists(path) and not path.is_file()):
        raise LogUnusableError(f"not a regular file: {path}")
    replace(path, canonical(value))


def _parse(data: bytes) -> Memory:
    match parse(data):
        case {
            "backwards": int(backwards),
            "format": str(format_),
            "gone": int(gone),
            "head": str(head),
            "nodes": list(nodes),
            "observers": dict(observers),
            "offset": int(offset),
            "origin": str(origin),
            "plans": dict(plans),
            "quickly": bool(quickly),
            "runs": {"counts": list(counts), "generation": int(generation)},
            "size": int(size),
            "time": str(time),
            "vkeys": list(vkeys),
            **rest,
        } if format_ == FORMAT and not rest:
            hashes = tuple(bytes.fromhex(str(node)) for node in nodes)
            Frontier(size, hashes)  # raises unless they are the edge of a tree of this size
            _require_numbers(size, offset, backwards, gone, generation, *counts, *plans.values())
            parts = Parts(generation, tuple(counts))
            keys = tuple(str(vkey) for vkey in vkeys)
            return Memory(
                origin,
                keys,
                size,
                offset,
                head,
                time,
                backwards,
                hashes,
                plans,
                observers,
                parts,
                quickly,
                gone,
            )
    raise ValueError("members are missing or unknown")


def _require_numbers(*values: object) -> None:
    if any(type(value) is not int or value < 0 for value in values):
        raise ValueError("a number that is none, or below 0")
