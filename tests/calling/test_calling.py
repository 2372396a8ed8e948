"""What is passed to the verbs from Python and cannot be taken is told: argument, value, wanted."""

import inspect
import os
import re
import shutil
import signal
import subprocess
import sys
import typing
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

import repro
from repro import api
from repro.calling import check
from repro.calling.accepted import Choice, Filters
from repro.cli.app import app_for
from repro.verbs.research.choosing import selection
from repro.verbs.sealed.listing import ListCommand

METHODS = {
    name: getattr(api.Workspace, name)
    for name in dir(api.Workspace)
    if not name.startswith("_") and inspect.isfunction(getattr(api.Workspace, name))
}


@pytest.fixture(autouse=True)
def keys():
    """Keep the session's key directory, in which the module's workspace has its key."""
    return Path(os.environ["REPRO_KEYS"])


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """Return a workspace without a run."""
    return repro.init(tmp_path_factory.mktemp("calling") / "workspace")


WRONG = [
    ("list", {"where": "rmse<0.05"}, "list: where is 'rmse<0.05' (str); a list of texts is wanted"),
    ("list", {"limit": "3"}, "list: limit is '3' (str); a whole number from 0 on is wanted"),
    ("list", {"limit": -1}, "list: limit is -1 (int); a whole number from 0 on is wanted"),
    ("list", {"pinned": 1}, "list: pinned is 1 (int); True or False is wanted"),
    ("trend", {"where": [1]}, "trend: where[0] is 1 (int); a text is wanted"),
    ("sweep", {"axes": {"learning_rate": 0.1}}, "sweep: axes['learning_rate'] is 0.1 (float);"),
    ("sweep", {"axes": {"seed": {1, 2}}}, "sweep: axes['seed'] is {1, 2} (set);"),
    ("sweep", {"axes": ["seed=1..2"]}, "sweep: axes is ['seed=1..2'] (list); a mapping of texts"),
    ("sweep", {"axes": {"seed": [1]}, "jobs": 0}, "sweep: jobs is 0 (int);"),
    ("train", {"set": ["a=1"]}, "train: set is ['a=1'] (list); a mapping of texts to values"),
    ("train", {"set": {1: 2}}, "train: a key of set is 1 (int); a text is wanted"),
    ("train", {"seed": "a"}, "train: seed is 'a' (str); a whole number or None is wanted"),
    ("train", {"seed": True}, "train: seed is True (bool); a whole number or None is wanted"),
    ("train", {"overlays": "a"}, "train: overlays is 'a' (str); a list of texts or paths"),
    ("train", {"famly": "ridge"}, "train: there is no argument 'famly'; did you mean family?"),
    ("list", {"familie": "ridge"}, "list: there is no argument 'familie'; did you mean family?"),
    ("runs", {"limit": 3}, "runs: there is no argument 'limit'"),
    ("diff", {"a": "@latest"}, "diff: missing a required argument: 'b'"),
    ("diff", {"a": 3, "b": "@latest"}, "diff: a is 3 (int); the name of a run, a path, or what"),
    ("explain", {"key": None}, "explain: key is None (NoneType); a text is wanted"),
    ("verify", {"vary": "load"}, "verify: vary is 'load' (str); True or False or a list of texts"),
    ("replicate", {"count": 0}, "replicate: count is 0 (int); a whole number from 1 on is wanted"),
    ("pull", {"source": 3}, "pull: source is 3 (int); a text or a path is wanted"),
    ("audit_tail", {"lines": 1.5}, "audit_tail: lines is 1.5 (float); a whole number from 0 on"),
    ("doctor", {"level": "nonsense"}, "no such level: 'nonsense'"),
    ("experiment", {"name": "a", "experiment": "b"}, "experiment: two are named, 'a' and 'b'"),
    ("rank", {"target": "fwd_ret_1d"}, "a target says what a run trains; what is ranked stands"),
    ("rank", {"target": "nosuch"}, "a target says what a run trains; what is ranked stands in"),
    ("select", {"family": "ridge"}, "a family says what a run trains; those that rank features"),
    ("select", {"set": {"pipeline.family": "ridge"}}, "a family says what a run trains; those"),
    ("replicate", {"count": 1, "rerun": 1}, "replicate: rerun is 1 (int); True or False"),
    ("run", {"reference": "a\0b"}, "run: reference is 'a\\x00b' (str);"),
]


