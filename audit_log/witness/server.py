"""A witness that listens: plain HTTP/1.1 with keep-alive; TLS belongs to a proxy before it.

Every request has a deadline and a budget of bytes, so one that drips or never ends is cut off;
there is a limit to how many are served at once. On SIGTERM and SIGINT it takes no more requests,
ends those that it has read, and returns.
"""

from __future__ import annotations

import io
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from repro.audit_log.errors import LogUnusableError

from .protocol import MAX_BODY, PATH, Answer, parse_size
from .service import Witness

REQUEST_SECONDS: Final = 15.0
"""From the end of the last answer, or from the connection, to the end of the request's body."""
LINGER_SECONDS: Final = 1.0
MAX_CONNECTIONS: Final = 128
_HEAD_BYTES: Final = 65_536
_BUSY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 5\r\n"
    b"Connection: close\r\n\r\n"
)


def serve(
    directory: Path,
    host: str = "127.0.0.1",
    port: int = 0,
    ready: Callable[[str], None] = lambda url: None,
    *,
    report: Callable[[str], None] | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Serve the witness in ``directory`` until SIGTERM, SIGINT, or ``stop`` is set.

    ``ready`` is called with the URL once connections are accepted; port 0 lets the system choose.
    ``report`` is told in a line what the operator must know; without it that goes to standard
    error. `LogUnusableError` if there is no witness or the address cannot be had.
    """
    witness = Witness.open(directory, report or _to_stderr)
    stop = stop or threading.Event()
    try:
        server = _Server((host, port), witness)
    except (OSError, OverflowError) as error:
        raise LogUnusableError(f"cannot listen on {host} port {port}: {error}") from error
    with _stopping(stop), server:
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="witness")
        thread.start()
        try:
            shown = f"[{host}]" if ":" in host else host
            ready(f"http://{shown}:{server.server_address[1]}")
            stop.wait()
        finally:
            server.shutdown()
            thread.join()
            server.hang_up()


@contextmanager
def _stopping(stop: threading.Event) -> Iterator[None]:
    """Set ``stop`` at a signal, where signals can be caught: in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda *_: stop.set()) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


class _Server(ThreadingHTTPServer):
    """Mutable, owned by `serve`: the listening socket, and the connections that are open."""

    daemon_threads = False
    block_on_close = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], witness: Witness) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.witness = witness
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # That of `HTTPServer` asks the name service who we are, which can take a minute.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "witness", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            accepted = len(self._open) < MAX_CONNECTIONS
            if accepted:
                self._open.add(request)
        if accepted:
            super().process_request(request, client_address)
            return
        request.settimeout(0.1)
        try:
            request.sendall(_BUSY)
        except OSError:
            pass  # it was not going to be served anyway
        finally:
            super().shutdown_request(request)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Let nobody send more: waiting readers see the end, answers still go out."""
        with self._guard:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RD)
                except OSError:
                    continue  # the other side was faster

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):  # those are of the network: nobody is left to be told
            self.witness.report(f"{type(error).__name__} while answering {client_address[0]}")


class _Source(io.RawIOBase):
    """The bytes of one connection, with a deadline and a budget for each request."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.expect_request()

    def expect_request(self, seconds: float | None = None) -> None:
        self._deadline = time.monotonic() + (REQUEST_SECONDS if seconds is None else seconds)
        self._budget = _HEAD_BYTES + MAX_BODY

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0 or self._budget <= 0:
            raise TimeoutError("the request takes too long, or is too long")
        self._connection.settimeout(left)
        count = self._connection.recv_into(buffer)
        self._budget -= count
        return count


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "repro-witness"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def setup(self) -> None:
        super().setup()
        self._source = _Source(self.connection)
        self.rfile = io.BufferedReader(self._source)

    def handle_one_request(self) -> None:
        self._source.expect_request()
        super().handle_one_request()

    def do_POST(self) -> None:
        if self.path != PATH:
            self.send_error(404, f"nothing here but {PATH}")
            return
        lengths = self.headers.get_all("Content-Length", [])
        if len(lengths) != 1 or "Transfer-Encoding" in self.headers:
            self.send_error(411, "the request must say its length, once")
            return
        length = parse_size(lengths[0].strip())
        if length is None:
            self.send_error(400, "not a length")
            return
        if length > MAX_BODY:
            self.send_error(413, f"more than {MAX_BODY} bytes")
            return
        body = self.rfile.read(length)
        if len(body) < length:  # hung up: do not act on half a request
            self.close_connection = True
            return
        self._send(self.server.witness.answer(body))

    def do_GET(self) -> None:
        self.send_error(405 if self.path == PATH else 404, f"POST to {PATH}")

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer in plain text, and close: what follows on the connection is not understood."""
        self.close_connection = True
        self._send(Answer(code, f"{message or self.responses[code][0]}\n"))
        # Closing on bytes that nobody has read resets the connection, and the answer is lost.
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_WR)
        self._source.expect_request(LINGER_SECONDS)
        while self.rfile.read1(8192):
            pass

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in http.server
        """Say nothing: who asks how often is nobody's business; see `Witness.report`."""

    def _send(self, answer: Answer) -> None:
        body = answer.body.encode(errors="replace")
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(body)))
        if answer.status == 405:
            self.send_header("Allow", "POST")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"witness: {line}\n")
    sys.stderr.flush()
