"""The options that choose a configuration, declared once for every command that takes them."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from repro.cli.options import Workspace
from repro.cli.selection import Chosen, selecting
from repro.errors import UsageError

COMMANDS = ["repro.cli.train", *(f"repro.cli.config.{n}" for n in ("show", "explain", "diff"))]
NAMES = [*inspect.signature(Chosen).parameters]


@selecting
def spoken(
    word: Annotated[str, typer.Argument()],
    chosen: Chosen,
    workspace: Workspace = Path(),
    loud: bool = False,
) -> int:
    """Say what was chosen."""
    typer.echo(f"{word} {loud} {workspace} {chosen.selection()}")
    return 0


def said(*words):
    """Return what the command prints."""
    app = typer.Typer(rich_markup_mode=None)
    app.command()(spoken)
    return CliRunner().invoke(app, list(words))


def test_every_option_reaches_the_selection():
    named = ["-t", "x", "--variant", "v", "--profile", "p"]
    out = said(
        "a", *named, "-c", "o", "-c", "q", "-s", "a=1", "--seed", "7", "-e", "z", "b=2"
    ).output
    assert out.startswith("a False . Selection(target='x', variant='v', profile='p', ")
    assert "overlays=('o', 'q')" in out
    assert "experiment='z'" in out
    assert "sets=('a=1', 'b=2', 'reproducibility.base_seed=7')" in out


def test_a_symbol_chooses_its_view():
    assert (
        "'routing.view=\"symbol_specific\"', 'routing.symbol=\"A\"'"
        in said("a", "--symbol", "A").output
    )


def test_a_command_keeps_its_own_options_and_its_help():
    assert said("a", "--loud", "-w", "there").output.startswith("a True there ")
    told = said("--help").output
    assert "Say what was chosen." in told
    assert told.index("word") < told.index("[KEY=VALUE]…")


def test_what_is_no_override_is_refused():
    with pytest.raises(UsageError, match="not an override: 'b'"):
        raise said("a", "b").exception


@pytest.mark.parametrize("module", COMMANDS)
def test_a_command_takes_all_of_them_and_the_overrides_last(module):
    parameters = list(inspect.signature(import_module(module).command).parameters)
    assert [name for name in parameters if name in NAMES] == NAMES
    assert parameters[-1] == "overrides"
