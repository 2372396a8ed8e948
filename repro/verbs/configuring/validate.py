"""Validation: every problem of a workspace at once, or the resolved configuration."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from repro.config.checks.composed import composed_problems, missing_hyperparameters
from repro.config.checks.cross import cross_checks, model_checks
from repro.config.checks.dataset import outside
from repro.config.checks.idle import idle, warned
from repro.config.checks.overrides import blind_to_time, given_twice, silent, unused
from repro.config.documents.catalog import EXPERIMENTS, MODELS, slot_of
from repro.config.documents.files import all_unusable, any_endless, content, documents_below
from repro.config.documents.kinds import Fragments
from repro.config.documents.mended import mended
from repro.config.documents.trainer_faults import blamed
from repro.config.documents.tree import Tree, load
from repro.config.documents.workspace import MARKER, find_root
from repro.config.resolution.layers import Flat
from repro.config.resolution.offered import ENTRANCE, experimented, laid_over, offered
from repro.config.resolution.resolve import Resolved, Selection, resolve
from repro.config.resolution.settings import split
from repro.config.text.document import parse
from repro.errors import InputError, Problem, ProblemsError, UsageError
from repro.facts.trainers import Declaration, declarations

WARNING = "warning"
_HOLDERS = {
    "family": "",
    "target": "",
    "profile": "training_config.optimizer_config",
    "variant": f"{MODELS}.",
    "features": "data.feature_registry",
}
"""Of a rule that misses a name, how the documents are called that would hold it."""


@dataclass(frozen=True, slots=True)
class Validation:
    """What was read and what is wrong with it; ``problems`` is sorted by place."""

    root: Path | None
    """The workspace, if it was all of one."""
    files: tuple[str, ...]
    """What was read."""
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that are no warnings."""
        return tuple(problem for problem in self.problems if problem.severity != WARNING)

    def exit_status(self, *, strict: bool = False) -> int:
        """Return 0 if nothing is wrong, 1 for findings, 2 if only the command line is, or 3.

        3 says that a file could not be read, so that the answer is not whole. Warnings count only
        if it is ``strict``.
        """
        counted = self.problems if strict else self.errors
        return ProblemsError(counted).exit_status if counted else 0


def validate(start: Path, selection: Selection | None = None) -> Validation:
    """Return all problems of the workspace that ``start`` lies in.

    With a ``selection`` it is what that asks for which is checked; without one everything that the
    workspace offers (see ``offered``). Raises InputError without a workspace or over a trainer
    whose schema is none, UsageError for a name that does not exist.
    """
    return validate_root(find_root(start.resolve()), declarations(), selection)


def validate_root(
    root: Path, families: Mapping[str, Declaration], selection: Selection | None = None
) -> Validation:
    """Return all problems of the workspace at ``root``, as ``validate`` does."""
    with blamed(families):
        unusable = all_unusable(root / MARKER, MARKER)
        if unusable and any_endless(root / MARKER):
            return _piecemeal(root, families, unusable)
        tree, told = load(root, families)
        broken = _broken(_structural([*told, *unusable]))
        found = _without_echoes(told, unusable)
        usable, broken = mended(_with_stubs(tree, broken), broken, told, families)
        at = {(problem.place, problem.path) for problem in found}
        said = {(p.place.file, p.place.line, p.path, p.message) for p in found}
        for problem in _between(usable, selection, families, broken):
            line = (problem.place.file, problem.place.line, problem.path, problem.message)
            if (problem.place, problem.path) not in at and line not in said:
                found[problem] = None
    files = tuple(document.file for document in tree.files())
    return Validation(root, files, ProblemsError((*found, *tree.warnings)).problems)


def configuration(
    start: Path, selection: Selection
) -> tuple[Path, Resolved, Mapping[str, Declaration]]:
    """Return the workspace's root and the resolved configuration, known to be valid.

    Raises ProblemsError with every problem, InputError or UsageError as ``validate`` does, and
    InputError if a document cannot be read.
    """
    root, tree, families = documents(start)
    return root, resolution(tree, selection, families), families


def documents(start: Path) -> tuple[Path, Tree, Mapping[str, Declaration]]:
    """Return the workspace's root, its documents and the families; raises as ``configuration``."""
    families = declarations()
    root = find_root(start.resolve())
    with blamed(families):
        for problem in all_unusable(root / MARKER, MARKER):
            raise InputError(f"{problem.place.file} {problem.message}", problem.hint)
        tree, told = load(root, families)
        if _broken(told):
            raise ProblemsError(told)
    return root, tree, families


def resolution(
    tree: Tree,
    selection: Selection,
    families: Mapping[str, Declaration],
    base: Flat | None = None,
) -> Resolved:
    """Return what a selection asks of documents, known to be valid; raises as ``configuration``.

    ``base`` is what all layers are laid over, for who resolves one tree many times.
    """
    with blamed(families):
        resolved = resolve(tree, selection, families, base)
        found = check(resolved, families) + given_twice(resolved, selection.sets, families)
    if found:
        raise ProblemsError(found)
    told_too = unused(resolved) + blind_to_time(resolved) + silent(resolved, selection.profile)
    told_too += outside(resolved)
    resolved = replace(resolved, warnings=(*resolved.warnings, *told_too))
    return warned(resolved, families)


def check(
    resolved: Resolved,
    families: Mapping[str, Declaration],
    broken: Collection[str] = (),
    crossing: Callable[..., tuple[Problem, ...]] = cross_checks,
) -> tuple[Problem, ...]:
    """Return the problems of a resolved configuration: its schemas, then what lies between.

    What depends on one of the ``broken`` documents, whose problems are known, is left out.
    """
    found = composed_problems(resolved, families)
    structural = _structural(found)
    unsound = set(broken) | (_broken(structural) | _changed(resolved) if structural else set())
    missing = missing_hyperparameters(resolved, families)
    found += tuple(problem for problem in missing if not _broken([problem]) & set(broken))
    return found + crossing(resolved, families, unsound)


