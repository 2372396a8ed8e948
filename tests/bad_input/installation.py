"""Interpreters of their own, with what this one has installed and something else besides."""

from __future__ import annotations

import json
import shutil
import sysconfig
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TOYS = Path(__file__).parent / "toys"
SEED = Path(__file__).parents[2] / "trainers" / "ridge.json"


def interpreter(place: Path, without: str | None = None) -> tuple[Path, Path]:
    """Return an interpreter that has all that this one has, and its folder of packages.

    What starts with ``without`` is left out. Packages are links: making it takes a moment.
    """
    venv.create(place, with_pip=False, symlinks=True)
    names = {"base": str(place), "platbase": str(place)}
    site = Path(sysconfig.get_path("purelib", "venv", names))
    for folder in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for entry in Path(folder).iterdir():
            left_out = without is not None and entry.name.startswith(without)
            if not left_out and not (site / entry.name).exists():
                (site / entry.name).symlink_to(entry)
    return place / "bin" / "python", site


def with_toys(place: Path, loading: Mapping[str, str]) -> Path:
    """Return an interpreter in which ``toy_trainers`` offers the family ``toy``, and others.

    ``loading`` maps the name of a further family to what its module does in ``load_library``.
    There are two more modules: ``toy_library``, which is declared, and imports ``toy_undeclared``,
    which is not.
    """
    python, site = interpreter(place)
    package = site / "toy_trainers"
    shutil.copytree(TOYS, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "late.py").write_text("")
    (package / "table.json").write_text("0.5")
    (site / "toy_data.txt").write_text("data")
    (site / "toy_loading.py").write_text(
        "import pathlib\nDATA = pathlib.Path(__file__).with_name('toy_data.txt').read_text()\n"
    )
    (site / "toy_undeclared.py").write_text("")
    (site / "toy_library.py").write_text("import toy_undeclared\n")
    (site / "toy_probing.py").write_text(
        "try:\n    import toy_undeclared as FOUND\nexcept ImportError:\n    FOUND = None\n"
    )
    for name, code in loading.items():
        text = f"from .toy import *\n\n\ndef load_library():\n    {code}\n"
        (package / f"{name}.py").write_text(text)
    families = ["toy", *loading]
    for name in families:
        (package / f"{name}.json").write_text(json.dumps(declaration(name), indent=2))
    info = site / "toy_trainers-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-trainers\nVersion: 1.0\n")
    entries = "".join(f"{name} = toy_trainers.{name}\n" for name in families)
    (info / "entry_points.txt").write_text(f"[repro.trainers]\n{entries}")
    return python


def declaration(family: str) -> dict[str, Any]:
    """Return the declaration of a toy: a parameter that says what it does, and one that is idle."""
    declared: dict[str, Any] = json.loads(SEED.read_text("utf-8"))
    deed = {"type": "string", "description": "What it does besides.", "aliases": []}
    depth = {"type": "integer", "description": "Nothing.", "aliases": [], "minimum": 1}
    return declared | {
        "family": family,
        "title": "A toy",
        "distributions": ["toy-trainers"],
        "modules": ["toy_library", "toy_loading", "toy_probing"],
        "shielded": [],
        "tasks": ["regression", "binary"],
        "hyperparameters": {"deed": deed, "depth": depth},
        "seeds": ["seed"],
        "rulebook": [],
        "conditions": [],
    }