@pytest.mark.parametrize(("name", "passed", "said"), WRONG)
def test_what_is_passed_wrongly_is_told_by_its_name(workspace, name, passed, said):
    with pytest.raises(repro.UsageError) as told:
        getattr(workspace, name)(**passed)
    assert told.value.problem.startswith(said)
    assert told.value.exit_status == 2


def test_too_many_arguments_are_told_with_what_there_is(workspace):
    with pytest.raises(repro.UsageError) as told:
        workspace.diff("a", "b", "c")
    assert told.value.hint == "call it as diff(a, b)"
    with pytest.raises(repro.UsageError) as told:
        workspace.verify("@latest", 2)
    shown = "verify(reference='@latest', *, rounds=1, vary=False)"
    assert told.value.hint == f"call it as {shown}"
    with pytest.raises(repro.UsageError) as told:
        workspace.list(where=0.05)
    assert told.value.hint == "one alone is a list, too: [0.05]"
    with pytest.raises(repro.UsageError, match=r"push: references\[1\] is 3 \(int\)"):
        workspace.push("@latest", 3, to="elsewhere")


def test_a_value_that_is_not_valid_is_placed_at_the_argument_that_was_passed(workspace):
    for passed, place in (
        ({"seed": -1}, ("seed", 1, 1)),
        ({"set": {"num_leaves": "7"}}, ("set['num_leaves']", 1, 1)),
        ({"set": {"nothing": 1}}, ("set['nothing']", 1, 1)),
        ({"set": {"splits.folds": 2}, "view": "sideways"}, ("view", 1, 1)),
    ):
        with pytest.raises(repro.ProblemsError) as told:
            workspace.train(**passed)
        (problem,) = told.value.problems
        assert (problem.place.file, problem.place.line, problem.place.column) == place
        assert "--set" not in str(told.value)
        assert workspace.validate(**passed).errors == (problem,)


def test_numbers_of_numpy_and_any_iterable_are_taken(workspace):
    chosen = {"seed": np.int64(7), "set": {"learning_rate": np.float64(0.5)}}
    assert workspace.explain("learning_rate", **chosen).leaf.value == 0.5
    assert workspace.explain("base_seed", **chosen).leaf.value == 7
    assert workspace.list(where=iter(()), limit=np.int8(3)).runs == ()
    with pytest.raises(repro.UsageError, match="the grid is empty") as told:
        workspace.sweep({"learning_rate": np.array([])})
    assert told.value.hint == 'pass it a list of values, as in {"learning_rate": [1, 2]}'
    with pytest.raises(repro.UsageError, match="nothing to sweep over") as told:
        workspace.sweep({})
    assert told.value.hint.endswith(
        'from Python, as in {"learning_rate": [0.01, 0.03], "seed": "1..5"}'
    )
    with pytest.raises(repro.UsageError, match="no command") as told:
        workspace.exec()
    assert "repro exec" not in told.value.hint
    assert not workspace.validate(target=None, seed=None, set=None, overlays=None).errors


def test_every_method_and_function_is_held_to_its_signature():
    found = [*METHODS.values(), repro.workspace, repro.init]
    assert len(found) > 35
    for method in found:
        inside = inspect.unwrap(method)
        assert inside is not method, f"{method.__qualname__} takes anything"
        assert inspect.signature(method) == inspect.signature(inside)
        assert method.__doc__


def refused(name, key, value, wanted):
    """Return what is said of a value that is not taken; None if it is."""
    try:
        check.conform(name, key, value, wanted)
    except repro.UsageError as error:
        return error.problem
    return None


PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
    | st.binary(max_size=2)
)
INSIDE = PLAIN | st.lists(PLAIN, max_size=2)


@pytest.mark.parametrize("seconds", [0, -1, -0.5, float("nan"), float("inf")])
def test_a_time_limit_in_which_nothing_can_be_done_is_refused(workspace, seconds):
    with pytest.raises(repro.UsageError, match="a time limit of"):
        workspace.exec("true", seconds=seconds)


@given(
    st.sampled_from(sorted(METHODS)),
    INSIDE | st.dictionaries(st.text(max_size=2) | st.integers(), INSIDE, max_size=2),
)
def test_whatever_is_passed_is_taken_or_told_and_nothing_else(name, value):
    method = inspect.unwrap(METHODS[name])
    for parameter, wanted in check._types(method).items():
        options = check._options(wanted)
        for key, one in ({parameter: wanted} if options is None else options).items():
            said = refused(name, key, value, one)
            if said is not None:
                assert said.startswith(f"{name}: ")
                assert key in said
                assert said.endswith(" is wanted")


