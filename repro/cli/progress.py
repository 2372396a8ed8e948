"""How far it is: a bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from repro.cli import output


@contextmanager
def observer(quiet: bool, no_progress: bool) -> Iterator[Any]:
    """Give an observer of a training: lines of talk, and a bar if stderr is a terminal."""
    from repro.verbs.observer import Observer

    if quiet:
        yield Observer(warn=output.warn)
        return
    terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    if no_progress or not terminal:
        yield Observer(stage=lambda text: output.talk(f"repro: {text}"), warn=output.warn)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    plain = TextColumn("{task.description}", markup=False)
    with Progress(plain, BarColumn(), TimeElapsedColumn(), console=console) as bar:
        task = bar.add_task("starting", total=None)

        def progress(stage: str, done: int, total: int) -> None:
            bar.update(task, description=stage, completed=done, total=total)

        yield Observer(
            stage=lambda text: bar.update(task, description=text, total=None),
            progress=progress,
            warn=output.warn,
        )
