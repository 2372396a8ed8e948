"""``repro audit witness ask``, and the asking after each commit: cosignatures for the checkpoint.

What a witness does costs at most the time limit and its own cosignature. What it knows may be
evidence: a witness that has seen more than we have, or something else, proves that this log was cut
or put back, or that somebody else signs with its key.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from repro.audit_log.disk.locks import shared
from repro.audit_log.disk.sync import read_small, replace
from repro.audit_log.errors import CheckpointError, LogError, NoteError
from repro.audit_log.formats.checkpoint import Checkpoint, parse_checkpoint
from repro.audit_log.formats.note import split
from repro.audit_log.formats.note_key import Verifier
from repro.audit_log.formats.policy import Policy
from repro.audit_log.storage.layout import LOG_LOCK, read_checkpoint, read_note
from repro.audit_log.storage.segments import Text
from repro.audit_log.storage.store import Log
from repro.audit_log.storage.tiles import Tiles
from repro.audit_log.witness.client import Outcome, WitnessAddress, collect
from repro.errors import InputError
from repro.verbs.audit.arrangement import ENOUGH, read_policy
from repro.verbs.audit.log import open_log
from repro.verbs.observer import Warn, unheard

TIMEOUT: Final = 3.0
"""Seconds that one command spends on asking."""
SIZES: Final = "derived/witnesses.json"
"""What size each witness was last known to hold: it saves a question, and may be deleted."""
_ROUNDS: Final = 3
"""How often witnesses are asked anew because another process has committed meanwhile."""
MEANING: Final = (
    "either AUDIT_LOG and the key's directory were put back from an older copy, and records are "
    "lost; or the log was cut or rewritten; or somebody else signs with its key. What this witness "
    "has seen stays on its record, and it cosigns no other history. Stop, keep everything as it "
    "is, and look for the newer AUDIT_LOG; the witness' record proves what was signed"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking, for the checkpoint that then stood."""

    size: int
    outcomes: tuple[Outcome, ...]

    @property
    def exit_status(self) -> int:
        """Return 0 if all have cosigned, 4 if one holds evidence against this log, 1 otherwise."""
        if any(outcome.evidence for outcome in self.outcomes):
            return 4
        return 0 if all(outcome.ok for outcome in self.outcomes) else 1


