"""The workspace's log, as the verbs use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from repro import __version__
from repro.audit_log.errors import LogError, LogUnusableError, RecordError
from repro.audit_log.formats.commitment import is_digest
from repro.audit_log.formats.note_key import format_vkey
from repro.audit_log.formats.record import Record, Tool, decode
from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.storage.creation import local_actor, read_origin, require_place
from repro.audit_log.storage.layout import LINES, SEGMENTS, require_directory
from repro.audit_log.storage.segments import lines_with
from repro.audit_log.storage.store import Log
from repro.audit_log.verification.continuing import verify_from
from repro.audit_log.verification.faults import Report
from repro.audit_log.verification.levels import Policy, Stamp
from repro.audit_log.verification.observer import Observer
from repro.audit_log.verification.verify import verify
from repro.errors import InputError, IntegrityError
from repro.runs.layout import log_folder
from repro.runs.sealed import Run, require_whole
from repro.runs.staging import set_aside
from repro.verbs.audit.unchanged import Unchanged, forget, remembered
from repro.verbs.observer import Warn, unheard

DIRECTORY = "AUDIT_LOG"
RESULTS = frozenset({"command.executed", "run.completed", "run.verified"})
"""Records that say what bits came out under an execution key."""
POLICY = "policy"
"""Beside the key: a tlog-policy with the witnesses that are asked (see `witnesses`)."""
TOOL = Tool("repro", __version__)


def create_log(root: Path, passphrase: str | None = None) -> Log:
    """Return a new log in the workspace, with a key of its own outside it.

    The key is put under ``passphrase``, or under that of the environment if there is one.
    """
    keys = KeyStore.default()
    if passphrase is not None:
        keys = replace(keys, passphrase=passphrase)
    return Log.create(root / DIRECTORY, actor=local_actor(), tool=TOOL, keys=keys)


def log_directory(root: Path) -> Path:
    """Return the directory of the workspace's log; InputError if there is none."""
    directory = root / DIRECTORY
    if not directory.exists():
        raise InputError(
            f"no log: {directory} does not exist",
            "a missing log is never taken for an empty one; put it back, or make one with: "
            "repro init --add-missing",
        )
    return directory


def origin_here(root: Path) -> str:
    """Return the origin of the workspace's log, which is the one that was first seen there."""
    directory = log_directory(root)
    require_directory(directory)
    origin = read_origin(directory)
    require_place(directory, origin, KeyStore.default())
    return origin


def open_log(root: Path, warn: Warn = unheard) -> Log:
    """Return the workspace's log, with every interrupted run brought to its end.

    Raises InputError if there is none, and the log's own errors if it cannot be used.
    """
    log = Log.open(log_directory(root), actor=local_actor(), tool=TOOL)
    for text in log.warnings:
        warn(text)
    for run in log.recover_runs():
        set_aside(root, run)
    return log


def open_log_to_sign(root: Path, warn: Warn = unheard) -> Log:
    """Return the log, known to have its private key here: a plan must be committed before work."""
    log = open_log(root, warn)
    log.keys.signer(log.origin)
    log.commit()  # a log that cannot be signed must not be written to first
    return log


def cosigner(log: Log, warn: Warn) -> Callable[[], None]:
    """Return what asks the log's witnesses for cosignatures, to be called after each commit.

    It does nothing, at no cost, where no witness is configured. InputError if the policy that names
    them cannot be used. What it does never raises: see `cosigning.Cosigner`.
    """
    if not (log.keys.directory(log.origin) / POLICY).exists():
        return _nobody
    from repro.verbs.audit.cosigning import Cosigner

    return Cosigner(log, warn)


def _nobody() -> None:
    """Ask nobody."""


def require_as_logged(root: Path, *runs: Run) -> None:
    """Raise IntegrityError unless runs are what was sealed, and what the log says was sealed.

    The log itself is verified first: lines that were edited in place must not vouch for anything.
    """
    require_vouching(root)
    require_completed(root, *runs)


