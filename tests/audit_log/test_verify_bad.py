"""Directories that are no log, or an evil one: always a verdict, never a traceback or a hang."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from repro.audit_log.verification.faults import EXIT
from repro.audit_log.verification.verify import verify

from . import reference
from .conftest import Site
from .test_verify import lines_of, rewrite, sign_again, write

FILES = ("log.jsonl", "checkpoint", "log.vkey", "log.lock", "sign.lock", "suspect", "running")

KINDS: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: None,
    "empty": lambda path: path.write_bytes(b""),
    "directory": lambda path: path.mkdir(),
    "pipe": lambda path: os.mkfifo(path),
    "link to nothing": lambda path: path.symlink_to("nowhere"),
    "link to itself": lambda path: path.symlink_to(path.name),
    "link to a device": lambda path: path.symlink_to("/dev/zero"),
    "NUL bytes": lambda path: path.write_bytes(bytes(70_000)),
    "newlines": lambda path: path.write_bytes(b"\n" * 3000),
    "not UTF-8": lambda path: path.write_bytes(b"\xff\xfe\n" * 9),
    "long": lambda path: path.write_bytes(b"x" * 3_000_000),
}


def remove(path: Path) -> None:
    """Remove a file or a directory."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FILES)
def test_whatever_stands_in_place_of_a_file_there_is_a_verdict(
    full: Site, name: str, kind: str
) -> None:
    vkey = full.vkey
    remove(full.directory / name)
    KINDS[kind](full.directory / name)
    for full_ in (False, True):
        report = verify(full.directory, vkeys=[vkey], full=full_)
        assert report.exit_status == EXIT[report.verdict]
        if name in ("log.jsonl", "checkpoint"):
            assert report.exit_status in (3, 4), report
        if name == "log.jsonl" and kind == "missing":
            assert report.verdict == "unverifiable"
        if name in ("sign.lock", "running") or (name, kind) == ("suspect", "missing"):
            assert report.verdict == "ok", report


@pytest.mark.parametrize("kind", [*KINDS, "link to the log", "long name"])
def test_whatever_stands_in_place_of_the_directory_is_unverifiable(full: Site, kind: str) -> None:
    vkey = full.vkey
    place = full.root / ("x" * 300 if kind == "long name" else "place")
    if kind == "link to the log":
        place.symlink_to(full.directory)
    elif kind != "long name":
        KINDS[kind](place)
    report = verify(place, vkeys=[vkey])
    assert (report.verdict, report.exit_status, report.level) == ("unverifiable", 3, -1)
    assert report.faults


LINES: dict[str, bytes] = {
    "empty": b"",
    "space": b" ",
    "a number": b"1",
    "a list": b"[]",
    "an empty object": b"{}",
    "NaN": b'{"a":NaN}',
    "infinity": b'{"a":1e999}',
    "2^53": b'{"a":9007199254740992}',
    "many digits": b'{"a":' + b"9" * 10_000 + b"}",
    "twice": b'{"a":1,"a":1}',
    "surrogate": b'{"a":"\\ud800"}',
    "encoded surrogate": b'{"a":"\xed\xa0\x80"}',
    "not UTF-8": b'{"a":"\xff"}',
    "deep list": b"[" * 60_000,
    "deep object": b'{"a":' * 10_000,
    "balanced": b"[" * 30_000 + b"]" * 30_000,
    "NUL": b"\0" * 100,
    "carriage return": b"{}\r",
    "too long": b"x" * 65_536,
    "much too long": b"x" * 5_000_000,
    "only an ending": b'},"nonce":"' + b"0" * 32 + b'","prev":"' + b"0" * 64 + b'","seq":2',
    "quotes": b'"' * 60_000,
    "backslashes": b'{"actor":"' + b"\\" * 60_000,
}


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("signed", [False, True], ids=["not signed", "signed"])
def test_a_line_that_is_no_record_is_tampering_also_if_it_is_signed(
    full: Site, name: str, signed: bool
) -> None:
    lines = lines_of(full)
    for place in (0, 2, 4):
        made = [*lines[:place], LINES[name], *lines[place + 1 :]]
        write(full, made)
        if signed and place != 0:
            sign_again(full, made)
        for full_ in (False, True):
            report = full.verify(full=full_)
            assert report.verdict == "tampered", report
            assert report.faults[0].seq == place


