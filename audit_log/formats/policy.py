r"""Trust policies (C2SP tlog-policy): which logs, which witnesses, and how many of them.

    log example.org/log+1b1d…+AQ… https://example.org/log        vkey, URL if any
    witness W1 witness.example+8a1c…+BA…                         name, vkey, URL if any
    witness W2 other.example+03ff…+Bg…
    group both all W1 W2                                         name, any | all | k, members
    quorum both                                                  one name, or none

A checkpoint is valid under a policy if *any one* of the log keys has signed it and the quorum's
witnesses have cosigned it. So a policy demands post-quantum assurance of a log by listing that
log's ML-DSA-44 key (kind 0x06) and no other key of it.

The bytes of a policy are ASCII with spaces, tabs and newlines, and any octets from 0x80 on; names
and URLs are octets and nothing more. Every line, the last too, ends in a newline. Bytes in, values
out; `policy_file` reads them, `Policy.judge` judges a signed checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from repro.audit_log.errors import PolicyError, UnknownSignerError

from .checkpoint import Checkpoint, parse_checkpoint
from .note import Note, Verified, open_note
from .note_key import (
    COSIGNATURES,
    ED25519,
    MLDSA44_COSIGNATURE,
    Verifier,
)

LOG_KINDS: Final = frozenset({ED25519, MLDSA44_COSIGNATURE})
"""What a log signs its checkpoints with."""
NONE: Final = b"none"

_SHOWN: Final = 10
"""How many names, and how many groups, a sentence lists."""


@dataclass(frozen=True, slots=True)
class KnownLog:
    """A log that the policy accepts. The name of its key is its origin."""

    verifier: Verifier
    url: bytes | None = None


@dataclass(frozen=True, slots=True)
class KnownWitness:
    """A witness, under the name that groups and the quorum call it by."""

    name: bytes
    verifier: Verifier
    url: bytes | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Witnesses and groups of which at least ``threshold`` must have cosigned."""

    name: bytes
    threshold: int
    members: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A witness that cosigned."""

    name: bytes
    """Its name in the policy."""
    verified: Verified

    @property
    def time(self) -> int:
        """When it cosigned, by its own word, in POSIX seconds; 0 where it does not say."""
        return self.verified.time or 0


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a policy says of a checkpoint that one of its logs has signed."""

    checkpoint: Checkpoint
    logs: tuple[Verified, ...]
    """The signatures of the log, at least one."""
    witnesses: tuple[Cosigned, ...]
    """The witnesses of the policy that cosigned, in the order of the policy."""
    missing: str
    """What the quorum lacks, in words; empty if it is met."""
    missing_of_others: str
    """What the quorum lacks without the witnesses that have the key of a log of the policy."""
    own: tuple[bytes, ...]
    """The names of these, as far as they cosigned: their word is the log's own."""
    post_quantum: bool
    """Whether the policy accepts no signature of this log but ML-DSA-44."""

    @property
    def log(self) -> Verified:
        """The log's signature; the first of them if there are several."""
        return self.logs[0]

    @property
    def met(self) -> bool:
        """Whether the quorum has cosigned. Without this the checkpoint is not valid."""
        return not self.missing


