"""What a machine can promise, as `repro doctor` says it, and portable runs that rely on it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from repro.audit_log.formats.record import decode, encode, line_hash

# Slow: each asks real workers for what they find.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def desk(make_desk):
    return make_desk()


@pytest.fixture(scope="module")
def here(desk):
    """Return the fingerprint that this machine has at the level portable."""
    found = desk.json("doctor", "--level", "portable")
    assert found["verdict"] == "can", found["levels"]
    return found["levels"][0]["environment"]["numeric_fingerprint"]


def test_both_levels_are_told_and_strict_is_judged(desk):
    found = desk.json("doctor")
    assert (found["level"], found["verdict"], found["exit_status"]) == ("strict", "can", 0)
    assert [level["level"] for level in found["levels"]] == ["strict", "portable"]
    strict, portable = (level["environment"] for level in found["levels"])
    assert [name for name, on in portable["dispatched"].items() if on] == ["X86_V3"]
    blas = [pool for pool in portable["pools"] if pool["user_api"] == "blas"]
    assert {pool["architecture"] for pool in blas} == {"Haswell"}
    assert {pool["num_threads"] for pool in strict["pools"]} == {1}
    assert len(found["families"]) == 9
    assert all(all(family["promises"].values()) for family in found["families"])
    assert found["workspace"]["newest"] is not None
    assert found["workspace"]["pinned"] is None


def test_without_a_workspace_the_machine_is_judged_alone(desk, tmp_path):
    found = desk.json("doctor", "--workspace", str(tmp_path), "--level", "best-effort")
    assert found["verdict"] == "can"
    assert found["workspace"] is None
    desk.run("doctor", "--workspace", str(tmp_path), "--against", "@latest", status=3)


def test_a_level_that_is_none_is_a_slip(desk):
    done = desk.run("doctor", "--level", "Strict", status=2)
    assert "strict, portable, best-effort" in done.stderr


def test_portable_is_refused_until_its_fingerprint_is_pinned_and_then_reproduced(desk, here):
    desk = replace(desk, here=None)  # a process that has read the documents reads them once
    portable = ("train", "--quiet", "--profile", "debug", "--level", "portable")
    refused = desk.run(*portable, status=3)
    assert "portable environment not attained" in refused.stderr
    assert here in refused.stderr
    other = desk.run(*portable, "--set", f"numeric_fingerprint={'ab' * 32}", status=5)
    assert "portable environment not attained" in other.stderr
    kinds = [record["type"] for record in desk.records()]
    assert kinds.count("run.refused") == 2
    assert "run.planned" not in kinds

    pin = ("numeric_fingerprint: null", f"numeric_fingerprint: {here}")
    desk.edit("training_config/reproducibility_config.yaml", *pin)
    snapshot = desk.snapshot(desk.json(*portable)["run"])
    assert snapshot["level"] == "portable"
    after = snapshot["after"]
    assert (after["changed"], after["threads"]) == ([], 1)
    assert {"pandas", "sklearn"} <= set(after["shielded"])
    assert desk.json("verify", "--quiet", "@latest")["verdict"] == "reproduced"
    against = desk.json("doctor", "--against", "@latest")
    assert (against["verdict"], against["level"]) == ("can", "portable")
    assert against["against"]["causes"] == []
    assert desk.json("doctor")["workspace"]["pinned"] == here
    told = desk.json("runs", "show", "@latest")
    settings = json.loads((Path(told["folder"]) / "environment.json").read_bytes())
    assert settings["environment"]["settings"]["OPENBLAS_CORETYPE"] == "Haswell"


def test_against_a_run_data_code_and_environment_are_told_apart(make_desk):
    desk = make_desk()
    desk.train("--set", "threads=2")
    same = desk.json("doctor", "--against", "@latest")
    assert same["against"]["causes"] == []
    assert same["levels"][0]["threads"] == 2

    data = desk.root / "data" / "stocks.csv.gz"
    data.write_bytes(data.read_bytes() + b"\0")
    other = desk.json("doctor", "--against", "@latest", "--level", "portable", status=1)
    kinds = {cause["kind"] for cause in other["against"]["causes"]}
    subjects = {cause["subject"] for cause in other["against"]["causes"]}
    assert kinds == {"data", "environment"}
    assert {"file data/stocks.csv.gz", "level", "settings, OPENBLAS_CORETYPE"} <= subjects
    data.unlink()
    gone = desk.run("doctor", "--against", "@latest", status=1)
    assert "differs from then: data: file data/stocks.csv.gz" in gone.stdout


def test_a_pin_of_another_machine_is_a_violation_of_portable_and_none_of_strict(make_desk):
    desk = make_desk()
    pin = ("numeric_fingerprint: null", f"numeric_fingerprint: {'ab' * 32}")
    desk.edit("training_config/reproducibility_config.yaml", *pin)
    assert desk.json("doctor", "--level", "portable", status=5)["verdict"] == "violated"
    assert desk.json("doctor")["verdict"] == "can"


def test_a_clock_behind_the_newest_record_is_warned_of(make_desk):
    desk = make_desk()
    found = desk.json("doctor", "--level", "best-effort")
    assert found["workspace"]["warnings"] == []
    log = desk.root / "AUDIT_LOG" / "log.jsonl"
    line = log.read_bytes().splitlines()[-1]
    record = decode(line)
    body = {"subject": "run", "run": f"{'0' * 12}-1", "statement": "seen", "by": "grace"}
    later = replace(
        record,
        seq=record.seq + 1,
        time="2999-01-01T00:00:00.000000Z",
        type="approval",
        prev=line_hash(line),
        body=body,
    )
    with log.open("ab") as lines:
        lines.write(encode(later) + b"\n")
    (word,) = desk.json("doctor", "--level", "best-effort")["workspace"]["warnings"]
    assert word.startswith("the clock says ")
    assert word.endswith("the newest record is of 2999-01-01T00:00:00.000000Z")


def test_a_log_that_cannot_be_read_is_warned_of(make_desk):
    desk = make_desk()
    (desk.root / "AUDIT_LOG" / "checkpoint").unlink()
    (word,) = desk.json("doctor", "--level", "best-effort")["workspace"]["warnings"]
    assert word.startswith("the log cannot be read: ")
