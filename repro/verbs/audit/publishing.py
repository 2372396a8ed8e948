"""``repro audit publish``: the log as static files that any C2SP tlog-tiles client reads.

Tiles and entries go first, the checkpoint last: whoever reads it finds all that it covers. What is
there already is never written over by other bytes. Openings, keys and what is not committed stay.

Between the look at what is there and the last write nobody else publishes there, as far as the
place can keep them out. What was written is read back: whoever was not kept out is noticed then.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from repro.audit_log.disk.locks import exclusive
from repro.config.documents.workspace import MARKER
from repro.runs.layout import RESULTS
from repro.stores.store import Turn, open_store, require_outside
from repro.verbs.audit.continuing import standing
from repro.verbs.audit.log import DIRECTORY, open_log_to_sign
from repro.verbs.audit.placing import Placing
from repro.verbs.audit.published import keep, set_back
from repro.verbs.audit.reading import READ_ONLY, reading, require_log, signed_head
from repro.verbs.observer import Warn, unheard

LOCK: Final = "derived/publish.lock"
"""Two publishers of one log take turns; it may be deleted."""
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a publication is to do besides publishing what is new."""

    check: bool = False
    """Hold everything that is there against the log, and put back what is missing."""
    withdraw: bool = False
    """Take away the entries there of records that were pruned here."""
    evidence: Path | None = None
    """A folder for the proof, if what is there and what is here are a fork."""
    sign: bool = False
    """Commit what is durable first; that needs the private key."""
    take_over: bool = False
    """Publish although somebody who was killed elsewhere seems to publish there still."""


@dataclass(frozen=True, slots=True)
class Published:
    """What was published."""

    destination: str
    """The address."""
    origin: str
    size: int
    """Records that the published checkpoint covers."""
    before: int
    """Records that the checkpoint covered that was there before."""
    pending: int
    """Records that are durable here and in no checkpoint yet."""
    written: int
    """Files that were written, the checkpoint among them."""
    size_bytes: int
    """Their bytes."""
    compared: int
    """Files that were there already, with the bytes that they must have."""
    not_compared: int
    """Full tiles and bundles of the published tree that were not looked at: none with ``check``."""
    removed: int
    """Partial tiles that a full one has replaced, and entries that were withdrawn."""
    pruned: int
    """Records whose entries were pruned here: of these only the leaf hashes are published."""
    withheld: int
    """Records that are here and in no bundle there, since others of their 256 were pruned."""
    still_there: tuple[str, ...]
    """Bundles there that hold entries of records that were pruned here."""

    def as_json(self) -> dict[str, Any]:
        """Return every field as a JSON value."""
        names = ("destination", "origin", "size", "before", "pending", "written")
        more = ("compared", "not_compared", "removed", "pruned", "withheld")
        found = {name: getattr(self, name) for name in (*names, *more)}
        return {**found, "bytes": self.size_bytes, "still_there": list(self.still_there)}


def publish(
    root: Path, address: str, wanted: Wanted | None = None, warn: Warn = unheard
) -> Published:
    """Publish the signed log of a workspace at ``address``; only what is new is written.

    Of what is there, the checkpoint and the last tile of each level are read and compared, which
    any growth goes on from; with ``check`` everything is. IntegrityError if another history of this
    log is there, or other bytes where they must be these; InputError if another log is there, or
    the store cannot be used.
    """
    wanted = wanted or Wanted()
    if wanted.sign:
        open_log_to_sign(root, warn)
    require_outside(address, root, DIRECTORY, RESULTS, MARKER)
    origin = signed_head(require_log(root)).checkpoint.origin
    store = open_store(address, make=True)
    turn = Turn(_publisher(root / DIRECTORY), origin, wanted.take_over)
    # The log is read when it is our turn: one that was read before may be behind by then.
    with _alone(root / DIRECTORY), store.alone(turn), reading(root) as reader:
        there = standing(reader, store, wanted.evidence)
        if said := set_back(reader.directory, store.shown, there):
            warn(said)
        work = Placing(reader, store, 0 if wanted.check else there.size, there.size)
        work.compare_edge()  # before anything is written
        work.compare_left()
        work.write_tiles()
        work.write_entries()
        work.write_remaining()
        if wanted.check:
            work.compare_older()
        work.write_checkpoint(there)
        work.read_back()
        keep(reader.directory, store.shown, reader.head.note)
        work.clean(withdraw=wanted.withdraw, check=wanted.check)
        return Published(
            destination=store.shown,
            origin=reader.head.checkpoint.origin,
            size=reader.committed,
            before=there.size,
            pending=reader.size() - reader.committed,
            written=work.written,
            size_bytes=work.size_bytes,
            compared=work.compared,
            not_compared=work.not_compared,
            removed=work.removed,
            pruned=work.pruned,
            withheld=work.withheld,
            still_there=tuple(work.still_there),
        )


def _publisher(directory: Path) -> str:
    """Return a name for whoever publishes this log from this place on this machine.

    A copy of the log has another one, and so has this log after the machine was started anew.
    """
    found = directory.stat()
    try:
        boot = _BOOT.read_text("ascii")
    except OSError:  # no Linux
        boot = ""
    here = (platform.node(), boot, found.st_dev, found.st_ino, os.fspath(directory.resolve()))
    return sha256(repr(here).encode("utf-8", "surrogateescape")).hexdigest()[:32]


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Let two publishers of one log take turns; on a disk that cannot be written there is none."""
    path = directory / LOCK
    with ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(exclusive(path))
        except OSError as error:
            if error.errno not in READ_ONLY:
                raise
        yield
