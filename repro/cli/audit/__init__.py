"""``repro audit``: the log, command by command."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

import typer

from repro.cli.app import add_commands

COMMANDS: Final = MappingProxyType(
    {
        "verify": "Verify the log.",
        "show": "Show records in full.",
        "tail": "Show the newest records, a line each.",
        "prove": "Write proofs: a record is there, the log continues a checkpoint.",
        "checkpoint": "Print the signed checkpoint; sign what is not committed.",
        "export": "Write a bundle of records for an auditor.",
        "timestamp": "Have a checkpoint stamped by a trusted authority.",
    }
)


def app_for(arguments: Sequence[str]) -> typer.Typer:
    """Return the group, with the command that ``arguments`` name alone if they name one."""
    app = typer.Typer(help="The log.", no_args_is_help=True, rich_markup_mode=None)
    app.callback()(group)
    named = arguments[0] if arguments else ""
    chosen = {named: COMMANDS[named]} if named in COMMANDS else COMMANDS
    add_commands(app, chosen, "repro.cli.audit")
    return app


def group() -> None:
    """Group the commands of the log."""
