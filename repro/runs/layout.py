"""Where results lie in a workspace."""

from __future__ import annotations

from pathlib import Path

RESULTS = "RESULTS"
RUNS = "runs"
FAILED = "failed"
STAGING = ".staging"
LOCK = ".lock"
DERIVED = ".derived"
SNAPSHOT = "snapshot.json"
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
