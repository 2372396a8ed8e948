"""The commands, by name; each lives in a file of its own, and only the one asked for is loaded.

Making a command costs more than most of them do: loading all for each start would double it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import Final

import typer

COMMANDS: Final = MappingProxyType(
    {
        "init": "Make a workspace with an example and a log.",
        "validate": "Check the configuration: all problems.",
        "identity": "Tell the keys of what would be trained.",
        "train": "Train one model, strictly, and seal it.",
        "exec": "Run any command, strictly, and log it.",
        "sweep": "Train every point of a grid; compare them.",
        "rank": "Train each target; say which is predicted best.",
        "select": "Rank features by what models count on.",
        "diff": "Compare two runs: verdict, causes, effect.",
        "stability": "Say whether replicates agree, and how surely.",
        "trend": "Show how a metric went over time.",
        "verify": "Do a run again and compare every bit.",
        "doctor": "Say what bits this machine can promise.",
        "lint": "Find values in code that belong in CONFIG.",
    }
)
GROUPS: Final = MappingProxyType(
    {
        "config": "Show, explain and compare the configuration.",
        "data": "Digest, describe and compare the data.",
        "runs": "List and show what has been run.",
        "trainers": "List, show and check the families.",
        "audit": "The log: verify, show, prove, sign, witness, erase.",
    }
)


def app_for(arguments: Sequence[str]) -> typer.Typer:
    """Return the app that can run ``arguments``: with their command alone, if they name one."""
    app = typer.Typer(
        name="repro",
        help="Training that can prove itself: same config, same bits, and a log anyone can verify.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(main)
    named = arguments[0] if arguments else ""
    alone = named in COMMANDS or named in GROUPS
    add_commands(app, {k: v for k, v in COMMANDS.items() if k == named or not alone}, "repro.cli")
    for name, text in GROUPS.items():
        if name == named or not alone:
            group = import_module(f"repro.cli.{name}").app_for(arguments[1:])
            app.add_typer(group, name=name, short_help=text)
    return app


def add_commands(app: typer.Typer, commands: Mapping[str, str], room: str) -> None:
    """Add commands to ``app``: each is the function ``command`` of its module in ``room``."""
    for name, text in commands.items():
        module = import_module(f"{room}.{name.replace('-', '_')}")
        app.command(name, short_help=text)(module.command)


def main(
    version: bool = typer.Option(False, "--version", "-V", help="Print the version."),
) -> None:
    """Training that can prove itself: same config, same bits, and a log anyone can verify."""
