"""What kind of document a file is that no ``CONFIG`` folder tells the place of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from repro.config.documents.catalog import DOCUMENTS, EXPERIMENT, Slot, Trainer
from repro.config.documents.tree import document_problems
from repro.config.spelling.names import suggestion
from repro.config.text.document import Document, parse
from repro.errors import Place, Problem, ProblemsError, UsageError

_MODELINE = re.compile(r"#\s*yaml-language-server:\s*\$schema=(\S+)")
_HEAD = 20
"""Lines in which the editor's line is looked for."""
_ENDING = ".schema.json"


@dataclass(slots=True)
class Fragments:
    """Documents by themselves: what is in them is checked, not whether all is there.

    ``kind`` is what ``--kind`` says: the kind of each, whatever its name. Raises UsageError if
    there is no such kind.
    """

    families: Mapping[str, Trainer]
    kind: str | None = None
    known: dict[str, str] = field(init=False)
    """Each kind as people write it, with the catalogue's name of it."""

    def __post_init__(self) -> None:
        """Refuse a kind that does not exist."""
        known = self.known = kinds(self.families)
        if self.kind is not None and self.kind not in known:
            raise UsageError(
                f"no such kind of document: {self.kind!r}{suggestion(self.kind, known)}",
                f"kinds: {', '.join(known)}",
            )

    def check(
        self, content: bytes, shown: str, kind: str | None = None
    ) -> tuple[bool, tuple[Problem, ...]]:
        """Return whether ``content`` is a document at all, and all problems of it.

        ``kind`` is what is known of its place; without it ``--kind``, the line for editors, or its
        name decides.
        """
        try:
            document = parse(content, shown)
        except ProblemsError as error:
            return False, error.problems
        found = kind or self._kind_of(document)
        if isinstance(found, Problem):
            return True, (found,)
        slot = Slot("", self.known[found], overlay=True)
        return True, tuple(document_problems(document, slot, self.families, whole=False))

    def _kind_of(self, document: Document) -> str | Problem:
        known = self.known
        if self.kind is not None:
            return self.kind
        for number, line in enumerate(document.lines[:_HEAD], 1):
            if found := _MODELINE.search(line):
                name = PurePath(found[1]).name.removesuffix(_ENDING)
                if name in known:
                    return name
                place = Place(document.file, number, found.start(1) + 1, found.end(1) + 1)
                message = f"names no schema of ours: {found[1]!r}{suggestion(name, known)}"
                return _unknown(place, message, known, line)
        stem = PurePath(document.file).stem
        fitting = [kind for kind in known if stem == kind or stem.startswith(kind + "_")]
        if fitting:
            return max(fitting, key=len)
        message = "nothing says which kind of document this is"
        return _unknown(Place(document.file, 1, 1, 1), message, known, None)


def kinds(families: Mapping[str, Trainer]) -> dict[str, str]:
    """Return each kind as people write it, with the catalogue's name of it; a family is a kind."""
    own = {kind: kind for kind in (*DOCUMENTS.values(), EXPERIMENT)}
    return own | {family: f"model:{family}" for family in sorted(families)}


def _unknown(place: Place, message: str, known: Mapping[str, str], source: str | None) -> Problem:
    hint = f"give --kind, or name the file after one: {', '.join(known)}"
    return Problem(place, "", message, "kind", hint, source)
