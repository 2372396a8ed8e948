"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from repro.cli import completing
from repro.cli.completing import offer


class Format(StrEnum):
    """How a result is written."""

    text = "text"
    json = "json"


AsFormat = Annotated[Format, typer.Option("--format", help="How the result is written.")]
Rerun = Annotated[bool, typer.Option("--rerun", help="Train also what is sealed already.")]
Workspace = Annotated[
    Path,
    typer.Option("--workspace", "-w", help="The workspace, or a folder below it.", metavar="DIR"),
]
Target = Annotated[
    str | None,
    typer.Option(
        "--target",
        "-t",
        help="What is predicted: a name in targets.yaml.",
        autocompletion=offer(completing.targets),
    ),
]
Family = Annotated[
    str | None,
    typer.Option(
        "--family",
        help="Model family: sets pipeline.family.",
        autocompletion=offer(completing.families),
    ),
]
NeededFamily = Annotated[
    str,
    typer.Argument(help="A model family.", autocompletion=offer(completing.families)),
]
Experiment = Annotated[
    str | None,
    typer.Option(
        "--experiment",
        "-e",
        help="An experiment of CONFIG/experiments.",
        autocompletion=offer(completing.experiments),
    ),
]
Variant = Annotated[
    str | None,
    typer.Option(
        "--variant",
        help="A variant of the model document.",
        autocompletion=offer(completing.variants),
    ),
]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile", help="A training profile.", autocompletion=offer(completing.profiles)
    ),
]
Overlay = Annotated[
    list[str] | None,
    typer.Option(
        "--config",
        "-c",
        help="An overlay, such as lightgbm_custom.",
        metavar="OVERLAY",
        autocompletion=offer(completing.overlays),
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        help="Override one value, as key=value.",
        metavar="KEY=VALUE",
        autocompletion=offer(completing.assignments),
    ),
]
Seed = Annotated[int | None, typer.Option("--seed", help="Sets reproducibility.base_seed.")]
View = Annotated[
    str | None,
    typer.Option("--view", help="Sets routing.view.", autocompletion=offer(completing.views)),
]
Symbol = Annotated[
    str | None, typer.Option("--symbol", help="Sets routing.symbol, and the view to one symbol.")
]
Level = Annotated[
    str | None,
    typer.Option(
        "--level",
        help="Sets reproducibility.level.",
        autocompletion=offer(completing.levels),
    ),
]
Run = Annotated[
    str,
    typer.Argument(
        help="A run: name, key, unique prefix, path or @latest.",
        autocompletion=offer(completing.runs),
    ),
]
Key = Annotated[
    str | None,
    typer.Argument(
        help="A value or a section: any suffix of its path that only one has.",
        autocompletion=offer(completing.keys_or_assignments),
    ),
]
NeededKey = Annotated[
    str,
    typer.Argument(
        help="A value or a section: any suffix of its path that only one has.",
        autocompletion=offer(completing.keys),
    ),
]
Reason = Annotated[str, typer.Option("--reason", help="Why; it goes into the record.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
NewPassphrase = Annotated[
    Path | None,
    typer.Option(
        "--new-passphrase-file", help="A file with the new passphrase; asked for without it."
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No talk on stderr but errors and warnings.")
]
NoProgress = Annotated[bool, typer.Option("--no-progress", help="No progress bar.")]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        help="Overrides, as key=value.",
        metavar="[KEY=VALUE]…",
        autocompletion=offer(completing.assignments),
    ),
]
