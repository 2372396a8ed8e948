"""All guards of a worker, put up at once."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from typing import Any

from repro.execution.guards import arithmetic, calls, files, kernel
from repro.execution.guards.files import Places
from repro.execution.guards.imports import OURS, Declared, Shield
from repro.execution.guards.randomness import Generators
from repro.execution.guards.threads import Threads
from repro.execution.guards.violation import Watch

_OWN = (OURS, f"{OURS}.audit_log", f"{OURS}.trainers")
"""Our own packages: in a checkout each lies in a folder of its own."""


class Unguarded:
    """What stands where nothing is refused: a run at best effort."""

    refused: tuple[str, ...] = ()
    installed: tuple[str, ...] = ()
    in_force: tuple[str, ...] = ()

    def allow_files(self, files: Iterable[str]) -> None:
        """Do nothing: all files may be read."""

    def close(self, files: Iterable[str], folders: Iterable[str]) -> None:
        """Do nothing: what is installed may be read."""

    def seal(self, threads: int) -> None:
        """Do nothing."""

    def watched(
        self, *, importing: bool = False, alone: bool = False
    ) -> AbstractContextManager[None]:
        """Return a context in which nobody watches."""
        return nullcontext()

    def require_untouched(self) -> None:
        """Do nothing."""


class Guards:
    """The guards of one job; they cannot be taken down again."""

    def __init__(self, directory: str, inputs: Iterable[str], declared: Declared) -> None:
        """Guard this process: from here on, all but what the job needs is refused.

        ``directory`` is the run's, ``inputs`` are the paths of its data.
        """
        self.watch = Watch()
        self._declared = declared
        self.places = Places(directory, inputs)
        for name in _OWN:
            spec = find_spec(name)
            self.places.allow_folders((spec and spec.submodule_search_locations) or ())
        self.shield = Shield(declared, self.watch, self.places.allow_folders)
        self._threads = Threads(self.watch)
        install(
            calls.checks(self.watch),
            files.checks(self.watch, self.places),
        )
        files.guard_nodes(self.watch, self.places)
        filtered = kernel.refuse_processes_and_sockets()
        self.in_force = ("kernel", "python") if filtered else ("python",)
        """Who refuses: Python always, the kernel where it has a filter."""
        self.shield.raise_()
        self._generators: Generators | None = None
        self._arithmetic: Mapping[str, Any] | None = None
        """How this thread computed when all was ready to train."""

    @property
    def refused(self) -> tuple[str, ...]:
        """Return the modules that somebody asked for and did not get, sorted."""
        return tuple(sorted(self.shield.refused))

    @property
    def installed(self) -> tuple[str, ...]:
        """Return the installed files that were read so far, sorted."""
        return self.places.installed

    def allow_files(self, files: Iterable[str]) -> None:
        """Let these files be read too."""
        self.places.allow_files(files)

    def require_untouched(self) -> None:
        """Raise GuardError for what was refused and swallowed."""
        self.watch.require_untouched()

    def close(self, files: Iterable[str], folders: Iterable[str]) -> None:
        """Of what is installed, let only these files be read, and those below these folders."""
        self.places.close(files, folders)

    def seal(self, threads: int) -> None:
        """Refuse what only preparing needs: new modules and, at one thread, others beside it.

        From here on each call must leave this thread computing as it does now.
        """
        self.shield.seal()
        self._arithmetic = arithmetic.found()
        if threads == 1:
            self._threads.refuse_all()
            kernel.refuse_threads()

    @contextmanager
    def watched(self, *, importing: bool = False, alone: bool = False) -> Iterator[None]:
        """Watch, inside, what a trainer does to generators and threads; ``alone``: it has one.

        To be entered once numpy is imported. While ``importing``, libraries may make generators for
        those who will give no seed, as SciPy does: only the trainer's own code is refused. Raises
        GuardError for what was done, and for what was refused before and swallowed;
        DeterminismError if this thread computes otherwise than when it was sealed.
        """
        if self._generators is None:  # before a library takes over the names that it guards
            self._generators = Generators(self.watch, self._declared.packages)
        packages = self._declared.packages if importing else ("",)
        with self._threads.watched(alone=alone), self._generators.watched(packages):
            yield
        self.watch.require_untouched()
        if self._arithmetic is not None:
            arithmetic.require_same(self._arithmetic)


def install(*checks: Mapping[str, calls.Check]) -> None:
    """Add one audit hook that looks at each event for which there is a check.

    It cannot be taken out again: this is for a process that runs one job.
    """
    table = {event: check for part in checks for event, check in part.items()}

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        check = table.get(event)
        if check is not None:
            check(event, arguments)

    sys.addaudithook(hook)
