"""What doing a run again showed: its rounds, the verdict, and the record of it."""

from __future__ import annotations

from collections.abc import Sequence
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
class Verification:
    """What doing it again showed."""

    run: Run
    verdict: str
    """``reproduced``; ``sensitive``: reproduced, but other bits where something is otherwise that
    the level holds fixed; ``not reproduced``; or ``BROKEN``: other bits under one execution key."""
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
    if any(not r.same for r in rounds if not r.variation.held):
        return "not reproduced"
    return "reproduced" if all(r.same for r in rounds) else "sensitive"


def body(
    run: Run,
    now: Identity,
    verdict: str,
    causes: tuple[Cause, ...],
    rounds: Sequence[Round],
) -> dict[str, Any]:
    """Return the body of ``run.verified``."""
    plain = [r for r in rounds if r.variation is NONE]
    differing = sorted({name for r in plain for name in r.outputs})
    key = now.execution_key
    of_key = [r.output_digest for r in rounds if r.counts and r.execution_key == key]
    produced = list(dict.fromkeys(of_key))
    first = next((r.divergence for r in rounds if r.divergence), ())
    return {
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
        "differences": [f"{c.kind}: {c.subject}"[:200] for c in causes[:50]],
        "differing_outputs": differing[:100],
        "divergence": [{"kind": d.kind, "where": d.where[:300]} for d in first],
    }
