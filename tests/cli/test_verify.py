"""`repro verify`: rounds, variations, where bits first part, and what becomes an incident.

The trainer here is somebody else's, and follows what it must not: what the test says it follows.
"""

import gzip
import json
import os
import py_compile
import signal
import subprocess
import sys
import sysconfig
import time
import venv
from dataclasses import replace
from pathlib import Path

import pytest

from repro.errors import InputError, InterruptedRunError
from repro.runs.finding import find
from repro.runs.staging import names_locked
from repro.verbs.audit.log import contradictions
from repro.verbs.comparing.reexecute import verify_run
from repro.verbs.observer import Observer

FOLLOWING = '''
"""Least squares by hand, but for one coefficient that follows what it must not."""

import json
import os
import time
from types import SimpleNamespace

EXTENSION = ".json"


def load_library():
    pass


def fit(job, x, y, progress):
    known = [v if v == v else 0.0 for v in x[:, 0].tolist()]
    means = [sum(known) / len(known) + n for n in range(4)]
    if follows(job.parameters["follows"]):
        means[2] += 0.5
    progress(1, 1)
    asked = {**job.parameters, **job.seeds}
    return SimpleNamespace(weights=means, asked=asked, features=x.shape[1])


def follows(what):
    if what == "time-zone":
        return os.environ["TZ"] != "UTC"
    if what == "directory":
        return "place" in os.getcwd()
    if what == "cores":
        return len(os.sched_getaffinity(0)) == 1
    if what == "count":
        return os.cpu_count() == 1
    if what == "process":
        return time.perf_counter_ns() // 1000 % 2 == 1
    return False


def predict(model, x, threads):
    import numpy as np

    return np.full(len(x), sum(model.weights) / 1e6)


def save(model, path):
    path.write_text(json.dumps([model.weights, model.asked, model.features]))


def load(path):
    weights, asked, features = json.loads(path.read_text())
    return SimpleNamespace(weights=weights, asked=asked, features=features)


def effective_parameters(model):
    return model.asked


def rounds(model):
    return None


def importance(model):
    return [1.0] * model.features


def canonical_model(model):
    return json.dumps(model.weights).encode()


def canonical_parts(model):
    return [(f"weight {n}", repr(w).encode()) for n, w in enumerate(model.weights, 1)]
'''
DECLARED = {
    **{"family": "following", "title": "Follows", "extra": "none", "interface": 1},
    **{"distributions": [], "modules": [], "shielded": [], "tasks": ["regression"]},
    **{"early_stopping": None, "seeds": ["seed"], "seed_bits": 31, "rulebook": []},
    "hyperparameters": {
        "follows": {"type": "string", "description": "What is followed.", "aliases": []}
    },
}
DOCUMENT = "hyperparameters:\n  follows: nothing\n"
pytestmark = [
    pytest.mark.xdist_group("verify"),
    pytest.mark.skipif(sys.platform != "linux", reason="processors are counted as Linux has them"),
]


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    """Return an interpreter with all that this one has, and a trainer of somebody else's."""
    place = tmp_path_factory.mktemp("other") / "venv"
    venv.create(place, with_pip=False, symlinks=True)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(place), "platbase": str(place)}))
    for folder in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for entry in Path(folder).iterdir():
            if not (site / entry.name).exists():
                (site / entry.name).symlink_to(entry)
    package = site / "following"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "trainer.py").write_text(FOLLOWING)
    (package / "trainer.json").write_text(json.dumps(DECLARED))
    info = site / "following-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: following\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[repro.trainers]\nfollowing = following.trainer\n")
    return place / "bin" / "python"


@pytest.fixture(scope="module")
def following(make_desk, commands):
    """Return a maker of a desk with a run of that trainer, which follows something."""
    made = make_desk()

    def train(what, *more):
        desk = replace(made, command=(str(commands), "-P", "-m", "repro"))
        document = desk.root / "CONFIG" / "model_config" / "following.yaml"
        document.write_text(DOCUMENT)
        choose = ("--family", "following", f"hyperparameters.follows={what}", *more)
        return desk, desk.json("train", "-q", "-t", "fwd_ret_5d", *choose)["run"]

    return train


def named(answer):
    """Return whether each variation gave the same bits."""
    return {r["variation"]: r["same"] for r in answer["rounds"] if r["variation"] != "none"}


