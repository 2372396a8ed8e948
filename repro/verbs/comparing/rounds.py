"""What doing a run again showed: its rounds, the verdict, and the record of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from repro.execution.variation import NONE, Variation
from repro.identity.keys import Identity
from repro.runs.differences import Cause
from repro.runs.divergence import Divergence
from repro.runs.sealed import Run


@dataclass(frozen=True, slots=True)
class Round:
    """One re-execution."""

    variation: Variation
    """``NONE`` where nothing was otherwise."""
    execution_key: str
    """The key that it had; empty if it failed."""
    output_digest: str
    """Empty if it failed."""
    outputs: tuple[str, ...]
    """Names of the outputs whose bits differ from what was sealed."""
    divergence: tuple[Divergence, ...]
    """The first difference of each kind, the one that came first in front."""
    failure: str | None = None
    """Why there are no outputs."""

    @property
    def same(self) -> bool:
        """Return whether every bit is as it was sealed."""
        return not self.outputs and self.failure is None

    @property
    def counts(self) -> bool:
        """Return whether its bits are promised to be those of all others with its key."""
        return not self.variation.held and self.failure is None


@dataclass(frozen=True, slots=True)
class Known:
    """What a re-execution knows of itself before it trains."""

    identity: Identity
    causes: tuple[Cause, ...]
    """What differs between then and now."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What ended a verification early."""

    during: str
    """``round 2``, or the name of a variation."""
    problem: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What doing it again showed."""

    run: Run
    verdict: str
    """``reproduced``; ``sensitive``: reproduced, but other bits where something is otherwise that
    the level holds fixed; ``not reproduced``; ``BROKEN``: other bits under one execution key; or
    ``failed``: not one round came to any bits. Of that there is only the record."""
    causes: tuple[Cause, ...]
    """What differs between then and now: said first, compared all the same."""
    rounds: tuple[Round, ...]
    record: int
    """The place of ``run.verified`` in the log."""
    incident: int | None
    """The place of the ``incident`` in the log, if bits contradict each other."""

    @property
    def exit_status(self) -> int:
        """Return 0 for the same bits, 5 for an alarm, 1 for other bits that are explained."""
        return {"reproduced": 0, "sensitive": 1, "not reproduced": 1, "BROKEN": 5}[self.verdict]

    @property
    def broken_under(self) -> tuple[str, ...]:
        """Return the variations that had other bits though the level does not hold them fixed."""
        rest = (r for r in self.rounds if r.variation is not NONE and not r.variation.held)
        return tuple(r.variation.name for r in rest if not r.same and r.failure is None)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Return the names of the outputs that differ in a round where nothing was otherwise."""
        differing = {name for r in self.rounds if r.variation is NONE for name in r.outputs}
        return tuple(sorted(differing))


def is_promised(run: Run) -> bool:
    """Return whether the bits of a run were promised: a best-effort run can never be broken."""
    return run.snapshot["level"] != "best-effort" and not run.snapshot["incomplete"]


def verdict_of(rounds: Sequence[Round], *, broken: bool) -> str:
    """Return the verdict; see ``Verification``."""
    if broken:
        return "BROKEN"
    if not rounds:
        return "failed"
    if any(not r.same for r in rounds if not r.variation.held):
        return "not reproduced"
    return "reproduced" if all(r.same for r in rounds) else "sensitive"


def early(found: Verification, failure: Failure | None) -> str:
    """Return what is said of a verification that ended before it was through."""
    alarm = "" if found.incident is None else f", and an incident as record {found.incident}"
    rounds = f"{len(found.rounds)} round{'s' * (len(found.rounds) != 1)}"
    if failure is not None and not found.rounds:
        return f"the verification failed in {failure.during}, recorded as record {found.record}"
    return f"{found.verdict} in {rounds}, recorded as record {found.record}{alarm}"


def causes_of(known: Iterable[Known]) -> tuple[Cause, ...]:
    """Return what differs from then in any round, each once: data may have changed between two."""
    causes: list[Cause] = []
    for one in known:
        causes += [cause for cause in one.causes if cause not in causes]
    return tuple(causes)


def body(
    run: Run,
    known: Sequence[Known],
    verdict: str,
    rounds: Sequence[Round],
    failure: Failure | None = None,
) -> dict[str, Any]:
    """Return the body of ``run.verified``."""
    plain = [r for r in rounds if r.variation is NONE]
    differing = sorted({name for r in plain for name in r.outputs})
    key = known[0].identity.execution_key if known else None
    first = next((r.divergence for r in rounds if r.divergence), ())
    under: dict[str, list[str]] = {}
    for r in rounds:
        if r.counts and r.output_digest not in under.setdefault(r.execution_key, []):
            under[r.execution_key].append(r.output_digest)
    produced = [] if key is None else under.pop(key, [])
    others = [
        {"execution_key": other, "produced": digests[:20]} for other, digests in under.items()
    ]
    more: dict[str, Any] = {"other_keys": others[:10]} if others else {}
    if failure is not None:
        more["failure"] = {"during": failure.during, "reason": failure.problem[:2000]}
    return more | {
        "run": run.name,
        "verdict": verdict,
        "promised": is_promised(run),
        "output_digest": run.snapshot["output_digest"],
        "execution_key": key,
        "same_execution_key": key == run.group["execution_key"],
        "produced": produced[:50],
        "rounds": len(plain),
        "variations": [
            {
                "name": r.variation.name,
                "same": r.same,
                "failure": None if r.failure is None else r.failure[:300],
            }
            for r in rounds
            if r.variation is not NONE
        ],
        "differences": [f"{c.kind}: {c.subject}"[:200] for c in causes_of(known)[:50]],
        "differing_outputs": differing[:100],
        "divergence": [{"kind": d.kind, "where": d.where[:300]} for d in first],
    }
