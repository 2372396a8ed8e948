"""``repro config migrate``: an old tree moved whole, comments kept, and killed at every step."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from repro.config.documents import catalog
from repro.config.editing.writing import STAGED
from repro.config.resolution.resolve import Selection
from repro.errors import InputError, ProblemsError
from repro.verbs.configuring.migrate import carry_out, plan
from repro.verbs.configuring.validate import configuration

CONFIG = Path(__file__).parents[2] / "CONFIG"
MOVES = {
    "model_config/lightgbm.yaml": ("models/lightgbm.yaml", [("hyperparameters:", "params:")]),
    "training_config/splits_config.yaml": (
        "pipeline/training/splits.yaml",
        [("splits:", "cross_validation:"), ("  folds:", "  n_splits:")],
    ),
    "training_config/safety_config.yaml": (
        "pipeline/training/safety_config.yaml",
        [("  leakage_detection:", "  leakage:"), ("    auto_fix_thresholds:", "    thresholds:")],
    ),
    "training_config/reproducibility_config.yaml": (
        "training_config/reproducibility.yaml",
        [("  base_seed:", "  seed:"), ("  level:", "  mode:")],
    ),
    "training_config/optimizer_config.yaml": (
        "training/optimizer.yaml",
        [("training_profiles:", "profiles:")],
    ),
    "identity_config.yaml": ("core/identity_config.yaml", []),
    "data/feature_registry.yaml": ("feature_registry.yaml", []),
}


def old_tree(root: Path, few: int = len(MOVES)) -> Path:
    """Return a workspace with the shipped configuration laid out as it was in older trees.

    Those had one family, so that the folder of its document is one that has to be made.
    """
    config = root / "CONFIG"
    shutil.copytree(CONFIG, config, ignore=shutil.ignore_patterns("__*"))
    for path in (config / "model_config").iterdir():
        if path.name != "lightgbm.yaml":
            path.unlink()
    for new, (old, names) in list(MOVES.items())[:few]:
        text = (config / new).read_text("utf-8")
        for now, before in names:
            assert text.count(f"\n{now}") == 1
            text = text.replace(f"\n{now}", f"\n{before}")
        (config / old).parent.mkdir(parents=True, exist_ok=True)
        (config / new).rename(config / old)
        (config / old).write_text(text, "utf-8")
    (config / "model_config").rmdir()
    return root


def contents(root: Path) -> dict[str, bytes]:
    """Return every file of ``CONFIG``."""
    base = root / "CONFIG"
    return {str(p.relative_to(base)): p.read_bytes() for p in base.rglob("*") if p.is_file()}


def values(root: Path) -> dict[Any, Any]:
    """Return what a workspace resolves to."""
    _, resolved, _ = configuration(root, Selection(variant="conservative", profile="debug"))
    return {path: value.value for path, value in resolved.flat.items()}


SHIPPED = {
    str(p.relative_to(CONFIG)): p.read_bytes()
    for p in CONFIG.rglob("*.yaml")
    if p.parent != CONFIG / "model_config" or p.name == "lightgbm.yaml"
}


def test_an_old_tree_becomes_the_shipped_one_byte_for_byte(tmp_path: Path) -> None:
    root = old_tree(tmp_path)
    before = values(root)
    (root / "CONFIG/models/lightgbm.yaml").chmod(0o640)
    found = plan(root)
    assert contents(old_tree(tmp_path / "again")) == contents(root)  # planning wrote nothing
    assert {change.kind for change in found.changes} == {"move"}
    carry_out(found)
    after = contents(root)
    assert after == SHIPPED
    assert values(root) == before
    assert stat.S_IMODE((root / "CONFIG/model_config/lightgbm.yaml").stat().st_mode) == 0o640
    assert not (root / "CONFIG/pipeline").exists()
    assert plan(root).is_done


def test_the_diff_is_one_that_git_applies(tmp_path: Path) -> None:
    git = shutil.which("git")
    if git is None:
        pytest.skip("no git here")
    root = old_tree(tmp_path / "tree")
    found = plan(root)
    assert "rename from CONFIG/models/lightgbm.yaml\n" in found.diff
    assert "rename to CONFIG/model_config/lightgbm.yaml\n" in found.diff
    patch = tmp_path / "patch"
    patch.write_text(found.diff, "utf-8")
    subprocess.run([git, "init", "-q"], cwd=root, check=True)
    subprocess.run([git, "apply", str(patch)], cwd=root, check=True)
    shutil.rmtree(root / ".git")
    assert contents(root) == SHIPPED


def test_where_the_new_file_exists_the_old_one_is_left(tmp_path: Path) -> None:
    root = old_tree(tmp_path)
    new = root / "CONFIG/model_config/lightgbm.yaml"
    new.parent.mkdir()
    new.write_bytes(SHIPPED["model_config/lightgbm.yaml"].replace(b"0.01", b"0.02"))
    mine = new.read_bytes()
    found = plan(root)
    carry_out(found)
    assert new.read_bytes() == mine
    assert [str(old) for old, _ in found.left] == ["models/lightgbm.yaml"]
    assert (root / "CONFIG/models/lightgbm.yaml").exists()
    assert not plan(root).is_done


def test_emptied_mappings_go_and_their_comments_stay(tmp_path: Path) -> None:
    root = old_tree(tmp_path)
    path = root / "CONFIG/training_config/reproducibility.yaml"
    text = path.read_text("utf-8").replace("  seed: 42", "  # no seed")
    path.write_text(text + "\n# Everywhere.\nglobal:  # all\n  base_seed: 42  # x\n", "utf-8")
    before = values(root)
    carry_out(plan(root))
    after = (root / "CONFIG/training_config/reproducibility_config.yaml").read_text("utf-8")
    assert "# Everywhere.\n# all\n" in after
    assert "  base_seed: 42  # x\n" in after
    assert "global" not in after
    assert re.findall(r"#.*", text) == re.findall(r"#.*", after)[: len(re.findall(r"#.*", text))]
    assert values(root) == before


def test_the_comments_of_a_key_that_is_dropped_stay(tmp_path: Path) -> None:
    root = old_tree(tmp_path)
    path = root / "CONFIG/pipeline/training/splits.yaml"
    text = path.read_text("utf-8")
    dropped = "  # Above.\n  n_folds: 3  # Beside.\n"
    text = text.replace("cross_validation:\n", "cross_validation:\n" + dropped, 1)
    text += "\n# Whole.\nsplits:  # head\n  # Inside.\n  folds: 4  # Four.\n"
    path.write_text(text, "utf-8")
    before = values(root)
    carry_out(plan(root))
    after = (root / "CONFIG/training_config/splits_config.yaml").read_text("utf-8")
    assert "n_folds" not in after
    assert "n_splits" not in after
    assert after.count("  folds: ") == 1
    assert "  # Above.\n  # Beside.\n" in after
    assert sorted(re.findall(r"#.*", after)) == sorted(re.findall(r"#.*", text))
    assert values(root) == before


def test_a_broken_file_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    root = old_tree(tmp_path)
    (root / "CONFIG/models/lightgbm.yaml").write_text("params: [", "utf-8")
    before = contents(root)
    with pytest.raises(ProblemsError):
        plan(root)
    assert contents(root) == before


def spoil_by_mode(root: Path) -> None:
    (root / "CONFIG/training/optimizer.yaml").chmod(0o444)


def spoil_by_change(root: Path) -> None:
    with (root / "CONFIG/training/optimizer.yaml").open("a") as file:
        file.write("# more\n")


def spoil_by_new_file(root: Path) -> None:
    (root / "CONFIG/training_config/optimizer_config.yaml").write_text("# mine\n")


def spoil_by_folder(root: Path) -> None:
    (root / "CONFIG/model_config").write_text("a file where a folder should be")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_by_mode, "read-only"),
        (spoil_by_change, "changed meanwhile"),
        (spoil_by_new_file, "exists already"),
        (spoil_by_folder, "cannot write"),
    ],
)
def test_what_cannot_be_written_whole_is_not_written(tmp_path: Path, spoil, said: str) -> None:
    root = old_tree(tmp_path)
    found = plan(root)
    spoil(root)
    before = contents(root)
    with pytest.raises(InputError, match=said):
        carry_out(found)
    assert contents(root) == before


@pytest.mark.parametrize(
    ("call", "nth"),
    [
        ("mkdir", 0),
        ("fsync", 3),
        ("chmod", 2),
        ("link", 0),
        ("link", 3),
        ("unlink", 0),
        ("unlink", 4),
    ],
)
def test_a_disk_that_fails_in_between_leaves_all_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, nth: int
) -> None:
    root = old_tree(tmp_path)
    before, folders = contents(root), {p for p in root.rglob("*") if p.is_dir()}
    found = plan(root)
    real, count = getattr(os, call), iter(range(1000))

    def failing(path: Any, *more: Any, **named: Any) -> Any:
        if not (call == "unlink" and str(path).endswith(STAGED)) and next(count) == nth:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return real(path, *more, **named)

    monkeypatch.setattr(os, call, failing)
    with pytest.raises(InputError, match="no space left on device; everything is as it was"):
        carry_out(found)
    assert contents(root) == before
    assert {p for p in root.rglob("*") if p.is_dir()} == folders


def test_a_new_file_that_appears_in_between_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = old_tree(tmp_path)
    before, found = contents(root), plan(root)
    target, real = root / "CONFIG" / "identity_config.yaml", os.fsync

    def meanwhile(descriptor: int) -> None:
        target.write_bytes(b"mine")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", meanwhile)
    with pytest.raises(InputError, match="file exists; everything is as it was"):
        carry_out(found)
    assert contents(root) == before | {"identity_config.yaml": b"mine"}


KILLER = """
import itertools, os, shutil, signal, sys
from dataclasses import replace
from pathlib import Path
from repro.verbs.configuring.migrate import carry_out, plan
tree, out = Path(sys.argv[1]), Path(sys.argv[2])
whole = plan(tree)
for n in itertools.count():
    copy = out / str(n)
    shutil.copytree(tree, copy)
    found = replace(whole, root=copy)
    child = os.fork()
    if not child:
        left = [n]
        def dying(call):
            def made(*a, **k):
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left[0] -= 1
                return call(*a, **k)
            return made
        for name in ("fsync", "link", "unlink", "rename", "replace", "mkdir", "rmdir", "chmod"):
            setattr(os, name, dying(getattr(os, name)))
        carry_out(found)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
