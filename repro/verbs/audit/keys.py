"""``repro audit key``: what the workspace's log signs with, and where that lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from repro.audit_log.disk.sync import read_small
from repro.audit_log.errors import LogUnusableError
from repro.audit_log.formats.note_key import KINDS, format_vkey
from repro.audit_log.keys import pins, sealed
from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.keys.private_keys import read_secret
from repro.audit_log.keys.retired import Retired
from repro.errors import InputError, UsageError
from repro.verbs.audit.files import write_files
from repro.verbs.audit.log import cosigner, open_log_to_sign, origin_here
from repro.verbs.audit.witnesses import refresh
from repro.verbs.observer import Warn, unheard

PRIVATE = "private.key"
_MAX_PASSPHRASE = 4096


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a log, as this machine has them."""

    origin: str
    vkeys: tuple[tuple[str, str], ...]
    """What kind each public key in force is, and its text; none if no key is here."""
    directory: Path
    private: Path | None
    """The file of the private keys; None if it is not here."""
    encrypted: bool | None
    """Whether a passphrase is needed to use it; None if it is not here."""
    rotations: tuple[Retired, ...]
    pins: tuple[str, ...]
    """The directories in which this log was seen."""


def show(root: Path) -> Keys:
    """Return the keys of the workspace's log. No passphrase is needed."""
    store, origin = KeyStore.default(), origin_here(root)
    directory = store.directory(origin)
    private: Path | None = directory / PRIVATE
    encrypted: bool | None = None
    try:
        encrypted = sealed.is_sealed(read_secret(directory / PRIVATE))
    except (FileNotFoundError, NotADirectoryError):
        private = None
    public = store.public(origin)
    return Keys(
        origin,
        tuple((KINDS[key.kind], format_vkey(key)) for key in public),
        directory,
        private,
        encrypted,
        store.retired(origin),
        pins.places(store.root, origin),
    )


def hand_out(root: Path, out: Path) -> Keys:
    """Return the keys, and write the public ones into the new file ``out``, one a line.

    They are those beside the private key, not those that the log names: this file is what others
    are to trust. Raises LogUnusableError if no key is here.
    """
    keys = show(root)
    if not keys.vkeys:
        raise LogUnusableError(
            f"no key of {keys.origin} is here: looked in {keys.directory}",
            "set REPRO_KEYS to where the key lies",
        )
    write_files({out: "".join(f"{vkey}\n" for _, vkey in keys.vkeys).encode()})
    return keys


def rotate(root: Path, warn: Warn = unheard) -> Keys:
    """Replace the keys of the log by new ones; what the old ones signed stays good."""
    log = open_log_to_sign(root, warn)
    log.rotate_keys()
    try:
        refresh(root)
    except InputError as error:
        warn(f"the policy beside the key still names the old keys: {error.problem}")
    cosigner(log, warn)()
    return show(root)


def encrypt(root: Path, passphrase: str) -> Keys:
    """Put the private keys under a passphrase; they must not be under one."""
    KeyStore.default().encrypt(_origin_with_key(root, False), passphrase)
    return show(root)


def decrypt(root: Path) -> Keys:
    """Take the private keys out from under their passphrase, which the environment names."""
    KeyStore.default().decrypt(_origin_with_key(root, True))
    return show(root)


def change(root: Path, passphrase: str) -> Keys:
    """Put the private keys under another passphrase; the environment names the one they have."""
    KeyStore.default().change(_origin_with_key(root, True), passphrase)
    return show(root)


def require_convertible(root: Path, encrypted: bool) -> None:
    """Raise what `encrypt`, `decrypt` and `change` would, before anybody types a passphrase."""
    KeyStore.default().signers(_origin_with_key(root, encrypted))


def environment_passphrase() -> str | None:
    """Return the passphrase that the environment names, if any."""
    given = KeyStore.default().passphrase
    return given() if callable(given) else given


def read_passphrase(path: Path) -> str:
    """Return the passphrase in a file: its text without the newline at the end."""
    try:
        text = read_small(path.resolve(), _MAX_PASSPHRASE + 1).decode().rstrip("\r\n")
    except OSError as error:
        raise InputError(
            f"cannot read the new passphrase from {path}: {error.strerror or error}",
            "the file holds it in one line",
        ) from error
    except UnicodeDecodeError:
        raise InputError(f"the new passphrase in {path} is not UTF-8") from None
    require_passphrase(text)
    return text


def require_passphrase(text: str) -> None:
    """Raise UsageError unless ``text`` can be typed as a passphrase, and protects something."""
    if not text.strip():
        raise UsageError("an empty passphrase protects nothing", "take a long one")
    if "\n" in text or "\r" in text or len(text) > _MAX_PASSPHRASE:
        raise UsageError("a passphrase is one line", f"of at most {_MAX_PASSPHRASE} characters")


def _origin_with_key(root: Path, encrypted: bool) -> str:
    keys = show(root)
    if keys.private is None:
        raise LogUnusableError(
            f"no private key for {keys.origin}: looked for {keys.directory / PRIVATE}",
            "set REPRO_KEYS to where the key lies",
        )
    if keys.encrypted is not encrypted:
        words = "is under a passphrase already" if keys.encrypted else "is not under a passphrase"
        hint = (
            "to change it: repro audit key change" if keys.encrypted else "repro audit key encrypt"
        )
        raise LogUnusableError(f"the private key {keys.private} {words}", hint)
    return keys.origin
