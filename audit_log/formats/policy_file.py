"""The file of a policy (C2SP tlog-policy): bytes in, a `Policy` out, or what is wrong and where.

What a policy is, is written in `policy`.
"""

from __future__ import annotations

import re
from collections.abc import Sized
from dataclasses import dataclass, field
from typing import Final

from repro.audit_log.errors import NoteError, PolicyError

from .note_key import COSIGNATURES, KINDS, Verifier, parse_vkey
from .policy import LOG_KINDS, NONE, Group, KnownLog, KnownWitness, Policy, shown, underlying

MAX_POLICY: Final = 1_000_000
"""Bytes in a policy file."""
MAX_ITEMS: Final = 1_000
"""Logs, witnesses or groups in a policy; the specification recommends at least 32 of each."""

_FOREIGN: Final = re.compile(rb"[^\t\n\x20-\x7e\x80-\xff]")
_SPACE: Final = re.compile(rb"[ \t]+")
_THRESHOLD: Final = re.compile(rb"[1-9][0-9]{0,8}")


def parse_policy(data: bytes) -> Policy:
    """Return the policy that a file's bytes spell; raise `PolicyError` for any other bytes."""
    if len(data) > MAX_POLICY:
        raise PolicyError(f"more than {MAX_POLICY} bytes", "list fewer logs and witnesses")
    foreign = _FOREIGN.search(data)
    if foreign is not None:
        number = data.count(b"\n", 0, foreign.start()) + 1
        octet = foreign.group()[0]
        hint = "save the file with plain newlines" if octet == 0x0D else "remove it"
        raise PolicyError(f"the octet 0x{octet:02x} is not allowed", hint, number)
    *lines, rest = data.split(b"\n")
    if rest:
        raise PolicyError(
            "the last line does not end in a newline",
            "add one if the file is whole; it may have been cut short",
            len(lines) + 1,
        )
    draft = _Draft()
    for number, line in enumerate(lines, 1):
        draft.number = number
        line = line.strip(b" \t")
        if line and not line.startswith(b"#"):
            draft.read(*_SPACE.split(line))
    return draft.policy()


