"""``repro diff``: are the outputs the same bits; if not, is it explained; by what."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.audit.log import require_as_logged
from repro.identity.payloads import ENVIRONMENT
from repro.pipeline.metric_names import HIGHER_IS_BETTER
from repro.runs import differences, statistics
from repro.runs.differences import SEED, Cause
from repro.runs.finding import relatives
from repro.runs.predictions import PredictionDifference
from repro.runs.predictions import compare as compare_predictions
from repro.runs.sealed import Run
from repro.runs.variance import Spread, replicates, spread_of, stability

SAME = frozenset({"identical", "reproduced", "same output", "within variance"})
UNEXPLAINED = "UNEXPLAINED"
MEANING: Mapping[str, str] = {
    "identical": "one execution key, the same bits",
    "reproduced": "the same bits from other code or another environment",
    "same output": "the same bits from another configuration or other data",
    "explained": "other bits, and these things differ",
    "within variance": "only the seed differs, and the metrics differ no more than replicates do",
    "outside variance": "only the seed differs, but the metrics differ more than replicates do",
    "too few replicates": "only the seed differs; there are too few replicates to judge by",
    UNEXPLAINED: "one execution key, other bits: this is an alarm",
}


@dataclass(frozen=True, slots=True)
class Effect:
    """A metric on both sides."""

    metric: str
    old: float | None
    new: float | None
    better: bool | None
    """Whether the second run is better; None if it has no direction or did not change."""
    noise: float | None = None
    """Standard error of the mean difference over the test folds of both, pair by pair; None where
    they are not the same rows, or fewer than two."""

    @property
    def delta(self) -> float | None:
        """Return new minus old."""
        return None if self.old is None or self.new is None else self.new - self.old


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answer, verdict first."""

    a: Run
    b: Run
    verdict: str
    same_bits: bool
    outputs: tuple[str, ...]
    """Names of the outputs whose bits differ."""
    causes: tuple[Cause, ...]
    effects: tuple[Effect, ...]
    predictions: PredictionDifference | None
    spread: Spread | None
    label: str
    """What limits the comparison, such as two targets; empty if nothing does."""

    @property
    def exit_status(self) -> int:
        """Return 0 for the same, 5 for bits that nothing explains, 1 otherwise."""
        if self.verdict == UNEXPLAINED:
            return 5
        return 0 if self.verdict in SAME else 1


def compare(root: Path, a: Run, b: Run) -> Comparison:
    """Return how two runs of a workspace compare.

    Raises IntegrityError, before anything else is said, for a run that is not what was sealed.
    """
    require_as_logged(root, a, b)
    same_bits = a.snapshot["output_digest"] == b.snapshot["output_digest"]
    causes = tuple(_causes(a, b))
    spread = None
    if not same_bits and _only_seed(causes):
        rule = stability(a.read("config.json"))
        others = replicates(a, relatives(root, a, rule.filter_mode), rule)
        require_as_logged(root, *others)
        spread = spread_of(a, b, others, rule.min_snapshots)
    return Comparison(
        a=a,
        b=b,
        verdict=_verdict(a, b, same_bits, causes, spread),
        same_bits=same_bits,
        outputs=_differing_outputs(a, b),
        causes=causes,
        effects=tuple(_effects(a, b)),
        predictions=_predictions(a, b) if not same_bits and _is_comparable(a, b) else None,
        spread=spread,
        label=_label(a, b),
    )


def _causes(a: Run, b: Run) -> Iterator[Cause]:
    """Yield everything that differs between what went into two runs."""
    idle = _idle(a) & _idle(b)
    yield from differences.configuration(a.read("config.json"), b.read("config.json"), idle)
    left, right = a.read("dataset.json"), b.read("dataset.json")
    if a.group["dataset_signature"] != b.group["dataset_signature"]:
        yield from differences.data(left, right)
    yield from differences.files(left, right)
    old, new = a.read("environment.json"), b.read("environment.json")
    yield from differences.mapping("code", "execution_key", old["code"], new["code"])
    yield from differences.mapping("code", "", old["git"] or {}, new["git"] or {}, "git")
    yield from differences.mapping("environment", "execution_key", _computing(old), _computing(new))


def _idle(run: Run) -> set[str]:
    """Return the paths of the hyperparameters that had no effect; none if the run is too old."""
    prefix = f"model_config.{run.snapshot['family']}.hyperparameters"
    return {f"{prefix}.{name}" for name in run.snapshot["parameters"].get("idle", ())}


