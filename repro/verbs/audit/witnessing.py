"""``repro audit witness new · trust · forget · logs · serve``: being a witness for other logs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from repro.audit_log.errors import NoteError
from repro.audit_log.formats.note_key import KINDS, Verifier, format_vkey, parse_vkey, verifier_of
from repro.audit_log.formats.policy import LOG_KINDS
from repro.audit_log.witness import logs, server
from repro.audit_log.witness.identity import create_witness, load_signers
from repro.audit_log.witness.logs import KnownLog
from repro.errors import UsageError


@dataclass(frozen=True, slots=True)
class House:
    """A witness: where it lives, its public keys, and the logs that it cosigns for."""

    directory: Path
    name: str
    vkeys: tuple[str, ...]
    logs: tuple[KnownLog, ...]


def new(directory: Path, name: str) -> House:
    """Make a witness in a directory that does not exist yet."""
    keys = create_witness(directory, name)
    return House(directory, name, tuple(map(format_vkey, keys)), ())


def trust(directory: Path, vkeys: Sequence[str]) -> House:
    """Let a witness cosign for a log; UsageError unless these are keys that one log signs with."""
    load_signers(directory)
    keys = [_log_key(vkey) for vkey in vkeys]
    if len({key.name for key in keys}) != 1:
        raise UsageError(
            f"the keys of one log have one name, and there are {len({k.name for k in keys})}",
            "trust one log after the other",
        )
    logs.add_log(directory, [format_vkey(key) for key in keys])
    return known(directory)


def forget(directory: Path, origin: str) -> House:
    """Let a witness no longer cosign for a log; what it has cosigned stays on its record."""
    found = [log.origin for log in logs.list_logs(directory)]
    if origin not in found:
        names = ", ".join(found) or "none"
        raise UsageError(f"this witness knows no log {origin!r}", f"it knows: {names}")
    logs.remove_log(directory, origin)
    return known(directory)


def known(directory: Path) -> House:
    """Return the witness that lives in a directory."""
    keys = tuple(verifier_of(signer) for signer in load_signers(directory))
    vkeys = tuple(map(format_vkey, keys))
    return House(directory, keys[0].name, vkeys, logs.list_logs(directory))


def serve(
    directory: Path,
    host: str,
    port: int,
    ready: Callable[[str], None],
    report: Callable[[str], None],
) -> None:
    """Answer logs until SIGTERM or SIGINT. ``ready`` is given the URL, ``report`` what is odd."""
    server.serve(directory, host, port, ready, report=report)


def _log_key(vkey: str) -> Verifier:
    try:
        key = parse_vkey(vkey)
    except NoteError as error:
        raise UsageError(
            f"not a public key: {error}", "copy the key's text NAME+ID+BASE64 again"
        ) from None
    if key.kind not in LOG_KINDS:
        raise UsageError(
            f"a log does not sign with a key of type 0x{key.kind:02x} ({KINDS[key.kind]})",
            "give the keys of the log, as in AUDIT_LOG/log.vkey",
        )
    return key
