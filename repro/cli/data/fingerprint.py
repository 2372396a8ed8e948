"""``repro data fingerprint``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from repro.cli import output
from repro.cli.options import AsFormat, Format, NoProgress, Quiet, Workspace
from repro.cli.progress import observer
from repro.cli.selection import Chosen, selecting


@selecting
def command(
    chosen: Chosen,
    workspace: Workspace = Path(),
    form: AsFormat = Format.text,
    quiet: Quiet = False,
    no_progress: NoProgress = False,
) -> int:
    """Digest the dataset as it lies now: its root, each symbol and column, and each file.

    The JSON can be kept, and compared with later: repro data diff FILE today.
    """
    from repro.verbs.data.fingerprint import document
    from repro.verbs.data.look import look_at

    selection = chosen.selection()
    with observer(quiet, no_progress) as watching:
        found = document(look_at(workspace, selection, "fingerprint", watching))
    if form is Format.json:
        output.result(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        _text(found)
    return 0


def _text(found: dict[str, Any]) -> None:
    """Write the root, then what it is made of, then the files."""
    dataset = found["dataset"]
    output.result(f"root {dataset['root']}")
    count = len(dataset["symbols"])
    output.result(
        f"{dataset['rows']} rows of {count} symbol{'s' * (count != 1)}, "
        f"{dataset['first']} to {dataset['last']}\n"
    )
    rows = [("symbol", "column", "digest")]
    for symbol, kept in found["symbols"].items():
        rows.append((symbol, "", kept["digest"]))
        rows += [("", name or "(times)", digest) for name, digest in kept["columns"].items()]
    output.result(output.columns(rows))
    files = [("file", "bytes", "blake3")]
    files += [(f["name"], str(f["size"]), f["blake3"]) for f in found["files"]]
    output.result("\n" + output.columns(files, right=(1,)))
