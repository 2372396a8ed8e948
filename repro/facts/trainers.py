"""Trainers as they are found: entry points and JSON declarations, read without importing them.

A trainer is a module named by an entry point of the group ``repro.trainers``; its declaration is
the file beside it with the same name and the ending ``.json``. Only the module's *package* is
imported to find that file, so a package that offers a trainer must keep its ``__init__`` light.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from repro.errors import InputError, UsageError
from repro.facts import conditions as conditional
from repro.facts.conditions import Condition
from repro.facts.limits import (
    LEVELS,
    UNKNOWN,
    Limit,
    Threads,
    levels,
    of_threads,
    read_limits,
    read_threads,
)
from repro.facts.offers import Offer, offers
from repro.facts.trials import Probe, Trial, read_inert, read_probe, read_trial

GROUP = "repro.trainers"
INTERFACE = 1
SEED_BITS_MOST = 53
"""Of a seed that JSON holds exactly, so that a run's seeds can be read back from its snapshot."""
_OURS = "repro.trainers."
WORKER_NEEDS = ("numpy", "pandas", "threadpoolctl")
"""Modules that the worker itself needs, whatever it trains."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a rulebook: what levels force, and why."""

    parameter: str
    value: Any
    levels: tuple[str, ...]
    reason: str
    evidence: str
    probe: Probe | None = None
    """How to see the difference that it makes, where one knows how."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a trainer says of itself, read without importing it."""

    family: str
    title: str
    extra: str
    module: str
    distribution: str
    version: str
    distributions: tuple[str, ...]
    """Distributions whose code computes; their versions are recorded."""
    modules: tuple[str, ...]
    """Modules that the worker imports before the plan."""
    shielded: tuple[str, ...]
    """Optional modules that the libraries would import, and that are kept out."""
    tasks: tuple[str, ...]
    early_stopping: str | None
    """The hyperparameter that, unless zero or false, holds the newest rows out of the fit."""
    hyperparameters: Mapping[str, Mapping[str, Any]]
    """Canonical name to JSON Schema, with the list ``aliases`` and perhaps ``procedure``."""
    seeds: tuple[str, ...]
    seed_bits: int
    rulebook: tuple[Rule, ...]
    file: Path
    conditions: tuple[Condition, ...] = ()
    """Which hyperparameters count only while others, or the task, let them."""
    rowwise: bool = False
    """Whether the prediction of a row is promised to have the same bits alone and among others."""
    inert_seeds: Mapping[str, str] = field(default_factory=dict)
    """Seeds that the library wants and this family never draws with, each with the reason."""
    trial: Trial = field(default_factory=Trial)
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
        """
        extra = f"[{self.extra}]" if self.extra else ""
        return f"pip install '{self.distribution or 'repro-audit'}{extra}'"

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the declaration's bytes, as ``sha256:hex``."""
        import hashlib

        return "sha256:" + hashlib.sha256(self.file.read_bytes()).hexdigest()


@cache
def declarations() -> Mapping[str, Declaration]:
    """Return the declaration of each family that an installed distribution offers.

    Raises InputError if two distributions offer one family, or a declaration cannot be read.
    """
    found: dict[str, Declaration] = {}
    for point in sorted(offers(GROUP)):
        declaration = _read(point)
        if declaration.family in found:
            other = found[declaration.family]
            raise InputError(
                f"trainer {declaration.family!r} is offered by: "
                f"{other.distribution} {other.version}, "
                f"{declaration.distribution} {declaration.version}",
                "uninstall all but one",
            )
        found[declaration.family] = declaration
    return found


def declaration(family: str) -> Declaration:
    """Return the declaration of ``family``; raises UsageError if nobody offers it."""
    known = declarations()
    if family not in known:
        raise UsageError(
            f"no trainer offers the family {family!r}",
            f"families offered here: {', '.join(sorted(known)) or 'none'}",
        )
    return known[family]


def _read(point: Offer) -> Declaration:
    """Return the declaration beside the module that ``point`` names."""
    package, _, stem = point.value.rpartition(".")
    known = point.distribution
    origin = f"{known} {point.version}" if known else "an unknown distribution"
    if not package:
        raise InputError(
            f"trainer {point.name!r} of {origin} is the module {stem!r}, which lies in no package: "
            "its declaration would lie in a folder that others share",
            "uninstall that distribution, or ask its author for an entry point PACKAGE.MODULE",
        )
    try:
        folder = Path(str(import_module(package).__file__)).parent
        file = folder / f"{stem}.json"
        data = json.loads(file.read_bytes())
        if data["interface"] != INTERFACE:
            raise InputError(
                f"trainer {point.name!r} of {origin} is written for interface "
                f"{data['interface']}, this version speaks {INTERFACE}"
            )
        if not 1 <= data["seed_bits"] <= SEED_BITS_MOST:
            raise ValueError(f"seed_bits is 1 to {SEED_BITS_MOST}, not {data['seed_bits']}")
        return Declaration(
            family=data["family"],
            title=data["title"],
            extra=data["extra"],
            module=point.value,
            distribution=known,
            version=point.version,
            distributions=tuple(data["distributions"]),
            modules=tuple(data["modules"]),
            shielded=tuple(data["shielded"]),
            tasks=tuple(data["tasks"]),
            early_stopping=data["early_stopping"],
            hyperparameters=data["hyperparameters"],
            seeds=tuple(data["seeds"]),
            seed_bits=data["seed_bits"],
            rulebook=tuple(
                Rule(
                    *(r["parameter"], r["value"], levels(r["levels"]), r["reason"], r["evidence"]),
                    read_probe(r.get("probe")),
                )
                for r in data["rulebook"]
            ),
            file=file,
            # Younger than the interface: one who says nothing of it has none.
            conditions=conditional.read(
                data.get("conditions", ()),
                data["hyperparameters"],
                data["tasks"],
            ),
            rowwise=data.get("rowwise", False) is True,
            inert_seeds=read_inert(data.get("inert_seeds", {}), data["seeds"]),
            trial=read_trial(data.get("trial", {}), data["hyperparameters"], data["seeds"]),
            threads=read_threads(data.get("threads")),
            limits=read_limits(data.get("limits", ()), data["hyperparameters"], data["tasks"]),
        )
    except (ImportError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"the declaration of trainer {point.name!r} of {origin} cannot be read: {error!r}",
            "reinstall or uninstall that distribution",
        ) from error
