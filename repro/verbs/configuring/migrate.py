"""``repro config migrate``: documents and keys of older layouts moved to where they stand now.

What the files mean stays the same, and that is checked before a byte is written: each document's
value, and what the configuration resolves to.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from repro.config.documents import legacy
from repro.config.documents.catalog import Trainer, slot_of
from repro.config.documents.files import all_unusable, content, copied, documents_below
from repro.config.documents.legacy import Step, Used
from repro.config.documents.tree import Tree, load
from repro.config.documents.workspace import MARKER, find_root
from repro.config.editing import edit
from repro.config.editing.render import identical
from repro.config.editing.writing import Change, unified, write
from repro.config.resolution.active import components
from repro.config.resolution.resolve import Selection, resolve
from repro.config.text.document import parse
from repro.errors import Problem, ProblemsError
from repro.facts.trainers import declarations

_LINK = re.compile(r"(?m)^(#[ \t]*yaml-language-server:[ \t]*\$schema=)(\.[^\s]*/\.schemas/)")


@dataclass(frozen=True, slots=True)
class Migration:
    """What would be done; paths of changes are relative to ``CONFIG``."""

    root: Path
    changes: tuple[Change, ...]
    used: tuple[Used, ...]
    """Every old place, in the order of the files."""
    left: tuple[tuple[Path, Path], ...]
    """Old files that are not read because of another, and that one: people must choose."""

    @property
    def diff(self) -> str:
        """Return all changes as one diff, with paths below the workspace."""
        folder = Path(MARKER)
        return unified(
            [
                Change(
                    None if change.old is None else folder / change.old,
                    None if change.new is None else folder / change.new,
                    change.before,
                    change.after,
                )
                for change in self.changes
            ]
        )

    @property
    def is_done(self) -> bool:
        """Return whether nothing stands in an old place."""
        return not self.changes and not self.left


def plan(start: Path) -> Migration:
    """Return what moving the old places of a workspace would do, known to change no value.

    Raises InputError without a workspace, ProblemsError for files that cannot be read, and
    EditError where a text cannot be changed without harm.
    """
    families = declarations()
    root = find_root(start.resolve())
    base = root / MARKER
    if unusable := all_unusable(base, MARKER):
        raise ProblemsError(unusable)
    files = _files(base)
    placed = legacy.places_of(files)
    contents = {relative: _content(base, relative) for relative in files}
    changes: list[Change] = []
    used: list[Used] = []
    left: list[tuple[Path, Path]] = []
    found: list[Problem] = []
    for relative in files:
        moved = placed.get(relative)
        path = relative if moved is None else moved.path
        slot = slot_of(path, families)
        if moved is None and slot is None:
            continue
        try:
            after, seen = _migrated(contents[relative], relative, path, slot.kind if slot else "")
        except ProblemsError as error:
            found.extend(error.problems)
            continue
        used += [*([] if moved is None else [legacy.used_file(relative, moved)]), *seen]
        if moved is not None and moved.winner is not None:
            if contents[moved.winner] == after and moved.winner == moved.path:
                changes.append(Change(relative, None, contents[relative], b""))
            else:
                left.append((relative, moved.winner))
        elif moved is not None or after != contents[relative]:
            changes.append(Change(relative, path, contents[relative], after))
    if found:
        raise ProblemsError(found)
    _require_same(root, changes, families)
    return Migration(root, tuple(changes), tuple(used), tuple(left))


def carry_out(migration: Migration) -> None:
    """Write the files, all or none; raises InputError as ``writing.write`` does."""
    write(migration.root / MARKER, migration.changes, migration.root)


def _files(base: Path) -> list[Path]:
    """Return the files that may be documents, relative to ``CONFIG``."""
    found = (path.relative_to(base) for path in documents_below(base))
    return sorted(path for path in found if path.suffix == ".yaml")


def _content(base: Path, relative: Path) -> bytes:
    found = content(base / relative, f"{MARKER}/{relative.as_posix()}")
    if isinstance(found, Problem):
        raise ProblemsError([found])
    return found


def _migrated(
    before: bytes, relative: Path, path: Path, kind: str
) -> tuple[bytes, tuple[Used, ...]]:
    """Return the bytes of a file under the names of now, and the old names that were in it."""
    shown = f"{MARKER}/{relative.as_posix()}"
    text = edit.draft(before, shown)
    wanted, used = legacy.renamed(text.document, kind)
    _, steps = legacy.steps(text.value, kind)
    for step in steps:
        text = _stepped(text, step)
    if not identical(text.value, wanted.value):
        raise AssertionError(f"{shown}: moving its keys would change its value")
    after = text.encoded()
    if relative.parent != path.parent:
        after = _relinked(after, relative, path)
        if not identical(parse(after, shown).value, wanted.value):
            raise AssertionError(f"{shown}: its first comment is not a comment")
    return after, used


def _stepped(text: edit.Draft, step: Step) -> edit.Draft:
    """Return the text after one key was moved, or dropped because the new one exists."""
    if step.dropped:
        text = edit.remove(text, step.old, keep_comments=True)
    else:
        text = edit.move(text, step.old, step.new)
        for before, now in step.entry.values:
            found = text.value
            for key in step.new:
                found = found[key]  # type: ignore[index]  # it was moved there
            if identical(found, before):
                text = edit.set_value(text, step.new, now)
                break
    for path in step.emptied:
        text = edit.remove(text, path, keep_comments=True)
    return text


def _relinked(before: bytes, old: Path, new: Path) -> bytes:
    """Return a file whose comment for editors finds its schema from the new folder too."""

    def link(found: re.Match[str]) -> str:
        if posixpath.normpath(posixpath.join(old.parent.as_posix(), found[2])) != ".schemas":
            return found[0]
        return found[1] + posixpath.relpath(".schemas", new.parent.as_posix()) + "/"

    return _LINK.sub(link, before.decode("utf-8")).encode("utf-8")


def _require_same(root: Path, changes: Sequence[Change], families: Mapping[str, Trainer]) -> None:
    """Raise AssertionError if the configuration would resolve to anything else.

    One that has errors resolves to nothing, and only its documents can be compared.
    """
    tree, found = load(root, families)
    if any(problem.severity == "error" for problem in found):
        return
    with TemporaryDirectory(prefix="repro-migrate-") as name:
        copy = Path(name)
        copied(root / MARKER, copy / MARKER)
        laid(copy / MARKER, changes)
        moved, _ = load(copy, families)
        if not identical(_resolved(tree, families), _resolved(moved, families)):
            raise AssertionError("moving the files would change what they resolve to")


def _resolved(tree: Tree, families: Mapping[str, Trainer]) -> dict[str, object]:
    """Return everything that a configuration comes to, or what is wrong with it."""
    try:
        resolved = resolve(tree, Selection(), families)
    except ProblemsError as error:
        return {"problems": sorted(problem.message for problem in error.problems)}
    return {
        "values": {path: value.value for path, value in resolved.flat.items()},
        "components": components(resolved),
        "family": resolved.family,
        "target": resolved.target,
    }


def laid(base: Path, changes: Sequence[Change]) -> None:
    """Make changes in a copy that nobody else sees."""
    for change in changes:
        if change.old is not None and change.old != change.new:
            (base / change.old).unlink()
    for change in changes:
        if change.new is not None:
            (base / change.new).parent.mkdir(parents=True, exist_ok=True)
            (base / change.new).write_bytes(change.after)
