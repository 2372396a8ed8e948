"""From resolved configuration and the worker's facts to the payload of each component."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repro.identity import seeds
from repro.identity.keys import payload

ENVIRONMENT = (
    *("level", "interpreter", "versions", "fingerprint", "pools"),
    *("libraries", "mapped", "startup"),
)
"""The facts of an environment that decide bits: no host names, no paths, no kernel."""

FACTS = ("dataset", "features", "splits")
"""The components that are not known from the configuration alone."""


def component_payloads(
    components: Mapping[str, Mapping[str, Any]], facts: Mapping[str, Any]
) -> dict[str, dict[str, Any] | None]:
    """Return the payload of each of the six components, or None where a fact is missing."""
    names = ("dataset", "target", "features", "hyperparameters", "splits", "routing")
    return {
        name: None
        if name in FACTS and not facts.get(name)
        else payload(components[name], facts[name] if name in FACTS else {})
        for name in names
    }


def drawn_folds(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the folds as they were cut: beside the facts of the splits where a seed drew them."""
    found: Mapping[str, Any] = facts.get("drawn_folds", facts["splits"])
    return found


def execution_payload(
    code: Mapping[str, Any],
    environment: Mapping[str, Any],
    settings: Mapping[str, str],
    threads: int,
    request: str,
) -> dict[str, Any]:
    """Return what decides the bits beside the strict key.

    ``code`` maps each file of ours and of the trainer to its digest; ``settings`` are the
    variables that the level sets; ``request`` is the digest of what the worker is asked.
    """
    return {
        "code": dict(code),
        "environment": {name: environment[name] for name in ENVIRONMENT},
        "settings": dict(settings),
        "threads": threads,
        "seed_scheme": seeds.SCHEME,
        "request": request,
    }


def differing_parameters(
    requested: Mapping[str, Any], effective: Mapping[str, Any]
) -> dict[str, tuple[Any, Any]]:
    """Return each requested parameter that is not in force, with the value that is.

    Numbers are compared as the library prints them: six significant digits where it prints
    no more. A parameter that the library does not report is None here, and never in force.
    """
    return {
        name: (value, effective.get(name))
        for name, value in requested.items()
        if name not in effective or not _agree(value, effective[name])
    }


def _agree(requested: Any, effective: Any) -> bool:
    """Return whether a read-back value is what was asked for."""
    if requested is None or effective is None:
        return requested is effective
    if isinstance(requested, (list, tuple)) and isinstance(effective, (list, tuple)):
        return len(requested) == len(effective) and all(map(_agree, requested, effective))
    if isinstance(requested, (bool, int, float)) and isinstance(effective, (int, float)):
        return float(requested) == float(effective) or (
            isinstance(requested, float) and float(f"{requested:.6g}") == float(effective)
        )
    return str(requested) == str(effective)
