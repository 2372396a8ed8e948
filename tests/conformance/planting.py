"""Trainers of strangers, installed: an interpreter of its own, with what this one has, and more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "repro-stumps"
MODULE = EXAMPLE / "repro_stumps" / "stumps.py"
CUTS = MODULE.with_name("cuts.py")
DECLARATION = MODULE.with_suffix(".json")
DOCUMENT = MODULE.with_suffix(".yaml")
FILES = (MODULE, CUTS, DECLARATION, DOCUMENT)


class House:
    """An interpreter whose packages are those of this one and those that are put into it."""

    def __init__(self, place: Path) -> None:
        venv.create(place, with_pip=False)
        (self.packages,) = place.glob("lib/python*/site-packages")
        ours = next(p for p in sys.path if p.endswith("site-packages"))
        line = f"import site; site.addsitedir({ours!r})\n"
        (self.packages / "parent.pth").write_text(line, "utf-8")
        self.python = place / "bin" / "python"

    def run(self, *arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run Python with these arguments."""
        return subprocess.run(
            [str(self.python), "-P", *arguments],
            cwd=cwd,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    def offer(self, families: dict[str, str]) -> None:
        """Write a distribution that offers families: name to module."""
        info = self.packages / "planted-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n")
        lines = [f"{family} = {module}" for family, module in families.items()]
        (info / "entry_points.txt").write_text("\n".join(["[repro.trainers]", *lines, ""]))
        (info / "RECORD").write_text("")


def plant(house: House, faults: dict[str, tuple[str, str]]) -> None:
    """Offer a family for each fault: the example's trainer with one text replaced by another.

    The text stands in one of the two modules, in the declaration, or in the model document, once.
    """
    package = house.packages / "planted"
    package.mkdir()
    (package / "__init__.py").write_text('"""Faulty trainers."""\n')
    for family, (old, new) in faults.items():
        for file in FILES:
            text = file.read_text("utf-8")
            assert text.count(old) <= 1, f"{family}: {old!r} is not one place of {file.name}"
            changed = text.replace(old, new)
            if file == DECLARATION:
                said = json.dumps(json.loads(changed) | {"family": family})
                changed = said
            if file == MODULE:
                changed = changed.replace('FAMILY = "stumps"', f'FAMILY = "{family}"')
                own = f"from planted import {family}_cuts as cuts"
                changed = changed.replace("from repro_stumps import cuts", own)
            ending = "_cuts.py" if file == CUTS else file.suffix
            (package / f"{family}{ending}").write_text(changed, "utf-8")
        sources = [file.read_text("utf-8") for file in FILES]
        assert sum(old in source for source in sources) == 1, f"{family}: {old!r} is in no file"
    house.offer({family: f"planted.{family}" for family in faults})
