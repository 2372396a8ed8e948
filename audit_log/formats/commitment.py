"""Values that may have to be forgotten: a commitment in the record, its opening outside the log.

In place of such a value a record holds the object ``{"commitment": "<64 hex>"}``, which is

    BLAKE3 derive-key, context ``repro-audit v1 commitment``, over
    32 random bytes ‖ canonical JSON of [path, value]

The *opening* is ``{"path", "salt", "value"}`` as canonical JSON, the salt in hex. Without it nobody
can find the value by trying: the salt is as long as the digest. With it anybody can check what
stood there. ``path`` is the place of the value in its record, keys and numbers joined by dots
(``actor``, ``body.reason``, ``body.people.0.name``): an opening opens one place and no other.

In a canonical line the bytes ``{"commitment":"`` 64 hexadecimal digits ``"}`` are such an object,
wherever they stand, and nothing else is: a quotation mark inside a string is escaped.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from blake3 import blake3

from repro.audit_log.errors import CanonicalError, OpeningError, RecordError

from .canonical import MAX_DEPTH, canonical, parse

COMMITMENT_CONTEXT: Final = "repro-audit v1 commitment"
SALT_BYTES: Final = 32
MAX_OPENING: Final = 65_535
"""Bytes of an opening."""
ACTOR_PATH: Final = "actor"

COMMITTED: Final = re.compile(rb'\{"commitment":"([0-9a-f]{64})"\}')
"""A commitment in a canonical line."""
_BEGIN: Final = b'{"commitment":"'
_ACTOR: Final = b'{"actor":{"commitment":"'
_ACTOR_END: Final = len(_ACTOR) + 64
_BEHIND_ACTOR: Final = len(b'{"actor":{')
"""From here on a search no longer finds the actor's own commitment."""

_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_HASHER: Final = blake3(derive_key_context=COMMITMENT_CONTEXT)


@dataclass(frozen=True, slots=True)
class Commitment:
    """What a record holds in place of a value."""

    digest: str
    """64 lower-case hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Redactable:
    """Mark a value inside a body that is handed to the log: it may have to be forgotten."""

    value: object


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens a commitment."""

    path: str
    salt: str
    """32 random bytes in hex."""
    value: object

    def commitment(self) -> str:
        """Return the digest that this opens; `CanonicalError` if the value has no JSON form."""
        hasher = _HASHER.copy()
        hasher.update(bytes.fromhex(self.salt))
        hasher.update(canonical([self.path, self.value]))
        return hasher.hexdigest()


def new_opening(path: str, value: object) -> Opening:
    """Return an opening of ``value`` at ``path`` with a salt of its own."""
    return Opening(path, secrets.token_hex(SALT_BYTES), value)


def format_opening(opening: Opening) -> bytes:
    """Return the bytes of an opening; `RecordError` if they are too many."""
    data = canonical({"path": opening.path, "salt": opening.salt, "value": opening.value})
    if len(data) > MAX_OPENING:
        raise RecordError(
            f"the opening of {opening.path} has {len(data)} bytes, more than {MAX_OPENING}: "
            "refer to what is large by its digest"
        )
    return data


def parse_opening(data: bytes) -> Opening:
    """Return the opening that ``data`` is; `OpeningError` for any other bytes."""
    if len(data) > MAX_OPENING:
        raise OpeningError(f"more than {MAX_OPENING} bytes")
    try:
        found = parse(data)
    except CanonicalError as error:
        raise OpeningError(str(error)) from None
    if not isinstance(found, dict) or found.keys() != {"path", "salt", "value"}:
        raise OpeningError("not an object of exactly path, salt, value")
    path, salt = found["path"], found["salt"]
    if not isinstance(path, str) or not is_digest(salt):
        raise OpeningError("no path, or a salt that is not 64 lower-case hexadecimal digits")
    return Opening(path, str(salt), found["value"])


def is_digest(value: object) -> bool:
    """Return whether ``value`` is spelled as a commitment's digest."""
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def as_commitment(value: object) -> Commitment | None:
    """Return the commitment that a JSON value is; None if it is none."""
    if isinstance(value, dict) and value.keys() == {"commitment"}:
        digest = value["commitment"]
        if is_digest(digest):
            return Commitment(str(digest))
    return None


def conceal(
    body: Mapping[str, object], make: Callable[[str, object], Opening] = new_opening
) -> tuple[Mapping[str, object], dict[str, Opening]]:
    """Return ``body`` with a fresh commitment for each `Redactable`, and the openings by digest."""
    made: dict[str, Opening] = {}
    if not any(_is_marked(item, MAX_DEPTH) for item in body.values()):
        return body, made

    def walk(value: object, path: str, depth: int) -> object:
        if isinstance(value, Redactable):
            opening = make(path, value.value)
            digest = opening.commitment()
            made[digest] = opening
            return {"commitment": digest}
        if depth == 0:  # too deep to be written; the encoder says so
            return value
        if isinstance(value, dict):
            return {key: walk(item, f"{path}.{key}", depth - 1) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [walk(item, f"{path}.{n}", depth - 1) for n, item in enumerate(value)]
        return value

    return {key: walk(item, f"body.{key}", MAX_DEPTH) for key, item in body.items()}, made


def _is_marked(value: object, depth: int) -> bool:
    """Return whether a `Redactable` stands in ``value``."""
    kind = type(value)
    if kind is str or kind is int or kind is float or value is None or depth == 0:
        return False
    if isinstance(value, dict):
        return any(_is_marked(item, depth - 1) for item in value.values())
    if isinstance(value, list | tuple):
        return any(_is_marked(item, depth - 1) for item in value)
    return isinstance(value, Redactable)


def commitments_in(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Yield place and digest of each commitment in a JSON value that stands at ``path``."""
    found = as_commitment(value)
    if found is not None:
        yield path, found.digest
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from commitments_in(item, f"{path}.{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from commitments_in(item, f"{path}.{number}")


def actor_of(line: bytes) -> str | None:
    """Return the digest of the actor's commitment in a canonical line, found without parsing.

    The actor is the first member of a line. None for an actor who stands there in plain.
    """
    if line.startswith(_ACTOR):
        return line[len(_ACTOR) : _ACTOR_END].decode("ascii", "replace")
    return None


def heads_of(lines: Iterable[bytes]) -> set[bytes]:
    """Return as much of each of ``lines`` as `actor_of` looks at, each once."""
    return {line[:_ACTOR_END] for line in lines}


def has_more(line: bytes) -> bool:
    """Return whether a canonical line may hold a commitment besides its actor's."""
    return line.find(_BEGIN, _BEHIND_ACTOR) >= 0


def count_in(lines: Iterable[bytes]) -> int:
    """Return how many commitments canonical ``lines`` may hold together, those of actors too."""
    return b"\n".join(lines).count(_BEGIN)


def commitments_of_line(line: bytes) -> tuple[tuple[str, str], ...]:
    """Return place and digest of each commitment in a line; none in a line that is not canonical.

    The actor's comes without parsing; only a line that holds more is parsed.
    """
    if not has_more(line):
        actor = actor_of(line)
        return ((ACTOR_PATH, actor),) if actor is not None else ()
    try:
        record = parse(line)
    except CanonicalError:
        return ()
    if not isinstance(record, dict):
        return ()
    return tuple(
        pair for name in ("actor", "body") for pair in commitments_in(record.get(name), name)
    )
