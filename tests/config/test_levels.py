"""What a level cannot promise is refused before training, at the value that is at fault."""

from dataclasses import replace

import pytest

from repro.config.checks.cross import cross_checks
from repro.facts.limits import UNKNOWN, Limit

LEVEL, MODEL = "CONFIG/training_config/reproducibility_config.yaml", "CONFIG/model_config/"


@pytest.fixture
def found(resolved, families):
    """Return what finds problems where LightGBM's declaration says something else."""

    def check(*sets, level="strict", **said):
        offered = {**families, "lightgbm": replace(families["lightgbm"], **said)}
        asked = (f"level={level}", *sets)
        return cross_checks(resolved(sets=asked), offered)

    return check


def limit(levels=("portable",), **more):
    return Limit(levels, "exp differs by processor", "LightGBM 4.7: seen", {}, **more)


@pytest.mark.parametrize("level", ["strict", "portable", "best-effort"])
def test_the_shipped_families_promise_every_level(level, found):
    assert found(level=level) == ()


def test_several_threads_are_promised_at_strict_and_not_at_portable(found):
    assert found("threads=3") == ()
    (problem,) = found("threads=3", level="portable")
    assert problem.path == "reproducibility.threads"
    assert problem.message == "3 threads: the level portable has one"
    assert problem.hint == "write 1, or choose the level strict"


def test_a_family_that_cannot_promise_a_level_is_told_at_the_level_with_reason_and_evidence(found):
    (problem,) = found(level="portable", limits=(limit(),))
    assert problem.path == "reproducibility.level"
    assert problem.message == "lightgbm cannot promise portable bits"
    assert problem.hint == "exp differs by processor (LightGBM 4.7: seen)"
    assert found(level="strict", limits=(limit(),)) == ()


def test_a_value_that_cannot_promise_a_level_is_told_at_the_value(found):
    told = replace(limit(), when={"extra_trees": (False,)})
    (problem,) = found(level="portable", limits=(told,))
    assert problem.place.file == f"{MODEL}lightgbm.yaml"
    assert problem.path == "hyperparameters.extra_trees"
    assert problem.message == "lightgbm cannot promise portable bits with extra_trees false"
    assert found("extra_trees=true", level="portable", limits=(told,)) == ()


def test_a_family_whose_bits_hang_on_timing_has_one_thread(found):
    assert found(threads=UNKNOWN) == ()
    (problem,) = found("threads=2", threads=UNKNOWN)
    assert problem.path == "reproducibility.threads"
    assert problem.message == "lightgbm cannot promise strict bits with 2 threads"
    assert problem.hint == f"{UNKNOWN.reason} ({UNKNOWN.evidence})"
    assert found("threads=2", threads=UNKNOWN, level="best-effort") == ()


def test_a_family_that_chooses_features_is_judged_too(resolved, families):
    offered = {**families, "ridge": replace(families["ridge"], limits=(limit(),))}
    sets = ("level=portable", "feature_selection.method=importance", "top_k=3")
    asked = (*sets, "feature_selection.families=[ridge]")
    (problem,) = cross_checks(resolved(sets=asked), offered)
    assert problem.message == "ridge cannot promise portable bits"
