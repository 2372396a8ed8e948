"""What is found of leakage, judged by the policy: started again without it, refused, or kept.

Findings come from the worker: those of the scan before the plan, those of the checks after
training. Both are mappings with the fields of ``repro.pipeline.leakage.Finding``, and ``set_at``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from repro.audit_log.formats.canonical import canonical
from repro.config.resolution.active import Active
from repro.config.resolution.layers import Path
from repro.config.resolution.resolve import Resolved
from repro.errors import ProblemsError, TrainingError
from repro.identity.keys import exact

Item = TypeVar("Item")
Findings = Sequence[Mapping[str, Any]]
DROP, WARN = "drop", "warn"
"""Policies for what leaks; the third, and any other, is to refuse."""
SETTINGS: Path = ("training_config", "safety_config", "safety", "leakage_detection")
LONGEST_LIST = 16_000
"""Bytes of a list that a record holds; of a longer one, what comes first and how many there are."""
_RECORDED = ("code", "subject", "value", "threshold", "rows", "set_at")
_OVER = "safety.leakage_detection"
_KEEP = f"set {_OVER}.policy: warn to keep the run"


@dataclass(frozen=True, slots=True)
class Judged:
    """What leakage is judged by, in one try of a run."""

    resolved: Resolved
    active: Active
    fixed: tuple[Mapping[str, Any], ...] = ()
    """What the scans of earlier tries found, and this one is without."""
    reruns: int = 0
    """How many tries there were before this one."""

    @property
    def policy(self) -> str:
        """Return what is done about a finding."""
        return str(self.active.leakage["policy"])

    @property
    def reruns_left(self) -> int:
        """Return how often the run may still be started again without features that leak."""
        return int(self.active.leakage["max_reruns"]) - self.reruns

    def left(self, findings: Findings) -> tuple[str, ...]:
        """Return the features that nothing was found of, in order."""
        culprits = {finding["subject"] for finding in findings}
        names = (feature["name"] for feature in self.active.features)
        return tuple(name for name in names if name not in culprits)


class LeakingFeatures(Exception):  # noqa: N818 (not the end of a run: it is started again)
    """Features that leak are to be dropped: the run is started again with those that are left."""

    def __init__(self, judged: Judged, findings: Findings) -> None:
        """Keep what was found, and in which try."""
        super().__init__(f"{len(findings)} findings of leakage")
        self.judged = judged
        self.findings = tuple(findings)


def located(findings: Findings, resolved: Resolved) -> list[dict[str, Any]]:
    """Return findings that say where the threshold was set that each of them crossed.

    ``set_at`` is file and line, ``command line``, or the words that were given instead (an axis of
    a sweep); None for what has no threshold to set. Raises CanonicalError for findings that no
    record can hold.
    """
    canonical(exact(list(findings)))
    return [_located(finding, resolved) for finding in findings]


def _located(finding: Mapping[str, Any], resolved: Resolved) -> dict[str, Any]:
    names = {"target_correlation": "feature_target_correlation"}
    name = names.get(finding["code"], finding["code"])
    value = resolved.flat.get((*SETTINGS, "auto_fix_thresholds", name))
    if value is None:
        return {**finding, "set_at": None}
    at = value.setting.at()
    return {**finding, "message": f"{finding['message']} ({at})", "set_at": at}


def judge_scan(judged: Judged, findings: Findings) -> None:
    """Raise for findings of the scan, unless the policy is to warn.

    LeakingFeatures where the policy is to drop them, some features are left, and the run may be
    started again; else TrainingError.
    """
    if not findings or judged.policy == WARN:
        return
    left = judged.left(findings)
    if judged.policy == DROP and left and judged.reruns_left > 0:
        raise LeakingFeatures(judged, findings)
    if not left:
        hint = f"no feature would be left: name others, or {_KEEP}"
    elif judged.policy == DROP:
        hint = f"remove the feature, raise {_OVER}.max_reruns, or {_KEEP}"
    else:
        hint = f"remove the feature, or set {_OVER}.policy: drop to train without it, warn to keep"
        hint += " the run"
    raise _refused(judged, findings, _told(findings), hint)


def judge_checks(judged: Judged, findings: Findings) -> None:
    """Raise TrainingError for findings of the checks, unless the policy is to warn."""
    if findings and judged.policy != WARN:
        hint = f"no feature is at fault by itself: look at what the model relies on, or {_KEEP}"
        raise _refused(judged, findings, _told(findings), hint)


def verdict(fixed: Findings, findings: Findings) -> str:
    """Return in a word what the scan before training and the checks after it came to."""
    if findings:
        return "warned"
    return "fixed" if fixed else "clean"


def as_judged(judged: Judged, sealed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``sealed`` (a snapshot's account of leakage) is to who asks for its run again.

    It may have been made without anything to fix, or with other features to leave out.
    """
    return {
        "policy": judged.policy,
        "verdict": verdict(judged.fixed, sealed["findings"]),
        "fixed": list(judged.fixed),
        "findings": sealed["findings"],
    }


