"""Logs to measure: the bodies of real records, and long logs that are made quickly.

REPRO_BENCH_SCALE (more than 0, at most 1) lowers how many records there are and how often a thing
is done; `run.py --scale` sets it. Ratios of small logs are worse: what is done once counts more.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from repro.audit_log.formats.note_key import format_vkey, verifier_of
from repro.audit_log.formats.record import Actor, Tool
from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.storage.store import Log

SCALE = "REPRO_BENCH_SCALE"
ACTOR, TOOL = Actor("bench", "bench", "bench"), Tool("repro", "0.1.0")
BODY = {"run": "a1b2c3d4e5f6a7b8-1", "digest": "blake3:" + "0" * 64, "value": 0.25}
GROUP = 4096
Entry = tuple[str, Mapping[str, object]]


def scaled(count: int, least: int = 3) -> int:
    """Return ``count`` as often as the scale asks for it."""
    return max(least, round(count * float(os.environ.get(SCALE) or 1)))


def new_log(folder: Path, name: str) -> Log:
    """Return a new log in a workspace of its own: the key must lie outside that."""
    keys = KeyStore(folder / "keys")
    (folder / name).mkdir()
    return Log.create(folder / name / "log", actor=ACTOR, tool=TOOL, keys=keys)


def vkeys_of(log: Log) -> tuple[str, ...]:
    """Return the public keys of ``log`` as text."""
    return tuple(format_vkey(verifier_of(signer)) for signer in log.keys.signers(log.origin))


def fill(log: Log, entries: Iterable[Entry]) -> None:
    """Append ``entries`` in groups, and commit."""
    rest = iter(entries)
    while group := list(islice(rest, GROUP)):
        log.append_many(group)
    log.commit()


def short_records(count: int) -> Iterable[Entry]:
    """Yield records of about 340 bytes."""
    return (("leakage.fixed", {"n": number}) for number in range(count))


def plain_records(count: int) -> Iterable[Entry]:
    """Yield records of about 600 bytes."""
    body = {**BODY, "command": "x" * 140}
    return (("leakage.fixed", body) for _ in range(count))


def run_records(count: int, first: int) -> Iterable[Entry]:
    """Yield ``run.planned`` and ``run.completed`` in turn, as `repro train` writes them.

    ``first`` is the ``seq`` that the first of them will have.
    """
    for number in range(count // 2):
        run = f"{_hex(number)[:12]}-1"
        yield "run.planned", _planned(run)
        yield "run.completed", _completed(run, first + 2 * number)


def _hex(name: object) -> str:
    return sha256(str(name).encode()).hexdigest()


def _planned(run: str) -> dict[str, Any]:
    """About 2.3 KB with its envelope."""
    signatures = ("dataset", "feature", "hyperparameters", "routing", "split", "target")
    file = {"blake3": _hex(1), "name": "data/stocks.csv.gz", "sha256": _hex(2), "size": 294246}
    return {
        "comparison_group": {f"{name}_signature": _hex(name) for name in signatures}
        | {"execution_key": _hex(run), "replicate_key": _hex(3), "strict_key": _hex(4)},
        "environment": _hex(5),
        "family": "lightgbm",
        "git": {"commit": _hex(6)[:40], "dirty": False},
        "incomplete": [],
        "inputs": {"digest": _hex(7), "files": 1, "list": [file]},
        "layers": [],
        "level": "strict",
        "request": _hex(8),
        "run": run,
        "seeds": _hex(9),
        "symbol": None,
        "target": "fwd_ret_5d",
        "view": "cross_sectional",
    }


def _completed(run: str, plan: int) -> dict[str, Any]:
    """About 3.7 KB with its envelope."""
    place = f"RESULTS/runs/{run}/targets/fwd_ret_5d/reproducibility/CROSS_SECTIONAL/cohort=0f022b"
    names = (
        *("config.json", "config.resolved.yaml", "dataset.json", "environment.json"),
        *("metrics.json", "model.txt", "predictions.npy", "request.json", "snapshot.json"),
    )
    return {
        "artifacts": [
            {"blake3": _hex(n), "path": f"{place}/{n}", "sha256": _hex(n + run), "size": 74792}
            for n in names
        ],
        "execution_key": _hex(run),
        "metrics": {"mae": 0.03169301993356508, "r2": -0.010450563344621022, "rank_ic_dates": 1959},
        "output_digest": _hex(place),
        "plan": plan,
        "promised": True,
        "run": run,
    }
