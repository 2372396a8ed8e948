"""Where private keys and high-water marks lie: outside the workspace, one directory a log.

    KEYS/<origin>/private.key      PRIVATE+KEY+NAME+HEX(key id)+BASE64(0x01 ‖ seed), mode 0600
    KEYS/<origin>/high-water       what was last signed: see `high_water`

KEYS is the directory that the variable REPRO_KEYS names, or ``repro/keys`` under XDG_DATA_HOME,
or under ``~/.local/share``. This module is the only one here that reads the environment.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from repro.audit_log.disk.locks import exclusive
from repro.audit_log.disk.sync import read_small, sync_directory, write_new
from repro.audit_log.errors import CheckpointError, LogUnusableError, NoteError
from repro.audit_log.formats.checkpoint import Checkpoint
from repro.audit_log.formats.note_key import Signer, Verifier, verifier_of
from repro.audit_log.formats.tree import EMPTY_ROOT

from . import high_water

_PREFIX = "PRIVATE+KEY+"


@dataclass(frozen=True, slots=True)
class KeyStore:
    """The directory that holds one directory for each origin."""

    root: Path

    @classmethod
    def default(cls) -> KeyStore:
        """Return the store that the environment names."""
        named = os.environ.get("REPRO_KEYS")
        if named:
            return cls(Path(named))
        data = os.environ.get("XDG_DATA_HOME") or Path("~/.local/share").expanduser()
        return cls(Path(data) / "repro" / "keys")

    def directory(self, origin: str) -> Path:
        """Return where the key and the mark of ``origin`` lie."""
        return self.root / _file_name(origin)

    def create(self, origin: str) -> Verifier:
        """Make a key for ``origin`` with a mark at size 0; return its public half."""
        directory = self.directory(origin)
        signer = Signer(origin, secrets.token_bytes(32))
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            directory.mkdir(mode=0o700)
            write_new(directory / "private.key", _format(signer).encode(), 0o600)
            self.raise_mark(Checkpoint(origin, 0, EMPTY_ROOT))
            sync_directory(self.root)
        except OSError as error:
            raise LogUnusableError(f"cannot keep a key in {directory}: {error.strerror}") from error
        return verifier_of(signer)

    def signer(self, origin: str) -> Signer:
        """Return the private key of ``origin``; raise naming the file if it cannot be used."""
        path = self.directory(origin) / "private.key"
        try:
            mode = path.lstat().st_mode
            text = read_small(path, 4096).decode("ascii")
            signer = _parse(text)
        except FileNotFoundError:
            raise LogUnusableError(
                f"no private key for {origin}: looked for {path}",
                "appending needs no key; signing does: set REPRO_KEYS to where the key lies",
            ) from None
        except OSError as error:
            raise LogUnusableError(f"cannot read the private key {path}: {error}") from error
        except (NoteError, UnicodeDecodeError):
            raise LogUnusableError(f"not a private key: {path}") from None
        if stat.S_IMODE(mode) & 0o077:
            raise LogUnusableError(
                f"the private key {path} is open to others (mode {stat.S_IMODE(mode):04o})",
                "make it yours alone: mode 0600",
            )
        if signer.name != origin:
            raise LogUnusableError(f"the private key {path} is that of {signer.name}")
        return signer

    @contextmanager
    def exclusive(self, origin: str) -> Iterator[None]:
        """Hold the key of ``origin`` alone: two copies of one log must not sign at once."""
        with exclusive(self.directory(origin) / "lock"):
            yield

    def mark(self, origin: str) -> Checkpoint | None:
        """Return what was last signed for ``origin``; None if nothing says so here."""
        path = self.directory(origin) / "high-water"
        try:
            mark = high_water.read(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LogUnusableError(f"cannot read the high-water mark {path}: {error}") from error
        except (CheckpointError, UnicodeDecodeError) as error:
            raise LogUnusableError(f"not a high-water mark: {path} ({error})") from None
        if mark.origin != origin:
            raise LogUnusableError(f"the high-water mark {path} is that of {mark.origin}")
        return mark

    def raise_mark(self, mark: Checkpoint) -> None:
        """Make ``mark`` the high-water mark of its origin, durable on return."""
        high_water.write(self.directory(mark.origin) / "high-water", mark)


def _file_name(origin: str) -> str:
    """Return a name for ``origin`` that every file system keeps apart from other origins'."""
    safe = re.sub(r"[^a-z0-9.-]", lambda match: f"_{match[0].encode().hex()}_", origin)
    return f"_2e_{safe[1:]}" if safe.startswith(".") else safe


def _format(signer: Signer) -> str:
    verifier = verifier_of(signer)
    data = base64.b64encode(b"\x01" + signer.seed).decode()
    return f"{_PREFIX}{signer.name}+{verifier.key_id.hex()}+{data}\n"


def _parse(text: str) -> Signer:
    # The shape after the prefix is that of a public key's text; only the key id differs.
    name, _, rest = text.removeprefix(_PREFIX).partition("+")
    try:
        seed = base64.b64decode(rest.strip().partition("+")[2], validate=True)[1:]
    except ValueError:
        raise NoteError("not base64") from None
    signer = Signer(name, seed)
    if len(seed) != 32 or _format(signer) != text:
        raise NoteError("not a private key")
    return signer
