"""``repro diff``: are the outputs the same bits; if not, is it explained; by what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from repro.runs import divergence, layout
from repro.runs.causes import Inputs, causes, moved, unstated
from repro.runs.differences import SEED, Cause
from repro.runs.divergence import Divergence, Sealed
from repro.runs.effects import Effect, Sources, effects
from repro.runs.finding import relatives
from repro.runs.predictions import PredictionDifference
from repro.runs.predictions import compare as compare_predictions
from repro.runs.sealed import Run
from repro.runs.table import classes_in
from repro.runs.variance import Spread, Stability, by_seed, replicates, spread_of, stability
from repro.verbs.audit.log import require_as_logged

Groups = tuple[tuple[Run, ...], tuple[Run, ...]]
NO_GROUPS: Groups = ((), ())
SAME = frozenset({"identical", "reproduced", "same output", "within variance"})
UNEXPLAINED = "UNEXPLAINED"
MEANING: Mapping[str, str] = {
    "identical": "one execution key, the same bits",
    "reproduced": "the same bits from other code or another environment",
    "same output": "the same bits from another configuration or other data",
    "explained": "other bits, and these things differ",
    "within variance": "only the seed differs, and {metric} differs no more than among replicates",
    "outside variance": "only the seed differs, but {metric} differs more than among replicates",
    "no metric": "only the seed differs, but {metric}, which is judged, is no number in both",
    "too few replicates": "only the seed differs; too few replicates beside the two to judge by",
    UNEXPLAINED: "one execution key, other bits: this is an alarm",
}
_UNSTATED = "a signature or key is another, and nothing that was found says why: this is an alarm"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answer, verdict first."""

    a: Run
    b: Run
    verdict: str
    same_bits: bool
    """Whether all outputs are the same, bit for bit."""
    outputs: tuple[str, ...]
    """Names of the outputs whose bits differ."""
    moved: tuple[str, ...]
    """The signatures and keys that are others, by their names in a ``comparison_group``."""
    unstated: tuple[str, ...]
    """Those of them that no cause moves: an alarm."""
    causes: tuple[Cause, ...]
    divergence: tuple[Divergence, ...]
    """Where the second run first went another way: one for each kind, in the order in which one
    follows from another; none if the outputs are the same bits."""
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

    @property
    def meaning(self) -> str:
        """Return what the verdict says, in a sentence."""
        said = _UNSTATED if self.unstated else MEANING[self.verdict]
        return said if self.spread is None else said.format(metric=self.spread.metric)


def compare(root: Path, a: Run, b: Run) -> Comparison:
    """Return how two runs of a workspace compare.

    Raises IntegrityError, before anything else is said, for a run that is not what was sealed.
    """
    require_as_logged(root, a, b)
    same_bits = a.snapshot["output_digest"] == b.snapshot["output_digest"]
    found = causes(_inputs(a), _inputs(b))
    names = moved(a.group, b.group)
    unknown = unstated(names, found)
    rule = _rule(a, b)
    groups, spread = NO_GROUPS, None
    if rule and not same_bits:
        if _is_comparable(a, b):  # else the noise of one target would stand beside another
            groups = _groups(root, a, b, rule)
        if _only_seed(found):
            spread = spread_of(a, b, _judges(root, a, rule), rule.min_snapshots)
    differing = None if same_bits else _predictions(a, b)
    return Comparison(
        a=a,
        b=b,
        verdict=UNEXPLAINED if unknown else _verdict(a, b, same_bits, found, spread),
        same_bits=same_bits,
        outputs=_differing_outputs(a, b),
        moved=names,
        unstated=unknown,
        causes=found,
        divergence=() if same_bits else _divergence(a, b, differing),
        effects=tuple(_effects(a, b, rule, groups)),
        predictions=differing,
        spread=spread,
        label="; ".join(_label(a, b)),
    )


def _inputs(run: Run) -> Inputs:
    """Return what went into a run."""
    names = ("config.json", "dataset.json", "environment.json", "request.json")
    return Inputs(run.snapshot, *(run.read(name) for name in names))


def _rule(*runs: Run) -> Stability | None:
    """Return which runs are replicates; None if both runs are too old to say."""
    for run in runs:
        try:
            return stability(run.read("config.json"))
        except KeyError:
            continue
    return None


