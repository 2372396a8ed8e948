"""One record and its one line of bytes. What a line is, is written in the package's docstring."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from blake3 import blake3

from repro.audit_log.errors import CanonicalError, RecordError

from .canonical import MAX_DEPTH, canonical, parse, short
from .commitment import Commitment, as_commitment
from .digests import LINE_CONTEXT

MAX_LINE: Final = 65_535
"""Bytes in a line, without its newline: what fits an entry bundle of C2SP tlog-tiles."""

FIRST_PREV: Final = "0" * 64
"""The ``prev`` of the first record."""

TYPES: Final = frozenset(
    {
        "approval",
        "command.executed",
        "command.interrupted",
        "command.planned",
        "config.override",
        "erasure",
        "incident",
        "key.rotated",
        "leakage.fixed",
        "log.created",
        "log.recovered",
        "run.completed",
        "run.failed",
        "run.interrupted",
        "run.pinned",
        "run.planned",
        "run.pulled",
        "run.refused",
        "run.verified",
        "segment.sealed",
    }
)
PLANNED: Final = frozenset({"command.planned", "run.planned"})
"""The types that plan a run: a training, or a command."""
ENDS: Final = frozenset(
    {"command.executed", "command.interrupted", "run.completed", "run.failed", "run.interrupted"}
)
"""The types that end a plan."""
COMMAND: Final = "command-"
"""What the id of a command begins with, and that of no training: no end is taken for another's."""

_ENVELOPE: Final = {"actor", "body", "nonce", "prev", "seq", "time", "tool", "type"}
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_HEX: Final = re.compile(r"[0-9a-f]*", re.ASCII)
_UTC: Final = timedelta(0)
_LINE_HASHER: Final = blake3(derive_key_context=LINE_CONTEXT)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acted: user, host, and how that is known."""

    user: str
    """The account."""
    host: str
    """The machine."""
    how: str
    """How both are known."""


@dataclass(frozen=True, slots=True)
class Tool:
    """What wrote the record."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the log."""

    seq: int
    """0, 1, 2, … without a gap."""
    time: str
    """RFC 3339, UTC, microseconds: ``2025-01-31T12:00:00.000000Z``."""
    type: str
    """One of `TYPES`."""
    actor: Actor | Commitment
    """Who acted; what a `Log` writes holds a commitment to that."""
    tool: Tool
    nonce: str
    """16 random bytes in hex, so that a leaf hash says nothing about its record."""
    prev: str
    """The previous line's hash in hex; 64 zeros in the first record."""
    body: Mapping[str, object]
    """What its type has to say."""


def fits(type_: str, run: str) -> bool:
    """Return whether a record of ``type_``, one of `PLANNED` or `ENDS`, may plan or end ``run``."""
    return type_.startswith("command.") == run.startswith(COMMAND)


def encode(record: Record) -> bytes:
    """Return the line of ``record``, without its newline; raise if it breaks a rule."""
    envelope = _envelope(record)
    _checked(envelope)
    return _line(envelope)


class Letterhead:
    """Who writes records, and the parts of a line that are the same in all of theirs."""

    __slots__ = ("_between", "_start", "actor", "tool")

    def __init__(self, actor: Actor | Commitment, tool: Tool) -> None:
        """Raise `RecordError` unless ``actor`` and ``tool`` can stand in a record."""
        self.actor, self.tool = actor, tool
        who = actor_value(actor)
        if not isinstance(actor, Commitment):
            as_actor(who)
        what = _strings("tool", asdict(tool), {"name", "version"})
        self._start = f'{{"actor":{_text(who)},"body":'
        self._between = f',"tool":{_text(what)},"type":"'

    def line(
        self, seq: int, moment: str, type_: str, nonce: str, prev: str, body: Mapping[str, object]
    ) -> bytes:
        """Return the line as `encode` does; only type and body come from others.

        The rest is what the writer itself has made, and is not checked again.
        """
        line = self.short_line(seq, moment, type_, nonce, prev, body)
        if line is not None:
            return line
        record = Record(seq, moment, type_, self.actor, self.tool, nonce, prev, dict(body))
        return _line(_envelope(record))

    def short_line(
        self, seq: int, moment: str, type_: str, nonce: str, prev: str, body: Mapping[str, object]
    ) -> bytes | None:
        """Return `line` if ``body`` takes the short way, and so holds JSON's own types alone.

        None says nothing about ``body``: ask `line`.
        """
        _type(type_)
        inner = short(body if type(body) is dict else dict(body), MAX_DEPTH - 1)
        if inner is None:
            return None
        try:
            line = (
                f'{self._start}{inner},"nonce":"{nonce}","prev":"{prev}","seq":{seq},'
                f'"time":"{moment}"{self._between}{type_}"}}'
            ).encode()
        except UnicodeEncodeError:
            return None  # a lone surrogate: the exact way finds out where
        return _fitting(line, type_)


