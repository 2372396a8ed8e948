"""What an editor needs to check documents as they are typed: schemas, and lines that name them.

The schemas are written into the workspace, each complete in itself, so that it all works offline.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.config.documents import catalog
from repro.config.documents.catalog import DOCUMENTS, EXPERIMENT, EXPERIMENTS, MODELS, fragment_of
from repro.config.documents.files import content
from repro.config.documents.workspace import MARKER
from repro.config.spelling.names import suggestion
from repro.errors import InputError, Problem, UsageError
from repro.facts.trainers import Declaration, declarations

SCHEMA_FOLDER = f"{MARKER}/.schemas"
_LINE = re.compile(r"#\s*yaml-language-server:\s*\$schema=(\S*)")
_FIRST_LINES = 20
"""Lines in which the language server's line is looked for."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of document: its name, the file that is one (below the root), and its schema."""

    name: str
    path: str
    schema: Mapping[str, Any]

    @property
    def file(self) -> str:
        """Return where its schema lies for editors, below the root."""
        return f"{SCHEMA_FOLDER}/{self.name.removeprefix('model:')}.schema.json"

    @property
    def content(self) -> bytes:
        """Return that file's bytes.

        A document may be partial over its defaults, so an editor asks for nothing to be present.
        """
        schema = self.schema if self.name == EXPERIMENT else fragment_of(self.schema)
        return (json.dumps(schema, indent=2, ensure_ascii=False) + "\n").encode()


@dataclass(frozen=True, slots=True)
class Line:
    """A document without the right line for editors."""

    file: str
    state: str
    """missing; wrong (it names another schema); added."""
    found: str | None
    """The schema that it names."""
    expected: str


@dataclass(frozen=True, slots=True)
class Written:
    """What was done for editors; files below the root."""

    written: tuple[str, ...]
    kept: tuple[str, ...]
    """Schemas that were right already."""
    lines: tuple[Line, ...]


def kinds(families: Mapping[str, Declaration]) -> tuple[Kind, ...]:
    """Return every kind of document: of settings, of models, and experiments."""
    named = {kind: f"{MARKER}/{name.replace('.', '/')}.yaml" for name, kind in DOCUMENTS.items()}
    named |= {f"model:{family}": f"{MARKER}/{MODELS}/{family}.yaml" for family in families}
    named[EXPERIMENT] = f"{MARKER}/{EXPERIMENTS}/NAME.yaml"
    return tuple(
        Kind(name, path, catalog.schema_of(name, families)) for name, path in named.items()
    )


def kind_named(name: str, families: Mapping[str, Declaration]) -> Kind:
    """Return the kind called ``name``; of a model ``model:FAMILY`` or the family alone.

    Raises UsageError if there is none.
    """
    known = {kind.name: kind for kind in kinds(families)}
    known |= {kind.name.removeprefix("model:"): kind for kind in known.values()}
    if name not in known:
        listed = ", ".join(kind.name.removeprefix("model:") for kind in kinds(families))
        raise UsageError(
            f"no such kind of document: {name!r}{suggestion(name, known)}", f"kinds: {listed}"
        )
    return known[name]


def line_for(document: str, folder: Path) -> str:
    """Return the line for editors of a document, or an overlay of it, that lies in ``folder``.

    ``document`` is its dotted name; ``folder`` is relative to ``CONFIG``.
    """
    name = DOCUMENTS.get(document, document.rpartition(".")[2])
    up = Path(os.path.relpath(".schemas", folder)).as_posix()
    return f"# yaml-language-server: $schema={up}/{name}.schema.json"


def schema_files() -> dict[str, bytes]:
    """Return the schemas that documents name for editors: path below the root, and bytes."""
    return {kind.file: kind.content for kind in kinds(declarations())}


def write_for_editors(root: Path, *, lines: bool) -> Written:
    """Write the schemas that are missing or old; with ``lines`` add the lines that name them.

    A line that names another schema is told of and left alone. Raises InputError if a file cannot
    be read or written.
    """
    families = declarations()
    written: list[str] = []
    kept: list[str] = []
    try:
        for kind in kinds(families):
            path = root / kind.file
            if path.is_file() and path.read_bytes() == kind.content:
                kept.append(kind.file)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, kind.content)
            written.append(kind.file)
        found = tuple(_mended(root, line) if lines else line for line in _lines(root, families))
    except OSError as error:
        raise InputError(f"{error.filename or root}: {error.strerror}") from error
    return Written(tuple(written), tuple(kept), found)


def _lines(root: Path, families: Mapping[str, Declaration]) -> list[Line]:
    """Return the documents whose line for editors is missing or names another schema."""
    lacking = []
    files = {kind.name: kind.file for kind in kinds(families)}
    for path in sorted((root / MARKER).rglob("*.yaml")):
        relative = path.relative_to(root / MARKER)
        hidden = any(part.startswith(".") for part in relative.parts)
        slot = None if hidden else catalog.slot_of(relative, families)
        if slot is None or slot.overlay or slot.kind not in files:
            continue
        expected = Path(os.path.relpath(root / files[slot.kind], path.parent)).as_posix()
        shown = path.relative_to(root).as_posix()
        text = content(path, shown)
        if isinstance(text, Problem):
            raise InputError(f"{shown} {text.message}", text.hint)
        head = text.decode("utf-8-sig", "replace").splitlines()[:_FIRST_LINES]
        named = [found[1] for line in head if (found := _LINE.match(line))]
        if not named:
            lacking.append(Line(shown, "missing", None, expected))
        elif named[0] != expected:
            lacking.append(Line(shown, "wrong", named[0], expected))
    return lacking


def _mended(root: Path, line: Line) -> Line:
    """Put a missing line at the top of its document, in the line breaks that the document has."""
    if line.state != "missing":
        return line
    path = root / line.file
    content = path.read_bytes()
    mark = b"\xef\xbb\xbf" if content.startswith(b"\xef\xbb\xbf") else b""
    end = b"\r\n" if b"\r\n" in content else b"\n"
    text = f"# yaml-language-server: $schema={line.expected}".encode()
    write_whole(path, mark + text + end + content.removeprefix(mark))
    return Line(line.file, "added", None, line.expected)


def write_whole(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path``, whole or not at all; through a link, into what it leads to."""
    path = path.resolve()
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        temporary.write_bytes(content)
        if path.exists():
            temporary.chmod(path.stat().st_mode & 0o7777)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