@dataclass(slots=True)
class _Draft:
    """A policy of which some lines have been read."""

    number: int = 0
    logs: dict[tuple[bool, bytes], KnownLog] = field(default_factory=dict)
    """By public key, and whether that is a key of ML-DSA-44."""
    witnesses: dict[tuple[bool, bytes], KnownWitness] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)
    names: dict[bytes, int] = field(default_factory=dict)
    """Every name, with the line that defines it."""
    members: dict[bytes, int] = field(default_factory=dict)
    """Every name that is in a group, with the line of that group."""
    places: dict[tuple[str, bytes], Verifier] = field(default_factory=dict)
    quorum: tuple[bytes, int] | None = None

    def read(self, keyword: bytes, *items: bytes) -> None:
        match keyword, items:
            case b"log", (vkey, *url) if len(url) <= 1:
                self._log(vkey, *url)
            case b"witness", (name, vkey, *url) if len(url) <= 1:
                self._witness(name, vkey, *url)
            case b"group", (name, threshold, _, *_):
                self._group(name, threshold, items[2:])
            case b"quorum", (name,):
                self._quorum(name)
            case _:
                self._refuse_shape(keyword)

    def policy(self) -> Policy:
        if self.quorum is None:
            raise PolicyError("no quorum line", "say which witnesses are enough, or `quorum none`")
        logs, witnesses = tuple(self.logs.values()), tuple(self.witnesses.values())
        return Policy(logs, witnesses, tuple(self.groups), self.quorum[0])

    def _log(self, vkey: bytes, url: bytes | None = None) -> None:
        verifier = self._key(vkey)
        if verifier.kind not in LOG_KINDS:
            raise self._error(
                f"a log does not sign with a key of type 0x{verifier.kind:02x} "
                f"({KINDS[verifier.kind]})",
                "give its key of type 0x01 or 0x06; a witness's key belongs in a witness line",
            )
        place = underlying(verifier)
        if place in self.logs:
            raise self._error("a log with this public key is already there", "remove one of them")
        self.logs[place] = KnownLog(verifier, url)
        self._count(self.logs, "logs")

    def _witness(self, name: bytes, vkey: bytes, url: bytes | None = None) -> None:
        verifier = self._key(vkey)
        if verifier.kind not in COSIGNATURES:
            raise self._error(
                f"a witness does not cosign with a key of type 0x{verifier.kind:02x} "
                f"({KINDS[verifier.kind]})",
                "give its key of type 0x04 or 0x06",
            )
        place = underlying(verifier)
        if place in self.witnesses:
            first = shown(self.witnesses[place].name)
            raise self._error(
                f"witness {first} has this public key already", "remove one of the two"
            )
        self._define(name)
        self.witnesses[place] = KnownWitness(name, verifier, url)
        self._count(self.witnesses, "witnesses")

    def _group(self, name: bytes, threshold: bytes, members: tuple[bytes, ...]) -> None:
        for member in members:
            if member not in self.names:
                raise self._error(
                    f"{shown(member)} is not defined before this line",
                    "define each member above its group (`none` cannot be one)",
                )
            if member in self.members:
                raise self._error(
                    f"{shown(member)} is a member in line {self.members[member]} already",
                    "list each name in one group, once",
                )
            self.members[member] = self.number
        self._define(name)
        self.groups.append(Group(name, self._threshold(threshold, len(members)), members))
        self._count(self.groups, "groups")

    def _quorum(self, name: bytes) -> None:
        if self.quorum is not None:
            raise self._error(f"line {self.quorum[1]} is a quorum already", "keep one of the two")
        if name != NONE and name not in self.names:
            raise self._error(
                f"{shown(name)} is not defined before this line",
                "name a witness or a group from above, or none",
            )
        self.quorum = name, self.number

    def _threshold(self, text: bytes, count: int) -> int:
        if text in (b"any", b"all"):
            return 1 if text == b"any" else count
        if not _THRESHOLD.fullmatch(text) or not 1 <= int(text) <= count:
            raise self._error(
                f"{shown(text)} is not how many of {count} members",
                f"write any, all, or a number from 1 to {count}",
            )
        return int(text)

    def _define(self, name: bytes) -> None:
        if name == NONE:
            raise self._error("the name 'none' is taken: it means no witness", "choose another")
        if name in self.names:
            raise self._error(
                f"{shown(name)} is defined in line {self.names[name]} already",
                "choose another name",
            )
        self.names[name] = self.number

    def _key(self, vkey: bytes) -> Verifier:
        try:
            verifier = parse_vkey(vkey.decode())
        except (NoteError, UnicodeDecodeError) as error:
            reason = "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
            raise self._error(
                f"not a public key ({reason})", "copy the key's text NAME+ID+BASE64 again"
            ) from None
        place = (verifier.name, verifier.key_id)
        if self.places.setdefault(place, verifier) != verifier:
            raise self._error("another key has this name and key id", "remove one of them")
        return verifier

    def _count(self, items: Sized, what: str) -> None:
        if len(items) > MAX_ITEMS:
            raise self._error(f"more than {MAX_ITEMS} {what}", "list fewer")

    def _refuse_shape(self, keyword: bytes) -> None:
        shape = {
            b"log": "log VKEY [URL]",
            b"witness": "witness NAME VKEY [URL]",
            b"group": "group NAME any|all|K MEMBER…",
            b"quorum": "quorum NAME",
        }.get(keyword)
        if shape is None:
            raise self._error(
                f"{shown(keyword)} begins no line of a policy",
                "a line begins with log, witness, group, quorum or #",
            )
        raise self._error(
            f"not of the form `{shape}`", "correct it; a comment needs a line of its own"
        )

    def _error(self, problem: str, hint: str) -> PolicyError:
        return PolicyError(problem, hint, self.number)
