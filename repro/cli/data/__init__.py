"""``repro data``: the dataset, command by command."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

import typer

from repro.cli.app import add_commands

COMMANDS: Final = MappingProxyType(
    {
        "fingerprint": "Digest the dataset, by symbol and column.",
        "describe": "Sum it up, by symbol and column.",
        "diff": "Say what changed: symbol, column, dates, file.",
    }
)


def app_for(arguments: Sequence[str]) -> typer.Typer:
    """Return the group, with the command that ``arguments`` name alone if they name one."""
    app = typer.Typer(help="The data.", no_args_is_help=True, rich_markup_mode=None)
    app.callback()(group)
    named = arguments[0] if arguments else ""
    alone = named in COMMANDS
    chosen = {k: v for k, v in COMMANDS.items() if k == named or not alone}
    add_commands(app, chosen, "repro.cli.data")
    return app


def group() -> None:
    """Group the commands of the data."""
