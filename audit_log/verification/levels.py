"""The assurance ladder: what a log has attained, by whose word, and what that leaves open.

Each level stands on its own evidence. From L2 on none counts without L1: what somebody else saw of
a log says nothing as long as nobody says whose log it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from repro.audit_log.errors import CheckpointError, NoteError, UnknownSignerError
from repro.audit_log.formats.note_key import MLDSA44_COSIGNATURE, Verifier

from .trust import Case
from .walk import Walk

LEVELS: Final = (
    "L0 consistent with itself",
    "L1 signed by the pinned key",
    "L2 extends a checkpoint kept elsewhere",
    "L3 stamped by a trusted timestamp authority",
    "L4 cosigned by the witnesses that the policy asks for",
    "L5 the same as a mirror",
    "L6 executed again by somebody else",
)

_DAY: Final = 86_400
_ANY: Final[frozenset[int]] = frozenset()
_NOT_PROVEN: Final[tuple[tuple[frozenset[int], frozenset[int], str], ...]] = (
    (
        _ANY,
        frozenset({1}),
        "who wrote it: whoever can write the files can make a log that passes this level",
    ),
    (_ANY, frozenset({2, 4}), "that it was not cut back to an earlier checkpoint"),
    (_ANY, frozenset({2, 4}), "that the holder of the key did not rewrite it"),
    (
        frozenset({2}),
        frozenset({4}),
        "that records beyond the kept checkpoint were not cut or rewritten by the key's holder",
    ),
    (
        frozenset({4}),
        _ANY,
        "that the witnesses did not sign a longer log since: an older head looks as good",
    ),
    (
        frozenset({4}),
        _ANY,
        "that the witnesses do not act together with the holder of the key",
    ),
    (
        _ANY,
        frozenset({4}),
        "that its owner used the key: a thief can sign, and rotate it (only witnesses help)",
    ),
    (_ANY, frozenset({3}), "when records were written: the times are the writer's own word"),
    (
        frozenset({3}),
        _ANY,
        "when records were written: a stamp says only that those it covers are not younger",
    ),
    (_ANY, _ANY, "that what the records say was so"),
)
"""Attained all of the first, none of the second: then this stays open."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A trusted timestamp (RFC 3161) whose signature was checked by whoever hands it in."""

    time: str
    """RFC 3339, UTC: when the authority saw it."""
    authority: str
    """The pinned authority's name."""
    size: int
    """Records of the tree that was stamped."""
    root: bytes
    """32 bytes: its root."""


class Known(Protocol):
    """A log that a policy accepts."""

    @property
    def verifier(self) -> Verifier:
        """Its key, named after its origin."""
        ...


class Witness(Protocol):
    """A witness of the policy that cosigned."""

    @property
    def name(self) -> bytes:
        """Its name in the policy."""
        ...

    @property
    def time(self) -> int:
        """When it cosigned, by its own word (POSIX seconds)."""
        ...


class Judgement(Protocol):
    """What a policy says of a signed checkpoint that a log key of the policy has signed."""

    @property
    def witnesses(self) -> Sequence[Witness]:
        """The witnesses that cosigned."""
        ...

    @property
    def missing(self) -> str:
        """What the quorum lacks, in words; empty if it is met."""
        ...

    @property
    def missing_of_others(self) -> str:
        """What it lacks without the witnesses that have a log's own key."""
        ...

    @property
    def own(self) -> Sequence[bytes]:
        """The names of these witnesses."""
        ...


class Policy(Protocol):
    """A verifier's own file: whose log it is, and who must have seen it."""

    @property
    def logs(self) -> Sequence[Known]:
        """The logs that it accepts."""
        ...

    def judge(self, note: bytes) -> Judgement:
        """Judge a signed checkpoint; `NoteError` if no log key of the policy signed it."""
        ...


def judge_witnesses(case: Case, policy: Policy | None, now: float) -> set[int]:
    """Return ``{4}`` if the policy's quorum has cosigned the log's checkpoint.

    ``now`` is the verifier's clock, POSIX seconds.
    """
    if policy is None or case.own is None or case.level < 1:
        return set()
    try:
        judgement = policy.judge(case.note)
    except UnknownSignerError:
        # L1 is there: by rotations, a key of the policy leads to the one that has signed.
        case.warnings.append(
            "the witnesses were not looked at: the policy names no key of the log that is in force"
        )
        return set()
    except (NoteError, CheckpointError) as error:
        case.add("signature", f"the policy refuses the checkpoint: {error}")
        return set()
    if judgement.missing:
        case.warnings.append(f"the witness quorum is not met: {judgement.missing}")
        return set()
    if not judgement.witnesses:  # a policy may ask for none
        case.warnings.append("the policy asks for no witness, and none has cosigned")
        return set()
    for found in judgement.witnesses:
        if found.time > now + _DAY:
            name = found.name.decode(errors="replace")
            case.warnings.append(f"the cosignature of {name} is dated in the future: {found.time}")
    if judgement.own:
        own = ", ".join(name.decode(errors="replace") for name in judgement.own)
        case.warnings.append(f"{own} has the key of a log: its cosignature is the log's own word")
        if judgement.missing_of_others:
            return set()
    names = ", ".join(found.name.decode(errors="replace") for found in judgement.witnesses)
    case.checked.append(f"the cosignatures of {names}, a quorum of the policy")
    return {4}


def judge_stamps(case: Case, walk: Walk, stamps: Sequence[Stamp], damaged: bool) -> set[int]:
    """Return ``{3}`` if a stamp speaks of this log; a fault for each that speaks of another."""
    found: set[int] = set()
    for stamp in stamps if case.own is not None else ():
        what = f"the stamp of {stamp.authority} at {stamp.time}, over {stamp.size} records"
        if stamp.size > walk.size:
            case.add("rolled-back", f"{what}: only {walk.size} are there")
        elif walk.roots.get(stamp.size) != stamp.root:
            case.add("root" if damaged else "fork", f"{what}: the log's are others")
        else:
            case.checked.append(what)
            found.add(3)
    return found if case.level >= 1 else set()


def judge_post_quantum(case: Case, pinned: Sequence[Verifier]) -> list[str]:
    """Say whether the signature holds against a quantum computer: only if that was demanded.

    One of the pinned keys is enough to be believed. So an ML-DSA-44 key counts where no key of
    another kind is pinned for the log; then it is what `judge_signature` has asked for. Return
    what was not checked: that signature, where no such key is pinned.
    """
    if case.own is None or case.level < 1:
        return []
    kinds = {key.kind for key in pinned if key.name == case.own.origin}
    if kinds == {MLDSA44_COSIGNATURE}:
        case.checked.append("the post-quantum signature (ML-DSA-44), the only one accepted")
    if MLDSA44_COSIGNATURE not in kinds:
        return ["the ML-DSA-44 signature: no key of that kind was given"]
    return []


def not_proven(attained: Iterable[int]) -> tuple[str, ...]:
    """Return what stays open once the levels ``attained`` are."""
    there = set(attained)
    return tuple(
        text for needs, lacks, text in _NOT_PROVEN if needs <= there and not (lacks & there)
    )


def not_checked(policy: Policy | None, stamps: Sequence[Stamp]) -> list[str]:
    """Return the levels that nobody looked at."""
    found = ["bodies against their schemas"]
    if not stamps:
        found.append("trusted timestamps (L3): none was handed in")
    if policy is None:
        found.append("witnesses (L4): no policy was given")
    found.append("mirrors (L5), re-executions (L6): not known to this command")
    return found
