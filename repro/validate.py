"""Validation: every problem of a configuration at once, or the resolved configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from repro.config.checks import cross_checks
from repro.config.composed import composed_problems, missing_hyperparameters
from repro.config.document import Document
from repro.config.resolve import Resolved, Selection, resolve
from repro.config.tree import Tree, load
from repro.config.workspace import find_root
from repro.errors import Problem, ProblemsError
from repro.facts.trainers import Declaration, declarations


@dataclass(frozen=True, slots=True)
class Validation:
    """What was read and what is wrong with it; ``problems`` is sorted by place."""

    root: Path
    files: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def exit_status(self) -> int:
        """Return 0 if nothing is wrong, 1 for findings, 2 if only the command line is."""
        return ProblemsError(self.problems).exit_status if self.problems else 0


def validate(start: Path, selection: Selection | None = None) -> Validation:
    """Return all problems of the workspace that ``start`` lies in.

    Raises InputError without a workspace, UsageError for a name that does not exist.
    """
    families = declarations()
    root = find_root(start.resolve())
    tree, found = load(root, families)
    files = tuple(document.file for document in _files(tree))
    if not found:
        try:
            resolved = resolve(tree, selection or Selection(), families)
            found = check(resolved, families)
        except ProblemsError as error:
            found = error.problems
    return Validation(root, files, ProblemsError(found).problems)


def configuration(
    start: Path, selection: Selection
) -> tuple[Path, Resolved, Mapping[str, Declaration]]:
    """Return the workspace's root and the resolved configuration, known to be valid.

    Raises ProblemsError with every problem, InputError or UsageError as ``validate`` does.
    """
    families = declarations()
    root = find_root(start.resolve())
    tree, found = load(root, families)
    if found:
        raise ProblemsError(found)
    resolved = resolve(tree, selection, families)
    found = check(resolved, families)
    if found:
        raise ProblemsError(found)
    return root, resolved, families


def check(resolved: Resolved, families: Mapping[str, Declaration]) -> tuple[Problem, ...]:
    """Return the problems of a resolved configuration: its schemas, then what lies between."""
    found = composed_problems(resolved, families) + missing_hyperparameters(resolved, families)
    return found or cross_checks(resolved, families)


def _files(tree: Tree) -> list[Document]:
    """Return every document and overlay that was read."""
    return tree.files()
