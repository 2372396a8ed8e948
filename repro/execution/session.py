"""One job with a worker: ask, hear the facts, let it proceed, hear what came out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol

from repro.execution import compiled
from repro.execution.environment import settings
from repro.execution.launch import Room, Worker
from repro.execution.protocol import TABLES, Message
from repro.execution.variation import NONE, Variation

Look = Literal["fingerprint", "description"]
"""How closely a command about data looks at them: a description has a fingerprint in it."""


class Module(Protocol):
    """What a worker must know of a trainer to load it."""

    @property
    def family(self) -> str:
        """The name of the family."""

    @property
    def extra(self) -> str:
        """The extra to install when the library is missing."""

    @property
    def module(self) -> str:
        """The module to import."""

    @property
    def distributions(self) -> tuple[str, ...]:
        """The distributions whose versions are recorded."""

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules of its libraries."""

    @property
    def shielded(self) -> tuple[str, ...]:
        """The modules to keep out."""

    @property
    def own_folder(self) -> str | None:
        """The folder of its package, which is digested whole; None for a trainer of ours."""

    @property
    def early_stopping(self) -> str | None:
        """The hyperparameter that holds rows out of the fit, if the family has one."""

    @property
    def beside(self) -> int:
        """How many threads its libraries keep beside those that compute."""

    def procedure(self) -> Mapping[str, str]:
        """Every accepted name, with the canonical one, of what says how training proceeds."""

    def forced(self, level: str) -> Mapping[str, Any]:
        """Return the parameters that a level forces."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is to do, and under what."""

    decides: Mapping[str, Any]
    options: Mapping[str, Any]
    trainer: Module
    files: Mapping[str, Path]
    level: str
    threads: int
    seconds: int
    """How long it may take in all."""
    selectors: tuple[Module, ...] = ()
    """The families that choose features, perhaps among them the one that is trained."""

    @property
    def settings(self) -> dict[str, str]:
        """Return the variables that the level sets."""
        return settings(self.level, self.threads)

    @property
    def sha256(self) -> bool:
        """Whether data files are to be digested with SHA-256 too; of an older run nobody asks."""
        return bool(self.options.get("inputs", {}).get("sha256", False))


class Session:
    """A worker with its job; a context manager that leaves no process behind."""

    def __init__(
        self,
        job: Job,
        directory: Path,
        variation: Variation = NONE,
        look: Look | None = None,
    ) -> None:
        """Start the worker in ``directory`` and send it the request; do not wait.

        With a ``variation``, something around it is otherwise than the level has it. With a
        ``look`` it is to train nothing and to tell of the data alone.
        """
        self.job = job
        self.deadline = time.monotonic() + job.seconds
        """When it has taken too long, by the monotonic clock."""
        self._due = "prepared"
        self._code: Mapping[str, str] = {}
        """The sources that it loaded; whoever lets it train has held them against its own."""
        packages = {found.module.partition(".")[0] for found in (job.trainer, *job.selectors)}
        room = Room(directory, job.level, job.threads, variation, packages=tuple(sorted(packages)))
        self._worker = Worker(room, job.seconds)
        files = [{"shown": n, "path": str(p.resolve())} for n, p in job.files.items()]
        preparing = f"while it prepared for {job.trainer.family}"
        self._worker.at = preparing if look is None else "while it read the data"
        self._worker.send(
            "request" if look is None else TABLES,
            look=look,
            request=job.decides,
            options=job.options,
            level=job.level,
            variables=self._worker.variables,
            umask=variation.umask,
            cores=variation.cores,
            files=files[::-1] if variation.reversed_files else files,
            sha256=job.sha256,
            trainer=described(job.trainer),
            selectors=[described(trainer) for trainer in job.selectors],
        )

    def __enter__(self) -> Session:
        """Return the session."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the worker."""
        self._worker.__exit__(kind, error, trace)

    def prepared(self) -> Message:
        """Return the worker's facts and environment; raises what it refuses with."""
        return self._keeping(self._worker.expect("prepared", self.deadline))

    def tables(self) -> Message:
        """Return the facts of the dataset, once the process has ended; raises what it refuses."""
        found: Message = self._worker.expect(TABLES, self.deadline)["facts"]
        self._worker.finish()
        return found

    def _keeping(self, message: Message) -> Message:
        if message["kind"] == "prepared":
            self._code = dict(message["environment"]["code"])
        return message

    def proceed(self, seeds: Mapping[str, Mapping[str, int]]) -> None:
        """Let the worker train, and do not wait."""
        self._worker.at = f"while it trained {self.job.trainer.family}"
        self._due = "finished"
        self._worker.send("proceed", seeds=seeds)
        compiled.keep(self._code)  # while it trains

    def fileno(self) -> int:
        """Return the descriptor that can be read when the worker has said something."""
        return self._worker.fileno()

    @property
    def is_late(self) -> bool:
        """Whether the worker has taken longer than it may."""
        return time.monotonic() >= self.deadline

    @property
    def has_message(self) -> bool:
        """Whether a whole message has come that nobody has heard yet."""
        return self._worker.has_message

    def hear(self) -> Message:
        """Return the next message: ``prepared``, then of ``progress``, then ``finished``.

        Of the last, once the process has ended. Raises as `prepared` and `train` do.
        """
        message = self._worker.hear(self._due, self.deadline)
        if message["kind"] == "finished":
            self._worker.finish()
        return self._keeping(message)

    def train(
        self,
        seeds: Mapping[str, Mapping[str, int]],
        progress: Callable[[Message], None] | None = None,
        meanwhile: Callable[[], None] | None = None,
    ) -> Message:
        """Let the worker train; return what came out, once the process has ended.

        ``meanwhile`` is called once training is under way, for work that need not wait for it.
        """
        self.proceed(seeds)
        if meanwhile is not None:
            meanwhile()
        finished = self._worker.expect("finished", self.deadline, progress)
        self._worker.finish()
        return finished


def described(trainer: Module) -> dict[str, Any]:
    """Return a trainer as it is described to the worker."""
    return {
        "family": trainer.family,
        "extra": trainer.extra,
        "module": trainer.module,
        "distributions": trainer.distributions,
        "modules": trainer.modules,
        "shielded": trainer.shielded,
        "package": trainer.own_folder,
        "early_stopping": trainer.early_stopping,
        "beside": trainer.beside,
    }
