"""``repro sweep``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from repro.cli import completing
from repro.cli.completing import offer
from repro.cli.options import AsFormat, Format, NoProgress, Quiet, Workspace
from repro.cli.progress import observer
from repro.cli.selection import Chosen, selecting


def sweeping(
    chosen: Chosen,
    axes: Annotated[
        list[str] | None,
        typer.Argument(
            help="Axes: KEY=VALUE,VALUE… or KEY=FIRST..LAST[..STEP]. Keys as of overrides, or seed,"
            " level, target, family, view, symbol, experiment, variant, profile.",
            metavar="AXIS...",
            autocompletion=offer(completing.axes),
        ),
    ] = None,
    executor: Annotated[
        str | None,
        typer.Option(
            "--executor",
            help="Where workers run: local, or an engine's.",
            autocompletion=offer(completing.executors),
        ),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Workers at a time, at most.")
    ] = None,
    address: Annotated[
        str | None, typer.Option("--address", help="Where the executor's engine is.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", help="What points are compared by, out of fold.")
    ] = None,
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Train also what is sealed already.")
    ] = False,
    keep_going: Annotated[
        bool,
        typer.Option("--keep-going/--fail-fast", help="Whether others start after a failure."),
    ] = True,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, however many.")] = False,
    workspace: Workspace = Path(),
    form: AsFormat = Format.text,
    quiet: Quiet = False,
    no_progress: NoProgress = False,
) -> int:
    """Train every point of a grid: each an ordinary run, once, several at a time.

    Exits 0 if every point is sealed, else with the status of the first that failed, as repro train
    has it; 1 or 2 before anything is trained, if a point's configuration or the grid is wrong.
    """
    from repro.cli.swept import swept
    from repro.verbs.research.sweep import SweepCommand, sweep

    with observer(quiet, no_progress) as watching:
        found = sweep(
            SweepCommand(
                start=workspace,
                selection=chosen.selection(),
                axes=axes or (),
                executor=executor,
                jobs=jobs,
                address=address,
                metric=metric,
                rerun=rerun,
                keep_going=keep_going,
                agrees=lambda points, bound: yes or _agrees(points, bound, form),
                observer=watching,
            )
        )
    return swept(found, form)


def _agrees(points: int, bound: int, form: Format) -> bool:
    """Ask whether so many points are meant, if there is somebody to ask."""
    if form is Format.json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    return typer.confirm(f"{points} points, more than {bound}: train them all?", err=True)


command = selecting(sweeping, overrides=False)
