"""Lint: a library's Python against parsing it and nothing else, beside a linter in native code."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path
from statistics import median

from measure import Command, Usage, both, in_turn, ratio
from places import ours, peer
from table import Row

ROUNDS = 5
LEAST = 1.0
"""Megabytes of Python a second of CPU time, of a whole process: there is only one."""
LIBRARIES = ("sklearn", "lightgbm")
PARSE = """
import ast, gc, sys, tokenize, warnings
gc.disable()
warnings.simplefilter("ignore")
for line in open(sys.argv[1]):
    with tokenize.open(line.rstrip("\\n")) as file:
        ast.parse(file.read())
"""
OURS, BARE, RUFF = "repro lint", "ast.parse alone", "ruff check --select ALL"


def rows() -> list[Row]:
    """Measure whole processes over two libraries, as far as they are installed here."""
    from places import scratch

    library = Path(sysconfig.get_path("purelib"))
    folders = [library / name for name in LIBRARIES if (library / name).is_dir()]
    files = sorted(file for folder in folders for file in folder.rglob("*.py") if _is_read(file))
    size = sum(file.stat().st_size for file in files) / 1e6
    rate = f"repro lint, {size:.0f} MB of Python in {len(files)} files: MB a second of CPU"
    share = "repro lint / ast.parse of the same files (CPU)"
    if not files:
        return [Row(rate, None, LEAST, at_least=True), Row(share, None)]
    with scratch() as folder:
        listed = folder / "files.txt"
        listed.write_text("".join(f"{file}\n" for file in files), "utf-8")
        commands = {
            OURS: Command([ours("repro"), "lint", *folders], good=(1,)),
            BARE: Command([sys.executable, "-c", PARSE, listed]),
        }
        ruff = _ruff()
        if ruff is not None:
            words = [ruff, "check", "--isolated", "--no-cache", "-q", "--select", "ALL"]
            commands[RUFF] = Command([*words, *folders], good=(1,))
        taken = in_turn(commands, ROUNDS)
    cpu = {name: [usage.cpu for usage in usages] for name, usages in taken.items()}
    peers = {RUFF: _rate(size, taken[RUFF]) if ruff is not None else None}
    seconds = ", ".join(f"{name} {_rate(size, taken[name]):.1f} MB/s" for name in taken)
    wall = median(size / usage.wall for usage in taken[OURS])
    memory = median(usage.memory for usage in taken[OURS]) / 1e6
    return [
        Row(
            rate,
            _rate(size, taken[OURS]),
            LEAST,
            at_least=True,
            peers=peers,
            numbers=f"{seconds}; by the clock {wall:.1f} MB/s; {memory:.0f} MB of memory",
        ),
        Row(share, ratio(cpu[OURS], cpu[BARE]), numbers=f"CPU {both(cpu[OURS], cpu[BARE])}"),
    ]


def _is_read(file: Path) -> bool:
    """Return whether the lint reads a file below a folder."""
    return not any(part.startswith(".") or part == "__pycache__" for part in file.parts[-3:])


def _rate(size: float, usages: list[Usage]) -> float:
    return median(size / usage.cpu for usage in usages)


def _ruff() -> Path | None:
    """Return ruff, which is among the tools for development rather than the peers."""
    here = Path(sys.prefix) / "bin" / "ruff"
    return peer("ruff") or (here if here.exists() and os.access(here, os.X_OK) else None)
