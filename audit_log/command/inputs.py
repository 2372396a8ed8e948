"""What the command reads: the files that are judged, and what the auditor trusts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from repro.audit_log.errors import NoteError, PolicyError
from repro.audit_log.formats.note_key import Verifier, parse_vkey
from repro.audit_log.formats.policy import Policy, policy_of_keys
from repro.audit_log.formats.policy_file import MAX_POLICY, parse_policy

MAX_KEYS: Final = 1_000_000
"""Bytes in a file of keys."""


class UsageError(Exception):
    """What the auditor gave cannot be used: a file, a key, a policy."""


def read(name: str, limit: int) -> bytes:
    """Return the bytes of a file, and at most one more than ``limit``, for its parser to refuse."""
    try:
        with Path(name).open("rb") as file:
            return file.read(limit + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"cannot read {name}: {reason}") from None


def read_keys(given: Sequence[str]) -> tuple[Verifier, ...]:
    """Return the keys that options name: the text of a key, or a file with one on each line."""
    return tuple(_key(text) for text in key_texts(given))


def key_texts(given: Sequence[str]) -> list[str]:
    """Return the texts of the keys that options name, not parsed yet."""
    found: list[str] = []
    for text in given:
        if text.count("+") >= 2 and not _is_file(text):
            found.append(text)
            continue
        data = read(text, MAX_KEYS)
        if len(data) > MAX_KEYS:
            raise UsageError(f"{text} has more than {MAX_KEYS} bytes")
        lines = data.decode("utf-8", "replace").split("\n")
        found.extend(line.strip() for line in lines if line.strip())
    return found


def read_trust(policy: str | None, vkeys: Sequence[str]) -> Policy | None:
    """Return what the auditor trusts; None if nothing was given."""
    if policy is not None:
        try:
            return parse_policy(read(policy, MAX_POLICY))
        except PolicyError as error:
            raise UsageError(f"{policy}: {error}") from None
    keys = read_keys(vkeys)
    try:
        return policy_of_keys(keys) if keys else None
    except PolicyError as error:
        raise UsageError(str(error)) from None


def _key(text: str) -> Verifier:
    try:
        return parse_vkey(text)
    except NoteError as error:
        shown = text if len(text) <= 100 else f"{text[:100]}…"
        raise UsageError(f"not a public key: {shown!r} ({error})") from None


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # the text of a long key is too long for a name
        return False