"""


def test_killed_at_any_step_the_tree_is_readable_and_migrate_goes_on(tmp_path: Path) -> None:
    root = old_tree(tmp_path / "tree", 2)
    before = values(root)
    subprocess.run([sys.executable, "-c", KILLER, str(root), str(tmp_path / "killed")], check=True)
    killed = sorted((tmp_path / "killed").iterdir(), key=lambda path: int(path.name))
    assert len(killed) > 15
    seen: dict[str, Path] = {}
    for copy in killed:
        files = {name: text for name, text in contents(copy).items() if "/." not in name}
        assert files.keys() >= contents(root).keys() & SHIPPED.keys()
        seen[json.dumps(sorted(files))] = copy
    assert len(seen) == 5  # none, one and both linked; one and both old ones gone
    for copy in seen.values():
        assert values(copy) == before
        carry_out(plan(copy))
        assert contents(copy) == SHIPPED


@pytest.fixture
def world(desk) -> Any:
    """Return a workspace of the installed command, laid out as an old one."""
    shutil.rmtree(desk.root / "CONFIG")
    old_tree(desk.root)
    return desk


def test_the_command_shows_asks_writes_and_checks(world) -> None:
    before = contents(world.root)
    told = world.run("config", "migrate", status=2)
    assert "nobody can be asked" in told.stderr
    assert "rename to CONFIG/model_config/lightgbm.yaml" in told.stdout
    assert world.run("config", "migrate", "--check", status=1).stdout == told.stdout
    assert contents(world.root) == before
    done = world.json("config", "migrate", "--yes")
    assert not list(Draft202012Validator(schema()).iter_errors(done))
    assert (done["written"], len(done["changes"])) == (True, len(MOVES))
    assert done["diff"].strip() == told.stdout.strip()
    assert contents(world.root) == SHIPPED
    again = world.run("config", "migrate", "--check")
    assert again.stdout == "nothing stands in an older place\n"
    assert "does not go with" in world.run("config", "migrate", "--check", "--yes", status=2).stderr


def schema() -> Any:
    """Return the schema of what the command prints."""
    return catalog.output_schema("config-migrate")


def test_a_folder_that_another_command_writes_into_is_left_alone(tmp_path: Path) -> None:
    import fcntl

    root = old_tree(tmp_path)
    found = plan(root)
    held = os.open(root / "CONFIG", os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another command"):
            carry_out(found)
    finally:
        os.close(held)
