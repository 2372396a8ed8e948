"""A long log: memory of verification, verification that continues, and inclusion proofs."""

from __future__ import annotations

import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from logs import fill, new_log, scaled, short_records, vkeys_of
from measure import Command, both, calls_in_turn, ratio, run, seconds
from table import Row

from repro.audit_log.formats.checkpoint import Checkpoint
from repro.audit_log.formats.note_key import is_signed, parse_vkey, sign_bytes
from repro.audit_log.formats.policy import policy_of_keys
from repro.audit_log.formats.proof import TlogProof, check_proof, format_proof, parse_proof
from repro.audit_log.formats.tree import leaf_hash, verify_inclusion
from repro.audit_log.storage.layout import TREE, read_checkpoint, read_note
from repro.audit_log.storage.segments import Text
from repro.audit_log.storage.store import Log
from repro.audit_log.storage.tiles import Tiles
from repro.audit_log.verification.continuing import verify_from
from repro.audit_log.verification.verify import verify

RECORDS, NEW, ROUNDS, PROOFS = 1_000_000, 1000, 5, 300
MEMORY_LIMIT, CONTINUED_LIMIT, PROVE_LIMIT, CHECK_LIMIT = 1.2, 3.0, 10.0, 1.0
VERIFY = """
import sys
from pathlib import Path
from repro.audit_log.verification.verify import verify
assert verify(Path(sys.argv[1]), vkeys=sys.argv[2:]).exit_status == 0
with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("VmHWM:")))
"""
"""Verify, and print the peak of this very image in KiB: `ru_maxrss` begins with the parent's."""


