"""Data files: digested by the notary, and held against what the worker parsed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from repro.errors import InputError
from repro.execution.session import Job
from repro.facts.data import DataFile, digest_files
from repro.facts.digest_cache import DigestCache
from repro.runs import layout


class ChangedFilesError(InputError):
    """A data file is not what it was when this command digested it."""


def digest_inputs(root: Path, job: Job) -> tuple[DataFile, ...]:
    """Return each file of a job with its digests; raises InputError for one that cannot be read.

    Files that nobody touched since an earlier command are not read again. So this is only half of
    the truth: ``require_same_files`` is the other.
    """
    cache = _cache(root)
    files = digest_files(job.files, cache, sha256=job.sha256)
    cache.save()
    return files


def require_same_files(
    root: Path, files: Sequence[DataFile], read: Mapping[str, Mapping[str, str]]
) -> None:
    """Raise ChangedFilesError unless the worker parsed the very bytes that were digested.

    ``read`` has the digests of what it parsed, by name. What was kept of a file that differs is
    forgotten, so that the next command reads it.
    """
    for file in files:
        if read.get(file.name) == file.digests():
            continue
        cache = _cache(root)
        where = layout.file_digests(root).relative_to(root)
        doubt = f" (or what {where} had of it was not true)" if cache.forget(file.name) else ""
        cache.save()
        raise ChangedFilesError(
            f"{file.name} changed while it was read{doubt}",
            "do it again when nobody writes to it; its digest is forgotten",
        )


def _cache(root: Path) -> DigestCache:
    """Return what is kept of a workspace's files."""
    return DigestCache(root, layout.file_digests(root)).load()
