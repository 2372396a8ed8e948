"""Files of CONFIG that are none: no command waits for them, follows them out, or leaves copies."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from repro.config.resolution.resolve import Selection
from repro.config.sealed import restore
from repro.config.sealed.record import record
from repro.config.text.document import SIZE_MAX
from repro.errors import InputError, ProblemsError, ReproError
from repro.facts.trainers import declarations
from repro.verbs.configuring import migrate, rollback
from repro.verbs.configuring.configuration import Desk
from repro.verbs.configuring.validate import configuration
from repro.verbs.workspace import editors, offering

CONFIG = Path(__file__).parents[2] / "CONFIG"
SPLITS = "training_config/splits_config.yaml"


def alarmed(*_: Any) -> None:
    raise TimeoutError("it waits for what never comes")


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """Let no test wait for a pipe for ever."""
    before = signal.signal(signal.SIGALRM, alarmed)
    signal.alarm(30)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give temporary copies a folder of their own, which must be empty in the end."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a workspace with the shipped configuration and one old name to be moved."""
    root = tmp_path / "w"
    shutil.copytree(CONFIG, root / "CONFIG", ignore=shutil.ignore_patterns("__*"))
    return root


def aged(root: Path) -> None:
    """Write a document under a name of older layouts, so that there is something to migrate."""
    path = root / "CONFIG" / SPLITS
    path.write_text(path.read_text("utf-8").replace("  folds:", "  n_splits:"), "utf-8")


def wanted(root: Path, *sets: str) -> restore.Wanted:
    """Return what a run with these overrides would have had."""
    _, resolved, families = configuration(root, Selection(sets=sets))
    return restore.wanted("r-1", json.loads(json.dumps(record(resolved))), families)


def rolled(root: Path, want: restore.Wanted, *, as_overlay: bool = False) -> rollback.Rollback:
    """Return what would be written for it."""
    return rollback.restored(root, want, declarations(), as_overlay=as_overlay, out=None)


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's name may be no longer than 107 bytes
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def make_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_folder(path: Path) -> None:
    path.mkdir()


def make_dangling(path: Path) -> None:
    path.symlink_to("nowhere.yaml")


MAKERS = [make_pipe, make_socket, make_device, make_folder, make_dangling]


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("name", ["model_config/lightgbm_f.yaml", "model_config/f.yml"])
def test_what_cannot_be_read_is_told_by_every_command(root: Path, make: Any, name: str) -> None:
    want = wanted(root, "folds=4")
    make(root / "CONFIG" / name)
    for asked in (
        lambda: Desk(root, Selection()).configured(),
        lambda: Desk(root, Selection()).referenced("profile:debug"),
        lambda: migrate.plan(root),
        lambda: rolled(root, want),
        lambda: rolled(root, want, as_overlay=True),
    ):
        with pytest.raises(ProblemsError) as told:
            asked()
        assert told.value.exit_status == InputError.exit_status
        (problem,) = told.value.problems
        assert problem.place.file == f"CONFIG/{name}"
        assert problem.message.startswith("cannot be read: ")


@pytest.mark.parametrize("make", [make_pipe, make_device], ids=["pipe", "device"])
def test_completion_and_schemas_for_editors_wait_for_nothing(root: Path, make: Any) -> None:
    path = root / "CONFIG" / "model_config" / "lightgbm.yaml"
    path.unlink()
    make(path)
    assert "folds" in offering.keys(root, None, "fol")
    assert offering.variants(root, None) == []
    with pytest.raises(ReproError, match="cannot be read: it is a "):
        editors.write_for_editors(root, lines=False)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("zero.txt", make_device),
        ("pipe", make_pipe),
        ("sock", make_socket),
        (".#splits_config.yaml", make_dangling),
        ("training_config/.#x.yaml", make_dangling),
        ("gone.txt", make_dangling),
    ],
    ids=["device", "pipe", "socket", "lock", "lock below", "dangling"],
)
def test_what_nobody_reads_is_in_nobodys_way(root: Path, name: str, make: Any) -> None:
    want = wanted(root, "folds=4")
    make(root / "CONFIG" / name)
    (change,) = rolled(root, want).changes
    assert str(change.new) == SPLITS
    assert len(rolled(root, want, as_overlay=True).changes) == 1
    aged(root)
    (change,) = migrate.plan(root).changes
    assert str(change.new) == SPLITS


def test_a_file_larger_than_any_document_is_not_read_whole(root: Path) -> None:
    want = wanted(root, "folds=4")
    with (root / "CONFIG" / "model_config" / "lightgbm_f.yaml").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ProblemsError) as told:
        migrate.plan(root)
    assert f"larger than {SIZE_MAX >> 20} MiB" in told.value.problems[0].message
    with pytest.raises(InputError, match="larger than 8 MiB"):
        rolled(root, want)


def test_a_linked_document_is_read_and_copied_as_the_file_that_it_is(root: Path) -> None:
    want = wanted(root, "folds=4")
    outside = root.parent / "lightgbm.yaml"
    path = root / "CONFIG" / "model_config" / "lightgbm.yaml"
    path.rename(outside)
    path.symlink_to("../../../lightgbm.yaml")
    (change,) = rolled(root, want).changes
    assert str(change.new) == SPLITS


def test_rollback_writes_through_no_linked_file(root: Path) -> None:
    want = wanted(root, "folds=4")
    inside = root / "CONFIG" / SPLITS
    outside = root.parent / "outside"
    inside.rename(outside)
    inside.symlink_to(outside)
    before = outside.read_bytes()
    with pytest.raises(InputError, match=f"{SPLITS} is a link; nothing was wri"):
        rollback.carry_out(rolled(root, want))
    assert outside.read_bytes() == before


@pytest.mark.parametrize("to", [".", "..", "../../outside"])
def test_a_link_to_a_folder_is_refused_by_all_that_write(root: Path, to: str) -> None:
    want = wanted(root, "folds=4")
    (root.parent / "outside").mkdir()
    (root / "CONFIG" / "link").symlink_to(to)
    for asked in (lambda: rolled(root, want), lambda: migrate.plan(root)):
        with pytest.raises(ProblemsError) as told:
            asked()
        (problem,) = told.value.problems
        assert problem.place.file == "CONFIG/link"
        assert "a link to a folder" in problem.message


def test_nor_does_it_if_the_whole_folder_is_a_link(root: Path) -> None:
    want = wanted(root, "folds=4")
    outside = root.parent / "outside"
    (root / "CONFIG").rename(outside)
    (root / "CONFIG").symlink_to(outside)
    before = (outside / SPLITS).read_bytes()
    with pytest.raises(InputError, match=r"^CONFIG is a link"):
        rollback.carry_out(rolled(root, want))
    aged(root)
    old = (outside / SPLITS).read_bytes()
    with pytest.raises(InputError, match=r"^CONFIG is a link"):
        migrate.carry_out(migrate.plan(root))
    assert (outside / SPLITS).read_bytes() == old != before


def test_migration_moves_nothing_into_a_linked_folder(root: Path) -> None:
    config = root / "CONFIG"
    (config / "models").mkdir()
    (config / "model_config" / "lightgbm.yaml").rename(config / "models" / "lightgbm.yaml")
    outside = root.parent / "outside"
    (config / "model_config").rename(outside)
    (config / "model_config").symlink_to("../../outside")
    held = sorted(outside.iterdir())
    with pytest.raises(ProblemsError) as told:
        migrate.carry_out(migrate.plan(root))
    assert told.value.problems[0].place.file == "CONFIG/model_config"
    assert sorted(outside.iterdir()) == held
    assert (config / "models" / "lightgbm.yaml").is_file()
