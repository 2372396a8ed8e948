"""The tree over the lines, kept: proofs without hashing the log again.

    derived/tree/0, 1, 2, …    level B: the hashes of the full subtrees of 2^B leaves, 32 bytes each
    derived/tree/places        where every 256th record begins: byte offsets, 8 bytes each

Every level, not only each eighth: a path is then one short read for each hash, where 255 hashes a
tile would have to be computed, and that for 64 bytes a record instead of 32. Tile n of level L of
C2SP tlog-tiles is bytes 8192 n to 8192 (n+1) of file 8 L.

All of it is derived: it can be deleted, and a record costs its hashes once. Nothing is believed:
what `prove` and `prove_consistency` hand out leads to the root of a signed checkpoint, or the files
are made anew, and if the lines do not lead there either, `LogCorruptError` says so.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from repro.audit_log.disk.locks import exclusive
from repro.audit_log.errors import LogCorruptError
from repro.audit_log.formats.checkpoint import Checkpoint
from repro.audit_log.formats.tiled import WIDTH
from repro.audit_log.formats.tree import (
    EMPTY_ROOT,
    HASH_SIZE,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)

from .layout import TREE, Descriptor
from .segments import Text

_PLACES: Final = "places"
_PLACE: Final = 8
_BATCH: Final = 1 << 16
"""Records that are hashed before their hashes are written."""
_OPEN: Final = os.O_RDWR | os.O_CREAT


class _TooShortError(LogCorruptError):
    """A derived file ends before what is asked of it."""


class Tiles:
    """The derived tree of one log. One holder; several processes may have one each."""

    def __init__(self, directory: Path, folder: Path | None = None) -> None:
        """Use the tree of the log in ``directory``, which `catch_up` makes if there is none.

        It lies in ``folder`` if that is given: a log on a disk that cannot be written has one too.
        """
        self._directory = directory
        self._folder = folder or directory / TREE
        self._files: dict[str, Descriptor] = {}
        self._text: Text | None = None

    def catch_up(self, text: Text, size: int) -> None:
        """Know the first ``size`` records of ``text``: only the new ones are read.

        `LogCorruptError` if it holds fewer.
        """
        self._text = text
        if self._ready() >= size:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        with exclusive(self._folder / "lock"):
            self._grow(text, size)

    def believe(self, checkpoint: Checkpoint) -> None:
        """Make sure that the tree has the root of a signed ``checkpoint``; after `catch_up`.

        The files are made anew once if it has not; `LogCorruptError` if that does not help.
        """
        if self._is(checkpoint):
            return
        self.rebuild(checkpoint.size)
        if not self._is(checkpoint):
            raise LogCorruptError(
                f"the first {checkpoint.size} records are not those that were signed"
            )

    def rebuild(self, size: int) -> None:
        """Throw the files away and make them from the lines."""
        with exclusive(self._folder / "lock"):
            self._files.clear()
            for path in sorted(self._folder.iterdir()):
                if path.name == _PLACES or path.name.isdecimal():  # no other file is ours
                    # Emptied, not removed: another may have it open. Never through a link: what
                    # lies behind one may be anybody's.
                    file = Descriptor(path, os.O_RDWR)
                    os.ftruncate(file.number, 0)
            self._grow(self._lines(), size)

    def root(self, size: int) -> bytes:
        """Return the root over the first ``size`` records (RFC 6962 §2.1)."""
        return self._hash(0, size) if size else EMPTY_ROOT

    def inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return the path from leaf ``index`` to the root over ``size`` (RFC 6962 §2.1.1)."""
        if not 0 <= index < size:
            raise AssertionError(f"no leaf {index} among {size}")
        path: list[bytes] = []
        low, high = 0, size
        while high - low > 1:
            middle = low + _split(high - low)
            if index < middle:
                path.append(self._hash(middle, high))
                high = middle
            else:
                path.append(self._hash(low, middle))
                low = middle
        return tuple(reversed(path))

    def consistency(self, old: int, size: int) -> tuple[bytes, ...]:
        """Return the proof that the first ``old`` of ``size`` are a prefix (RFC 6962 §2.1.2)."""
        if not 0 <= old <= size:
            raise AssertionError(f"no tree of {old} among {size} leaves")
        if old in (0, size):
            return ()
        path: list[bytes] = []
        low, high, whole = 0, size, True
        while high != old:
            middle = low + _split(high - low)
            if old <= middle:
                path.append(self._hash(middle, high))
                high = middle
            else:
                path.append(self._hash(low, middle))
                low, whole = middle, False
        if not whole:
            path.append(self._hash(low, high))
        return tuple(reversed(path))

    def prove(self, index: int, checkpoint: Checkpoint) -> tuple[bytes, ...]:
        """Return `inclusion` under a signed ``checkpoint``, checked; after `catch_up`.

        `LogCorruptError` if the lines do not lead to its root.
        """

        def make() -> tuple[bytes, ...]:
            return self.inclusion(index, checkpoint.size)

        def is_good(path: tuple[bytes, ...]) -> bool:
            leaf = self.leaf(index)
            return verify_inclusion(leaf, index, checkpoint.size, path, checkpoint.root)

        return self._checked(make, is_good, checkpoint)

    def prove_consistency(self, old: Checkpoint, new: Checkpoint) -> tuple[bytes, ...]:
        """Return `consistency` of two signed checkpoints, checked; after `catch_up`.

        `LogCorruptError` if the lines do not lead to both roots.
        """

        def make() -> tuple[bytes, ...]:
            return self.consistency(old.size, new.size)

        def is_good(path: tuple[bytes, ...]) -> bool:
            return verify_consistency(old.size, old.root, new.size, new.root, path)

        return self._checked(make, is_good, new)

    def leaf(self, index: int) -> bytes:
        """Return the hash of leaf ``index``."""
        return self._read("0", index, 1)

    def tile(self, level: int, index: int, width: int = WIDTH) -> bytes:
        """Return tile ``index`` of ``level``: ``width`` hashes of 32 bytes (C2SP tlog-tiles)."""
        return self._read(str(8 * level), index * WIDTH, width)

    def place(self, index: int) -> int:
        """Return the offset in the text at which record 256 ``index`` begins; after `catch_up`.

        It says nothing where that record was pruned.
        """
        return int.from_bytes(self._read(_PLACES, index, 1, _PLACE))

    def line_at(self, seq: int) -> bytes:
        """Return the line of record ``seq``, checked against its leaf.

        `LogCorruptError` if it is not there; a pruned line is said to be that.
        """
        text, size = self._lines(), self._count("0")
        for _ in range(2):
            with suppress(_TooShortError):
                line = self._line(text, seq)
                if line is not None and leaf_hash(line) == self.leaf(seq):
                    return line
            self.rebuild(size)
        raise LogCorruptError(f"record {seq} is not where it was")

    def _line(self, text: Text, seq: int) -> bytes | None:
        part = next(part for part in reversed(text.parts) if part.first <= seq)
        if part.pruned is not None:
            kept = part.pruned.kept.get(seq)
            if kept is None:
                raise LogCorruptError(f"record {seq} was pruned: only its leaf hash is kept")
            return kept
        number = max(part.first, seq - seq % WIDTH)
        start = part.start
        if number > part.first:
            start = self.place(seq // WIDTH)
        for line, whole in part.pieces(start):
            if number == seq:
                return line if whole else None
            number += 1
        return None

    def _checked(
        self,
        make: Callable[[], tuple[bytes, ...]],
        is_good: Callable[[tuple[bytes, ...]], bool],
        checkpoint: Checkpoint,
    ) -> tuple[bytes, ...]:
        with suppress(_TooShortError):  # made anew like one that is wrong
            path = make()
            if is_good(path):
                return path
        self.rebuild(checkpoint.size)
        path = make()
        if not is_good(path):
            raise LogCorruptError(
                f"the first {checkpoint.size} records are not those that were signed"
            )
        return path

    def _is(self, checkpoint: Checkpoint) -> bool:
        try:
            return self.root(checkpoint.size) == checkpoint.root
        except _TooShortError:
            return False

    def _lines(self) -> Text:
        if self._text is None:
            self._text = Text.open(self._directory)
        return self._text

    def _hash(self, low: int, high: int) -> bytes:
        """Return the root over the leaves from ``low`` to ``high``, a subtree of RFC 6962."""
        count = high - low
        if count & (count - 1):
            middle = low + _split(count)
            return node_hash(self._hash(low, middle), self._hash(middle, high))
        level = count.bit_length() - 1
        return self._read(str(level), low >> level, 1)

    def _grow(self, text: Text, size: int) -> None:
        """Add what is missing up to ``size``, from the last record whose place is known."""
        have = self._ready() // WIDTH * WIDTH
        if have == 0:
            self._write(_PLACES, 0, bytes(_PLACE))
        place = int.from_bytes(self._read(_PLACES, have // WIDTH, 1, _PLACE))
        leaves, places, done = bytearray(), bytearray(), have
        for number, (leaf, end) in enumerate(_from(text, have, place), have + 1):
            leaves += leaf
            if number % WIDTH == 0:
                places += end.to_bytes(_PLACE)
            if number % _BATCH == 0 or number == size:
                self._write(_PLACES, (done // WIDTH + 1) * _PLACE, bytes(places))
                self._write("0", done * HASH_SIZE, bytes(leaves))
                self._pair_up(done, number)
                leaves, places, done = bytearray(), bytearray(), number
                if number == size:
                    return
        raise LogCorruptError(f"the log holds {done + len(leaves) // HASH_SIZE} of {size} records")

    def _pair_up(self, old: int, new: int) -> None:
        """Make the levels above the leaves from ``old`` to ``new``."""
        level = 1
        while new >> level:
            first, last = old >> level, new >> level
            below = self._read(str(level - 1), 2 * first, 2 * (last - first))
            nodes = b"".join(
                sha256(b"\x01" + below[start : start + 2 * HASH_SIZE]).digest()
                for start in range(0, len(below), 2 * HASH_SIZE)
            )
            self._write(str(level), first * HASH_SIZE, nodes)
            level += 1

    def _ready(self) -> int:
        """Return how many records all files know of; whoever died left some shorter."""
        ready, level = self._count("0"), 1
        ready = min(ready, max(0, self._count(_PLACES, _PLACE) * WIDTH - 1))
        while ready >> level:
            ready = min(ready, (self._count(str(level)) << level) + (1 << level) - 1)
            level += 1
        return ready

    def _file(self, name: str) -> Descriptor:
        file = self._files.get(name)
        if file is None:
            file = self._files[name] = Descriptor(self._folder / name, _OPEN)
        return file

    def _count(self, name: str, width: int = HASH_SIZE) -> int:
        try:
            return os.fstat(self._file(name).number).st_size // width
        except FileNotFoundError:  # the folder is not there
            return 0

    def _read(self, name: str, index: int, count: int, width: int = HASH_SIZE) -> bytes:
        data = os.pread(self._file(name).number, count * width, index * width)
        if len(data) != count * width:
            raise _TooShortError(f"{TREE}/{name} is shorter than it should be")
        return data

    def _write(self, name: str, offset: int, data: bytes) -> None:
        number = self._file(name).number
        while data:
            count = os.pwrite(number, data, offset)
            offset, data = offset + count, data[count:]


def _from(text: Text, first: int, place: int) -> Iterator[tuple[bytes, int]]:
    """Yield the leaf hash of each record from ``first``, which begins at ``place``, and its end."""
    for part, after in zip(text.parts, [*text.parts[1:], None], strict=True):
        if after is not None and after.first <= first:
            continue
        if part.pruned is not None:
            for seq, leaf in enumerate(part.pruned.leaves(), part.first):
                if seq >= first:
                    yield leaf, part.end
            continue
        end = place if first > part.first else part.start
        for line, whole in part.pieces(end):
            if not whole:
                return
            end += len(line) + 1
            yield leaf_hash(line), end


def _split(size: int) -> int:
    """Return the largest power of two below ``size``."""
    return 1 << ((size - 1).bit_length() - 1)
