"""The log: verification by the record, against its bytes, git, and what Python can do at all."""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

from blake3 import blake3
from logs import fill, new_log, plain_records, run_records, scaled, vkeys_of
from measure import Command, both, calls_in_turn, ratio, run, seconds, usage_of
from table import Row

from repro.audit_log.formats.digests import LINE_CONTEXT
from repro.audit_log.storage.store import Log
from repro.audit_log.verification.reading import Text, blocks
from repro.audit_log.verification.swift import hash_lines
from repro.audit_log.verification.verify import verify

RECORDS, RUN_RECORDS, VERIFICATIONS = 20_000, 12_000, 7
CHAIN_LIMIT, VERIFY_LIMIT, FSCK_LIMIT = 10.0, 20.0, 1 / 3
PREV = b',"prev":"'


def rows(folder: Path) -> list[Row]:
    """Measure records of 600 bytes beside git's own check, then those of runs."""
    count, runs = scaled(RECORDS, 1000), scaled(RUN_RECORDS, 500)
    plain, many = new_log(folder, "plain"), new_log(folder, "runs")
    fill(plain, plain_records(count))
    fill(many, run_records(runs, 1))
    fsck = _fsck(folder, count)
    return [
        *_verifying(plain, "records", fsck),
        *_verifying(many, "records of runs", None),
    ]


def _verifying(log: Log, what: str, fsck: float | None) -> list[Row]:
    """Verify a log with its tree, against one hash over the same bytes, and against its hashes."""
    vkeys = vkeys_of(log)
    data = (log.directory / "log.jsonl").read_bytes()
    count = data.count(b"\n")

    def check() -> None:
        report = verify(log.directory, vkeys=vkeys)
        assert report.exit_status == 0, report.faults

    calls: dict[str, Callable[[], object]] = {
        "ours": check,
        "chain": lambda: _chain(log.directory),
        "floor": lambda: _floor(log.directory),
        "raw": lambda: blake3(data).digest(),
    }
    taken = calls_in_turn(calls, scaled(VERIFICATIONS))
    each = {name: [value / count for value in values] for name, values in taken.items()}
    ours, raw = statistics.median(each["ours"]), each["raw"]
    size = f"a record of {len(data) // count} bytes"
    found = [
        Row(
            f"verify {count} {what}, chain and tree / raw BLAKE3 of the bytes",
            ratio(each["ours"], raw),
            VERIFY_LIMIT,
            peers={"git fsck": fsck / statistics.median(raw)} if fsck else {},
            numbers=f"{both(each['ours'], raw)} {size}",
        ),
        Row(
            f"the chain of {what} alone / raw BLAKE3 of the bytes",
            ratio(each["chain"], raw),
            CHAIN_LIMIT,
            numbers=f"{both(each['chain'], raw)} {size}",
        ),
        Row(
            f"the floor of Python for {what} (BLAKE3, leaf, node; nothing compared) / raw BLAKE3",
            ratio(each["floor"], raw),
            numbers=f"{both(each['floor'], raw)} {size}",
        ),
        Row(
            f"verify {what} / the floor of Python",
            ratio(each["ours"], each["floor"]),
            numbers=f"{both(each['ours'], each['floor'])} {size}",
        ),
    ]
    if what == "records":
        found.append(
            Row(
                "verify, a record / git fsck, a commit",
                ours / fsck if fsck else None,
                FSCK_LIMIT,
                numbers=f"{seconds(ours)} against {seconds(fsck)}" if fsck else "",
            )
        )
    return found


def _lines(directory: Path) -> Iterator[list[bytes]]:
    """Yield the lines as verification reads them."""
    text = Text(directory)
    for block, _ in blocks(text, 0, text.end):
        yield block.split(b"\n")[:-1]


def _chain(directory: Path) -> None:
    """Hash each line, and compare with what the next one says: no tree, no other member."""
    head = "0" * 64
    for lines in _lines(directory):
        places = [line.rfind(PREV) + len(PREV) for line in lines]
        said = b"".join([line[at : at + 64] for line, at in zip(lines, places, strict=True)])
        hashes = hash_lines(lines)
        assert said == (head + b"".join(hashes[:-1]).hex()).encode()
        head = hashes[-1].hex()


def _floor(directory: Path) -> None:
    """Make the hashes that chain and tree consist of, three a record, in a loop of nothing else."""
    hasher = blake3(derive_key_context=LINE_CONTEXT)
    update, digest, reset = hasher.update, hasher.digest, hasher.reset
    node = bytes(32)
    for lines in _lines(directory):
        for line in lines:
            update(line)
            digest()
            reset()
            node = sha256(b"\1" + node + sha256(b"\0" + line).digest()).digest()


def _fsck(folder: Path, count: int) -> float | None:
    """Return the seconds that git needs to check one commit of a chain as long, or None."""
    if shutil.which("git") is None:
        return None
    place = folder / "git"
    place.mkdir()
    stream = folder / "stream"
    with stream.open("w", encoding="ascii") as file:
        for number in range(count):
            text = f"{number:>300}"
            file.write(f"commit refs/heads/main\ncommitter b <b@b> {number} +0000\n")
            file.write(f"data {len(text)}\n{text}\n")
    run(Command(["git", "init", "-q"], place))
    run(Command(["sh", "-c", f"git fast-import --quiet < '{stream}'"], place))
    fsck = Command(["git", "-c", "pack.threads=1", "fsck", "--no-progress"], place)
    return statistics.median(usage_of(fsck).cpu for _ in range(3)) / count
