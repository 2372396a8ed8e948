"""The code that computes: what the worker says it loaded, held against what this command sees."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from repro.audit_log.formats.digests import digest_file
from repro.errors import DeterminismError
from repro.facts.trainers import Declaration


def code_digests(declaration: Declaration, loaded: Mapping[str, str]) -> dict[str, str]:
    """Return the BLAKE3 of every module that computes, and of the trainer's declaration.

    ``loaded`` is what the worker reports of our modules. Raises DeterminismError if this command
    would find another file under one of these names: a checkout beside an installed version, say.
    """
    for name, digest in loaded.items():
        spec = find_spec(name)
        if spec is None or spec.origin is None or digest_file(spec.origin).blake3 != digest:
            here = "nothing" if spec is None else str(spec.origin)
            raise DeterminismError(
                f"the worker runs another {name} than this command, which finds {here}",
                "use the installed command, from a folder that holds no copy of repro",
            )
    trainer = declaration.file.with_suffix(".py")
    found = dict(loaded)
    found.setdefault(declaration.module, digest_file(trainer).blake3)
    found[f"{declaration.module} (declaration)"] = digest_file(Path(declaration.file)).blake3
    return dict(sorted(found.items()))