@pytest.mark.slow
def test_rounds_and_every_variation_of_the_shipped_trainer_give_the_same_bits(desk):
    run = desk.train("--set", "n_estimators=3")["run"]
    answer = desk.json("verify", run, "-q", "--rounds", "2", "--vary")
    assert answer["verdict"] == "reproduced"
    names = ("hash-seed", "directory", "time-zone", "locale", "file-order", "umask", "cores")
    assert named(answer) == dict.fromkeys([*names, "cpu", "load"], True)
    digests = {r["output_digest"] for r in answer["rounds"]}
    assert digests == {desk.snapshot(run)["output_digest"]}
    assert len(answer["rounds"]) == 11
    record = desk.records()[answer["record"]]
    assert record["type"] == "run.verified"
    assert record["body"]["rounds"] == 2
    assert record["body"]["produced"] == list(digests)
    assert [v["name"] for v in record["body"]["variations"]] == [*names, "cpu", "load"]


def test_bits_that_follow_what_the_level_holds_are_sensitive_and_no_alarm(following):
    desk, run = following("time-zone")
    tried = [f"--variation={name}" for name in ("hash-seed", "time-zone", "umask")]
    answer = desk.json("verify", run, "-q", *tried, status=1)
    assert answer["verdict"] == "sensitive"
    assert answer["incident"] is None
    assert [name for name, same in named(answer).items() if not same] == ["time-zone"]
    (odd,) = [r for r in answer["rounds"] if not r["same"]]
    assert odd["divergence"][0] == {
        "kind": "model",
        "where": "fold 1, weight 3 (1 of 4 parts differ)",
    }
    text = desk.run("verify", run, "-q", "--variation", "time-zone", status=1).stdout
    assert text.startswith(f"sensitive: run {run}: all ")
    assert "OTHER BITS  (TZ=XYZ-13:45; the level holds it fixed)" in text
    assert "first: model: fold 1, weight 3 (1 of 4 parts differ)" in text


@pytest.mark.parametrize(
    ("what", "varied"),
    [
        ("directory", "directory"),
        pytest.param("cores", "cores", marks=pytest.mark.slow),
        pytest.param("count", "cores", marks=pytest.mark.slow),
    ],
)
def test_bits_that_follow_what_is_free_in_every_run_are_an_incident(following, what, varied):
    desk, run = following(what)
    answer = desk.json("verify", run, "-q", "--variation", varied, status=5)
    assert answer["verdict"] == "BROKEN"
    assert answer["differing_outputs"] == []
    verified, incident = (desk.records()[answer[name]] for name in ("record", "incident"))
    assert (verified["type"], incident["type"]) == ("run.verified", "incident")
    sealed = desk.snapshot(run)
    assert incident["body"]["execution_key"] == sealed["comparison_group"]["execution_key"]
    assert {"run": run, "output_digest": sealed["output_digest"]} in incident["body"]["others"]
    assert incident["body"]["output_digest"] in verified["body"]["produced"]
    assert desk.json("audit", "verify")["verdict"] == "ok"
    (group,) = desk.json("stability", run, status=5)["groups"]
    assert group["verdict"] == "BROKEN"  # though one result alone was sealed
    # What came of doing it again counts against the next run with its key, too.
    choose = ("--family", "following", f"hyperparameters.follows={what}")
    said = desk.run("train", "-q", "-t", "fwd_ret_5d", *choose, status=5).stderr
    assert "has other bits than" in said
    assert desk.records()[-1]["type"] == "incident"


@pytest.mark.slow
def test_rounds_that_disagree_among_themselves_are_an_alarm(following):
    desk, run = following("process")
    for _ in range(4):  # one round in two is otherwise
        answer = json.loads(
            desk.run("verify", run, "-q", "--rounds", "6", "--format", "json", status=None).stdout
        )
        if answer["verdict"] == "BROKEN":
            break
    assert answer["exit_status"] == 5
    assert desk.records()[answer["incident"]]["type"] == "incident"


@pytest.mark.slow
def test_an_alarm_of_the_rounds_before_an_interruption_is_not_lost(following):
    desk, run = following("process", "--seed", "7")  # a key of its own
    command = [*desk.command, "verify", run, "--rounds", "60", "--no-progress"]
    verifying = subprocess.Popen(
        command, cwd=desk.root, env=desk.environment, stderr=subprocess.PIPE, text=True
    )
    for line in verifying.stderr:  # one round in two is otherwise: of eight, all but 1 in 256
        if "training" in line and "round 9 of 60" in line:
            verifying.send_signal(signal.SIGINT)
            break
    said = verifying.communicate()[1]
    assert verifying.returncode == 5
    *_, verified, incident = desk.records()
    assert f"interrupted: BROKEN in 8 rounds, recorded as record {verified['seq']}" in said
    assert (verified["body"]["verdict"], verified["body"]["rounds"]) == ("BROKEN", 8)
    assert incident["type"] == "incident"


