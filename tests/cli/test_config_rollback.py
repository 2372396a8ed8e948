"""``repro config rollback``: what a run had, written back as files or overlays, and proven."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from repro.config.documents import catalog
from repro.config.documents.tree import load
from repro.config.editing import edit
from repro.config.resolution.active import components
from repro.config.resolution.resolve import Resolved, Selection, resolve
from repro.config.sealed import restore
from repro.config.sealed.record import record
from repro.errors import InputError, ProblemsError, UsageError
from repro.facts.trainers import declarations
from repro.verbs.configuring.rollback import carry_out, plan, restored

# The in-process tests below ask the pure part with a record made as `repro train` makes it; the
# first test goes through the command, a real run and its log.

LIGHTGBM = "model_config/lightgbm.yaml"


def fits(document: Any) -> bool:
    """Return whether a result of the command fits its schema."""
    schema = catalog.output_schema("config-rollback")
    return not list(Draft202012Validator(schema).iter_errors(document))


def files(root: Path) -> dict[Path, bytes]:
    """Return every file of ``CONFIG``."""
    return {p: p.read_bytes() for p in (root / "CONFIG").rglob("*") if p.is_file()}


def comments(root: Path) -> list[str]:
    """Return every comment of ``CONFIG``."""
    texts = (path.read_text("utf-8") for path in sorted((root / "CONFIG").rglob("*.yaml")))
    return re.findall(r"#.*", "".join(texts))


def test_train_edit_roll_back_train_is_identical(desk) -> None:
    first = desk.train("--variant", "conservative", "--set", "folds=2")["run"]
    desk.edit(LIGHTGBM, "  max_depth: 5", "  max_depth: 6")
    desk.edit(LIGHTGBM, "  n_estimators: 200 ", "  num_iterations: 150 ")
    desk.edit("training_config/reproducibility_config.yaml", "base_seed: 42", "base_seed: 43")
    (desk.root / "CONFIG/training_config/splits_config.yaml").unlink()
    told = comments(desk.root)
    state = files(desk.root)
    shown = desk.run("config", "rollback", first, status=2)
    assert "nobody can be asked" in shown.stderr
    for option in ("--yes", "--out DIR", "--as-overlay", "--dry-run"):
        assert option in shown.stderr
    assert "+  max_depth: 3\n" in shown.stdout
    assert files(desk.root) == state

    dry = desk.run("config", "rollback", first, "--dry-run", status=1)
    assert dry.stdout.startswith(shown.stdout)
    assert f"would write: 3 files, as {first} had them" in dry.stdout
    assert (
        "does not go" in desk.run("config", "rollback", "x", "--dry-run", "--yes", status=2).stderr
    )
    beside = desk.run("config", "rollback", first, "--out", "elsewhere", "--yes").stdout
    assert beside.endswith("no command reads elsewhere: copy its files into CONFIG to train with\n")
    assert fits(desk.json("config", "rollback", first, "--out", "more", "--yes"))
    away = desk.root / "away"
    shown = desk.run("config", "rollback", first, "--out", str(away), "--dry-run", status=1).stdout
    assert f"+++ b{away}/{LIGHTGBM}\n" in shown
    assert files(desk.root) == state

    done = desk.json("config", "rollback", first, "--yes")
    assert fits(done)
    assert {file["kind"] for file in done["files"]} == {"change", "create"}
    assert done["train"] == "repro train"
    assert "num_iterations: 20 " in (desk.root / "CONFIG" / LIGHTGBM).read_text("utf-8")
    assert not set(told) - set(comments(desk.root))
    second = desk.json("train", "--quiet")["run"]
    assert desk.json("diff", first, second)["verdict"] == "identical"
    assert plan(desk.root, second, as_overlay=False, out=None).changes == ()
    same = desk.json("config", "rollback", second, "--dry-run")
    assert fits(same)
    assert same["written"] is False

    desk.edit(LIGHTGBM, "  max_depth: 3\n  min_data", "  max_depth: 4\n  min_data")
    desk.edit("data/dataset.yaml", "default_target: fwd_ret_5d", "default_target: fwd_up_5d")
    laid = desk.json("config", "rollback", first, "--as-overlay", "--yes")
    assert fits(laid)
    assert laid["train"] == f"repro train --config lightgbm_{first} --target fwd_ret_5d"
    overlay = desk.root / "CONFIG" / "model_config" / f"lightgbm_{first}.yaml"
    assert overlay.read_text("utf-8").splitlines()[2:] == ["hyperparameters:", "  max_depth: 3"]
    config = next((desk.root / "RESULTS" / "runs" / first).rglob("config.json"))
    want = restore.wanted(first, json.loads(config.read_text("utf-8")), declarations())
    again = resolved(desk.root, overlays=(f"lightgbm_{first}",), target="fwd_ret_5d")
    assert restore.differing(again, want) == []

    with pytest.raises(UsageError, match="no run is called"):
        plan(desk.root, "nope", as_overlay=False, out=None)
    with pytest.raises(UsageError, match="names 2 runs"):
        plan(desk.root, first[:5], as_overlay=False, out=None)
    config.write_text(config.read_text("utf-8").replace('"value": 3', '"value": 4'), "utf-8")
    told_of = desk.run("config", "rollback", first, "--yes", status=4)
    assert "is not what it was" in told_of.stderr


# --- what a record means for the files of today ---------------------------------------------------


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a workspace with the shipped configuration."""
    config = Path(__file__).parents[2] / "CONFIG"
    shutil.copytree(config, tmp_path / "CONFIG", ignore=shutil.ignore_patterns("__*"))
    return tmp_path


