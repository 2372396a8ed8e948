"""``repro audit``: the log, command by command."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
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
        "publish": "Publish the log as static files, for monitors.",
        "timestamp": "Have a checkpoint stamped by a trusted authority.",
        "erase": "Forget values; every proof stays valid.",
        "seal": "End the active segment with a signed seal.",
        "retain": "Say until when a sealed segment is kept.",
        "prune": "Remove the lines of a segment that need not be kept.",
        "set-aside": "Set aside lines that must not be signed.",
    }
)
GROUPS: Final = MappingProxyType(
    {
        "key": "The log's keys: show, rotate, passphrase.",
        "witness": "Who cosigns this log; being a witness for others.",
        "hold": "Legal holds: nothing is erased or pruned.",
    }
)


def app_for(arguments: Sequence[str]) -> typer.Typer:
    """Return the group, with the command that ``arguments`` name alone if they name one."""
    app = typer.Typer(help="The log.", no_args_is_help=True, rich_markup_mode=None)
    app.callback()(group)
    named = arguments[0] if arguments else ""
    alone = named in COMMANDS or named in GROUPS
    chosen = {k: v for k, v in COMMANDS.items() if k == named or not alone}
    add_commands(app, chosen, "repro.cli.audit")
    for name, text in GROUPS.items():
        if name == named or not alone:
            below = import_module(f"repro.cli.audit.{name}").app_for(arguments[1:])
            app.add_typer(below, name=name, short_help=text)
    return app


def group() -> None:
    """Group the commands of the log."""
