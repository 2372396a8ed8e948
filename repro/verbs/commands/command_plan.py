"""The plan of a command: what is known before it runs, its execution key, and its records."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from repro.audit_log.formats.canonical import canonical
from repro.audit_log.formats.commitment import Redactable
from repro.audit_log.formats.digests import digest_bytes, payload_digest
from repro.errors import InputError, UsageError
from repro.execution.environment import INHERITED
from repro.facts.contents import Content, State, content_of, states_at
from repro.identity.keys import exact, output_digest
from repro.runs import layout

SCHEMA: Final = 1
LONGEST_LIST: Final = 12_000
"""Bytes of a list that a record holds; of a longer one it holds the digest alone."""
EXECUTABLE: Final = "EXECUTABLE"
"""What the command's own file is called, where it was changed."""
UNRECORDED: Final = frozenset({"other", "terminal"})
"""Kinds of standard input that nobody can read again."""
STANDARD_INPUT: Final = "-"
"""What the standard input is called among the inputs, where it is a file."""


@dataclass(frozen=True, slots=True)
class Input:
    """Something that is read: what it is called in the log, where it lies, what it is."""

    name: str
    path: Path
    content: Content
    declared: bool
    """Whether the user said so; else an argument of the command names it."""
    states: Mapping[str, State] = field(default_factory=dict, compare=False, repr=False)
    """What the file system said of it, or of each file in it, before it was digested."""

    def facts(self) -> dict[str, Any]:
        """Return what is recorded."""
        return {"name": self.name, "declared": self.declared, **self.content.facts()}

    @property
    def is_touched(self) -> bool:
        """Return whether the file system says that something was done to it since.

        That is no change of what it holds: it may have been swapped for another and put back.
        """
        return dict(self.states) != states_at(self.path)

    def now(self) -> Input | None:
        """Return it as it is now; None if it cannot be read any more."""
        try:
            again = content_of(self.path, self.name, sha256=self.content.sha256 is not None)
            return replace(self, content=again)
        except InputError:
            return None


@dataclass(frozen=True, slots=True)
class CommandPlan:
    """Everything that is known of a command before it runs."""

    arguments: tuple[str, ...]
    """The command and its arguments."""
    hidden: bool
    """Whether the arguments are kept out of the log."""
    executable: Content
    directory: str | None
    """Where it runs, below the workspace; None if that is outside of it."""
    stdin: str
    """``file``, ``nothing``, ``terminal``, or ``other``."""
    inputs: tuple[Input, ...]
    outputs: Mapping[str, Path]
    """What it is to write, by name."""
    level: str
    threads: int
    seconds: float | None
    """How long it may take; None for any time."""
    settings: Mapping[str, str]
    """The variables that are set for it; no value names a place of this machine."""
    inherited: Mapping[str, str]
    """Digests of the variables that are kept."""
    cpu: str | None
    """The name of the processor."""
    git: Mapping[str, Any] | None
    """Commit of the working directory and whether it is clean; None outside of a repository."""

    @property
    def execution_key(self) -> str | None:
        """Return the digest of all that is known to decide the bits.

        None where arguments are hidden: under a digest of what is short anybody could try them.
        """
        if self.hidden:
            return None
        payload = {
            "schema": SCHEMA,
            "arguments": list(self.arguments),
            "executable": self.executable.blake3,
            "directory": self.directory,
            "inputs": [[one.name, one.content.blake3] for one in self.inputs],
            "outputs": sorted(self.outputs),
            "settings": dict(self.settings),
            "inherited": dict(self.inherited),
            "cpu": self.cpu,
        }
        return payload_digest("repro-audit v1 identity command", payload)

    @property
    def is_promised(self) -> bool:
        """Return whether whoever runs it again under this key must get the same bits."""
        return self.level != "best-effort" and not self.hidden and self.stdin not in UNRECORDED


@dataclass(frozen=True, slots=True)
class Found:
    """What was found once a command had ended."""

    outputs: Mapping[str, Content]
    missing: tuple[str, ...]
    """Declared outputs that are not there, or cannot be read."""
    untouched: tuple[str, ...]
    """Those that were there before, and of which it wrote nothing: they say nothing of it."""
    changed: tuple[Input, ...]
    """Inputs that are not what they were."""
    touched: tuple[Input, ...]
    """Inputs that hold what they held, and to which something was done meanwhile."""
    undeclared: tuple[str, ...] | None
    """Files below the working directory that it touched and nobody declared; None: not looked."""

    @property
    def violations(self) -> tuple[str, ...]:
        """Return the declared inputs that were changed."""
        return tuple(one.name for one in self.changed if one.declared)

    @property
    def output_digest(self) -> str:
        """Return the digest over everything that came out, by name."""
        return output_digest({name: found.blake3 for name, found in self.outputs.items()})


def planned(plan: CommandPlan, name: str) -> dict[str, Any]:
    """Return the body of ``command.planned``."""
    arguments = listed("arguments", plan.arguments)
    if plan.hidden:
        arguments = {"count": len(plan.arguments), "hidden": Redactable(arguments)}
    return {
        "run": name,
        "execution_key": plan.execution_key,
        "promised": plan.is_promised,
        "level": plan.level,
        "threads": plan.threads,
        "time_limit_seconds": plan.seconds,
        "arguments": arguments,
        "executable": exact(plan.executable.facts()),
        "directory": plan.directory,
        "stdin": plan.stdin,
        "inputs": listed("inputs", [one.facts() for one in plan.inputs]),
        "outputs": listed("outputs", sorted(plan.outputs)),
        "settings": dict(plan.settings),
        "inherited": dict(plan.inherited),
        "cpu": plan.cpu,
        "git": plan.git,
    }


