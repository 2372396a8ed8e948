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
app.command("init")(init.command)
app.command("validate")(validate.command)
app.command("train")(train.command)
app.command("diff")(diff.command)
app.command("verify")(verify.command)
app.add_typer(runs.app, name="runs")
app.add_typer(audit.app, name="audit")


@app.callback()
def main(
    version: bool = typer.Option(False, "--version", "-V", help="Print the version."),
) -> None:
    """Training that can prove itself: same config, same bits, and a log anyone can verify."""
