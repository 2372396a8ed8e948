"""``repro data`` as it is used: on the shipped panel, through real workers."""

import gzip
import json
import os
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.xdist_group("data")


@pytest.fixture(scope="module")
def kept(make_desk):
    """Return a workspace with the fingerprint of its data in ``before.json``."""
    desk = make_desk()
    time.sleep(2.1)  # only then are digests of its files kept
    told = desk.run("data", "fingerprint", "--quiet", "--format", "json")
    (desk.root / "before.json").write_text(told.stdout, "utf-8")
    return desk


def rewrite(path, old, new):
    """Replace a text in packed data by one of the same length; put the file's time back."""
    before = path.stat()
    text = gzip.decompress(path.read_bytes())
    assert text.count(old) == 1
    assert len(old) == len(new)
    raw = gzip.compress(text.replace(old, new), mtime=0)
    path.write_bytes(raw)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_changed_cell_is_found_behind_a_restored_time_and_named(kept):
    desk = kept
    assert (desk.root / "RESULTS" / ".derived" / "file-digests").is_file()
    path = desk.root / "data" / "stocks.csv.gz"
    original, times = path.read_bytes(), path.stat()
    try:
        rewrite(path, b"IBM,2005-06-15,75.7,", b"IBM,2005-06-15,75.8,")
        told = desk.run("data", "diff", "before.json", "today", status=1).stdout
        assert told.startswith("different: ")
        assert "\nvalues\n  IBM, Open, 2005-06: changed\n\nfiles\n" in told
        assert "\n  data/stocks.csv.gz: blake3:" in told
        assert "\ncolumns\n  Open: mean " in told
    finally:
        path.write_bytes(original)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_a_forged_digest_of_a_file_is_an_alarm_and_never_believed(kept):
    desk = kept
    code = (
        "import pathlib\n"
        "from repro.audit_log.formats.digests import derive\n"
        "from repro.facts.digest_cache import CONTEXT\n"
        "name, root = 'data/stocks.csv.gz', pathlib.Path()\n"
        "file = root / 'RESULTS/.derived/file-digests'\n"
        "found = (root / name).stat()\n"
        "parts = ('size', 'mtime_ns', 'ctime_ns', 'ino', 'dev')\n"
        "stamp = [str(getattr(found, f'st_{part}')) for part in parts]\n"
        "entry = ' '.join([*stamp, '0' * 64, '0' * 64])\n"
        "body = f'{name}\\n{entry}'.encode()\n"
        "file.write_bytes(derive(CONTEXT, body).encode() + b'\\n' + body)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=desk.root, check=True)
    refused = desk.run("train", "--quiet", status=3)
    assert "file-digests had of it was not true" in refused.stderr
    assert desk.records()[-1]["type"] == "run.refused"
    assert desk.json("data", "diff", "before.json", "today")["verdict"] == "same"


@pytest.mark.slow
def test_today_is_what_was_saved_and_what_a_run_sealed(kept):
    desk = kept
    run = desk.train("--family", "ridge")["run"]
    before = json.loads((desk.root / "before.json").read_text("utf-8"))
    sealed = desk.snapshot(run)["payloads"]["dataset"]["facts"]["root"]
    assert sealed == before["dataset"]["root"]
    records = desk.records()
    assert desk.run("data", "diff", run, "today").stdout.startswith("same: ")
    assert desk.json("data", "diff", "@latest", "before.json")["verdict"] == "same"
    assert desk.records() == records


@pytest.mark.slow
def test_a_run_that_is_not_what_was_sealed_is_compared_with_nothing(make_desk):
    desk = make_desk()
    desk.train("--family", "ridge")
    (sealed,) = desk.root.rglob("dataset.json")
    sealed.write_text(sealed.read_text("utf-8").replace('"rows": 12154', '"rows": 12155', 1))
    told = desk.run("data", "diff", "@latest", "@latest", status=4)
    assert "dataset.json is not what was sealed" in told.stderr


@pytest.mark.slow
def test_commands_about_data_load_no_numeric_library_in_the_notary(kept):
    desk = kept
    for arguments in (["fingerprint"], ["describe"], ["diff", "before.json", "today"]):
        code = (
            "import contextlib, io, sys\nfrom repro.cli.boundary import run\n"
            "with contextlib.redirect_stdout(io.StringIO()):\n"
            f"    assert run({['data', *arguments]!r}) == 0\n"
            "assert not {'numpy', 'pandas', 'rich'} & set(sys.modules)"
        )
        subprocess.run([sys.executable, "-c", code], cwd=desk.root, check=True)


@pytest.mark.slow
def test_another_selection_and_packing_are_told_apart(kept):
    desk = kept
    packed = desk.root / "data" / "stocks.csv.gz"
    (desk.root / "data" / "plain.csv").write_bytes(gzip.decompress(packed.read_bytes()))
    plain = ("--set", "dataset.files=[data/plain.csv]")
    answer = desk.json("data", "diff", "before.json", "today", *plain)
    assert answer["verdict"] == "same values"
    assert [(f["name"], f["change"]) for f in answer["files"]] == [
        ("data/plain.csv", "added"),
        ("data/stocks.csv.gz", "removed"),
    ]
    told = desk.run("data", "diff", "before.json", "today", "symbols=[IBM]", status=1).stdout
    assert "  AAPL, rows, 2000-03 to 2013-03: removed\n" in told
    described = desk.json("data", "describe", "dataset.symbols=[IBM, FB]")
    assert list(described["symbols"]) == ["FB", "IBM"]
    text = desk.run("data", "describe", "dataset.symbols=[IBM, FB]").stdout
    assert "\nClose (float64)\n" in text
    assert "root ddcbc0b9" in desk.run("data", "fingerprint").stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("diff", "nope", "today"), 2, "no run is called 'nope'"),
        (("diff", "nope.json", "today"), 3, "nope.json: cannot be read"),
        (("diff", "CONFIG/identity_config.yaml", "today"), 3, "is no fingerprint of a dataset"),
        (("diff", "today"), 2, "Missing argument 'b'"),
        (("fingerprint", "dataset.files=[nope.csv]"), 3, "no such data file: nope.csv"),
        (
            ("describe", "dataset.files=[data/stoks.csv.gz]"),
            3,
            "no such data file: data/stoks.csv.gz; did you mean data/stocks.csv.gz? (command line)",
        ),
        (("describe", "dataset.end=1999-01-01"), 3, "no rows between start and end"),
        (("describe", "dataset.interval=1h"), 3, "interval"),
        (("fingerprint", "dataset.nope=1"), 2, "nope"),
    ],
)
def test_what_cannot_be_done_says_why_and_changes_nothing(kept, arguments, status, words):
    desk = kept
    records = desk.records()
    assert words in desk.run("data", *arguments, status=status).stderr
    assert desk.records() == records