def listed(what: str, values: Sequence[Any]) -> dict[str, Any]:
    """Return how many ``values`` there are, their digest, and themselves if they are short."""
    shown = exact(list(values))
    body = {"count": len(shown), "digest": payload_digest(f"repro-audit v1 {what}", shown)}
    return body | ({"list": shown} if len(canonical(shown)) <= LONGEST_LIST else {})


def require_words(arguments: Sequence[str], what: str = "an argument") -> None:
    """Raise UsageError for a text that is not UTF-8, and so cannot be recorded exactly."""
    for text in arguments:
        try:
            text.encode()
        except UnicodeEncodeError:
            shown = text.encode("utf-8", "backslashreplace").decode()
            raise UsageError(f"{what} is not UTF-8, so no record can hold it: {shown}") from None


def inherited_digests(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the digest of each variable that a command keeps of ours."""
    return {
        name: digest_bytes(os.fsencode(environ[name])).blake3
        for name in INHERITED
        if name in environ
    }


def named(text: str, root: Path, place: Path) -> tuple[str, Path]:
    """Return what a path is called in the log, and where it lies, links as they are.

    Below the workspace it is called by its path from there, elsewhere as it was typed. Where a link
    stands before ``..``, the two cannot just be struck out: then it lies where the system goes.
    """
    path = Path(os.path.normpath(place / text))
    real = os.path.realpath(place / text)
    if os.path.realpath(path) != real:
        path = Path(real)
    if path.is_relative_to(root):
        return path.relative_to(root).as_posix(), path
    return text, path


def inputs_of(
    declared: Sequence[str],
    arguments: Sequence[str],
    outputs: Mapping[str, Path],
    root: Path,
    place: Path,
    *,
    sha256: bool,
) -> tuple[Input, ...]:
    """Return what a command reads: what is declared, and each file that an argument names.

    An argument names a file if it is its path, or if that stands behind its first equals sign.
    Raises InputError for a declared input that cannot be read.
    """
    found: dict[str, Input] = {}
    for text in declared:
        name, path = named(text, root, place)
        found[name] = _input(name, path, text, declared=True, sha256=sha256)
    known = [os.path.realpath(path) for path in outputs.values()]
    known += [os.path.realpath(one.path) for one in found.values()]
    for argument in arguments:
        for text in (argument, argument.partition("=")[2]):
            name, path = named(text, root, place)
            if not text or name in found or not _is_file(path):
                continue
            if not any(is_within(os.path.realpath(path), other) for other in known):
                with suppress(InputError):  # what cannot be read is no input
                    found[name] = _input(name, path, text, declared=False, sha256=sha256)
    return tuple(found[name] for name in sorted(found))


def _input(name: str, path: Path, shown: str, *, declared: bool, sha256: bool) -> Input:
    """Return an input, looked at before it is digested; raises as ``content_of``."""
    states = states_at(path)
    return Input(name, path, content_of(path, shown, sha256=sha256), declared, states)


def standard_input(*, sha256: bool) -> tuple[str, tuple[Input, ...]]:
    """Return what the standard input is; a file that is read from its beginning is an input too."""
    try:
        seen = os.fstat(0)
    except OSError:
        return "nothing", ()
    if os.isatty(0):
        return "terminal", ()
    if stat.S_ISCHR(seen.st_mode) and os.path.samestat(seen, Path(os.devnull).stat()):
        return "nothing", ()
    if not stat.S_ISREG(seen.st_mode) or os.lseek(0, 0, os.SEEK_CUR) != 0:
        return "other", ()
    path = Path("/dev/fd/0")
    try:
        return "file", (_input(STANDARD_INPUT, path, "stdin", declared=True, sha256=sha256),)
    except InputError:
        return "other", ()


def require_apart(
    inputs: Sequence[str], outputs: Sequence[str], log: Path, results: Path, place: Path
) -> None:
    """Raise UsageError where an output lies in an input or is one, or in the log, or the reverse.

    What is written while the command runs cannot be an input, and neither can what we write then.
    """
    for output in outputs:
        written = os.path.realpath(place / output)
        for one in inputs:
            read = os.path.realpath(place / one)
            if is_within(written, read) or is_within(read, written):
                raise UsageError(
                    f"--output {output} and --input {one} overlap",
                    "an input must be the same when the command has ended: name what is only read",
                )
        for ours, what in ((log, "the log lies"), (results, "sealed runs lie")):
            if is_within(written, str(ours)) or is_within(str(ours), written):
                raise UsageError(f"--output {output}: {what} there", "write elsewhere")
    for one in inputs:
        for ours in (log, results / layout.STAGING):
            if is_within(str(ours), os.path.realpath(place / one)):
                raise UsageError(
                    f"--input {one}: it holds {ours.name}, which changes with every command",
                    "name what is in it that the command reads",
                )


def is_within(inner: str, outer: str) -> bool:
    """Return whether the path ``inner`` is ``outer`` or lies in it."""
    return Path(inner).is_relative_to(outer)


def _is_file(path: Path) -> bool:
    """Return whether a path is a file's; of any text, also of one that can be no path."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
