"""The format as it is written down: its worked example, byte for byte, and against the product."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from repro.audit_log.__main__ import main
from repro.audit_log.formats.commitment import parse_opening
from repro.audit_log.formats.record import decode, encode, line_hash
from repro.audit_log.formats.tree import leaf_hash
from repro.audit_log.verification.verify import verify

from . import make_example

DOCUMENT = Path(__file__).parents[2] / "docs" / "log-format.md"
EXAMPLE = make_example.blocks()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return the example as a log's directory, made of what the document shows."""
    directory = tmp_path / "AUDIT_LOG"
    (directory / "openings").mkdir(parents=True)
    lines = f"{EXAMPLE['line 0']}\n{EXAMPLE['line 1']}\n"
    (directory / "log.jsonl").write_text(lines, "utf-8")
    (directory / "checkpoint").write_text(EXAMPLE["checkpoint"], "utf-8")
    (directory / "log.vkey").write_text(f"{EXAMPLE['vkey']}\n", "utf-8")
    opening = directory / "openings" / f"{EXAMPLE['commitment']}.json"
    opening.write_text(EXAMPLE["opening"], "utf-8")
    return directory


@pytest.mark.parametrize("name", list(EXAMPLE))
def test_the_document_shows_each_value_of_the_example_as_it_is(name: str) -> None:
    shown = "".join(re.findall(r"^```text\n(.*?)^```", DOCUMENT.read_text("utf-8"), re.M | re.S))
    assert EXAMPLE[name].rstrip("\n") + "\n" in shown


def test_the_product_finds_the_example_good(log: Path) -> None:
    report = verify(log, vkeys=[EXAMPLE["vkey"]], full=True)
    assert (report.verdict, report.level, report.size) == ("ok", 1, 2)
    assert report.head == EXAMPLE["hash 1"]
    assert report.warnings == ()


def test_the_product_makes_the_same_of_each_part(log: Path) -> None:
    opening = parse_opening(EXAMPLE["opening"].encode())
    assert opening.commitment() == EXAMPLE["commitment"]
    for number in (0, 1):
        line = EXAMPLE[f"line {number}"].encode()
        assert encode(decode(line)) == line
        assert line_hash(line) == EXAMPLE[f"hash {number}"]
        assert leaf_hash(line).hex() == EXAMPLE[f"leaf {number}"]


def test_the_auditor_s_command_accepts_the_proof(log: Path, tmp_path: Path) -> None:
    proof, entry = tmp_path / "x.tlog-proof", tmp_path / "entry"
    proof.write_text(EXAMPLE["proof"], "utf-8")
    entry.write_text(EXAMPLE["line 1"], "utf-8")
    asked = ["proof", str(proof), "--entry", str(entry), "--vkey", EXAMPLE["vkey"]]
    assert main(asked) == 0
    entry.write_text(EXAMPLE["line 1"].replace("é", "e"), "utf-8")
    assert main(asked) == 4