@pytest.mark.slow
@pytest.mark.parametrize("how", ["interrupted", "no data"])
def test_rounds_before_an_early_end_are_recorded(make_desk, monkeypatch, how):
    desk = make_desk()
    run = desk.train("--set", "n_estimators=3")["run"]
    for name, value in desk.environment.items():
        monkeypatch.setenv(name, value)

    def end(stage):
        if stage.startswith("preparing") and stage.endswith("round 2 of 3"):
            if how == "interrupted":
                raise KeyboardInterrupt
            (desk.root / "data" / "stocks.csv.gz").unlink()

    warned = []
    watching = Observer(stage=end, warn=warned.append)
    error = InterruptedRunError if how == "interrupted" else InputError
    with pytest.raises(error) as raised:
        verify_run(desk.root, find(desk.root, run), watching, rounds=3)
    body = desk.records()[-1]["body"]
    assert (body["verdict"], body["rounds"]) == ("reproduced", 1)
    assert "reproduced in 1 round, recorded as" in " ".join([raised.value.problem, *warned])


@pytest.mark.slow
def test_a_verification_whose_first_round_cannot_be_trained_is_recorded_as_failed(
    following, commands
):
    desk, run = following("nothing", "--seed", "11")
    (source,) = commands.parents[1].glob("lib/python*/site-packages/following/trainer.py")
    text = source.read_text()
    try:
        source.write_text(text.replace("    known = [v if", "    1 / 0\n    known = [v if"))
        done = desk.run("verify", run, "-q", status=6)
        listed = desk.run("runs", "list").stdout
    finally:
        source.write_text(text)
    record = desk.records()[-1]
    body = record["body"]
    assert f"the verification failed in round 1, recorded as record {record['seq']}" in done.stderr
    assert (record["type"], body["run"], body["verdict"]) == ("run.verified", run, "failed")
    assert (body["rounds"], body["produced"], body["variations"]) == (0, [], [])
    assert body["failure"]["during"] == "round 1"
    assert "division by zero" in body["failure"]["reason"]
    assert body["same_execution_key"] is False  # the code is another
    assert body["execution_key"] != desk.snapshot(run)["comparison_group"]["execution_key"]
    assert any(said.startswith("code: ") for said in body["differences"])
    assert "verification failed" in listed
    assert desk.json("audit", "verify")["verdict"] == "ok"
    assert desk.json("verify", run, "-q")["verdict"] == "reproduced"


@pytest.mark.slow
def test_a_verification_of_broken_data_is_recorded_though_no_key_was_known(desk):
    run = desk.train("--set", "n_estimators=3")["run"]
    panel = desk.root / "data" / "stocks.csv.gz"
    panel.write_bytes(panel.read_bytes()[:1000])
    desk.run("verify", run, "-q", status=3)
    body = desk.records()[-1]["body"]
    assert (body["verdict"], body["execution_key"], body["rounds"]) == ("failed", None, 0)
    assert "stocks.csv.gz" in body["failure"]["reason"]


def test_a_verification_without_its_data_is_recorded_too(desk):
    run = desk.train("--set", "n_estimators=3")["run"]
    (desk.root / "data" / "stocks.csv.gz").unlink()
    said = desk.run("verify", run, "-q", status=3).stderr
    assert "the verification failed in the beginning, recorded as record " in said
    record = desk.records()[-1]
    body = record["body"]
    assert (record["type"], body["verdict"], body["rounds"]) == ("run.verified", "failed", 0)
    assert body["failure"]["during"] == "the beginning"
    assert "stocks.csv.gz" in body["failure"]["reason"]


@pytest.mark.slow
def test_what_came_out_under_each_rounds_key_is_recorded_and_counts(make_desk, monkeypatch):
    desk = make_desk()
    run = desk.train("--set", "n_estimators=3")["run"]
    for name, value in desk.environment.items():
        monkeypatch.setenv(name, value)
    panel = desk.root / "data" / "stocks.csv.gz"
    text = gzip.decompress(panel.read_bytes()).decode()
    line = next(row for row in text.splitlines() if row.startswith("IBM,2005-03-02"))
    changed = text.replace(line, line.rpartition(",")[0] + ",99.5").encode()

    def change(stage):
        if stage.startswith("preparing") and stage.endswith("round 2 of 2"):
            panel.write_bytes(gzip.compress(changed, mtime=0))

    done = verify_run(desk.root, find(desk.root, run), Observer(stage=change), rounds=2)
    first, second = done.rounds
    body = desk.records()[-1]["body"]
    assert (body["execution_key"], body["produced"]) == (first.execution_key, [first.output_digest])
    other = {"execution_key": second.execution_key, "produced": [second.output_digest]}
    assert body["other_keys"] == [other]
    assert second.execution_key != first.execution_key
    asked = {"promised": True, "execution_key": second.execution_key, "output_digest": "0" * 64}
    assert contradictions(desk.root, asked) == [{"run": run, "output_digest": second.output_digest}]
    same = asked | {"output_digest": second.output_digest}
    assert contradictions(desk.root, same) == []