def _between(
    tree: Tree,
    selection: Selection | None,
    families: Mapping[str, Declaration],
    broken: Collection[str],
) -> Iterator[Problem]:
    """Yield the problems of what is resolved: what is asked for, or all that is offered.

    Of what is offered and not chosen, those of hyperparameters: a family that cannot be trained
    for the default target is none the worse for it.
    """
    if ENTRANCE & set(broken):
        return
    base = laid_over(tree, families)
    yield from _selected(tree, base, selection or Selection(), families, broken)
    if selection is not None:
        return
    sound = all(name.startswith(f"{EXPERIMENTS}.") for name in broken)
    for each in experimented(tree, broken):
        for problem in _selected(tree, base, each, families, broken):
            if sound or _is_its_own(problem):
                yield problem
    if not sound:  # what is laid over a document that is none would only say again that it is none
        return
    for part, own, each in offered(tree, families, base):
        for problem in _selected(part, own, each, families, broken, model_checks):
            if problem.path.startswith("hyperparameters"):
                yield problem


def _is_its_own(problem: Problem) -> bool:
    """Return whether an experiment is at fault itself, and not a broken document beneath it."""
    inside = problem.place.file.startswith(f"{MARKER}/{EXPERIMENTS}/")
    return inside and problem.rule != "required"


def _selected(
    tree: Tree,
    base: Flat | None,
    selection: Selection,
    families: Mapping[str, Declaration],
    broken: Collection[str],
    crossing: Callable[..., tuple[Problem, ...]] = cross_checks,
) -> tuple[Problem, ...]:
    """Return the problems of one selection, leaving out what the ``broken`` documents decide."""
    try:
        resolved = resolve(tree, selection, families, base)
        found = check(resolved, families, broken, crossing)
        found += given_twice(resolved, selection.sets, families)
        if found:
            return found
        found = idle(resolved, families, broken) + silent(resolved, selection.profile)
        found += () if "data.dataset" in broken else outside(resolved)
        return found + (() if broken else unused(resolved) + blind_to_time(resolved))
    except ProblemsError as error:
        if not broken:
            return error.problems
        # A name may be missing because the document that holds it cannot be read.
        return tuple(p for p in error.problems if not _held_by(p.rule, broken))
    except UsageError:
        if not broken:
            raise
        return ()


def _held_by(rule: str, broken: Collection[str]) -> bool:
    """Return whether what a ``rule`` misses may lie in one of the ``broken`` documents."""
    holder = _HOLDERS.get(rule)
    return holder is not None and any(name.startswith(holder) for name in broken)


def _with_stubs(tree: Tree, broken: Collection[str]) -> Tree:
    """Return ``tree`` with an empty model document for each that is none.

    A family without a document cannot be resolved, and what is wrong with it is told already.
    """
    stubs = {
        name: parse("hyperparameters: {}\n", f"{MARKER}/{name.replace('.', '/')}.yaml")
        for name in broken
        if name.startswith(f"{MODELS}.")
        and name.count(".") == 1  # else it is no document but a file that nothing reads
        and (name not in tree.documents or not isinstance(tree.documents[name].value, dict))
    }
    return replace(tree, documents={**tree.documents, **stubs})


def _without_echoes(told: Iterable[Problem], unusable: tuple[Problem, ...]) -> dict[Problem, None]:
    """Return both, but not what is shut once more, nor what seems missing in a shut folder."""
    shut = {problem.place.file for problem in unusable}
    return dict.fromkeys(
        [
            *unusable,
            *(
                problem
                for problem in told
                if problem.place.file not in shut
                and not any(problem.place.file.startswith(f"{folder}/") for folder in shut)
            ),
        ]
    )


def _broken(found: Iterable[Problem]) -> set[str]:
    """Return the names of the documents in which an error lies."""
    files = (problem.place.file for problem in found if problem.severity != WARNING)
    own = (file.removeprefix(f"{MARKER}/").removeprefix("defaults/") for file in files)
    return {file.removesuffix(".yaml").replace("/", ".") for file in own}


def _structural(found: Iterable[Problem]) -> list[Problem]:
    """Return those after which nothing in their document can be believed.

    What is given twice is told, and can be read all the same.
    """
    return [problem for problem in found if problem.rule != "uniqueItems"]


def _changed(resolved: Resolved) -> set[str]:
    """Return the names of the documents that something above the documents has changed."""
    return {
        split(path)[0]
        for path, value in resolved.flat.items()
        if value.setting.layer not in ("document", "defaults")
    }


def _piecemeal(
    root: Path, families: Mapping[str, Declaration], unusable: tuple[Problem, ...]
) -> Validation:
    """Return the problems of each document by itself, where others cannot be read at all.

    What lies between documents cannot be told, nor what is missing.
    """
    fragments = Fragments(families)
    shut = {problem.place.file for problem in unusable}
    found = list(unusable)
    files = []
    for path in documents_below(root / MARKER):
        shown = path.relative_to(root).as_posix()
        if shown in shut:
            continue
        slot = slot_of(path.relative_to(root / MARKER), families)
        kind = slot.kind.removeprefix("model:") if slot else None
        text = content(path, shown)
        if isinstance(text, Problem):
            found.append(text)
            continue
        sound, told = fragments.check(text, shown, kind)
        files += [shown] if sound else []
        found += told
    return Validation(root, tuple(files), ProblemsError(found).problems)
