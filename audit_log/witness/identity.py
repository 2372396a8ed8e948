"""A witness' own keys, and the directory that it lives in.

WITNESS/witness.key        PRIVATE+KEY+NAME+HEX(key id)+BASE64(KIND ‖ SEED), two lines; 0600
WITNESS/witness.vkey       the public halves, to be handed to whoever relies on the witness
WITNESS/logs/, state/      the logs that it knows, and what it has cosigned for each
WITNESS/contradictions/    pairs of signed checkpoints that prove that a log lied

Whoever can read ``witness.key`` can sign in the witness' name; nothing else here is secret.
"""

from __future__ import annotations

import base64
import secrets
import stat
from pathlib import Path
from typing import Final

from repro.audit_log.disk.sync import read_small, sync_directory, write_new
from repro.audit_log.errors import LogUnusableError, NoteError
from repro.audit_log.formats.note_key import (
    ED25519_COSIGNATURE,
    MLDSA44_COSIGNATURE,
    SEED_SIZE,
    Signer,
    Verifier,
    decode_base64,
    format_vkey,
    is_name,
    verifier_of,
)

KEY: Final = "witness.key"
VKEY: Final = "witness.vkey"
LOGS: Final = "logs"
STATE: Final = "state"
CONTRADICTIONS: Final = "contradictions"

_PREFIX: Final = "PRIVATE+KEY+"
_KINDS: Final = (ED25519_COSIGNATURE, MLDSA44_COSIGNATURE)
_MAX_NAME: Final = 255
"""Bytes: the most that an ML-DSA-44 cosignature can say of its signer's name."""


def create_witness(directory: Path, name: str) -> tuple[Verifier, ...]:
    """Make a witness called ``name`` in the new ``directory``; return its public keys.

    The name is a URL without the scheme, such as ``witness.example.com/w1``. Two keys are made:
    Ed25519 (0x04) and ML-DSA-44 (0x06). `LogUnusableError` if there is such a directory already.
    """
    if not is_name(name) or len(name.encode()) > _MAX_NAME:
        raise LogUnusableError(
            f"not a name for a witness: {name!r}",
            "at most 255 bytes, without white space and plus signs: witness.example.com/w1",
        )
    signers = [Signer(name, secrets.token_bytes(SEED_SIZE), kind) for kind in _KINDS]
    verifiers = tuple(verifier_of(signer) for signer in signers)
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        directory.mkdir(mode=0o700)
        for part in (LOGS, STATE, CONTRADICTIONS):
            (directory / part).mkdir()
        vkeys = "".join(f"{format_vkey(verifier)}\n" for verifier in verifiers)
        write_new(directory / VKEY, vkeys.encode())
        write_new(directory / KEY, "".join(map(_format, signers)).encode(), 0o600)
        sync_directory(directory)
        sync_directory(directory.parent)
    except OSError as error:
        raise LogUnusableError(f"cannot make a witness in {directory}: {error.strerror}") from error
    return verifiers


def load_signers(directory: Path) -> tuple[Signer, ...]:
    """Return the private keys of the witness in ``directory``; `LogUnusableError` if it cannot."""
    path = directory / KEY
    try:
        mode = stat.S_IMODE(path.lstat().st_mode)
        lines = read_small(path, 8192).decode("ascii").splitlines(keepends=True)
        signers = tuple(_parse(line) for line in lines)
    except FileNotFoundError:
        raise LogUnusableError(f"no witness in {directory}: there is no {KEY}") from None
    except OSError as error:
        raise LogUnusableError(f"cannot read the private keys {path}: {error}") from error
    except (NoteError, UnicodeDecodeError):
        raise LogUnusableError(f"not private keys of a witness: {path}") from None
    if mode & 0o077:
        raise LogUnusableError(
            f"the private keys {path} are open to others (mode {mode:04o})",
            "make them yours alone: mode 0600",
        )
    if not signers or len({signer.name for signer in signers}) > 1:
        raise LogUnusableError(f"not the keys of one witness: {path}")
    return signers


def _format(signer: Signer) -> str:
    data = base64.b64encode(bytes([signer.kind]) + signer.seed).decode()
    return f"{_PREFIX}{signer.name}+{verifier_of(signer).key_id.hex()}+{data}\n"


def _parse(line: str) -> Signer:
    name, _, rest = line.removeprefix(_PREFIX).partition("+")
    data = decode_base64(rest.rstrip("\n").partition("+")[2], "key")
    if len(data) != 1 + SEED_SIZE or data[0] not in _KINDS:
        raise NoteError("not a private key of a cosigner")
    signer = Signer(name, data[1:], data[0])
    if _format(signer) != line:
        raise NoteError("not a private key")
    return signer
