"""Where private keys and high-water marks lie: outside the workspace, one directory a log.

    KEYS/<origin>/private.key      the keys in force, mode 0600: see `private_keys` and `sealed`
    KEYS/<origin>/public.vkey      their public halves, for who verifies and has no passphrase
    KEYS/<origin>/next.key         the keys of a rotation that is not finished: see `rotate_keys`
    KEYS/<origin>/retired.vkeys    ``N VKEY`` for each key that record N replaced
    KEYS/<origin>/high-water       what was last signed: see `high_water`
    KEYS/_pins/                    which log lies in which directory: see `pins`
    KEYS/_indexes/                 not ours: what the index of a workspace's runs was like
    KEYS/_compiled/                not ours: bytecode that workers need not compile again

KEYS is the directory that the variable REPRO_KEYS names, or ``repro/keys`` under XDG_DATA_HOME,
or under ``~/.local/share``. A passphrase is in REPRO_KEY_PASSPHRASE, or in the file that
REPRO_KEY_PASSPHRASE_FILE names. This module is the only one here that reads the environment.

A key that was taken out of use is overwritten with zeros and its name is gone. That is not
erasure: a journal, a snapshot, a backup or the flash below may still have it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from repro.audit_log.disk.locks import exclusive
from repro.audit_log.disk.sync import read_small, replace, sync_directory, write_new
from repro.audit_log.errors import CheckpointError, LogUnusableError, NoteError
from repro.audit_log.formats.checkpoint import Checkpoint
from repro.audit_log.formats.note_key import (
    ED25519,
    MLDSA44_COSIGNATURE,
    SEED_SIZE,
    Signer,
    Verifier,
    format_vkey,
    parse_vkey,
    verifier_of,
)
from repro.audit_log.formats.tree import EMPTY_ROOT

from . import high_water, pins, place, retired, sealed
from .private_keys import (
    format_keys,
    parse_keys,
    read_secret,
    rename_secret,
    replace_secret,
    sweep,
)
from .retired import Retired

_PRIVATE, _NEXT, _PUBLIC, _RETIRED = "private.key", "next.key", "public.vkey", "retired.vkeys"
_LIMIT = 65_536

Passphrase = str | Callable[[], str | None] | None


@dataclass(frozen=True, slots=True)
class KeyStore:
    """The directory that holds one directory for each origin."""

    root: Path
    passphrase: Passphrase = field(default=None, repr=False, compare=False)
    """Under which private keys lie, or a function that returns it; asked for when needed."""
    _opened: dict[Path, tuple[bytes, tuple[Signer, ...]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """Private keys by file, with the bytes they were read from: unsealing takes long."""

    @classmethod
    def default(cls) -> KeyStore:
        """Return the store that the environment names."""
        named = os.environ.get("REPRO_KEYS")
        if named:
            return cls(Path(named), _from_environment)
        data = os.environ.get("XDG_DATA_HOME") or Path("~/.local/share").expanduser()
        return cls(Path(data) / "repro" / "keys", _from_environment)

    def directory(self, origin: str) -> Path:
        """Return where the keys and the mark of ``origin`` lie."""
        return self.root / place.file_name(origin)

    def is_readable(self) -> bool:
        """Return whether there is a store that this user may look into."""
        return os.access(self.root, os.R_OK | os.X_OK)

    def create(self, origin: str) -> tuple[Verifier, ...]:
        """Make the keys of ``origin`` with a mark at size 0; return their public halves.

        Under the passphrase, if there is one.
        """
        directory = self.directory(origin)
        signers = _new_keys(origin)
        data = format_keys(signers)
        if passphrase := self._given():
            data = sealed.seal(data, origin, passphrase)
        place.require_own(self.root, directory)
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            directory.mkdir(mode=0o700)
            write_new(directory / _PRIVATE, data, 0o600)
            write_new(directory / _PUBLIC, _vkeys_of(signers))
            self.raise_mark(Checkpoint(origin, 0, EMPTY_ROOT))
            sync_directory(self.root)
        except OSError as error:
            raise LogUnusableError(f"cannot keep a key in {directory}: {error.strerror}") from error
        return tuple(verifier_of(signer) for signer in signers)

    def signer(self, origin: str) -> Signer:
        """Return the Ed25519 key of ``origin``; raise naming the file if it cannot be used."""
        return self.signers(origin)[0]

    def signers(self, origin: str) -> tuple[Signer, ...]:
        """Return the private keys in force, Ed25519 first; one for a log of version 0.1.

        `LogUnusableError` names the file that is missing, open to others, sealed, or no key.
        """
        path = self.directory(origin) / _PRIVATE
        signers = self._read(path, origin)
        if signers is None:
            raise LogUnusableError(
                f"no private key for {origin}: looked for {path}",
                "appending needs no key; signing does: set REPRO_KEYS to where the key lies",
            )
        return signers

    def public(self, origin: str) -> tuple[Verifier, ...]:
        """Return the public keys in force, without a passphrase; none if there is no key here."""
        path = self.directory(origin) / _PUBLIC
        try:
            keys = _parse_vkeys(read_small(path, _LIMIT))
        except (FileNotFoundError, NotADirectoryError):
            if not (path.parent / _PRIVATE).exists():
                return ()
            # Made by version 0.1, which kept no such file.
            return tuple(verifier_of(signer) for signer in self.signers(origin))
        except OSError as error:
            raise LogUnusableError(f"cannot read the public keys {path}: {error}") from error
        except (NoteError, UnicodeDecodeError) as error:
            raise LogUnusableError(f"not public keys: {path} ({error})") from None
        if not keys or any(key.name != origin for key in keys):
            raise LogUnusableError(f"the public keys {path} are not those of {origin}")
        return keys

    def retired(self, origin: str) -> tuple[Retired, ...]:
        """Return the keys that were replaced, the oldest first."""
        return retired.read(self.directory(origin) / _RETIRED)

    def encrypt(self, origin: str, passphrase: str) -> None:
        """Put the private keys of ``origin`` under ``passphrase``; they must not be under one."""
        self._convert(origin, False, passphrase)

    def decrypt(self, origin: str) -> None:
        """Take the private keys of ``origin`` out from under the passphrase of this store."""
        self._convert(origin, True, None)

    def change(self, origin: str, passphrase: str) -> None:
        """Put the private keys of ``origin`` under another ``passphrase``."""
        self._convert(origin, True, passphrase)

    def prepare_next(self, origin: str) -> tuple[Signer, ...]:
        """Return keys to come for ``origin``, durable; the key's lock is held.

        Those of a rotation that came to nothing are taken again and never thrown away: a copy of
        the log elsewhere may have recorded them.
        """
        directory = self.directory(origin)
        sweep(directory)
        waiting = self.next_signers(origin)
        if waiting is not None:
            return waiting
        signers = _new_keys(origin)
        data = format_keys(signers)
        if sealed.is_sealed(read_secret(directory / _PRIVATE)):
            data = sealed.seal(data, origin, self._passphrase(directory / _PRIVATE))
        replace_secret(directory / _NEXT, data)
        return signers

    def next_signers(self, origin: str) -> tuple[Signer, ...] | None:
        """Return the keys to come, if a rotation was begun."""
        return self._read(self.directory(origin) / _NEXT, origin)

    def adopt_next(self, origin: str, last: int) -> None:
        """Put the keys to come in force; record ``last`` replaced the others; lock held.

        The private keys are replaced as the last step, so that until then it can be done again.
        """
        directory = self.directory(origin)
        signers = self._read(directory / _NEXT, origin) or ()
        former = tuple(verifier_of(signer) for signer in self.signers(origin))
        retired.add(directory / _RETIRED, Retired(last, former))
        replace(directory / _PUBLIC, _vkeys_of(signers))
        rename_secret(directory / _NEXT, directory / _PRIVATE)

    @contextmanager
    def exclusive(self, origin: str) -> Iterator[None]:
        """Hold the key of ``origin`` alone: two copies of one log must not sign at once."""
        with exclusive(self.directory(origin) / "lock"):
            yield

    def mark(self, origin: str) -> Checkpoint | None:
        """Return what was last signed for ``origin``; None if nothing says so here."""
        path = self.directory(origin) / "high-water"
        place.require_own(self.root, path.parent)
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

    def pinned_origin(self, directory: Path) -> str | None:
        """Return which log was first seen in ``directory``; None if none was."""
        return pins.read(self.root, directory)

    def pin(self, directory: Path, origin: str) -> None:
        """Remember that ``directory`` holds the log ``origin``."""
        try:
            pins.write(self.root, directory, origin)
        except OSError as error:
            raise LogUnusableError(
                f"cannot remember which log lies in {directory}: {error.strerror or error}"
            ) from error

    def _read(self, path: Path, origin: str) -> tuple[Signer, ...] | None:
        """Return the private keys in ``path``; None if there is no such file."""
        place.require_own(self.root, path.parent)
        try:
            data = read_secret(path)
        except FileNotFoundError:
            return None
        if path in self._opened and self._opened[path][0] == data:
            return self._opened[path][1]
        signers = self._parse(path, data, origin)
        if signers[0].name != origin:
            raise LogUnusableError(f"the private key {path} is that of {signers[0].name}")
        if signers[0].kind != ED25519:
            raise LogUnusableError(f"not a private key: {path} (its first is not Ed25519)")
        # While a rotation is finished, the public keys are ahead of the private ones.
        if path.name == _PRIVATE and not (path.parent / _NEXT).exists():
            beside = path.parent / _PUBLIC
            if beside.exists() and read_small(beside, _LIMIT) != _vkeys_of(signers):
                if read_secret(path) != data:  # a rotation was finished meanwhile
                    return self._read(path, origin)
                raise LogUnusableError(f"the private key {path} is not that of {beside}")
        self._opened[path] = data, signers
        return signers

    def _parse(self, path: Path, data: bytes, origin: str) -> tuple[Signer, ...]:
        try:
            if sealed.is_sealed(data):
                if (named := sealed.origin_of(data)) != origin:
                    raise LogUnusableError(f"the private key {path} is that of {named}")
                data = sealed.unseal(data, self._passphrase(path))
            return parse_keys(data)
        except sealed.SealError as error:
            raise LogUnusableError(
                f"cannot open the private key {path}: {error}",
                "the passphrase is that of REPRO_KEY_PASSPHRASE or REPRO_KEY_PASSPHRASE_FILE",
            ) from None
        except NoteError as error:
            raise LogUnusableError(f"not a private key: {path} ({error})") from None

    def _convert(self, origin: str, was_sealed: bool, passphrase: str | None) -> None:
        """Write the private keys of ``origin`` anew, under ``passphrase`` or none."""
        self.signers(origin)
        directory = self.directory(origin)
        if passphrase == "":
            raise LogUnusableError("an empty passphrase protects nothing")
        try:
            with self.exclusive(origin):
                sweep(directory)
                if not (directory / _PUBLIC).exists():
                    replace(directory / _PUBLIC, _vkeys_of(self.signers(origin)))
                if sealed.is_sealed(read_secret(directory / _PRIVATE)) != was_sealed:
                    words = "is not under a passphrase" if was_sealed else "is under one already"
                    raise LogUnusableError(f"the private key {directory / _PRIVATE} {words}")
                # The keys in force come last: whoever is stopped in the middle does it again.
                for path in (directory / _NEXT, directory / _PRIVATE):
                    signers = self._read(path, origin)
                    if signers is not None:
                        data = format_keys(signers)
                        sealing = passphrase is not None
                        replace_secret(
                            path, sealed.seal(data, origin, str(passphrase)) if sealing else data
                        )
        except OSError as error:
            raise LogUnusableError(f"cannot keep a key in {directory}: {error.strerror}") from error

    def _given(self) -> str | None:
        return self.passphrase() if callable(self.passphrase) else self.passphrase

    def _passphrase(self, path: Path) -> str:
        passphrase = self._given()
        if not passphrase:
            raise LogUnusableError(
                f"the private key {path} is under a passphrase, and none was given",
                "set REPRO_KEY_PASSPHRASE, or REPRO_KEY_PASSPHRASE_FILE to a file that holds it",
            )
        return passphrase


def _new_keys(origin: str) -> tuple[Signer, ...]:
    kinds = (ED25519, MLDSA44_COSIGNATURE)
    return tuple(Signer(origin, secrets.token_bytes(SEED_SIZE), kind) for kind in kinds)


def _vkeys_of(signers: tuple[Signer, ...]) -> bytes:
    return "".join(f"{format_vkey(verifier_of(signer))}\n" for signer in signers).encode()


def _parse_vkeys(data: bytes) -> tuple[Verifier, ...]:
    return tuple(parse_vkey(line) for line in data.decode().splitlines())


def _from_environment() -> str | None:
    named = os.environ.get("REPRO_KEY_PASSPHRASE")
    file = os.environ.get("REPRO_KEY_PASSPHRASE_FILE")
    if named or not file:
        return named
    try:
        # Resolved: what a container mounts as a secret is often a link.
        return read_small(Path(file).resolve(), 4096).decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise LogUnusableError(f"cannot read the passphrase from {file}: {error}") from None
