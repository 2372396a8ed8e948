"""The operator's own policy: which witnesses the log asks, and how many of them are enough.

It is the file ``policy`` beside the private key, in the format of C2SP tlog-policy, so that it can
be handed to a verifier as it is:

    log repro.log/5f0c…+8a1c…+AQ…                      the keys of the log that are in force
    witness w1-0x04 witness.example+8a1c…+BA… http…    a witness with two keys counts once:
    witness w1-0x06 witness.example+03ff…+Bg… http…
    group w1 any w1-0x04 w1-0x06
    witness w2 other.example+11aa…+BA… http…
    group quorum all w1 w2                             `any`, `all` or a number
    quorum quorum                                      this group, one witness, or `none`

A file that somebody has written by hand is used as it is, and not changed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from repro.audit_log.disk.sync import read_small, replace
from repro.audit_log.errors import PolicyError
from repro.audit_log.formats.note_key import Verifier, format_vkey
from repro.audit_log.formats.policy import Policy
from repro.audit_log.formats.policy_file import MAX_POLICY, parse_policy
from repro.errors import InputError, UsageError
from repro.verbs.audit.log import POLICY

NONE: Final = "none"
ENOUGH: Final = "quorum"
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9._/-]{0,99}")
_WORDS: Final = frozenset({NONE, "any", "all", ENOUGH})


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness, under the name that the operator calls it by."""

    name: str
    keys: tuple[Verifier, ...]
    """Of kinds 0x04 and 0x06, one of each at most, all with one key name."""
    url: str | None
    """Where it is asked; None if it is not."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What the policy says, apart from whose log it is."""

    witnesses: tuple[Witness, ...] = ()
    quorum: str = "all"
    """``none``, ``any``, ``all``, a number, or the name of one witness."""

    def named(self, name: str) -> Witness:
        """Return a witness; UsageError if there is none of that name."""
        for witness in self.witnesses:
            if witness.name == name:
                return witness
        known = ", ".join(witness.name for witness in self.witnesses) or "none yet"
        raise UsageError(f"no witness is called {name!r}", f"the witnesses of this log: {known}")


def require_name(name: str) -> None:
    """Raise UsageError unless ``name`` can be that of a witness in a policy."""
    if not _NAME.fullmatch(name) or name in _WORDS:
        raise UsageError(
            f"not a name for a witness: {name!r}",
            "a letter, then letters, digits and . _ / -; none, any, all and quorum are taken",
        )


def format_arrangement(arrangement: Arrangement, log: Sequence[Verifier]) -> bytes:
    """Return the policy file that says ``arrangement`` of the log with these keys."""
    lines = [f"log {format_vkey(key)}" for key in log]
    for witness in arrangement.witnesses:
        url = f" {witness.url}" if witness.url else ""
        names = [witness.name]
        if len(witness.keys) > 1:
            names = [f"{witness.name}-0x{key.kind:02x}" for key in witness.keys]
        for name, key in zip(names, witness.keys, strict=True):
            lines.append(f"witness {name} {format_vkey(key)}{url}")
        if len(names) > 1:
            lines.append(f"group {witness.name} any {' '.join(names)}")
    rule = arrangement.quorum
    if rule in ("any", "all") or rule.isdigit():
        members = " ".join(witness.name for witness in arrangement.witnesses)
        lines.append(f"group {ENOUGH} {rule} {members}")
        rule = ENOUGH
    lines.append(f"quorum {rule}")
    return "".join(f"{line}\n" for line in lines).encode()


def read_policy(directory: Path) -> Policy | None:
    """Return the policy beside a key; None if there is none, InputError if it cannot be used."""
    data = _read(directory)
    return None if data is None else _parse(directory, data)


def read_arrangement(directory: Path) -> Arrangement:
    """Return what the policy beside a key says; InputError if it was written by hand."""
    data = _read(directory)
    if data is None:
        return Arrangement()
    policy = _parse(directory, data)
    found: dict[str, list[tuple[Verifier, str | None]]] = {}
    for known in policy.witnesses:
        of = (g.name for g in policy.groups if known.name in g.members)
        name = next((n for n in of if n != ENOUGH.encode()), known.name).decode("utf-8", "replace")
        url = None if known.url is None else known.url.decode("utf-8", "replace")
        found.setdefault(name, []).append((known.verifier, url))
    witnesses = tuple(
        Witness(name, tuple(key for key, _ in held), held[0][1]) for name, held in found.items()
    )
    arrangement = Arrangement(witnesses, _rule(policy, data))
    if format_arrangement(arrangement, [log.verifier for log in policy.logs]) != data:
        raise InputError(
            f"{directory / POLICY} was written by hand, and says more than can be kept here",
            "change it there; it is used as it is",
        )
    return arrangement


def write_arrangement(directory: Path, arrangement: Arrangement, log: Sequence[Verifier]) -> None:
    """Put the policy beside the key, durable on return; the key's lock is held.

    What would not be read back is refused (UsageError); the file that was there stays then.
    """
    data = format_arrangement(arrangement, log)
    try:
        parse_policy(data)
    except PolicyError as error:
        raise UsageError(f"that makes no policy: {error.problem}", error.hint) from None
    try:
        replace(directory / POLICY, data, 0o600)
    except OSError as error:
        raise InputError(
            f"cannot write {directory / POLICY}: {error.strerror}",
            "it lies beside the log's private key",
        ) from error


def _rule(policy: Policy, data: bytes) -> str:
    """Return the rule of the quorum as it was written: a parsed policy knows numbers alone."""
    if policy.quorum != ENOUGH.encode():
        return policy.quorum.decode("utf-8", "replace")
    begin = f"group {ENOUGH} ".encode()
    line = next((line for line in data.split(b"\n") if line.startswith(begin)), b"")
    return line.removeprefix(begin).partition(b" ")[0].decode("utf-8", "replace")


def _read(directory: Path) -> bytes | None:
    path = directory / POLICY
    try:
        return read_small(path, MAX_POLICY + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror or error}",
            "it names the witnesses of this log; make it readable, or remove it",
        ) from error


def _parse(directory: Path, data: bytes) -> Policy:
    try:
        return parse_policy(data)
    except PolicyError as error:
        raise InputError(f"{directory / POLICY}: {error.problem}", error.hint) from None