def _groups(root: Path, a: Run, b: Run, rule: Stability) -> Groups:
    """Return the replicates of both, one for each seed; none of the second if they share them.

    All but the seed is the same in them, whatever the rule says of which runs are judged by which:
    the spread over other configurations is no noise. Raises IntegrityError for one that is not what
    was sealed.
    """
    seeds = replace(rule, filter_mode="replicate")
    left, right = (
        by_seed(replicates(run, relatives(root, run, "replicate"), seeds)) for run in (a, b)
    )
    if a.group["replicate_key"] == b.group["replicate_key"]:
        right = {}
    others = {run.name: run for run in (*left.values(), *right.values())}
    others = {name: run for name, run in others.items() if name not in (a.name, b.name)}
    if others:
        require_as_logged(root, *others.values())
    return tuple(left.values()), tuple(right.values())


def _judges(root: Path, of: Run, rule: Stability) -> tuple[Run, ...]:
    """Return what counts as a replicate by the rule; IntegrityError for one that is not whole."""
    found = replicates(of, relatives(root, of, rule.filter_mode), rule)
    require_as_logged(root, *found)
    return found


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
    return all(a.group[name] == b.group[name] is not None for name in names)


def _differing_outputs(a: Run, b: Run) -> tuple[str, ...]:
    """Return the names of the outputs that are not the same bits on both sides."""
    old, new = a.snapshot["outputs"], b.snapshot["outputs"]
    return tuple(name for name in sorted({*old, *new}) if old.get(name) != new.get(name))


def _effects(a: Run, b: Run, rule: Stability | None, groups: Groups) -> Iterator[Effect]:
    """Yield each metric with direction and noise, in the order of the first run."""
    comparable = _is_comparable(a, b)
    left, right = ([run.metrics for run in group] for group in groups)
    sources = Sources(
        left, right, rule.min_snapshots if rule else 0, _folds(a, b) if comparable else ()
    )
    yield from effects(a.metrics, b.metrics, comparable=comparable, sources=sources)


def _folds(a: Run, b: Run) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Return the metrics of each test fold on both sides, if they have the same folds."""
    sides = [[fold["metrics"] for fold in run.read("metrics.json")["folds"]] for run in (a, b)]
    return list(zip(*sides, strict=True)) if len(sides[0]) == len(sides[1]) else []


def _sealed(run: Run) -> Sealed:
    """Return what a run is located in; an older one has no parts of its models."""
    parts = run.read(layout.PARTS) if (run.folder / layout.PARTS).is_file() else {}
    locators = run.read("dataset.json")["locators"]
    return Sealed(run.snapshot, locators, parts, run.folder / layout.PREDICTIONS)


def _divergence(a: Run, b: Run, differing: PredictionDifference | None) -> tuple[Divergence, ...]:
    """Return where the second run first went another way, kind by kind."""
    old, new = _sealed(a), _sealed(b)
    again = divergence.as_again(new)
    found = divergence.before_predictions(old, again)
    if differing is not None and (differing.changed or differing.only_a or differing.only_b):
        found += (Divergence("predictions", divergence.told(differing)),)
    return found + divergence.metrics(old, again)


def _predictions(a: Run, b: Run) -> PredictionDifference | None:
    """Return how the predictions differ, if both runs have some, and of the same classes."""
    files = [run.folder / layout.PREDICTIONS for run in (a, b)]
    if not all(file.is_file() for file in files) or classes_in(files[0]) != classes_in(files[1]):
        return None
    timed = all(divergence.is_timed(run.read("dataset.json")["locators"]) for run in (a, b))
    return compare_predictions(*files, timed=timed)


def _label(a: Run, b: Run) -> Iterator[str]:
    """Yield what limits the comparison."""
    for name in ("target", "task", "family", "view", "symbol", "level"):
        old, new = a.snapshot[name], b.snapshot[name]
        if old != new:
            yield f"different {name}: {old or 'all'} and {new or 'all'}"
    if not _is_comparable(a, b):
        yield "metrics are of different rows or targets: no better or worse"
    for one, other in ((a, b), (b, a)):
        lacking = [name for name in other.metrics if name not in one.metrics]
        if lacking and a.snapshot["task"] == b.snapshot["task"]:
            yield f"run {one.name} does not have {', '.join(lacking)}"
    for run in (a, b):
        if run.snapshot["level"] == "best-effort":
            yield f"run {run.name} is best-effort: its bits were never promised"
        if run.snapshot["incomplete"]:
            yield f"run {run.name} is incomplete: it lacks signatures"
        if not (run.folder / layout.PREDICTIONS).is_file():
            yield f"run {run.name} has no predictions"
