"""One request, one answer: who asks, what was cosigned last, what to keep, what to sign."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from repro.audit_log.disk.sync import replace
from repro.audit_log.errors import LogError, LogUnusableError, NoteError
from repro.audit_log.formats.note import Note, open_note, signature_line, signature_of
from repro.audit_log.formats.note_key import Signer, verifier_of

from .identity import CONTRADICTIONS, STATE, load_signers
from .logs import keys_of
from .protocol import (
    Answer,
    Request,
    RequestError,
    cosigned,
    is_contradiction,
    judge,
    parse_request,
)
from .state import Record, Records, file_name

_MAX_CONTRADICTIONS: Final = 100
"""Pairs kept for one log: one is enough to convict it."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness at work; any number of threads and processes may answer for one directory."""

    directory: Path
    signers: tuple[Signer, ...]
    report: Callable[[str], None]
    """Is told in a line what the operator must know."""
    clock: Callable[[], float] = time.time

    @classmethod
    def open(cls, directory: Path, report: Callable[[str], None]) -> Witness:
        """Return the witness that lives in ``directory``; `LogUnusableError` if none does."""
        signers = load_signers(directory)
        for signer in signers:
            verifier_of(signer)  # makes the private key now, and not in two threads at once
        return cls(directory, signers, report)

    def answer(self, body: bytes) -> Answer:
        """Return the answer to an add-checkpoint request; raises nothing for any ``body``."""
        try:
            request = parse_request(body)
        except RequestError as error:
            return Answer(400, f"{error}\n")
        origin = request.checkpoint.origin
        try:
            verifiers = keys_of(self.directory, origin)
            if not verifiers:
                return Answer(404, "this witness does not know the log\n")
            try:
                note = open_note(request.note, verifiers)
            except NoteError as error:
                return Answer(403, f"{error}\n")
            return self._check_and_store(request, note)
        except (LogError, OSError) as error:
            self.report(f"{origin}: {error}")
            return Answer(500, "the witness cannot use its record of this log\n")

    def _check_and_store(self, request: Request, note: Note) -> Answer:
        origin = request.checkpoint.origin
        records = Records(self.directory / STATE)
        kept = _without_others(note)
        # All under one lock, signing too: a cosignature says that at its time nothing larger had
        # been seen.
        with records.exclusive(origin):
            record = records.read(origin)
            refusal = judge(request, record.checkpoint)
            if refusal is None:
                records.store(origin, kept)
                now = int(self.clock())
                return cosigned(signature_of(note.text, signer, now) for signer in self.signers)
            if is_contradiction(request.checkpoint, record.checkpoint):
                self._keep_contradiction(request, record, kept)
        return refusal

    def _keep_contradiction(self, request: Request, record: Record, kept: bytes) -> None:
        new = request.checkpoint
        size = new.size
        self.report(f"{new.origin}: THE LOG HAS SIGNED TWO TREES OF SIZE {size}")
        directory = self.directory / CONTRADICTIONS
        stem = file_name(new.origin)
        if len(list(directory.glob(f"{stem}-*"))) < _MAX_CONTRADICTIONS:
            digest = sha256(record.checkpoint.root + new.root).hexdigest()[:16]
            path = directory / f"{stem}-{size}-{digest}"
            try:
                replace(path, record.note + b"\n" + kept)
            except OSError as error:
                raise LogUnusableError(f"cannot keep {path}: {error}") from error


def _without_others(note: Note) -> bytes:
    lines = (signature_line(verified.signature) for verified in note.verified)
    return f"{note.text}\n{''.join(lines)}".encode()
