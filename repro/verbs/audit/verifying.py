"""Verify the workspace's log, or a published one, with what the verifier brings along."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from repro.audit_log.errors import LogError
from repro.audit_log.formats.note import MAX_NOTE
from repro.audit_log.formats.tiled import CHECKPOINT
from repro.audit_log.verification.faults import Report
from repro.audit_log.verification.forks import write_evidence
from repro.audit_log.verification.levels import Stamp
from repro.config.documents.workspace import find_root
from repro.errors import InputError, ReproError, UsageError
from repro.stores.store import Store, open_store
from repro.verbs.audit.files import read_input
from repro.verbs.audit.log import DIRECTORY, origin_here, verify_log
from repro.verbs.audit.policy import read_policy
from repro.verbs.audit.stamping import kept_stamps, read_authorities


@dataclass(frozen=True, slots=True)
class Asked:
    """What a verification is to know and to do."""

    vkeys: tuple[str, ...] = ()
    """Trusted keys; without them and without a policy, the local key store says whose log it is."""
    policy: Path | None = None
    checkpoint: Path | None = None
    """An older checkpoint that was kept elsewhere."""
    authorities: Path | None = None
    """Pinned certificates (PEM) of time-stamp authorities."""
    artifacts: bool = False
    state: Path | None = None
    """The verifier's own file."""
    full: bool = False
    without_openings: bool = False


def verify_workspace(
    root: Path, asked: Asked, evidence: Path | None = None
) -> tuple[Report, Path | None]:
    """Return what can be said of the log of a workspace, and where proof of a fork was written.

    That is a file of its own in the folder ``evidence``, if two signed notes contradict each other.
    InputError for a file that cannot be read or used; nothing is raised for a bad log.
    """
    _require_folder(evidence)
    policy = read_policy(asked.policy) if asked.policy is not None else None
    old = _old(asked)
    stamps, words = _stamps(root / DIRECTORY, asked)
    report = verify_log(
        root,
        asked.vkeys,
        old,
        asked.artifacts,
        policy=policy,
        state=asked.state,
        stamps=stamps,
        full=asked.full,
        without_openings=asked.without_openings,
    )
    if asked.authorities is None:
        report = replace(report, not_checked=(*report.not_checked, *words))
    else:
        report = replace(report, warnings=(*report.warnings, *words))
    return report, write_evidence(report, evidence) if evidence is not None else None


def verify_published(
    start: Path, address: str, asked: Asked, evidence: Path | None = None
) -> tuple[Report, Path | None]:
    """Return what can be said of the log that is published at ``address``, as `verify_workspace`.

    Without a key and a policy, the log of the workspace around ``start`` is the one that must be
    there: what is published must be a beginning of it. IntegrityError if it is another history, or
    longer; a warning tells what is not published yet. UsageError for what cannot be asked of a
    published log.
    """
    from repro.audit_log.formats.note_key import format_vkey
    from repro.audit_log.keys.keystore import KeyStore
    from repro.audit_log.verification.published import verify_published as verify

    if asked.artifacts or asked.state is not None or asked.authorities is not None:
        raise UsageError(
            "--from reads what is published, and no artifacts, stamps or earlier state of yours",
            "take --artifacts, --state and --stamp-authority away",
        )
    _require_folder(evidence)
    policy = read_policy(asked.policy) if asked.policy is not None else None
    keys = asked.vkeys
    root = find_root(start) if not keys and policy is None else None
    if root is not None:
        found = KeyStore.default().public(origin_here(root))
        keys = tuple(format_vkey(key) for key in found)
    place = _Place(open_store(address))
    report = verify(
        place,
        vkeys=keys,
        policy=policy,
        old_checkpoint=_old(asked),
        full=asked.full,
    )
    if root is not None and report.level > 0:  # else it is said already
        report = replace(report, warnings=(*report.warnings, *_lag(root, place, evidence)))
    return report, write_evidence(report, evidence) if evidence is not None else None


@dataclass(slots=True)
class _Place:
    """A store that is verified, which may list nothing. Mutable; used once.

    Its checkpoint is read once: who gave a second reader another one would have one of them
    verified and the other compared.
    """

    store: Store
    note: bytes | None = None

    @property
    def shown(self) -> str:
        """Its address as it may be shown."""
        return self.store.shown

    def read(self, name: str, limit: int) -> bytes | None:
        """Return the bytes of a file, at most ``limit``; None if it is not there."""
        if name != CHECKPOINT:
            return self.store.read(name, limit)
        if self.note is None:
            self.note = self.store.read(name, limit)
        return self.note

    def names(self, folder: str) -> list[str] | None:
        """Return what lies directly in a folder; None where it is not told."""
        try:
            return self.store.names(folder)
        except InputError:
            return None


def _lag(root: Path, place: _Place, evidence: Path | None) -> tuple[str, ...]:
    """Return what is to be said of a published log that is behind that of the workspace.

    The key alone would vouch for any history that it has signed. IntegrityError, as `standing`
    raises it, if what is published is not a beginning of the log here.
    """
    from repro.verbs.audit.continuing import standing
    from repro.verbs.audit.published import set_back
    from repro.verbs.audit.reading import reading

    with reading(root) as reader:
        there, here = standing(reader, place, evidence), reader.committed
        said = set_back(reader.directory, place.shown, there)
    if there.size == here:
        return ()
    lag = f"{there.size} records are published, and {here} are signed here: publish the rest"
    return (lag, said) if said else (lag,)


def _require_folder(evidence: Path | None) -> None:
    if evidence is not None and not evidence.is_dir():
        raise InputError(f"no folder for evidence: {evidence}", "make it first")


def _old(asked: Asked) -> bytes | None:
    if asked.checkpoint is None:
        return None
    return read_input(asked.checkpoint, MAX_NOTE, "the checkpoint")


def _stamps(directory: Path, asked: Asked) -> tuple[tuple[Stamp, ...], tuple[str, ...]]:
    pinned = read_authorities(asked.authorities)
    try:
        return kept_stamps(directory, pinned)
    except (ReproError, LogError, OSError) as error:
        # What is wrong with the log itself is for its verification to say.
        return (), (f"the time stamps were not looked at: {error}",)
