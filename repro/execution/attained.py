"""Whether a level's environment is in force: what was read back, held against what was asked. Pure.

Switches fail open: a library passes over a name that it does not know, so only what it did with a
switch says whether it took. Read before the plan, when all code is loaded, and after training.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.errors import DeterminismError, InputError
from repro.execution.environment import BEST_EFFORT, PINS, PORTABLE, differing
from repro.execution.guards import arithmetic

FEATURE, KERNEL = (value for _, value in PINS)
MACHINES = ("x86_64", "AMD64")
KEEPERS: Mapping[str, int] = {"pyarrow": 1}
"""Modules that, once loaded, keep threads that compute nothing: pyarrow's allocator has one."""
PRINTS = "repro doctor --level portable"
BELOW = "to C libraries, "
"""Begins the words for a variable that Python's own copy of the environment has otherwise."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of a worker's environment."""

    level: str
    threads: int
    variables: Mapping[str, str]
    """The whole environment that the process was started with."""
    beside: int = 0
    """Threads that the trainers' libraries keep, by their declarations."""

    @property
    def promises(self) -> bool:
        """Return whether anything is promised of the bits."""
        return self.level != BEST_EFFORT


def violated(asked: Asked, state: Mapping[str, Any]) -> list[str]:
    """Return, in words, what was set and is not in force once all code is loaded.

    ``state`` is what ``readback.state`` returns.
    """
    if not asked.promises:
        return []
    found = differing(asked.variables, state["variables"])
    below = differing(asked.variables, state["c_variables"])
    found += [f"{BELOW}{words}" for words in below if words not in found]
    found += [f"{words}, not {wanted}" for words, wanted in _wrong_pools(asked, state["pools"])]
    if not state["process"]["denormals"]:
        found.append("denormal numbers are taken for zero: a library has switched them off")
    rounding = state["arithmetic"]["rounding"]
    if rounding != arithmetic.NEAREST:
        found.append(f"numbers are rounded {rounding}: a library has changed it")
    return found


def beyond(asked: Asked, state: Mapping[str, Any]) -> list[str]:
    """Return, in words, which pins of portable arithmetic did not take; this machine cannot."""
    if asked.level != PORTABLE:
        return []
    machine, features = state["machine"], state["dispatched"]
    if machine not in MACHINES:
        return [f"portable bits are those of x86-64-v3, and this is {machine}"]
    found = []
    if FEATURE not in features:
        known = ", ".join(features) or "none"
        found.append(f"NumPy has no code of its own for {FEATURE} (for these it has: {known})")
    elif not features[FEATURE]:
        found.append(f"NumPy does not use {FEATURE}: the processor lacks it, or it is switched off")
    used = [name for name, on in features.items() if on and name != FEATURE]
    found += [f"NumPy uses {name}" for name in used]
    blas = [pool for pool in state["pools"] if pool["user_api"] == "blas"]
    if not blas:
        found.append("no BLAS says for which processor it computes")
    for pool in blas:
        if (pool["internal_api"], pool["architecture"]) != ("openblas", KERNEL):
            found.append(
                f"{pool['internal_api']} computes for {pool['architecture']}, not for {KERNEL}"
            )
    return found


def require_attained(asked: Asked, state: Mapping[str, Any], pinned: str | None) -> None:
    """Raise unless the environment that was asked for is in force.

    DeterminismError for what was set and did not take, and for a machine that computes otherwise
    than ``pinned`` says; InputError for the level portable without such a fingerprint.
    """
    found = violated(asked, state) + beyond(asked, state)
    if found:
        raise DeterminismError(f"{asked.level} environment not attained: {'; '.join(found)}")
    here = state["numeric_fingerprint"]
    if asked.level != PORTABLE or here == pinned:
        return
    if pinned is None:
        raise InputError(
            "portable environment not attained: reproducibility.numeric_fingerprint is null, so "
            "nothing says what every machine must compute",
            f"this machine's is {here}, as `{PRINTS}` prints it; write it there",
        )
    raise DeterminismError(
        f"portable environment not attained: the numeric fingerprint is {here}, and "
        f"reproducibility.numeric_fingerprint is {pinned}",
        f"`{PRINTS}` prints {here} here: compare libraries and C library with a machine that has "
        "the other",
    )


def changed(
    asked: Asked, before: Mapping[str, Any], after: Mapping[str, Any], modules: Collection[str]
) -> list[str]:
    """Return, in words, what training left otherwise than it found it, or left running.

    Both are states; ``modules`` are the top-level modules that are loaded. Where nothing is
    promised, nothing is asked of the number of threads.
    """
    found = _otherwise(before["variables"], after["variables"])
    below = _otherwise(before["c_variables"], after["c_variables"])
    found += [f"{BELOW}{words}" for words in below if words not in found]
    if before["time_zone"] != after["time_zone"]:
        found.append(f"the time zone is {after['time_zone']}, and was {before['time_zone']}")
    if before["directory"] != after["directory"]:
        found.append("the working directory is another one")
    found += arithmetic.differing(before["arithmetic"], after["arithmetic"])
    for part in ("process", "fingerprint"):
        names = [n for n, then in before[part].items() if after[part][n] != then]
        found += [f"{part} ({', '.join(names)})"] if names else []
    if before["pools"] != after["pools"]:
        wrong = ", ".join(words for words, _ in _wrong_pools(asked, after["pools"]))
        found.append(f"thread pools ({wrong})" if wrong else "thread pools")
    if before["cpu_features"] != after["cpu_features"]:
        found.append("CPU features")
    if before["mapped"] != after["mapped"]:
        new = sorted({Path(path).name for path in set(after["mapped"]) - set(before["mapped"])})
        found.append(f"mapped libraries (loaded since: {', '.join(new)})")
    most, running = most_threads(asked, after["pools"], modules), after["threads"]
    if asked.promises and running is not None and running > most:
        found.append(f"threads ({running} are left running, and at most {most} may be)")
    return found


def _otherwise(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """Return, in words, each variable that is not what it was."""
    return [
        f"{name} is {new.get(name)!r}, and was {old.get(name)!r}"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]


def most_threads(
    asked: Asked, pools: Collection[Mapping[str, Any]], modules: Collection[str]
) -> int:
    """Return how many threads a process may have at the end.

    The main one, those that each OpenMP runtime keeps for its next loop, and those for which a
    trainer's declaration, or a module that is loaded, gives a reason.
    """
    runtimes = len([pool for pool in pools if pool["user_api"] == "openmp"])
    kept = sum(count for name, count in KEEPERS.items() if name in modules)
    return 1 + (asked.threads - 1) * max(1, runtimes) + asked.beside + kept


def _wrong_pools(asked: Asked, pools: Collection[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """Return, in words, each pool with another number of threads, and the number it should have."""
    return [
        (f"{pool['internal_api']} has {pool['num_threads']} threads", wanted)
        for pool in pools
        if pool["num_threads"] != (wanted := 1 if pool["user_api"] == "blas" else asked.threads)
    ]
