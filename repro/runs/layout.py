"""Where results lie in a workspace."""

from __future__ import annotations

import hashlib
from pathlib import Path

RESULTS = "RESULTS"
RUNS = "runs"
PULLED = "pulled"
FAILED = "failed"
PRINTED = "printed"
"""What workers of sealed runs printed: beside the runs, for nothing judges it."""
STAGING = ".staging"
LOCK = ".lock"
WORKER_LOG = "worker.log"
"""What a worker printed, its prints and tracebacks."""
DERIVED = ".derived"
SNAPSHOT = "snapshot.json"
EACH = (*("config.json", "dataset.json", "environment.json"), "metrics.json", "request.json")
"""What every sealed run has beside its snapshot, of what is JSON."""
PARTS = "model_parts.json"
IMPORTANCE = "importance.json"
LOG = "AUDIT_LOG"
PREDICTIONS = "predictions.npy"
PREFIX = 12
"""Hex digits of a key that stand in a run's or a cohort's name."""
VIEWS = {"cross_sectional": "CROSS_SECTIONAL", "symbol_specific": "SYMBOL_SPECIFIC"}


def results(root: Path) -> Path:
    """Return the folder of all results."""
    return root / RESULTS


def runs(root: Path) -> Path:
    """Return the folder of the sealed runs."""
    return root / RESULTS / RUNS


def pulled(root: Path) -> Path:
    """Return the folder of the runs that were fetched from elsewhere: a folder for each log."""
    return root / RESULTS / PULLED


def log_folder(origin: str) -> str:
    """Return what the folder of the runs of another log is called."""
    return hashlib.sha256(origin.encode()).hexdigest()[:16]


def incoming(root: Path) -> Path:
    """Return where files lie that were fetched, by digest, until their run is whole."""
    return root / RESULTS / DERIVED / "incoming"


def file_digests(root: Path) -> Path:
    """Return the file in which digests of data files are kept: anybody may delete it."""
    return root / RESULTS / DERIVED / "file-digests"


def index(root: Path) -> Path:
    """Return the index of the runs: anybody may delete it."""
    return root / RESULTS / DERIVED / "index.sqlite"


def inner(target: str, view: str, replicate_key: str) -> Path:
    """Return the folder inside a run that holds its files."""
    cohort = f"cohort={replicate_key[:PREFIX]}"
    return Path("targets") / target / "reproducibility" / VIEWS[view] / cohort


def run_name(execution_key: str, attempt: int) -> str:
    """Return the name of a run: a prefix of its execution key, and which attempt it is."""
    return f"{execution_key[:PREFIX]}-{attempt}"
