"""The auditor's command, ``repro-verify``: a log's directory in, a verdict and a status out."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

_EPILOG = """\
exit status: 0 ok; 1 torn or incomplete; 2 usage; 3 unverifiable;
4 tampered, truncated, rolled back or forked
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        status = int(options.run(options))
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader has seen enough; Python must not flush again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except _UsageError as error:
        sys.stderr.write(f"repro-verify: error: {error}\n")
        return 2


class _UsageError(Exception):
    """A file named on the command line cannot be read."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="repro-verify",
        description="Verify an audit log, or a signed note, trusting nobody.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    log = commands.add_parser("log", help="verify the log in a directory", allow_abbrev=False)
    log.add_argument("directory", type=Path, metavar="DIR")
    _add_keys(log)
    log.add_argument("--checkpoint", metavar="OLD", help="a checkpoint kept from earlier")
    log.add_argument(
        "--self-asserted", action="store_true", help="accept the key that the log names, at L0"
    )
    log.add_argument(
        "--artifacts",
        nargs="?",
        const="",
        metavar="ROOT",
        help="digest every artifact again, below ROOT (default: where DIR lies)",
    )
    log.add_argument("--format", choices=("text", "json"), default="text")
    log.set_defaults(run=_log)
    note = commands.add_parser("note", help="verify a signed note", allow_abbrev=False)
    note.add_argument("file", metavar="FILE")
    _add_keys(note)
    note.set_defaults(run=_note)
    return parser


def _add_keys(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--vkey",
        action="append",
        default=[],
        metavar="KEY",
        help="a trusted key (NAME+ID+BASE64), or a file with keys; may be repeated",
    )


def _log(options: argparse.Namespace) -> int:
    from .verification.report import as_json, as_text
    from .verification.verify import verify

    root = None
    if options.artifacts is not None:
        root = Path(options.artifacts or options.directory.absolute().parent)
    report = verify(
        options.directory,
        vkeys=_keys(options.vkey),
        old_checkpoint=_read(options.checkpoint) if options.checkpoint else None,
        self_asserted=options.self_asserted,
        artifacts_root=root,
    )
    if options.format == "json":
        print(json.dumps(as_json(report), indent=2, sort_keys=True))
    else:
        print(as_text(report))
    return report.exit_status


def _note(options: argparse.Namespace) -> int:
    from .errors import NoteError, UnknownSignerError
    from .formats.note import open_note
    from .formats.note_key import parse_vkey
    from .verification.report import printable

    data = _read(options.file)
    try:
        note = open_note(data, [parse_vkey(key) for key in _keys(options.vkey)])
    except NoteError as error:
        stranger = isinstance(error, UnknownSignerError)
        verdict, status = ("unverifiable", 3) if stranger else ("tampered", 4)
        print(printable(f"{verdict}: {error}"))
        return status
    names = ", ".join(verified.signature.name for verified in note.verified)
    print(printable(f"ok: signed by {names}"))
    for line in note.text.splitlines():
        print(printable(f"  {line}"))
    return 0


def _keys(given: Sequence[str]) -> list[str]:
    from .verification.report import read_vkeys

    try:
        return [key for text in given for key in read_vkeys(text)]
    except OSError as error:
        raise _UsageError(f"cannot read {error.filename}: {error.strerror}") from error


def _read(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise _UsageError(f"cannot read {name}: {error.strerror}") from error


if __name__ == "__main__":
    sys.exit(main())
