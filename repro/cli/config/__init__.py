"""``repro config``: the configuration, command by command."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

import typer

from repro.cli.app import add_commands

COMMANDS: Final = MappingProxyType(
    {
        "show": "Show the resolved configuration.",
        "explain": "Explain one value: who set it, what it means.",
        "diff": "Compare two configurations, value by value.",
        "schema": "Show schemas; write them for editors.",
        "migrate": "Move old places to where they are now.",
        "rollback": "Write back the configuration of a run.",
    }
)


def app_for(arguments: Sequence[str]) -> typer.Typer:
    """Return the group, with the command that ``arguments`` name alone if they name one."""
    app = typer.Typer(help="The configuration.", no_args_is_help=True, rich_markup_mode=None)
    app.callback()(group)
    named = arguments[0] if arguments else ""
    alone = named in COMMANDS
    chosen = {k: v for k, v in COMMANDS.items() if k == named or not alone}
    add_commands(app, chosen, "repro.cli.config")
    return app


def group() -> None:
    """Group the commands of the configuration."""
