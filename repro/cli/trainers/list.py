"""``repro trainers list``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from repro.cli import output
from repro.cli.options import AsFormat, Format

if TYPE_CHECKING:
    from repro.facts.trainers import Declaration


def command(form: AsFormat = Format.text) -> int:
    """List the families that installed distributions offer."""
    from repro.facts.trainers import declarations

    found = [trainer for _, trainer in sorted(declarations().items())]
    if form is Format.json:
        document = {
            "schema": 1,
            "command": "trainers list",
            "trainers": [_described(trainer) for trainer in found],
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    rows: list[tuple[str, ...]] = [("family", "offered by", "tasks", "library")]
    rows += [_row(trainer) for trainer in found]
    output.result(output.columns(rows))
    return 0


def _described(trainer: Declaration) -> dict[str, Any]:
    """Return a trainer as JSON."""
    missing = trainer.missing()
    return {
        "family": trainer.family,
        "title": trainer.title,
        "distribution": trainer.distribution,
        "version": trainer.version,
        "tasks": list(trainer.tasks),
        "levels": list(trainer.levels()),
        "installed": not missing,
        "missing": list(missing),
        "install": trainer.install_command() if missing else None,
    }


def _row(trainer: Declaration) -> tuple[str, ...]:
    """Return a trainer as a line of the table."""
    missing = trainer.missing()
    return (
        trainer.family,
        f"{trainer.distribution} {trainer.version}",
        ", ".join(trainer.tasks),
        f"not installed: {trainer.install_command()}" if missing else "installed",
    )
