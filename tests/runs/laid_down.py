"""Runs as the index reads them, laid down without training, and the lines that complete them."""

import json

from repro.audit_log.formats.digests import digest_file
from repro.audit_log.storage.layout import LINES
from repro.runs import layout

FAMILIES = ("lightgbm", "ridge")


def seal(root, number, **other):
    """Lay down what the index reads of a run; return its name."""
    seed = other.get("seed", number)
    family = other.get("family", FAMILIES[number % 2])
    execution, replicate = f"{number:064x}"[::-1], f"{family.encode().hex()}".ljust(64, "0")
    name = f"{execution[:12]}-1"
    folder = layout.runs(root) / name / layout.inner("fwd", "cross_sectional", replicate)
    folder.mkdir(parents=True)
    snapshot = {
        "schema": 1, "run": name, "target": "fwd", "task": "regression", "family": family,
        "view": other.get("view", "cross_sectional"), "symbol": other.get("symbol"),
        "level": other.get("level", "strict"),
        "experiment": "odd" if number % 2 else None,
        "incomplete": [], "payloads": {}, "parameters": {}, "outputs": {}, "artifacts": [],
        "leakage": other.get("leakage", {}), "output_digest": f"{number:064x}",
        "metrics": {"rmse": other.get("rmse", number / 10), "skill": None},
        "comparison_group": {
            "train_seed": seed, "execution_key": execution,
            "strict_key": f"{seed:x}{replicate}"[:64], "replicate_key": replicate,
        },
        "log": {"plan": number, "time": f"2026-01-{1 + number:02}T12:00:00.000000Z"},
    }  # fmt: skip
    if "made_for" in other:
        snapshot["made_for"] = other["made_for"]
    (folder / "snapshot.json").write_text(json.dumps(snapshot))
    return name


def complete(root, *names_of_runs):
    """Append what the index reads of the record that completes a run."""
    lines = root / "AUDIT_LOG" / LINES
    lines.parent.mkdir(exist_ok=True)
    with lines.open("a") as file:
        for name in names_of_runs:
            (path,) = (layout.runs(root) / name).rglob("snapshot.json")
            named = {"path": f"{path.relative_to(root)}", "blake3": digest_file(path).blake3}
            body = {"artifacts": [named], "run": name}
            record = {"body": body, "seq": 0, "type": "run.completed"}
            file.write(json.dumps(record, separators=(",", ":")) + "\n")
