"""Sweeps that are carried out: every point an ordinary run, once, whatever dies in between."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from repro.audit_log.formats.record import Tool
from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.storage.creation import local_actor
from repro.audit_log.storage.store import Log
from repro.config.resolution.resolve import Selection
from repro.errors import DeterminismError
from repro.verbs.training.train import TrainCommand, train

pytestmark = pytest.mark.slow
FAST = ("-q", "--profile", "debug", "--family", "ridge", "--jobs", "2")


def kinds(desk):
    """Return how many records of each type the log has."""
    return Counter(record["type"] for record in desk.records())


def completed(desk):
    """Return the execution key of every run that the log completes, in order."""
    return [r["body"]["execution_key"] for r in desk.records() if r["type"] == "run.completed"]


def require_each_once(desk, found):
    """Fail unless each point has one result, the log verifies, and no plan is left open."""
    keys = [point["execution_key"] for point in found["points"]]
    assert None not in keys
    assert sorted(keys) == sorted(completed(desk)), "a point was lost, or trained twice"
    ends = Counter(
        r["body"]["plan"]
        for r in desk.records()
        if r["type"] in ("run.completed", "run.failed", "run.interrupted")
    )
    plans = [r["seq"] for r in desk.records() if r["type"] == "run.planned"]
    assert ends == Counter(plans), "a plan has no end, or two"
    for point in found["points"]:
        assert desk.snapshot(point["run"])["output_digest"] == point["output_digest"]
    verified = desk.json("audit", "verify", "--artifacts")
    assert verified["verdict"] == "ok"
    assert list((desk.root / "RESULTS" / ".staging").iterdir()) == []


def start(desk, *words):
    """Start a sweep as another process; its workers are its children."""
    command = [sys.executable, "-P", "-m", "repro", "sweep", *FAST, *words]
    return subprocess.Popen(
        command,
        cwd=desk.root,
        env=desk.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def workers_of(process):
    """Return the processes that a sweep has started and that live."""
    found = []
    for task in Path(f"/proc/{process.pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(pid) for pid in task.read_text().split()]
    return found


def test_every_point_is_an_ordinary_run_and_the_best_stands_beside_its_spread(desk):
    axes = ("alpha=0.1,10", "seed=1..3")
    found = desk.json("sweep", *FAST, *axes)
    assert found["counts"] == {
        "sealed": 6,
        "sealed_before": 0,
        "same_run": 0,
        "failed": 0,
        "not_started": 0,
    }
    values = [(point["values"]["alpha"], point["values"]["seed"]) for point in found["points"]]
    assert values == [(alpha, seed) for alpha in (0.1, 10) for seed in (1, 2, 3)]
    require_each_once(desk, found)
    for point in found["points"]:
        snapshot = desk.snapshot(point["run"])
        assert snapshot["parameters"]["requested"]["alpha"] == point["values"]["alpha"]
        assert snapshot["comparison_group"]["train_seed"] == point["values"]["seed"]
        assert snapshot["metrics"] == point["metrics"]
    # The very run that `repro train` would have made: one key, and the same bits.
    alone = desk.json("train", *FAST[:5], "--set", "alpha=10", "--seed", "2")
    (same,) = [p for p in found["points"] if p["values"] == {"alpha": 10, "seed": 2}]
    assert alone["comparison_group"]["execution_key"] == same["execution_key"]
    assert alone["output_digest"] == same["output_digest"]
    (best,) = found["best"]
    means = {c["values"]["alpha"]: c["mean"] for c in found["configurations"]}
    assert best["values"] == {"alpha": min(means, key=means.get)}
    assert best["lead"] == pytest.approx(abs(means[0.1] - means[10]))
    assert best["is_clear"] is None  # ridge draws nothing: its seeds say nothing of luck
    text = desk.run("sweep", *FAST, *axes, "--metric", "rank_ic").stdout
    assert "best for fwd_ret_5d: alpha=" in text
    assert "held against no spread: the seeds change nothing here" in text
    assert "6 points: 0 sealed, 6 sealed before, 0 failed" in text


def test_what_is_sealed_is_not_run_again_unless_that_is_asked_for(desk):
    first = desk.json("sweep", *FAST, "seed=1,2")
    wider = desk.json("sweep", *FAST, "seed=1..4")
    assert [p["state"] for p in wider["points"]] == ["sealed before"] * 2 + ["sealed"] * 2
    assert [p["run"] for p in wider["points"][:2]] == [p["run"] for p in first["points"]]
    assert kinds(desk)["run.planned"] == 4
    again = desk.json("sweep", *FAST, "seed=1,2", "--rerun")
    assert [p["state"] for p in again["points"]] == ["sealed"] * 2
    assert [p["output_digest"] for p in again["points"]] == [
        p["output_digest"] for p in first["points"]
    ]
    assert kinds(desk)["run.planned"] == 6
    assert kinds(desk)["incident"] == 0


def test_targets_symbols_experiments_and_families_are_axes(desk):
    experiment = (
        "experiment:\n  description: Two families, and all symbols and one.\n"
        "  families: [ridge, elasticnet]\n  views: [cross_sectional, symbol_specific]\n"
        "  symbols: [IBM]\n  profile: debug\n"
    )
    (desk.root / "CONFIG" / "experiments" / "both.yaml").write_text(experiment)
    words = ("-q", "--jobs", "2")
    found = desk.json("sweep", *words, "experiment=both", "target=fwd_ret_1d,fwd_ret_5d")
    names = {(p["target"], p["family"], p["symbol"]) for p in found["points"]}
    targets, families = ("fwd_ret_1d", "fwd_ret_5d"), ("ridge", "elasticnet")
    assert names == {(t, f, s) for t in targets for f in families for s in (None, "IBM")}
    assert {(b["target"], b["symbol"]) for b in found["best"]} == {
        (t, s) for t in targets for s in (None, "IBM")
    }
    require_each_once(desk, found)
    narrow = desk.json(
        "sweep", *words, "--profile", "debug", "--family", "ridge", "symbol=IBM,MSFT",
        "target=fwd_ret_5d",
    )  # fmt: skip
    assert {p["symbol"]: p["state"] for p in narrow["points"]} == {
        "IBM": "sealed before",
        "MSFT": "sealed",
    }


def test_a_point_that_is_an_earlier_run_is_said_to_be_and_not_run(desk):
    # Ridge draws nothing from the size of a booster's leaves: both are one run.
    found = desk.json("sweep", *FAST, "model_config.lightgbm.hyperparameters.num_leaves=7,15")
    assert [(p["state"], p["same_as"]) for p in found["points"]] == [
        ("sealed", None),
        ("same run", 1),
    ]
    assert found["points"][0]["run"] == found["points"][1]["run"]
    assert len(completed(desk)) == 1


def test_one_that_fails_does_not_stop_the_others_unless_asked_to(desk):
    axes = ("symbol=FB,IBM,MSFT", "--jobs", "1")  # of FB there are too few rows
    found = desk.json("sweep", *FAST, *axes, status=3)
    assert [p["state"] for p in found["points"]] == ["failed", "sealed", "sealed"]
    assert "rows" in found["points"][0]["problem"]
    assert [p["hint"] is None for p in found["points"]] == [False, True, True]
    first = desk.json("sweep", *FAST, "symbol=FB,AAPL,GOOG", *axes[1:], "--fail-fast", status=3)
    assert [p["state"] for p in first["points"]] == ["failed", "not started", "not started"]
    text = desk.run("sweep", *FAST, *axes, status=3)
    _, said = text.stdout.split("symbol=FB: ")
    hint = f"hint: {found['points'][0]['hint']}"
    assert said.splitlines()[1] == f"  {hint}"
    assert hint in text.stderr
    assert "3 points: 0 sealed, 2 sealed before, 1 failed" in text.stdout
    assert kinds(desk)["run.refused"] == 3


def test_features_that_leak_are_dropped_point_by_point(desk):
    words = ("-q", "--experiment", "leakage_canary", "--set", "policy=drop", "--jobs", "2")
    found = desk.json("sweep", *words, "seed=1,2")
    assert [(p["state"], p["leakage"]) for p in found["points"]] == [("sealed", "fixed")] * 2
    assert kinds(desk)["leakage.fixed"] == 2


@pytest.mark.parametrize("after", [0.3, 1.3, 3.1])
def test_a_coordinator_that_is_killed_loses_nothing_and_runs_nothing_twice(desk, after):
    axes = ("seed=1..6",)
    kills = random.Random(after)  # noqa: S311
    for _ in range(3):
        with start(desk, *axes) as process:
            wait = after * kills.uniform(0.5, 1.5)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(wait)
            left = workers_of(process)
            process.kill()
        for pid in left:  # they die with it
            deadline = time.monotonic() + 10
            while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            assert not Path(f"/proc/{pid}").exists()
    found = desk.json("sweep", *FAST, *axes)
    assert found["exit_status"] == 0
    require_each_once(desk, found)


def test_workers_that_are_killed_fail_their_points_and_the_same_command_mends_it(desk):
    kills = random.Random(7)  # noqa: S311
    with start(desk, "seed=1..10", "--format", "json") as process:
        killed = 0
        while process.poll() is None:
            time.sleep(kills.uniform(0.1, 1.2))
            for pid in workers_of(process)[:1]:
                if killed < 4:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                        killed += 1
        first = json.loads(process.stdout.read())
    failed = [p for p in first["points"] if p["state"] == "failed"]
    assert 1 <= len(failed) <= killed
    assert process.returncode == 6
    assert all("SIGKILL" in p["problem"] for p in failed)
    counted = kinds(desk)
    assert counted["run.failed"] + counted["run.refused"] == len(failed)
    again = desk.json("sweep", *FAST, "seed=1..10")
    assert {p["number"] for p in again["points"] if p["state"] == "sealed"} == {
        p["number"] for p in failed
    }
    require_each_once(desk, again)


def test_a_sweep_that_is_stopped_says_so_in_the_log_and_goes_on(desk):
    with start(desk, "seed=1..6") as process:
        while kinds(desk)["run.planned"] < 2:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        told = process.stderr.read()
    assert process.returncode == 130
    assert "of 6 points have a result" in told
    counted = kinds(desk)
    assert counted["run.planned"] == counted["run.completed"] + counted["run.interrupted"]
    require_each_once(desk, desk.json("sweep", *FAST, "seed=1..6"))


def test_two_sweeps_at_once_share_the_work_and_run_nothing_twice(desk):
    words = ("seed=1..6", "--format", "json")
    with start(desk, *words) as one, start(desk, *words) as other:
        found = [json.loads(process.communicate()[0]) for process in (one, other)]
    assert [each["exit_status"] for each in found] == [0, 0]
    assert [p["run"] for p in found[0]["points"]] == [p["run"] for p in found[1]["points"]]
    require_each_once(desk, found[0])


def test_data_that_change_in_the_middle_end_the_sweep(desk):
    with start(desk, "seed=1..40") as process:
        while kinds(desk)["run.completed"] < 1:
            assert process.poll() is None
            time.sleep(0.02)
        panel = desk.root / "data" / "stocks.csv.gz"
        panel.write_bytes(panel.read_bytes() + b"\0" * 8)
        told = process.stderr.read()
    assert process.returncode == 3
    assert "stocks.csv.gz" in told
    counted = kinds(desk)
    assert counted["run.planned"] == counted["run.completed"] + counted["run.interrupted"]


@pytest.mark.parametrize(("full", "kilobytes"), [("RESULTS", 2300), (".", 6300), (".", 6000)])
def test_a_disk_that_is_full_in_the_middle_ends_the_sweep_and_it_goes_on(desk, full, kilobytes):
    flags = ["--mount"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--mount"]
    (desk.root / "RESULTS").mkdir()
    trial = ["unshare", *flags, "mount", "-t", "tmpfs", "none", "RESULTS"]
    if subprocess.run(trial, cwd=desk.root, capture_output=True, check=False).returncode:
        pytest.skip("nobody may mount a small file system here")
    command = f"{sys.executable} -P -m repro sweep {' '.join(FAST)} seed=1..8"
    script = f"""
        root=$PWD; place=$(realpath {full}); cp -a $place ../before
        mount -t tmpfs -o size={kilobytes}k none $place || exit 99
        cp -a ../before/. $place/; cd $root
        {command} 2> $root/../told; echo $? > $root/../status
        cp AUDIT_LOG/log.jsonl $root/../first.jsonl
        mount -o remount,size=99999k $place
        {command} --format json > $root/../found.json || exit 98
        cp -a $place $root/../after"""
    done = subprocess.run(
        ["unshare", *flags, "sh", "-c", script], cwd=desk.root, env=desk.environment, check=False
    )
    assert done.returncode == 0
    base = desk.root.parent
    told = (base / "told").read_text()
    assert (base / "status").read_text() == "3\n", told
    assert "space left" in told
    assert "of 8 points have a result" in told
    lines = (base / "first.jsonl").read_bytes().split(b"\n")[:-1]
    bodies = [(record["type"], record["body"].get("run")) for record in map(json.loads, lines)]
    over = {run for kind, run in bodies if kind in ("run.completed", "run.failed")}
    left = {run for kind, run in bodies if kind == "run.planned"} - over
    assert all(run in told for run in left), told
    place = (desk.root / full).resolve()
    shutil.rmtree(place)
    (base / "after").rename(place)
    found = json.loads((base / "found.json").read_text())
    assert 0 < found["counts"]["sealed_before"] < 8
    require_each_once(desk, found)


def test_a_sealed_run_that_was_changed_is_not_taken_for_a_result(desk):
    first = desk.json("sweep", *FAST, "seed=1,2")
    pattern = f"RESULTS/runs/{first['points'][1]['run']}/**/metrics.json"
    (metrics,) = desk.root.glob(pattern)
    metrics.chmod(0o644)
    metrics.write_text(metrics.read_text() + " ")
    told = desk.run("sweep", *FAST, "seed=1..3", status=4).stderr
    assert "is not what it was" in told


def test_bits_that_contradict_an_earlier_run_are_an_incident_and_the_others_go_on(desk):
    first = desk.json("sweep", *FAST, "seed=1,2")
    key, run = first["points"][0]["execution_key"], first["points"][0]["run"]
    bodies = {r["type"]: r["body"] for r in desk.records() if r["body"].get("run") == run}
    keys = KeyStore(desk.keys)
    log = Log.open(desk.root / "AUDIT_LOG", actor=local_actor(), tool=Tool("t", "1"), keys=keys)
    other = {"run": f"{key[:12]}-99"}  # as a broken library would have made it
    plan = log.append("run.planned", bodies["run.planned"] | other).seq
    forged = other | {"plan": plan, "output_digest": "0" * 64}
    log.append("run.completed", bodies["run.completed"] | forged)
    log.commit()
    found = desk.json("sweep", *FAST, "seed=1..3", "--rerun", status=5)
    assert [p["state"] for p in found["points"]] == ["failed", "sealed", "sealed"]
    assert "has other bits than" in found["points"][0]["problem"]
    assert found["points"][0]["run"] is not None
    (all_seeds,), (best,) = found["configurations"], found["best"]
    assert all_seeds["runs"] == [point["run"] for point in found["points"][1:]]
    assert (all_seeds["failed"], best["run"] in all_seeds["runs"]) == (1, True)
    (incident,) = [r["body"] for r in desk.records() if r["type"] == "incident"]
    assert incident["run"] == found["points"][0]["run"]
    assert incident["others"] == [{"run": other["run"], "output_digest": "0" * 64}]


def test_other_bits_under_a_key_end_what_could_stand_for_it_as_they_do_for_train(desk, monkeypatch):
    """Whoever produced them, and though no incident was written of it."""
    found = desk.json("sweep", *FAST, "seed=1,2")
    one, run = found["points"][0]["execution_key"], found["points"][0]["run"]
    keys = KeyStore(desk.keys)
    log = Log.open(desk.root / "AUDIT_LOG", actor=local_actor(), tool=Tool("t", "1"), keys=keys)
    none = dict.fromkeys(("rounds", "variations", "differences", "differing_outputs"), ())
    body = {name: list(empty) for name, empty in none.items()}
    body |= {"run": run, "verdict": "BROKEN", "promised": True, "same_execution_key": True}
    body |= {"execution_key": one, "output_digest": found["points"][0]["output_digest"]}
    log.append("run.verified", body | {"produced": ["0" * 64], "divergence": None})
    log.commit()
    monkeypatch.setenv("REPRO_KEYS", str(desk.keys))
    sets = ("pipeline.family=ridge", "reproducibility.base_seed=1")
    chosen = Selection(sets=sets, profile="debug")
    with pytest.raises(DeterminismError) as alone:
        train(TrainCommand(desk.root, chosen, reuse=True))
    again = desk.json("sweep", *FAST, "seed=1,2", status=5)
    assert [p["state"] for p in again["points"]] == ["failed", "sealed before"]
    assert "the log has other bits under the same execution key" in again["points"][0]["problem"]
    assert again["points"][0]["problem"] == alone.value.problem


def test_the_installed_command_sweeps_from_a_folder_below(desk):
    apart = replace(desk, here=None)
    done = subprocess.run(
        [str(Path(sys.executable).parent / "repro"), "sweep", *FAST, "seed=1,2"],
        cwd=desk.root / "CONFIG",
        env=apart.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "2 points: 2 sealed" in done.stdout
