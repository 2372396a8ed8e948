"""``repro verify RUN``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from repro.cli import output
from repro.cli.diff import grouped
from repro.cli.options import AsFormat, Format, NoProgress, Quiet, Run, Workspace
from repro.cli.progress import observer


def command(
    run: Run,
    workspace: Workspace = Path(),
    form: AsFormat = Format.text,
    quiet: Quiet = False,
    no_progress: NoProgress = False,
) -> int:
    """Do a sealed run again, from what was sealed, and compare every bit."""
    from repro.config.documents.workspace import find_root
    from repro.reexecute import verify_run
    from repro.runs.sealed import find

    root = find_root(workspace.resolve())
    with observer(quiet, no_progress) as watching:
        done = verify_run(root, find(root, run), watching)
    if form is Format.json:
        document = {
            "schema": 1,
            "command": "verify",
            "run": done.run.name,
            "verdict": done.verdict,
            "exit_status": done.exit_status,
            "differing_outputs": list(done.outputs),
            "causes": [asdict(cause) for cause in done.causes],
            "record": done.record,
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
        return done.exit_status
    for cause in done.causes[:20]:
        output.result(f"differs from then: {cause.kind}: {cause.subject}")
    if len(done.causes) > 20:
        output.result(f"and {len(done.causes) - 20} more")
    colour = {0: "green", 1: "yellow"}.get(done.exit_status, "red")
    count = len(done.run.snapshot["outputs"])
    said = (
        f"all {count} outputs are the same, bit for bit"
        if not done.outputs
        else f"these outputs differ: {grouped(done.outputs)}"
    )
    output.result(f"{output.style(done.verdict, colour)}: run {done.run.name}: {said}")
    output.result(f"recorded as record {done.record} of the log")
    return done.exit_status
