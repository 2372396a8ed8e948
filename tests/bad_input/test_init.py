"""``repro init`` where it must not, and in places that cannot be."""

from __future__ import annotations

import shutil
from pathlib import Path

from .workspace import Workspace


def content(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return bytes and time of change of every file below a folder."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): (p.read_bytes(), p.stat().st_mtime_ns) for p in found}


def test_no_workspace_is_an_error_that_says_how_to_make_one(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    place.root.mkdir()
    commands = ("train", "validate", "runs list", "runs show x", "diff a b", "verify a")
    for words in (*commands, "audit verify"):
        done = place.repro(*words.split())
        done.require(3, "no workspace", str(place.root), "repro init")
    assert list(place.root.iterdir()) == []


def test_a_workspace_is_found_from_a_folder_below_it(shared: Workspace) -> None:
    shared.repro("validate", cwd=shared.root / "CONFIG" / "data").require(0, "valid: ")
    shared.repro("audit", "verify", cwd=shared.root / "AUDIT_LOG").require(0, "ok: ")


def test_a_workspace_that_does_not_exist_is_named(shared: Workspace) -> None:
    shared.refuse("train", "--workspace", "no/such", status=2, says=("no/such",))


def test_a_folder_that_is_gone_is_an_error_and_no_bug(shared: Workspace) -> None:
    done = shared.shell("mkdir gone && cd gone && rmdir ../gone && $REPRO validate")
    done.require(3, "working directory", "repro: hint:")


def test_a_second_init_is_refused_and_touches_nothing(fresh: Workspace) -> None:
    before = content(fresh.root.parent)
    fresh.repro("init").require(2, "has a workspace already", "repro init --add-missing")
    fresh.repro("init", str(fresh.root)).require(2, "CONFIG and AUDIT_LOG")
    assert content(fresh.root.parent) == before


def test_add_missing_adds_what_is_missing_and_nothing_else(fresh: Workspace) -> None:
    changed = fresh.root / "CONFIG" / "model_config" / "lightgbm.yaml"
    changed.write_text(changed.read_text("utf-8").replace("0.01", "0.05"), "utf-8")
    lost = fresh.root / "CONFIG" / "training_config" / "safety_config.yaml"
    text = lost.read_bytes()
    lost.unlink()
    shutil.rmtree(fresh.root / "data")
    before = content(fresh.root)
    fresh.repro("init", "--add-missing").require(0, "3 files added")
    after = content(fresh.root)
    assert {name: after[name] for name in before} == before
    added = sorted(after.keys() - before.keys())
    assert added[0] == "CONFIG/training_config/safety_config.yaml"
    assert [name.startswith("data/") for name in added[1:]] == [True, True]
    assert lost.read_bytes() == text
    fresh.repro("audit", "verify").require(0)


def test_a_place_that_is_a_file_is_refused(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    place.root.write_text("mine\n", "utf-8")
    place.repro("init", str(place.root), cwd=tmp_path).require(3, str(place.root), "repro: hint:")
    assert place.root.read_text("utf-8") == "mine\n"


def test_a_place_below_a_file_is_refused(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    place.root.write_text("mine\n", "utf-8")
    done = place.repro("init", str(place.root / "below"), cwd=tmp_path)
    done.require(3, str(place.root), "repro: hint:")


def test_keys_inside_the_workspace_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    keys = str(place.root / "keys")
    done = place.repro("init", str(place.root), cwd=tmp_path, REPRO_KEYS=keys)
    done.require(3, "the key would lie in the workspace", "set REPRO_KEYS")
    assert not place.root.exists()
    # So the same command, corrected, works.
    place.repro("init", str(place.root), cwd=tmp_path).require(0)


def test_keys_that_cannot_be_kept_leave_no_half_of_a_workspace(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    (tmp_path / "file").write_text("mine\n", "utf-8")
    keys = str(tmp_path / "file" / "keys")
    done = place.repro("init", str(place.root), cwd=tmp_path, REPRO_KEYS=keys)
    done.require(3, keys)
    assert not place.root.exists()
    place.repro("init", str(place.root), cwd=tmp_path).require(0)


def test_a_disk_that_is_full_leaves_no_half_of_a_workspace(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    limit = ("prlimit", "--fsize=30000")  # the panel is larger
    done = place.repro("init", str(place.root), cwd=tmp_path, before=limit)
    done.require(3, "cannot write", "File too large", "repro: hint:")
    assert not place.root.exists()
    place.repro("init", str(place.root), cwd=tmp_path).require(0)


def test_a_place_with_odd_characters_works_like_any_other(tmp_path: Path) -> None:
    place = Workspace(tmp_path / "my wörk [red]100%\n$(x)")
    place.root.parent.mkdir()
    place.repro("init", str(place.root), cwd=tmp_path).require(0)
    place.repro("train", "--profile", "debug").require(0, str(place.root))
    place.repro("audit", "verify", "--artifacts").require(0)
    place.repro("verify", "@latest").require(0, "reproduced")
