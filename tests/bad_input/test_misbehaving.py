"""Trainers of a third party that misbehave, in real workers: who did it, where, and exit status."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .installation import with_toys
from .workspace import Done, Workspace

linux = pytest.mark.skipif(sys.platform != "linux", reason="filters and signals as Linux has them")
# Slow: `make slow` runs these, and so does every change before it lands.
pytestmark = [linux, pytest.mark.slow]

DIFFERS = "config.override"
LOADING = {
    "needs": "import toy_library",
    "probes": "import toy_probing; assert toy_probing.FOUND is None",
    "undeclared": "import toy_undeclared",
    "broken": "raise ValueError('not today')",
    "random": "import numpy; numpy.random.default_rng()",
    "fetches": "import socket; socket.create_connection(('127.0.0.1', 9))",
    "loads": "import toy_loading",
    "slips": "def (",
    "meddles": "from .toy import meddle; meddle()",
}


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an interpreter in which the toys are installed."""
    return with_toys(tmp_path_factory.mktemp("toys") / "venv", LOADING)


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a workspace with a document for each toy."""
    made = Workspace.made(tmp_path_factory.mktemp("misbehaving"))
    for family in ("toy", *LOADING):
        document = made.root / "CONFIG" / "model_config" / f"{family}.yaml"
        document.write_text("hyperparameters: {deed: nothing, depth: 3}\n")
    return made


Train = Callable[..., Done]


@pytest.fixture
def train(workspace: Workspace, toys: Path) -> Train:
    """Return what trains a toy that does a deed."""

    def run(deed: str = "nothing", *more: str, family: str = "toy") -> Done:
        words = ("train", "--target", "fwd_ret_5d", "--family", family, "--quiet")
        return workspace.repro(*words, "--set", f"deed={deed}", *more, python=toys)

    return run


def require_failed(workspace: Workspace, done: Done, status: int, *words: str) -> dict[str, object]:
    """Fail unless a run ended so, and its record says so too; return the record's body."""
    done.require(status, *words)
    body = dict(workspace.records()[-1]["body"])
    assert workspace.records()[-1]["type"] == "run.failed"
    assert body["exit_status"] == status
    assert all(word in str(body["reason"]) for word in words[:1])
    return body


def test_a_toy_that_behaves_is_trained(train: Train) -> None:
    train().require(0, "execution_key")
    train("seeded").require(0)
    train("nothing", "--set", "threads=2").require(0)


@pytest.mark.parametrize(
    ("deed", "says"),
    [
        ("fetches", "socket.getaddrinfo of '127.0.0.1'"),
        ("starts", "subprocess.Popen of 'true'"),
        ("forks", "os.fork"),
        ("forks in C", "compiled code"),
        ("executes in C", "compiled code started a process"),
        ("connects in C", "compiled code"),
        ("threads in C", "compiled code"),
        ("threads", "start of a thread, in a run with one,"),
        ("reads", "read of /etc/hostname, which is not declared,"),
        ("reads CONFIG", "CONFIG/data/dataset.yaml, which is not declared,"),
        ("reads installed", "toy_data.txt, which is not declared, or was not digested before the"),
        ("makes a pipe", "os.mkfifo of ../outside"),
        ("connects to a file", "sqlite3.connect of ../outside"),
        ("connects by address", "sqlite3.connect of ../outside"),
        ("removes a tree", "shutil.rmtree of ../../../data"),
        ("system entropy", "a draw from os.getrandom"),
        ("unseeded within", "a numpy.random.default_rng without a seed"),
        ("unseeded state within", "a numpy.random.RandomState without a seed"),
        ("lists", "listing of /etc, which is not declared,"),
        ("writes", "write to ../outside"),
        ("removes", "os.remove of ../.lock"),
        ("imports", "import of toy_undeclared, which no declaration names,"),
        ("imports late", "import of toy_trainers.late after the plan"),
        ("draws", "a draw from random.random"),
        ("draws NumPy", "a draw from numpy.random.rand"),
        ("draws held", "a draw from NumPy's global generator"),
        ("reseeds", "a draw from numpy.random.seed"),
        ("unseeded", "a random.Random without a seed"),
        ("unseeded NumPy", "a numpy.random.default_rng without a seed"),
        ("unseeded state", "a numpy.random.RandomState without a seed"),
        ("entropy", "a draw from os.urandom"),
        ("secret", "a draw from random.SystemRandom"),
        ("identifier", "a draw from os.urandom"),
        ("swallows a guard", "write to /outside"),
    ],
)
def test_a_violation_ends_the_run_and_names_library_file_and_line(
    deed: str, says: str, train: Train, workspace: Workspace
) -> None:
    body = require_failed(workspace, train(deed), 5, says)
    assert str(body["reason"]).startswith("guard: ")
    if deed in UNPLACED:
        assert "while it trained toy" in str(body["reason"]) or deed == "draws held"
    else:
        assert f"toy_trainers/toy.py:{line_of(deed)}" in str(body["reason"])
    assert not (workspace.root / "RESULTS" / ".staging" / "outside").exists()


