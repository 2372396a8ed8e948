"""The one place where errors become exit statuses."""

from __future__ import annotations

import errno
import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.cli import output
from repro.errors import DeclarationError, ProblemsError, ReproError

if TYPE_CHECKING:
    from repro.cli.left_out import Trainers

OUR_BUG = 70
INTERRUPTED = 130
_MEANT = {
    "verify": ("unexpected extra argument", "a variation is named by an option: --variation NAME"),
    "doctor": ("unexpected extra argument", "a run is named by an option: --against RUN"),
    "rank": (
        "No such option: --target",
        "all targets are ranked, or target_ranking.targets=[A, B]",
    ),
}
"""What was most likely meant where click says this of a command."""
_WORDS = (
    ("is not a valid int range", "is not a whole number"),
    ("is not a valid int", "is not a whole number"),
    ("is not a valid float range", "is not a number"),
    ("is not a valid float", "is not a number"),
)
"""What click calls by the names of its own types, and what people do."""


def run(arguments: Sequence[str]) -> int:
    """Run the command line; return its exit status."""
    from repro.cli.left_out import Trainers

    with Trainers() as trainers:
        return _run(arguments, trainers)


def _run(arguments: Sequence[str], trainers: Trainers) -> int:
    """Return the exit status, and tell ``trainers`` which of them an error speaks of."""
    from typer.exceptions import Abort, TyperException

    from repro.audit_log.errors import LogError
    from repro.cli.app import app_for
    from repro.execution.interrupts import stoppable

    as_json = _wants_json(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a caller in this process may have put another
            stream.reconfigure(errors="backslashreplace")
    try:
        with stoppable():
            status = app_for(arguments)(
                args=list(arguments), prog_name="repro", standalone_mode=False
            )
            sys.stdout.flush()
        return int(status or 0)
    except SystemExit:  # typer ends so when nobody reads what it prints
        _give_up(sys.stdout)
        return 0
    except ReproError as error:
        trainers.told(error)
        _report(error.problem, error.hint, error.exit_status, error, as_json)
        return error.exit_status
    except LogError as error:
        _report(error.problem, error.hint, error.exit_status, error, as_json)
        return error.exit_status
    except Abort:
        return INTERRUPTED
    except TyperException as error:
        _usage(error, as_json)
        return error.exit_code
    except KeyboardInterrupt:
        _report("interrupted", None, INTERRUPTED, None, as_json)
        return INTERRUPTED
    except BrokenPipeError:
        _give_up(sys.stdout)
        return 0
    except OSError as error:
        _report(*_os_error(error), 3, error, as_json)
        return 3
    except Exception as error:
        if is_interrupt(error):
            _report("interrupted", None, INTERRUPTED, None, as_json)
            return INTERRUPTED
        if fault := _trainer_fault(error):
            _report(fault.problem, fault.hint, fault.exit_status, fault, as_json)
            return fault.exit_status
        return _bug(error, as_json)


def is_interrupt(error: BaseException | None) -> bool:
    """Return whether a request to stop lies behind an error.

    Python before 3.12 makes a RuntimeError of what is raised while a class is made, and many are
    made while a command loads its modules.
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__
    return error is not None


def _wants_json(arguments: Sequence[str]) -> bool:
    """Return whether the command line asks for JSON, also where it cannot be parsed."""
    wanted = ""
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=False):
        if argument == "--":  # what follows is for a command of the user's
            break
        if argument == "--format":
            wanted = following
        elif argument.startswith("--format="):
            wanted = argument.partition("=")[2]
    return wanted == "json"


def _report(
    problem: str, hint: str | None, status: int, error: BaseException | None, as_json: bool
) -> None:
    """Write an error for people to stderr, and with ``--format json`` also to stdout as JSON."""
    problems = error.problems if isinstance(error, ProblemsError) else ()
    if isinstance(error, DeclarationError):
        from repro.config.documents.trainer_faults import explained

        problems = explained(error.file)
    if as_json:
        document: dict[str, Any] = {
            "schema": 1,
            "error": {
                "kind": type(error).__name__ if error else "Interrupted",
                "problem": problem,
                "hint": hint,
                "exit_status": status,
                "problems": [output.problem_json(p) for p in problems],
            },
        }
        try:
            output.result(json.dumps(document, indent=2, ensure_ascii=False))
            sys.stdout.flush()
        except OSError:  # standard output may be what failed
            _give_up(sys.stdout)
    for found in problems:
        output.talk(output.problem_text(found))
    output.error(problem, hint)


def _usage(error: Any, as_json: bool) -> None:
    """Write what click says of the command line."""
    context = getattr(error, "ctx", None)
    if not error.format_message() or type(error).__name__ == "NoArgsIsHelpError":
        output.talk(error.format_message())
        return
    usage = " ".join(context.get_usage().split()) if context else None
    meant = _MEANT.get(context.info_name or "") if context else None
    if meant and meant[0] in error.format_message():
        usage = f"{meant[1]}; {usage}"
    words = error.format_message()
    for theirs, ours in _WORDS:
        words = words.replace(theirs, ours)
    _report(words, usage, error.exit_code, error, as_json)


def _give_up(stream: Any) -> None:
    """Send a stream to the null device: nobody can read it, and Python would try again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _os_error(error: OSError) -> tuple[str, str | None]:
    """Return what the operating system says, with the file that it says it of, and what to do."""
    text = error.strerror or str(error)
    if error.filename:
        return f"{error.filename}: {text}", None
    if error.errno == errno.ENOENT:
        return "the working directory does not exist any more", "change to one that does"
    if error.errno in (errno.ENOSPC, errno.EIO, errno.EBADF):
        _give_up(sys.stdout)
        return f"stdout: {text}", "what was printed may be incomplete"
    return text, None


def _trainer_fault(error: Exception) -> ReproError | None:
    """Return what a trainer of others did wrong, if that lies behind an error; None if not.

    Any command may be the first to use a schema that a trainer declares.
    """
    from repro.config.documents.trainer_faults import behind
    from repro.facts.trainers import declarations

    try:
        return behind(error, declarations())
    except ReproError:  # not even the declarations can be read: the error came before them
        return None


def _bug(error: Exception, as_json: bool) -> int:
    """Keep the traceback in a file and say where; it is our own fault."""
    import tempfile
    import traceback

    descriptor, name = tempfile.mkstemp(prefix="repro-", suffix=".traceback")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        traceback.print_exc(file=file)
    _report(
        f"this is a bug in repro: {type(error).__name__}: {error}",
        f"the traceback is in {Path(name)}; please report it",
        OUR_BUG,
        error,
        as_json,
    )
    return OUR_BUG
