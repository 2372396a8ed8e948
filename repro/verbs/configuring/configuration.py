"""Which configuration is meant: today's, under an overlay or a name, or the one a run sealed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from repro.config.checks.overrides import given_twice
from repro.config.documents.catalog import MODELS
from repro.config.documents.files import all_unusable
from repro.config.documents.tree import Tree, load
from repro.config.documents.workspace import MARKER, find_root
from repro.config.resolution.assignments import ASIDE, Assignment, target_path
from repro.config.resolution.layers import Path as Keys
from repro.config.resolution.layers import below
from repro.config.resolution.resolve import Resolved, Selection, resolve
from repro.config.resolution.settings import PROFILES
from repro.config.sealed.changes import Change, changes
from repro.config.sealed.leaf import Leaf, leaves_in, leaves_of
from repro.config.spelling.names import suggestion
from repro.errors import IntegrityError, Place, Problem, ProblemsError, UsageError
from repro.facts.trainers import Declaration, declarations
from repro.runs import layout
from repro.runs.finding import find
from repro.runs.sealed import Run, all_runs, matches
from repro.verbs.audit.log import require_as_logged
from repro.verbs.configuring.validate import check

TODAY = "today"
SIMILAR = 8
"""Keys that a hint lists."""
KINDS = ("overlay", "experiment", "variant", "profile", "run")
"""What a name may be the name of; ``KIND:NAME`` says which."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """Every value of one configuration, with its history."""

    name: str
    """How it was asked for, with its kind: ``today``, ``overlay:lightgbm_custom``, ``run:…``."""
    family: str
    target: str
    layers: tuple[str, ...]
    leaves: Mapping[Keys, Leaf]
    problems: tuple[Problem, ...]
    """What validation would say of it; of a sealed run nothing."""
    run: Run | None = None


@dataclass(frozen=True, slots=True)
class ConfigurationComparison:
    """What differs between two configurations."""

    a: Configuration
    b: Configuration
    changes: tuple[Change, ...]

    @property
    def same(self) -> bool:
        """Return whether nothing differs, the target neither."""
        return not self.changes and self.a.target == self.b.target

    @property
    def moves(self) -> tuple[str, ...]:
        """Return the identity components by which runs of the two would differ.

        A value that is the same on both sides moves one too if a single side uses it.
        """
        target = {"target"} if self.a.target != self.b.target else set()
        return tuple(sorted({change.moves for change in self.changes} - {""} | target))

    @property
    def exit_status(self) -> int:
        """Return 0 if they are the same, else 1."""
        return 0 if self.same else 1


class Desk:
    """A workspace and what was asked of it: its documents are read when they are first needed."""

    def __init__(self, start: Path, selection: Selection) -> None:
        """Find the workspace that ``start`` lies in; InputError if there is none."""
        self.root = find_root(start.resolve())
        self.selection = selection

    @cached_property
    def families(self) -> Mapping[str, Declaration]:
        """The trainers' declarations."""
        return declarations()

    @cached_property
    def tree(self) -> Tree:
        """The documents; raises ProblemsError if one of them cannot be used."""
        if unusable := all_unusable(self.root / MARKER, MARKER):
            raise ProblemsError(unusable)
        tree, found = load(self.root, self.families)
        errors = [problem for problem in found if problem.severity == "error"]
        if errors:
            raise ProblemsError(errors)
        return tree

    @cached_property
    def today(self) -> Resolved:
        """What the selection means, and nothing else."""
        resolved = resolve(self.tree, self.selection, self.families)
        if twice := given_twice(resolved, self.selection.sets, self.families):
            raise ProblemsError(twice)
        return resolved

    def configured(self) -> Configuration:
        """Return today's configuration as the selection asks for it."""
        return self._live(TODAY, self.today)

    def sealed(self, reference: str) -> Configuration:
        """Return the configuration that a run sealed.

        Raises UsageError if there is no such run, IntegrityError if it is not what was sealed.
        """
        run = find(self.root, reference)
        require_as_logged(self.root, run)
        record = run.read("config.json")
        try:
            return Configuration(
                f"run:{run.name}",
                record["family"],
                record["target"],
                tuple(record["layers"]),
                leaves_in(record),
                (),
                run,
            )
        except (KeyError, TypeError) as error:
            raise IntegrityError(f"run {run.name}: config.json lacks {error}") from error

    def referenced(self, reference: str) -> Configuration:
        """Return the configuration that one side of a comparison names.

        ``today``; ``KIND:NAME``; a path to an overlay or to a run; ``@latest``; or a name that
        only one thing has. Raises UsageError if nothing or several things are called so.
        """
        if reference == TODAY:
            return self.configured()
        kind, colon, name = reference.partition(":")
        if not (colon and kind in KINDS):
            kind, name = self._kind_of(reference), reference
        if kind == "run":
            return self.sealed(name)
        chosen = self.selection
        if kind == "overlay":
            chosen = replace(chosen, overlays=(*chosen.overlays, name))
        elif kind == "experiment":
            chosen = replace(chosen, experiment=name)
        elif kind == "variant":
            chosen = replace(chosen, variant=name)
        else:
            chosen = replace(chosen, profile=name)
        return self._live(f"{kind}:{name}", resolve(self.tree, chosen, self.families))

    def compared(self, a: str, b: str, *, used: bool = False) -> ConfigurationComparison:
        """Return what differs between two that are named; if ``used``, only what runs would use."""
        left, right = self.referenced(a), self.referenced(b)
        found = changes(left.leaves, right.leaves)
        kept = tuple(change for change in found if change.used or not used)
        return ConfigurationComparison(left, right, kept)

    def _kind_of(self, reference: str) -> str:
        """Return what a reference without a kind is the name of."""
        if reference.endswith((".yaml", ".yml")):
            return "overlay"
        if not reference or "/" in reference or reference.startswith(("@", ".")):
            return "run"
        try:
            names = self._names()
        except ProblemsError:
            if self._runs(reference):  # a run can be told of while the workspace is broken
                return "run"
            raise
        kinds = [kind for kind, known in names.items() if reference in known]
        if reference in {run.name for run in layout.runs(self.root).glob("*")}:
            kinds.append("run")
        if len(kinds) > 1:
            listed = ", ".join(f"{kind}:{reference}" for kind in kinds)
            raise UsageError(f"{reference!r} is the name of several things", f"say one of {listed}")
        if kinds:
            return kinds[0]
        if self._runs(reference):
            return "run"
        known = {name for some in names.values() for name in some} | {TODAY}
        raise UsageError(
            f"no configuration is called {reference!r}{suggestion(reference, known)}",
            f"it may be {TODAY}, a run, or one of: {', '.join(sorted(known - {TODAY}))}",
        )

    def _runs(self, reference: str) -> bool:
        """Return whether a reference names a run; if several, ``find`` will list them."""
        return any(matches(run, reference) for run in all_runs(self.root))

    def _names(self) -> dict[str, list[str]]:
        """Return the names that the workspace knows, by kind."""
        flat = self.today.flat
        variants = below(flat, (MODELS, self.today.family, "variants"))
        return {
            "overlay": sorted(self.tree.overlays),
            "experiment": sorted(self.tree.experiments),
            "variant": sorted({path[0] for path in variants}),
            "profile": sorted({path[0] for path in below(flat, PROFILES)}),
        }

    def _live(self, name: str, resolved: Resolved) -> Configuration:
        return Configuration(
            name,
            resolved.family,
            resolved.target,
            resolved.layers,
            leaves_of(resolved),
            check(resolved, self.families),
        )