def resolved(root: Path, **asked: Any) -> Resolved:
    """Return what a workspace resolves to."""
    families = declarations()
    tree, found = load(root, families)
    assert found == ()
    return resolve(tree, Selection(**asked), families)


def had(root: Path, **asked: Any) -> restore.Wanted:
    """Return what a run with these flags would have had."""
    sealed = json.loads(json.dumps(record(resolved(root, **asked))))
    return restore.wanted("r-1", sealed, declarations())


def rolled_back(root: Path, want: restore.Wanted) -> Resolved:
    """Write the leaves of a run into the documents, as the verb does; return what they come to."""
    families = declarations()
    for step in ("documents", "layers"):
        tree, _ = load(root, families)
        drafts = {
            name: edit.draft((root / document.file).read_bytes(), document.file)
            for name, document in tree.documents.items()
        }
        if step == "documents":
            restore.documents(tree, drafts, want, families)
        else:
            restore.layers(tree, resolve(tree, Selection(), families), drafts, want, families)
        for draft in drafts.values():
            (root / draft.file).write_bytes(draft.encoded())
    return resolved(root)


def replaced(root: Path, file: str, old: str, new: str) -> None:
    """Replace a text that stands once in a file of ``CONFIG``."""
    path = root / "CONFIG" / file
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")


PROFILES = "training_config/optimizer_config.yaml"
CHANGES = {
    "a value": (LIGHTGBM, "  learning_rate: 0.01\n", "  learning_rate: 0.5\n"),
    "an alias": (LIGHTGBM, "  reg_lambda: 1.0\n", "  lambda_l2: 3.0\n"),
    "a profile that is always laid": (
        PROFILES,
        "  default:\n",
        "  default:\n    lightgbm:\n      num_leaves: 9\n",
    ),
    "a value that every family gets": (
        PROFILES,
        "    early_stopping_rounds: 0 ",
        "    early_stopping_rounds: 7 ",
    ),
    "a list": ("data/feature_registry.yaml", "  - ret_5d\n  - ret_20d\n", "  - ret_20d\n"),
    "a null": (
        "training_config/splits_config.yaml",
        "max_train_timestamps: null",
        "max_train_timestamps: 900",
    ),
    "the target": ("data/dataset.yaml", "default_target: fwd_ret_5d", "default_target: fwd_up_5d"),
}


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_what_was_changed_since_is_as_it_was(root: Path, name: str) -> None:
    want = had(root)
    then = components(resolved(root))
    told = comments(root)
    replaced(root, *CHANGES[name])
    assert restore.differing(resolved(root), want)
    now = rolled_back(root, want)
    assert restore.differing(now, want) == []
    assert components(now) == then
    assert set(told) <= set(comments(root))


