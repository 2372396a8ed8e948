"""The code that computes: what the worker says it loaded, held against what this command sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from repro.errors import DeterminismError, InputError
from repro.facts.contents import content_of
from repro.facts.file_digest import digest_data
from repro.facts.trainers import Declaration

DECLARATION = " (declaration)"
PACKAGE = " (all files)"
"""What stands behind a name where more, or something else, is digested than the module."""
BYTECODE = "__pycache__"


class OtherCodeError(DeterminismError):
    """A worker loads a module of other bytes than this command would."""


def code_digests(
    declaration: Declaration,
    loaded: Mapping[str, str],
    selectors: Sequence[Declaration] = (),
    known: dict[str, str] | None = None,
) -> dict[str, str]:
    """Return the BLAKE3 of every module that computes, and of the declarations of the trainers.

    Of a trainer that is not ours, the whole package too: a fit may read tables that lie in it.

    ``selectors`` are the families that choose features, perhaps among them the one that is trained.

    ``loaded`` is what the worker reports of our modules; ``known`` what this command has read of
    them for earlier workers, and is added to: each module is read once in a command, so that a
    worker that comes later and loads other bytes is found out. Raises OtherCodeError if this
    command would find another file under one of these names: a checkout beside an installed
    version, say.
    """
    require_same_code(loaded, {} if known is None else known)
    found = dict(loaded)
    for trainer in (declaration, *selectors):
        package = package_digest(trainer)
        if package is not None:
            found[f"{trainer.package}{PACKAGE}"] = package
        found.setdefault(trainer.module, digest_data(trainer.file.with_suffix(".py")).blake3)
        found[f"{trainer.module}{DECLARATION}"] = digest_data(Path(trainer.file)).blake3
    return dict(sorted(found.items()))


def require_same_code(loaded: Mapping[str, str], known: dict[str, str]) -> None:
    """Raise OtherCodeError if a worker loaded what this command would not; see `code_digests`."""
    for name, digest in loaded.items():
        if known.get(name) == digest:
            continue
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            known.setdefault(name, digest_data(spec.origin).blake3)
        if known.get(name) != digest:
            here = "nothing" if spec is None else str(spec.origin)
            raise OtherCodeError(
                f"the worker runs another {name} than this command, which finds {here}",
                "use the installed command, from a folder that holds no copy of repro",
            )


def package_digest(trainer: Declaration) -> str | None:
    """Return the digest of the whole package of a trainer, as it is here; None for one of ours."""
    if trainer.own_folder is None:
        return None
    return content_of(Path(trainer.own_folder), trainer.package, without=(BYTECODE,)).blake3


def digest_here(name: str) -> str | None:
    """Return what has a name among ``code_digests``, as it is here; None if it is not."""
    module = name.removesuffix(DECLARATION).removesuffix(PACKAGE)
    try:
        spec = find_spec(module)
        if spec is None or spec.origin is None:
            return None
        origin = Path(spec.origin)
        if name.endswith(PACKAGE):
            return content_of(origin.parent, module, without=(BYTECODE,)).blake3
        file = origin.with_suffix(".json") if name.endswith(DECLARATION) else origin
        return digest_data(file).blake3
    except (ImportError, OSError, InputError):
        return None
