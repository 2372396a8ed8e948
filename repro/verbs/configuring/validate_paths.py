"""Validation of what is named: files, folders and standard input, in workspaces or in none."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from repro.config.documents.catalog import slot_of
from repro.config.documents.files import ENDINGS, content, documents_below, unusable
from repro.config.documents.kinds import Fragments
from repro.config.documents.trainer_faults import blamed
from repro.config.documents.workspace import MARKER
from repro.config.resolution.resolve import Selection
from repro.errors import InputError, Place, Problem, ProblemsError, UsageError
from repro.facts.trainers import Declaration, declarations
from repro.verbs.configuring.validate import Validation, validate_root

STDIN = "<stdin>"


@dataclass(slots=True)
class _Named:
    """What the paths come to: parts of workspaces, and files that lie in none."""

    workspaces: dict[Path, list[Path]] = field(default_factory=dict)
    """Root to the files and folders that were asked about; the root itself for all of it."""
    alone: dict[Path, None] = field(default_factory=dict)


def validate_paths(
    paths: Sequence[str],
    selection: Selection | None = None,
    *,
    kind: str | None = None,
    stdin: tuple[str | None, bytes] | None = None,
) -> Validation:
    """Return all problems that lie in ``paths``; names are as seen from the working directory.

    A file below a ``CONFIG`` folder is read with its workspace: its own problems, and those
    between documents that lie in it. Any other is checked by itself, as a document of ``kind``, or
    of what it says or is called. A folder stands for all documents in it. ``stdin`` is the text of
    standard input with the name that it goes by, if it has one.

    Raises UsageError for a path or a kind that does not exist, InputError if there is nothing to
    check or a trainer's schema is none.
    """
    families = declarations()
    named = _Named()
    for path in paths:
        _sort(_absolute(path), path, named)
    if selection is not None and not named.workspaces:
        raise UsageError(
            "nothing here resolves what the flags ask for",
            f"they need a workspace: give a path in a {MARKER} folder, or none",
        )
    fragments = Fragments(families, kind)
    parts = [
        _part(root, asked, validate_root(root, families, selection))
        for root, asked in named.workspaces.items()
    ]
    with blamed(families):
        if stdin is not None:
            parts.append(_given(stdin, fragments, families))
        parts += [_alone(path, fragments) for path in named.alone]
    whole = [root for root, asked in named.workspaces.items() if root in asked]
    return Validation(
        whole[0] if len(whole) == len(parts) == 1 else None,
        tuple(sorted({file for part in parts for file in part.files})),
        ProblemsError(tuple(dict.fromkeys(p for part in parts for p in part.problems))).problems,
    )


def seen_from_here(found: Validation) -> Validation:
    """Return ``found``, a workspace's, with names of files as seen from the working directory."""
    return found if found.root is None else _renamed(found, found.root)


def _sort(path: Path, typed: str, named: _Named) -> None:
    """Enter what ``path`` stands for."""
    if not os.path.lexists(path):
        raise UsageError(
            f"no such file or folder: {typed}",
            "an override is written key=value; a path names a file, a folder, or - for stdin",
        )
    root = _root_of(path)
    if root is not None:
        named.workspaces.setdefault(root, []).append(path if path != root / MARKER else root)
    elif path.is_dir():
        _sort_folder(path, typed, named)
    else:
        named.alone[path] = None


def _sort_folder(folder: Path, typed: str, named: _Named) -> None:
    """Enter a workspace, or each document of a plain folder, and workspaces inside it."""
    if (folder / MARKER).is_dir():
        named.workspaces.setdefault(folder, []).append(folder)
        return
    below = documents_below(folder)
    if not below:
        raise InputError(f"no document in {typed}", "a document's name ends in .yaml")
    for path in below:
        root = _root_of(path)
        if root is None:
            named.alone[path] = None
        elif root not in named.workspaces.setdefault(root, []):
            named.workspaces[root].append(root)


def _root_of(path: Path) -> Path | None:
    """Return the workspace in whose ``CONFIG`` folder ``path`` lies, by its name alone."""
    if MARKER not in path.parts:
        return None
    for folder in (path, *path.parents):
        if folder.name == MARKER and folder.is_dir():
            return folder.parent
    return None


def _part(root: Path, asked: Sequence[Path], found: Validation) -> Validation:
    """Return the share of a workspace's validation that lies in what was asked about."""
    if root in asked:
        return _renamed(found, root)
    shown = [path.relative_to(root).as_posix() for path in asked]

    def is_asked(file: str) -> bool:
        return any(file == name or file.startswith(f"{name}/") for name in shown)

    # What lies on the command line is asked about too.
    problems = [p for p in found.problems if is_asked(p.place.file) or _is_argument(p)]
    files = [file for file in found.files if is_asked(file)]
    read = {*files, *(problem.place.file for problem in problems)}
    for path, name in zip(asked, shown, strict=True):
        if name not in read and not path.is_dir():
            problems.append(_unread(path, name))
    return _renamed(Validation(root, tuple(files), tuple(problems)), root)


def _unread(path: Path, name: str) -> Problem:
    """Return the problem of a file below ``CONFIG`` that nothing reads."""
    if (problem := unusable(path, name)) is not None:
        return problem
    hint = "a document's name ends in .yaml and does not begin with a dot, nor does its folder's"
    return Problem(Place(name, 1, 1, 1), "", "nothing reads this file", "document", hint)


def _given(
    stdin: tuple[str | None, bytes], fragments: Fragments, families: Mapping[str, Declaration]
) -> Validation:
    """Return the problems of standard input, by the place of the file that it is to become."""
    name, text = stdin
    path = _absolute(name) if name else None
    root = _root_of(path) if path else None
    slot = slot_of(path.relative_to(root / MARKER), families) if path and root else None
    kind = slot.kind.removeprefix("model:") if slot and fragments.kind is None else None
    shown = name or STDIN
    sound, problems = fragments.check(text, shown, kind)
    return Validation(None, (shown,) if sound else (), problems)


def _alone(path: Path, fragments: Fragments) -> Validation:
    """Return the problems of a file that lies in no workspace."""
    shown = _shown(path)
    text = content(path, shown)
    if isinstance(text, Problem):
        return Validation(None, (), (text,))
    sound, problems = fragments.check(text, shown)
    if not sound and path.suffix not in ENDINGS:
        named = "documents are called .yaml"
        problems = tuple(replace(p, hint=p.hint or named) for p in problems)
    return Validation(None, (shown,) if sound else (), problems)


def _renamed(found: Validation, root: Path) -> Validation:
    """Return ``found`` with each file below ``CONFIG`` named from the working directory."""

    def name(file: str) -> str:
        return _shown(root / file)

    problems = tuple(
        p if _is_argument(p) else replace(p, place=replace(p.place, file=name(p.place.file)))
        for p in found.problems
    )
    return Validation(found.root, tuple(map(name, found.files)), problems)


def _is_argument(problem: Problem) -> bool:
    """Return whether a problem lies in no document of the workspace: a flag, a file elsewhere."""
    file = problem.place.file
    return file != MARKER and not file.startswith(f"{MARKER}/")


def _shown(path: Path) -> str:
    """Return ``path`` relative to the working directory if it is below it, else absolute."""
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else path.as_posix()


def _absolute(name: str) -> Path:
    """Return the path that ``name`` means; links stay, for a file's place is where it is named."""
    return Path(os.path.abspath(name))  # noqa: PTH100  resolve() would follow links
