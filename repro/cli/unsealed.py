"""``repro runs unsealed``, and what ``runs show`` says of a run that came to nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repro.cli import output
from repro.cli.options import AsFormat, Format, Workspace

if TYPE_CHECKING:
    from repro.verbs.sealed.unsealed import Unsealed

REASON_SHOWN = 80
"""Characters of a reason in the table."""
CUT = "…"
NOTHING = "every run that was asked for was sealed"


def unsealed(
    workspace: Workspace = Path(),
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many; 0 for all.", min=0)] = 50,
    form: AsFormat = Format.text,
) -> int:
    """List the runs of which nothing is sealed."""
    from repro.config.documents.workspace import find_root
    from repro.verbs.sealed.unsealed import all_unsealed

    found = all_unsealed(find_root(workspace.resolve()))
    shown = found[: limit or None]
    if form is Format.json:
        write(shown, len(found))
        return 0
    if not found:
        output.result(NOTHING)
        return 0
    rows: list[tuple[str, ...]] = [("run", "planned", "target", "family", "state", "reason")]
    rows += [
        (one.name, one.time[:16], one.target, one.family, one.state, _cut(one.reason))
        for one in shown
    ]
    output.result(output.columns(rows))
    if any(row[-1].endswith(CUT) for row in rows):
        output.result("repro runs show RUN has all of a reason")
    if len(shown) < len(found):
        output.result(f"{len(found) - len(shown)} older ones: --limit 0 shows all")
    return 0


def write(shown: Sequence[Unsealed], total: int) -> None:
    """Write such runs as JSON."""
    document = {
        "schema": 1,
        "command": "runs unsealed",
        "total": total,
        "runs": [asdict(one) for one in shown],
    }
    output.result(json.dumps(document, indent=2, ensure_ascii=False))


def tell(one: Unsealed) -> None:
    """Write all that the log says of one."""
    output.result(
        f"run {one.name}: {one.family} for {one.target}: {one.state}; nothing is sealed\n"
    )
    rows = [("planned", one.time), ("reason", _line(_words(one.reason)))]
    if one.exit_status is not None:
        rows.append(("exit status", str(one.exit_status)))
    rows.append(("worker's log", one.worker_log or "none: it printed nothing"))
    rows.append(("record", f"{one.record} of the log"))
    output.result(output.columns(rows))
    if one.output_tail:
        output.result("\nits last words")
        output.result("\n".join(f"  {_line(line)}" for line in one.output_tail.splitlines()))


def _line(text: str | None) -> str:
    """Return a text on one line: what cannot be shown there is escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text or "-")


def _words(text: str | None) -> str | None:
    """Return a text whose lines are one; None as it is."""
    return text and " ".join(text.split())


def _cut(text: str | None) -> str:
    """Return the beginning of a text, on one line."""
    line = _line(_words(text))
    return line if len(line) <= REASON_SHOWN else line[: REASON_SHOWN - 1].rstrip() + CUT