def require_vouching(root: Path) -> None:
    """Raise IntegrityError unless the log is whole, so that its lines can vouch for runs."""
    report = _verified_again(root) or verify_log(root, (), None, artifacts=False)
    if not _vouches(report):
        raise IntegrityError(
            f"the log cannot vouch for a run: {report.verdict}: {report.faults[0].message}",
            "look at it: repro audit verify",
        )


def _vouches(report: Report) -> bool:
    """Return whether lines of which this was found can vouch for anything.

    Whoever can take the checkpoint away, or make the lines unreadable to verification, must not be
    believed for it. That nothing says whose log it is (no key here) is no such thing.
    """
    unread = any(fault.code == "missing" for fault in report.faults)
    return report.exit_status != 4 and not unread


def _verified_again(root: Path) -> Report | None:
    """Return what is found of a long log that vouches, by what was found of these bytes before.

    None where nothing is remembered, and where anything is amiss: then all is read and judged anew.
    """
    directory = root / DIRECTORY
    with remembered(directory) as state:
        if state is None:
            return None
        judges = (Unchanged(directory),)
        try:
            report = verify_log(root, (), None, artifacts=False, state=state, observers=judges)
        except LogUnusableError:
            forget(state)
            return None
        if not _vouches(report):
            forget(state)
            return None
        return report


def require_completed(root: Path, *runs: Run) -> None:
    """Raise IntegrityError unless runs are what was sealed, by a log that `require_vouching`."""
    for run in runs:
        if run.log:
            require_whole(run, pulled_from(root, run.name, run.log))
            continue
        require_whole(run, completed_in(root, run.name))


