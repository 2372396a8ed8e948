"""``repro init``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from repro.cli import output
from repro.cli.options import AsFormat, Format, NewPassphrase
from repro.errors import UsageError


def command(
    directory: Annotated[Path, typer.Argument(help="Where; made if it does not exist.")] = Path(),
    add_missing: Annotated[
        bool, typer.Option("--add-missing", help="Add what is missing; touch nothing else.")
    ] = False,
    encrypt_key: Annotated[
        bool,
        typer.Option(
            "--encrypt-key",
            help="Put the log's key under a passphrase: that of REPRO_KEY_PASSPHRASE or "
            "REPRO_KEY_PASSPHRASE_FILE if set, else a new one.",
        ),
    ] = False,
    new_passphrase_file: NewPassphrase = None,
    form: AsFormat = Format.text,
) -> int:
    """Make a workspace: commented configuration, a real example panel, a log with a fresh key."""
    from repro.verbs.workspace.initialise import initialise

    passphrase = _passphrase(directory, new_passphrase_file) if encrypt_key else None
    if new_passphrase_file is not None and not encrypt_key:
        raise UsageError("--new-passphrase-file without --encrypt-key", "add --encrypt-key")
    made = initialise(directory, add_missing, passphrase)
    if form is Format.json:
        key = str(made.key_directory) if made.key_directory else None
        document = {
            "schema": 1,
            "command": "init",
            "root": str(made.root),
            "added": list(made.added),
            "kept": list(made.kept),
            "key_directory": key,
            "vkey": made.vkey,
        }
        output.result(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    output.result(f"workspace {made.root}: {len(made.added)} files added, {len(made.kept)} kept")
    if made.key_directory:
        output.result(f"the log's private key: {made.key_directory} (keep it; never in git)")
        output.result(f"its public key, for whoever verifies: {made.vkey}")
    output.result("")
    output.result("try:")
    change = "" if directory == Path() else f"cd {directory} && "
    commands = ("repro validate", "repro train --target fwd_ret_5d", "repro audit verify")
    for line in (f"{change}{commands[0]}", *commands[1:]):
        output.result(f"  {line}")
    return 0


def _passphrase(directory: Path, file: Path | None) -> str:
    """Return the passphrase that the key of a new log is put under, before anything is made."""
    from repro.cli.asking import new_passphrase
    from repro.verbs.audit.keys import environment_passphrase
    from repro.verbs.audit.log import DIRECTORY

    if (directory / DIRECTORY).exists():
        raise UsageError(
            f"{directory.resolve()} has a log already, and so a key",
            "to put that key under a passphrase: repro audit key encrypt",
        )
    return (file is None and environment_passphrase()) or new_passphrase(file)
