"""A run records the SHA-256 of what it read where it is told to, and is the same run."""

import json

import pytest

pytestmark = [pytest.mark.xdist_group("train"), pytest.mark.slow]

ASKED = ("--set", "input_sha256=true")
BLAKE3 = "d4a98f6f608a83d5aa3fcdef871e0f5f5589b3cf64fbcd39d9ca1c4ba317819a"
SHA256 = "5abadf99b2d394f920120a27de6f0df129859d71d4cfb0bf661bcc99446ab1fd"
"""Of data/stocks.csv.gz, as b3sum and sha256sum print them."""
PLAIN = {"name": "data/stocks.csv.gz", "blake3": BLAKE3, "size": 294246}
BOTH = PLAIN | {"sha256": SHA256}


def planned(desk, run):
    """Return the data files of a run as the log has them."""
    (body,) = [
        record["body"]
        for record in desk.records()
        if record["type"] == "run.planned" and record["body"]["run"] == run["run"]
    ]
    return body["inputs"]["list"]


def sealed(desk, run):
    """Return the data files of a run as it has them itself."""
    (path,) = desk.root.glob(f"RESULTS/runs/{run['run']}/**/dataset.json")
    return json.loads(path.read_text("utf-8"))["files"]


def test_both_digests_are_recorded_where_they_are_asked_for_and_the_run_is_the_same(with_run):
    desk, plain = with_run
    both = desk.train(*ASKED)
    assert planned(desk, plain) == sealed(desk, plain) == [PLAIN]
    assert planned(desk, both) == sealed(desk, both) == [BOTH]
    assert both["comparison_group"] == plain["comparison_group"]
    assert both["output_digest"] == plain["output_digest"]
    said = desk.json("diff", plain["run"], both["run"])
    assert said["verdict"] == "identical"
    for run in (plain, both):
        assert desk.json("verify", run["run"])["verdict"] == "reproduced"
    assert desk.json("audit", "verify", "--artifacts")["verdict"] == "ok"
    assert desk.json("data", "fingerprint")["files"] == [PLAIN]
    assert desk.json("data", "fingerprint", *ASKED)["files"] == [BOTH]


def test_a_run_without_a_digest_that_is_asked_for_does_not_stand_for_another(with_run):
    desk, plain = with_run
    sweep = ("sweep", "--profile", "debug", "--quiet")
    (first,) = desk.json(*sweep, "input_sha256=false")["points"]
    assert (first["run"], first["state"]) == (plain["run"], "sealed before")
    (second,) = desk.json(*sweep, "input_sha256=true")["points"]
    assert (second["state"], sealed(desk, second)) == ("sealed", [BOTH])
    points = desk.json(*sweep, "input_sha256=false,true")["points"]
    assert {(point["run"], point["state"]) for point in points} == {
        (second["run"], "sealed before")
    }
