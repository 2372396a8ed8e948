"""What a bundle proves to somebody who trusts some keys, and what it leaves open.

verdict         exit   meaning
ok               0     signed by a trusted key, cosigned as the policy demands, and all of it agrees
unverifiable     3     not a bundle; no trusted key has signed; too few witnesses
tampered         4     a bad signature, or records that are not those of the signed tree
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from repro.audit_log.errors import (
    BadSignatureError,
    BundleError,
    CheckpointError,
    NoteError,
    RecordError,
    UnknownSignerError,
)

from .bundle import Bundle, Entry, parse_bundle
from .commitment import commitments_of_line
from .genesis import begun
from .note_key import ED25519, Verifier, format_vkey, parse_vkey
from .policy import NONE, Judgement, KnownLog, Policy, policy_of_keys, shown
from .record import FIRST_PREV, Record, decode, line_hash
from .rotation import TYPE as ROTATED
from .rotation import read_rotation
from .tree import leaf_hash, verify_inclusion

_ALWAYS_OPEN: Final = (
    "that other records about the same matter do not exist: only what is here is shown",
    "that the keys were not changed in a record that is not here",
    "when records were written: the times are the writer's own word",
    "that what the records say was so",
)
_ROTATED_END: Final = f',"type":"{ROTATED}"}}'.encode()
"""How the line of a rotation ends: ``type`` is the last member of a canonical line."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A record that was proven to stand in the log."""

    index: int
    type: str
    time: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A value that was proven to stand behind a commitment."""

    index: int
    path: str
    value: object


@dataclass(frozen=True, slots=True)
class BundleReport:
    """What can be said of a bundle."""

    verdict: str
    exit_status: int
    problem: str
    """What is wrong; empty if the verdict is ``ok``."""
    origin: str | None = None
    size: int | None = None
    """Records that the checkpoint covers."""
    signed_by: tuple[str, ...] = ()
    """The log's keys that signed."""
    witnesses: tuple[tuple[str, int], ...] = ()
    """Name and time (POSIX seconds, 0: not said) of each witness of the policy that cosigned."""
    post_quantum: bool = False
    """Whether the policy accepts no signature of this log but ML-DSA-44."""
    records: tuple[Shown, ...] = ()
    openings: tuple[Opened, ...] = ()
    artifacts: tuple[tuple[int, object], ...] = ()
    """Index of a record, and one of the artifacts that it names, as it stands there."""
    timestamps: int = 0
    """RFC 3161 responses that came along; they are not looked at here."""
    proven: tuple[str, ...] = ()
    not_proven: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return every field as a JSON value."""
        return asdict(self)


def verify_bundle(data: bytes, trust: Policy | Sequence[Verifier]) -> BundleReport:
    """Return what ``data`` proves to somebody who trusts a policy, or bare keys.

    Whoever trusts an Ed25519 key that was replaced is led to the keys in force by the rotations in
    the bundle, each signed by the key before it (see `rotation`). Raises nothing for bad data;
    `PolicyError` if two of the keys cannot be told apart.
    """
    policy = trust if isinstance(trust, Policy) else policy_of_keys(trust)
    try:
        bundle = parse_bundle(data)
        judgement = _judged(bundle, policy)
    except BundleError as error:
        return BundleReport("unverifiable", 3, f"not a bundle: {error}")
    except BadSignatureError as error:
        return BundleReport("tampered", 4, f"the checkpoint: {error}")
    except (NoteError, CheckpointError) as error:
        return BundleReport("unverifiable", 3, f"the checkpoint: {error}")
    problem = next(_problems(bundle, judgement), "")
    if problem:
        return BundleReport("tampered", 4, problem)
    records = [decode(entry.line) for entry in bundle.entries]
    places = {
        place: entry.index
        for entry in reversed(bundle.entries)  # the first record that holds it is named
        for place in commitments_of_line(entry.line)
    }
    opened = tuple(
        Opened(places[item.path, item.commitment()], item.path, item.value)
        for item in bundle.openings
    )
    met = judgement.met
    return BundleReport(
        "ok" if met else "unverifiable",
        0 if met else 3,
        judgement.missing,
        origin=judgement.checkpoint.origin,
        size=judgement.checkpoint.size,
        signed_by=tuple(format_vkey(found.verifier) for found in judgement.logs),
        witnesses=tuple(
            (witness.name.decode("utf-8", "backslashreplace"), witness.time)
            for witness in judgement.witnesses
        ),
        post_quantum=judgement.post_quantum,
        records=tuple(Shown(record.seq, record.type, record.time) for record in records),
        openings=opened,
        artifacts=tuple(_artifacts(records)),
        timestamps=len(bundle.timestamps),
        proven=tuple(_proven(bundle, judgement, policy)) if met else (),
        not_proven=tuple(_not_proven(bundle, judgement, policy)),
    )


def _judged(bundle: Bundle, policy: Policy) -> Judgement:
    """Return what the policy says of the checkpoint, by a key that it leads to if need be."""
    try:
        return policy.judge(bundle.checkpoint)
    except UnknownSignerError:
        try:
            keys = _led(bundle, {log.verifier for log in policy.logs})
        except RecordError:  # if a trusted key had signed, the record would be named
            keys = ()
        if not keys:
            raise
    return replace(policy, logs=(*policy.logs, *(KnownLog(key) for key in keys))).judge(
        bundle.checkpoint
    )


def _led(bundle: Bundle, trusted: set[Verifier]) -> tuple[Verifier, ...]:
    """Return the keys in force at the end, if a trusted one was in force before; else none.

    Only an Ed25519 key leads to others: the rest sign no rotation. `RecordError` for a record that
    names no keys, or that the keys before it have not signed.
    """
    origin, leads = "", False
    keys: tuple[Verifier, ...] = ()
    for entry in bundle.entries:
        if entry.index == 0 or entry.line.endswith(_ROTATED_END):
            origin, keys = _in_force(decode(entry.line), origin, keys)
            leads = leads or any(key.kind == ED25519 for key in trusted & set(keys))
    return keys if leads else ()


def _in_force(
    record: Record, origin: str, before: tuple[Verifier, ...]
) -> tuple[str, tuple[Verifier, ...]]:
    """Return origin and keys once record 0 or a rotation has named keys; `RecordError` if not."""
    if record.type == ROTATED:
        return origin, read_rotation(record, origin, before)
    origin, vkeys = begun(record)
    try:
        return origin, tuple(parse_vkey(vkey) for vkey in vkeys)
    except NoteError as error:
        raise RecordError(f"it names a key that is none: {error}") from None


def _problems(bundle: Bundle, judgement: Judgement) -> Iterator[str]:
    """Yield what does not agree, the first record first."""
    checkpoint = judgement.checkpoint
    before: Entry | None = None
    origin = ""
    in_force: tuple[Verifier, ...] = ()
    for entry in bundle.entries:
        where = f"record {entry.index}"
        leaf = leaf_hash(entry.line)
        if not verify_inclusion(leaf, entry.index, checkpoint.size, entry.hashes, checkpoint.root):
            yield f"{where}: its hashes do not lead to the signed root"
            return
        try:
            record = decode(entry.line)
            if record.seq != entry.index:
                yield f"{where}: its seq is {record.seq}"
            if record.prev != _expected_prev(entry, before, record):
                yield f"{where}: its prev is not the hash of the line before"
            if entry.index == 0 or record.type == ROTATED:
                origin, in_force = _in_force(record, origin, in_force)
        except RecordError as error:
            yield f"{where}: {error}"
            return
        if origin != checkpoint.origin:
            yield f"record 0 is of {origin!r}, the checkpoint of {checkpoint.origin!r}"
        before = entry
    if not {found.verifier for found in judgement.logs} & set(in_force):
        yield "the checkpoint is signed by no key that the log names as in force at its end"
    places = {place for entry in bundle.entries for place in commitments_of_line(entry.line)}
    for opening in bundle.openings:
        if (opening.path, opening.commitment()) not in places:
            yield f"the opening of {opening.path[:80]!r} opens no commitment at that place"


def _expected_prev(entry: Entry, before: Entry | None, record: Record) -> str:
    if entry.index == 0:
        return FIRST_PREV
    if before is not None and before.index == entry.index - 1:
        return line_hash(before.line)
    return record.prev  # the line before is not here


def _artifacts(records: Sequence[Record]) -> Iterator[tuple[int, object]]:
    for record in records:
        artifacts = record.body.get("artifacts")
        if isinstance(artifacts, list):
            for artifact in artifacts:
                yield record.seq, artifact


def _proven(bundle: Bundle, judgement: Judgement, policy: Policy) -> Iterator[str]:
    checkpoint = judgement.checkpoint
    trusted = {log.verifier for log in policy.logs}
    who = "a trusted key"
    if not any(found.verifier in trusted for found in judgement.logs):
        who = "a key that a trusted one leads to, by the rotations that are here,"
    indexes = ", ".join(str(entry.index) for entry in bundle.entries)
    yield f"{who} signed the first {checkpoint.size} records of {checkpoint.origin}"
    yield f"records {indexes} stand among them, at these places, as they are here"
    if bundle.openings:
        yield f"{len(bundle.openings)} opened values are those that the records commit to"
    for witness in judgement.witnesses:
        yield f"witness {shown(witness.name)} saw this tree, and none that contradicts it"


def _not_proven(bundle: Bundle, judgement: Judgement, policy: Policy) -> Iterator[str]:
    if not judgement.met:
        yield f"the quorum: {judgement.missing}"
    if policy.quorum == NONE:
        yield "that the key's holder did not show others another log: no witness is demanded"
    if bundle.timestamps:
        yield f"{len(bundle.timestamps)} timestamps: not checked"
    yield from _ALWAYS_OPEN