def is_as_good(judged: Judged, sealed: Mapping[str, Any], thresholds: Mapping[str, float]) -> bool:
    """Return whether a sealed run would be judged today as it was.

    ``thresholds`` are those that it was judged by: with others, nobody knows what would be found.
    """
    accepted = judged.policy == WARN or not sealed["findings"]
    return accepted and dict(thresholds) == dict(judged.active.leakage["auto_fix_thresholds"])


def unable(found: LeakingFeatures, error: ProblemsError) -> TrainingError:
    """Return the error for a run that cannot be started again: its configuration allows it not."""
    problem = error.problems[0]
    why = f"{problem.path}: {problem.message}"
    judged = Judged(
        found.judged.resolved,
        found.judged.active,
        (*found.judged.fixed, *found.findings),
        found.judged.reruns + 1,
    )
    names = ", ".join(dict.fromkeys(finding["subject"] for finding in judged.fixed))
    return _refused(
        judged,
        (),
        f"{_told(found.findings)}; and without {names} the configuration is not valid: {why}",
        f"remove the feature and mend that, or {_KEEP}",
    )


def _told(findings: Findings) -> str:
    """Return findings as one sentence: the first, and how many there are."""
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return f"leakage: {findings[0]['message']}{more}"


def _refused(judged: Judged, findings: Findings, problem: str, hint: str) -> TrainingError:
    """Return the error of a run that the policy refuses, with the verdict in parts."""
    error = TrainingError(problem, hint)
    error.leakage = {
        "policy": judged.policy,
        "verdict": "refused",
        "fixed": recorded(judged.fixed),
        "findings": recorded(findings),
        "found": len(judged.fixed) + len(findings),
    }
    return error


def verdict_of(error: BaseException) -> dict[str, Any]:
    """Return what the record of a refused or failed run says of leakage; often nothing."""
    found = getattr(error, "leakage", None)
    return {} if found is None else {"leakage": found}


def fixed_record(judged: Judged, name: str) -> dict[str, Any]:
    """Return the body of ``leakage.fixed``: what the run is planned without, and why."""
    return {
        "run": name,
        "dropped": _fitting(finding["subject"] for finding in judged.fixed),
        "findings": recorded(judged.fixed),
        "found": len(judged.fixed),
        "reruns": judged.reruns,
    }


def recorded(findings: Findings) -> list[dict[str, Any]]:
    """Return findings as the log has them, the first that fit: no values out of the data."""
    return _fitting(map(_recorded, findings))


def _recorded(finding: Mapping[str, Any]) -> dict[str, Any]:
    """Return a finding; its formula as text, so that no later kind of formula unsettles the log."""
    formula = finding["formula"]
    return {
        **{key: exact(finding[key]) for key in _RECORDED},
        "formula": None if formula is None else canonical(exact(dict(formula))).decode(),
        "first": [{key: row[key] for key in ("symbol", "time")} for row in finding["first"]],
    }


def _fitting(items: Iterable[Item]) -> list[Item]:
    """Return the first items of a list that together have no more bytes than a record may hold."""
    made: list[Item] = []
    size = 0
    for item in items:
        size += len(canonical({"item": item}))
        if size > LONGEST_LIST:
            break
        made.append(item)
    return made
