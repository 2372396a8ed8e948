"""``repro validate PATH…``: files, folders and standard input, of workspaces and of none."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from jsonschema import Draft4Validator

from repro.config.documents.kinds import Fragments, kinds
from repro.errors import InputError, Place, Problem, UsageError
from repro.facts.trainers import declarations
from repro.report.validation import RULES
from repro.verbs.configuring.validate import Validation, validate, validate_root
from repro.verbs.configuring.validate_paths import validate_paths

ROOT = Path(__file__).parents[2]
MODEL = "CONFIG/model_config/lightgbm.yaml"
SPLITS = "CONFIG/training_config/splits_config.yaml"
TARGETS = "CONFIG/data/targets.yaml"
EXPERIMENT = "CONFIG/experiments/quick_look.yaml"
SARIF = json.loads((ROOT / "tests/vectors/sarif/sarif-2.1.0-rtm.5.json").read_text("utf-8"))
BAD_MODEL = "hyperparameters:\n  learning_rate: 3.0\n"


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """Return a workspace with a copy of the shipped configuration, as the working directory."""
    return settle(tmp_path, monkeypatch)


def settle(folder, monkeypatch):
    """Copy the shipped configuration into ``folder`` and go there."""
    shutil.copytree(ROOT / "CONFIG", folder / "CONFIG", ignore=shutil.ignore_patterns("__*"))
    monkeypatch.chdir(folder)
    return folder


def edit(file, old, new):
    """Replace a text that must stand once in a file."""
    text = Path(file).read_text("utf-8")
    assert text.count(old) == 1
    Path(file).write_text(text.replace(old, new), "utf-8")


def run(*words, stdin=None, **more):
    """Return status, stdout and stderr of the command."""
    ran = subprocess.run(
        [sys.executable, "-P", "-m", "repro", "validate", *words],
        input=stdin if stdin is not None else b"",
        capture_output=True,
        timeout=60,
        **more,
    )
    assert b"Traceback" not in ran.stderr
    return ran.returncode, ran.stdout.decode(), ran.stderr.decode()


def places(found):
    """Return file, line and rule of each problem."""
    return [(p.place.file, p.place.line, p.rule) for p in found.problems]


# --- in a workspace ------------------------------------------------------------------------------


def test_one_broken_document_hides_nothing_that_can_be_told(workspace):
    edit(MODEL, "learning_rate: 0.01", "learning_rate: 3.0")
    edit(SPLITS, "purge: 5 ", "purge: 4 ")
    assert places(validate(Path())) == [(MODEL, 7, "maximum"), (SPLITS, 9, "cross-check")]


@pytest.mark.parametrize("text", ["", "a: [", "- 1", "hyperparameters: 3", "hyperparameters:"])
def test_a_model_document_that_is_none_hides_nothing_else(text, workspace):
    Path(MODEL).write_text(text)
    edit(SPLITS, "purge: 5 ", "purge: 4 ")
    found = validate(Path())
    assert (SPLITS, 9, "cross-check") in places(found)
    assert [p for p in found.problems if p.place.file == MODEL]
    assert {p.place.file for p in found.problems} == {MODEL, SPLITS}


DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "CONFIG").rglob("*.yaml")
    if path.parent.name != "model_config" or path.stem == "lightgbm"  # one family for all
)


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("text", ["", "x: 1\n"], ids=["empty", "other"])
def test_any_document_that_is_none_is_the_only_one_that_is_told_of(document, text, workspace):
    Path(document).write_text(text)
    found = validate(Path())
    assert {p.place.file for p in found.problems} == {document}
    assert found.exit_status() == 1


def test_checks_that_read_a_broken_document_are_left_out(workspace):
    edit(SPLITS, "purge: 5 ", "purge: four ")
    edit("CONFIG/training_config/routing_config.yaml", "symbol: null ", "symbol: AAPL ")
    found = places(validate(Path()))
    assert [(file, rule) for file, _, rule in found] == [
        ("CONFIG/training_config/routing_config.yaml", "cross-check"),
        (SPLITS, "type"),
    ]


def test_a_file_has_its_own_problems_and_those_between_documents_that_lie_in_it(workspace):
    edit(MODEL, "learning_rate: 0.01", "learning_rate: 3.0")
    edit(SPLITS, "purge: 5 ", "purge: 4 ")
    assert places(validate_paths([SPLITS])) == [(SPLITS, 9, "cross-check")]
    assert places(validate_paths([MODEL])) == [(MODEL, 7, "maximum")]
    assert places(validate_paths([TARGETS])) == []
    assert validate_paths([TARGETS]).files == (TARGETS,)
    assert len(validate_paths([SPLITS, MODEL, MODEL]).problems) == 2


def test_a_folder_stands_for_what_is_below_it(workspace):
    edit(MODEL, "learning_rate: 0.01", "learning_rate: 3.0")
    edit(SPLITS, "purge: 5 ", "purge: 4 ")
    assert len(validate_paths(["CONFIG/model_config"]).problems) == 1
    for all_of_it in (".", "CONFIG", str(workspace), "CONFIG/data/.."):
        found = validate_paths([all_of_it])
        assert (len(found.problems), found.root) == (2, workspace)
        assert found.files == validate(Path()).files or sorted(found.files) == list(found.files)


def test_names_are_as_seen_from_the_working_directory(workspace, monkeypatch):
    edit(MODEL, "learning_rate: 0.01", "learning_rate: 3.0")
    monkeypatch.chdir(workspace.parent)
    name = f"{workspace.name}/{MODEL}"
    assert places(validate_paths([name])) == [(name, 7, "maximum")]
    monkeypatch.chdir("/")
    monkeypatch.chdir(workspace / "CONFIG" / "data")
    assert places(validate_paths(["../model_config"])) == [(str(workspace / MODEL), 7, "maximum")]


@pytest.mark.parametrize("name", ["CONFIG/notes.txt", "CONFIG/.hidden.yaml", "CONFIG/data/x.yml"])
def test_a_file_that_nothing_reads_is_a_problem_if_it_is_asked_about(name, workspace):
    Path(name).write_text("a: 1\n")
    ((file, _, rule),) = places(validate_paths([name]))
    assert (file, rule) == (name, "document")


def test_every_variant_and_profile_is_checked_without_being_asked_for(workspace):
    edit(MODEL, "    max_depth: 3\n", "    max_depth: 2\n")
    edit(
        "CONFIG/training_config/optimizer_config.yaml",
        "      max_bin: 63\n",
        "      num_leaves: 64\n",
    )
    messages = [p.message for p in validate(Path()).problems]
    assert messages == [
        "7 leaves do not fit a depth of 2: at most 4",
        "64 leaves do not fit a depth of 5: at most 32",
    ]


def test_a_target_whose_horizon_is_longer_than_the_purge_is_wrong_only_where_it_is_used(workspace):
    edit(SPLITS, "purge: 5 ", "purge: 1 ")
    edit("CONFIG/data/dataset.yaml", "default_target: fwd_ret_5d", "default_target: fwd_ret_1d")
    Path(EXPERIMENT).unlink()
    assert validate(Path()).problems == ()
    assert len(run("--target", "fwd_ret_5d")[1].splitlines()) == 5


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("targets: [fwd_ret_5d]", "targets: [fwd_ret_5d, fwd_ret_9d]", 6, "fwd_ret_9d"),
        ("families: [lightgbm]", "families: [lightgmb]", 7, "lightgmb"),
        ("ret_20d, vol_20d]", "ret_20d, vol_21d]", 8, "vol_21d"),
        ("profile: debug", "profile: debugg", 9, "debugg"),
        ("profile: debug", "variant: agressive", 9, "agressive"),
        ("profile: debug", "extends: nothing", 9, "nothing"),
        ("profile: debug", "extends: quick_look", 9, "quick_look -> quick_look"),
        ("folds: 3", "purge: 4", 16, "4 is shorter than the horizon of fwd_ret_5d, 5"),
        ("folds: 3", "folds: three", 16, "three"),
    ],
)
def test_a_name_or_a_value_of_an_experiment_that_cannot_be_is_told_at_its_place(
    old, new, line, said, workspace
):
    edit(EXPERIMENT, old, new)
    found = validate(Path())
    assert [(p.place.file, p.place.line) for p in found.problems] == [(EXPERIMENT, line)]
    assert said in found.problems[0].message
    assert validate_paths([EXPERIMENT]).problems == found.problems
    assert validate_paths([TARGETS]).problems == ()


def test_each_target_and_family_of_an_experiment_is_checked(workspace):
    edit(EXPERIMENT, "targets: [fwd_ret_5d]", "targets: [fwd_ret_1d, fwd_ret_5d]")
    edit(EXPERIMENT, "folds: 3", "purge: 4")
    (problem,) = validate(Path()).problems
    assert problem.message == "4 is shorter than the horizon of fwd_ret_5d, 5"


def test_all_names_of_an_experiment_are_told_at_once(workspace):
    text = (
        "experiment: {description: x, targets: [fwd_rt_5d], families: [lightgb],\n"
        "  features: [ret_1], profile: debg}\n"
    )
    Path("CONFIG/experiments/mine.yaml").write_text(text)
    status, out, _ = run()
    assert status == 1
    for said in ("target: 'fwd_rt_5d'", "family: 'lightgb'", "profile: 'debg'"):
        assert f"no such {said}" in out
    assert "mine.yaml:2:14: experiment.features: no feature 'ret_1' in the registry" in out


def test_a_broken_document_does_not_hide_what_is_wrong_in_an_experiment(workspace):
    edit("CONFIG/model_config/lightgbm.yaml", "num_leaves: 15", "num_leavs: 15")
    text = "experiment: {description: x, profile: debg, variant: consrvative}\n"
    Path("CONFIG/experiments/mine.yaml").write_text(text)
    status, out, _ = run("CONFIG/experiments/mine.yaml")
    assert status == 1
    assert "no such profile: 'debg'" in out
    # Whether it has such a variant, the broken document might say.
    assert "consrvative" not in out.replace(text.strip(), "")
    Path("CONFIG/training_config/optimizer_config.yaml").write_text("- debug\n")
    status, out, _ = run("CONFIG/experiments/mine.yaml")
    assert (status, out) == (0, "valid: 1 document\n")


def test_a_model_document_with_another_ending_is_one_problem(workspace):
    shutil.copy("CONFIG/model_config/ridge.yaml", "CONFIG/model_config/ridge.yml")
    status, out, _ = run()
    assert status == 1
    assert "ridge.yml:1:1: model_config.ridge: nothing reads this file" in out
    assert out.endswith("\n1 problem\n")


def test_a_profile_that_says_nothing_to_the_family_is_a_warning(workspace):
    profiles = "training_profiles: {default: {batch_size: 256}, debug: {batch_size: 32}}\n"
    Path("CONFIG/training_config/optimizer_config.yaml").write_text(profiles)
    status, out, _ = run("--profile", "debug")
    assert status == 0
    assert "warning: training_profiles.debug: says nothing to lightgbm" in out
    assert run("--profile", "debug", "--strict")[0] == 1
    for words in (("--profile", "default"), ("--profile", "debug", "pipeline.family=mlp")):
        assert "says nothing" not in run(*words)[1]


def test_an_experiment_that_cannot_be_read_does_not_hide_another(workspace):
    text = Path(EXPERIMENT).read_text()
    other = "CONFIG/experiments/another.yaml"
    Path(other).write_text(text.replace("folds: 3", "purge: 4"))
    Path("CONFIG/experiments/below.yaml").write_text(
        "experiment: {description: x, extends: quick_look}\n"
    )
    Path(EXPERIMENT).write_text("experiment: [\n")
    found = validate(Path())
    assert [p.place.file for p in found.problems] == [other, EXPERIMENT]


def test_overrides_go_with_paths_and_a_slash_makes_a_path(workspace):
    assert run("CONFIG", "purge=4")[0] == 1
    assert run("./a=b.yaml")[0] == 2
    Path("a=b.yaml").write_text("a: 1\n")
    status, out, _ = run("./a=b.yaml", "--kind", "targets")
    assert (status, out.split(":")[0]) == (1, "a=b.yaml")


# --- in none -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("lightgbm.yaml", "", None),
        ("lightgbm_custom.yaml", "", None),
        ("any.yaml", "# yaml-language-server: $schema=../x/lightgbm.schema.json\n", None),
        ("any.yml", "# mine\n#yaml-language-server:  $schema=lightgbm.schema.json  \n", None),
        ("any", "", "lightgbm"),
        ("targets.yaml", "# yaml-language-server: $schema=targets.schema.json\n", "lightgbm"),
    ],
)
def test_the_kind_is_said_by_the_flag_then_by_the_file_then_by_its_name(
    name, head, kind, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(head + BAD_MODEL)
    line = head.count("\n") + 2
    assert places(validate_paths([name], kind=kind)) == [(name, line, "maximum")]


def test_every_kind_is_known_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for kind in kinds(declarations()):
        Path(f"{kind}_x.yaml").write_text("nope: 1\n")
        assert places(validate_paths([f"{kind}_x.yaml"]))[0][2] == "additionalProperties"


def test_a_fragment_need_not_be_whole(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("safety_config.yaml").write_text(
        "safety: {leakage_detection: {auto_fix_thresholds: {cv_score: 0.99}}}\n"
    )
    assert validate_paths(["safety_config.yaml"]).problems == ()


@pytest.mark.parametrize(
    ("head", "column"),
    [("", 1), ("# yaml-language-server: $schema=https://example.org/lightgbn.schema.json\n", 33)],
)
def test_an_unknown_kind_is_told_with_all_that_there_are(head, column, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("any.yaml").write_text(head + BAD_MODEL)
    (problem,) = validate_paths(["any.yaml"]).problems
    assert (problem.rule, problem.place.column) == ("kind", column)
    assert "lightgbm" in (problem.hint or "")
    assert "safety_config" in (problem.hint or "")
    with pytest.raises(UsageError, match="did you mean lightgbm"):
        Fragments(declarations(), "lightgmb")


def test_a_plain_folder_is_read_whole_and_sorted_without_hidden_things(tmp_path, monkeypatch):
    settle(tmp_path / "b", monkeypatch)
    monkeypatch.chdir(tmp_path)
    edit(f"b/{SPLITS}", "purge: 5 ", "purge: 4 ")
    for name in ("z.yaml", "a/lightgbm.yaml", ".git/lightgbm.yaml", "a/.x.yaml", "a/x.txt"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(BAD_MODEL)
    found = validate_paths(["."])
    assert places(found) == [
        ("a/lightgbm.yaml", 2, "maximum"),
        (f"b/{SPLITS}", 9, "cross-check"),
        ("z.yaml", 1, "kind"),
    ]
    assert found.root is None


def test_a_folder_without_a_document_and_flags_without_a_workspace_are_refused(tmp_path):
    with pytest.raises(InputError, match="no document in"):
        validate_paths([str(tmp_path)])
    (tmp_path / "lightgbm.yaml").write_text("hyperparameters: {}\n")
    assert run("purge=4", str(tmp_path))[0] == 2


# --- standard input ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "head", "name"),
    [
        (("--kind", "lightgbm"), "", "<stdin>"),
        (("--stdin-filename", "lightgbm.yaml"), "", "lightgbm.yaml"),
        ((), "# yaml-language-server: $schema=lightgbm.schema.json\n", "<stdin>"),
    ],
)
def test_standard_input_is_a_document(words, head, name, tmp_path):
    status, out, err = run("-", *words, stdin=(head + BAD_MODEL).encode(), cwd=tmp_path)
    line = head.count("\n") + 2
    assert (status, err) == (1, "")
    assert out.startswith(f"{name}:{line}:18: hyperparameters.learning_rate: 3.0 is above")


def test_standard_input_by_the_place_it_is_meant_for(workspace):
    stdin = b"targets: {x: {horizon: none}}\n"
    found = validate_paths([], stdin=("CONFIG/data/targets.yaml", stdin))
    assert [p.place.file for p in found.problems] == ["CONFIG/data/targets.yaml"]
    assert found.problems[0].path == "targets.x.horizon"


# --- what is written -----------------------------------------------------------------------------


def test_each_format_says_the_same_and_stdout_carries_nothing_else(workspace):
    edit(MODEL, "learning_rate: 0.01", "learning_rate: 3.0")
    edit(SPLITS, "purge: 5 ", "purge: 4 ")
    said = {}
    for form in ("json", "github", "sarif", "junit"):
        status, said[form], err = run("--format", form)
        assert (status, err) == (1, "")
    expected = [(MODEL, 7, "maximum"), (SPLITS, 9, "cross-check")]
    document = json.loads(said["json"])
    assert [(p["file"], p["line"], p["rule"]) for p in document["problems"]] == expected
    assert [line.split(",")[:2] for line in said["github"].splitlines()] == [
        [f"::error file={file}", f"line={line}"] for file, line, _ in expected
    ]
    log = json.loads(said["sarif"])
    assert list(Draft4Validator(SARIF).iter_errors(log)) == []
    results = log["runs"][0]["results"]
    assert [result["ruleId"] for result in results] == [rule for _, _, rule in expected]
    assert [r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in results] == [
        file for file, _, _ in expected
    ]
    suite = ElementTree.fromstring(said["junit"])  # noqa: S314  our own text
    assert (suite.get("tests"), suite.get("failures")) == (str(len(document["files"])), "2")


def test_every_rule_that_is_listed_is_listed_once():
    names = [rule.name for rule in RULES]
    assert sorted(set(names), key=str.lower) == sorted(names, key=str.lower)


def test_warnings_are_told_and_change_no_status_unless_strict():
    warning = Problem(Place("x", 1, 1, 1), "", "old", "legacy", severity="warning")
    error = Problem(Place("x", 1, 1, 1), "", "bad", "type")
    assert Validation(None, (), (warning,)).exit_status() == 0
    assert Validation(None, (), (warning,)).exit_status(strict=True) == 1
    assert Validation(None, (), (warning, error)).exit_status() == 1


# --- what cannot be read -------------------------------------------------------------------------


def directory(path):
    """Put a folder where a file should be."""
    path.mkdir()


def pipe(path):
    """Put a named pipe."""
    os.mkfifo(path)


def dangling(path):
    """Put a link that leads nowhere."""
    path.symlink_to("nowhere")


def loop(path):
    """Put a link to itself."""
    path.symlink_to(path.name)


def device(path):
    """Put a link to a device that never ends."""
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize(
    ("make", "by"),
    [
        (make, by)
        for make in (directory, pipe, dangling, loop, device)
        for by in ("workspace", "path", "alone")
        if (make, by) != (directory, "alone")  # a folder that is named as a path is a folder
    ],
)
def test_what_cannot_be_read_is_told_and_the_rest_is_checked_all_the_same(make, by, workspace):
    edit(SPLITS, "folds: 5", "folds: five")
    target = Path(MODEL) if by != "alone" else workspace / "lightgbm.yaml"
    target.unlink(missing_ok=True)
    make(target)
    if by == "workspace":
        found = validate(Path())
        assert [p.place.file for p in found.problems] == [MODEL, SPLITS]
    else:
        found = validate_paths([str(target), SPLITS])
        assert len(found.problems) == 2
    (told,) = [p for p in found.problems if p.rule == "unreadable"]
    assert told.place.file.endswith("lightgbm.yaml")
    assert told.message.startswith("cannot be read: ")
    assert told.hint
    assert found.exit_status() == 3


def test_what_may_not_be_read_is_told_file_or_folder(workspace):
    families = declarations()
    validate_root(Path(), families)  # loads all that it needs while it may
    workspace.chmod(0o755)
    edit(SPLITS, "folds: 5", "folds: five")
    Path(MODEL).chmod(0)
    Path("CONFIG/data").chmod(0)
    me = os.geteuid()
    try:
        if me == 0:
            os.seteuid(65534)  # to the superuser nothing is shut
        found = validate_root(Path(), families)
    finally:
        os.seteuid(me)
        Path("CONFIG/data").chmod(0o755)
    assert places(found) == [
        ("CONFIG/data", 1, "unreadable"),
        (MODEL, 1, "unreadable"),
        (SPLITS, 7, "type"),
    ]
    assert found.exit_status() == 3
    assert "permission denied" in found.problems[0].message


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "syntax"),
        (b"# nothing\n\n# here\n", "syntax"),
        (b"a: \xff\n", "encoding"),
        (b"\x7fELF\x02\x01\x01\x00", "character"),
        ("a: 1\n".encode("utf-16"), "encoding"),
    ],
)
def test_what_is_no_document_has_one_message_with_its_place(content, rule, workspace):
    Path(MODEL).write_bytes(content)
    for found in (validate(Path()), validate_paths([MODEL])):
        ((file, line, told),) = places(found)
        assert (file, line, found.exit_status()) == (MODEL, 1, 1)
        assert told == rule or rule == "syntax"


def test_training_refuses_a_pipe_at_once(workspace):
    Path(MODEL).unlink()
    os.mkfifo(MODEL)
    ran = subprocess.run(
        [sys.executable, "-P", "-m", "repro", "train"], capture_output=True, text=True, timeout=30
    )
    assert ran.returncode == 3
    assert f"{MODEL} cannot be read: it is a pipe" in ran.stderr


# --- a trainer that is at fault ------------------------------------------------------------------

ENTRY = "[repro.trainers]\nacme = acme_trainers.acme\n"


@pytest.fixture
def acme(tmp_path):
    """Return what installs a distribution whose trainer declares one hyperparameter so."""

    def install(schema):
        site = tmp_path / "site"
        package = site / "acme_trainers"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        declared = json.loads((ROOT / "trainers" / "lightgbm_.json").read_text("utf-8"))
        declared |= {"family": "acme", "hyperparameters": {"depth": schema}, "rulebook": []}
        declared |= {"conditions": [], "limits": [], "trial": {}, "inert_seeds": {}}
        (package / "acme.json").write_text(json.dumps(declared, indent=2))
        info = site / "acme_trainers-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-trainers\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(ENTRY)
        return {**os.environ, "PYTHONPATH": str(site)}

    return install


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "integr", "aliases": []}, "'integr' is no type"),
        ({"type": "string", "pattern": "(", "aliases": []}, "'(' is no regular expression"),
        ({"$ref": "#/$defs/none", "aliases": []}, "no word of JSON Schema that may stand here"),
        ({"type": "integer"}, "aliases: missing, or no list of names"),
        ({"type": "integer", "alaises": []}, "aliases: missing, or no list of names; did you mean"),
        ({"minimum": "3", "aliases": []}, "found '3', expected a number"),
        ({"minimun": 3, "aliases": []}, "did you mean minimum?"),
        ({"anyOf": [{"enmu": [1]}], "aliases": []}, "anyOf.0.enmu: no word of JSON Schema"),
        ("integer", "expected a mapping"),
    ],
    ids=str,
)
def test_a_schema_that_is_none_is_its_trainers_fault_where_that_is_asked_for(
    schema, said, acme, workspace
):
    env = acme(schema)
    Path("CONFIG/model_config/acme.yaml").write_text("hyperparameters: {depth: 1}\n")
    status, out, err = run("--family", "acme", env=env)
    assert (status, out) == (3, "")
    assert "the declaration of trainer 'acme' of acme-trainers 1.2 cannot be used" in err
    assert re.search(r"acme_trainers/acme\.json:\d+:\d+: hyperparameters\.depth", err)
    assert said in err
    assert "update or uninstall acme-trainers 1.2" in err
    assert "reinstall" not in err


NOT_ACME = "repro: warning: the declaration of trainer 'acme' of acme-trainers 1.2 cannot be used"


@pytest.mark.parametrize(
    "words",
    [
        ("trainers", "list"),
        ("trainers", "show", "ridge"),
        ("config", "show", "learning_rate"),
        ("validate",),
        ("lint", "model.py"),
        ("init", "other"),
    ],
    ids=" ".join,
)
def test_a_broken_trainer_is_left_out_with_one_warning_by_who_does_not_ask_for_it(
    words, acme, workspace
):
    env = acme({"type": "integr", "aliases": []})
    Path("CONFIG/model_config/acme.yaml").write_text("hyperparameters: {depth: 1}\n")
    Path("model.py").write_text("print()\n")
    told = [sys.executable, "-P", "-m", "repro", *words]
    done = subprocess.run(told, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("'acme' of acme-trainers 1.2") == 1
    assert NOT_ACME in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("trainers", "show", "acme"),
        ("trainers", "check", "acme"),
        ("config", "show", "--family", "acme"),
        ("config", "explain", "depth", "--family", "acme"),
    ],
    ids=" ".join,
)
def test_who_asks_for_a_broken_trainer_is_told_where_it_is_broken(words, acme, workspace):
    env = acme({"type": "integer", "aliases": []})
    file = workspace / "site" / "acme_trainers" / "acme.json"
    sound = file.read_text("utf-8")
    Path("CONFIG/model_config/acme.yaml").write_text("hyperparameters: {depth: 1}\n")

    def refused():
        told = [sys.executable, "-P", "-m", "repro", *words]
        done = subprocess.run(told, env=env, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (3, "")
        assert "repro: warning" not in done.stderr
        return done.stderr

    file.write_text(sound.replace('"family": "acme",', '"family": "acme"'))
    assert f"{file}:3:3: no JSON: Expecting ',' delimiter" in refused()
    file.write_text(sound.replace('"title"', '"titel"'))
    said = refused()
    assert f"{file}:3:3: missing key title; did you mean titel" in said
    assert f"{file}:3:3: titel: unknown key; did you mean title?" in said


def test_a_sound_trainer_of_another_distribution_is_as_good_as_ours(acme, workspace):
    env = acme({"type": "integer", "minimum": 1, "aliases": []})
    Path("CONFIG/model_config/acme.yaml").write_text("hyperparameters: {depth: 1}\n")
    assert run(env=env)[0] == 0
    Path("CONFIG/model_config/acme.yaml").write_text("hyperparameters: {depth: 0}\n")
    assert run(env=env)[0] == 1
