"""Results that are too good to be true, for thresholds that are low enough."""

from __future__ import annotations

from .workspace import PLANNED, QUICK, Workspace

SAFETY = "CONFIG/training_config/safety_config.yaml"


def test_a_feature_that_nearly_is_the_target_is_refused_before_the_plan(shared: Workspace) -> None:
    with shared.edited(
        SAFETY, "feature_target_correlation: 0.95", "feature_target_correlation: 1e-4"
    ):
        says = ("leakage: ", "correlation of", "with target fwd_ret_5d", "no feature would be left")
        shared.refuse("train", *QUICK, status=6, says=says, adds=("run.refused",))


def test_a_model_that_knows_its_training_rows_too_well_is_a_failed_run(shared: Workspace) -> None:
    with shared.edited(SAFETY, "training_accuracy: 0.999", "training_accuracy: 0.0001"):
        says = ("leakage: r2 on training rows", "too good to be true", "warn to keep the run")
        shared.refuse("train", *QUICK, status=6, says=says, adds=(*PLANNED, "run.failed"))


def test_a_policy_that_warns_keeps_the_run_with_its_findings(fresh: Workspace) -> None:
    before = fresh.state()
    with (
        fresh.edited(SAFETY, "training_accuracy: 0.999", "training_accuracy: 0.0001"),
        fresh.edited(SAFETY, "policy: strict", "policy: warn"),
    ):
        fresh.repro("train", *QUICK).require(0, "leakage warning: r2 on training rows")
        fresh.require_clean(before, *PLANNED, "run.completed")


def test_a_policy_that_does_not_exist_is_a_finding(shared: Workspace) -> None:
    with shared.edited(SAFETY, "policy: strict", "policy: ignore"):
        shared.refuse("train", status=1, says=(SAFETY, '"ignore" is not one of strict, drop, warn'))
