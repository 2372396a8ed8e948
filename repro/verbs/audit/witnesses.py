"""``repro audit witness add · remove · list · quorum``: whom the log asks for cosignatures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from repro.audit_log.disk.sync import sync_directory
from repro.audit_log.errors import NoteError
from repro.audit_log.formats.note_key import COSIGNATURES, KINDS, Verifier, parse_vkey
from repro.audit_log.keys.keystore import KeyStore
from repro.errors import InputError, UsageError
from repro.verbs.audit.arrangement import (
    NONE,
    Arrangement,
    Witness,
    read_arrangement,
    require_name,
    write_arrangement,
)
from repro.verbs.audit.log import POLICY, origin_here


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Whom a log asks."""

    origin: str
    file: Path
    arrangement: Arrangement


def listed(root: Path) -> Witnesses:
    """Return the witnesses of the workspace's log."""
    directory, origin = _beside_key(root)
    return Witnesses(origin, directory / POLICY, read_arrangement(directory))


def add(root: Path, name: str, vkeys: Sequence[str], url: str) -> Witnesses:
    """Let the log ask a witness; return whom it asks now.

    UsageError for a name that is taken, keys that no witness has, or a URL that cannot be asked.
    """
    require_name(name)
    keys = cosigner_keys(vkeys)
    require_url(url)

    def change(held: Arrangement) -> Arrangement:
        if any(witness.name == name for witness in held.witnesses):
            raise UsageError(
                f"there is a witness {name!r} already",
                f"to change it: repro audit witness remove {name}, then add it again",
            )
        return replace(held, witnesses=(*held.witnesses, Witness(name, keys, url)))

    return _change(root, change)


def remove(root: Path, name: str) -> Witnesses:
    """Let the log no longer ask a witness; UsageError if the quorum could not be met without it."""

    def change(held: Arrangement) -> Arrangement:
        gone, rule = held.named(name), held.quorum
        left = tuple(witness for witness in held.witnesses if witness != gone)
        if left and (rule == name or (rule.isdigit() and int(rule) > len(left))):
            raise UsageError(
                f"the quorum is {rule!r}, which needs {name!r}",
                "choose another first: repro audit witness quorum all",
            )
        return replace(held, witnesses=left)

    return _change(root, change)


def set_quorum(root: Path, rule: str) -> Witnesses:
    """Say which witnesses are enough: ``none``, ``any``, ``all``, a number, or a witness' name."""

    def change(held: Arrangement) -> Arrangement:
        count = len(held.witnesses)
        if not count:
            raise UsageError(
                "this log has no witness", "add one first: repro audit witness add NAME VKEY… URL"
            )
        if rule.isascii() and rule.isdigit():
            if rule.startswith("0") or len(rule) > 9 or int(rule) > count:
                raise UsageError(f"{rule} of {count} witnesses makes no quorum", f"1 to {count}")
        elif rule not in (NONE, "any", "all"):
            held.named(rule)
        return replace(held, quorum=rule)

    return _change(root, change)


def refresh(root: Path) -> None:
    """Name the log's keys in force in its policy, if it has one that was not written by hand."""
    directory, _ = _beside_key(root)
    if (directory / POLICY).exists():
        _change(root, lambda held: held)


def cosigner_keys(vkeys: Sequence[str]) -> tuple[Verifier, ...]:
    """Return the keys of one witness, 0x04 before 0x06; UsageError unless they are that."""
    keys = tuple(sorted(map(_key, vkeys), key=lambda key: key.kind))
    for key in keys:
        if key.kind not in COSIGNATURES:
            raise UsageError(
                f"a witness does not cosign with a key of type 0x{key.kind:02x} "
                f"({KINDS[key.kind]})",
                "give its keys of type 0x04 or 0x06, as `repro audit witness new` prints them",
            )
    if not keys or len({key.name for key in keys}) > 1:
        raise UsageError(
            f"the keys of one witness have one name, and there are {len({k.name for k in keys})}",
            "add each witness under a name of its own",
        )
    if len({key.kind for key in keys}) < len(keys):
        raise UsageError(
            f"two keys of one type for {keys[0].name}", "a witness has one key of each type"
        )
    return keys


def require_url(url: str) -> None:
    """Raise UsageError unless ``url`` is one under which a witness can be asked."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or not url.isascii() or not url.isprintable() or " " in url or "@" in url:
        raise UsageError(
            f"not a URL that can be asked: {url!r}",
            "it begins with http:// or https://, as in https://witness.example.com",
        )
    if parts.query or parts.fragment:
        raise UsageError(f"not the prefix of a URL: {url!r}", "leave out what begins with ? or #")


def _key(vkey: str) -> Verifier:
    try:
        return parse_vkey(vkey)
    except NoteError as error:
        raise UsageError(
            f"not a public key: {error}", "copy the key's text NAME+ID+BASE64 again"
        ) from None


def _change(root: Path, change: Callable[[Arrangement], Arrangement]) -> Witnesses:
    directory, origin = _beside_key(root)
    store = KeyStore.default()
    keys = store.public(origin)
    with store.exclusive(origin):
        changed = change(read_arrangement(directory))
        if changed.witnesses:
            write_arrangement(directory, changed, keys)
        else:
            changed = Arrangement()
            try:
                (directory / POLICY).unlink(missing_ok=True)
                sync_directory(directory)
            except OSError as error:
                raise InputError(f"cannot remove {directory / POLICY}: {error.strerror}") from error
    return Witnesses(origin, directory / POLICY, changed)


def _beside_key(root: Path) -> tuple[Path, str]:
    origin = origin_here(root)
    directory = KeyStore.default().directory(origin)
    if not directory.is_dir():
        raise InputError(
            f"no key of {origin} is here: looked for {directory}",
            "the witnesses of a log are kept beside its key: set REPRO_KEYS to where that lies",
        )
    return directory, origin
