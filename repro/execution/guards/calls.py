"""No sockets and no processes, as Python is asked for them; ``kernel`` sees those of C."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from repro.execution.guards.violation import Watch

Check = Callable[[str, tuple[Any, ...]], None]
"""What looks at one audit event and its arguments."""

_SOCKETS = frozenset(
    {
        *("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"),
        *("socket.getaddrinfo", "socket.getnameinfo"),
        *("socket.gethostbyname", "socket.gethostbyaddr"),
    }
)
_PROCESSES = frozenset(
    {
        *("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "pty.spawn"),
        *("os.fork", "os.forkpty"),
    }
)
LOCAL = (1, 16)
"""AF_UNIX and AF_NETLINK: sockets that reach nobody outside this machine; a pair is a pipe."""


def checks(watch: Watch) -> Mapping[str, Check]:
    """Return what to do at each audit event that opens a socket or starts a process."""

    def refuse_socket(event: str, arguments: tuple[Any, ...]) -> None:
        whom = [a for a in arguments if isinstance(a, (str, bytes, tuple))]
        watch.refuse(f"{event} of {whom[0]!r}" if whom else event)

    def refuse_family(event: str, arguments: tuple[Any, ...]) -> None:
        if arguments[1] not in LOCAL:
            watch.refuse("socket.socket")

    def refuse_process(event: str, arguments: tuple[Any, ...]) -> None:
        watch.refuse(f"{event} of {arguments[0]!r}" if arguments else event)

    return {
        **dict.fromkeys(_SOCKETS, refuse_socket),
        "socket.__new__": refuse_family,
        **dict.fromkeys(_PROCESSES, refuse_process),
    }
