"""The worker: a fresh interpreter that prepares, waits until the plan is in the log, and trains.

The launcher's bootstrap runs ``main`` with READ_FD and WRITE_FD as arguments. It has neither the
log nor its key.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from repro.errors import DeterminismError, InputError, ReproError
from repro.execution import attained, guards
from repro.execution.environment import BEST_EFFORT, PINS, faults
from repro.execution.protocol import PROBE, TABLES, Channel, ProtocolError

PROGRESS_INTERVAL = 0.05
"""Seconds between two messages of progress."""
ARROW = ("pyarrow",)
"""What reads Parquet and Feather: as a module, and as a distribution."""
PR_SET_PDEATHSIG = 1
SIGKILL = 9


def main() -> int:
    """Run one job; return the exit status (0, or 1 after an error was reported)."""
    channel = Channel(int(sys.argv[1]), int(sys.argv[2]))
    _die_with_the_notary()
    try:
        _serve(channel)
    except ReproError as error:
        kinds = {3: "input", 5: "determinism", 6: "training"}
        kind = kinds.get(error.exit_status, "other")
        channel.send("error", error=kind, problem=error.problem, hint=error.hint)
        return 1
    except guards.GuardError as error:
        channel.send("error", error="determinism", problem=f"guard: {error}", hint=None)
        return 1
    except ProtocolError:
        return 1
    except OSError as error:
        problem = f"the worker could not read or write: {error}"
        channel.send("error", error="input", problem=problem, hint="is there space left?")
        return 1
    except BaseException as error:
        with suppress(OSError):  # its output may be what cannot be written
            traceback.print_exc()
        words = ("out of memory", "can't start new thread")
        if isinstance(error, MemoryError) or any(word in str(error) for word in words):
            hint = "give it more memory, or train on less data"
            channel.send("error", error="training", problem="out of memory", hint=hint)
        else:
            channel.send("error", error="other", problem=repr(error), hint=None)
        return 1
    return 0


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
    readers = _readers(options["dataset"]["format"])
    shield = _guarded(trainers, level, readers)
    if message["kind"] == TABLES:
        channel.send(TABLES, facts=_tables(message))
        return
    loaded = {described["family"]: _load(described) for described in trainers}
    trainer = loaded[message["trainer"]["family"]]
    _load_readers(readers)
    from repro.execution import readback, tables, training

    asked = _asked(message, trainers, request["execution"]["threads"])
    state, modules = readback.state(), readback.loaded()
    # A run that was sealed before there was such a pin is verified without one.
    pinned = options.get("execution", {}).get("numeric_fingerprint")
    attained.require_attained(asked, state, pinned)
    environment = _environment(trainers, level, state, shield, readers)
    # Digesting a hundred megabytes of libraries leaves the interpreter free to read the data.
    with ThreadPoolExecutor(1) as beside:
        digests = beside.submit(lambda: _digests(modules, state["mapped"]))
        environment["code"] = readback.own_code()
        prepared = training.prepare(
            request,
            options,
            tables.read_files(message["files"]),
            message["trainer"]["early_stopping"],
            {s["family"]: (loaded[s["family"]], s["early_stopping"]) for s in trainers[1:]},
        )
        environment |= digests.result()
    channel.send("prepared", facts=prepared.facts, environment=environment)
    seeds = channel.receive()["seeds"]
    out = _train(channel, trainer, request, options, prepared, seeds, directory)
    _require_no_new_code(modules, level)
    after = {**_after(asked, state), "shielded": sorted(shield.refused)}
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
            f"install a family of trainers: pip install 'repro-audit[{extra}]'",
        ) from error
    return tables.answer(message)


def _probe(channel: Channel, message: Mapping[str, Any]) -> None:
    """Answer what a worker like this finds: its environment, and which families it can load."""
    trainers, level = message["trainers"], message["level"]
    found = faults(message["variables"], level)
    shield = _guarded(trainers, level)
    missing = {}
    for described in trainers:
        try:
            _load(described)
        except (InputError, DeterminismError) as error:
            missing[described["family"]] = {"problem": error.problem, "hint": error.hint}
    try:
        from repro.execution import readback, tables, training  # noqa: F401
    except ImportError as error:
        channel.send(
            "found", environment=None, violated=found, beyond=[str(error)], missing=missing
        )
        return

    state, modules = readback.state(), readback.loaded()
    environment = _environment(trainers, level, state, shield)
    environment |= _digests(modules, state["mapped"])
    asked = _asked(message, trainers, message["threads"])
    channel.send(
        "found",
        environment=environment,
        violated=found or attained.violated(asked, state),
        beyond=attained.beyond(asked, state),
        missing=missing,
    )


def _guarded(
    trainers: Sequence[Mapping[str, Any]], level: str, readers: Sequence[str] = ()
) -> guards.Shield:
    """Put up what keeps modules and deeds out, unless nothing is promised; return the shield."""
    shield = guards.Shield(_kept_out(trainers, readers))
    if level != BEST_EFFORT:
        shield.raise_()
        guards.install(str(Path.cwd()))
    return shield


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
    from repro.errors import TrainingError
    from repro.execution import training
    from repro.trainers.contract import TrainerError

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
        raise TrainingError(str(error)) from error


def _load(trainer: Mapping[str, Any]) -> Any:
    """Return the trainer's module with its library imported.

    Raises InputError that names the extra to install if the library is not there.
    """
    try:
        module = import_module(trainer["module"])
        module.load_library()
        import_module("numpy")
        import_module("pandas")
    except ModuleNotFoundError as error:
        raise InputError(
            f"the family {trainer['family']} cannot be trained here: {error}",
            f"install it with: pip install 'repro-audit[{trainer['extra']}]'",
        ) from error
    except (ImportError, OSError, RuntimeError) as error:
        if PINS[0][0] in str(error):
            said = " ".join(str(error).rpartition("Original error was: ")[2].split())
            raise DeterminismError(
                f"portable environment not attained: NumPy says: {said}",
                "portable bits are those of x86-64-v3 (Haswell, Zen and later)",
            ) from error
        if isinstance(error, RuntimeError):
            raise
        if "map segment" in str(error) or "allocate memory" in str(error):
            raise MemoryError from error
        raise InputError(
            f"a library of the family {trainer['family']} cannot be loaded: {error}",
            "LightGBM needs the system's libgomp (Debian: apt-get install libgomp1)",
        ) from error
    return cast(Any, module)


def _readers(form: str) -> tuple[str, ...]:
    """Return the libraries that read a format of data files, beside our own arrays' ones."""
    return () if form == "csv" else ARROW