@dataclass(frozen=True, slots=True)
class Policy:
    """Which logs are known, which witnesses, and the quorum. Its parts agree with each other."""

    logs: tuple[KnownLog, ...]
    witnesses: tuple[KnownWitness, ...]
    groups: tuple[Group, ...]
    """Each refers to witnesses and to groups before it."""
    quorum: bytes
    """A witness, a group, or ``none``."""

    def judge(self, note: bytes) -> Judgement:
        """Return what this policy says of a signed checkpoint.

        `NoteError` if the note is malformed, `BadSignatureError` if a known key's signature is
        bad, `UnknownSignerError` if no known log has signed, `CheckpointError` if the text is not
        a checkpoint. A quorum that is not met raises nothing: see `Judgement.met`.
        """
        if not self.logs:
            raise UnknownSignerError("the policy names no log")
        keys = [log.verifier for log in self.logs]
        opened = open_note(note, [*keys, *(witness.verifier for witness in self.witnesses)])
        checkpoint = parse_checkpoint(opened.text)
        # A key signs for the origin that it is named after, and for no other.
        ours = {key for key in keys if key.name == checkpoint.origin}
        signed = tuple(found for found in opened.verified if found.verifier in ours)
        if not signed:
            raise UnknownSignerError(
                f"no key of the log {checkpoint.origin!r} that is known has signed"
            )
        cosigned = self._cosigned(opened, ours)
        # The specification forbids two logs, and two witnesses, of one key; not one of each.
        own_keys = {underlying(key) for key in keys}
        own = [w.name for w in cosigned if underlying(w.verified.verifier) in own_keys]
        return Judgement(
            checkpoint,
            signed,
            cosigned,
            self._missing({witness.name for witness in cosigned}),
            self._missing({witness.name for witness in cosigned if witness.name not in own}),
            tuple(own),
            all(key.kind == MLDSA44_COSIGNATURE for key in ours),
        )

    def _cosigned(self, note: Note, ours: set[Verifier]) -> tuple[Cosigned, ...]:
        signed = {found.verifier: found for found in note.verified}
        # The log's own signature is no witness's, unless the quorum may ask for it.
        own = ours if self.quorum == NONE else set()
        return tuple(
            Cosigned(witness.name, signed[witness.verifier])
            for witness in self.witnesses
            if witness.verifier in signed and witness.verifier not in own
        )

    def _missing(self, cosigned: set[bytes]) -> str:
        if self.quorum == NONE:
            return ""
        held = set(cosigned)
        for group in self.groups:  # members come before their group, so one pass is enough
            if sum(member in held for member in group.members) >= group.threshold:
                held.add(group.name)
        if self.quorum in held:
            return ""
        groups = {group.name: group for group in self.groups}
        sentences, open_names = [], [self.quorum]
        for name in open_names:
            if name in groups:
                absent = [member for member in groups[name].members if member not in held]
                sentences.append(_lack(groups[name], absent))
                open_names.extend(member for member in absent if member in groups)
            else:
                sentences.append(f"witness {shown(name)} has not cosigned")
        return "; ".join(sentences[:_SHOWN])


def policy_of_keys(verifiers: Iterable[Verifier]) -> Policy:
    """Return the policy of somebody who knows keys and demands no witness.

    Keys of kind 0x01 and 0x06 are a log's if they are named after its origin; cosigners among
    them are reported as witnesses. `PolicyError` if two different keys have one name and id.
    """
    keys = tuple(dict.fromkeys(verifiers))
    places: dict[tuple[str, bytes], Verifier] = {}
    for key in keys:
        if places.setdefault((key.name, key.key_id), key) != key:
            raise PolicyError(f"two keys of {key.name!r} have one key id", "give only one of them")
    return Policy(
        tuple(KnownLog(key) for key in keys if key.kind in LOG_KINDS),
        tuple(KnownWitness(key.name.encode(), key) for key in keys if key.kind in COSIGNATURES),
        (),
        NONE,
    )


def underlying(verifier: Verifier) -> tuple[bool, bytes]:
    """Return the public key itself, whatever its name and kind of use."""
    return verifier.kind == MLDSA44_COSIGNATURE, verifier.key


def shown(name: bytes) -> str:
    """Return a name of the policy for people: quoted, with odd octets escaped, not too long."""
    text = repr(name.decode("utf-8", "backslashreplace"))
    return text if len(text) <= 80 else f"{text[:80]}…"


def _lack(group: Group, absent: list[bytes]) -> str:
    have = len(group.members) - len(absent)
    names = ", ".join(shown(name) for name in absent[:_SHOWN])
    more = f" and {len(absent) - _SHOWN} more" if len(absent) > _SHOWN else ""
    total = len(group.members)
    return (
        f"group {shown(group.name)} needs {group.threshold} of {total} and has {have} "
        f"(not there: {names}{more})"
    )
