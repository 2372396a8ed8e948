"""``repro select``: an ordinary run of each family, and the features that they count on most.

Each run is made with all features, whatever the configured method of selection; one that is sealed
already, by its execution key, is not trained again. What they say of each feature is read from
the models of their folds. Nothing is changed by it: the outcome is a list, to be written where it
is to be used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from repro.config.editing.render import entry, inline
from repro.config.resolution.active import SELECTION, SELECTION_USES, activate, selecting
from repro.config.resolution.given import asked_by
from repro.config.resolution.resolve import Resolved, Selection
from repro.errors import UsageError
from repro.runs import layout
from repro.runs.importance import Ranked, Told, best, ranked
from repro.runs.purpose import SELECTION as FOR_SELECTION
from repro.runs.purpose import Purpose
from repro.verbs.configuring.validate import configuration
from repro.verbs.research.choosing import VALUES, is_set, not_so, without
from repro.verbs.research.resuming import resumable
from repro.verbs.training.sealing import Outcome
from repro.verbs.training.train import TrainCommand, train

RULE = "feature_selection.feature_selection"
METHOD = f"{RULE}.method"
FINAL = "final"
WHO = "repro select"
"""Who asks for what this command overrides of itself."""
_EDITOR = "# yaml-language-server: $schema=../.schemas/experiment.schema.json"


@dataclass(frozen=True, slots=True)
class Selected:
    """Features ranked for one target, and the runs that say so."""

    target: str
    view: str
    symbol: str | None
    aggregate: str
    """How the folds of a family are brought together."""
    outcomes: Mapping[str, Outcome]
    """By family."""
    ranked: Ranked
    names: tuple[str, ...]
    """Those that are kept, in the order of the registry."""
    asked: Selection
    """What was asked of the configuration."""

    @property
    def document(self) -> str:
        """Return an experiment of these features, as YAML."""
        return _document(self)


def select(command: TrainCommand, *, rerun: bool = False) -> Selected:
    """Train each family of ``feature_selection.families`` on all features, and rank these.

    Raises UsageError where a family is asked for, and everything that ``selected`` raises.
    """
    if is_set(command.selection.sets, "family"):
        raise UsageError(
            "a family says what a run trains;"
            " those that rank features stand in feature_selection.families",
            not_so("feature_selection.families", "NAME"),
        )
    return selected(command, rerun=rerun)


def selected(command: TrainCommand, *, rerun: bool = False) -> Selected:
    """Rank features as ``select`` does, for an experiment too: a family is what that trains next.

    Raises ProblemsError, before anything is trained, for a family that cannot be trained for the
    target and for more features to be kept than there are; and everything that ``train`` raises: a
    list by fewer families than were asked would be another list.
    """
    each, resolved = require_possible(command)
    active = activate(resolved)
    rule = active.selection
    outcomes: dict[str, Outcome] = {}
    with resumable(rerun=rerun) as going:
        for number, (family, selection) in enumerate(each.items(), start=1):
            told = f"features of {resolved.target} by {family}, {number} of {len(each)}"
            command.observer.stage(told)
            one = replace(command, selection=selection, reuse=not rerun, in_stage=True)
            outcomes[family] = train(replace(one, made_for=Purpose(FOR_SELECTION)))
            going.add(outcomes[family])
    declared = [str(feature["name"]) for feature in active.features]
    found = ranked(_told(outcomes), declared, rule["top_k"], rule["aggregate"])
    scores = {feature.name: feature.score for feature in found.features}
    present = [name for name in declared if name in scores]
    return Selected(
        target=resolved.target,
        view=active.routing["view"],
        symbol=active.routing["symbol"],
        aggregate=rule["aggregate"],
        outcomes=outcomes,
        ranked=found,
        names=best(scores, present, rule["top_k"]),
        asked=command.selection,
    )


def require_possible(command: TrainCommand) -> tuple[dict[str, Selection], Resolved]:
    """Return what asks for the run of each family, and the configuration with the rule.

    Raises ProblemsError as ``select`` does.
    """
    asked = replace(command.selection, staged=True)
    # The configuration of a run that selects by models is what names the families, and checks them.
    choosing = (*without(asked.sets, METHOD), asked_by(WHO, METHOD, "importance"))
    _, resolved, _ = configuration(command.start, replace(asked, sets=choosing))
    each = {family: _one(asked, resolved, family) for family in selecting(resolved)}
    for selection in each.values():
        configuration(command.start, selection)
    return each, resolved


def _one(asked: Selection, resolved: Resolved, family: str) -> Selection:
    """Return what asks for a run of one family with all features.

    What is asked of the rule is no business of such a run, and nothing is overridden that is so.
    """
    sets = _unruled(asked)
    *_, beneath, _ = resolved.flat[(*SELECTION, "method")].history  # the last is our own
    if beneath.value != "none":
        sets = (*sets, asked_by(WHO, METHOD, "none"))
    if family != resolved.family:
        sets = (*without(sets, VALUES["family"]), asked_by(WHO, VALUES["family"], family))
    return replace(asked, sets=sets)


def without_idle(asked: Selection, resolved: Resolved) -> tuple[str, ...]:
    """Return the overrides but for those of the rule that a run does not read: ``select`` did."""
    sets = asked.sets
    reads = SELECTION_USES[resolved.flat[(*SELECTION, "method")].value]
    for name in SELECTION_USES["importance"]:
        sets = sets if name in reads else without(sets, f"{RULE}.{name}")
    return sets


def _unruled(asked: Selection) -> tuple[str, ...]:
    """Return the overrides that say nothing of how features are selected."""
    sets = asked.sets
    for name in SELECTION_USES["importance"]:
        sets = without(sets, f"{RULE}.{name}")
    return sets


def _told(outcomes: Mapping[str, Outcome]) -> Told:
    """Return what the models of the folds of each run say of the features."""
    read = {
        family: json.loads((outcome.folder / layout.IMPORTANCE).read_bytes())
        for family, outcome in outcomes.items()
    }
    return {
        family: {stage: found for stage, found in stages.items() if stage != FINAL}
        for family, stages in read.items()
    }


def _document(found: Selected) -> str:
    """Return an experiment that trains on what was kept, for ``CONFIG/experiments``."""
    families = ", ".join(found.outcomes)
    count, of = len(found.names), len(found.ranked.features)
    experiment: dict[str, object] = {
        "description": f"{count} of {of} features of {found.target}, by {families}.",
    }
    if found.asked.experiment is not None:
        experiment["extends"] = found.asked.experiment
        experiment |= {"rank_targets": None, "select_features": None}
    experiment["targets"] = [found.target]
    experiment["features"] = list(found.names)
    named = {"variant": found.asked.variant, "profile": found.asked.profile}
    experiment |= {key: value for key, value in named.items() if value is not None}
    runs = ", ".join(f"{family} {outcome.run}" for family, outcome in found.outcomes.items())
    lines = [_EDITOR, f"# repro select, by {found.aggregate} over the folds of: {runs}"]
    if others := [*found.asked.overlays, *_unruled(found.asked)]:
        lines.append(f"# Asked for with {inline(others)}, which is not repeated here.")
    return "\n".join([*lines, "", *entry("experiment", experiment, 0), ""])
