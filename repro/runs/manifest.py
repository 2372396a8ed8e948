"""A sealed run as it is handed on: what it consists of, by content, in one small document.

It lies in a store as ``runs/<RUN>/<BLAKE3 of it>.json``, its files as ``objects/<AA>/<BLAKE3>``,
and beside it ``….bundle``: the records of the run with the proof that its log holds them. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from repro.audit_log.errors import CanonicalError
from repro.audit_log.formats.canonical import canonical, parse
from repro.audit_log.formats.digests import FileDigest, digest_bytes
from repro.errors import IntegrityError
from repro.runs import layout

FORMAT: Final = "repro-audit v1 run"
RUNS: Final = "runs"
MAX_MANIFEST: Final = 1 << 20
"""Bytes of a manifest: it names as many files as fit in one record."""
NAME: Final = re.compile(r"[0-9a-f]{12}-[1-9][0-9]{0,9}", re.ASCII)
DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_FILE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.=,+@ -]*", re.ASCII)
_DEPTH: Final = 6
"""Parts of a file's path below its run: ``targets/…/reproducibility/…/cohort=…/FILE``."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One run of one log."""

    run: str
    origin: str
    """Of its log."""
    record: int
    """The place there of its ``run.completed``."""
    execution_key: str
    output_digest: str
    files: tuple[tuple[str, FileDigest], ...]
    """Path below the run's own folder, and content, ascending by path."""

    def artifacts(self, below: str) -> list[dict[str, Any]]:
        """Return the files as records name them, with paths that start with ``below``."""
        return [
            {"path": f"{below}/{path}", "blake3": d.blake3, "sha256": d.sha256, "size": d.size}
            for path, d in self.files
        ]


def object_path(blake3: str) -> str:
    """Return where a file lies in a store."""
    return f"objects/{blake3[:2]}/{blake3}"


def manifest_path(run: str, digest: str, suffix: str = "json") -> str:
    """Return where a manifest lies in a store, or with the suffix ``bundle`` its proof."""
    return f"{RUNS}/{run}/{digest}.{suffix}"


def manifest_of(origin: str, record: int, body: Mapping[str, Any]) -> Manifest:
    """Return the manifest of a run by ``body``, that of its ``run.completed`` at ``record``."""
    run = str(body["run"])
    below = f"{layout.RESULTS}/{layout.RUNS}/{run}/"
    files = []
    for one in body["artifacts"]:
        if not one["path"].startswith(below):
            raise IntegrityError(f"run {run} has a file outside of its folder: {one['path']}")
        digest = FileDigest(one["blake3"], one["sha256"], int(one["size"]))
        files.append((one["path"].removeprefix(below), digest))
    key, outputs = str(body["execution_key"]), str(body["output_digest"])
    return Manifest(run, origin, record, key, outputs, tuple(sorted(files)))


def format_manifest(manifest: Manifest) -> bytes:
    """Return the bytes of a manifest."""
    files = manifest.artifacts(".")
    for one in files:
        one["path"] = one["path"].removeprefix("./")
    value = {
        "format": FORMAT,
        "run": manifest.run,
        "origin": manifest.origin,
        "record": manifest.record,
        "execution_key": manifest.execution_key,
        "output_digest": manifest.output_digest,
        "files": files,
    }
    return canonical(value) + b"\n"


def parse_manifest(data: bytes, name: str) -> Manifest:
    """Return the manifest in ``data``, called ``name`` where it lies; IntegrityError if it is none.

    A path that could lead out of the run's own folder makes it none.
    """
    try:
        value = parse(data.removesuffix(b"\n"))
        found = _read(value)
    except (CanonicalError, ValueError, TypeError, KeyError) as error:
        raise IntegrityError(f"{name} is not the manifest of a run: {error}") from None
    if format_manifest(found) != data:
        raise IntegrityError(f"{name} is not the manifest of a run: it is not in canonical form")
    return found


def digest_of(data: bytes) -> str:
    """Return the digest that a manifest is named by."""
    return digest_bytes(data).blake3


def _read(value: object) -> Manifest:
    match value:
        case {
            "format": str(form),
            "run": str(run),
            "origin": str(origin),
            "record": int(record),
            "execution_key": str(key),
            "output_digest": str(outputs),
            "files": list(files),
            **rest,
        } if form == FORMAT and not rest:
            pass
        case _:
            raise ValueError("other members than a manifest has")
    if not NAME.fullmatch(run) or not all(DIGEST.fullmatch(text) for text in (key, outputs)):
        raise ValueError("no name or key of a run")
    found = tuple(_file(one) for one in files)
    if not found or list(found) != sorted(found) or len({path for path, _ in found}) != len(found):
        raise ValueError("no files, or not in order")
    return Manifest(run, origin, record, key, outputs, found)


def _file(value: object) -> tuple[str, FileDigest]:
    match value:
        case {"path": str(path), "blake3": str(first), "sha256": str(second), "size": size}:
            parts = path.split("/")
        case _:
            raise ValueError("a file without path, blake3, sha256 or size")
    if len(parts) != _DEPTH or not all(_FILE.fullmatch(part) for part in parts):
        raise ValueError(f"no path of a file in a run: {path!r}")
    if not DIGEST.fullmatch(first) or not DIGEST.fullmatch(second):
        raise ValueError(f"no digests of {path!r}")
    if not isinstance(size, int | str) or isinstance(size, bool):
        raise ValueError(f"no size of {path!r}")
    return path, FileDigest(first, second, int(size))
