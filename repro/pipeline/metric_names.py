"""Which way is better, for every metric that ``evaluation`` returns.

Standard library only: a diff shows directions without loading numpy.
"""

from __future__ import annotations

from typing import Final

REGRESSION_METRICS: Final = (
    "rmse",
    "mae",
    "r2",
    "rank_ic",
    "rank_ic_dates",
    "baseline_rmse",
    "skill",
)
BINARY_METRICS: Final = (
    "auc",
    "log_loss",
    "accuracy",
    "baseline_log_loss",
    "baseline_accuracy",
    "skill",
)
MULTICLASS_METRICS: Final = (
    "macro_auc",
    "log_loss",
    "accuracy",
    "balanced_accuracy",
    "baseline_log_loss",
    "baseline_accuracy",
    "skill",
)

HIGHER_IS_BETTER: Final[dict[str, bool]] = {
    "accuracy": True,
    "auc": True,
    "balanced_accuracy": True,
    "log_loss": False,
    "macro_auc": True,
    "mae": False,
    "r2": True,
    "rank_ic": True,
    "rmse": False,
    "skill": True,
}
"""Metrics of the model.  Those of the baseline and counts have no direction: they describe the
task, and a change in them is a change of the data."""
