"""The goals of this project against its peers, measured again: ``make bench``.

How to read the table

    goal      what is compared with what: "a / b" is the time (or memory) of a in units of b
    measured  that ratio here, the median of pairs that were taken in turn; 1/20 is a twentieth
    limit     what it should be; "-" for a line that only informs
    peers     what other tools take, in the same unit as the line ("not here": not installed)
    met       met, MISSED, or "not here" if the other side of the ratio is not installed

Below the table stand the absolute numbers. They belong to this machine, the ratios mostly do not;
still, a busy machine moves both: measure on an idle one before believing a goal missed by little.
A missed goal does not fail the command; nothing of this is asserted in the tests.

Traps that are avoided: everything is compiled to .pyc first (PYTHONDONTWRITEBYTECODE makes every
start a first start); start-ups are CPU time; the sides take turns; every side has one thread; no
peer calls home; all files lie on one disk, below ``build``.

    python -P benchmarks/run.py --only tracking --only audit --json result.json
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCALE = "REPRO_BENCH_SCALE"
SUBJECTS = (
    "startup",
    "validation",
    "linting",
    "tracking",
    "listing",
    "training",
    "levels",
    "sweeping",
    "diffing",
    "predictions",
    "digests",
    "datasets",
    "audit",
)


def main() -> int:
    """Measure the chosen subjects, print the table, and write it as JSON if asked."""
    options = _parser().parse_args()
    os.environ[SCALE] = str(options.scale)
    from places import PEERS
    from table import Row, lines

    for environment in (Path(sys.prefix), PEERS):
        _compile(environment)
    rows: list[Row] = []
    failed = False
    for name in options.only or SUBJECTS:
        print(f"measuring: {name}", file=sys.stderr)
        try:
            rows += _apart(name)
        except Exception as error:  # one subject that cannot run must not hide the others
            failed = True
            print(f"{name} could not be measured: {error}", file=sys.stderr)
    print("\n".join(lines(rows)))
    if options.json:
        document = {"schema": 1, "machine": _machine(), "rows": [row.document() for row in rows]}
        options.json.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return 1 if failed else 0


def measure(name: str) -> list[object]:
    """Return the rows of one subject."""
    found: list[object] = import_module(name).rows()
    return found


def _apart(name: str) -> list:
    """Measure one subject in a process of its own: none inherits another's memory or modules."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, name).result()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure the goals against their peers.")
    parser.add_argument(
        "--only", action="append", choices=SUBJECTS, metavar="NAME", help=", ".join(SUBJECTS)
    )
    parser.add_argument(
        "--scale",
        type=_scale,
        default=os.environ.get(SCALE) or "1",
        metavar="X",
        help="how much of the log to measure: above 0, at most 1 (REPRO_BENCH_SCALE says it too)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows as JSON too")
    return parser


def _scale(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError("not above 0, or more than 1")
    return value


def _compile(environment: Path) -> None:
    """Compile every module of an environment; what is no Python (templates) may fail."""
    python = environment / "bin" / "python"
    library = environment / "lib"
    if python.exists() and library.exists():
        command = [python, "-m", "compileall", "-q", "-q", "-j", "0", library]
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _machine() -> dict[str, object]:
    """Return what the numbers were measured on."""
    return {
        "processors": os.cpu_count(),
        "architecture": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "product": version("repro-audit"),
        "load": os.getloadavg(),
    }


sys.path.append(str(HERE))  # `python -P` leaves it out, and a spawned process needs it as well

if __name__ == "__main__":
    sys.exit(main())
