"""What is handed out for others to keep or to check: the signed checkpoint, bundles of records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from repro.audit_log.errors import BundleError
from repro.audit_log.formats.bundle import MAX_TOKEN, Entry, make_bundle
from repro.audit_log.formats.rotation import TYPE as ROTATED
from repro.audit_log.storage import openings
from repro.errors import InputError, UsageError
from repro.verbs.audit.actors import Openings, Value
from repro.verbs.audit.files import require_new, write_files
from repro.verbs.audit.log import open_log_to_sign
from repro.verbs.audit.proving import require_committed
from repro.verbs.audit.reading import COMMIT_FIRST, Head, Reader, reading
from repro.verbs.audit.stamping import stamps_over


@dataclass(frozen=True, slots=True)
class Signed:
    """The current checkpoint."""

    head: Head
    pending: int
    """Records that are durable and that it does not cover."""
    file: Path | None


@dataclass(frozen=True, slots=True)
class Exported:
    """A bundle that was written."""

    file: Path
    origin: str
    size: int
    """Records that its checkpoint covers."""
    records: tuple[int, ...]
    openings: int
    """Values that are opened in it: copies that erasing does not reach."""
    unopened: int
    """Values that are committed to and not opened in it."""
    timestamps: int
    command: str
    """What checks it."""


@dataclass(frozen=True, slots=True)
class Bundled:
    """A bundle that was made, and what is in it."""

    data: bytes
    name: str
    """What a file of it is called, without a suffix."""
    records: tuple[int, ...]
    openings: int
    unopened: int
    timestamps: int


def checkpoint(root: Path, *, sign: bool = False, out: Path | None = None) -> Signed:
    """Return the signed checkpoint, and write it to the new file ``out``.

    With ``sign``, what is durable and not committed is committed first; that needs the private key.
    """
    if out is not None:
        require_new(out)
    if sign:
        open_log_to_sign(root)
    with reading(root) as reader:
        if out is not None:
            write_files({out: reader.head.note})
        return Signed(reader.head, reader.size() - reader.committed, out)


def export(
    root: Path,
    runs: Sequence[str] = (),
    records: Sequence[int] = (),
    *,
    out: Path | None = None,
    with_openings: bool = False,
) -> Exported:
    """Write a bundle (see `formats.bundle`) of all records of ``runs`` and of ``records``.

    UsageError if one of them does not exist, InputError if one is not committed yet or was pruned.
    """
    if not runs and not records:
        raise UsageError(
            "name what to export: runs, or records by number",
            "repro audit export @latest, repro audit export --record 3",
        )
    if out is not None:
        require_new(out)
    with reading(root) as reader:
        made, head = bundled(reader, runs, records, with_openings=with_openings), reader.head
        path = out or Path(f"{made.name}.bundle")
        write_files({path: made.data})
        words = ["repro-verify", "bundle", str(path), "--vkey", head.vkey]
        return Exported(
            path,
            head.checkpoint.origin,
            head.checkpoint.size,
            made.records,
            made.openings,
            made.unopened,
            made.timestamps,
            " ".join(quote(word) for word in words),
        )


def bundled(
    reader: Reader, runs: Sequence[str], records: Sequence[int] = (), *, with_openings: bool = False
) -> Bundled:
    """Return a bundle of all records of ``runs`` and of ``records``; raises as `export` does."""
    lines, name = _chosen(reader, runs, records)
    head = reader.head
    entries = [
        Entry(seq, line, reader.tiles.prove(seq, head.checkpoint))
        for seq, line in sorted(lines.items())
    ]
    values = _values(reader, lines)
    opened = [value for value in values if value.state == "open"] if with_openings else []
    tokens = [t for t in stamps_over(reader.directory, head.checkpoint) if len(t) <= MAX_TOKEN]
    try:
        data = make_bundle(
            head.note,
            entries,
            openings=[_opening(reader.directory, value) for value in opened],
            timestamps=tokens,
        )
    except BundleError as error:
        raise InputError(f"no bundle of these: {error}", "export fewer records") from None
    unopened = len(values) - len(opened)
    return Bundled(data, name, tuple(sorted(lines)), len(opened), unopened, len(tokens))


def _chosen(
    reader: Reader, runs: Sequence[str], records: Sequence[int]
) -> tuple[dict[int, bytes], str]:
    """Return the lines by number, and what a file of them is called."""
    lines = {0: reader.at(0).line}
    for found in reader.of_type(ROTATED):
        if found.committed:
            lines[found.record.seq] = found.line
    names = [reader.run_called(run) for run in runs]
    for run in names:
        there = list(reader.of_run(run))
        if not there:
            raise UsageError(f"the log says nothing of run {run}")
        for found in there:
            if not found.committed:
                why = f"record {found.record.seq} of run {run} is not committed yet"
                raise InputError(why, COMMIT_FIRST)
            lines[found.record.seq] = found.line
    for seq in records:
        if seq >= reader.committed:
            require_committed(reader.head, seq, reader.size())
        lines[seq] = reader.at(seq).line
    name = "-".join([*names, *(str(seq) for seq in records)])
    return lines, name if len(name) <= 100 else f"{name[:100]}…"


def _values(reader: Reader, lines: dict[int, bytes]) -> list[Value]:
    """Return every value that the lines commit to, once."""
    known = Openings(reader.directory)
    found = (value for line in lines.values() for value in known.all(line))
    return list({value.commitment: value for value in found}.values())


def _opening(directory: Path, value: Value) -> dict[str, object]:
    opening = openings.read(directory, str(value.commitment))
    if opening is None:
        raise InputError(f"an opening of {value.path} was erased meanwhile", "export again")
    return {"path": opening.path, "salt": opening.salt, "value": opening.value}