def test_what_may_be_chosen_and_filtered_is_what_the_commands_have():
    chosen = set(inspect.signature(selection).parameters) - {"sets", "spelled"} | {"set"}
    assert set(typing.get_type_hints(Choice)) == chosen
    assert set(typing.get_type_hints(Filters)) == {f.name for f in fields(ListCommand)} - {"start"}


def test_a_folder_is_found_from_below_and_told_where_it_is_none(workspace, tmp_path, monkeypatch):
    monkeypatch.chdir(workspace.root.parent)
    for made in (
        repro.workspace("workspace/CONFIG"),
        repro.Workspace("workspace"),
        repro.Workspace(Path("workspace") / "data"),
    ):
        assert made.root == workspace.root
        assert made.root.is_absolute()
    (tmp_path / "file").write_text("")
    for wrong, raised, said in (
        (tmp_path, repro.InputError, "no workspace: neither"),
        (tmp_path / "none", repro.UsageError, "no such directory"),
        (tmp_path / "file", repro.UsageError, "no such directory"),
        (3, repro.UsageError, r"is 3 \(int\); a text or a path is wanted"),
        ("a\0b", repro.UsageError, "a text or a path is wanted"),
    ):
        for find in (repro.workspace, repro.Workspace):
            with pytest.raises(raised, match=said):
                find(wrong)
    with pytest.raises(repro.UsageError, match=r"Workspace: observer is 3 \(int\)"):
        repro.Workspace(workspace.root, 3)
    with pytest.raises(
        repro.UsageError, match="Workspace: there is no argument 'rot'; did you mean"
    ):
        repro.Workspace(rot=".")
    with pytest.raises(repro.UsageError, match="has a workspace already"):
        repro.init("workspace")
    with pytest.raises(repro.InputError, match="cannot write"):
        repro.init(tmp_path / "file" / "below")
    with pytest.raises(repro.UsageError, match="init: folder is None"):
        repro.init(None)


def test_what_the_operating_system_refuses_is_an_input_error_with_its_file(workspace):
    spoilt = workspace.root / "CONFIG" / "experiments" / "spoilt.json"
    with pytest.raises(repro.InputError, match=r"spoilt\.json"):
        workspace.data_diff(spoilt)
    with pytest.raises(repro.InputError, match=r"none\.policy"):
        workspace.audit_verify(policy=workspace.root / "none.policy")


ALONE = {
    *("audit prove", "audit export", "audit timestamp", "audit erase", "audit seal"),
    *("audit retain", "audit prune", "audit set-aside", "audit key", "audit witness", "audit hold"),
    *("config migrate", "config schema", "trainers check", "lint"),
}
"""Commands that Python does not have: the page says so."""
OTHERWISE = {
    "init": "init",
    "config show": "configuration",
    "config explain": "explain",
    "data fingerprint": "fingerprint",
    "data describe": "describe",
    "runs show": "run",
    "runs unpin": "pin",
    "trainers list": "trainers",
    "trainers show": "trainer",
}
"""Commands whose method is called otherwise."""


def test_every_command_has_its_method_or_is_said_to_have_none():
    found = set()
    for name, command in typer.main.get_command(app_for([])).commands.items():
        inner = getattr(command, "commands", None)
        found |= {name} if inner is None else {f"{name} {one}" for one in inner}
    assert ALONE | set(OTHERWISE) <= found
    for name in found - ALONE:
        group, _, last = name.rpartition(" ")
        spelled = {last, f"{group}_{last}", OTHERWISE.get(name, "")} & {*METHODS, "init"}
        assert spelled, f"{name}: no method, and not said to have none"


def test_a_command_is_run_and_listed_and_records_are_shown(workspace, monkeypatch):
    monkeypatch.chdir(workspace.root)
    out = Path("made.txt")
    program = "import sys; open(sys.argv[1], 'w').write('x')"
    done = workspace.exec(sys.executable, "-c", program, out, outputs=[out])
    assert done.exit_status == 0
    assert list(done.found.outputs) == ["made.txt"]
    assert [one.run for one in workspace.commands()] == [done.run]
    with pytest.raises(repro.NotFoundError):
        workspace.exec("no-such-command-anywhere")
    with pytest.raises(repro.UsageError, match="exec: threads is 0"):
        workspace.exec("true", threads=0)
    newest = workspace.audit_tail(2)
    assert [one.type for one in newest] == ["command.planned", "command.executed"]
    (shown,) = workspace.audit_show(newest[-1].seq)
    assert shown.found.record.body["run"] == done.run
    assert len(workspace.audit_show(kind="log.created")) == 1
    signed = workspace.audit_checkpoint()
    assert (signed.pending, signed.head.checkpoint.size) == (0, newest[-1].seq + 1)


