"""What follows from a finding, and what is written down of it."""

from pathlib import Path

import pytest

from repro.audit_log.formats.record import MAX_LINE
from repro.config.documents.tree import load
from repro.config.resolution.active import activate
from repro.config.resolution.resolve import Selection, resolve
from repro.errors import ProblemsError, TrainingError
from repro.facts.trainers import declarations
from repro.verbs.configuring.validate import check
from repro.verbs.training.leaking import (
    Judged,
    LeakingFeatures,
    as_judged,
    fixed_record,
    is_as_good,
    judge_checks,
    judge_scan,
    located,
    recorded,
    unable,
)

POLICY = "safety.leakage_detection.policy"
LIMIT = "auto_fix_thresholds.feature_target_correlation"
ROW = {"symbol": "A", "time": "2001-01-02", "feature": 1.5, "target": 2.5}


def finding(subject, code="target_correlation"):
    return {
        "code": code, "subject": subject, "value": 0.99, "threshold": 0.95, "rows": 100,
        "message": f"correlation of {subject} is 0.99, at least 0.95",
        "formula": {"kind": "column", "column": "High"}, "first": [ROW], "set_at": None,
    }  # fmt: skip


LEAK = [finding("canary_high")]
SCORE = [{**finding("r2", "cv_score"), "formula": None, "first": []}]


@pytest.fixture(scope="module")
def judging():
    """Return what makes the judgement of the canary, with overrides."""
    families = declarations()
    tree, _ = load(Path(__file__).parents[1], families)

    def make(*sets, without=(), **tries):
        asked = Selection(experiment="leakage_canary", sets=sets, without=without)
        resolved = resolve(tree, asked, families)
        return Judged(resolved, activate(resolved), **tries)

    return make


def refusal(judge, *arguments):
    with pytest.raises(TrainingError) as caught:
        judge(*arguments)
    return caught.value


def test_what_leaks_is_refused_with_advice_that_can_help(judging):
    strict = refusal(judge_scan, judging(), LEAK)
    assert "policy: drop to train without it" in strict.hint
    drop = f"{POLICY}=drop"
    spent = refusal(judge_scan, judging(drop, "max_reruns=0"), LEAK)
    assert "raise safety.leakage_detection.max_reruns" in spent.hint
    all_of_them = [finding(n) for n in ("canary_high", "canary_low_lag1", "ret_1d_lag1")]
    for sets in ((), (drop,)):
        nothing_left = refusal(judge_scan, judging(*sets), all_of_them)
        assert "no feature would be left" in nothing_left.hint
    score = refusal(judge_checks, judging(), SCORE)
    assert "no feature is at fault" in score.hint
    for error in (spent, nothing_left, score):
        assert "drop" not in error.hint
        assert "policy: warn to keep the run" in error.hint


def test_dropping_starts_again_as_often_as_it_may_and_a_warning_lets_all_pass(judging):
    for tries in range(3):
        with pytest.raises(LeakingFeatures):
            judge_scan(judging(f"{POLICY}=drop", reruns=tries), LEAK)
    refusal(judge_scan, judging(f"{POLICY}=drop", reruns=3), LEAK)
    warn = judging(f"{POLICY}=warn")
    judge_scan(warn, LEAK)
    judge_checks(warn, SCORE)
    judge_scan(judging(), [])


def test_a_refusal_holds_its_verdict_in_parts(judging):
    error = refusal(judge_scan, judging(f"{POLICY}=drop", fixed=tuple(LEAK), reruns=3), LEAK)
    found = error.leakage
    assert (found["policy"], found["verdict"], found["found"]) == ("drop", "refused", 2)
    (one,) = found["findings"]
    assert found["fixed"] == [one]
    assert one["first"] == [{"symbol": "A", "time": "2001-01-02"}]
    assert one["formula"] == '{"column":"High","kind":"column"}'
    assert "message" not in one


def test_what_is_not_valid_without_the_leak_says_what_it_is(judging):
    sets = (f"{POLICY}=drop", "feature_selection.method=correlation", "top_k=3")
    with pytest.raises(LeakingFeatures) as caught:
        judge_scan(judging(*sets), LEAK)
    left = judging(*sets, without=("canary_high",))
    problems = ProblemsError(check(left.resolved, declarations()))
    error = unable(caught.value, problems)
    assert error.exit_status == 6
    assert "without canary_high the configuration is not valid" in error.problem
    assert problems.problems[0].message in error.problem
    assert [one["subject"] for one in error.leakage["fixed"]] == ["canary_high"]
    assert error.leakage["findings"] == []


def test_a_threshold_is_found_where_it_was_set(judging):
    file, _, line = located(LEAK, judging().resolved)[0]["set_at"].partition(":")
    text = (Path(__file__).parents[1] / file).read_text("utf-8").splitlines()[int(line) - 1]
    assert "feature_target_correlation: 0.95" in text
    (typed,) = located(LEAK, judging(f"{LIMIT}=0.9").resolved)
    assert typed["set_at"] == "command line"
    assert typed["message"].endswith("(command line)")
    (exact,) = located([finding("f", "target_in_feature")], judging().resolved)
    assert (exact["set_at"], exact["message"]) == (None, finding("f")["message"])
    (score,) = located(SCORE, judging().resolved)
    assert score["set_at"].startswith(f"{file}:")


def test_a_reused_run_is_judged_by_who_asks(judging):
    clean = {"policy": "strict", "verdict": "clean", "fixed": [], "findings": []}
    dropped = judging(f"{POLICY}=drop", fixed=tuple(LEAK), reruns=1)
    assert as_judged(dropped, clean)["verdict"] == "fixed"
    assert as_judged(dropped, clean)["policy"] == "drop"
    fixed = {**clean, "verdict": "fixed", "fixed": LEAK}
    assert as_judged(judging(), fixed) == clean
    warned = {**clean, "verdict": "warned", "findings": SCORE}
    limits = {"cv_score": 0.99, "training_accuracy": 0.999, "feature_target_correlation": 0.95}
    assert is_as_good(judging(), clean, limits)
    assert is_as_good(judging(f"{POLICY}=warn"), warned, limits)
    assert not is_as_good(judging(), warned, limits)
    assert not is_as_good(dropped, warned, limits)
    assert not is_as_good(judging(), clean, {**limits, "cv_score": 0.5})


def test_however_much_leaks_the_record_stays_within_its_line(judging):
    many = tuple(finding(f"feature_{number:05}") for number in range(5000))
    body = fixed_record(judging(f"{POLICY}=drop", fixed=many, reruns=1), "0" * 12 + "-1")
    assert body["found"] == 5000
    assert 0 < len(body["findings"]) < len(body["dropped"]) < 5000
    assert body["dropped"] == [f["subject"] for f in many[: len(body["dropped"])]]
    assert len(str(body)) < MAX_LINE
    assert recorded(many)[0]["subject"] == "feature_00000"
