"""The identity of one run, from what was asked and what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from repro.identity.keys import Identity, execution_document, identify, request_digest
from repro.identity.payloads import component_payloads, execution_payload
from repro.identity.seeds import run_seeds, selection_stage

FINAL = "final"


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that an identity is made of."""

    components: Mapping[str, Mapping[str, Any]]
    facts: Mapping[str, Any]
    base_seed: int
    code: Mapping[str, str]
    environment: Mapping[str, Any]
    settings: Mapping[str, str]
    threads: int
    request: Mapping[str, Any]


def identity_of(inputs: Inputs) -> Identity:
    """Return the signatures and keys."""
    execution = execution_payload(
        inputs.code,
        inputs.environment,
        inputs.settings,
        inputs.threads,
        request_digest(inputs.request),
    )
    payloads = component_payloads(inputs.components, inputs.facts)
    return identify(payloads, inputs.base_seed, execution)


def execution_of(
    identity: Identity,
    code: Mapping[str, str],
    environment: Mapping[str, Any],
    settings: Mapping[str, str],
    threads: int,
) -> dict[str, Any]:
    """Return what the execution key of an identity is the digest of."""
    payload = execution_payload(code, environment, settings, threads, identity.request)
    return execution_document(identity.strict_key, payload)


class Seeded(Protocol):
    """What must be known of a family to seed it."""

    @property
    def family(self) -> str:
        """The name of the family."""

    @property
    def seeds(self) -> tuple[str, ...]:
        """The purposes of its seeds."""

    @property
    def seed_bits(self) -> int:
        """How large a seed may be."""


def seeds_of(
    base_seed: int,
    purposes: Sequence[str],
    bits: int,
    request: Mapping[str, Any],
    folds: int,
    selectors: Sequence[Seeded] = (),
) -> dict[str, dict[str, int]]:
    """Return the seeds of each fold (``fold 1``, …) and of the final model.

    And of each fit of ``selectors``, the families that choose the features of these stages.
    """
    routing = request["routing"]
    names = [
        request["target"]["name"],
        routing["view"],
        routing["symbol"] or "",
        request["family"],
    ]
    stages = [*(f"fold {n + 1}" for n in range(folds)), FINAL]
    found = run_seeds(base_seed, purposes, bits, names, stages)
    for selector in selectors:
        fits = [selection_stage(stage, selector.family) for stage in stages]
        found |= run_seeds(base_seed, selector.seeds, selector.seed_bits, names, fits)
    return found