@dataclass(slots=True)
class Cosigner:
    """Asks the witnesses of a log after each commit of one command. Mutable, one a command.

    A witness that does not answer is named once and not asked again. Nothing is raised.
    """

    log: Log
    warn: Warn
    timeout: float = TIMEOUT
    """Seconds in total."""
    _addresses: tuple[WitnessAddress, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Read whom to ask; InputError if the policy cannot be used."""
        policy = read_policy(self.log.keys.directory(self.log.origin))
        self._addresses = addresses(policy) if policy is not None else ()

    def __call__(self) -> None:
        """Ask, and keep what comes."""
        if not self._addresses:
            return
        began = time.monotonic()
        try:
            asked = ask_until_standing(self.log, self._addresses, self.timeout)
        except (LogError, NoteError, CheckpointError, OSError) as error:
            self.warn(f"the checkpoint was not cosigned: {error}")
            self._addresses = ()
            return
        self.timeout = max(0.0, self.timeout - (time.monotonic() - began))
        for outcome in asked.outcomes:
            if text := said(outcome):
                self.warn(text)
        lost = {outcome.witness for outcome in asked.outcomes if not outcome.ok}
        self._addresses = tuple(a for a in self._addresses if a.name not in lost)


def collect_cosignatures(root: Path, timeout: float = TIMEOUT, warn: Warn = unheard) -> Asked:
    """Ask all witnesses of the workspace's log for the checkpoint that stands; keep what comes.

    Within ``timeout`` seconds. No private key is needed. InputError if there is nobody to ask.
    """
    log = open_log(root, warn)
    policy = read_policy(log.keys.directory(log.origin))
    found = addresses(policy) if policy is not None else ()
    if not found:
        raise InputError(
            "this log has no witness that can be asked",
            "name one: repro audit witness add NAME VKEY… URL",
        )
    try:
        return ask_until_standing(log, found, timeout)
    except (NoteError, CheckpointError) as error:
        raise InputError(
            f"the checkpoint cannot be cosigned: {error}", "look at it: repro audit verify"
        ) from error


def addresses(policy: Policy) -> tuple[WitnessAddress, ...]:
    """Return the witnesses of a policy that have URLs, each once, however many keys it has."""
    found: dict[tuple[str, str], tuple[str, list[Verifier]]] = {}
    for known in policy.witnesses:
        if known.url is None:
            continue
        of = (g.name for g in policy.groups if known.name in g.members and g.threshold == 1)
        name = next((n for n in of if n != ENOUGH.encode()), known.name).decode("utf-8", "replace")
        url = known.url.decode("utf-8", "replace")
        found.setdefault((url, known.verifier.name), (name, []))[1].append(known.verifier)
    named: dict[str, WitnessAddress] = {}
    for (url, key_name), (name, keys) in found.items():
        once = key_name if name in named else name
        named[once] = WitnessAddress(once, tuple(keys), url)
    return tuple(named.values())


def said(outcome: Outcome) -> str:
    """Return what the user is told of an outcome; empty if all is well."""
    if outcome.evidence:
        return f"WITNESS {outcome.witness!r} CONTRADICTS THIS LOG: {outcome.problem}. {MEANING}"
    if outcome.problem and outcome.ok:
        return f"witness {outcome.witness!r} has cosigned, but {outcome.problem}"
    if outcome.problem:
        return f"witness {outcome.witness!r} has not cosigned: {outcome.problem}"
    return ""


def ask_until_standing(log: Log, witnesses: Sequence[WitnessAddress], timeout: float) -> Asked:
    """Ask until the checkpoint that was asked about is the one that stands, or time is up."""
    deadline, keys = time.monotonic() + timeout, log.keys.public(log.origin)
    for _ in range(_ROUNDS):
        note = read_note(log.directory)
        checkpoint = parse_checkpoint(split(note)[0])
        left = max(0.0, deadline - time.monotonic())
        known = _sizes(log.directory)
        found = collect(note, keys, witnesses, _prover(log.directory, checkpoint), known, left)
        if found.sizes:
            _keep_sizes(log.directory, {**known, **found.sizes})
        if any(outcome.ok for outcome in found.outcomes):
            standing = log.add_cosignatures(found.note)
        else:
            standing = read_checkpoint(log.directory) == checkpoint
        if standing or time.monotonic() >= deadline:
            break
    return Asked(checkpoint.size, found.outcomes)


def _prover(directory: Path, new: Checkpoint) -> Callable[[int, int], Sequence[bytes]]:
    """Return what proves that the log of ``new`` extends that of an older size."""
    tiles = Tiles(directory)

    def prove(old: int, _: int) -> Sequence[bytes]:
        with shared(directory / LOG_LOCK):
            text = Text.open(directory).require_sound()
        tiles.catch_up(text, new.size)
        tiles.believe(new)
        return tiles.prove_consistency(Checkpoint(new.origin, old, tiles.root(old)), new)

    return prove


def _sizes(directory: Path) -> dict[str, int]:
    try:
        value = json.loads(read_small(directory / SIZES, 1 << 20))
    except (OSError, ValueError):
        return {}
    pairs = value.items() if isinstance(value, dict) else ()
    return {name: size for name, size in pairs if type(size) is int and size >= 0}


def _keep_sizes(directory: Path, sizes: Mapping[str, int]) -> None:
    path = directory / SIZES
    with suppress(OSError):  # without it a witness is asked twice
        path.parent.mkdir(exist_ok=True)
        replace(path, json.dumps(sizes, sort_keys=True).encode())
