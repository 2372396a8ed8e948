r"""Bundles: what an auditor gets by mail for a run, or for chosen records, in one file.

A bundle is one canonical JSON object (RFC 8785), ended by a newline, with exactly these members:

    checkpoint   the signed checkpoint, verbatim
    entries      objects {"hashes", "index", "line"}, ascending by index: the raw line of a record
                 and its inclusion proof, hashes in base64 from the leaf up. Record 0 is always
                 there, and so is every ``key.rotated``: they say whose log it is
    format       ``repro-audit bundle v1``
    openings     objects {"path", "salt", "value"}: what some commitments in the records stand for
    timestamps   RFC 3161 responses over the checkpoint's text, DER in base64

What a commitment is, and how an opening opens it, is written in `commitment`. Digests of artifacts
stand in the records themselves.

Pure: values in, values out. What a bundle proves is judged in `bundle_report`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from repro.audit_log.errors import BundleError, CanonicalError, NoteError

from .canonical import canonical, parse
from .checkpoint import MAX_SIZE
from .commitment import Opening, is_digest
from .note_key import decode_base64
from .proof import MAX_HASHES
from .tree import HASH_SIZE

FORMAT: Final = "repro-audit bundle v1"
MAX_BUNDLE: Final = 32_000_000
"""Bytes of a bundle."""
MAX_TOKENS: Final = 16
MAX_TOKEN: Final = 65_536
"""Bytes of an RFC 3161 response."""
_MEMBERS: Final = {"checkpoint", "entries", "format", "openings", "timestamps"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A record with its place in the tree."""

    index: int
    line: bytes
    """Raw, without its newline."""
    hashes: tuple[bytes, ...]
    """From the leaf's sibling up to the root's child, 32 bytes each."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle as it was read; nothing of it has been checked."""

    checkpoint: bytes
    entries: tuple[Entry, ...]
    openings: tuple[Opening, ...]
    timestamps: tuple[bytes, ...]


def make_bundle(
    checkpoint: bytes,
    entries: Iterable[Entry],
    *,
    openings: Iterable[Mapping[str, object]] = (),
    timestamps: Iterable[bytes] = (),
) -> bytes:
    """Return the bytes of a bundle; `BundleError` if they could not be read again.

    Give record 0, every ``key.rotated`` and what is asked for, each with its inclusion proof.
    ``openings`` are objects of exactly path, salt (64 hex digits) and value.
    """
    ordered = sorted(entries, key=lambda entry: entry.index)
    try:
        value = {
            "checkpoint": checkpoint.decode(),
            "entries": [
                {
                    "hashes": [base64.b64encode(node).decode() for node in entry.hashes],
                    "index": entry.index,
                    "line": entry.line.decode(),
                }
                for entry in ordered
            ],
            "format": FORMAT,
            "openings": [dict(opening) for opening in openings],
            "timestamps": [base64.b64encode(token).decode() for token in timestamps],
        }
        data = canonical(value) + b"\n"
    except (CanonicalError, UnicodeDecodeError) as error:
        raise BundleError(f"not to be written: {error}") from None
    parse_bundle(data)
    return data


def parse_bundle(data: bytes) -> Bundle:
    """Return the bundle that ``data`` is; raise `BundleError` for any other bytes.

    The shape is checked, and nothing that it claims.
    """
    if len(data) > MAX_BUNDLE:
        raise BundleError(f"more than {MAX_BUNDLE} bytes")
    if not data.endswith(b"\n"):
        raise BundleError("it does not end in a newline: it may be cut short")
    try:
        value = parse(data[:-1])
    except CanonicalError as error:
        raise BundleError(str(error)) from None
    members = _object(value, _MEMBERS, "the bundle")
    if members["format"] != FORMAT:
        raise BundleError(f"its format is not {FORMAT!r}")
    entries = tuple(_entry(item) for item in _list(members["entries"], "entries"))
    indexes = [entry.index for entry in entries]
    if indexes != sorted(set(indexes)):
        raise BundleError("the entries do not ascend")
    if not indexes or indexes[0] != 0:
        raise BundleError("record 0, which says what log this is, is not there")
    tokens = tuple(_token(item) for item in _list(members["timestamps"], "timestamps"))
    if len(tokens) > MAX_TOKENS:
        raise BundleError(f"more than {MAX_TOKENS} timestamps")
    openings = tuple(_opening(item) for item in _list(members["openings"], "openings"))
    return Bundle(_text(members["checkpoint"], "checkpoint"), entries, openings, tokens)


def _entry(value: object) -> Entry:
    members = _object(value, {"hashes", "index", "line"}, "an entry")
    index = members["index"]
    if type(index) is not int or not 0 <= index <= MAX_SIZE:
        raise BundleError(f"an entry's index is {index!r}, not a number from 0 on")
    where = f"entry {index}"
    hashes = _list(members["hashes"], f"{where}: hashes")
    if len(hashes) > MAX_HASHES:
        raise BundleError(f"{where}: more than {MAX_HASHES} hashes")
    nodes = tuple(_base64(node, f"hash of {where}") for node in hashes)
    if any(len(node) != HASH_SIZE for node in nodes):
        raise BundleError(f"{where}: a hash that is not of {HASH_SIZE} bytes")
    return Entry(index, _text(members["line"], f"{where}: line"), nodes)


def _opening(value: object) -> Opening:
    members = _object(value, {"path", "salt", "value"}, "an opening")
    path, salt = members["path"], members["salt"]
    if not isinstance(path, str):
        raise BundleError("an opening's path is not a string")
    if not is_digest(salt):
        raise BundleError(f"the salt of {path[:80]!r} is not 64 lower-case hexadecimal digits")
    return Opening(path, str(salt), members["value"])


def _token(value: object) -> bytes:
    token = _base64(value, "timestamp")
    if not 1 <= len(token) <= MAX_TOKEN:
        raise BundleError(f"a timestamp of {len(token)} bytes, not of 1 to {MAX_TOKEN}")
    return token


def _object(value: object, keys: set[str], what: str) -> Mapping[str, object]:
    if not isinstance(value, dict) or value.keys() != keys:
        raise BundleError(f"{what} is not an object of exactly {', '.join(sorted(keys))}")
    return value


def _list(value: object, what: str) -> Sequence[object]:
    if not isinstance(value, list):
        raise BundleError(f"{what} is not a list")
    return value


def _text(value: object, what: str) -> bytes:
    if not isinstance(value, str):
        raise BundleError(f"{what} is not a string")
    return value.encode()


def _base64(value: object, what: str) -> bytes:
    if not isinstance(value, str):
        raise BundleError(f"a {what} is not a string")
    try:
        return decode_base64(value, what)
    except NoteError as error:
        raise BundleError(str(error)) from None