def _load_readers(readers: Sequence[str]) -> None:
    """Load what reads the data, before anybody looks at what is loaded."""
    if readers:
        from repro.pipeline.reading import arrow_reader

        arrow_reader()


def _kept_out(trainers: Sequence[Mapping[str, Any]], readers: Sequence[str]) -> list[str]:
    """Return the modules to keep out, but for those that a trainer or the data need.

    pandas would load pyarrow wherever it is installed, and another strings' type with it.
    """
    needed = {name.partition(".")[0] for trainer in trainers for name in trainer["modules"]}
    unwanted = {name for trainer in trainers for name in trainer["shielded"]}
    return sorted((unwanted | set(ARROW)) - needed - set(readers))


def _environment(
    trainers: Sequence[Mapping[str, Any]],
    level: str,
    state: Mapping[str, Any],
    shield: guards.Shield,
    readers: Sequence[str] = (),
) -> dict[str, Any]:
    """Return what this interpreter is, but for the digests of its files; see ``readback``."""
    from repro.execution import readback

    distributions = [name for trainer in trainers for name in trainer["distributions"]]
    distributions += ["numpy", "pandas", "blake3", *readers]
    return {
        "level": level,
        "interpreter": readback.interpreter(),
        "versions": readback.versions(sorted(set(distributions))),
        **{name: state[name] for name in readback.RECORDED},
        "shielded": sorted(shield.refused),
        "startup": readback.startup_files(),
    }


def _digests(
    modules: Mapping[str, list[tuple[str, str]]], paths: Sequence[str]
) -> dict[str, dict[str, str]]:
    """Return the digests of what is loaded, and of the shared libraries that are mapped."""
    from repro.execution import readback

    return {"libraries": readback.libraries(dict(modules)), "mapped": readback.mapped(paths)}


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
    from repro.execution import readback

    known = {name for entries in modules.values() for name, _ in entries}
    now = readback.loaded()
    now.pop(readback.STANDARD, None)
    new = sorted(name for entries in now.values() for name, _ in entries if name not in known)
    if new and level != BEST_EFFORT:
        raise DeterminismError(
            f"modules were loaded after the plan: {', '.join(new[:5])}",
            "a trainer must load all its code in load_library",
        )


def _keep_to(cores: int | None) -> None:
    """Let this process run on so many processors, where the system can be told; None for all."""
    if cores is not None and sys.platform == "linux":
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])


def _die_with_the_notary() -> None:
    """Ask the kernel to end this process when the notary ends, so that none is left behind."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL)
        if os.getppid() == 1:
            raise SystemExit(1)
