"""Runs made from a real one: a copy with something changed, sealed and logged as any run is."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.storage.store import Log
from repro.identity.keys import SIGNATURES, output_digest, signature
from repro.runs.writing import artifacts, placed

OTHER_KEY = "b" * 64
SCHEMAS = Path(__file__).parents[2] / "schemas"


@cache
def validator():
    """Return the validator of what ``repro diff`` prints as JSON."""
    found = [json.loads(path.read_text("utf-8")) for path in sorted(SCHEMAS.rglob("*.schema.json"))]
    registry = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in found
    )
    return Draft202012Validator({"$ref": "repro:output/diff"}, registry=registry)


def diff(desk, a, b, status=0):
    """Return what ``repro diff`` prints as JSON, which fits its schema and is JSON to anybody."""
    answer = json.loads(
        desk.run("diff", a, b, "--format", "json", status=status).stdout,
        parse_constant=lambda word: pytest.fail(f"{word} is no JSON"),
    )
    assert [error.message for error in validator().iter_errors(answer)] == []
    return answer


def folder_of(desk, run):
    """Return the folder of a run that holds its files."""
    (path,) = desk.root.glob(f"RESULTS/runs/{run}/targets/*/*/*/*/snapshot.json")
    return path.parent


def resealed(desk, run, change, *, name="bbbbbbbbbbbb-1", key=OTHER_KEY):
    """Seal and log a copy of a run, after ``change(folder, snapshot)``; return its name."""
    shutil.copytree(desk.root / "RESULTS" / "runs" / run, desk.root / "RESULTS" / "runs" / name)
    folder = folder_of(desk, name)
    snapshot = json.loads((folder / "snapshot.json").read_text("utf-8"))
    group = snapshot["comparison_group"]
    snapshot["run"], group["execution_key"] = name, key
    change(folder, snapshot)
    for part, payload in snapshot["payloads"].items():
        group[SIGNATURES[part]] = signature(part, payload)
    snapshot["output_digest"] = output_digest(snapshot["outputs"])
    log = Log.open(desk.root / "AUDIT_LOG", keys=KeyStore(desk.keys))
    bodies = {}
    for kind in ("run.planned", "run.completed"):
        found = [r["body"] for r in desk.records() if r["type"] == kind and r["body"]["run"] == run]
        bodies[kind] = {**found[0], "run": name}
    bodies["run.planned"] |= {n: snapshot[n] for n in ("made_for",) if n in snapshot}
    snapshot["log"]["plan"] = log.append("run.planned", bodies["run.planned"]).seq
    (folder / "snapshot.json").unlink()
    snapshot["artifacts"] = artifacts(folder)
    (folder / "snapshot.json").write_text(json.dumps(snapshot), "utf-8")
    below = folder.relative_to(desk.root).as_posix()
    ends = {
        "plan": snapshot["log"]["plan"],
        "execution_key": key,
        "output_digest": snapshot["output_digest"],
        "artifacts": placed(artifacts(folder), below),
    }
    log.append("run.completed", {**bodies["run.completed"], **ends})
    log.commit()
    return name


def other_bits(snapshot, *names):
    """Let outputs be other bits."""
    for name in names or ("metrics",):
        snapshot["outputs"][name] = "sha256:" + "0" * 64


def edited(folder, name, change):
    """Change a JSON file of a run."""
    content = json.loads((folder / name).read_text("utf-8"))
    change(content)
    (folder / name).write_text(json.dumps(content), "utf-8")


def slower(folder, snapshot):
    """Let a value of the environment be the cause of another execution key."""
    edited(folder, "environment.json", lambda e: e["environment"]["settings"].update(SLOW="1"))


def predicting(folder, change):
    """Change the table of predictions of a run."""
    table = np.load(folder / "predictions.npy")
    np.save(folder / "predictions.npy", change(table), allow_pickle=False)
