"""``repro audit``: the log, command by command."""

from __future__ import annotations

import typer

from repro.cli.audit import verify

app = typer.Typer(help="The log.", no_args_is_help=True, rich_markup_mode=None)
app.command("verify", short_help="Verify the log.")(verify.command)


@app.callback()
def group() -> None:
    """Group the commands of the log."""