def test_a_variation_that_there_is_not_is_refused_with_the_names_of_all(desk):
    said = desk.run("verify", "@latest", "--variation", "weather", status=2).stderr
    assert "no variation is called 'weather'" in said
    assert "there are: hash-seed, directory, time-zone" in said


def test_changed_data_are_said_first_and_located_before_the_model(with_run):
    desk, run = with_run[0], with_run[1]["run"]
    panel = desk.root / "data" / "stocks.csv.gz"
    text = gzip.decompress(panel.read_bytes()).decode()
    line = next(row for row in text.splitlines() if row.startswith("IBM,2005-03-02"))
    changed = line.rpartition(",")[0] + ",99.5"
    panel.write_bytes(gzip.compress(text.replace(line, changed).encode(), mtime=0))
    text = desk.run("verify", run, "-q", status=1).stdout
    assert text.startswith("differs from then: data: IBM, Adj Close, 2005-03")
    assert "not reproduced: run" in text
    first = text.partition("first: ")[2].splitlines()
    assert first[0] == "data: IBM, Adj Close, 2005-03"
    kinds = [row.partition("then: ")[2].partition(":")[0] for row in first[1:5]]
    assert kinds == ["target", "features", "model", "predictions"]


@pytest.mark.slow
def test_bytecode_that_is_not_of_the_trainers_source_makes_no_difference(following, commands):
    desk, run = following("nothing")
    (source,) = commands.parents[1].glob("lib/python*/site-packages/following/trainer.py")
    text, then = source.read_text(), source.stat()
    forged = text.replace("+= 0.5", "+= 9.5").replace(
        'if follows(job.parameters["follows"]):', "if job:"
    )
    forged += "#" * (len(text) - len(forged))
    try:
        source.write_text(forged)
        os.utime(source, ns=(then.st_atime_ns, then.st_mtime_ns))
        py_compile.compile(str(source))
    finally:
        source.write_text(text)
        os.utime(source, ns=(then.st_atime_ns, then.st_mtime_ns))
    assert desk.json("verify", run, "-q")["verdict"] == "reproduced"


@pytest.mark.slow
def test_what_came_out_is_held_against_the_log_under_the_lock_of_all_results(following):
    desk, run = following("nothing")
    staged = desk.root / "RESULTS" / ".staging"
    with names_locked(desk.root):
        command = [*desk.command, "verify", run, "-q", "--format", "json"]
        verifying = subprocess.Popen(
            command, cwd=desk.root, env=desk.environment, stdout=subprocess.DEVNULL
        )
        while not any(staged.iterdir()):
            time.sleep(0.01)
        while any(staged.iterdir()):
            time.sleep(0.01)
        with pytest.raises(subprocess.TimeoutExpired):
            verifying.wait(1.0)
        assert desk.records()[-1]["type"] != "run.verified"
    assert verifying.wait() == 0
    assert desk.records()[-1]["type"] == "run.verified"


@pytest.mark.slow
def test_data_that_change_between_two_rounds_are_said_to(make_desk, monkeypatch):
    desk = make_desk()
    run = desk.train("--set", "n_estimators=3")["run"]
    for name, value in desk.environment.items():
        monkeypatch.setenv(name, value)
    panel = desk.root / "data" / "stocks.csv.gz"

    def change(stage):
        if stage.endswith("round 1 of 2") and stage.startswith("training"):
            text = gzip.decompress(panel.read_bytes()).decode()
            line = next(row for row in text.splitlines() if row.startswith("IBM,2005-03-02"))
            other = line.rpartition(",")[0] + ",99.5"
            panel.write_bytes(gzip.compress(text.replace(line, other).encode(), mtime=0))

    found = verify_run(desk.root, find(desk.root, run), Observer(stage=change), rounds=2)
    assert found.verdict == "not reproduced"
    assert [one.same for one in found.rounds] == [True, False]
    assert found.causes[0].subject == "IBM, Adj Close, 2005-03"
    assert "data: IBM, Adj Close, 2005-03" in desk.records()[found.record]["body"]["differences"]
