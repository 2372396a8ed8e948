"""The worker: a fresh interpreter that prepares, waits until the plan is in the log, and trains.

The launcher's bootstrap runs ``main`` with READ_FD and WRITE_FD as arguments. It has neither the
log nor its key.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from repro.errors import DeterminismError, InputError, ReproError, TrainingError, in_checkout
from repro.execution import attained, loading
from repro.execution.environment import BEST_EFFORT, faults
from repro.execution.failures import is_out_of_memory
from repro.execution.guards.imports import undeclared_in
from repro.execution.guards.violation import GuardError
from repro.execution.loading import Standing
from repro.execution.parent import die_with_the_notary
from repro.execution.protocol import PROBE, TABLES, Channel, ProtocolError
from repro.trainers.contract import TrainerError

PROGRESS_INTERVAL = 0.05
"""Seconds between two messages of progress."""


def main() -> int:
    """Run one job; return the exit status (0, or 1 after an error was reported)."""
    channel = Channel(int(sys.argv[1]), int(sys.argv[2]))
    die_with_the_notary(int(sys.argv[1]))
    faulthandler.enable()  # what kills this process, the notary learns from the lines it writes
    try:
        _serve(channel)
    except ReproError as error:
        kinds = {3: "input", 5: "determinism", 6: "training"}
        kind = kinds.get(error.exit_status, "other")
        words = {"problem": error.problem, "hint": error.hint, "unfit": error.is_unfit}
        channel.send("error", error=kind, **words)
        return 1
    except GuardError as error:
        _print(error)
        channel.send("error", error="determinism", problem=f"guard: {error}", hint=None)
        return 1
    except ProtocolError:
        return 1
    except OSError as error:
        problem = f"the worker could not read or write: {error}"
        hint = "is there space left?"
        channel.send("error", error="input", problem=problem, hint=hint, unfit=True)
        return 1
    except BaseException as error:
        _print(error)
        undeclared = undeclared_in(error)
        if undeclared is not None:
            hint = "a trainer's declaration, the file beside it, names what it needs"
            channel.send("error", error="determinism", problem=f"guard: {undeclared}", hint=hint)
        elif is_out_of_memory(error):
            hint = "give it more memory, or train on less data"
            channel.send("error", error="training", problem="out of memory", hint=hint)
        else:
            channel.send("error", error="other", problem=repr(error), hint=None)
        return 1
    _leave()
    return 0


def _leave() -> None:
    """End this process at once: all is told, and nothing that a library left behind may still act.

    Taking a hundred libraries apart would cost a tenth of a second, and find no reader.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _serve(channel: Channel) -> None:
    """Answer one request: a training, a look at tables, or what this worker is."""
    message = channel.receive()
    if message["kind"] == PROBE:
        _probe(channel, message)
        return
    request, options, level = message["request"], message["options"], message["level"]
    _keep_to(message["cores"])
    found = faults(message["variables"], level, message["umask"])
    if found:
        raise DeterminismError(f"{level} environment not attained: " + "; ".join(found))
    directory = Path.cwd()
    trainers = [message["trainer"], *message["selectors"]]
    readers = loading.readers(options["dataset"])
    inputs = [file["path"] for file in message["files"]]
    guards = loading.guards(level, directory, inputs, trainers, readers)
    if message["kind"] == TABLES:
        channel.send(TABLES, facts=_tables(message))
        return
    gc.disable()  # what is being loaded is no garbage: looking for some costs a tenth of it
    loaded = {described["family"]: loading.load(described, guards) for described in trainers}
    trainer = loaded[message["trainer"]["family"]]
    loading.load_readers(readers)
    from repro.execution import inventory, readback, tables, training

    gc.freeze()
    gc.enable()
    asked = _asked(message, trainers, request["execution"]["threads"])
    state, modules = readback.state(), inventory.loaded(guards.installed)
    # A run that was sealed before there was such a pin is verified without one.
    pinned = options.get("execution", {}).get("numeric_fingerprint")
    with loading.of_this_machine():
        attained.require_attained(asked, state, pinned)
    guards.allow_files(state["mapped"])
    environment = _environment(trainers, level, state, guards, readers)
    environment["code"] = inventory.own_code()  # so many small files would wait for each other
    # Digesting a hundred megabytes of libraries leaves the interpreter free to read the data.
    with ThreadPoolExecutor(1) as beside:
        digests = beside.submit(lambda: _digests(modules, state["mapped"]))
        prepared = training.prepare(
            request,
            options,
            tables.read_files(message["files"], sha256=message["sha256"]),
            message["trainer"]["early_stopping"],
            {s["family"]: (loaded[s["family"]], s["early_stopping"]) for s in trainers[1:]},
        )
        environment |= digests.result()
    channel.send("prepared", facts=prepared.facts, environment=environment)
    seeds = channel.receive()["seeds"]
    guards.close(inventory.files_of(modules), loading.packages(trainers))
    guards.seal(request["execution"]["threads"])
    out = _train(channel, trainer, request, options, prepared, seeds, directory)
    guards.require_untouched()
    _require_no_new_code(modules, level)
    after = {**_after(asked, state), "shielded": guards.refused}
    channel.send("finished", **out, after=after)


