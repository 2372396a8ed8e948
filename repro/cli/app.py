"""The commands, by name; each lives in a file of its own."""

from __future__ import annotations

import typer

from repro.cli import audit, diff, init, runs, train, validate, verify

app = typer.Typer(
    name="repro",
    help="Training that can prove itself: same config, same bits, and a log anyone can verify.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("init", short_help="Make a workspace with an example and a log.")(init.command)
app.command("validate", short_help="Check the configuration: all problems.")(validate.command)
app.command("train", short_help="Train one model, strictly, and seal it.")(train.command)
app.command("diff", short_help="Compare two runs: verdict, causes, effect.")(diff.command)
app.command("verify", short_help="Do a run again and compare every bit.")(verify.command)
app.add_typer(runs.app, name="runs", short_help="List and show what has been run.")
app.add_typer(audit.app, name="audit", short_help="Verify the log.")


@app.callback()
def main(
    version: bool = typer.Option(False, "--version", "-V", help="Print the version."),
) -> None:
    """Training that can prove itself: same config, same bits, and a log anyone can verify."""
