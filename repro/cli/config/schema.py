"""``repro config schema [KIND]``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repro.cli import output
from repro.cli.completing import kinds_of_documents, offer
from repro.cli.options import AsFormat, Format, Workspace
from repro.errors import UsageError

if TYPE_CHECKING:
    from repro.verbs.workspace.editors import Written


def command(
    kind: Annotated[
        str | None,
        typer.Argument(
            help="A kind of document, or a model family.", autocompletion=offer(kinds_of_documents)
        ),
    ] = None,
    workspace: Workspace = Path(),
    write: Annotated[
        bool, typer.Option("--write", help="Write all schemas into CONFIG/.schemas, for editors.")
    ] = False,
    lines: Annotated[
        bool,
        typer.Option("--lines", help="With --write: add the line that names its schema to a file."),
    ] = False,
    form: AsFormat = Format.text,
) -> int:
    """List the kinds of documents, or print the JSON Schema of one; write them for editors."""
    from repro.config.documents.workspace import find_root
    from repro.facts.trainers import declarations
    from repro.verbs.workspace.editors import kind_named, kinds, write_for_editors

    if lines and not write:
        raise UsageError("--lines changes files: it goes with --write")
    if write and kind is not None:
        raise UsageError("--write writes every schema", "leave the kind out")
    families = declarations()
    chosen = None if kind is None else kind_named(kind, families)
    listed = [chosen] if chosen else kinds(families)
    done = write_for_editors(find_root(workspace.resolve()), lines=lines) if write else None
    if form is Format.json:
        document: dict[str, Any] = {
            "schema": 1,
            "command": "config schema",
            "kinds": [{"kind": k.name, "path": k.path, "title": k.schema["title"]} for k in listed],
            "document": chosen.schema if chosen else None,
            "written": list(done.written) if done else None,
            "kept": list(done.kept) if done else None,
            "lines": [asdict(line) for line in done.lines] if done else None,
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
    elif chosen is not None:
        output.result(json.dumps(chosen.schema, indent=2, ensure_ascii=False))
    elif done is not None:
        _written(done)
    else:
        rows = [("kind", "document", "title")]
        rows += [(k.name, k.path, str(k.schema["title"])) for k in listed]
        output.result(output.columns(rows))
    return 0


def _written(done: Written) -> None:
    """Write what was done, and what is left to do."""
    for name in done.written:
        output.result(f"written: {name}")
    output.result(f"{len(done.kept)} schemas were as they should be")
    for line in done.lines:
        if line.state == "wrong":
            said = f"names {line.found}, expected {line.expected}; left as it is"
        elif line.state == "added":
            said = f"added: # yaml-language-server: $schema={line.expected}"
        else:
            said = f"no line for editors: # yaml-language-server: $schema={line.expected}"
        output.result(f"{line.file}: {said}")
    missing = sum(line.state == "missing" for line in done.lines)
    if missing:
        output.result(f"to add {missing} of them: repro config schema --write --lines")