def rows(folder: Path) -> list[Row]:
    """Make a long log and one a tenth as long, and measure what must not grow with it."""
    count = scaled(RECORDS, 20_000)
    long, tenth = new_log(folder, "long"), new_log(folder, "tenth")
    fill(tenth, short_records(count // 10))
    fill(long, short_records(count - 1))
    return [
        *_memory(long, tenth),
        *_proving(long),
        *_continuing(folder, long),
    ]


def _memory(long: Log, tenth: Log) -> list[Row]:
    def peak(log: Log) -> float:
        words = [sys.executable, "-c", VERIFY, log.directory, *vkeys_of(log)]
        return float(run(Command(words))) * 1024

    if not Path("/proc/self/status").exists():
        return [Row("memory to verify a long log / a tenth of it", None, MEMORY_LIMIT)]
    more, less = peak(long), peak(tenth)
    return [
        Row(
            f"memory to verify {long.head().size} records / a tenth of them",
            more / less,
            MEMORY_LIMIT,
            numbers=f"{more / 1e6:.1f} MB against {less / 1e6:.1f} MB",
        )
    ]


def _continuing(folder: Path, long: Log) -> list[Row]:
    """Verify what came since last time, beside a log that holds no more than that."""
    vkeys = vkeys_of(long)
    small = new_log(folder, "small")
    fill(small, short_records(NEW - 1))
    state, own = folder / "state", vkeys_of(small)
    assert verify_from(state, long.directory, vkeys=vkeys).exit_status == 0

    def continued() -> None:
        report = verify_from(state, long.directory, vkeys=vkeys)
        assert (report.exit_status, report.size - report.remembered) == (0, NEW)

    calls: dict[str, Callable[[], object]] = {
        "-": lambda: fill(long, short_records(NEW)),
        "ours": continued,
        "new": lambda: verify(small.directory, vkeys=own),
    }
    taken = calls_in_turn(calls, scaled(ROUNDS))
    return [
        Row(
            f"verify {NEW} new records of a long log / {NEW} records from nothing",
            ratio(taken["ours"], taken["new"]),
            CONTINUED_LIMIT,
            numbers=f"{both(taken['ours'], taken['new'])}; both with every signature, the first "
            "with what it keeps, durable",
        )
    ]


def _proving(log: Log) -> list[Row]:
    """Prove entries here and there, beside bare reads of the very hashes, and check the proofs."""
    checkpoint, note = read_checkpoint(log.directory), read_note(log.directory)
    tiles = Tiles(log.directory)
    begin = time.perf_counter()
    tiles.catch_up(Text.open(log.directory), checkpoint.size)
    made = time.perf_counter() - begin
    # repro: allow hardcoded-seed until 2028-06-30: no model; the same entries are read each time
    choose = random.Random(1)  # noqa: S311
    wanted = [choose.randrange(checkpoint.size) for _ in range(scaled(PROOFS, 30))]
    reads = {index: _places(index, checkpoint.size) for index in wanted}
    files = [
        os.open(log.directory / TREE / str(level), os.O_RDONLY)
        for level in range(checkpoint.size.bit_length())
    ]

    def read() -> None:
        for index in wanted:
            for level, place in reads[index]:
                os.pread(files[level], 32, 32 * place)

    calls: dict[str, Callable[[], object]] = {
        "ours": lambda: [tiles.prove(index, checkpoint) for index in wanted],
        "bare": read,
    }
    taken = calls_in_turn(calls, scaled(ROUNDS))
    for file in files:
        os.close(file)
    each = {name: [value / len(wanted) for value in values] for name, values in taken.items()}
    found = [
        Row(
            f"prove one of {checkpoint.size} records / reading the hashes of its path",
            ratio(each["ours"], each["bare"]),
            PROVE_LIMIT,
            numbers=f"{both(each['ours'], each['bare'])}; the tree was made in {seconds(made)}",
        )
    ]
    return [*found, *_checking(log, tiles, checkpoint, note, wanted[0])]


def _checking(log: Log, tiles: Tiles, checkpoint: Checkpoint, note: bytes, index: int) -> list[Row]:
    leaf, path = leaf_hash(tiles.line_at(index)), tiles.prove(index, checkpoint)
    data = format_proof(TlogProof(index, path, note))
    keys = [parse_vkey(vkey) for vkey in vkeys_of(log)]
    policy = policy_of_keys(keys)
    signer = log.keys.signer(log.origin)
    signature = sign_bytes(signer, note)
    calls: dict[str, Callable[[], object]] = {
        "all": lambda: check_proof(parse_proof(data), policy, leaf),
        "path": lambda: verify_inclusion(leaf, index, checkpoint.size, path, checkpoint.root),
        "one": lambda: is_signed(keys[0], note, signature),
    }
    taken = calls_in_turn(calls, scaled(20 * ROUNDS))
    # As the format says: three lines, one for each hash (44 digits of base64), the note.
    hashes = _hashes_on_the_way(index, checkpoint.size)
    size = len(f"c2sp.org/tlog-proof@v1\nindex {index}\n\n") + 45 * hashes + len(note)
    return [
        Row(
            f"check that proof with its checkpoint ({len(keys)} keys), in ms",
            statistics.median(taken["all"]) * 1e3,
            CHECK_LIMIT,
            numbers=f"{both(taken['all'], taken['path'])} for the hashes alone",
        ),
        Row(
            "the hashes of a proof / one Ed25519 verification",
            ratio(taken["path"], taken["one"]),
            numbers=both(taken["path"], taken["one"]),
        ),
        Row("bytes of that proof / what its format says", len(data) / size, 1.0,
            numbers=f"{len(data)} against {size}"),
    ]  # fmt: skip


def _places(index: int, size: int) -> list[tuple[int, int]]:
    """Return level and place of each full subtree whose hash a path needs, by halving."""
    found: list[tuple[int, int]] = []

    def full(low: int, high: int) -> None:
        while low < high:
            level = (high - low).bit_length() - 1
            found.append((level, low >> level))
            low += 1 << level

    low, high = 0, size
    while high - low > 1:
        middle = low + (1 << ((high - low - 1).bit_length() - 1))
        if index < middle:
            full(middle, high)
            high = middle
        else:
            full(low, middle)
            low = middle
    return found


def _hashes_on_the_way(index: int, size: int) -> int:
    """Return how many hashes lead from leaf ``index`` to the root, by halving (RFC 6962 §2.1.1)."""
    count, low, high = 0, 0, size
    while high - low > 1:
        middle = low + (1 << ((high - low - 1).bit_length() - 1))
        low, high = (low, middle) if index < middle else (middle, high)
        count += 1
    return count