def actor_value(actor: Actor | Commitment) -> dict[str, object]:
    """Return the JSON object that stands for ``actor``."""
    if isinstance(actor, Commitment):
        return {"commitment": actor.digest}
    return {"how": actor.how, "host": actor.host, "user": actor.user}


def as_actor(value: object) -> Actor:
    """Return the actor that a JSON value is; raise `RecordError` if it is none."""
    return Actor(**_strings("actor", value, {"how", "host", "user"}))


def _text(value: Mapping[str, object]) -> str:
    try:
        return canonical(value).decode()
    except CanonicalError as error:
        raise RecordError(f"actor or tool: {error}") from None


def _envelope(record: Record) -> dict[str, object]:
    return {
        "actor": actor_value(record.actor),
        "body": dict(record.body),
        "nonce": record.nonce,
        "prev": record.prev,
        "seq": record.seq,
        "time": record.time,
        "tool": {"name": record.tool.name, "version": record.tool.version},
        "type": record.type,
    }


def _line(envelope: dict[str, object]) -> bytes:
    return _fitting(canonical(envelope), envelope["type"])


def _fitting(line: bytes, type_: object) -> bytes:
    if len(line) > MAX_LINE:
        raise RecordError(
            f"a {type_} record of {len(line)} bytes is longer than {MAX_LINE}: "
            "refer to what is large by its digest"
        )
    return line


def decode(line: bytes) -> Record:
    """Return the record whose line is ``line``; raise `RecordError` for any other bytes."""
    if len(line) > MAX_LINE:
        raise RecordError(f"line of {len(line)} bytes is longer than {MAX_LINE}")
    try:
        value = parse(line)
    except CanonicalError as error:
        raise RecordError(str(error)) from None
    if not isinstance(value, dict):
        raise RecordError("not an object")
    return _checked(value)


def line_hash(line: bytes) -> str:
    """Return the hash of a raw line without its newline: BLAKE3 derive-key, `LINE_CONTEXT`."""
    hasher = _LINE_HASHER.copy()
    hasher.update(line)
    return hasher.hexdigest()


def format_time(moment: datetime) -> str:
    """Return an aware UTC ``moment`` as records spell it."""
    if moment.utcoffset() != _UTC:
        raise AssertionError(f"the clock does not tell UTC: {moment!r}")
    return moment.isoformat(timespec="microseconds")[:26] + "Z"


def _checked(envelope: dict[str, object]) -> Record:
    if envelope.keys() != _ENVELOPE:
        odd = sorted(envelope.keys() ^ _ENVELOPE)
        raise RecordError(f"missing or unknown in the envelope: {', '.join(map(repr, odd))}")
    seq, body = envelope["seq"], envelope["body"]
    if type(seq) is not int or seq < 0:
        raise RecordError(f"seq is {seq!r}, not a number from 0 on")
    type_ = _type(envelope["type"])
    if not isinstance(body, dict):
        raise RecordError("body is not an object")
    return Record(
        seq,
        _time(envelope["time"]),
        type_,
        as_commitment(envelope["actor"]) or as_actor(envelope["actor"]),
        Tool(**_strings("tool", envelope["tool"], {"name", "version"})),
        _hex("nonce", envelope["nonce"], 32),
        _hex("prev", envelope["prev"], 64),
        body,
    )


def _type(value: object) -> str:
    if not isinstance(value, str) or value not in TYPES:
        raise RecordError(f"unknown type {value!r}")
    return value


def _strings(name: str, value: object, keys: set[str]) -> dict[str, str]:
    if not isinstance(value, dict) or value.keys() != keys:
        raise RecordError(f"{name} is not an object of exactly {', '.join(sorted(keys))}")
    for key, item in value.items():
        if not isinstance(item, str):
            raise RecordError(f"{name}.{key} is not a string")
    return value


def _hex(name: str, value: object, length: int) -> str:
    if not isinstance(value, str) or len(value) != length or not _HEX.fullmatch(value):
        raise RecordError(f"{name} is not {length} lower-case hexadecimal digits")
    return value


def _time(value: object) -> str:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise RecordError(f"time {value!r} is not RFC 3339 in UTC with microseconds")
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise RecordError(f"time {value!r} is no moment of the calendar") from None
    return value
