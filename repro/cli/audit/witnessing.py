"""``repro audit witness new · trust · forget · logs · serve``: being a witness for other logs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repro.cli import output
from repro.cli.options import AsFormat, Format

if TYPE_CHECKING:
    from repro.verbs.audit.witnessing import House

Directory = Annotated[Path, typer.Argument(help="The directory of the witness.", metavar="DIR")]


def new(
    directory: Directory,
    name: Annotated[str, typer.Argument(help="Its name: witness.example.com/w1.")],
    form: AsFormat = Format.text,
) -> int:
    """Make a witness that other people's logs can ask."""
    from repro.verbs.audit import witnessing

    return _said("new", witnessing.new(directory, name), form)


def trust(
    directory: Directory,
    vkey: Annotated[list[str], typer.Argument(help="A log's public keys, or a file of them.")],
    form: AsFormat = Format.text,
) -> int:
    """Let the witness cosign for a log."""
    from repro.verbs.audit import witnessing
    from repro.verbs.audit.files import public_keys

    return _said("trust", witnessing.trust(directory, public_keys(vkey)), form)


def forget(
    directory: Directory,
    origin: Annotated[str, typer.Argument(help="The origin of the log.")],
    form: AsFormat = Format.text,
) -> int:
    """Let the witness no longer cosign for a log; what it has cosigned stays on record."""
    from repro.verbs.audit import witnessing

    return _said("forget", witnessing.forget(directory, origin), form)


def logs(directory: Directory, form: AsFormat = Format.text) -> int:
    """List the logs that the witness cosigns for, and how far."""
    from repro.verbs.audit import witnessing

    return _said("logs", witnessing.known(directory), form)


def serve(
    directory: Directory,
    host: Annotated[str, typer.Option("--host", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", help="0 lets the system choose.", min=0, max=65_535)
    ] = 0,
) -> int:
    """Answer logs until SIGTERM or Ctrl-C: plain HTTP, to be put behind a proxy with TLS."""
    from repro.verbs.audit import witnessing

    house = witnessing.known(directory)

    def ready(url: str) -> None:
        output.result(url)
        for vkey in house.vkeys:
            output.result(vkey)
        sys.stdout.flush()

    witnessing.serve(directory, host, port, ready, output.warn)
    return 0


def add_to(app: typer.Typer) -> None:
    """Add the commands of a witness to the group."""
    for function in (new, trust, forget, logs, serve):
        app.command(function.__name__)(function)


def _said(action: str, house: House, form: Format) -> int:
    """Write the witness as it is now."""
    from repro.audit_log.formats.note_key import format_vkey

    if form is Format.json:
        document = {
            "schema": 1,
            "command": "audit witness logs",
            "action": action,
            "directory": str(house.directory),
            "name": house.name,
            "vkeys": list(house.vkeys),
            "logs": [
                {
                    "origin": log.origin,
                    "vkeys": [format_vkey(key) for key in log.verifiers],
                    "size": None if log.latest is None else log.latest.size,
                    "problem": log.problem or None,
                }
                for log in house.logs
            ],
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    output.result(f"witness {house.name} in {house.directory}")
    for vkey in house.vkeys:
        output.result(f"public key: {vkey}")
    for log in house.logs:
        size = log.problem if log.latest is None else f"{log.latest.size} records cosigned"
        output.result(f"log {log.origin}: {size}")
    if not house.logs:
        output.result(f"no log yet; trust one: repro audit witness trust {house.directory} VKEY…")
    return 0
