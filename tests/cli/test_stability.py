"""Replicates: trained once each, summed up, judged; and what keeps them from being judged."""

import shutil

import pytest

pytestmark = pytest.mark.slow


def test_replicates_are_trained_once_and_judged(desk):
    words = ("train", "-q", "--profile", "debug", "--replicates", "3")
    first = desk.json(*words)
    assert [one["seed"] for one in first["replicates"]] == [42, 43, 44]
    assert not any(one["reused"] for one in first["replicates"])
    records = len(desk.records())
    again = desk.json(*words)
    assert [one["run"] for one in again["replicates"]] == [
        one["run"] for one in first["replicates"]
    ]
    assert all(one["reused"] for one in again["replicates"])
    assert len(desk.records()) == records
    more = desk.json(*words, "--seed", "44")
    assert [one["reused"] for one in more["replicates"]] == [True, False, False]
    found = desk.json("stability", first["replicate_key"][:9], "--seed", "43")
    (group,) = found["groups"]
    assert (group["verdict"], group["seeds"]) == ("stable", [42, 43, 44, 45, 46])
    assert group["luck"]["seed"] == 43
    assert group["agreement"]["pairs"] == group["predictions"]["pairs"] == 10
    assert 0.5 < group["predictions"]["correlation"] < 1
    assert 0 < group["agreement"]["jaccard"] <= 1
    assert desk.json("stability")["groups"][0]["runs"] == group["runs"]
    said = desk.run("stability", "@latest", "--seed", "99", status=2).stderr
    assert "no replicate that counts has the seed 99" in said
    assert "seeds are: 42, 43, 44, 45, 46" in said
    assert "seed 99" in desk.run("stability", "--seed", "99", status=2).stderr
    text = desk.run("stability", "@latest").stdout
    assert text.startswith("stable: ")
    assert "luck: seed 42 is number " in text
    (rerun,) = desk.json(*words[:-1], "1", "--rerun")["replicates"]
    assert not rerun["reused"]
    assert rerun["output_digest"] == first["replicates"][0]["output_digest"]


def test_a_family_that_draws_nothing_gives_the_same_bits_under_every_seed(desk):
    desk.run("train", "-q", "--family", "ridge", "--replicates", "3")
    (group,) = desk.json("stability", "@latest")["groups"]
    assert group["verdict"] == "bit-identical"
    assert group["predictions"]["same_rows"] == 1.0
    assert group["predictions"]["largest"] == 0.0


def test_what_was_trained_again_under_one_seed_is_listed_with_no_replicates(desk):
    alone = ("train", "-q", "--family", "ridge", "--set", "alpha=0.5")
    again = [desk.json(*alone)["run"] for _ in range(2)]
    said = desk.run("stability", status=2).stderr
    assert "no two runs that count differ in the seed alone" in said
    desk.run("train", "-q", "--family", "ridge", "--replicates", "3")
    (group,) = desk.json("stability")["groups"]
    assert (group["verdict"], len(group["runs"])) == ("bit-identical", 3)
    (asked,) = desk.json("stability", again[0], status=1)["groups"]
    assert (asked["verdict"], asked["runs"], asked["left_out"]) == ("too few", again[1:], 1)


def test_what_cannot_be_judged_says_why(with_run):
    desk, run = with_run
    said = desk.run("stability", status=2).stderr
    assert "no replicates yet" in said
    assert "repro train --replicates" in said
    (group,) = desk.json("stability", run["run"], status=1)["groups"]
    assert (group["verdict"], group["reason"]) == ("too few", "1 where 3 are needed")
    assert group["predictions"] is None
    (path,) = desk.root.glob("RESULTS/runs/*/**/metrics.json")
    path.write_text(path.read_text().replace("0.0", "0.1", 1))
    assert "is not what it was" in desk.run("stability", run["run"], status=4).stderr


def test_a_replicate_whose_folder_was_removed_is_missed(desk):
    made = desk.json("train", "-q", "--family", "ridge", "--replicates", "3")["replicates"]
    runs = [one["run"] for one in made]
    other = desk.json("train", "-q", "--family", "ridge", "--set", "alpha=0.5")["run"]
    shutil.rmtree(desk.root / "RESULTS" / "runs" / other)  # of another key, of which none is left
    (group,) = desk.json("stability", runs[0])["groups"]
    assert (group["verdict"], group["gone"]) == ("bit-identical", [])
    shutil.rmtree(desk.root / "RESULTS" / "runs" / runs[1])
    for words in ((runs[0],), ()):
        (group,) = desk.json("stability", *words, status=1)["groups"]
        assert (group["verdict"], group["gone"]) == ("too few", [runs[1]])
        assert "1 completed run of this key in the log is not in RESULTS" in group["reason"]
        said = desk.run("stability", *words, status=1).stdout
        assert f"not in RESULTS, and not judged: {runs[1]}" in said
    shutil.rmtree(desk.root / "RESULTS" / "runs" / runs[2])  # one is left, and it is a group
    (group,) = desk.json("stability", status=1)["groups"]
    assert (group["runs"], group["gone"]) == ([runs[0]], runs[1:])
