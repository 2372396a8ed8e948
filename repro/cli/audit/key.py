"""``repro audit key``: show, rotate, encrypt, decrypt, change."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repro.cli import output
from repro.cli.options import AsFormat, Format, NewPassphrase, Workspace

if TYPE_CHECKING:
    from repro.verbs.audit.keys import Keys


def app_for(_: Sequence[str]) -> typer.Typer:
    """Return the group."""
    app = typer.Typer(help="The log's keys.", no_args_is_help=True, rich_markup_mode=None)
    for function in (show, rotate, encrypt, decrypt, change):
        app.command(function.__name__)(function)
    return app


def show(
    workspace: Workspace = Path(),
    out: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="A new file of the public keys, for whoever verifies: what --vkey takes.",
            metavar="FILE",
        ),
    ] = None,
    form: AsFormat = Format.text,
) -> int:
    """Show the log's public keys, where its private key lies, and what was rotated."""
    from repro.verbs.audit import keys

    root = _root(workspace)
    return _said("show", keys.show(root) if out is None else keys.hand_out(root, out), form, out)


def rotate(workspace: Workspace = Path(), form: AsFormat = Format.text) -> int:
    """Replace the log's keys by new ones; what the old ones signed stays good."""
    from repro.verbs.audit import keys

    done = keys.rotate(_root(workspace), output.warn)
    output.talk("repro: hand the new public keys to your witnesses and to whoever verifies")
    return _said("rotate", done, form)


def encrypt(
    workspace: Workspace = Path(),
    new_passphrase_file: NewPassphrase = None,
    form: AsFormat = Format.text,
) -> int:
    """Put the private key under a passphrase."""
    from repro.cli.asking import new_passphrase
    from repro.verbs.audit import keys

    root = _root(workspace)
    keys.require_convertible(root, encrypted=False)
    return _said("encrypt", keys.encrypt(root, new_passphrase(new_passphrase_file)), form)


def decrypt(workspace: Workspace = Path(), form: AsFormat = Format.text) -> int:
    """Take the private key out from under its passphrase (REPRO_KEY_PASSPHRASE, or _FILE)."""
    from repro.verbs.audit import keys

    return _said("decrypt", keys.decrypt(_root(workspace)), form)


def change(
    workspace: Workspace = Path(),
    new_passphrase_file: NewPassphrase = None,
    form: AsFormat = Format.text,
) -> int:
    """Put the private key under another passphrase; the present one is in REPRO_KEY_PASSPHRASE."""
    from repro.cli.asking import new_passphrase
    from repro.verbs.audit import keys

    root = _root(workspace)
    keys.require_convertible(root, encrypted=True)
    return _said("change", keys.change(root, new_passphrase(new_passphrase_file)), form)


def _root(workspace: Path) -> Path:
    from repro.config.documents.workspace import find_root

    return find_root(workspace.resolve())


def _said(action: str, found: Keys, form: Format, out: Path | None = None) -> int:
    """Write the keys as they are now."""
    if form is Format.json:
        document = {
            "schema": 1,
            "command": "audit key",
            "action": action,
            "origin": found.origin,
            "keys": [{"kind": kind, "vkey": vkey} for kind, vkey in found.vkeys],
            "directory": str(found.directory),
            "private_key": None if found.private is None else str(found.private),
            "encrypted": found.encrypted,
            "rotations": [retired.last for retired in found.rotations],
            "pins": list(found.pins),
            "file": None if out is None else str(out),
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    output.result(f"log {found.origin}")
    for kind, vkey in found.vkeys:
        output.result(f"public key ({kind}): {vkey}")
    state = "under a passphrase" if found.encrypted else "NOT under a passphrase"
    output.result(
        f"private key: not here; looked in {found.directory}"
        if found.private is None
        else f"private key: {found.private}, {state}"
    )
    records = ", ".join(str(retired.last) for retired in found.rotations)
    output.result(f"rotated: {f'by record {records}' if records else 'never'}")
    for place in found.pins:
        output.result(f"seen in: {place}")
    if out is not None:
        output.result(f"public keys, one a line: {out}")
    return 0
