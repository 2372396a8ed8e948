"""A real SFTP server, and stores of fsspec that behave as badly as real ones do."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import asyncssh
import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem


class Renaming(MemoryFileSystem):
    """A store that is not known to take files whole: what is written there is renamed."""

    protocol = "renaming"
    store = {}  # noqa: RUF012 (as its base has it)
    pseudo_dirs = [""]  # noqa: RUF012
    broken = False

    def pipe_file(self, path, value, mode="overwrite", **more):
        """Write; a broken one loses the connection in the middle."""
        assert path.rpartition("/")[2].startswith("."), "written in place"
        if self.broken:
            super().pipe_file(path, value[: len(value) // 2], mode, **more)
            raise ConnectionError("the line is dead")
        super().pipe_file(path, value, mode, **more)


class Forgetful(MemoryFileSystem):
    """A store that keeps half of what it is given, and says nothing."""

    protocol = "forgetful"
    store = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012

    def put_file(self, local, remote, **more):
        """Keep half."""
        super().put_file(local, remote, **more)
        data = self.cat_file(remote)
        self.pipe_file(remote, data[: len(data) // 2])


class Picky(MemoryFileSystem):
    """A store whose login takes no option that it does not know, as that of SFTP."""

    protocol = "picky"
    store = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012

    def __init__(self, user=None):
        """Log in."""
        super().__init__()


class Remembering(MemoryFileSystem):
    """A store whose library keeps listings until it is told to forget them, as that of S3."""

    protocol = "remembering"
    store = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012
    kept = {}  # noqa: RUF012

    def ls(self, path, detail=True, **more):
        """Give what was there when it was asked first."""
        key = (path, detail)
        if key not in self.kept:
            self.kept[key] = super().ls(path, detail, **more)
        return self.kept[key]

    def invalidate_cache(self, path=None):
        """Forget."""
        self.kept.clear()


class Lying(MemoryFileSystem):
    """A store that tells names which are none of its own."""

    protocol = "lying"

    def ls(self, path, detail=True, **more):
        """Tell them."""
        return [f"{path}/..", f"{path}/../../etc", f"{path}/.", "/", "", f"{path}/b", f"{path}/b/"]


for kind in (Renaming, Forgetful, Picky, Remembering, Lying):
    fsspec.register_implementation(kind.protocol, kind, clobber=True)


class _Door(asyncssh.SSHServer):
    """Lets one user in."""

    def begin_auth(self, username):
        """Ask everybody for a password."""
        return True

    def password_auth_supported(self):
        """Take one."""
        return True

    def validate_password(self, username, password):
        """Know it."""
        return (username, password) == ("ada", "word")


@pytest.fixture(scope="session")
def sftp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of an SFTP server on this machine."""
    root = tmp_path_factory.mktemp("sftp")
    loop, ready = asyncio.new_event_loop(), threading.Event()
    stop: asyncio.Event = asyncio.Event()
    port = 0

    async def serve():
        nonlocal port
        server = await asyncssh.create_server(
            _Door,
            "127.0.0.1",
            0,
            server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(root)),
        )
        port = server.get_port()
        ready.set()
        await stop.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(30)
    yield f"sftp://ada:word@127.0.0.1:{port}"
    loop.call_soon_threadsafe(stop.set)
    thread.join(30)
    loop.close()
