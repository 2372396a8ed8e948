"""Signatures of the six components, and the keys made of them.

Everything is BLAKE3 in derive-key mode over RFC 8785 canonical JSON, each kind of payload in a
context of its own, so that a signature of splits can never equal one of features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from repro.audit_log.formats.canonical import canonical
from repro.audit_log.formats.digests import payload_digest

SCHEMA = 1
"""Version of the payloads; it is inside each of them."""

SIGNATURES: Mapping[str, str] = {
    "dataset": "dataset_signature",
    "target": "target_signature",
    "features": "feature_signature",
    "hyperparameters": "hyperparameters_signature",
    "splits": "split_signature",
    "routing": "routing_signature",
}
"""Component to the name of its signature in a snapshot's ``comparison_group``."""

_CONTEXT = "repro-audit v1 identity"
CONTEXTS: Mapping[str, str] = {
    name: f"{_CONTEXT} {name}" for name in (*SIGNATURES, "replicate", "strict", "execution")
}
"""The context in which each payload is digested."""

EXACT = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Identity:
    """The keys of a run with the payloads that they are computed from."""

    payloads: Mapping[str, Mapping[str, Any]]
    signatures: Mapping[str, str]
    """By component; only those that could be computed."""
    train_seed: int
    replicate_key: str
    strict_key: str
    execution_key: str
    request: str
    """The digest of what the worker is asked, which is part of the execution key."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Return the components without a signature."""
        return tuple(name for name in SIGNATURES if name not in self.signatures)

    def comparison_group(self) -> dict[str, Any]:
        """Return the block of a snapshot that tools read, under its documented names."""
        return {
            **{name: self.signatures.get(part) for part, name in SIGNATURES.items()},
            "train_seed": self.train_seed,
            "replicate_key": self.replicate_key,
            "strict_key": self.strict_key,
            "execution_key": self.execution_key,
        }


def signature(component: str, payload: Mapping[str, Any]) -> str:
    """Return the signature of a component's payload (64 hex digits)."""
    return payload_digest(CONTEXTS[component], payload)


def identify(
    payloads: Mapping[str, Mapping[str, Any] | None],
    train_seed: int,
    execution: Mapping[str, Any],
) -> Identity:
    """Return the identity of a run.

    ``payloads`` holds one for each component, or None where facts are missing; ``execution`` holds
    what else decides the bits: code, environment, scheme of seeds, digest of the request.
    """
    known = {name: exact(value) for name, value in payloads.items() if value is not None}
    signatures = {name: signature(name, known[name]) for name in SIGNATURES if name in known}
    six = {name: signatures.get(part) for part, name in SIGNATURES.items()}
    replicate = payload_digest(CONTEXTS["replicate"], {"schema": SCHEMA, **six})
    strict = payload_digest(
        CONTEXTS["strict"],
        {"schema": SCHEMA, **six, "train_seed": exact(train_seed)},
    )
    beside = execution_document(strict, execution)
    execution_key = payload_digest(CONTEXTS["execution"], beside)
    request = str(execution["request"])
    return Identity(known, signatures, train_seed, replicate, strict, execution_key, request)


def execution_document(strict_key: str, execution: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the execution key is the digest of."""
    return {"schema": SCHEMA, "strict_key": strict_key, **exact(dict(execution))}


def payload(config: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the payload of a component: its version, what was decided, what was found."""
    return {"schema": SCHEMA, "config": dict(config), "facts": dict(facts)}


def output_digest(outputs: Mapping[str, str]) -> str:
    """Return the digest over the digests of everything that a run produced, by name."""
    return payload_digest("repro-audit v1 output", {"schema": SCHEMA, "outputs": dict(outputs)})


def request_digest(request: Mapping[str, Any]) -> str:
    """Return the digest of what the worker is asked; it holds no paths and no display options."""
    return payload_digest("repro-audit v1 request", exact(dict(request)))


def exact(value: Any) -> Any:
    """Return ``value`` with integral numbers beyond 2^53-1 as strings, for canonical JSON."""
    return _exact(value, floats=True)


def exact_integers(value: Any) -> Any:
    """Return ``value`` with integers beyond 2^53-1 in size as strings; floats stay numbers."""
    return _exact(value, floats=False)


def _exact(value: Any, *, floats: bool) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -EXACT <= value <= EXACT else str(value)
    if isinstance(value, float):
        too_large = floats and value.is_integer() and abs(value) > EXACT
        return str(int(value)) if too_large else value
    if isinstance(value, Mapping):
        return {key: _exact(child, floats=floats) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [_exact(child, floats=floats) for child in value]
    return value


def canonical_payload(value: Mapping[str, Any]) -> bytes:
    """Return the exact bytes that a signature is computed over."""
    return canonical(exact(dict(value)))
