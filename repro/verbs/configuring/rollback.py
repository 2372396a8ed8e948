"""``repro config rollback``: the configuration that a sealed run had, written back.

Whatever is to be written is laid in a copy first, resolved there, and must have the identity that
the run had; only then is it shown, and only with consent is it written.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from repro.config.documents.files import all_unusable, copied
from repro.config.documents.tree import Tree, load
from repro.config.documents.workspace import MARKER, find_root
from repro.config.editing import edit
from repro.config.editing.writing import Change, require_no_links, unified, write
from repro.config.resolution.layers import Path as Keys
from repro.config.resolution.resolve import Resolved, Selection, resolve
from repro.config.sealed import restore
from repro.config.sealed.restore import Wanted
from repro.errors import UNREADABLE, InputError, Problem, ProblemsError, UsageError
from repro.facts.trainers import Declaration, declarations
from repro.runs.finding import find
from repro.verbs.audit.log import require_as_logged
from repro.verbs.configuring.validate import check
from repro.verbs.workspace.editors import line_for

_UNREAD = ("syntax", "encoding", "character", "duplicate", "empty", "documents", UNREADABLE)
"""Rules of problems after which a file has no value that could be edited."""
Families = Mapping[str, Declaration]


@dataclass(frozen=True, slots=True)
class Rollback:
    """What would be written for a run."""

    run: str
    folder: Path
    """What the changes lie below: ``CONFIG``, or the directory that was asked for."""
    shown: Path
    """The same as the user knows it."""
    changes: tuple[Change, ...]
    overlays: tuple[str, ...]
    """Names (or paths) of the overlays, for ``--config``."""
    target: str | None
    """What must be given as ``--target``; None if nothing must."""

    @property
    def diff(self) -> str:
        """Return all changes as one diff."""
        return unified(
            [
                replace(
                    change,
                    old=None if change.old is None else self.shown / change.old,
                    new=None if change.new is None else self.shown / change.new,
                )
                for change in self.changes
            ]
        )

    @property
    def command(self) -> str | None:
        """Return the command line that trains with the configuration of the run.

        None if it lies in documents outside ``CONFIG``, which no command reads.
        """
        if self.changes and not self.overlays and self.shown != Path(MARKER):
            return None
        words = ["repro", "train"]
        for name in self.overlays:
            words += ["--config", name]
        if self.target is not None:
            words += ["--target", self.target]
        return shlex.join(words)


def plan(start: Path, reference: str, *, as_overlay: bool, out: Path | None) -> Rollback:
    """Return what would be written so that the configuration is that of a run again.

    Raises UsageError for no such run, IntegrityError for one that is not what was sealed, and
    InputError if its configuration cannot be had here, with the values that stand in the way.
    """
    root = find_root(start.resolve())
    run = find(root, reference)
    require_as_logged(root, run)
    families = declarations()
    sealed = run.read("config.json")
    want = restore.wanted(run.name, sealed, families, _known(root, sealed, families))
    return restored(root, want, families, as_overlay=as_overlay, out=out)


def _known(root: Path, sealed: Mapping[str, Any], families: Families) -> dict[str, Keys]:
    """Return today's paths by their names with dots, if the run sealed no more than such names."""
    if all("keys" in leaf for leaf in sealed["values"]):
        return {}
    _require_usable(root)
    return restore.known_paths(load(root, families)[0], families)


def _require_usable(root: Path) -> None:
    """Raise ProblemsError if something in ``CONFIG`` cannot be read, or would never end."""
    if unusable := all_unusable(root / MARKER, MARKER):
        raise ProblemsError(unusable)


def restored(
    root: Path, want: Wanted, families: Families, *, as_overlay: bool, out: Path | None
) -> Rollback:
    """Return what would be written so that a workspace has what is wanted, known to be so.

    Raises InputError if it cannot be had, ProblemsError for files of today that cannot be read.
    """
    _require_usable(root)
    with TemporaryDirectory(prefix="repro-rollback-") as name:
        copy = Path(name)
        copied(root / MARKER, copy / MARKER)
        made = _overlays if as_overlay else _files
        return made(root, copy, want, families, out)


def carry_out(rollback: Rollback) -> None:
    """Write the files, all or none; raises InputError as ``writing.write`` does."""
    try:
        rollback.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise InputError(f"cannot make {rollback.shown}: {reason}") from error
    is_own = rollback.shown == Path(MARKER)
    write(rollback.folder, rollback.changes, rollback.folder.parent if is_own else None)


