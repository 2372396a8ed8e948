"""How `repro` behaves as records, runs, rows and points grow: the curves of docs/scale.md.

    python -P benchmarks/scale.py
    python -P benchmarks/scale.py --only records --records 1000,10000,100000,1000000 --rounds 3

Each cell is wall time and, in brackets, CPU time of the process with its children, and the peak of
its memory; the last column is the growth in CPU time, which a busy machine moves least. As for
every benchmark here the product is whatever is installed beside the interpreter, and all files lie
below ``build/bench``. With the sizes that it has by itself it takes some six minutes of CPU time,
most of it on two processors at once.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).resolve().parent
SIZES = {
    "records": ("scale_log", "1000,10000,100000"),
    "runs": ("scale_runs", "1000,10000"),
    "rows": ("scale_rows", "10000,100000"),
    "grid": ("scale_grid", "100,1000"),
    "points": ("scale_sweeps", "10,50"),
}
"""What grows: the module that measures it, and the sizes unless others are asked for."""
if TYPE_CHECKING:
    from curves import Curves


def main() -> int:
    """Measure the chosen curves, print each table when it is there, and write JSON if asked."""
    options = _parser().parse_args()
    print(_shown(machine()))
    documents = []
    for name in options.only or SIZES:
        found = _apart(SIZES[name][0], getattr(options, name), options.rounds)
        print("\n" + "\n".join(found.lines()), flush=True)
        documents.append(found.document())
    print(f"\nload at the end: {_load()}")
    if options.json:
        document = {"schema": 1, "machine": machine(), "curves": documents}
        options.json.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return 0


def measure(module: str, sizes: Sequence[int], rounds: int) -> Curves:
    """Return the curves of one module."""
    found: Curves = import_module(module).curves(sizes, rounds)
    return found


def machine() -> dict[str, Any]:
    """Return what the numbers were measured on."""
    return {
        "processor": _processor(),
        "processors": os.cpu_count(),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "product": version("repro-audit"),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "load": _load(),
    }


def _processor() -> str:
    """Return the processor's name as Linux tells it, or what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def _load() -> str:
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


def _shown(found: dict[str, Any]) -> str:
    return (
        f"{found['time']}: {found['processors']} x {found['processor']}, "
        f"{found['memory'] / 1e9:.0f} GB, {found['system']}, Python {found['python']}, "
        f"repro-audit {found['product']}; load {found['load']}"
    )


def _apart(module: str, sizes: Sequence[int], rounds: int) -> Curves:
    """Measure in a process of its own: none inherits another's memory or modules."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, module, sizes, rounds).result()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure how repro behaves as things grow.")
    parser.add_argument("--only", action="append", choices=SIZES, metavar="NAME")
    for name, (_, sizes) in SIZES.items():
        parser.add_argument(f"--{name}", type=_sizes, default=sizes, metavar="N,N,…")
    parser.add_argument("--rounds", type=int, default=1, help="times that each thing is done")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the curves as JSON too")
    return parser


def _sizes(text: str) -> list[int]:
    sizes = [int(part) for part in text.split(",")]
    if min(sizes) < 2:
        raise argparse.ArgumentTypeError("a size below 2")
    return sizes


sys.path.append(str(HERE))  # `python -P` leaves it out, and a spawned process needs it as well

if __name__ == "__main__":
    sys.exit(main())
