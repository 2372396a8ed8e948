"""Asking witnesses to cosign a checkpoint of ours.

All are asked at once, and whatever a witness does (nothing, nonsense, too much) costs at most the
time limit and its own cosignature. A witness that holds a larger tree than ours, or another one of
the same size, is *evidence*: somebody with this log's key has shown it a history that is not ours.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from repro.audit_log.errors import LogError, NoteError
from repro.audit_log.formats.checkpoint import Checkpoint, parse_checkpoint
from repro.audit_log.formats.note import Verified, open_note, signature_line
from repro.audit_log.formats.note_key import COSIGNATURES, Verifier
from repro.audit_log.outside.exchange import Exchange, ExchangeError, Reply

from .merge import merge
from .protocol import MAX_BODY, PATH, SIZE_TYPE, format_request, parse_size

if TYPE_CHECKING:
    import ssl

Prove = Callable[[int, int], Sequence[bytes]]
"""From an old and a new size to the hashes of the consistency proof (RFC 6962 §2.1.2)."""

_REQUEST_TYPE: Final = "text/plain; charset=utf-8"
_REFUSALS: Final = {
    400: "it does not understand the request",
    403: "it does not accept the log's signature",
    404: "it does not know this log",
    413: "it finds the request too long",
    422: "it does not accept the proof",
    500: "it has a problem of its own",
    503: "it is busy",
}


@dataclass(frozen=True, slots=True)
class WitnessAddress:
    """A witness: its name, its public keys (kinds 0x04 and 0x06), and the prefix of its URL."""

    name: str
    verifiers: tuple[Verifier, ...]
    url: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of asking one witness."""

    witness: str
    times: tuple[int, ...] = ()
    """When it cosigned, in POSIX seconds, one for each of its keys; empty if it did not."""
    size: int | None = None
    """The size that it is now known to hold, to be remembered; None if it did not say."""
    problem: str = ""
    """Why there is no cosignature, or what else is odd; empty if all is well."""
    evidence: bool = False
    """It has seen another history of this log than ours."""

    @property
    def ok(self) -> bool:
        """Whether it cosigned."""
        return bool(self.times)


@dataclass(frozen=True, slots=True)
class Collected:
    """The note with what the witnesses added, and one outcome each, in the order given."""

    note: bytes
    outcomes: tuple[Outcome, ...]

    @property
    def sizes(self) -> dict[str, int]:
        """What to remember for the next time: a size by the name of each witness that told."""
        return {o.witness: o.size for o in self.outcomes if o.size is not None}


@dataclass(frozen=True, slots=True)
class _Asked:
    """The note as it is sent: the log's signatures alone."""

    text: str
    note: bytes
    checkpoint: Checkpoint
    prove: Prove


def collect(
    note: bytes,
    log_verifiers: Sequence[Verifier],
    witnesses: Sequence[WitnessAddress],
    prove: Prove,
    remembered: Mapping[str, int] | None = None,
    timeout: float = 10.0,
    *,
    tls: ssl.SSLContext | None = None,
) -> Collected:
    """Return ``note`` with a cosignature of every witness that gave one within ``timeout`` s.

    ``note`` is a checkpoint signed by one of ``log_verifiers``: `NoteError` or `CheckpointError` if
    not, before anybody is asked. ``remembered`` says what size each witness held when last asked,
    which saves a round trip. ``prove`` is called by one thread at a time, none of them the
    caller's; what it raises of `LogError`, `OSError` and `ValueError` is that witness' problem.
    Nothing that a witness does raises. Nothing is persisted.
    """
    own = open_note(note, log_verifiers)
    lines = "".join(signature_line(verified.signature) for verified in own.verified)
    guard = threading.Lock()

    def prove_alone(old: int, new: int) -> Sequence[bytes]:
        with guard:
            return prove(old, new)

    asked = _Asked(
        own.text, f"{own.text}\n{lines}".encode(), parse_checkpoint(own.text), prove_alone
    )
    deadline = time.monotonic() + timeout
    calls = [
        _Call(asked, witness, (remembered or {}).get(witness.name, 0), deadline, tls)
        for witness in witnesses
    ]
    for call in calls:
        call.start()
    for call in calls:
        call.join(max(0.0, deadline - time.monotonic()))
    outcomes = []
    for call in calls:
        outcome, lines_of_it = call.result()
        try:
            note = merge(note, lines_of_it)
        except NoteError as error:
            outcome = replace(outcome, times=(), problem=str(error))
        outcomes.append(outcome)
    return Collected(note, tuple(outcomes))


