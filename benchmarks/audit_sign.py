"""The log: a commit beside its syncs, and a witness beside a server that does nothing."""

from __future__ import annotations

import http.client
import os
import signal
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

from logs import BODY, new_log, scaled, vkeys_of
from measure import both, calls_in_turn, ratio, seconds
from table import Row

from repro.audit_log.formats.note_key import parse_vkey, sign_bytes
from repro.audit_log.storage.layout import read_checkpoint, read_note
from repro.audit_log.storage.segments import Text
from repro.audit_log.storage.store import Log
from repro.audit_log.storage.tiles import Tiles
from repro.audit_log.witness.client import WitnessAddress, collect
from repro.audit_log.witness.identity import VKEY, create_witness
from repro.audit_log.witness.logs import add_log
from repro.audit_log.witness.server import serve

COMMITS, QUESTIONS = 150, 60
SYNCS_LIMIT = 3
"""The mark, the checkpoint, its name: see `signing`. The line was synced when it was appended."""
NAME = "witness.example/w1"
REPLY = 2500
"""Bytes in the answer of a witness with two keys, about."""


def rows(folder: Path) -> list[Row]:
    """Measure commits first, then questions to a witness."""
    return [*_committing(folder), *_asking(folder)]


def _committing(folder: Path) -> list[Row]:
    log = new_log(folder, "signed")
    bare, note = folder / "bare", read_note(log.directory)
    bare.mkdir()
    log.append("leakage.fixed", BODY)
    with (
        mock.patch("os.fsync", _counted(os.fsync)),
        mock.patch("os.fdatasync", _counted(os.fdatasync)),
    ):  # counted, and done
        _COUNT.clear()
        log.commit()
    syncs = len(_COUNT)
    with (bare / "mark").open("wb", buffering=0) as mark:

        def only_sync() -> None:
            """Make durable what a commit does, and nothing else: a record, a file, its name."""
            os.write(mark.fileno(), bytes(512))
            os.fdatasync(mark.fileno())
            temporary = bare / "new"
            with temporary.open("wb", buffering=0) as file:
                file.write(note)
                os.fsync(file.fileno())
            temporary.replace(bare / "checkpoint")
            directory = os.open(bare, os.O_RDONLY)
            os.fsync(directory)
            os.close(directory)

        signers = log.keys.signers(log.origin)
        calls: dict[str, Callable[[], object]] = {
            "append": lambda: log.append("leakage.fixed", BODY),
            "ours": log.commit,
            "bare": only_sync,
            "signing": lambda: [sign_bytes(signer, bytes(200)) for signer in signers],
        }
        taken = calls_in_turn(calls, scaled(COMMITS, 20))
    return [
        Row("syncs in a commit of records that are durable", syncs, SYNCS_LIMIT),
        Row(
            f"a commit, signed by {len(signers)} keys / {syncs} bare syncs of as much",
            ratio(taken["ours"], taken["bare"]),
            numbers=f"{both(taken['ours'], taken['bare'])}; the signatures alone "
            f"{seconds(statistics.median(taken['signing']))}",
        ),
    ]


_COUNT: list[int] = []


def _counted(sync: Callable[[int], None]) -> Callable[[int], None]:
    def counted(descriptor: int) -> None:
        _COUNT.append(descriptor)
        sync(descriptor)

    return counted


def _asking(folder: Path) -> list[Row]:
    """Ask a witness in a process of its own to cosign, each time a larger checkpoint."""
    log = new_log(folder, "witnessed")
    create_witness(folder / "witness", NAME)
    add_log(folder / "witness", list(vkeys_of(log)))
    vkeys = (folder / "witness" / VKEY).read_text("ascii").splitlines()
    with _server(_witness, folder / "witness") as url, _server(_nothing, folder) as nowhere:
        witness = WitnessAddress(NAME, tuple(map(parse_vkey, vkeys)), url)
        parts = urlsplit(nowhere)
        tiles = Tiles(log.directory)
        known: dict[str, int] = {}
        waiting: list[bytes] = []

        def prepare() -> None:
            """Sign a checkpoint that the witness has not seen; not measured against anything."""
            log.append("leakage.fixed", BODY)
            log.commit()
            tiles.catch_up(Text.open(log.directory), read_checkpoint(log.directory).size)
            waiting[:] = [read_note(log.directory)]

        def ask() -> None:
            collected = collect(
                waiting[0], _keys(log), [witness], tiles.consistency, known, timeout=60
            )
            assert all(outcome.ok for outcome in collected.outcomes), collected.outcomes
            known.update(collected.sizes)

        def post() -> None:
            connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
            connection.request("POST", "/", waiting[0])
            assert len(connection.getresponse().read()) == REPLY
            connection.close()

        taken = calls_in_turn({"-": prepare, "ours": ask, "bare": post}, scaled(QUESTIONS, 10))
    return [
        Row(
            "add-checkpoint of a witness, stored and cosigned twice / a bare HTTP POST",
            ratio(taken["ours"], taken["bare"]),
            numbers=both(taken["ours"], taken["bare"]),
        )
    ]


def _keys(log: Log) -> list[Any]:
    return [parse_vkey(vkey) for vkey in vkeys_of(log)]


@contextmanager
def _server(work: Callable[[Path, Any], None], folder: Path) -> Iterator[str]:
    """Run ``work`` in a process that says what its URL is, and end it."""
    context = get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=work, args=(folder, there))
    process.start()
    try:
        yield here.recv()
    finally:
        os.kill(process.pid or 0, signal.SIGTERM)
        process.join(20)


def _witness(folder: Path, ready: Any) -> None:
    serve(folder, ready=ready.send)


def _nothing(_: Path, ready: Any) -> None:
    with HTTPServer(("127.0.0.1", 0), _Nothing) as server:
        ready.send(f"http://127.0.0.1:{server.server_address[1]}")
        server.serve_forever()


class _Nothing(BaseHTTPRequestHandler):
    """Answers whatever is posted with as many bytes as a witness would."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(REPLY))
        self.end_headers()
        self.wfile.write(bytes(REPLY))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""