def test_configurations_trainers_and_names_can_be_asked(workspace):
    found = workspace.config_diff("profile:debug")
    assert not found.same
    assert found.exit_status == 1
    assert "hyperparameters" in found.moves
    assert workspace.config_diff("today").same
    families = [one.family for one in workspace.trainers()]
    assert families == sorted(families)
    assert workspace.trainer("ridge").family == "ridge"
    with pytest.raises(repro.UsageError, match="did you mean ridge"):
        workspace.trainer("rige")
    assert workspace.pins() == ()
    assert workspace.unsealed() == ()


@pytest.mark.slow
def test_a_run_is_named_by_whatever_was_given_back_for_it(workspace):
    quick = {"profile": "debug", "set": {"hyperparameters.n_estimators": 3, "splits.folds": 2}}
    first, second = workspace.train(**quick), workspace.train(seed=3, **quick)
    run = workspace.run(second)
    newest, _ = workspace.list().runs
    for a, b in ((first, second), (first.folder, run), (first.run, newest)):
        assert workspace.diff(a, b).b == run
    assert workspace.pin("best", run).run == second.run
    assert [(one.name, one.run) for one in workspace.pins()] == [("best", second.run)]
    assert workspace.rollback(first).changes
    assert workspace.config_diff(first, run).moves == ("seed",)
    assert workspace.describe().rows > 0
    assert set(workspace.describe().symbols) == {"AAPL", "FB", "GOOG", "IBM", "MSFT"}
    assert workspace.fingerprint(run).root == workspace.describe().root
    assert workspace.doctor(against=first).exit_status == 0


TRAINS = """
import sys, repro
workspace = repro.workspace(sys.argv[1], repro.Observer(stage=lambda text: print(text, flush=True)))
try:
    workspace.train(set={"hyperparameters.n_estimators": 50000})
except repro.InterruptedRunError as error:
    print("raised:", error.problem)
newest = workspace.unsealed()[0]
print("log:", newest.state, workspace.audit_verify().verdict, workspace.audit_tail(1)[0].type)
"""


@pytest.mark.slow
def test_an_impatient_ctrl_c_in_python_ends_the_log_as_it_must(tmp_path):
    made = repro.init(tmp_path / "workspace")
    with subprocess.Popen(
        [sys.executable, "-P", "-c", TRAINS, made.root], stdout=subprocess.PIPE, text=True
    ) as process:
        assert any(line.startswith("training") for line in process.stdout)
        for _ in range(4):
            process.send_signal(signal.SIGINT)
        printed = process.communicate(timeout=120)[0]
    assert "was interrupted" in printed
    assert "log: interrupted ok run.interrupted" in printed


SHUT = """
import sys, repro
from pathlib import Path
root = Path(sys.argv[1])
workspace = repro.workspace(root)
print(len(workspace.validate().errors), workspace.audit_verify().verdict)
for verb in (lambda: repro.init(root / "below"), workspace.train):
    try:
        verb()
    except (repro.ReproError, repro.LogError) as error:
        print(type(error).__name__, error.exit_status, error.problem)
"""
AS_NOBODY_SPECIAL = ("setpriv", "--inh-caps=-all", "--bounding-set=-all")
"""Root without its privileges is an owner like any other: permissions count again."""


@pytest.mark.slow
def test_what_cannot_be_written_can_be_asked_and_else_is_told(tmp_path):
    before = AS_NOBODY_SPECIAL if os.geteuid() == 0 else ()
    if before and shutil.which("setpriv") is None:
        pytest.skip("root may write anywhere, and setpriv is not installed")
    root = repro.init(tmp_path / "workspace").root
    modes = {path: path.stat().st_mode for path in (root, *root.rglob("*"))}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    command = [*before, sys.executable, "-P", "-c", SHUT, root]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    for path, mode in modes.items():
        path.chmod(mode)
    assert done.returncode == 0, done.stderr
    asked, made, trained = done.stdout.splitlines()
    assert asked == "0 ok"
    assert made.startswith("InputError 3 cannot write")
    assert re.match(r"\w+Error 3 .*cannot be used: Permission denied", trained), trained
