"""The configuration of a sealed run asked for again, told with the places that decided it then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from repro.config.resolution.origins import Origin, Told
from repro.config.resolution.resolve import Selection
from repro.runs.differences import target_side
from repro.runs.sealed import Run
from repro.verbs.configuring.rollback import carry_out
from repro.verbs.configuring.rollback import plan as rollback


def as_it_was(root: Path, a: Run, b: Run, folder: Path) -> Selection:
    """Return a selection with the configuration of the first run, as overlays in a folder.

    What a run has of it is told with the places in ``a``; of overrides, with those in ``b``.
    """
    restored = rollback(root, a.name, as_overlay=True, out=folder)
    carry_out(restored)
    side = target_side(a.read("config.json"))
    at = None if side is None else Told(side.file, side.line, side.column, side.text)
    return Selection(
        target=a.snapshot["target"],
        overlays=tuple(restored.overlays),
        origins=(replace(_origin(a, f"overlay {folder}/"), target=at), _origin(b, "--set")),
    )


def _origin(run: Run, layer: str) -> Origin:
    """Return a run as the origin of what a layer lays."""
    told = {}
    for leaf in run.read("config.json")["values"]:
        last = leaf["history"][-1]
        told[leaf["path"]] = Told(last["file"], last["line"], last["column"], last["text"])
    return Origin(run.name, layer, told)
