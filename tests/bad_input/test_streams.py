"""JSON for machines, and terminals, pipes and locales as they really are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .workspace import PLANNED, QUICK, Workspace, one_error

# Slow: `make slow` runs these, and so does every change before it lands.
pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("arguments", "status", "kind"),
    [
        (("train", "--target", "nope"), 2, "UsageError"),
        (("train", "--bogus"), 2, None),
        (("tarin",), 2, None),
        (("train", "--set", "learning_rate=fast"), 1, "ProblemsError"),
        (("train", "--set", "learning_rat=1"), 2, None),
        (("train", "--set", "dataset.files=[nope.csv]"), 3, "InputError"),
        (("train", "--symbol", "AAPLL"), 3, "InputError"),
        (("train", "--set", "feature_target_correlation=0.0001"), 6, "TrainingError"),
        (("runs", "show", "nope"), 2, "UsageError"),
        (("diff", "no-such-run", "b"), 2, "UsageError"),
        (("verify", "nope"), 2, "UsageError"),
        (("init",), 2, "UsageError"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_an_error_is_one_json_document_on_stdout(
    trained: Workspace,
    arguments: tuple[str, ...],
    status: int,
    kind: str | None,
) -> None:
    done = trained.repro(*arguments, "--format", "json").require(status, "repro: error:")
    error = one_error(done)
    assert error["problem"] in done.err
    assert kind in (None, error["kind"])
    assert bool(error["problems"]) == (error["kind"] == "ProblemsError")


def test_json_may_be_asked_for_in_one_word(trained: Workspace) -> None:
    one_error(trained.repro("train", "--bogus", "--format=json").require(2))


def test_the_findings_of_validate_are_one_json_document(shared: Workspace) -> None:
    done = shared.repro("validate", "--set", "folds=0", "--format", "json")
    document = json.loads(done.require(1).out)
    assert [problem["path"] for problem in document["problems"]] == ["splits.folds"]


def test_no_workspace_is_one_json_document(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    done = place.repro("train", "--format", "json", cwd=tmp_path).require(3)
    assert "no workspace" in one_error(done)["problem"]


def test_a_log_that_is_missing_is_a_verdict_in_json(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    (place.root / "CONFIG").mkdir(parents=True)
    done = place.repro("audit", "verify", "--format", "json").require(3)
    assert json.loads(done.out)["verdict"] == "unverifiable"


def test_a_bare_command_shows_its_help(shared: Workspace) -> None:
    for words in ((), ("runs",), ("audit",)):
        shared.repro(*words).require(2, "Usage: repro")
    shared.repro("--help").require(0, "Usage: repro", "train")


def test_text_that_is_not_unicode_is_refused_without_a_traceback(shared: Workspace) -> None:
    odd = "\udcff\udcfe"
    shared.refuse("train", "--target", odd, status=2, says=("no such target",))
    shared.refuse("train", "--symbol", odd, status=1, says=("cannot be read by people",))
    for form in ("text", "json"):
        done = shared.repro("train", "--target", odd, "--format", form).require(2)
    assert "no such target" in one_error(done)["problem"]


def test_a_stream_that_knows_no_umlauts_is_no_bug(shared: Workspace) -> None:
    for form in ("text", "json"):
        done = shared.repro(
            "train", "--target", "Größe", "--format", form, PYTHONIOENCODING="ascii"
        )
        done.require(2, "no such target")
    shared.repro("train", "--help", PYTHONIOENCODING="ascii").require(0, "Usage")


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_full_device_under_stdout_is_an_error_and_no_bug(trained: Workspace, form: str) -> None:
    for words in ("runs list", "validate", "audit verify", "runs show @latest"):
        done = trained.shell(f"$REPRO {words} --format {form} >/dev/full")
        done.require(3, "stdout", "No space left on device")
    done = trained.shell(f"$REPRO train --target nope --format {form} >/dev/full")
    done.require(2, "no such target")  # what was wrong first is what is told


def test_a_full_device_under_stderr_changes_no_exit_status(trained: Workspace) -> None:
    done = trained.shell("$REPRO train --target nope 2>/dev/full")
    assert done.status == 2, done.text


def test_a_reader_that_goes_away_is_no_error(trained: Workspace) -> None:
    for words in ("runs show @latest --format json", "runs list", "train --help"):
        done = trained.shell(f"{{ $REPRO {words}; echo $? >&2; }} | true")
        assert done.err.strip() == "0", done.text


def test_closed_streams_are_no_bug(trained: Workspace) -> None:
    for words in ("runs list", "validate", "audit verify"):
        done = trained.shell(f"$REPRO {words} >&-")
        assert done.status in (0, 3), done.text
        assert "Traceback" not in done.text
        assert "bug" not in done.text
        # Nobody can read what is said, but the status still counts.
        assert trained.shell(f"$REPRO {words} <&- >&- 2>&-").status in (0, 3)
    assert trained.shell("$REPRO train --target nope <&- >&- 2>&-").status == 2


def test_a_training_without_any_stream_is_a_training(fresh: Workspace) -> None:
    before = fresh.state()
    done = fresh.shell("$REPRO train --profile debug <&- >&- 2>&-")
    assert done.status in (0, 3)
    fresh.require_clean(before, *PLANNED, "run.completed")


def test_what_a_user_sets_in_the_environment_changes_no_bit(fresh: Workspace) -> None:
    plain = json.loads(fresh.repro("train", *QUICK, "--format", "json").require(0).out)
    odd = {
        "OMP_NUM_THREADS": "7",
        "PYTHONHASHSEED": "123",
        "TZ": "Asia/Kathmandu",
        "LC_ALL": "tr_TR.UTF-8",
        "PYTHONOPTIMIZE": "2",
        "PYTHONPATH": str(fresh.root),
        "learning_rate": "0.9",
    }
    (fresh.root / "numpy.py").write_text("raise SystemExit('not me')\n", "utf-8")
    again = json.loads(fresh.repro("train", *QUICK, "--format", "json", **odd).require(0).out)
    assert again["output_digest"] == plain["output_digest"]
    assert again["comparison_group"] == plain["comparison_group"]