def _computing(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of an environment that decides bits."""
    return {name: facts["environment"][name] for name in (*ENVIRONMENT, "settings")}


def _only_seed(causes: tuple[Cause, ...]) -> bool:
    """Return whether the base seed is all that moves a key."""
    moving = [cause for cause in causes if cause.component]
    return bool(moving) and all(cause.subject.endswith(SEED) for cause in moving)


def _verdict(
    a: Run, b: Run, same_bits: bool, causes: tuple[Cause, ...], spread: Spread | None
) -> str:
    """Return the verdict; see ``MEANING``."""
    promised = all(
        run.snapshot["level"] != "best-effort" and not run.snapshot["incomplete"] for run in (a, b)
    )
    one_key = a.group["execution_key"] == b.group["execution_key"]
    if same_bits:
        if one_key:
            return "identical"
        moved = a.group["strict_key"] != b.group["strict_key"]
        return "same output" if moved else "reproduced"
    if one_key:
        return UNEXPLAINED if promised else "explained"
    if spread is not None:
        return spread.verdict
    return "explained" if any(cause.component for cause in causes) else UNEXPLAINED


def _is_comparable(a: Run, b: Run) -> bool:
    """Return whether metrics and predictions mean the same: one target on the same rows."""
    names = ("dataset_signature", "target_signature", "split_signature", "routing_signature")
    return all(a.group[name] == b.group[name] for name in names)


def _differing_outputs(a: Run, b: Run) -> tuple[str, ...]:
    """Return the names of the outputs that are not the same bits on both sides."""
    old, new = a.snapshot["outputs"], b.snapshot["outputs"]
    return tuple(name for name in sorted({*old, *new}) if old.get(name) != new.get(name))


def _effects(a: Run, b: Run) -> Iterator[Effect]:
    """Yield each metric with its direction, in the order of the first run."""
    old, new = a.snapshot["metrics"], b.snapshot["metrics"]
    comparable = _is_comparable(a, b)
    folds = _folds(a, b) if comparable else []
    for name in dict.fromkeys([*old, *new]):
        x, y = old.get(name), new.get(name)
        better = None
        if comparable and name in HIGHER_IS_BETTER and x is not None and y is not None and x != y:
            better = (y > x) is HIGHER_IS_BETTER[name]
        yield Effect(name, x, y, better, _noise(folds, name))


def _folds(a: Run, b: Run) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Return the metrics of each test fold on both sides, if they have the same folds."""
    sides = [[fold["metrics"] for fold in run.read("metrics.json")["folds"]] for run in (a, b)]
    return list(zip(*sides, strict=True)) if len(sides[0]) == len(sides[1]) else []


def _noise(
    folds: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]], metric: str
) -> float | None:
    """Return the standard error of the mean difference of a metric over pairs of folds."""
    pairs = [(x.get(metric), y.get(metric)) for x, y in folds]
    known = [y - x for x, y in pairs if x is not None and y is not None]
    spread = statistics.deviation(known)
    complete = len(known) == len(pairs)
    return spread / math.sqrt(len(known)) if spread is not None and complete else None


def _predictions(a: Run, b: Run) -> PredictionDifference | None:
    """Return how the predictions differ, if both runs have some."""
    files = [run.folder / "predictions.npy" for run in (a, b)]
    if not all(file.is_file() for file in files):
        return None
    timed = not a.read("dataset.json")["locators"]["unit"].endswith("rows")
    return compare_predictions(*files, timed=timed)


def _label(a: Run, b: Run) -> str:
    """Return what limits the comparison."""
    told = [
        f"different {name}: {a.snapshot[name] or 'all'} and {b.snapshot[name] or 'all'}"
        for name in ("target", "task", "family", "view", "symbol", "level")
        if a.snapshot[name] != b.snapshot[name]
    ]
    if not _is_comparable(a, b):
        told.append("metrics are of different rows or targets: no better or worse")
    told += [
        f"run {run.name} is {what}"
        for run in (a, b)
        for what, holds in (
            ("best-effort: its bits were never promised", run.snapshot["level"] == "best-effort"),
            ("incomplete: it lacks signatures", bool(run.snapshot["incomplete"])),
        )
        if holds
    ]
    return "; ".join(told)
