"""Hyperparameters without effect are told where they were set; impossible ones are refused."""

from __future__ import annotations

import pytest

from repro.config.checks.idle import idle, warned
from repro.config.resolution.resolve import Selection
from repro.errors import ProblemsError
from repro.verbs.configuring.validate import check, configuration, validate

LIGHTGBM = "model_config/lightgbm.yaml"
NEVER = "subsample_freq: 1"
"""Rows are drawn each round, in the shipped document."""


def told(problems):
    """Return problems as ``file:line: path: message``."""
    return [f"{p.place.file}:{p.place.line}: {p.path}: {p.message}" for p in problems]


def asked(family, *sets):
    return {"sets": (f"family={family}", *sets)}


@pytest.mark.parametrize("family", ["lightgbm", "xgboost", "mlp", "hist_gradient_boosting"])
@pytest.mark.parametrize("variant", [None, "conservative", "aggressive"])
def test_nothing_idle_is_said_in_the_shipped_documents(family, variant, resolved, families):
    assert idle(resolved(variant=variant, **asked(family)), families) == ()


def test_a_value_of_the_document_that_has_no_effect_is_a_warning(edit, resolved, families):
    edit(LIGHTGBM, NEVER, "subsample_freq: 0")
    found = resolved()
    assert check(found, families) == ()
    (problem,) = idle(found, families)
    assert problem.severity == "warning"
    (text,) = told([problem])
    assert text.startswith(f"CONFIG/{LIGHTGBM}:")
    assert "hyperparameters.bagging_fraction: bagging_fraction is not used while" in text
    assert f"bagging_freq is 0 (CONFIG/{LIGHTGBM}:" in text
    assert warned(found, families).warnings == (problem,)


def test_what_stands_beneath_is_no_one_s_word(edit, resolved, families):
    """Without a word of the document's own, the library's defaults are idle and say nothing."""
    edit(LIGHTGBM, NEVER, "subsample_freq: 0")
    edit(LIGHTGBM, "subsample: 0.8  ", "subsample: 1.0  ")
    assert idle(resolved(), families) == ()


@pytest.mark.parametrize(
    ("chosen", "name"),
    [
        (asked("mlp", "momentum=0.5"), "momentum"),
        (asked("mlp", "solver=sgd", "epsilon=1.0e-3"), "epsilon"),
        (asked("xgboost", "tree_method=exact", "max_bin=64"), "max_bin"),
        (asked("logistic_regression", "intercept_scaling=2.0"), "intercept_scaling"),
        (asked("lightgbm", "scale_pos_weight=2.0"), "scale_pos_weight"),
        (asked("lightgbm", "early_stopping_min_delta=0.1"), "early_stopping_min_delta"),
        (asked("hist_gradient_boosting", "tol=0.1"), "tol"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_override_without_effect_is_told_at_itself(chosen, name, resolved, families):
    target = "fwd_up_5d" if "logistic_regression" in chosen["sets"][0] else None
    (problem,) = idle(resolved(target=target, **chosen), families)
    assert problem.place.file.startswith("--set")
    assert problem.path == f"hyperparameters.{name}"


def test_classes_have_weights_and_only_they(resolved, families):
    chosen = asked("lightgbm", "scale_pos_weight=2.0")
    assert idle(resolved(target="fwd_up_5d", **chosen), families) == ()
    (problem,) = idle(resolved(**chosen), families)
    assert "scale_pos_weight is not used in a regression task" in problem.message


def test_a_variant_s_word_is_told_where_it_stands(edit, workspace, resolved, families):
    edit(LIGHTGBM, "variants:", "variants:\n  still: {bagging_freq: 0, bagging_fraction: 0.5}")
    (problem,) = idle(resolved(variant="still"), families)
    assert problem.source is not None
    assert "still:" in problem.source
    offered = [p for p in validate(workspace).problems if p.severity == "warning"]
    assert told([problem]) == told(offered)
    assert validate(workspace).exit_status() == 0
    assert validate(workspace).exit_status(strict=True) == 1


def test_a_warning_does_not_keep_a_configuration_from_use(workspace):
    chosen = asked("mlp", "momentum=0.5")
    _, found, _ = configuration(workspace, Selection(**chosen))
    assert [problem.path for problem in found.warnings] == ["hyperparameters.momentum"]


@pytest.mark.parametrize(
    ("target", "chosen", "name", "says"),
    [
        (None, asked("random_forest", "bootstrap=false"), "max_samples", "must be null while"),
        (
            "fwd_class_5d",
            asked("logistic_regression", "solver=liblinear"),
            "solver",
            'must be "lbfgs" or "newton-cholesky" or "saga" in a multiclass task, not "liblinear"',
        ),
        (
            "fwd_up_5d",
            asked("logistic_regression", "l1_ratio=0.5"),
            "l1_ratio",
            'must be 0.0 while solver is "lbfgs"',
        ),
        (
            "fwd_up_5d",
            asked("lightgbm", "is_unbalance=true", "scale_pos_weight=2.0"),
            "scale_pos_weight",
            "must be 1.0 while is_unbalance is true (--set 2:1) in a binary task",
        ),
        (None, asked("xgboost", "tree_method=exact", "max_leaves=7"), "max_leaves", "must be 0"),
        (
            None,
            asked("xgboost", "tree_method=exact", "grow_policy=lossguide"),
            "grow_policy",
            'must be "depthwise" while tree_method is "exact" (--set 2:1)',
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_only_a_training_would_find_is_found_before(
    target, chosen, name, says, workspace, resolved, families
):
    (problem,) = check(resolved(target=target, **chosen), families)
    assert problem.path == f"hyperparameters.{name}"
    assert problem.severity == "error"
    assert says in problem.message
    with pytest.raises(ProblemsError):
        configuration(workspace, Selection(target=target, **chosen))


def test_a_family_that_only_chooses_features_is_looked_at_too(edit, workspace, families):
    sets = (
        "feature_selection.method=importance",
        "feature_selection.families=[xgboost]",
    )
    edit("model_config/xgboost.yaml", "tree_method: hist", "tree_method: exact")
    edit("model_config/xgboost.yaml", "max_bin: 256", "max_bin: 64")
    _, found, _ = configuration(workspace, Selection(sets=sets))
    assert [problem.path for problem in found.warnings] == ["hyperparameters.max_bin"]
