"""Sealed runs as they are read: listed, found by name, and checked against their own digests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repro.audit_log.formats.digests import digest_file
from repro.errors import IntegrityError, UsageError
from repro.identity.keys import SIGNATURES, output_digest, signature
from repro.runs import layout
from repro.runs.purpose import KINDS, Purpose, purpose_in, stands_for
from repro.runs.sources import pull_again

NEEDED = (
    *("run", "target", "task", "view", "symbol", "family", "level", "incomplete"),
    *("comparison_group", "payloads", "parameters", "metrics", "outputs", "output_digest"),
    *("artifacts", "leakage", "log"),
)
"""What a snapshot must hold to be read at all; its schema says the rest."""
TASKS = frozenset({"regression", "binary", "multiclass"})
VERDICTS = (None, "clean", "fixed", "warned")
"""Of leakage; None of a run that is too old to have one."""
KEYS = ("replicate_key", "strict_key", "execution_key")
"""What every run has and is found by."""
_FOUND = ((("fixed", ()), "subject"), (("findings", ()), "message"))
"""Of leakage: what a run may say was found, and the text that each of it has."""
_LARGEST = 1 << 63
_WHOLE = re.compile(r"-?[0-9]{1,100}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Run:
    """One sealed run: where it lies and what its snapshot says."""

    name: str
    folder: Path
    """The folder that holds ``snapshot.json``."""
    snapshot: Mapping[str, Any] = field(repr=False)
    """Everything that its ``snapshot.json`` says."""
    log: str = ""
    """Of a run that was pulled, the folder of its log below ``RESULTS/pulled``; else empty."""

    @property
    def metrics(self) -> Mapping[str, Any]:
        """Return the metrics, out of fold."""
        metrics: Mapping[str, Any] = self.snapshot["metrics"]
        return metrics

    @property
    def group(self) -> Mapping[str, Any]:
        """Return the keys and signatures."""
        group: Mapping[str, Any] = self.snapshot["comparison_group"]
        return group

    @property
    def leakage(self) -> dict[str, Any]:
        """Return the verdict, the features left out for it, and what was found, in sentences.

        The verdict is None of a run that is too old to have one.
        """
        told = self.snapshot["leakage"]
        return {
            "verdict": told.get("verdict"),
            "without": [finding["subject"] for finding in told.get("fixed", ())],
            "findings": [finding["message"] for finding in told.get("findings", ())],
        }

    @property
    def order(self) -> tuple[int, str]:
        """Return what runs are sorted by: the place of their plan in the log."""
        return (int(self.snapshot["log"]["plan"]), self.name)

    def read(self, name: str) -> Any:
        """Return the content of one of its JSON files.

        Raises UsageError for what is none, IntegrityError for one that cannot be read as sealed.
        """
        if name not in (known := self._readable):
            raise UsageError(
                f"run {self.name} has no JSON file {name!r}", f"it has: {', '.join(known)}"
            )
        try:
            return json.loads((self.folder / name).read_bytes())
        except (OSError, ValueError) as error:
            raise IntegrityError(f"run {self.name}: {name} cannot be read: {error}") from error

    @property
    def _readable(self) -> list[str]:
        """Return the names of its JSON files: those that every run has, and what was sealed."""
        listed = {str(artifact["path"]) for artifact in self.snapshot["artifacts"]}
        sealed = {name for name in listed if name.endswith(".json")}
        return sorted({layout.SNAPSHOT, *layout.EACH, *sealed})


def all_runs(root: Path) -> tuple[Run, ...]:
    """Return every sealed run of the workspace, oldest first.

    Raises IntegrityError for a run whose snapshot cannot be read.
    """
    base = layout.runs(root)
    if not base.is_dir():
        return ()
    return tuple(
        sorted((load_run(folder) for folder in base.iterdir() if folder.is_dir()), key=_order)
    )


def runs_of(root: Path, execution_key: str, needed: Purpose | None) -> tuple[Run, ...]:
    """Return the sealed runs with an execution key that may be taken for one that is ``needed``.

    Oldest first; no other run is read. ``needed`` is what the run is needed for, None if it is
    asked for by itself; see `stands_for`.
    """
    base = layout.runs(root)
    folders = sorted(base.glob(f"{execution_key[: layout.PREFIX]}-*")) if base.is_dir() else ()
    found = (load_run(folder) for folder in folders if folder.is_dir())
    same = (run for run in found if run.group["execution_key"] == execution_key)
    fit = (run for run in same if stands_for(purpose_in(run.snapshot), needed))
    return tuple(sorted(fit, key=lambda run: run.order))


def faults(run: Run) -> list[str]:
    """Return what disagrees inside a sealed run: its files, payloads and digests."""
    found = [] if run.snapshot["run"] == run.name else ["its folder has another run's name"]
    listed = {artifact["path"] for artifact in run.snapshot["artifacts"]}
    present = {path.name for path in run.folder.iterdir()} - {layout.SNAPSHOT}
    found += [f"{name} is not listed in the snapshot" for name in sorted(present - listed)]
    whole = run.folder.parents[4]
    outside = [p for p in whole.rglob("*") if p.is_file() and p.parent != run.folder]
    found += [f"{p.relative_to(whole)} was not sealed" for p in sorted(outside)]
    for artifact in run.snapshot["artifacts"]:
        path = run.folder / artifact["path"]
        if not path.is_file():
            found.append(f"{artifact['path']} is missing")
        elif digest_file(path).blake3 != artifact["blake3"]:
            found.append(f"{artifact['path']} is not what was sealed")
    for part, name in SIGNATURES.items():
        payload = run.snapshot["payloads"].get(part)
        expected = None if payload is None else signature(part, payload)
        if expected != run.group[name]:
            found.append(f"{name} is not the digest of its payload")
    if output_digest(run.snapshot["outputs"]) != run.snapshot["output_digest"]:
        found.append("output_digest is not the digest of the outputs")
    return found


def require_whole(run: Run, record: Mapping[str, Any] | None) -> None:
    """Raise IntegrityError unless the run is what was sealed, and what the log says was sealed.

    ``record`` is the body of its ``run.completed``, or of its ``run.pulled``; None if the log has
    none.
    """
    found = faults(run)
    if record is None:
        wanted = "says where it was pulled from" if run.log else "completes it"
        found.append(f"the log has no record that {wanted}")
    else:
        digests = {Path(a["path"]).name: a["blake3"] for a in record["artifacts"]}
        if digests.get(layout.SNAPSHOT) != digest_file(run.folder / layout.SNAPSHOT).blake3:
            found.append("snapshot.json is not the one that the log names")
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise IntegrityError(
            f"run {run.name} is not what it was: {found[0]}{more}",
            pull_again(run.folder.parents[4])
            if run.log
            else "check with: repro audit verify --artifacts",
        )


def load_run(folder: Path, log: str = "") -> Run:
    """Return the run in a folder of ``RESULTS/runs``, or of a ``log`` in ``RESULTS/pulled``."""
    hint = pull_again(folder) if log else f"{folder} holds no run of ours; move it away"
    if any(path.is_symlink() for path in (folder, *folder.rglob("*"))):
        raise IntegrityError(f"run {folder.name} holds a link; sealed runs hold none", hint)
    found = _snapshots(folder)
    if len(found) != 1:
        raise IntegrityError(
            f"run {folder.name}: {len(found)} snapshots where one was sealed", hint
        )
    return _read(folder.name, found[0], log)


def _snapshots(folder: Path) -> list[Path]:
    """Return the snapshots in a run's own folder; a sealed run has one."""
    return sorted(folder.glob(f"targets/*/reproducibility/*/cohort=*/{layout.SNAPSHOT}"))