ENVELOPES: dict[str, Callable[[bytes], bytes]] = {
    "deep body": lambda line: line.replace(b'{"text":"x"}', b'{"a":' * 5000 + b"1" + b"}" * 5000),
    "deep run": lambda line: line.replace(b"incident", b"run.planned").replace(
        b'{"text":"x"}', b'{"run":' + b"[" * 9000 + b"]" * 9000 + b"}"
    ),
    "NaN": lambda line: line.replace(b'{"text":"x"}', b'{"text":NaN}'),
    "surrogate": lambda line: line.replace(b'"x"', b'"\\ud800"'),
    "2^53": lambda line: line.replace(b'"x"', b"9007199254740993"),
    "not UTF-8": lambda line: line.replace(b'"x"', b'"\xff"'),
    "garbage before": lambda line: b"}}}" + line,
}


@pytest.mark.parametrize("name", ENVELOPES)
def test_a_good_ending_hides_nothing_from_full_and_nothing_hangs_the_quick_way(
    full: Site, name: str
) -> None:
    def change(record: dict[str, object]) -> None:
        if record["type"] == "incident":
            record["body"] = {"text": "x"}

    rewrite(full, lines_of(full), change)
    lines = lines_of(full)
    made = [*lines[:2], ENVELOPES[name](lines[2])]
    assert made[2] != lines[2]
    last = lines[3].replace(
        reference.line_hash(lines[2]).encode(), reference.line_hash(made[2]).encode()
    )
    made.append(last)
    write(full, made)
    sign_again(full, made)
    report = full.verify(full=True)
    assert (report.verdict, report.faults[0].seq) == ("tampered", 2)
    # What is not looked at is not vouched for: the report counts it.
    report = full.verify()
    assert report.verdict in ("ok", "tampered")
    if report.verdict == "ok":
        assert any("canonical form" in text for text in report.not_checked)


def test_a_clock_that_goes_backwards_is_counted_the_same_on_both_ways(site: Site) -> None:
    log = site.create()
    log.append_many([("incident", {})] * 20)
    log.commit()

    def back(record: dict[str, object]) -> None:
        if int(str(record["seq"])) % 4 == 3:
            record["time"] = "2020-01-01T00:00:00.000000Z"

    rewrite(site, lines_of(site), back)
    quick, strict = site.verify(), site.verify(full=True)
    assert quick.verdict == "ok"
    assert quick.warnings == strict.warnings == ("time goes backwards at 5 records",)


CHILD = """
import os, sys
from pathlib import Path
from repro.audit_log.verification.verify import verify
directory, vkey = Path(sys.argv[1]), sys.argv[2]
verify(directory, vkeys=[vkey])     # everything is imported before rights are given up
os.setgid(65534)
os.setuid(65534)
report = verify(directory, vkeys=[vkey])
print(report.verdict, report.exit_status)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize(
    ("name", "mode", "expected"),
    [
        (".", 0o700, "unverifiable 3"),
        ("log.jsonl", 0o600, "unverifiable 3"),
        ("checkpoint", 0o600, "unverifiable 3"),
        ("log.vkey", 0o600, "ok 0"),
        ("log.lock", 0o600, "unverifiable 3"),
        ("running", 0o700, "ok 0"),
        ("sign.lock", 0o600, "ok 0"),
    ],
)
def test_what_may_not_be_read_is_unverifiable(
    full: Site, name: str, mode: int, expected: str
) -> None:
    for path in (full.directory, *full.directory.parents):
        if path.stat().st_uid == os.geteuid() and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o055)
    for path in full.directory.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (full.directory / name).chmod(mode)
    command = [sys.executable, "-c", CHILD, str(full.directory), full.vkey]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout.strip(), done.stderr) == (expected, "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_log_that_may_only_be_read_is_verified(full: Site) -> None:
    for path in (full.directory, *full.directory.parents):
        if path.stat().st_uid == os.geteuid() and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o055)
    for path in full.directory.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    command = [sys.executable, "-c", CHILD, str(full.directory), full.vkey]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout.strip(), done.stderr) == ("ok 0", "")
