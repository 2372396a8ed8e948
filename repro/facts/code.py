"""The code that computes: the worker's side of this tool, the trainer's module, by content."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from repro.audit_log.digests import digest_file
from repro.facts.trainers import Declaration

WORKER_SIDE = (
    ("repro.pipeline", None),
    ("repro.execution", ("environment", "guards", "protocol", "readback", "training", "worker")),
    ("repro.audit_log", ("canonical", "digests")),
)
"""Packages whose modules run in the worker, with the modules that do (None: all)."""


def code_digests(declaration: Declaration) -> dict[str, str]:
    """Return the BLAKE3 of every source file that computes, by module name."""
    files: dict[str, Path] = {}
    for package, modules in WORKER_SIDE:
        folder = _folder(package)
        names = modules or sorted(path.stem for path in folder.glob("*.py"))
        files |= {f"{package}.{name}": folder / f"{name}.py" for name in names}
    trainer = declaration.file.with_suffix(".py")
    files[declaration.module] = trainer
    files[f"{declaration.module} (declaration)"] = declaration.file
    return {name: digest_file(path).blake3 for name, path in sorted(files.items())}


def _folder(package: str) -> Path:
    """Return the folder of a package of ours."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise AssertionError(f"{package} is not installed")
    return Path(spec.origin).parent
