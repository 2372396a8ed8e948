"""The kit itself: what it tries, what it makes of it, and the families that we ship."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.conformance import values
from repro.conformance.checks import CHECKS
from repro.conformance.child import tables
from repro.conformance.run import check_trainer, chosen
from repro.errors import UsageError
from repro.facts.trainers import declaration, declarations

FAMILIES = sorted(declarations())


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_that_we_ship_keeps_the_contract(family):
    report = check_trainer(family)
    assert {v.check.name: v.faults for v in report.verdicts if not v.passed} == {}
    assert len(report.verdicts) == len(CHECKS) - 1
    assert report.exit_status == 0


def test_lightgbm_passes_the_checks_that_cost_little():
    names = ["declaration", "model-document", "entrance", "outputs", "saved-model", "no-code"]
    report = check_trainer("lightgbm", [*names, "chunks", "repeats"])
    assert [v.check.name for v in report.verdicts] == [*names, "repeats", "chunks"]
    assert [v.faults for v in report.verdicts if not v.passed] == []


@pytest.mark.slow
def test_what_the_rulebook_of_lightgbm_protects_from_is_still_there():
    (verdict,) = check_trainer("lightgbm", ["probes"]).verdicts
    told = {note.message.partition(":")[0]: note.message for note in verdict.notes}
    for name in ("data_sample_strategy", "linear_tree", "use_quantized_grad"):
        assert "different models without the rule and one model with it" in told[name]
    assert told["deterministic"].endswith("one model with it")


def test_checks_come_in_the_order_of_the_kit_and_long_ones_only_by_name():
    assert [c.name for c in chosen()] == [name for name in CHECKS if name != "probes"]
    assert [c.name for c in chosen(["probes", "aliases"])] == ["aliases", "probes"]
    with pytest.raises(UsageError, match="no check called 'hash_seed'; did you mean hash-seed"):
        chosen(["hash_seed"])


@pytest.mark.parametrize("family", FAMILIES)
def test_the_values_that_are_tried_are_allowed_and_other_ones(family):
    trainer = declaration(family)
    base = values.base(trainer)
    assert set(base) == set(trainer.hyperparameters)
    for name in trainer.hyperparameters:
        beside = {**base, **trainer.trial.beside.get(name, {})}
        for other in values.others(trainer, beside, name, trainer.tasks[0]):
            assert values.fits(trainer, name, other)
            assert other != beside[name] or isinstance(other, bool)
            assert not trainer.contradictions({**beside, name: other}, trainer.tasks[0])


@given(
    st.sampled_from(["regression", "binary", "multiclass"]),
    st.integers(2, 400),
    st.integers(1, 10_000),
)
def test_a_table_is_the_same_each_time_and_its_target_is_of_the_task(task, rows, start):
    one, two = (tables.table(task, rows, start=start) for _ in range(2))
    assert (one.x.tobytes(), one.y.tobytes()) == (two.x.tobytes(), two.y.tobytes())
    assert one.x.shape == (rows, tables.COLUMNS)
    assert one.x.flags["C_CONTIGUOUS"]
    if task != "regression":
        known = {0.0, 1.0} if task == "binary" else {0.0, 1.0, 2.0}
        assert set(one.y.tolist()) <= known


def test_a_table_starts_with_values_that_were_worked_out_by_hand():
    made = tables.table("regression", 3)
    for row in range(3):
        for column, root in enumerate((2, 3, 5, 7)):
            part = ((row + 1) ** 2 * math.sqrt(root)) % 1.0
            assert made.x[row, column] == pytest.approx((part - 0.5) * math.sqrt(12), abs=1e-12)


def test_the_first_column_says_much_and_another_nothing_and_holes_are_missing_or_zero():
    made, holes = tables.table("regression", 300), tables.table("regression", 300, holes=True)
    signal, noise = (
        abs(sum(made.x[:, n] * (made.y - made.y.mean()))) / 300 / made.y.std()
        for n in (tables.SIGNAL, tables.NOISE)
    )
    assert signal > 0.7
    assert noise < 0.1
    missing = holes.x != holes.x
    assert 0.01 < missing.mean() < 0.2
    kept = ~missing & (holes.x != 0)
    assert (holes.x[kept] == made.x[kept]).all()
    assert holes.y.tobytes() == made.y.tobytes()


# --- under pytest --------------------------------------------------------------------------------


def under_pytest(folder, *arguments):
    """Run pytest with the kit in a folder without tests."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_each_check_is_a_test_that_can_be_chosen(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\nrepro_trainers = ridge\n")
    done = under_pytest(tmp_path, "--collect-only", "--repro-trainer", "lightgbm", "-k", "not zone")
    names = [name for name in CHECKS if name not in ("probes", "time-zone")]
    listed = [line for line in done.stdout.splitlines() if line.startswith("repro-trainer/")]
    assert listed == [f"repro-trainer/{f}::{name}" for f in ("ridge", "lightgbm") for name in names]


@pytest.mark.slow
def test_a_check_passes_or_fails_like_any_test(tmp_path):
    (tmp_path / "test_own.py").write_text("def test_own(): pass\n")
    checks = ("--repro-check", "aliases", "--repro-check", "early-stopping")
    done = under_pytest(tmp_path, "--repro-trainer", "ridge", "--repro-trainer", "nobody", *checks)
    assert done.returncode == 1
    assert "3 passed" in done.stdout
    assert "2 failed" in done.stdout
    assert "no trainer offers the family 'nobody'" in done.stdout
    assert "Traceback" not in done.stdout
    wrong = under_pytest(tmp_path, "--repro-trainer", "ridge", "--repro-check", "alias")
    assert wrong.returncode == 4
    assert "no check called 'alias'" in wrong.stderr + wrong.stdout


def test_the_plugin_loads_nothing_that_nobody_asked_for(tmp_path):
    code = (
        "import sys, json, pytest; before = set(sys.modules);"
        "import repro.conformance.plugin;"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == ["repro", "repro.conformance", "repro.conformance.plugin"]
