"""A verification's report as text and as JSON, the same for every command that shows one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from .faults import EXIT, Report
from .levels import LEVELS


def as_json(report: Report) -> dict[str, Any]:
    """Return every field of a report as a JSON value."""
    return asdict(report)


def as_text(report: Report) -> str:
    """Return a report for people: the verdict first, then the level and what it does not prove.

    Beside a verdict that the log is not what it was, what holds must not look like a success.
    """
    broken = report.exit_status == EXIT["tampered"]
    lines = [f"{report.verdict}: {_summary(report)}"]
    if report.level >= 0:
        lines.append(f"level: {LEVELS[report.level]}")
        if report.attained != tuple(range(report.level + 1)):
            lines.append(f"attained: {', '.join(f'L{level}' for level in report.attained)}")
    lines.extend(f"  not proven: {text}" for text in report.not_proven)
    lines.extend(f"fault: {fault.message}" for fault in report.faults)
    lines.extend(f"warning: {text}" for text in report.warnings)
    lines.extend(f"running: {run}" for run in report.running)
    held = "holds by itself" if broken else "checked"
    lines.extend(f"{held}: {text}" for text in report.checked)
    lines.extend(f"not checked: {text}" for text in report.not_checked)
    if report.fork:
        lines.append("evidence: two signed checkpoints contradict each other, which proves a fork")
    if report.size:
        head = "head, as it was read" if broken else "head"
        lines.append(f"{head}: {report.size} {report.head}")
    if report.origin:
        lines.append(f"origin: {report.origin}")
    return "\n".join(printable(line) for line in lines)


def read_vkeys(text: str) -> list[str]:
    """Return the keys that an option names: the text of keys (two plus signs), or a file of them.

    Raises OSError for a file that cannot be read.
    """
    if text.count("+") >= 2 and not _is_file(text):
        lines = text.splitlines()
    else:
        lines = Path(text).read_bytes().decode("utf-8", "replace").splitlines()
    return [line.strip() for line in lines if line.strip()]


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # the text of an ML-DSA-44 key is too long to name a file
        return False


def printable(line: str) -> str:
    """Return ``line`` without control characters: names in a log may come from anybody."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in line)


def _summary(report: Report) -> str:
    if report.exit_status >= 3 and report.faults:
        return report.faults[0].message
    records = f"{report.size} record{'' if report.size == 1 else 's'}"
    committed = "all" if report.committed >= report.size else str(report.committed)
    again = f"; records 0-{report.remembered - 1} not read again" if report.remembered else ""
    return f"{records}, {committed} committed{again}"