def contradictions(root: Path, completed: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the earlier results with this execution key whose bits were others, by the log.

    ``completed`` has ``promised``, ``execution_key`` and ``output_digest``, as the body of
    ``run.completed`` does. What a run gave when it was done again counts as well, and what a
    command gave. Results that were not promised do not.
    """
    if not completed["promised"]:
        return []
    key = completed["execution_key"]
    needle = f'"execution_key":"{key}"'
    return [
        {"run": record.body["run"], "output_digest": digest}
        for record in _naming(root, needle)
        for under, digest in results_of(record)
        if under == key and digest != completed["output_digest"]
    ]


def results_of(record: Record) -> Iterator[tuple[str, str]]:
    """Yield execution key and digest of each result that a record tells of and that was promised.

    What a run gave when it was done again is one, under whichever key, and what a command gave.
    Appending needs no key: what has not the form of a result, which nothing of ours writes, is
    passed over. It must not keep whoever has a result of his own from recording that.
    """
    body: Mapping[str, Any] = record.body
    run = body.get("run")
    is_result = record.type in RESULTS and isinstance(run, str) and run.isprintable()
    if not is_result or body.get("promised") is not True:
        return
    if record.type != "run.verified":
        found = [(body.get("execution_key"), body.get("output_digest"))]
    else:
        others = body.get("other_keys")
        several = (body, *others) if isinstance(others, list) else (body,)
        found = [
            (one.get("execution_key"), digest)
            for one in several
            if isinstance(one, Mapping) and isinstance(one.get("produced"), list)
            for digest in one["produced"]
        ]
    yield from ((str(k), str(d)) for k, d in found if is_digest(k) and is_digest(d))


def contradicted_keys(root: Path) -> frozenset[str]:
    """Return the execution keys under which the log has an incident, whoever produced the bits."""
    needle = '"type":"incident"'
    found = (body for kind, body in records_naming(root, needle) if kind == "incident")
    return frozenset(str(body["execution_key"]) for body in found if "execution_key" in body)


def pulled_from(root: Path, name: str, log: str) -> Mapping[str, Any] | None:
    """Return the body of the newest ``run.pulled`` of a run of another log; None if there is none.

    ``log`` is what `layout.log_folder` makes of its origin.
    """
    found = None
    for kind, body in records_naming(root, f'"run":"{name}"'):
        origin = body.get("origin")
        if kind == "run.pulled" and body.get("run") == name and isinstance(origin, str):
            found = body if log_folder(origin) == log else found
    return found


def completed_in(root: Path, name: str) -> Mapping[str, Any] | None:
    """Return the body of the ``run.completed`` of a run; None if the log has none."""
    records = records_naming(root, f'"run":"{name}"')
    found = [b for kind, b in records if kind == "run.completed" and b.get("run") == name]
    if len(found) > 1:
        raise IntegrityError(f"the log completes run {name} {len(found)} times")
    return found[0] if found else None


def incident(record: Mapping[str, Any], others: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the body of ``incident``: two results under one execution key."""
    names = ("run", "execution_key", "output_digest")
    return {**{name: record[name] for name in names}, "others": others[:50]}


def records_naming(root: Path, needle: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield type and body of each record whose line holds ``needle``."""
    return ((record.type, record.body) for record in _naming(root, needle))


def _naming(root: Path, needle: str) -> Iterator[Record]:
    lines = root / DIRECTORY / LINES
    if not lines.is_file() and not (root / DIRECTORY / SEGMENTS).is_dir():
        raise InputError(f"no log: {lines} does not exist", "runs are checked against it")
    return map(record_of, lines_with(root / DIRECTORY, needle.encode()))


def record_of(line: bytes) -> Record:
    """Return the record of a line of the log; IntegrityError if it is none."""
    try:
        return decode(line)
    except RecordError as error:
        raise IntegrityError(
            f"the log has a line that is no record: {error}", "look at it: repro audit verify"
        ) from error


def verify_log(
    root: Path,
    vkeys: Sequence[str],
    old: bytes | None,
    artifacts: bool,
    *,
    policy: Policy | None = None,
    state: Path | None = None,
    stamps: Sequence[Stamp] = (),
    full: bool = False,
    without_openings: bool = False,
    observers: Sequence[Observer] = (),
) -> Report:
    """Return what can be said of the workspace's log.

    Without keys or a policy handed in, the local key store says whose log it is, and its high-water
    mark how long it must be. The store also remembers which log lies where: that is written down
    when a log is first found good in a place. With ``state``, the verifier's own file, only what
    came since last time is read, unless ``full`` (`continuing.verify_from`). ``stamps`` were
    checked already; ``observers`` see each record as well; the rest is as `verify` takes it.
    """
    directory = root / DIRECTORY
    keys, mark, held = tuple(vkeys), None, None
    store, said = KeyStore.default(), ""
    try:
        origin = read_origin(directory)
    except (LogError, OSError):
        origin = None  # the verdict will name what is wrong with its first record
    is_readable = store.is_readable()
    if origin is not None and is_readable:
        held, mark = store.pinned_origin(directory), store.mark(origin)
        if not keys and policy is None:
            keys = tuple(format_vkey(key) for key in store.public(origin))
            from repro.verbs.audit.policy import policy_beside_key  # only who verifies needs it

            policy, said = policy_beside_key(store, origin)
    options: dict[str, Any] = {
        "vkeys": keys,
        "old_checkpoint": old,
        "artifacts_root": root if artifacts else None,
        "high_water": mark,
        "held": held,
        "policy": policy,
        "stamps": stamps,
        "without_openings": without_openings,
        "full": full,
        "observers": tuple(observers),
    }
    if state is None:
        report = verify(directory, **options)
    else:
        report = verify_from(state, directory, **options)
    if policy is not None and said:
        report = replace(report, checked=(*report.checked, said))
    elif said:
        report = replace(report, warnings=(*report.warnings, said))
    if store.root.exists() and not is_readable:
        warning = f"the key store {store.root} cannot be read: what it knows was not compared"
        return replace(report, warnings=(*report.warnings, warning))
    if origin is None or not is_readable or held is not None:
        return report
    warning = f"log {origin} is seen here for the first time, in {directory}"
    if report.level > 0:
        try:
            store.pin(directory, origin)
        except LogError as error:
            warning += f"; {error.problem}"
    return replace(report, warnings=(*report.warnings, warning))