def _files(root: Path, copy: Path, want: Wanted, families: Families, out: Path | None) -> Rollback:
    """Return the documents of today with as little changed as makes them those of the run."""
    base = copy / MARKER
    tree, _ = _load(copy, families)
    missing = restore.missing_documents(tree, want, families)
    if out is None:  # what lies in a linked folder is not read, so that it seems missing
        require_no_links(root, (root / MARKER / relative for relative in missing))
    for relative, content in missing.items():
        (base / relative).parent.mkdir(parents=True, exist_ok=True)
        (base / relative).write_bytes(content)
    tree, _ = _load(copy, families)

    def changed(how: Callable[[dict[str, edit.Draft]], None]) -> Tree:
        drafts = {
            name: edit.draft((copy / document.file).read_bytes(), document.file)
            for name, document in tree.documents.items()
        }
        how(drafts)
        for draft in drafts.values():
            (copy / draft.file).write_bytes(draft.encoded())
        return _load(copy, families)[0]

    tree = changed(lambda drafts: restore.documents(tree, drafts, want, families))
    resolved = _resolved(tree, Selection(), want, families)
    tree = changed(lambda drafts: restore.layers(tree, resolved, drafts, want, families))
    _require_that(copy, Selection(), want, families, "it cannot be had by editing the documents")
    changes = []
    for path in sorted(base.rglob("*.yaml")):
        relative = path.relative_to(base)
        was, now = root / MARKER / relative, path.read_bytes()
        before = was.read_bytes() if was.is_file() else None
        if before != now:
            old = None if before is None or out is not None else relative
            changes.append(Change(old, relative, before or b"" if old else b"", now))
    return Rollback(want.run, out or root / MARKER, out or Path(MARKER), tuple(changes), (), None)


def _overlays(
    root: Path, copy: Path, want: Wanted, families: Families, out: Path | None
) -> Rollback:
    """Return an overlay for each document that differs, and what else the command line needs."""
    tree, found = _load(copy, families)
    if found:
        raise ProblemsError(found)
    today = resolve(tree, Selection(), families)
    made = {
        relative: _with_line(relative, content, want.run) if out is None else content
        for relative, content in restore.overlays(today, want).items()
    }
    changes = tuple(Change(None, relative, b"", content) for relative, content in made.items())
    if out is not None:
        changes = tuple(replace(c, new=Path(c.new.name)) for c in changes if c.new is not None)
    for relative, content in made.items():
        (copy / MARKER / relative).write_bytes(content)
    names = tuple(relative.stem for relative in made)
    target = None if today.target == want.target else want.target
    selection = Selection(target=target, overlays=names)
    _require_that(copy, selection, want, families, "overlays cannot take a value away: --files can")
    if out is not None:
        names = tuple(str(out / f"{name}.yaml") for name in names)
    folder, shown = (root / MARKER, Path(MARKER)) if out is None else (out, out)
    changes = tuple(change for change in changes if not _is_there(folder, change))
    return Rollback(want.run, folder, shown, changes, names, target)


def _with_line(relative: Path, content: bytes, run: str) -> bytes:
    """Return an overlay with the line that tells an editor its schema."""
    document = ".".join(relative.with_name(relative.stem.removesuffix(f"_{run}")).parts)
    return f"{line_for(document, relative.parent)}\n".encode() + content


def _is_there(folder: Path, change: Change) -> bool:
    """Return whether a new file is there already, byte for byte."""
    path = folder / str(change.new)
    return path.is_file() and path.read_bytes() == change.after


def _load(root: Path, families: Families) -> tuple[Tree, tuple[Problem, ...]]:
    """Return the tree of the copy; raise ProblemsError for files that cannot be read at all."""
    tree, found = load(root, families)
    if tree.legacy:
        raise UsageError(
            f"{tree.warnings[0].place.file} has older names in it, or lies in an older place",
            "move them first: repro config migrate",
        )
    unread = [p for p in found if p.rule in _UNREAD]
    if unread:
        raise ProblemsError(unread)
    return tree, found


def _resolved(tree: Tree, selection: Selection, want: Wanted, families: Families) -> Resolved:
    """Return what a tree resolves to; raise InputError if it cannot be resolved."""
    try:
        return resolve(tree, selection, families)
    except ProblemsError as error:
        raise _impossible(want, error.problems[0]) from error


def _require_that(
    copy: Path, selection: Selection, want: Wanted, families: Families, else_: str
) -> None:
    """Raise InputError unless the copy is valid and has the identity of the run."""
    tree, wrong = _load(copy, families)
    if wrong:
        raise _impossible(want, wrong[0], len(wrong))
    resolved = _resolved(tree, selection, want, families)
    wrong = check(resolved, families)
    if wrong:
        raise _impossible(want, wrong[0], len(wrong))
    names = restore.differing(resolved, want)
    if names:
        more = f" (and {len(names) - 3} more)" if len(names) > 3 else ""
        raise InputError(
            f"run {want.run}: its configuration cannot be written back: it would differ in "
            f"{', '.join(names[:3])}{more}; nothing was written",
            else_,
        )


def _impossible(want: Wanted, problem: Problem, count: int = 1) -> InputError:
    """Return the error of a configuration that is not valid today."""
    more = f" (and {count - 1} more)" if count > 1 else ""
    where = f"{problem.place.file}: {problem.path}: {problem.message}"
    return InputError(
        f"run {want.run}: its configuration is not valid here today: {where}{more}; "
        "nothing was written",
        "use the version of repro that made the run",
    )
