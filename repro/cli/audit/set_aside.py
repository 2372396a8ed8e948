"""``repro audit set-aside``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from repro.cli import output
from repro.cli.asking import require_consent
from repro.cli.options import Reason, Workspace, Yes


def command(
    record: Annotated[int, typer.Argument(help="The first record that must go.", min=1)],
    reason: Reason,
    workspace: Workspace = Path(),
    yes: Yes = False,
) -> int:
    """Set aside lines that nobody has signed and that must not be signed; torn/ keeps them."""
    from repro.config.documents.workspace import find_root
    from repro.verbs.audit.aside import set_aside

    root = find_root(workspace.resolve())
    output.talk(f"to be set aside: the lines from record {record} on, none of them signed")
    require_consent("set aside?", yes)
    size = set_aside(root, record, reason, output.warn)
    output.result(f"set aside; the log has {size} records, all signed")
    return 0
