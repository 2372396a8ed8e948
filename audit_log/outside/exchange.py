"""One POST and its answer, within a deadline and a size, over http or https.

No redirect is followed and no proxy is asked: the address is the one that the policy pins.
"""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    import ssl

_CHUNK: Final = 65_536


class ExchangeError(ValueError):
    """Nobody answered, or not what may be read."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    content_type: str
    """In lower case and without parameters."""
    body: bytes
    location: str
    """Where a redirect points to; empty without one."""


@dataclass(slots=True)
class Exchange:
    """Any number of POSTs to one place until ``deadline`` (`time.monotonic`).

    Mutable, used by one thread; `abort` may come from another.
    """

    url: str
    deadline: float
    limit: int
    """The most bytes that an answer may have."""
    tls: ssl.SSLContext | None = None
    _connection: HTTPConnection | None = field(default=None, init=False)
    _socket: socket.socket | None = field(default=None, init=False)
    """Kept apart: the connection drops its own as soon as it has read the head of the answer."""
    _aborted: bool = field(default=False, init=False)

    def post(self, body: bytes, content_type: str) -> Reply:
        """Return the reply to ``body``; `ExchangeError`, in words, if there is none to read."""
        try:
            return self._post(body, content_type)
        except TimeoutError:
            raise ExchangeError("no whole answer in time") from None
        except (OSError, HTTPException, ValueError) as error:
            words = str(error) or type(error).__name__
            raise ExchangeError(f"no answer: {words}") from None
        finally:
            self.close()

    def abort(self) -> None:
        """Let a `post` in another thread fail now."""
        self._aborted = True
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it has just ended by itself

    def close(self) -> None:
        """Close the connection."""
        connection, self._connection, self._socket = self._connection, None, None
        if connection is not None:
            connection.close()

    def _post(self, body: bytes, content_type: str) -> Reply:
        parts = urlsplit(self.url)
        connection = self._connect(parts)
        self._connection = connection
        connection.connect()
        self._socket = connection.sock
        self._hurry()
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, {"Content-Type": content_type})
        self._hurry()
        response = connection.getresponse()
        data = bytearray()
        while len(data) <= self.limit:
            self._hurry()
            part = response.read1(min(_CHUNK, self.limit + 1 - len(data)))
            if not part:
                break
            data += part
        if len(data) > self.limit:
            raise ExchangeError(f"the answer is longer than {self.limit} bytes")
        if response.length:
            raise ExchangeError(f"the answer ends {response.length} bytes early")
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return Reply(response.status, kind, bytes(data), response.headers.get("Location", ""))

    def _connect(self, parts: SplitResult) -> HTTPConnection:
        host, left = parts.hostname, self.deadline - time.monotonic()
        if parts.scheme not in ("http", "https") or not host or parts.username is not None:
            raise ExchangeError(f"not a URL that can be asked: {self.url}")
        if left <= 0 or self._aborted:
            raise TimeoutError
        if parts.scheme == "http":
            return HTTPConnection(host, parts.port, timeout=left)
        return HTTPSConnection(host, parts.port, timeout=left, context=self.tls)

    def _hurry(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0 or self._aborted:
            raise TimeoutError
        if self._socket is not None and self._socket.fileno() >= 0:
            self._socket.settimeout(left)


def post_within(
    seconds: float,
    url: str,
    body: bytes,
    content_type: str,
    limit: int,
    tls: ssl.SSLContext | None = None,
) -> Reply:
    """Return the reply to ``body``, of at most ``limit`` bytes; `ExchangeError` after ``seconds``.

    It ends in time whatever the other side does: a name service that hangs is not waited for.
    """
    exchange = Exchange(url, time.monotonic() + seconds, limit, tls)
    found: list[Reply | ExchangeError] = []

    def ask() -> None:
        try:
            found.append(exchange.post(body, content_type))
        except ExchangeError as error:
            found.append(error)

    thread = threading.Thread(target=ask, name="exchange", daemon=True)
    thread.start()
    thread.join(seconds)
    if not found:
        exchange.abort()
        raise ExchangeError("no whole answer in time")
    if isinstance(found[0], ExchangeError):
        raise found[0]
    return found[0]
