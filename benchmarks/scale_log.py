"""The log from a thousand records to millions: appending, verifying, proving, publishing, a run.

Each size has a workspace of its own, as `repro init` makes it, whose log holds the records of as
many runs as fit: ``run.planned`` and ``run.completed`` in turn, about 3 KB each. The runs
themselves are not there. Commands are whole processes; appends are calls in a process that ends
before the commands start, because a child's peak of memory is never below its parent's.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from curves import Curves, called, median, shared, weighed
from logs import ACTOR, TOOL, fill, run_records, short_records
from measure import Command, Usage, usage_of
from places import Workspace, fresh, scratch

from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.storage.store import Log

BODY = {"n": 1}
APPENDS, OPENS, NEW = 50, 5, 1000
TRAIN = ("train", "--quiet", "--profile", "debug", "--family", "ridge")


def curves(sizes: Sequence[int], rounds: int) -> Curves:
    """Measure each size in turn, smallest first."""
    found = Curves("the log", "records")
    for size in sorted(sizes):
        with scratch() as folder:
            _measure(found, folder, size, rounds)
    return found


def _measure(found: Curves, folder: Path, size: int, rounds: int) -> None:
    workspace = fresh(folder)

    def timed(what: str, *commands: Command) -> None:
        found.put(what, size, median([usage_of(each) for each in commands]))

    def often(what: str, *words: str) -> None:
        timed(what, *[workspace.command(*words)] * rounds)

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        for what, usage in pool.submit(_written, workspace, size).result().items():
            found.put(what, size, usage)
    log = _opened(workspace)
    state = folder / "state"
    often("`repro audit verify`", "audit", "verify")
    usage_of(workspace.command("audit", "verify", "--state", str(state)))
    found.put(
        f"`… verify --state`, {NEW} new",
        size,
        _after_new(log, workspace.command("audit", "verify", "--state", str(state)), rounds),
    )
    shutil.rmtree(workspace.root / "AUDIT_LOG" / "derived", ignore_errors=True)
    proofs = [
        workspace.command("audit", "prove", str(size // 2), "-o", str(folder / f"proof{number}"))
        for number in range(rounds + 1)
    ]
    timed("`… prove`, no derived files", proofs[0])
    timed("`… prove` again", *proofs[1:])
    often("`… show NUMBER`", "audit", "show", str(size // 2))
    public = folder / "public"
    publish = workspace.command("audit", "publish", str(public))
    timed("`… publish`, all", publish)
    found.put(f"`… publish`, {NEW} new", size, _after_new(log, publish, rounds))
    timed("`repro train`, ridge, the first", workspace.command(*TRAIN))
    other = (*TRAIN, "--set", "ridge.hyperparameters.alpha=2.5")
    timed("`repro train`, ridge, again", *[workspace.command(*other)] * rounds)
    often("`repro runs list`", "runs", "list")
    diff = workspace.command("diff", "@latest~1", "@latest", good=(0, 1))
    timed("`repro diff`, the first", diff)
    timed("`… diff` again", *[diff] * rounds)
    found.put("log on the disk", size, weighed(workspace.root / "AUDIT_LOG"))
    found.put("published", size, weighed(public))


def _written(workspace: Workspace, size: int) -> dict[str, Usage]:
    """Make the log so long, and measure that and what a writer does with a log so long."""
    log = _opened(workspace)
    first = log.head().size
    entries = run_records(size - first, first)
    filled = shared(called(lambda: fill(log, entries)), size)
    return {
        "append in groups of 4,096, a record": filled,
        "open the log to write": called(lambda: _opened(workspace), OPENS),
        "one durable append": called(lambda: log.append("leakage.fixed", BODY), APPENDS),
        "append and sign": called(lambda: _signed(log), APPENDS),
        "search it for a name": called(lambda: log.find_bytes(b'"run":"nobody"'), OPENS),
    }


def _opened(workspace: Workspace) -> Log:
    place = workspace.root / "AUDIT_LOG"
    return Log.open(place, actor=ACTOR, tool=TOOL, keys=KeyStore(workspace.keys))


def _signed(log: Log) -> None:
    log.append("leakage.fixed", BODY)
    log.commit()


def _after_new(log: Log, command: Command, rounds: int) -> Usage:
    """Measure a command, each time after so many more records."""
    taken = []
    for _ in range(rounds):
        fill(log, short_records(NEW))
        taken.append(usage_of(command))
    return median(taken)