class _Call(threading.Thread):
    """One witness being asked. Its thread may outlive the deadline, but is not listened to."""

    def __init__(
        self,
        asked: _Asked,
        witness: WitnessAddress,
        old: int,
        deadline: float,
        tls: ssl.SSLContext | None,
    ) -> None:
        super().__init__(name=f"witness {witness.name}", daemon=True)
        self._asked = asked
        self._witness = witness
        self._old = old
        url = witness.url.rstrip("/") + PATH
        self._exchange = Exchange(url, deadline, MAX_BODY, tls)
        self._result: tuple[Outcome, tuple[Verified, ...]] | None = None

    def result(self) -> tuple[Outcome, tuple[Verified, ...]]:
        """Return what came of it; a call that has not ended is broken off."""
        result = self._result
        if result is None:
            self._exchange.abort()
            return Outcome(self._witness.name, problem="no answer in time"), ()
        return result

    def run(self) -> None:
        """Ask; ask once more from the size that the witness names."""
        name, mine = self._witness.name, self._asked.checkpoint.size
        try:
            start = min(self._old, mine)
            reply = self._ask(start)
            held = _held(reply)
            if held is None or held > mine or held == start:
                self._result = self._judge(reply, start)
                return
            reply = self._ask(held)
            outcome, lines = self._judge(reply, held)
            if held < self._old and outcome.ok:
                lost = f"it had forgotten the size {self._old} and went on from {held}"
                outcome = replace(outcome, problem=lost)
            self._result = outcome, lines
        except ExchangeError as error:
            self._result = Outcome(name, problem=str(error)), ()

    def _ask(self, old: int) -> Reply:
        size = self._asked.checkpoint.size
        try:
            proof = self._asked.prove(old, size) if 0 < old < size else ()
        except (LogError, OSError, ValueError) as error:
            raise ExchangeError(f"no proof from size {old} to {size}: {error}") from None
        return self._exchange.post(format_request(old, proof, self._asked.note), _REQUEST_TYPE)

    def _judge(self, reply: Reply, old: int) -> tuple[Outcome, tuple[Verified, ...]]:
        name, mine = self._witness.name, self._asked.checkpoint.size
        if reply.status == 200:
            return self._accept(reply)
        held = _held(reply)
        if held is not None and held > mine:
            words = (
                f"IT HOLDS SIZE {held}, BEYOND OUR {mine}: unless this log has grown meanwhile, it"
                " was cut or put back, or somebody else signs with its key"
            )
            return Outcome(name, size=held, problem=words, evidence=True), ()
        if held is not None:
            words = f"it names the size {held} again and again: somebody else may be asking it too"
            return Outcome(name, size=held, problem=words), ()
        if reply.status == 409 and reply.content_type != SIZE_TYPE:
            words = f"IT HAS COSIGNED ANOTHER TREE OF SIZE {mine}: this log has two histories"
            return Outcome(name, problem=words, evidence=True), ()
        if reply.status == 422 and old:
            # It compares sizes first, and our proof was checked: so its tree of that size differs.
            words = f"ITS TREE OF SIZE {old} IS NOT OURS: this log has two histories"
            return Outcome(name, problem=words, evidence=True), ()
        if 300 <= reply.status < 400:
            words = f"it redirects to {reply.location[:200]!r}, which is not followed"
        else:
            words = _REFUSALS.get(reply.status, "an answer that makes no sense")
            words += f" (status {reply.status}{_said(reply)})"
        return Outcome(name, problem=words), ()

    def _accept(self, reply: Reply) -> tuple[Outcome, tuple[Verified, ...]]:
        name, text = self._witness.name, self._asked.text
        keys = [key for key in self._witness.verifiers if key.kind in COSIGNATURES]
        try:
            found = open_note(f"{text}\n".encode() + reply.body, keys)
            if found.text != text:
                raise NoteError("the answer adds to the text")
        except NoteError as error:
            return Outcome(name, problem=f"not its cosignature: {error}"), ()
        times = tuple(line.time for line in found.verified if line.time is not None)
        return Outcome(name, times, self._asked.checkpoint.size), found.verified


def _held(reply: Reply) -> int | None:
    """Return the size that a refusal names; None if it is another answer."""
    if reply.status != 409 or reply.content_type != SIZE_TYPE or not reply.body.endswith(b"\n"):
        return None
    return parse_size(reply.body[:-1].decode("ascii", "replace"))


def _said(reply: Reply) -> str:
    words = reply.body[:200].decode("utf-8", "replace")
    shown = "".join(c if c.isprintable() else " " for c in words).strip()
    return f": {shown}" if shown and reply.content_type == "text/plain" else ""
