"""The code that computes: what the worker says it loaded, held against what this command sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from repro.audit_log.formats.digests import digest_file
from repro.errors import DeterminismError
from repro.facts.trainers import Declaration


def code_digests(
    declaration: Declaration, loaded: Mapping[str, str], selectors: Sequence[Declaration] = ()
) -> dict[str, str]:
    """Return the BLAKE3 of every module that computes, and of the declarations of the trainers.

    ``selectors`` are the families that choose features, perhaps among them the one that is trained.

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
    found = dict(loaded)
    for trainer in (declaration, *selectors):
        found.setdefault(trainer.module, digest_file(trainer.file.with_suffix(".py")).blake3)
        found[f"{trainer.module} (declaration)"] = digest_file(Path(trainer.file)).blake3
    return dict(sorted(found.items()))