def find_key(
    key: str,
    known: Mapping[Keys, Any],
    family: str,
    families: Mapping[str, Declaration],
) -> Keys:
    """Return the full path that ``key`` (any suffix of it that only one value has) means.

    Raises ProblemsError, exit status 2, naming the nearest keys or all candidates.
    """
    parts = tuple(part.strip() for part in key.split("."))
    place = Place("KEY", 1, 1, len(key) + 1)
    if not all(parts):
        said = Problem(place, key, "not a key: names with dots between them", "set", source=key)
        raise ProblemsError([said])
    asked = Assignment(key, parts, None, Place("KEY", 1, len(key) + 1, len(key) + 1))
    documents = dict.fromkeys(path[:n] for path in known for n in (1, 2) if len(path) > n)
    named = [path for path in documents if path[-len(parts) :] == parts]
    try:
        path = target_path(asked, known, family if family in families else None, families)
        if len(named) != 1 or not ASIDE & set(path):
            return path
    except ProblemsError as error:
        if len(named) != 1:
            raise ProblemsError(
                [
                    replace(p, hint=p.hint or _similar(parts[-1], known, family))
                    for p in error.problems
                ]
            ) from error
    return named[0]  # a document, or a folder of documents


def _similar(name: str, known: Iterable[Keys], family: str) -> str | None:
    """Return a hint that names the keys with ``name`` in them, if no key is called so."""
    own = [p for p in known if not ASIDE & set(p) and (p[0] != MODELS or p[1] == family)]
    keys = {path[-1] for path in own}
    found = sorted(key for key in keys if len(name) >= 3 and name in key)
    if not found or name in keys:
        return None
    more = f" and {len(found) - SIMILAR} more" if len(found) > SIMILAR else ""
    return f"keys with {name!r} in them: {', '.join(found[:SIMILAR])}{more}"


def shortest(path: Keys, find_it: Callable[[str], Keys]) -> str:
    """Return the shortest suffix of ``path`` that ``find_it`` finds again: what is easy to type."""
    for n in range(1, len(path)):
        text = ".".join(path[-n:])
        try:
            if find_it(text) == path:
                return text
        except ProblemsError:
            continue
    return ".".join(path)