def oddity(snapshot: Mapping[str, Any]) -> str | None:
    """Return a part of a snapshot that makes every command refuse it once it is sealed, if any."""
    return next(_odd(snapshot), None)


def at_path(root: Path, path: Path) -> Run:
    """Return the run at a path in this workspace: its snapshot, a folder of it, or its own folder.

    A run of another workspace is refused: only that one's log can vouch for it.
    """
    base, there = layout.runs(root).resolve(), path.resolve()
    if there.is_relative_to(layout.pulled(root).resolve()) and there.exists():
        log, *parts = there.relative_to(layout.pulled(root).resolve()).parts or ("",)
        if parts:
            return load_run(layout.pulled(root) / log / parts[0], log)
    try:
        relative = there.relative_to(base)
    except ValueError:
        hint = f"it must lie in {layout.runs(root)}; of another workspace, ask there"
        raise UsageError(f"no run at {path}: not in this workspace", hint) from None
    if not relative.parts or not path.exists():
        raise UsageError(f"no run at {path}", "a run lies in RESULTS/runs")
    return load_run(layout.runs(root) / relative.parts[0])


def _read(name: str, snapshot: Path, log: str) -> Run:
    """Return a run by its snapshot's file."""
    hint = pull_again(snapshot.parents[5]) if log else None
    try:
        content = json.loads(snapshot.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise IntegrityError(f"run {name}: its snapshot cannot be read: {error}", hint) from error
    if not isinstance(content, dict) or content.get("schema") != 1:
        raise IntegrityError(f"run {name}: its snapshot is of no version that is known here", hint)
    missing = [key for key in NEEDED if key not in content]
    log_place = None if missing or not isinstance(content["log"], dict) else content["log"]
    if log_place is None or not isinstance(log_place.get("plan"), int):
        what = ", ".join(missing) or "its plan"
        raise IntegrityError(f"run {name}: its snapshot lacks {what}", hint)
    odd = next(_odd(content), None)
    if odd is not None:
        raise IntegrityError(
            f"run {name}: its snapshot says of {odd} what no run does",
            hint or f"{snapshot.parent} holds no run of ours; move it away",
        )
    return Run(name, snapshot.parent, content, log)


def _odd(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield what of a snapshot could not be shown, sorted or compared.

    It may be of another log, whose owner writes what he likes into it: what everybody reads of
    a run is looked at here, once.
    """
    texts = ("run", "target", "task", "view", "family", "level", "output_digest")
    yield from (name for name in texts if not _is_text(content[name]))
    free = ("symbol", "experiment")
    yield from (name for name in free if not _is_free(content.get(name)))
    if content["task"] not in TASKS:
        yield "task"
    mappings = ("comparison_group", "payloads", "parameters", "metrics", "outputs", "leakage")
    for name in mappings:
        if not isinstance(content[name], dict) or not all(map(_is_text, content[name])):
            yield name
            return
    if content["leakage"].get("verdict") not in VERDICTS:
        yield "leakage"
    values = content["metrics"].values()
    if not all(value is None or _is_number(value) for value in values):
        yield "metrics"
    group = content["comparison_group"]
    if not all(_is_free(value) for key, value in group.items() if key != "train_seed"):
        yield "comparison_group"
    if not all(_is_text(group.get(name)) for name in KEYS) or not _is_seed(group.get("train_seed")):
        yield "comparison_group"
    if not all(_are_said(content["leakage"].get(*one), each) for one, each in _FOUND):
        yield "leakage"
    if not all(_are_said(content["artifacts"], each) for each in ("path", "blake3")):
        yield "artifacts"
    if "made_for" in content and not _is_purpose(content["made_for"]):
        yield "made_for"
    if not _is_number(content["log"]["plan"]) or not _is_free(content["log"].get("time")):
        yield "log"


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.isprintable()


def _is_free(value: object) -> bool:
    """Return whether it is a text, or nothing."""
    return value is None or _is_text(value)


def _are_said(value: object, member: str) -> bool:
    """Return whether it is a list of which each has a text by that name."""
    return isinstance(value, list | tuple) and all(
        isinstance(one, dict) and isinstance(one.get(member), str) for one in value
    )


def _is_seed(value: object) -> bool:
    """Return whether it is a whole number, perhaps as text, that a database can hold."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    return type(value) is int and abs(value) < _LARGEST


def _is_purpose(value: object) -> bool:
    """Return whether it says what a run was made for, by a word and the names of runs."""
    if not isinstance(value, dict) or value.get("kind") not in KINDS:
        return False
    runs = value.get("runs", [])
    return isinstance(runs, list) and all(map(_is_text, runs))


def _is_number(value: object) -> bool:
    """Return whether it is one, and no whole number that a database could not hold.

    Those beyond what JSON numbers hold are sealed as text.
    """
    if isinstance(value, str):
        return _WHOLE.fullmatch(value) is not None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, float) or abs(value) < _LARGEST


def pulled_runs(root: Path, prefix: str = "") -> tuple[Run, ...]:
    """Return the runs that were pulled and whose names begin so, by name."""
    base = layout.pulled(root)
    folders = sorted(base.glob("*/*")) if base.is_dir() else []
    named = [path for path in folders if path.name.startswith(prefix) and path.is_dir()]
    return tuple(load_run(path, path.parent.name) for path in sorted(named, key=lambda p: p.name))


def matches(run: Run, prefix: str) -> bool:
    """Return whether a reference is a prefix of the run's name or of one of its keys."""
    keys = [run.group[name] for name in ("execution_key", "strict_key", "replicate_key")]
    return any(text.startswith(prefix) for text in [run.name, *keys])


def _order(run: Run) -> tuple[int, str]:
    return run.order