UNPLACED = ("draws held", "executes in C", "threads in C")
"""Compiled code holds the generator; it starts processes and threads with all signals blocked."""


def line_of(deed: str) -> int:
    """Return the line of the toy that does a deed: the one marked, or the function's first."""
    text = (Path(__file__).parent / "toys" / "toy.py").read_text("utf-8").splitlines()
    (number,) = (n for n, line in enumerate(text, 1) if line.endswith(f"# {deed}"))
    return number


@pytest.mark.parametrize(
    ("family", "status", "says"),
    [
        ("undeclared", 5, "import of toy_undeclared, which no declaration names, by toy_trainers"),
        ("needs", 5, "by toy_library (toy_library.py:1), called by toy_trainers"),
        ("random", 5, "a numpy.random.default_rng without a seed by toy_trainers"),
        ("fetches", 5, "by toy_trainers (toy_trainers/fetches.py:5)"),
        ("broken", 6, "trainer broken: failed in load_library: ValueError: not today"),
    ],
)
def test_what_a_trainer_does_while_it_is_loaded_is_refused_before_the_plan(
    family: str, status: int, says: str, train: Train, workspace: Workspace
) -> None:
    train(family=family).require(status, says)
    assert workspace.records()[-1]["type"] == "run.refused"


def test_a_library_that_probes_for_what_nobody_declared_does_not_find_it(
    train: Train, workspace: Workspace
) -> None:
    train(family="probes").require(0)
    snapshot = json.loads((workspace.folder_of(newest(workspace)) / "snapshot.json").read_bytes())
    assert "toy_undeclared" in snapshot["after"]["shielded"]


def test_a_table_that_a_trainer_reads_in_its_package_is_part_of_the_key(
    train: Train, workspace: Workspace, toys: Path
) -> None:
    (table,) = toys.parents[1].glob("lib/*/site-packages/toy_trainers/table.json")
    before = table.read_text()
    train("reads its table").require(0)
    table.write_text("0.25")
    try:
        train("reads its table").require(0)
    finally:
        table.write_text(before)
    first, second = [r["body"] for r in workspace.records() if r["type"] == "run.completed"][-2:]
    assert first["output_digest"] != second["output_digest"]
    assert first["execution_key"] != second["execution_key"]
    said = workspace.repro("diff", first["run"], second["run"])
    said.require(1, "toy_trainers (all files)")


def test_what_a_library_reads_where_it_is_installed_is_part_of_the_key(
    train: Train, workspace: Workspace, toys: Path
) -> None:
    (data,) = toys.parents[1].glob("lib/*/site-packages/toy_data.txt")
    train(family="loads").require(0)
    data.write_text("other")
    train(family="loads").require(0)
    first, second = [r["body"] for r in workspace.records() if r["type"] == "run.completed"][-2:]
    assert first["execution_key"] != second["execution_key"]


@pytest.mark.parametrize("how", ["append", "rewrite", "replace"])
def test_a_data_file_that_changes_while_it_is_read_is_named_and_nothing_is_planned(
    how: str, train: Train, workspace: Workspace
) -> None:
    """The notary has digested it by then, and the worker has not parsed it yet."""
    moving = workspace.root / "data" / "moving.csv"
    moving.write_bytes(gzip.decompress((workspace.root / "data" / "stocks.csv.gz").read_bytes()))
    moving.with_suffix(".how").write_text(how)
    plans = len(workspace.of_type("run.planned"))
    moved = ("--set", "dataset.files=[data/moving.csv]", "--level", "best-effort")
    done = train("nothing", *moved, family="meddles")
    done.require(3, "data/moving.csv changed while it was read", "when nobody writes to it")
    assert workspace.records()[-1]["type"] == "run.refused"
    assert len(workspace.of_type("run.planned")) == plans
    train("nothing", *moved).require(0)  # what lies there now is read anew


def newest(workspace: Workspace) -> str:
    """Return the name of the run that was completed last."""
    return str(workspace.of_type("run.completed")[-1]["run"])


