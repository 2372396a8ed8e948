"""``repro identity``: the keys of what would be trained, and what each of them is made of."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repro.config.resolution.active import component_in
from repro.config.resolution.layers import dotted
from repro.config.resolution.resolve import Resolved, Selection
from repro.config.sealed.leaf import Leaf, leaves_of
from repro.execution.session import Session
from repro.identity.keys import CONTEXTS, SIGNATURES, exact
from repro.identity.run import execution_of
from repro.verbs.configuring.validate import configuration
from repro.verbs.observer import Observer
from repro.verbs.training.plan import Plan
from repro.verbs.training.preparing import Asked, evidence, plan_of
from repro.verbs.training.running import known_run
from repro.verbs.training.wanted import wanted


@dataclass(frozen=True, slots=True)
class Origin:
    """A value of a payload that was decided by the configuration."""

    path: str
    """Dotted, from the document on."""
    value: Any
    """What it is, as canonical JSON has it."""
    layer: str
    """What decided it: a document, a profile, an override."""
    place: str
    """File, line and column, or the words that were given."""


@dataclass(frozen=True, slots=True)
class Part:
    """A component of an identity, or what the execution key has beside the strict key."""

    name: str
    """As in ``SIGNATURES``, or ``execution``."""
    signature: str | None
    """Its signature; of ``execution`` the execution key. None where facts are missing."""
    context: str
    """The context that its digest is derived in."""
    payload: Mapping[str, Any] | None
    """What is digested, as it stands in canonical JSON."""
    origins: tuple[Origin, ...] = ()
    """Where its values of the configuration were decided; all else was found in data and code."""


@dataclass(frozen=True, slots=True)
class Identified:
    """What would be trained."""

    target: str
    family: str
    view: str
    symbol: str | None
    level: str
    comparison_group: Mapping[str, Any]
    """Signatures, seed and keys, as a snapshot has them."""
    incomplete: tuple[str, ...]
    """Components without a signature, because facts are missing."""
    parts: tuple[Part, ...] = field(repr=False)
    """The six components, then what is beside them."""
    sealed: str | None
    """The run with this execution key that would stand for it; None unless that was asked."""


def identify(
    start: Path, selection: Selection, observer: Observer, *, cached: bool = False
) -> Identified:
    """Return the identity of what would be trained; nothing is trained and nothing recorded.

    A worker prepares as it does for a training, so that data, features, folds, code and environment
    are what they would be. With ``cached`` it is looked for a sealed run with this execution key
    that `train --replicates`, an experiment or a sweep would take for it. Raises what `train` does
    before the plan; with ``cached`` also IntegrityError for a run that is not what was sealed, and
    DeterminismError where the log has other bits under the key.
    """
    root, resolved, families = configuration(start, selection)
    for told in resolved.warnings:
        observer.warn(f"{told.place.file}:{told.place.line}: {told.message}")
    asks = wanted(root, resolved, families)
    active, job = asks.active, asks.job
    observer.stage("preparing data, features and folds")
    with tempfile.TemporaryDirectory(prefix="repro-") as scratch:
        with Session(job, Path(scratch)) as session:
            found = evidence(root, job)
            prepared = session.prepared()
        asked = Asked(root, resolved, active, asks.trainer, asks.selectors, observer)
        plan = plan_of(asked, job, found, prepared)
    known = known_run(root, plan) if cached else None
    return Identified(
        target=resolved.target,
        family=active.family,
        view=active.routing["view"],
        symbol=active.routing["symbol"],
        level=active.level,
        comparison_group=exact(plan.identity.comparison_group()),
        incomplete=plan.identity.missing,
        parts=_parts(plan),
        sealed=None if known is None else known.run,
    )


def _parts(plan: Plan) -> tuple[Part, ...]:
    identity, origins = plan.identity, _origins(plan.resolved)
    parts = [
        Part(
            name,
            identity.signatures.get(name),
            CONTEXTS[name],
            identity.payloads.get(name),
            origins.get(name, ()),
        )
        for name in SIGNATURES
    ]
    beside = execution_of(
        identity, plan.code, plan.environment, plan.job.settings, plan.job.threads
    )
    execution = Part("execution", identity.execution_key, CONTEXTS["execution"], beside)
    return (*parts, execution)


def _origins(resolved: Resolved) -> dict[str, tuple[Origin, ...]]:
    """Return by component where each of its values was decided."""
    found: dict[str, tuple[Origin, ...]] = {}
    for path, leaf in leaves_of(resolved).items():
        if leaf.used and (name := component_in(resolved, path)) != "none":
            found[name] = (*found.get(name, ()), _origin(leaf))
    return found


def _origin(leaf: Leaf) -> Origin:
    word = leaf.word
    place = f"{word.place.file}:{word.place.line}:{word.place.column}"
    return Origin(dotted(leaf.path), exact(word.value), word.layer, place)
