import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from repro.audit_log.formats.digests import digest_file
from repro.config.documents.catalog import hyperparameter_schemas
from repro.errors import DeterminismError, InputError, UsageError
from repro.execution.git import describe
from repro.facts import code
from repro.facts.data import digest_files, locate
from repro.facts.digest_cache import DigestCache
from repro.facts.limits import LEVELS
from repro.facts.trainers import declaration, declarations


def test_the_built_in_trainer_is_found_by_its_entry_point():
    found = declaration("lightgbm")
    assert found.module == "repro.trainers.lightgbm_"
    assert found.distribution == "repro-audit"
    assert found.canonical_name("n_estimators") == "num_iterations"
    assert found.canonical_name("nonsense") == "nonsense"


def test_no_alias_means_two_parameters():
    for found in declarations().values():
        names = list(found.hyperparameters)
        names += [alias for schema in found.hyperparameters.values() for alias in schema["aliases"]]
        assert len(names) == len(set(names))


def test_every_rule_says_why_and_how_it_is_known():
    for found in declarations().values():
        for rule in found.rulebook:
            assert rule.parameter not in found.hyperparameters
            assert rule.reason
            assert rule.evidence
            assert set(rule.levels) <= set(LEVELS)
            assert ("strict" in rule.levels) is ("portable" in rule.levels)


def test_every_family_says_how_its_bits_hang_on_threads():
    for found in declarations().values():
        assert not found.threads.timing  # its rulebook forces off what would make it so
        assert not found.beside
        assert found.threads.reason
        assert found.threads.evidence
        for level in ("strict", "portable"):
            assert found.beyond(level, 1, {}, found.tasks[0]) == ()


def test_what_stops_early_is_a_declared_part_of_the_procedure():
    for found in declarations().values():
        if found.early_stopping is not None:
            assert found.hyperparameters[found.early_stopping]["procedure"] is True


@pytest.mark.parametrize("family", ["lightgbm", "xgboost"])
def test_every_name_of_rounds_and_stopping_says_how_training_proceeds(family):
    found = declaration(family)
    procedure = found.procedure()
    assert procedure["n_estimators"] == found.canonical_name("num_boost_round")
    assert procedure["early_stopping_rounds"] == found.early_stopping
    assert not {"learning_rate", "max_depth", "max_bin"} & set(procedure)
    assert set(procedure) <= set(found.aliases())


def test_an_editor_is_told_only_words_of_json_schema():
    for found in declarations().values():
        for name, schema in hyperparameter_schemas(found).items():
            assert not {"aliases", "procedure"} & set(schema), name


def test_an_unknown_family_names_those_that_are_offered():
    with pytest.raises(UsageError) as caught:
        declaration("lightgbn")
    assert "lightgbm" in str(caught.value.hint)