@pytest.mark.parametrize(
    ("deed", "says"),
    [
        ("raises", "trainer toy: failed in fit: KeyError: 'no such key' (toy_trainers/toy.py:"),
        ("exits", "trainer toy: failed in fit: SystemExit: 0 (toy_trainers/toy.py:"),
        ("interrupts", "trainer toy: failed in fit: KeyboardInterrupt (toy_trainers/toy.py:"),
        ("crashes", "SIGSEGV, while it trained toy, in toy_trainers/toy.py:"),
        ("ends", "the worker ended with status 0, while it trained toy"),
        ("changes", "trainer toy: failed in fit: ValueError: assignment destination is read-only"),
        ("lifts the flag", "trainer toy: failed in fit: ValueError: cannot set WRITEABLE flag"),
        ("changes as C does", "trainer toy: it wrote into the rows that it was given"),
        ("writes to x", "trainer toy: failed in predict: ValueError: "),
        ("short", "trainer toy: predict gave the shape"),
        ("flat", "trainer toy: predict gave the shape (1,)"),
        ("wide", "trainer toy: predict gave the shape"),
        ("single", "trainer toy: predict gave float32 where an array of float64 is due"),
        ("a list", "trainer toy: predict gave list where an array of float64 is due"),
        ("NaN", "trainer toy: predict gave nan in row 2"),
        ("infinite", "trainer toy: predict gave "),
        ("saves nothing", "trainer toy: save wrote no file model.json"),
        (
            "saves another",
            "trainer toy: the saved model does not predict what the trained one does",
        ),
        ("ignores", "depth of toy was set to 3, but the library used 1"),
        ("does not report", "depth of toy was set to 3, but it reports no such parameter"),
        ("reports no JSON", "trainer toy: effective_parameters gave what JSON cannot hold"),
        ("out of memory", "out of memory"),
        ("goes", "the worker ended with status 3, while it trained toy; its last words: on my"),
    ],
)
def test_a_trainer_that_fails_is_named_with_what_it_did(
    deed: str, says: str, train: Train, workspace: Workspace
) -> None:
    done = train(deed)
    body = require_failed(workspace, done, 6, says)
    if body["kept"]:
        assert f"all that the worker printed is in {body['kept']}/worker.log" in done.err
    if deed == "goes":
        assert "on my way" in (workspace.root / str(body["kept"]) / "worker.log").read_text("utf-8")
    if deed in ("raises", "crashes"):
        assert "toy_trainers/toy.py" in str(body["output_tail"])
        kept = workspace.root / str(body["kept"]) / "worker.log"
        assert "toy_trainers/toy.py" in kept.read_text("utf-8")
        shown = workspace.repro("runs", "show", str(body["run"])).out  # with the traceback
        assert "failed; nothing is sealed" in shown
        assert f"{body['kept']}/worker.log" in shown
        assert str(body["reason"]) in shown
        listed = workspace.repro("runs", "unsealed").require(0).out
        assert str(body["run"]) in listed


def test_what_a_trainer_prints_is_kept_beside_its_run(train: Train, workspace: Workspace) -> None:
    train("talks").require(0)
    run = str(workspace.records()[-1]["body"]["run"])
    kept = workspace.root / "RESULTS" / "printed" / run / "worker.log"
    assert set(kept.read_text("utf-8").splitlines()) == {"a word of the toy"}


def test_a_slip_in_a_module_is_told_with_its_line(train: Train, toys: Path) -> None:
    train(family="slips").require(6, "SyntaxError: ", "(toy_trainers/slips.py:5)")


def test_a_trainer_that_hangs_is_stopped_and_the_line_is_named(
    train: Train, workspace: Workspace
) -> None:
    done = train("hangs", "--set", "time_limit_seconds=6")
    body = require_failed(workspace, done, 6, "limit", "toy_trainers/toy.py:", "while it trained")
    assert "toy_trainers/toy.py" in str(body["output_tail"])


def test_a_trainer_that_prints_disturbs_nobody(train: Train, workspace: Workspace) -> None:
    train("talks").require(0)
    body = require_failed(workspace, train("raises"), 6, "trainer toy")
    assert "printed by the toy" in str(body["output_tail"])


def test_a_trainer_cannot_change_what_the_next_fold_is_given(train: Train) -> None:
    train("changes parameters").require(6, "depth of toy was set to 3, but the library used 99")


def test_importance_of_another_shape_is_named(train: Train, workspace: Workspace) -> None:
    chosen = ("method=importance", "families=[toy]", "top_k=2")
    more = [word for rule in chosen for word in ("--set", f"feature_selection.{rule}")]
    train("importance", *more).require(6, "toy does not say how much each feature counts")


def test_a_thread_that_is_left_running_is_named(train: Train, workspace: Workspace) -> None:
    done = train("threads", "--set", "threads=2")
    require_failed(workspace, done, 5, "guard: a thread left running", "toy_trainers/toy.py:")


def test_other_bits_under_one_execution_key_are_an_incident(
    train: Train, workspace: Workspace
) -> None:
    train("clock").require(0)
    train("clock").require(5, "has other bits than")
    assert workspace.records()[-1]["type"] == "incident"


def test_best_effort_has_no_guards_and_still_holds_a_trainer_to_its_contract(train: Train) -> None:
    train("reads", "--level", "best-effort").require(0)
    train("short", "--level", "best-effort").require(6, "trainer toy: predict gave the shape")
