"""Whether a log that somebody here trusts vouches for a run that comes from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from repro.audit_log.errors import BundleError, NoteError, PolicyError, RecordError
from repro.audit_log.formats.bundle import parse_bundle
from repro.audit_log.formats.bundle_report import verify_bundle
from repro.audit_log.formats.genesis import begun
from repro.audit_log.formats.note_key import parse_vkey
from repro.audit_log.formats.policy import Policy, policy_of_keys
from repro.audit_log.formats.record import Record, decode
from repro.audit_log.keys.keystore import KeyStore
from repro.errors import InputError, IntegrityError
from repro.runs import layout
from repro.runs.manifest import Manifest
from repro.verbs.audit.policy import read_policy

_AGAIN: Final = (
    "push the run again from where it was trained: a proof that does not hold is replaced"
)


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose word counts. With nothing said, that of the logs whose keys are on this machine."""

    vkeys: tuple[str, ...] = ()
    policy: Path | None = None
    self_asserted: bool = False
    """Believe the key that the log itself names: who wrote it all may have written anything."""


@dataclass(frozen=True, slots=True)
class Vouched:
    """What a proof said of a run."""

    trust: str
    """``key``, ``policy`` or ``self-asserted``."""
    size: int
    """Records that the checkpoint in the proof covers."""


def vouched(proof: bytes, trust: Trust, manifest: Manifest) -> Vouched:
    """Return why a run is believed; ``proof`` is a bundle of its records.

    InputError if nothing says whose log it is, or its signers are not those who are trusted;
    IntegrityError if the proof is broken, or speaks of other files than ``manifest``.
    """
    how, policy = _policy(proof, trust, manifest.origin)
    report = verify_bundle(proof, policy)
    where = f"run {manifest.run} of {manifest.origin}"
    if report.exit_status == 4:
        raise IntegrityError(
            f"the proof of {where} is {report.verdict}: {report.problem}",
            f"it was changed; {_AGAIN}",
        )
    if report.exit_status:
        raise InputError(
            f"the proof of {where} is {report.verdict}: {report.problem}",
            f"it is cut short or changed; {_AGAIN}"
            if not _is_bundle(proof)
            else "name the log's key with --vkey, or what you trust with --policy; if that is what "
            f"you did, the proof may have been changed: {_AGAIN}",
        )
    if report.origin != manifest.origin:
        raise IntegrityError(
            f"{where}: its proof is of another log, {report.origin}", f"nothing was taken; {_AGAIN}"
        )
    ends = [record for record in _records(proof) if _completes(record, manifest.run)]
    if len(ends) != 1:
        raise IntegrityError(
            f"{where}: its proof completes it {len(ends)} times", f"nothing was taken; {_AGAIN}"
        )
    (end,) = ends
    if not _says(end, manifest):
        raise IntegrityError(
            f"{where}: its log says that it has other files, or another key, than what is there",
            f"the manifest was changed; {_AGAIN}",
        )
    return Vouched(how, report.size or 0)


def _policy(proof: bytes, trust: Trust, origin: str) -> tuple[str, Policy]:
    try:
        if trust.policy is not None:
            return "policy", read_policy(trust.policy)
        if trust.vkeys:
            return "key", policy_of_keys(parse_vkey(text) for text in trust.vkeys)
        if trust.self_asserted:
            _, named = begun(_records(proof)[0])
            return "self-asserted", policy_of_keys(parse_vkey(text) for text in named)
        known = KeyStore.default().public(origin) if KeyStore.default().is_readable() else ()
        if known:
            return "key", policy_of_keys(known)
    except (NoteError, PolicyError, RecordError, IndexError) as error:
        raise InputError(f"nobody can be trusted by that: {error}", "look at the keys") from None
    raise InputError(
        f"nothing says whose log {origin} is: this machine has no key of it",
        "ask its owner for the key (repro audit key show -o FILE) and name it with --vkey; "
        "--self-asserted believes whatever the log says of itself",
    )


def _is_bundle(proof: bytes) -> bool:
    try:
        parse_bundle(proof)
    except BundleError:
        return False
    return True


def _records(proof: bytes) -> list[Record]:
    try:
        return [decode(entry.line) for entry in parse_bundle(proof).entries]
    except (BundleError, RecordError):
        return []  # `verify_bundle` says what is wrong with it


def _completes(record: Record, run: str) -> bool:
    return record.type == "run.completed" and record.body.get("run") == run


def _says(end: Record, manifest: Manifest) -> bool:
    """Return whether a record ``run.completed`` is about what ``manifest`` names."""
    body: dict[str, Any] = dict(end.body)
    below = f"{layout.RESULTS}/{layout.RUNS}/{manifest.run}"
    named = sorted(body.get("artifacts", ()), key=lambda one: str(one.get("path")))
    expected = (manifest.record, manifest.execution_key, manifest.output_digest)
    said = (end.seq, body.get("execution_key"), body.get("output_digest"))
    return said == expected and named == manifest.artifacts(below)
