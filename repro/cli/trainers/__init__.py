"""``repro trainers``: the families that can be trained, and whether they keep the contract."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

import typer

from repro.cli.app import add_commands

COMMANDS: Final = MappingProxyType(
    {
        "list": "List the families that are offered here.",
        "show": "Show what a trainer declares.",
        "check": "Try a trainer: does it keep the contract?",
    }
)


def app_for(arguments: Sequence[str]) -> typer.Typer:
    """Return the group, with the command that ``arguments`` name alone if they name one."""
    app = typer.Typer(help="The trainers.", no_args_is_help=True, rich_markup_mode=None)
    app.callback()(group)
    named = arguments[0] if arguments else ""
    alone = named in COMMANDS
    chosen = {k: v for k, v in COMMANDS.items() if k == named or not alone}
    add_commands(app, chosen, "repro.cli.trainers")
    return app


def group() -> None:
    """Group the commands of the trainers."""
