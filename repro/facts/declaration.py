"""What a trainer says of itself, as a value: its declaration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repro.errors import DISTRIBUTION, installs
from repro.facts import conditions as conditional
from repro.facts.conditions import Condition
from repro.facts.limits import LEVELS, UNKNOWN, Limit, Threads, of_threads
from repro.facts.trials import Probe, Trial

_OURS = "repro.trainers."
WORKER_NEEDS = ("numpy", "pandas", "threadpoolctl")
"""Modules that the worker itself needs, whatever it trains."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a rulebook: what levels force, and why."""

    parameter: str
    """Its canonical name."""
    value: Any
    """What it is forced to."""
    levels: tuple[str, ...]
    """The levels that force it."""
    reason: str
    evidence: str
    probe: Probe | None = None
    """How to see the difference that it makes, where one knows how."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a trainer says of itself, read without importing it."""

    family: str
    title: str
    """Its name for people."""
    extra: str
    """The extra of the distribution that brings its library; often empty."""
    module: str
    """The module to import."""
    distribution: str
    """The distribution that offers it."""
    version: str
    distributions: tuple[str, ...]
    """Distributions whose code computes; their versions are recorded."""
    modules: tuple[str, ...]
    """Modules that the worker imports before the plan."""
    shielded: tuple[str, ...]
    """Optional modules that the libraries would import, and that are kept out."""
    tasks: tuple[str, ...]
    """What it can train: of ``regression``, ``binary`` and ``multiclass``."""
    early_stopping: str | None
    """The hyperparameter that, unless zero or false, holds the newest rows out of the fit."""
    hyperparameters: Mapping[str, Mapping[str, Any]]
    """Canonical name to JSON Schema, with the list ``aliases`` and perhaps ``procedure``."""
    seeds: tuple[str, ...]
    """Names of the parameters that take a seed."""
    seed_bits: int
    """How many bits a seed has at most."""
    rulebook: tuple[Rule, ...]
    file: Path
    conditions: tuple[Condition, ...] = ()
    """Which hyperparameters count only while others, or the task, let them."""
    rowwise: bool = False
    """Whether the prediction of a row is promised to have the same bits alone and among others."""
    inert_seeds: Mapping[str, str] = field(default_factory=dict)
    """Seeds that the library wants and this family never draws with, each with the reason."""
    trial: Trial = field(default_factory=Trial)
    """Values to try it with."""
    threads: Threads = UNKNOWN
    """How bits hang on threads."""
    limits: tuple[Limit, ...] = ()
    """What a level cannot promise."""
    _names: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def canonical_name(self, name: str) -> str:
        """Return the one name of the parameter that ``name`` means, or ``name`` if it is none."""
        return self._every_name().get(name, name)

    def aliases(self) -> dict[str, str]:
        """Return every accepted name with the canonical one."""
        return dict(self._every_name())

    def _every_name(self) -> Mapping[str, str]:
        """Return the names, worked out once: they are asked for at every value of every layer.

        Not before they are asked for: whoever asks can say of a schema without aliases whose it is.
        """
        if not self._names:
            names = {name: name for name in self.hyperparameters}
            for name, schema in self.hyperparameters.items():
                names.update(dict.fromkeys(schema["aliases"], name))
            self._names.update(names)
        return self._names

    def procedure(self) -> dict[str, str]:
        """Return those accepted names, with the canonical one, that say how training proceeds.

        Rounds, batches, stopping: what a training profile may say for every family at once.
        """
        marked = {n for n, schema in self.hyperparameters.items() if schema.get("procedure")}
        return {name: main for name, main in self.aliases().items() if main in marked}

    def forced(self, level: str) -> dict[str, Any]:
        """Return the parameters that ``level`` forces, with their values."""
        return {rule.parameter: rule.value for rule in self.rulebook if level in rule.levels}

    def levels(self) -> tuple[str, ...]:
        """Return the levels that it can be trained under, in some way at least."""
        never = {
            level
            for limit in self.limits
            if not (limit.when or limit.task or limit.several)
            for level in limit.levels
        }
        return tuple(level for level in LEVELS if level not in never)

    def idle(self, values: Mapping[str, Any], task: str) -> dict[str, Condition]:
        """Return the hyperparameters in ``values`` that have no effect, with what makes it so."""
        return conditional.idle(self.conditions, values, task)

    def contradictions(self, values: Mapping[str, Any], task: str) -> list[tuple[str, Condition]]:
        """Return the hyperparameters in ``values`` that others forbid, with what forbids them."""
        return conditional.contradictions(self.conditions, values, task)

    def beyond(
        self, level: str, threads: int, values: Mapping[str, Any], task: str
    ) -> tuple[Limit, ...]:
        """Return why ``level`` cannot promise the bits of such a fit; empty if it can."""
        known = (*filter(None, [of_threads(self.threads)]), *self.limits)
        return tuple(limit for limit in known if limit.holds(level, threads, values, task))

    @property
    def beside(self) -> int:
        """Return how many threads its libraries keep beside those that compute."""
        return self.threads.beside

    @property
    def document(self) -> Path | None:
        """Return the model document that lies beside the declaration, if there is one."""
        beside = self.file.with_suffix(".yaml")
        return beside if beside.is_file() else None

    @property
    def package(self) -> str:
        """Return the package that its module lies in."""
        return self.module.rpartition(".")[0]

    @property
    def own_folder(self) -> str | None:
        """Return the folder of its package, which is digested whole; None for a trainer of ours."""
        return None if self.module.startswith(_OURS) else str(self.file.parent)

    def missing(self) -> tuple[str, ...]:
        """Return the top-level modules that training needs and that are not installed."""
        from importlib.util import find_spec

        needed = {name.partition(".")[0] for name in (*self.modules, *WORKER_NEEDS)}
        return tuple(sorted(name for name in needed if find_spec(name) is None))

    def install_command(self) -> str:
        """Return the command that installs what training this family needs.

        ``extra`` is one of the distribution that offers it; empty if the distribution brings all.
        Ours is installed from a checkout, in which the command is to be given.
        """
        if self.distribution in ("", DISTRIBUTION):
            return installs(self.extra)
        extra = f"[{self.extra}]" if self.extra else ""
        return f"pip install '{self.distribution}{extra}'"

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the declaration's bytes, as ``sha256:hex``."""
        import hashlib

        return "sha256:" + hashlib.sha256(self.file.read_bytes()).hexdigest()
