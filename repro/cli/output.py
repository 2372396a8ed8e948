"""What is written, and where: results to stdout, talk to stderr, user's text never as markup."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from repro.errors import Problem, ReproError

NOT_PROMISED = "best-effort: its bits are not promised, and never compared as if they were"
"""What is said of a run of that level, wherever it is shown."""
SYMBOLS_SHOWN = 5
"""Symbols that a line names, of those that are left out."""
LINES = "\n\t"
"""What an error of several lines has between them."""
_STYLES = {"red": "31", "green": "32", "yellow": "33", "bold": "1", "dim": "2"}


def result(text: str) -> None:
    """Write a result."""
    sys.stdout.write(text + "\n")


def plain(text: str) -> None:
    """Write a result with words of a user's, a symbol or a name, which steer no terminal here."""
    result(_harmless(text, LINES))


def talk(text: str) -> None:
    """Write something beside the result; a stderr that cannot be written changes no status."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def error(problem: str, hint: str | None) -> None:
    """Write an error, and on a line of its own what to do."""
    talk(f"{style('repro: error:', 'red', sys.stderr)} {_harmless(problem, LINES)}")
    if hint:
        talk(f"{style('repro: hint:', 'bold', sys.stderr)} {_harmless(hint, LINES)}")


def failure(found: ReproError) -> str:
    """Return why one of several failed, and on a line of its own what to do."""
    told = f"\n  hint: {found.hint}" if found.hint else ""
    return _harmless(f"{found.problem}{told}", LINES)


def warn(text: str) -> None:
    """Write what the user must know though the command goes on; said also when it is quiet."""
    talk(f"{style('repro: warning:', 'yellow', sys.stderr)} {_harmless(text)}")


def _harmless(text: str, lines: str = "") -> str:
    """Return a text in which no name, of a store or a file, can steer a terminal.

    ``lines`` are the characters that are left as they are beside those that can be seen.
    """
    return "".join(c if c.isprintable() or c in lines else f"\\x{ord(c):02x}" for c in text)


def style(text: str, name: str, stream: Any = None) -> str:
    """Return ``text`` coloured, if the stream is a terminal that shows colours."""
    stream = stream or sys.stdout
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not stream.isatty()
    return text if plain else f"\x1b[{_STYLES[name]}m{text}\x1b[0m"


def columns(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Return rows as aligned columns; those numbered in ``right`` are flushed right."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))] if rows else []
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if n in right else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def number(value: float | int | None) -> str:
    """Return a number as people read it: six significant digits; JSON has them all."""
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def counted(count: int, noun: str) -> str:
    """Return how many of something there are, as in ``1 run`` and ``2 runs``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def used(samples: Mapping[str, Any]) -> str:
    """Return how much of the dataset a run is made of, by the ``samples`` of its snapshot.

    As ``rows: 2,376 of 2,400; 3 of 4 symbols (BB: no label)``; of an older run the rows alone.
    """
    from repro.errors import named

    found = samples.get("used")
    if found is None:
        return f"rows: {samples['rows']:,}"
    said = f"rows: {found['rows']:,} of {found['of_rows']:,}"
    if found["of_symbols"] == 1:
        return said
    left_out = found["left_out"]
    shown = [f"{named(one['symbol'])}: {one['why']}" for one in left_out[:SYMBOLS_SHOWN]]
    if len(left_out) > SYMBOLS_SHOWN:
        shown.append(f"and {len(left_out) - SYMBOLS_SHOWN} more")
    why = f" ({', '.join(shown)})" if shown else ""
    return f"{said}; {found['symbols']} of {found['of_symbols']} symbols{why}"


def problem_text(problem: Problem) -> str:
    """Return a problem with its line and a caret."""
    from repro.config.schema.validator import render

    return render(problem)


def problem_json(problem: Problem) -> dict[str, Any]:
    """Return a problem as JSON."""
    place = problem.place
    return {
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "end": place.end,
        "path": problem.path,
        "message": problem.message,
        "rule": problem.rule,
        "hint": problem.hint,
        "severity": problem.severity,
    }
