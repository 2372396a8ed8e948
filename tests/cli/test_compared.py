"""What `repro diff` writes as text: the verdict first, nothing twice, and nothing too wide."""

import pytest

from repro.cli.compared import WIDTH, grouped, text

DIGEST = "0123456789abcdef" * 4
CLEAN = {"verdict": "clean", "without": [], "findings": []}
SIDE = {
    "file": "CONFIG/a.yaml", "line": 3, "column": 7, "layer": "document",
    "text": "  folds: 5   # so many",
}  # fmt: skip
KEYS = [
    "dataset_signature", "hyperparameters_signature", "split_signature", "replicate_key",
    "strict_key", "execution_key",
]  # fmt: skip


def cause(subject, old=None, new=None, kind="configuration", component="splits", **other):
    return {
        "kind": kind, "subject": subject, "old": old, "new": new, "component": component,
        "a": None, "b": None, "idle": False, "items": [], "retyped": False, "follows": False,
        "package": "", "moves": [], **other,
    }  # fmt: skip


def effect(metric, old, new, noise=None, count=5, better=None):
    return {
        "metric": metric, "old": old, "new": new, "delta": new - old, "better": better,
        "noise": noise, "noise_from": "folds" if noise else None, "noise_count": count,
        "within_noise": abs(new - old) <= noise if noise else None,
    }  # fmt: skip


def document(**other):
    return {
        "a": "a-1", "b": "b-1", "verdict": "explained", "exit_status": 1, "same_bits": False,
        "differing_outputs": [
            *("importance", "metrics", "model, final"),
            *(f"model, fold {n}" for n in (1, 2, 3, 5, 10, 11)),
            *("predictions", "predictions, fold 2"),
        ],
        "label": "", "moved": KEYS, "unstated": [], "causes": [], "divergence": [],
        "effects": [], "predictions": None, "spread": None, "leakage": {"a": CLEAN, "b": CLEAN},
        **other,
    }  # fmt: skip


@pytest.fixture
def said(capsys):
    """Return what is written of a document."""

    def write(full=False, **other):
        text(document(**other), "other bits", 14, full=full)
        return capsys.readouterr().out

    return write


def test_the_verdict_is_first_and_long_lists_are_broken_between_names(said):
    lines = said(label="different target: x and y; " * 5).splitlines()
    assert lines[:3] == ["explained: other bits", "  A a-1", "  B b-1"]
    assert all(len(line) <= WIDTH for line in lines)
    assert "model (folds 1-3, fold 5, folds 10-11, final)" in " ".join(lines)
    assert {word.strip(",") for line in lines for word in line.split()} >= set(KEYS)


def test_a_hundred_and_sixty_libraries_are_a_line_unless_all_are_asked_for(said):
    libraries = [
        cause(f"mapped, lib{n}.so", None, DIGEST, "environment", "execution_key")
        for n in range(160)
    ]
    found = said(causes=libraries)
    assert "160 shared objects in the process, only in B  (moves execution_key)" in found
    assert "lib0.so, lib1.so, lib2.so, lib3.so, lib4.so, and 155 more" in found
    assert DIGEST not in found
    everything = said(full=True, causes=libraries)
    assert all(f"mapped, lib{n}.so: 0123456789ab…, only in B" in everything for n in range(160))


def test_what_is_cut_says_how_to_see_it(said):
    causes = [cause(f"p{n}", n, n + 1) for n in range(20)]
    assert "and 8 more (all of them: --full)" in said(causes=causes)
    found = said(full=True, causes=causes)
    assert "more" not in found
    assert "p19: 19 -> 20" in found


def test_a_null_is_told_from_a_value_that_is_not_there(said):
    gone = cause("splits.max", None, None, a=SIDE)
    nulled = cause("splits.folds", 5, None, a=SIDE, b=SIDE)
    found = said(causes=[gone, nulled])
    assert "splits.max: null, only in A" in found
    assert "splits.folds: 5 -> null" in found
    assert "    A CONFIG/a.yaml:3:7  folds: 5\n" in found


def test_members_of_a_fold_stand_by_name_and_are_not_broken(said):
    old = {"test_end": "2006-11-29", "test_rows": 1568, "train_start": "2000-03-01", "gone": 1}
    new = {"test_end": "2002-10-07", "test_rows": 1959, "train_start": "2001-03-01", "come": 2}
    found = said(causes=[cause("fold 1, as it was cut", old, new, "splits", follows=True)])
    assert "  fold 1, as it was cut  (moves splits)  (follows)\n" in found
    for member in (
        'test_end "2006-11-29" -> "2002-10-07"',
        "test_rows 1568 -> 1959",
        "gone 1 only in A",
        "come 2 only in B",
    ):
        assert any(member in line for line in found.splitlines())


@pytest.mark.parametrize("count", [1, 1 << 20, (1 << 20) + 1, 9142960602738300640])
def test_units_in_the_last_place_are_counted_only_where_numbers_are_near(said, count):
    predictions = {
        "rows": 10, "only_a": 0, "only_b": 0, "changed": 3, "largest": 0.125,
        "largest_ulps": str(count) if count > 1 << 53 else count, "correlation": 0.5,
        "first": "fold 1, A, 2001-01-01",
    }  # fmt: skip
    where = {"kind": "predictions", "where": f"fold 1, A, 2001-01-01 ({count} ULPs)"}
    found = said(predictions=predictions, divergence=[where])
    near = count <= 1 << 20
    assert (f"({count} ULPs)" in found) is near
    assert ("> 2^20 ULPs: not" in found) is not near
    assert found.count("ULP") == 1
    assert "predictions  fold 1, A, 2001-01-01\n" in found


def test_predictions_that_only_one_side_has_are_said_without_a_word_of_differences(said):
    predictions = {
        "rows": 10, "only_a": 0, "only_b": 5, "changed": 0, "largest": 0.0, "largest_ulps": 0,
        "correlation": 1.0, "first": None,
    }  # fmt: skip
    found = said(predictions=predictions)
    assert "predictions: all 10 rows that both have are the same\n" in found
    assert "rows only in A: 0, only in B: 5" in found
    assert "ULP" not in found


def test_a_change_within_its_noise_is_neither_better_nor_worse(said):
    effects = [
        effect("rmse", 0.25, 0.5, 0.1, better=False),
        effect("mae", 0.25, 0.5, 0.25, better=False),
        effect("r2", 0.25, 0.5, 0.1, count=3, better=True),
    ]
    found = said(effects=effects)
    told = {line.split()[0]: line for line in found.splitlines() if line.startswith(("r", "mae"))}
    assert told["rmse"].endswith("worse")
    assert told["mae"].endswith("within noise")
    assert told["r2"].endswith("better")
    assert "noise of rmse, mae: 5 folds; noise of r2: 3 folds" in found
    assert all(len(line) <= WIDTH for line in found.splitlines())
    assert "noise: told from 5 folds" in said(effects=effects[:1])


def test_a_kind_of_output_without_parts_stands_by_its_name():
    assert grouped(["metrics", "model, final", "model, fold 2"]) == "metrics; model (fold 2, final)"


def test_a_name_that_would_steer_a_terminal_does_not(said):
    name = "\x1b[31mX\u202e"
    one = cause(f"{name}, Volume, 2010-09", None, "changed", "data", "dataset")
    where = {"kind": "data", "where": f"{name}, Volume, 2010-09"}
    found = said(causes=[one], divergence=[where], label=name)
    assert "\x1b" not in found
    assert "\u202e" not in found
    assert found.count("\\x1b[31mX") == 3
