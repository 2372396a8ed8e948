"""What can be asked of a verification, besides whose log it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from repro.audit_log.formats.checkpoint import Checkpoint

from .levels import Policy, Stamp
from .observer import Observer


class Asked(TypedDict, total=False):
    """The keyword arguments of `verify.verify`; every one may be left out."""

    vkeys: Sequence[str]
    """The keys that the verifier trusts, besides those of logs in its policy."""
    policy: Policy | None
    """Whose log it may be, and which witnesses must have cosigned."""
    self_asserted: bool
    """Accept the keys that the log names itself, at L0."""
    old_checkpoint: bytes | None
    """A signed note kept from earlier."""
    stamps: Sequence[Stamp]
    """Timestamps over the log's tree, checked already."""
    artifacts_root: Path | None
    """Digest every file that a record names again, below this."""
    high_water: Checkpoint | None
    """What the key has signed here, as the key store says."""
    held: str | None
    """The origin of the log that was seen in this place before."""
    observers: Sequence[Observer]
    """Further judges of records."""
    without_openings: bool
    """Accept a copy that was handed out without ``openings/``."""
    full: bool
    """Hold each line to canonical form and every rule of the envelope, covered or not."""