def test_flags_of_the_run_become_values_of_the_documents(root: Path) -> None:
    want = had(
        root,
        target="fwd_up_5d",
        variant="aggressive",
        profile="debug",
        sets=("base_seed=7",),
    )
    variants = resolved(root).flat
    now = rolled_back(root, want)
    assert (now.target, restore.differing(now, want)) == ("fwd_up_5d", [])
    unused = [p for p in variants if "variants" in p or "training_profiles" in p]
    assert all(now.flat[p].value == variants[p].value for p in unused)


def test_what_lies_beneath_already_is_not_written_again(root: Path) -> None:
    want = had(root)
    identity = root / "CONFIG" / "identity_config.yaml"
    text = "identity:\n  mode: strict\n"
    identity.write_text(text, "utf-8")
    rolled_back(root, want)
    assert identity.read_text("utf-8") == text
    identity.unlink()
    tree, _ = load(root, declarations())
    assert restore.missing_documents(tree, want, declarations()) == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": 2}, "another form, 2"),
        ({"family": "gone"}, "no trainer offers its family here, 'gone'"),
        (
            {"values": [{"path": "nowhere.at.all", "value": 1, "used": True}]},
            "nowhere.at.all lies in a document that is not known here",
        ),
    ],
)
def test_a_record_that_cannot_be_had_here_is_refused(root: Path, change: Any, said: str) -> None:
    sealed = {**json.loads(json.dumps(record(resolved(root)))), **change}
    with pytest.raises(InputError, match=re.escape(said)):
        restore.wanted("r-1", sealed, declarations())


def spoiled(want: restore.Wanted, path: tuple[str, ...], value: Any) -> restore.Wanted:
    """Return what a run would have had with another value, whatever schemas say of it today."""
    return replace(want, used={**want.used, path: value})


@pytest.mark.parametrize("as_overlay", [False, True], ids=["files", "overlay"])
@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("model_config.lightgbm.hyperparameters.max_depth", "deep", "hyperparameters.max_depth"),
        ("model_config.lightgbm.hyperparameters.gone", 1, "hyperparameters.gone"),
        ("training_config.splits_config.splits.purge", 1, "shorter than the horizon"),
    ],
)
def test_values_that_are_not_valid_today_are_told_and_nothing_is_written(
    root: Path, path: str, value: Any, said: str, as_overlay: bool
) -> None:
    want = spoiled(had(root), tuple(path.split(".")), value)
    before = files(root)
    with pytest.raises(InputError, match="is not valid here today") as caught:
        restored(root, want, declarations(), as_overlay=as_overlay, out=None)
    assert said in caught.value.problem
    assert files(root) == before


def test_an_overlay_cannot_take_a_value_away(root: Path) -> None:
    want = had(root)
    less = replace(want, used={p: v for p, v in want.used.items() if p[-1] != "learning_rate"})
    with pytest.raises(InputError, match=r"would differ in .*learning_rate"):
        restored(root, less, declarations(), as_overlay=True, out=None)


def test_another_directory_gets_the_files_and_config_stays(root: Path, tmp_path: Path) -> None:
    want = had(root, sets=("learning_rate=0.5",))
    before = files(root)
    out = tmp_path / "out"
    made = restored(root, want, declarations(), as_overlay=True, out=out)
    carry_out(made)
    assert made.overlays == (str(out / "lightgbm_r-1.yaml"),)
    laid = resolved(root, overlays=made.overlays)
    assert restore.differing(laid, want) == []
    carry_out(restored(root, want, declarations(), as_overlay=False, out=out / "files"))
    text = (out / "files" / LIGHTGBM).read_text("utf-8")
    assert "  learning_rate: 0.5\n" in text
    assert files(root) == before
    (out / "files" / LIGHTGBM).write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        carry_out(restored(root, want, declarations(), as_overlay=False, out=out / "files"))


def test_a_read_only_file_stops_all(root: Path) -> None:
    want = had(root, sets=("learning_rate=0.5", "folds=3"))
    (root / "CONFIG" / "training_config" / "splits_config.yaml").chmod(0o444)
    before = files(root)
    made = restored(root, want, declarations(), as_overlay=False, out=None)
    with pytest.raises(InputError, match=r"splits_config.yaml is read-only"):
        carry_out(made)
    assert files(root) == before


