"""Results that somebody edited, with and without the log: refused before they are shown."""

import json
import shutil

import pytest

from repro.audit_log.formats.digests import digest_file
from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.storage.store import Log

pytestmark = pytest.mark.xdist_group("one run")


def edit(desk, name):
    """Make the recorded error smaller, consistently in all files of the run."""
    (path,) = desk.root.glob(f"RESULTS/runs/{name}/targets/*/*/*/*/snapshot.json")
    for file in (path.parent / "metrics.json", path):
        content = json.loads(file.read_text("utf-8"))
        (content["metrics"] if file == path else content["overall"])["rmse"] = 0.01
        if file == path:
            for artifact in content["artifacts"]:
                found = digest_file(path.parent / artifact["path"])
                artifact.update(blake3=found.blake3, sha256=found.sha256, size=found.size)
        file.write_text(json.dumps(content), "utf-8")
    return path


def body_of(desk, name, kind):
    (body,) = [r["body"] for r in desk.records() if r["type"] == kind and r["body"]["run"] == name]
    return body


def refused(desk, name):
    """Check that the run is refused wherever it could be shown, without a word of its content."""
    for words in (("runs", "show", name), ("diff", name, name), ("verify", name)):
        done = desk.run(*words, status=4)
        assert done.stdout == ""
        assert "0.01" not in done.stderr


def test_a_snapshot_edited_consistently_is_refused(with_run):
    desk, name = with_run[0], with_run[1]["run"]
    edit(desk, name)
    refused(desk, name)


def test_a_second_completion_cannot_vouch_for_an_edited_run(with_run):
    desk, name = with_run[0], with_run[1]["run"]
    edit(desk, name)
    completed = body_of(desk, name, "run.completed")
    for artifact in completed["artifacts"]:
        found = digest_file(desk.root / artifact["path"])
        artifact.update(blake3=found.blake3, sha256=found.sha256, size=found.size)
    log = Log.open(desk.root / "AUDIT_LOG", keys=KeyStore(desk.keys))
    seq = log.append("run.planned", body_of(desk, name, "run.planned")).seq
    log.append("run.completed", {**completed, "plan": seq})
    refused(desk, name)
    desk.run("audit", "verify", status=4)


def test_a_log_edited_in_place_cannot_vouch_for_an_edited_run(with_run):
    desk, name = with_run[0], with_run[1]["run"]
    before = body_of(desk, name, "run.completed")["artifacts"]
    edit(desk, name)
    path = desk.root / "AUDIT_LOG" / "log.jsonl"
    text = path.read_text("utf-8")
    for artifact in before:
        found = digest_file(desk.root / artifact["path"])
        text = text.replace(artifact["blake3"], found.blake3)
        text = text.replace(artifact["sha256"], found.sha256)
    path.write_text(text, "utf-8")
    desk.run("runs", "show", name, status=4)
    desk.run("diff", name, name, status=4)


def test_a_run_of_another_workspace_is_not_of_this_one(make_desk, with_run):
    desk = make_desk()
    other, elsewhere = with_run
    told = desk.run("verify", elsewhere["folder"], status=2).stderr
    assert "not in this workspace" in told
    inside = desk.root / "RESULTS" / "runs" / "borrowed-1"
    inside.parent.mkdir(parents=True)
    inside.symlink_to(other.root / "RESULTS" / "runs" / elsewhere["run"])
    assert "holds a link" in desk.run("runs", "show", "borrowed-1", status=4).stderr


def test_a_file_that_was_added_to_a_sealed_run_is_noticed(with_run):
    desk, name = with_run[0], with_run[1]["run"]
    (desk.root / "RESULTS" / "runs" / name / "notes.txt").write_text("better than it looks")
    assert "notes.txt was not sealed" in desk.run("runs", "show", name, status=4).stderr


def test_a_new_log_is_not_made_over_results_that_it_does_not_know(with_run):
    desk, _ = with_run
    shutil.rmtree(desk.root / "AUDIT_LOG")
    told = desk.run("init", "--add-missing", status=2).stderr
    assert "holds sealed runs, but no log that knows them" in told
