"""Plans and their ends: exactly one record ends each plan, and no run is planned twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Final

from repro.audit_log.errors import RecordError
from repro.audit_log.formats.record import ENDS, PLANNED, decode, fits

from .faults import Fault
from .spill import Spill

RUN_TYPES: Final = PLANNED | ENDS

_AFTER_BODY: Final = b'},"nonce":"'
_RUN: Final = b'"run":"'
_PLAN: Final = b'"plan":'
_ESCAPE: Final = b"\\u"


class Plans:
    """The open plans, and every run that was ever planned."""

    def __init__(self) -> None:
        """Begin without any plan."""
        self.open: dict[str, int] = {}
        """Runs that are planned and not ended: id → seq of the plan."""
        self.ever = Spill()
        """An id that is planned again could hide the first result."""

    def see_ids(self, seq: int, type_: str, run: object, plan: object) -> Fault | None:
        """Look at what record ``seq`` of one of `RUN_TYPES` says of its run and its plan."""
        if isinstance(run, str) and not fits(type_, run):
            message = f"record {seq}, {type_}, names {run}: commands and trainings are told apart"
            return Fault(seq, "run", message)
        if type_ in PLANNED:
            return self._plan(seq, run)
        return self._end(seq, run, plan)

    def twice(self, earlier: Callable[[bytes], int | None] | None) -> Iterator[Fault]:
        """Yield a fault for each run that was planned again; call it once, at the end.

        ``earlier`` says, of the key of a run, which record planned it in what was not read again.
        """
        for seq, first in self.ever.twice(earlier):
            message = f"record {seq} plans the run of record {first} a second time"
            yield Fault(seq, "twice", message)

    def _plan(self, seq: int, run: object) -> Fault | None:
        if not isinstance(run, str):
            return Fault(seq, "run", f"record {seq} plans a run without an id")
        self.open.setdefault(run, seq)
        self.ever.add(run, seq)
        return None

    def _end(self, seq: int, run: object, plan: object) -> Fault | None:
        if not isinstance(run, str) or run not in self.open:
            return Fault(seq, "run", f"record {seq} ends run {run}, which has no open plan")
        planned = self.open.pop(run)
        if planned == plan and type(plan) is int:
            return None
        return Fault(seq, "run", f"record {seq} ends run {run} with plan {plan}, not {planned}")


def run_of(line: bytes) -> object:
    """Return ``run`` of the body as `ids_of` does: of a plan nothing else is asked."""
    if _ESCAPE in line:
        return ids_of(line)[0]
    run = _text(_own(line, _RUN, line.rfind(_AFTER_BODY)))
    return _parsed(line)[0] if run is None else run


def ids_of(line: bytes) -> tuple[object, object]:
    """Return ``run`` and ``plan`` of the body in a line that is valid JSON; None where absent.

    Raises `ValueError` for bytes that are not. Without parsing where that is certain: a quote right
    after ``{`` or ``,`` opens a key, and if no ``}`` stands between a member and the one that
    closes the body, then the member is the body's own.
    """
    if _ESCAPE in line:  # it may spell a key, or what no text can hold: only strictly is exact
        try:
            body = decode(line).body
        except RecordError as error:
            raise ValueError(str(error)) from None
        return body.get("run"), body.get("plan")
    end = line.rfind(_AFTER_BODY)
    run, plan = _text(_own(line, _RUN, end)), _own(line, _PLAN, end)
    if run is not None and plan is not None:
        number = plan.partition(b",")[0]
        if number.isdigit():
            return run, int(number)
    return _parsed(line)


def _own(line: bytes, key: bytes, end: int) -> bytes | None:
    """Return what stands from ``key`` to where the body ends; None if it may not be its own key."""
    place = line.rfind(key, 0, end)
    if end < 0 or place < 0 or line[place - 1] not in b"{,":
        return None
    rest = line[place + len(key) : end]
    return None if b"}" in rest else rest


def _text(rest: bytes | None) -> str | None:
    """Return the string that ends at the first quote; None if it may be spelled otherwise."""
    value = rest.partition(b'"')[0] if rest is not None else b"\\"
    return None if b"\\" in value else value.decode()


def _parsed(line: bytes) -> tuple[object, object]:
    try:
        body = json.loads(line.decode())["body"]  # bytes would be taken with lone surrogates
        return body.get("run"), body.get("plan")
    except (RecursionError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(str(error)) from None