def offered(folder, entries):
    """Return what a process with these distributions on its path finds."""
    for name, (module, text) in entries.items():
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[repro.trainers]\n{name} = {module}\n")
        package = folder / module.split(".")[0]
        package.mkdir(exist_ok=True)
        (package / "__init__.py").touch()
        if text is not None:
            (package / f"{module.split('.')[1]}.json").write_text(text)
    script = (
        "from repro.facts.trainers import declaration, declarations\n"
        "from repro.errors import InputError\n"
        "try:\n  names = declarations().unusable or declarations()\n"
        "  print([declaration(name).family for name in names])\n"
        "except InputError as e:\n  print('error:', e.problem, '|', e.hint)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def own():
    return json.loads(declaration("lightgbm").file.read_bytes())


def test_a_third_partys_trainer_is_found_without_importing_it(tmp_path, own):
    text = json.dumps({**own, "family": "acme"})
    found = offered(tmp_path, {"acme": ("acme_trainers.acme", text)})
    assert "'acme'" in found  # there is no acme.py at all
    assert "'lightgbm'" in found


def test_two_offers_of_one_family_are_an_error_that_names_both(tmp_path, own):
    found = offered(tmp_path, {"acme": ("acme_trainers.acme", json.dumps(own))})
    assert found.startswith("error: trainer 'lightgbm' is offered by: ")
    assert "acme 1.0" in found
    assert "repro-audit 0.1.0" in found


@pytest.mark.parametrize("text", [None, "{", "{}", '{"interface": 99}'])
def test_a_declaration_that_cannot_be_read_is_an_error_to_who_asks_for_it(tmp_path, text):
    found = offered(tmp_path, {"acme": ("acme_trainers.acme", text)})
    assert found.startswith("error: the declaration of trainer 'acme' of acme 1.0 cannot be used")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"seed_bits": 54}, "seed_bits is 1 to 53"),
        ({"inert_seeds": {"nobody": "why"}}, "inert_seeds names"),
        ({"trial": {"values": {"nothing": 1}}}, "a trial names"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_an_error_that_says_where(
    tmp_path, own, change, says
):
    text = json.dumps({**own, "family": "acme", **change})
    found = offered(tmp_path, {"acme": ("acme_trainers.acme", text)})
    assert found.startswith("error: the declaration of trainer 'acme'")
    assert says in found


def loaded(*names):
    """Return what a worker reports of these modules."""
    return {name: digest_file(find_spec(name).origin).blake3 for name in names}


def test_code_digests_hold_what_the_worker_loaded_and_the_trainer():
    names = ("repro.pipeline.features", "repro.trainers.contract", "repro.errors")
    found = code.code_digests(declaration("lightgbm"), loaded(*names))
    assert set(found) == {
        *names,
        "repro.trainers.lightgbm_",
        "repro.trainers.lightgbm_ (declaration)",
    }


@pytest.mark.parametrize("name", ["repro.pipeline.features", "repro.nowhere"])
def test_a_worker_that_runs_another_copy_of_the_code_is_an_error(name):
    with pytest.raises(DeterminismError, match=f"another {name} than this command"):
        code.code_digests(declaration("lightgbm"), {name: "00"})


def test_a_repositorys_own_programs_are_not_run(tmp_path):
    subprocess.run(["git", "init"], cwd=tmp_path, check=True, capture_output=True)
    spy = tmp_path / "spy"
    spy.write_text(f"#!/bin/sh\ntouch {tmp_path}/was-run\n")
    spy.chmod(0o755)
    config = ["git", "config", "core.fsmonitor", str(spy)]
    subprocess.run(config, cwd=tmp_path, check=True, capture_output=True)
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(
        ["git", "-c", "core.fsmonitor=false", *who, "commit", "--allow-empty", "-m", "x"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    assert describe(tmp_path)["dirty"] is False
    assert not (tmp_path / "was-run").exists()


def test_data_files_are_digested_by_content(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"abc")
    cache = DigestCache(tmp_path, tmp_path / "kept")
    (found,) = digest_files(locate(tmp_path, ["a.csv"]), cache, sha256=True)
    assert found.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert found.blake3 == "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"
    assert found.facts() == {
        "name": "a.csv",
        "blake3": found.blake3,
        "sha256": found.sha256,
        "size": 3,
    }
    (alone,) = digest_files(locate(tmp_path, ["a.csv"]), cache)
    assert alone.facts() == {"name": "a.csv", "blake3": found.blake3, "size": 3}


def test_a_data_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no such data file: data/x\.csv"):
        locate(tmp_path, ["data/x.csv"])


def test_git_is_described_with_commit_and_whether_it_is_dirty(tmp_path):
    def git(*arguments):
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments],
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )

    assert describe(tmp_path) is None
    git("init")
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-m", "x")
    found = describe(tmp_path)
    assert len(found["commit"]) == 40
    assert found["dirty"] is False
    (tmp_path / "a").write_text("2")
    assert describe(tmp_path)["dirty"] is True
