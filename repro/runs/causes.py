"""Why two sealed runs have other identities: every cause, and what each of them moves. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from repro.identity.equality import same
from repro.identity.keys import SIGNATURES
from repro.identity.payloads import ENVIRONMENT
from repro.runs import differences
from repro.runs.differences import Cause

KINDS: Mapping[str, str] = {"dataset": "data", "features": "features", "splits": "splits"}
"""Component to the kind of a cause that lies in its facts; of others it is configuration."""
UPSTREAM = frozenset({"dataset", "target", "features", "splits", "routing"})
"""Components that decide which rows are cut into folds, and how."""
NAMES = (*SIGNATURES.values(), "train_seed", "replicate_key", "strict_key", "execution_key")
EXECUTION = frozenset({"execution", "execution_key"})


@dataclass(frozen=True, slots=True)
class Inputs:
    """What went into a run, as it was sealed."""

    snapshot: Mapping[str, Any]
    config: Mapping[str, Any]
    dataset: Mapping[str, Any]
    environment: Mapping[str, Any]
    request: Mapping[str, Any]

    @property
    def group(self) -> Mapping[str, Any]:
        """Return signatures and keys."""
        group: Mapping[str, Any] = self.snapshot["comparison_group"]
        return group


def causes(a: Inputs, b: Inputs) -> tuple[Cause, ...]:
    """Return everything that differs between what went into two runs, each thing once.

    Of every signature and key that is another, the causes name it among what they ``move``; where
    they do not, see ``unstated``.
    """
    decided = differences.configuration(a.config, b.config, _idle(a) & _idle(b))
    found = [_signed(cause, a, b) for cause in decided]
    for component in SIGNATURES:
        found += _facts(component, a, b, found)
    found += differences.files(a.dataset, b.dataset)
    old, new = a.environment, b.environment
    found += differences.mapping("code", "execution_key", old["code"], new["code"])
    found += differences.mapping("code", "", old.get("git") or {}, new.get("git") or {}, "git")
    found += _environment(old["environment"], new["environment"])
    if a.group["strict_key"] == b.group["strict_key"] and not _any(found, EXECUTION):
        found += _asked(a, b)
    return tuple(found)


def moved(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names in two comparison groups under which they differ, in their order there."""
    return tuple(name for name in NAMES if a[name] != b[name])


def unstated(names: Iterable[str], found: Iterable[Cause]) -> tuple[str, ...]:
    """Return the signatures and keys that moved and that no cause says it moves."""
    stated = {name for cause in found for name in cause.moves}
    return tuple(name for name in names if name not in stated)


def _signed(cause: Cause, a: Inputs, b: Inputs) -> Cause:
    """Return a cause as it is where neither run has the signature: it moves what is asked alone."""
    name = SIGNATURES.get(cause.component)
    lacks = name is not None and a.group[name] is None and b.group[name] is None
    return replace(cause, component="execution") if lacks else cause


def _any(found: Iterable[Cause], components: frozenset[str]) -> bool:
    return any(cause.component in components for cause in found)


def _idle(run: Inputs) -> set[str]:
    """Return the paths of the hyperparameters that had no effect; none if the run is too old."""
    prefix = f"model_config.{run.snapshot['family']}.hyperparameters"
    return {f"{prefix}.{name}" for name in run.snapshot["parameters"].get("idle", ())}


def _environment(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Cause]:
    """Yield what differs between two environments; of a shared library, with its package."""
    packages = {**b.get("packages", {}), **a.get("packages", {})}
    old, new = _computing(a), _computing(b)
    for cause in differences.mapping("environment", "execution_key", old, new):
        part, _, name = cause.subject.partition(", ")
        yield replace(cause, package=packages.get(name, "")) if part == "mapped" else cause


def _computing(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of an environment that decides bits; older runs may know less of it."""
    return {name: environment.get(name) for name in (*ENVIRONMENT, "settings")}


def _facts(component: str, a: Inputs, b: Inputs, found: list[Cause]) -> Iterator[Cause]:
    """Yield what differs in the facts of a component, if its signature is another."""
    if a.group[SIGNATURES[component]] == b.group[SIGNATURES[component]]:
        return
    kind = KINDS.get(component, "configuration")
    old, new = (run.snapshot["payloads"].get(component) for run in (a, b))
    if old is None or new is None:
        before, after = ("incomplete" if side is None else "complete" for side in (old, new))
        yield Cause(kind, f"identity of the {component}", before, after, component)
        return
    if old["schema"] != new["schema"]:
        subject = f"version of the payload of the {component}"
        yield Cause(kind, subject, old["schema"], new["schema"], component)
    facts = old["facts"], new["facts"]
    if component == "dataset":
        yield from _dataset(a, b, facts)
    elif component == "splits":
        follows = _any(found, UPSTREAM)
        yield from (replace(cause, follows=follows) for cause in _splits(*facts))
    elif not any(cause.subject == differences.SELECTED for cause in found):
        yield from differences.mapping(kind, component, facts[0], facts[1], component)


def _dataset(
    a: Inputs, b: Inputs, facts: tuple[Mapping[str, Any], Mapping[str, Any]]
) -> Iterator[Cause]:
    """Yield which cells differ, then what differs of the table as a whole."""
    old, new = facts
    located = [] if old["root"] == new["root"] else list(differences.data(a.dataset, b.dataset))
    yield from located
    before, after = ({n: side[n] for n in side if n != "root"} for side in (old, new))
    whole = list(differences.mapping("data", "dataset", before, after, "dataset"))
    yield from whole
    if old["root"] != new["root"] and not located and not whole:
        yield Cause("data", "dataset, digest of its values", old["root"], new["root"], "dataset")


def _splits(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Cause]:
    """Yield each fold that was cut otherwise, with what differs of it; of drawn folds, the rule."""
    if "folds" not in old or not isinstance(old["folds"], list) or "fold_map" not in new:
        yield from differences.mapping("splits", "splits", old, new, "folds as they were cut")
        return
    left, right = ({fold["fold"]: fold for fold in side["folds"]} for side in (old, new))
    cut = False
    for number in sorted({*left, *right}):
        before, after = _apart(left.get(number), right.get(number))
        if before != after:
            cut = True
            yield Cause("splits", f"fold {number}, as it was cut", before, after, "splits")
    if not cut and old["fold_map"] != new["fold_map"]:
        subject = "which rows train and test"
        yield Cause("splits", subject, old["fold_map"], new["fold_map"], "splits")


def _apart(
    old: Mapping[str, Any] | None, new: Mapping[str, Any] | None
) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
    """Return what two folds do not share; the whole of one if there is no other."""
    if old is None or new is None:
        return old, new
    names = [n for n in dict.fromkeys([*old, *new]) if not same(old.get(n), new.get(n))]
    return {n: old[n] for n in names if n in old}, {n: new[n] for n in names if n in new}


def _asked(a: Inputs, b: Inputs) -> Iterator[Cause]:
    """Yield what the worker was asked otherwise where nothing else says why the key is another."""
    if a.group["execution_key"] == b.group["execution_key"]:
        return
    old, new = a.request["decides"], b.request["decides"]
    yield from differences.mapping("configuration", "execution_key", old, new, "request")
    old, new = a.snapshot.get("seeds"), b.snapshot.get("seeds")
    yield from differences.mapping("code", "execution_key", old, new, "derived seeds")
