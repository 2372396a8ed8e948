"""The child's lines: it enters a run's environment, loads the trainer, and tries what it is asked.

The launcher's bootstrap runs ``main``. What a trainer does wrong is an answer; only what keeps the
kit itself from going on is an error.
"""

from __future__ import annotations

import functools
import sys
import traceback
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from repro.errors import DeterminismError, InputError, ReproError
from repro.execution import failures, loading
from repro.execution.environment import faults
from repro.execution.guards.violation import GuardError
from repro.execution.loading import Standing
from repro.execution.parent import die_with_the_notary
from repro.execution.protocol import Channel, ProtocolError

MEMBERS = (
    *("EXTENSION", "load_library", "fit", "predict", "save", "load", "effective_parameters"),
    *("rounds", "importance", "canonical_model", "canonical_parts"),
)
"""What the contract asks of a trainer's module."""
COMMAS = ("de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "fr_FR.utf8", "es_ES.UTF-8", "ru_RU.UTF-8")
"""Locales in which a decimal is written with a comma; a system has some of them, or none."""


def main() -> int:
    """Serve one notary; return the exit status."""
    channel = Channel(int(sys.argv[1]), int(sys.argv[2]))
    die_with_the_notary(int(sys.argv[1]))
    try:
        _serve(channel)
    except ProtocolError:
        return 0  # the notary has heard enough
    except GuardError as error:
        channel.send("error", error="determinism", problem=f"guard: {error}", hint=None)
        return 1
    except ReproError as error:
        kind = "determinism" if isinstance(error, DeterminismError) else "input"
        channel.send("error", error=kind, problem=error.problem, hint=error.hint)
        return 1
    return 0


def _serve(channel: Channel) -> None:
    """Load the trainer and say what that was like; then answer wishes until nobody asks."""
    message = channel.receive()
    described, level = message["trainer"], message["level"]
    found = faults(message["variables"], level, message["umask"])
    if found:
        raise DeterminismError("strict environment not attained: " + "; ".join(found))
    spoken = _speak(COMMAS) if message["commas"] else ""
    directory = Path.cwd()
    guards = loading.guards(level, directory, (), [described])
    module, entrance = _enter(described, guards)
    channel.send("ready", entrance={**entrance, "locale": spoken})
    from repro.conformance.child import files as kept
    from repro.conformance.child import fits, hostile
    from repro.conformance.child.bench import Bench, installed_modules
    from repro.execution import inventory

    guards.close(
        inventory.files_of(inventory.loaded(guards.installed)), loading.packages([described])
    )
    trainer = _Watched(module, guards)
    bench = Bench(cast(Any, trainer), directory, frozenset(installed_modules()))
    acts = {
        "fit": fits.fit,
        "outputs": fits.outputs,
        "chunks": fits.chunks,
        "stopping": fits.stopping,
        "hostile": hostile.hostile,
        "files": kept.files,
        "foreign file": kept.foreign_file,
    }
    while True:
        wish = channel.receive()
        trainer.alone = wish.get("threads") == 1
        channel.send("answer", **_answer(acts[wish["act"]], bench, wish))


class _Watched:
    """A trainer's module, each call of which the guards watch, as they do in a run."""

    def __init__(self, module: Any, guards: Standing) -> None:
        self._module, self._guards = module, guards
        self.alone = True
        """Whether it has one thread, and may start no other."""

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._module, name)
        if not callable(member):
            return member

        @functools.wraps(member)
        def watched(*arguments: Any, **named: Any) -> Any:
            with self._guards.watched(alone=self.alone):
                return member(*arguments, **named)

        return watched


def _answer(act: Any, bench: Any, wish: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an act came to: its result, or how the trainer or a guard ended it."""
    from repro.trainers.contract import TrainerError

    try:
        return {"how": "done", "result": act(bench, wish)}
    except TrainerError as error:
        return {"how": "refused", "result": str(error)}
    except GuardError as error:
        return {"how": "guarded", "result": str(error)}
    except Exception as error:  # a trainer may raise anything: that it does is the finding
        said = f"{type(error).__name__}: {error}".partition("\n")[0][:300]
        return {"how": "raised", "result": f"{said} ({_where(error.__traceback__)})"}


def _where(trace: TracebackType | None) -> str:
    """Return file and line of the innermost frame."""
    frames = traceback.extract_tb(trace)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "nowhere"


def _enter(described: Mapping[str, Any], guards: Standing) -> tuple[Any, dict[str, Any]]:
    """Return the trainer's module with its library loaded, and what that loaded when.

    As in a run, guards watch the loading, and what NumPy loads late is there before.

    Raises InputError if a library is not there.
    """
    try:
        module = import_module(described["module"])
        eager = sorted({name.partition(".")[0] for name in described["modules"]} & set(sys.modules))
        missing = [name for name in MEMBERS if not hasattr(module, name)]
        for name in (*loading.ARRAYS, *loading.LATE):
            import_module(name)
        if not missing:
            with guards.watched(importing=True):
                module.load_library()
    except ModuleNotFoundError as error:
        raise InputError(
            f"the family {described['family']} cannot be tried here: {error}", described["hint"]
        ) from error
    except (ImportError, OSError) as error:
        raise InputError(
            f"a library of the family {described['family']} cannot be loaded: {error}"
        ) from error
    except (GuardError, ReproError):
        raise
    except Exception as error:
        raise InputError(
            f"the module of the family {described['family']} fails when it is loaded: "
            f"{failures.described(error)}"
        ) from error
    unloaded = [name for name in described["modules"] if name not in sys.modules]
    extension = getattr(module, "EXTENSION", None)
    entrance = {"eager": eager, "missing": missing, "unloaded": unloaded, "extension": extension}
    return cast(Any, module), entrance


def _speak(names: tuple[str, ...]) -> str:
    """Set the first of these locales that the system has, for the C library too; return it."""
    import locale

    for name in names:
        try:
            return locale.setlocale(locale.LC_ALL, name)
        except locale.Error:
            continue
    return ""