def _tables(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is asked of the data alone, for which no trainer is loaded.

    Raises InputError that names an extra to install where the libraries for tables are not there.
    """
    try:
        from repro.execution import tables
    except ModuleNotFoundError as error:
        extra = message["trainer"]["extra"]
        raise InputError(
            f"tables cannot be read here: {error}",
            f"install a family of trainers, {in_checkout(extra)}",
        ) from error
    return tables.answer(message)


def _probe(channel: Channel, message: Mapping[str, Any]) -> None:
    """Answer what a worker like this finds: its environment, and which families it can load."""
    trainers, level = message["trainers"], message["level"]
    found = faults(message["variables"], level)
    guards = loading.guards(level, Path.cwd(), (), trainers)
    missing = {}
    for described in trainers:
        try:
            loading.load(described, guards)
        except (InputError, DeterminismError) as error:
            missing[described["family"]] = {"problem": error.problem, "hint": error.hint}
    try:
        from repro.execution import inventory, readback, tables, training  # noqa: F401
    except ImportError as error:
        channel.send(
            "found", environment=None, violated=found, beyond=[str(error)], missing=missing
        )
        return

    state, modules = readback.state(), inventory.loaded(guards.installed)
    guards.allow_files(state["mapped"])
    environment = _environment(trainers, level, state, guards)
    environment |= _digests(modules, state["mapped"])
    asked = _asked(message, trainers, message["threads"])
    channel.send(
        "found",
        environment=environment,
        violated=found or attained.violated(asked, state),
        beyond=attained.beyond(asked, state),
        missing=missing,
    )


def _asked(
    message: Mapping[str, Any], trainers: Sequence[Mapping[str, Any]], threads: int
) -> attained.Asked:
    """Return what was asked of this environment."""
    beside = max((trainer["beside"] for trainer in trainers), default=0)
    return attained.Asked(message["level"], threads, message["variables"], beside)


def _train(
    channel: Channel,
    trainer: Any,
    request: Mapping[str, Any],
    options: Mapping[str, Any],
    prepared: Any,
    seeds: Mapping[str, Mapping[str, int]],
    directory: Path,
) -> dict[str, Any]:
    """Train, telling the notary how far it is; a refusal of the library is a TrainingError."""
    from repro.execution import training
    from repro.execution.supervised import named

    last = 0.0

    def progress(stage: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= PROGRESS_INTERVAL or done == total:
            last = now
            channel.send("progress", stage=stage, done=done, total=total)

    try:
        return training.train(trainer, request, options, prepared, seeds, progress, directory)
    except TrainerError as error:
        raise TrainingError(named(request["family"], str(error))) from error


def _environment(
    trainers: Sequence[Mapping[str, Any]],
    level: str,
    state: Mapping[str, Any],
    guards: Standing,
    readers: Sequence[str] = (),
) -> dict[str, Any]:
    """Return what this interpreter is, but for the digests of its files; see ``readback``."""
    from repro.execution import readback

    return {
        "level": level,
        "interpreter": readback.interpreter(),
        "versions": readback.versions(loading.distributions(trainers, readers)),
        **{name: state[name] for name in readback.RECORDED},
        "shielded": guards.refused,
        "guards": guards.in_force,
        "startup": readback.startup_files(),
    }


def _digests(
    modules: Mapping[str, list[tuple[str, str]]], paths: Sequence[str]
) -> dict[str, dict[str, str]]:
    """Return the digests of what is loaded and of the shared libraries that are mapped, and whose.

    The last is by name alone, and for people: it decides nothing.
    """
    from repro.execution import inventory, readback

    once = cache(inventory.digesting())  # compiled modules are both loaded and mapped
    return {
        "libraries": inventory.libraries(dict(modules), once),
        "mapped": readback.mapped(paths, once),
        "packages": readback.packages(paths),
    }


def _after(asked: attained.Asked, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is different after training; DeterminismError if it must not be."""
    from repro.execution import readback

    now = readback.state()
    modules = {name.partition(".")[0] for name in sys.modules}
    changed = attained.changed(asked, before, now, modules)
    if changed and asked.promises:
        raise DeterminismError(f"the environment changed while training: {'; '.join(changed)}")
    return {"changed": changed, "threads": now["threads"]}


def _require_no_new_code(modules: Mapping[str, Sequence[tuple[str, str]]], level: str) -> None:
    """Raise DeterminismError for a module that was loaded after the plan, which nobody digested."""
    from repro.execution import inventory

    known = {name for entries in modules.values() for name, _ in entries}
    now = inventory.loaded()
    now.pop(inventory.STANDARD, None)
    new = sorted(name for entries in now.values() for name, _ in entries if name not in known)
    if new and level != BEST_EFFORT:
        raise DeterminismError(
            f"modules were loaded after the plan: {', '.join(new[:5])}",
            "a trainer must load all its code in load_library",
        )


def _keep_to(cores: int | None) -> None:
    """Let this process run on so many processors, where the system can be told; None for all.

    Python is to count no more of them, either: `os.cpu_count` counts those of the machine. To be
    called before a library could take that name over.
    """
    if cores is None:
        return
    if sys.platform == "linux":
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    counted = min(cores, os.cpu_count() or cores)
    os.cpu_count = lambda: counted


def _print(error: BaseException) -> None:
    """Write an error with its lines to where a library's words go, if that can be written."""
    with suppress(OSError, GuardError):  # the guards may refuse to read a source file, too
        traceback.print_exception(error)
