"""The options that say which runs are listed; a command that takes them is marked ``filtering``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repro.cli import completing
from repro.cli.bundles import unbundled
from repro.cli.completing import offer
from repro.cli.options import Experiment, Target

if TYPE_CHECKING:
    from repro.verbs.sealed.listing import ListCommand


@dataclass(frozen=True, slots=True)
class Filters:
    """What the options were given."""

    target: Target = None
    family: Annotated[
        str | None,
        typer.Option("--family", help="A family.", autocompletion=offer(completing.families)),
    ] = None
    view: Annotated[
        str | None,
        typer.Option("--view", help="A view.", autocompletion=offer(completing.views)),
    ] = None
    symbol: Annotated[str | None, typer.Option("--symbol", help="The symbol of a view.")] = None
    level: Annotated[
        str | None,
        typer.Option("--level", help="A level.", autocompletion=offer(completing.levels)),
    ] = None
    experiment: Experiment = None
    seed: Annotated[int | None, typer.Option("--seed", help="A base seed.")] = None
    key: Annotated[
        str | None, typer.Option("--key", help="The beginning of a name or of any key.")
    ] = None
    since: Annotated[
        str | None, typer.Option("--since", help="Planned that day or later (UTC).", metavar="DAY")
    ] = None
    until: Annotated[
        str | None, typer.Option("--until", help="Planned that day or before.", metavar="DAY")
    ] = None
    where: Annotated[
        list[str] | None,
        typer.Option("--where", help="A condition, as 'rmse<0.05'.", metavar="CONDITION"),
    ] = None
    incidents: Annotated[bool, typer.Option("--incidents", help="With an incident.")] = False
    pinned: Annotated[bool, typer.Option("--pinned", help="That a name stands for.")] = False
    asked: Annotated[bool, typer.Option("--asked", help="Without what attributions trained.")] = (
        False
    )

    def command(self, workspace: Path) -> ListCommand:
        """Return what is asked of a workspace."""
        from repro.verbs.sealed.listing import ListCommand

        return ListCommand(
            start=workspace,
            target=self.target,
            family=self.family,
            view=self.view,
            symbol=self.symbol,
            level=self.level,
            experiment=self.experiment,
            seed=self.seed,
            key=self.key,
            since=self.since,
            until=self.until,
            where=tuple(self.where or ()),
            incidents=self.incidents,
            pinned=self.pinned,
            asked=self.asked,
        )


def filtering(command: Callable[..., int]) -> Callable[..., int]:
    """Return ``command`` with these options in place of its parameter of that type."""
    return unbundled(command, Filters)
