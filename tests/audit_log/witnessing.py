"""A foreign log that can fork, a witness in a process of its own, and HTTP as plain as it comes."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from repro.audit_log.formats.checkpoint import Checkpoint, format_checkpoint
from repro.audit_log.formats.note import sign
from repro.audit_log.formats.note_key import (
    ED25519,
    Signer,
    Verifier,
    format_vkey,
    parse_vkey,
    verifier_of,
)
from repro.audit_log.formats.tree import consistency_proof, leaf_hash, root
from repro.audit_log.witness.client import WitnessAddress
from repro.audit_log.witness.identity import VKEY, create_witness
from repro.audit_log.witness.logs import add_log
from repro.audit_log.witness.protocol import format_request

PROCESS = Path(__file__).parent / "witness_process.py"
ORIGIN = "example.com/behind-the-sofa"
NAME = "witness.example/w1"


def seed(text: str) -> bytes:
    """Return 32 bytes that follow from ``text``."""
    return sha256(text.encode()).digest()


@dataclass(frozen=True)
class Foreign:
    """A log with one history: the same bytes in every process that asks for the same name."""

    origin: str = ORIGIN
    history: str = "one"
    forked_at: int = 0
    """Histories share the leaves before this one."""
    key: str = "key"

    @property
    def signer(self) -> Signer:
        """The log's private key."""
        return Signer(self.origin, seed(f"{self.origin} {self.key}"), ED25519)

    @property
    def verifier(self) -> Verifier:
        """The log's public key."""
        return verifier_of(self.signer)

    @property
    def vkey(self) -> str:
        """The log's public key as text."""
        return format_vkey(self.verifier)

    def leaves(self, size: int) -> list[bytes]:
        """Return the hashes of the first leaves."""
        histories = ("one" if n < self.forked_at else self.history for n in range(size))
        return [leaf_hash(f"{history} {n}".encode()) for n, history in enumerate(histories)]

    def checkpoint(self, size: int, *extensions: str) -> Checkpoint:
        """Return the head at ``size``."""
        return Checkpoint(self.origin, size, root(self.leaves(size)), extensions)

    def note(self, size: int, *extensions: str) -> bytes:
        """Return the signed head at ``size``."""
        return sign(format_checkpoint(self.checkpoint(size, *extensions)), [self.signer])

    def proof(self, old: int, new: int) -> Sequence[bytes]:
        """Return the consistency proof."""
        return consistency_proof(self.leaves(new), old)

    def request(self, old: int, new: int) -> bytes:
        """Return an honest request."""
        return format_request(old, self.proof(old, new), self.note(new))


@dataclass
class Running:
    """A witness directory, and the processes that serve it."""

    directory: Path
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    @classmethod
    def create(cls, directory: Path, *logs: Foreign, name: str = NAME) -> Running:
        """Make a witness that knows ``logs``."""
        create_witness(directory, name)
        for log in logs:
            add_log(directory, [log.vkey])
        return cls(directory)

    @property
    def verifiers(self) -> tuple[Verifier, ...]:
        """The public keys of the witness."""
        return tuple(map(parse_vkey, (self.directory / VKEY).read_text().splitlines()))

    def start(self) -> str:
        """Start a process; return its URL."""
        command = [sys.executable, "-P", str(PROCESS), str(self.directory)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.processes.append(process)
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), process.poll()
        return url

    def address(self, url: str, name: str = NAME) -> WitnessAddress:
        """Return what a client is told about this witness."""
        return WitnessAddress(name, self.verifiers, url)

    def stop(self, number: int = signal.SIGTERM) -> list[int]:
        """End all processes with a signal; return their exit statuses."""
        statuses = []
        for process in self.processes:
            process.send_signal(number)
            statuses.append(process.wait(20))
            assert process.stdout is not None
            process.stdout.close()
        self.processes.clear()
        return statuses


def connect(url: str) -> http.client.HTTPConnection:
    """Return a connection to ``url``."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)


def post(url: str, body: bytes, path: str = "/add-checkpoint") -> tuple[int, str, bytes]:
    """Return status, content type and body of the answer."""
    connection = connect(url)
    try:
        connection.request("POST", path, body)
        response = connection.getresponse()
        return response.status, response.headers["Content-Type"], response.read()
    finally:
        connection.close()
