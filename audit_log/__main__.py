"""The auditor's command, ``repro-verify``: a log's directory in, a verdict and a status out."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .faults import Report

_EPILOG = """\
exit status: 0 ok; 1 torn or incomplete; 2 usage; 3 unverifiable;
4 tampered, truncated, rolled back or forked
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
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
    from .verify import verify

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
    lines = _as_json(report) if options.format == "json" else _as_text(report)
    for line in lines:
        print(_printable(line))
    return report.exit_status


def _note(options: argparse.Namespace) -> int:
    from .errors import NoteError, UnknownSignerError
    from .note import open_note, parse_vkey

    data = _read(options.file)
    try:
        note = open_note(data, [parse_vkey(key) for key in _keys(options.vkey)])
    except NoteError as error:
        stranger = isinstance(error, UnknownSignerError)
        verdict, status = ("unverifiable", 3) if stranger else ("tampered", 4)
        print(_printable(f"{verdict}: {error}"))
        return status
    names = ", ".join(signature.name for signature in note.verified)
    print(_printable(f"ok: signed by {names}"))
    for line in note.text.splitlines():
        print(_printable(f"  {line}"))
    return 0


def _keys(given: Sequence[str]) -> list[str]:
    """Return the keys that the options name: a text with two plus signs, or a file of them."""
    keys: list[str] = []
    for text in given:
        if text.count("+") >= 2 and not Path(text).is_file():
            keys.append(text)
        else:
            lines = _read(text).decode("utf-8", "replace").splitlines()
            keys.extend(line.strip() for line in lines if line.strip())
    return keys


def _read(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise _UsageError(f"cannot read {name}: {error.strerror}") from error


def _as_json(report: Report) -> list[str]:
    from dataclasses import asdict

    return json.dumps(asdict(report), indent=2, sort_keys=True).splitlines()


def _as_text(report: Report) -> list[str]:
    from .faults import LEVELS

    lines = [f"{report.verdict}: {_summary(report)}"]
    if report.level >= 0:
        lines.append(f"level: {LEVELS[report.level]}")
    lines.extend(f"  not proven: {text}" for text in report.not_proven)
    lines.extend(f"fault: {fault.message}" for fault in report.faults)
    lines.extend(f"warning: {text}" for text in report.warnings)
    lines.extend(f"running: {run}" for run in report.running)
    lines.extend(f"checked: {text}" for text in report.checked)
    lines.extend(f"not checked: {text}" for text in report.not_checked)
    if report.size:
        lines.append(f"head: {report.size} {report.head}")
    if report.origin:
        lines.append(f"origin: {report.origin}")
    return lines


def _summary(report: Report) -> str:
    if report.exit_status >= 3 and report.faults:
        return report.faults[0].message
    records = f"{report.size} record{'' if report.size == 1 else 's'}"
    if report.committed >= report.size:
        return f"{records}, all committed"
    return f"{records}, {report.committed} committed"


def _printable(line: str) -> str:
    """Return ``line`` without control characters: names in a log may come from anybody."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in line)


if __name__ == "__main__":
    sys.exit(main())
