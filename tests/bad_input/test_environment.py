"""Environments that are not what was set: before the plan a refusal, after it a failed run."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from . import strange as toys
from .workspace import PLANNED, Workspace

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads back what Linux tells")
# Slow: `make slow` runs these, and so does every change before it lands.
pytestmark = [linux, pytest.mark.slow]

TOY = ("--family", "toy", "--set")
CHANGED = "the environment changed while training: "


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an interpreter in which the toys are installed."""
    return toys.interpreter(tmp_path_factory.mktemp("strange") / "venv")


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a workspace with a document for the toy."""
    workspace = Workspace.made(tmp_path_factory.mktemp("strange-workspace"))
    document = workspace.root / "CONFIG" / "model_config" / "toy.yaml"
    document.write_text("hyperparameters:\n  deed: none\n", "utf-8")
    return workspace


@contextmanager
def planted(path: Path, text: str) -> Iterator[None]:
    """Have a file with other content, or one that was not there, for a moment."""
    before = path.read_text("utf-8") if path.exists() else None
    path.write_text(text, "utf-8")
    try:
        yield
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before, "utf-8")


@pytest.mark.parametrize(
    ("deed", "named"),
    [
        ("variable", "OMP_NUM_THREADS is '4', and was '1'"),
        ("new variable", "ARROW_USER_SIMD_LEVEL is 'NONE', and was None"),
        ("variable of C", "to C libraries, OMP_NUM_THREADS is '4', and was '1'"),
        ("time zone", "the time zone is XYZ XYZ+32400, and was UTC UTC+0"),
        ("pools", "guard: compiled code started a process or a thread"),
        ("thread", "guard: start of a thread, in a run with one, by strange_trainers"),
        ("denormals", "process (denormals); fingerprint (denormals)"),
        ("rounding", "rounding is upward, and was to nearest"),
        ("errors", "NumPy's error state (divide is raise, and was warn; over is raise"),
        ("umask", "process (umask)"),
        ("directory", "the working directory is another one"),
        ("library", "mapped libraries (loaded since: libresolv"),
    ],
)
def test_what_a_trainer_leaves_otherwise_fails_the_run_and_is_named(
    strange: Workspace, python: Path, deed: str, named: str
) -> None:
    before = strange.state()
    done = strange.repro("train", *TOY, f"deed={deed}", python=python)
    done.require(5, named, *(() if named.startswith("guard: ") else (CHANGED,)))
    *_, failed = strange.require_clean(before, *PLANNED, "run.failed")
    assert failed["body"]["exit_status"] == 5
    assert named in failed["body"]["reason"]
    # How it rounds is looked at right after the call, before anything else is computed.
    assert ("fingerprint" in failed["body"]["reason"]) == (deed == "denormals")


def test_best_effort_keeps_such_a_run_and_says_what_changed(
    strange: Workspace, python: Path
) -> None:
    level = ("--level", "best-effort", "--format", "json")
    for deed, changed in (
        ("underflow", "NumPy's error state (under is raise, and was ignore)"),
        ("umask", "process (umask)"),
    ):
        done = strange.repro("train", *TOY, f"deed={deed}", *level, python=python).require(0)
        snapshot = json.loads((Path(json.loads(done.out)["folder"]) / "snapshot.json").read_bytes())
        assert snapshot["level"] == "best-effort"
        assert snapshot["after"]["changed"] == [changed]
    for command in ("runs list", "runs show @latest", "verify @latest", "diff @latest @latest"):
        strange.repro(*command.split(), python=python).require(0, "best-effort")


@pytest.mark.parametrize(
    ("deed", "named"),
    [
        ("variable", "OMP_NUM_THREADS is '4', not '1'"),
        ("variable of C", "to C libraries, OMP_NUM_THREADS is '4', not '1'"),
        ("pools", "openblas has 2 threads, not 1"),
        ("denormals", "denormal numbers are taken for zero"),
        ("rounding", "numbers are rounded upward: a library has changed it"),
    ],
)
def test_what_a_library_breaks_when_it_is_loaded_refuses_the_run_and_the_doctor_says_so(
    strange: Workspace, python: Path, deed: str, named: str
) -> None:
    before = strange.state()
    with planted(toys.site_of(python) / "strange_trainers" / "before.txt", deed):
        done = strange.repro("train", *TOY, "deed=none", python=python)
        seen = strange.repro("doctor", "--level", "strict", python=python)
    done.require(5, "strict environment not attained: ", named)
    seen.require(5, "violated: strict", named)
    strange.require_clean(before, "run.refused")


def test_a_file_that_runs_when_python_starts_cannot_change_the_environment_unseen(
    strange: Workspace, python: Path
) -> None:
    before = strange.state()
    text = "import os; os.environ['OMP_DYNAMIC'] = 'TRUE'\n"
    with planted(toys.site_of(python) / "zz_strange.pth", text):
        done = strange.repro("train", *TOY, "deed=none", python=python)
        seen = strange.repro("doctor", "--format", "json", python=python)
    done.require(5, "strict environment not attained: OMP_DYNAMIC is 'TRUE', not 'FALSE'")
    found = json.loads(seen.require(5).out)
    assert found["verdict"] == "violated"
    assert found["levels"][0]["problems"] == ["OMP_DYNAMIC is 'TRUE', not 'FALSE'"]
    strange.require_clean(before, "run.refused")


def test_what_a_declaration_cannot_promise_is_refused_before_training(
    strange: Workspace, python: Path
) -> None:
    before = strange.state()
    refused = strange.repro("train", *TOY, "deed=none", "--level", "portable", python=python)
    refused.require(1, "toy cannot promise portable bits", "a toy (none)")
    several = strange.repro("train", *TOY, "deed=none", "--set", "threads=2", python=python)
    several.require(1, "toy cannot promise strict bits with 2 threads")
    strange.require_clean(before)
    seen = json.loads(strange.repro("doctor", "--format", "json", python=python).require(0).out)
    (toy,) = [family for family in seen["families"] if family["family"] == "toy"]
    assert toy["promises"] == {
        "strict": True,
        "strict, several threads": False,
        "portable": False,
    }


def test_a_doctor_without_any_library_says_what_to_install(
    strange: Workspace, tmp_path: Path
) -> None:
    bare = toys.interpreter(tmp_path / "venv")
    site = toys.site_of(bare)
    for name in ("lightgbm", "sklearn", "xgboost"):
        (site / name).unlink()
    (site / "strange_trainers-1.0.dist-info" / "entry_points.txt").unlink()
    done = strange.repro("doctor", python=bare)
    done.require(3, "cannot: strict cannot be had here", "pip install '.[lightgbm]'")