def test_a_file_that_is_not_there_is_told_with_its_line_and_the_nearest_one(desk):
    desk.edit("data/dataset.yaml", "files: [data/stocks.csv.gz]", "files: [data/stoks.csv.gz]")
    lines = (desk.root / "CONFIG" / "data" / "dataset.yaml").read_text().splitlines()
    (number,) = [n for n, line in enumerate(lines, 1) if "files: [data/stoks" in line]
    at = f"(CONFIG/data/dataset.yaml:{number})"
    told = f"no such data file: data/stoks.csv.gz; did you mean data/stocks.csv.gz? {at}"
    assert told in desk.run("train", "-q", status=3).stderr
    assert desk.records()[-1]["type"] == "run.refused"
    assert told in desk.run("sweep", "-q", "seed=1,2", status=3).stderr


def test_a_link_keeps_the_place_of_data_out_of_the_log_and_a_name_outside_is_warned_of(desk):
    outside = desk.root.parent / "elsewhere.csv.gz"
    (desk.root / "data" / "stocks.csv.gz").rename(outside)
    said = desk.run("train", "-q", "--profile", "debug", "--set", f"dataset.files=[{outside}]")
    assert "leads out of the workspace" in said.stderr
    assert str(outside) in (desk.root / "AUDIT_LOG" / "log.jsonl").read_text()
    (desk.root / "data" / "linked.csv.gz").symlink_to(outside)
    before = len(desk.records())
    words = ("--profile", "debug", "--set", "dataset.files=[data/linked.csv.gz]")
    said = desk.run("train", "-q", *words)
    assert "leads out" not in said.stderr
    assert str(outside.parent) not in json.dumps(desk.records()[before:])