def test_old_names_and_unreadable_files_come_first(root: Path) -> None:
    want = had(root)
    path = root / "CONFIG" / LIGHTGBM
    text = path.read_text("utf-8")
    path.write_text(text.replace("\nhyperparameters:", "\nparams:"), "utf-8")
    with pytest.raises(UsageError, match="older names"):
        restored(root, want, declarations(), as_overlay=False, out=None)
    path.write_text(text + "a: [", "utf-8")
    with pytest.raises(ProblemsError):
        restored(root, want, declarations(), as_overlay=False, out=None)


def test_a_file_that_is_invalid_today_is_rolled_back_too(root: Path) -> None:
    want = had(root)
    replaced(root, LIGHTGBM, "  max_depth: 5\n", "  max_depth: deep\n")
    replaced(root, "data/dataset.yaml", "default_target: fwd_ret_5d", "default_target: nowhere")
    carry_out(restored(root, want, declarations(), as_overlay=False, out=None))
    assert restore.differing(resolved(root), want) == []


def test_an_overlay_names_its_schema_for_editors(desk) -> None:
    run = desk.train("--set", "folds=2")["run"]
    desk.run("config", "rollback", run, "--as-overlay", "--yes")
    for file in sorted((desk.root / "CONFIG" / "training_config").glob(f"*_{run}.yaml")):
        first = file.read_text("utf-8").splitlines()[0]
        link = first.removeprefix("# yaml-language-server: $schema=")
        assert (file.parent / link).resolve().is_file(), first
    assert (desk.root / f"CONFIG/training_config/splits_config_{run}.yaml").is_file()


# --- keys with dots in them -----------------------------------------------------------------------


def dotted_columns(root: Path, kind: str = "float64") -> None:
    """Give the dataset a column whose name has a dot in it, and one that reads like a path."""
    replaced(
        root, "data/dataset.yaml", "    Open: float64\n", f"    Open: float64\n    A.b: {kind}\n"
    )


def older(sealed: Any) -> Any:
    """Return a record as it was sealed before paths were sealed in parts."""
    for leaf in sealed["values"]:
        del leaf["keys"]
    return sealed


@pytest.mark.parametrize("is_older", [False, True], ids=["in parts", "with dots alone"])
@pytest.mark.parametrize("as_overlay", [False, True], ids=["files", "overlay"])
def test_a_key_with_a_dot_in_it_is_rolled_back(
    root: Path, is_older: bool, as_overlay: bool
) -> None:
    families = declarations()
    dotted_columns(root)
    sealed = json.loads(json.dumps(record(resolved(root))))
    assert ["data", "dataset", "dataset", "columns", "A.b"] in [v["keys"] for v in sealed["values"]]
    replaced(root, "data/dataset.yaml", "A.b: float64", "A.b: int64")
    known = {}
    if is_older:
        sealed = older(sealed)
        known = restore.known_paths(load(root, families)[0], families)
    want = restore.wanted("r-1", sealed, families, known)
    carry_out(restored(root, want, families, as_overlay=as_overlay, out=None))
    names = ("dataset_r-1",) if as_overlay else ()
    again = resolved(root, overlays=names)
    assert restore.differing(again, want) == []
    assert again.flat["data", "dataset", "dataset", "columns", "A.b"].value == "float64"


def test_a_column_with_a_dot_that_is_gone_comes_back_and_a_new_one_goes(root: Path) -> None:
    plain = had(root)
    text = (root / "CONFIG/data/dataset.yaml").read_text("utf-8")
    dotted_columns(root)
    with_dot = had(root)
    (found,) = restored(root, plain, declarations(), as_overlay=False, out=None).changes
    assert found.after.decode("utf-8") == text
    (root / "CONFIG/data/dataset.yaml").write_text(text, "utf-8")
    (found,) = restored(root, with_dot, declarations(), as_overlay=False, out=None).changes
    assert "    A.b: float64\n" in found.after.decode("utf-8")
