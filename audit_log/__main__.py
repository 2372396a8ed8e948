"""The auditor's command, ``repro-verify``: files in, a verdict and a status out."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .command.options import parser

if TYPE_CHECKING:
    from .verification.faults import Report


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    options = parser().parse_args(arguments)
    from .command.inputs import UsageError  # after --help, which needs none of this

    try:
        whole = options.command in ("log", "tiles")
        status, text = _log(options) if whole else _answer(options)
    except UsageError as error:
        sys.stderr.write(f"repro-verify: error: {error}\n")
        return 2
    if isinstance(sys.stdout, io.TextIOWrapper):  # notes and names hold any characters
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        print(text, flush=True)
    except BrokenPipeError:  # the reader has seen enough; Python must not flush again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


def _answer(options: argparse.Namespace) -> tuple[int, str]:
    from .command import evidence, questions

    ask = {
        "note": questions.note,
        "proof": questions.proof,
        "consistency": questions.consistency,
        "bundle": questions.bundle,
        "fork": evidence.fork,
    }[options.command]
    answer = ask(options)
    return answer.exit_status, answer.rendered(options.format)


def _log(options: argparse.Namespace) -> tuple[int, str]:
    from .verification.report import as_json, as_text

    report = _verify(options) if options.command == "log" else _verify_tiles(options)
    if options.format == "json":
        return report.exit_status, json.dumps(as_json(report), indent=2, sort_keys=True)
    return report.exit_status, as_text(report)


def _verify(options: argparse.Namespace) -> Report:
    """Verify the log that the options name."""
    from .command.inputs import UsageError
    from .errors import LogError
    from .verification.continuing import verify_from
    from .verification.verify import verify

    directory, root = Path(options.directory), None
    if options.artifacts is not None:
        root = Path(options.artifacts or directory.absolute().parent)
    given = _given(options) | {
        "artifacts_root": root,
        "without_openings": options.without_openings,
    }
    try:
        if options.state is None:
            report = verify(directory, **given)
        else:
            report = verify_from(Path(options.state), directory, **given)
        _write_evidence(report, options.evidence)
    except LogError as error:
        raise UsageError(str(error)) from None
    return report


def _verify_tiles(options: argparse.Namespace) -> Report:
    """Verify the published log that the options name."""
    from .command.inputs import UsageError
    from .errors import LogError
    from .verification.published import verify_published
    from .verification.source import Directory

    given = _given(options)
    try:
        report = verify_published(Directory(Path(options.directory)), **given)
        _write_evidence(report, options.evidence)
    except LogError as error:
        raise UsageError(str(error)) from None
    return report


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """Return what both forms of a log are verified with."""
    from .command.inputs import UsageError, key_texts, read, read_trust
    from .formats.note import MAX_NOTE

    if options.evidence is not None and not Path(options.evidence).is_dir():
        raise UsageError(f"{options.evidence} is not a folder: make it first")
    return {
        "vkeys": key_texts(options.vkey),
        "old_checkpoint": read(options.checkpoint, MAX_NOTE) if options.checkpoint else None,
        "self_asserted": options.self_asserted,
        "policy": read_trust(options.policy, ()) if options.policy is not None else None,
        "full": options.full,
    }


def _write_evidence(report: Report, folder: str | None) -> None:
    """Write proof of a fork, if there is one and somebody wants it."""
    from .verification.forks import write_evidence

    written = write_evidence(report, Path(folder)) if folder is not None else None
    if written is not None:
        sys.stderr.write(f"repro-verify: evidence of a fork: {written}\n")


if __name__ == "__main__":
    sys.exit(main())
