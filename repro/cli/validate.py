"""``repro validate``."""

from __future__ import annotations

import json
from pathlib import Path

from repro.cli import output
from repro.cli.options import (
    AsFormat,
    Family,
    Format,
    Level,
    Overlay,
    Overrides,
    Profile,
    Seed,
    Set,
    Symbol,
    Target,
    Variant,
    View,
    Workspace,
)
from repro.cli.selection import selection


def command(
    workspace: Workspace = Path(),
    target: Target = None,
    family: Family = None,
    variant: Variant = None,
    profile: Profile = None,
    config: Overlay = None,
    sets: Set = None,
    seed: Seed = None,
    view: View = None,
    symbol: Symbol = None,
    level: Level = None,
    form: AsFormat = Format.text,
    overrides: Overrides = None,
) -> int:
    """Check every configuration file against its schema, then across files: all problems."""
    from repro.validate import validate

    found = validate(
        workspace,
        selection(
            target=target,
            family=family,
            variant=variant,
            profile=profile,
            overlays=config,
            sets=sets,
            seed=seed,
            view=view,
            symbol=symbol,
            level=level,
            overrides=overrides,
        ),
    )
    if form is Format.json:
        document = {
            "schema": 1,
            "command": "validate",
            "root": str(found.root),
            "files": list(found.files),
            "problems": [output.problem_json(p) for p in found.problems],
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        for problem in found.problems:
            output.result(output.problem_text(problem))
        count = len(found.problems)
        if count:
            output.result(f"{count} problem{'' if count == 1 else 's'}")
        else:
            output.result(f"valid: {len(found.files)} documents in {found.root / 'CONFIG'}")
    return found.exit_status
