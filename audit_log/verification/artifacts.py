"""The files that records name, digested again.

A record ``run.completed``, and ``run.pulled`` of a run of another log, holds in its body
``artifacts``: a list of objects of exactly ``path`` (relative to the workspace), ``blake3``,
``sha256`` and ``size``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from repro.audit_log.formats.digests import digest_file
from repro.audit_log.formats.record import Record

from .faults import Fault


class ArtifactCheck:
    """Digests the artifacts of the records that it is shown, and counts them."""

    types = frozenset({"run.completed", "run.pulled"})

    def __init__(self, root: Path) -> None:
        """Look for the files below ``root``."""
        self._root = root.resolve()
        self.count = 0

    def state(self) -> object:
        """Return how many artifacts are what the records say."""
        return self.count

    def resume(self, state: object) -> None:
        """Count on from ``state``."""
        if not isinstance(state, int):
            raise ValueError("not a count of artifacts")
        self.count = state

    def see(self, record: Record) -> Iterator[Fault]:
        """Yield a fault for each artifact of ``record`` that is not what the record says."""
        artifacts = record.body.get("artifacts", [])
        if not isinstance(artifacts, list):
            yield Fault(record.seq, "record", f"record {record.seq}: artifacts is not a list")
            return
        absent = []
        for artifact in artifacts:
            if self._is_absent(artifact):
                absent.append(str(artifact["path"]))
                continue
            problem = self._problem(artifact)
            if problem is None:
                self.count += 1
            else:
                yield Fault(record.seq, "artifact", f"record {record.seq}: {problem}")
        if absent:
            message = (
                f"record {record.seq}: {len(absent)} of {len(artifacts)} artifacts are not here, "
                f"such as {absent[0]}"
            )
            yield Fault(record.seq, "absent", message)

    def _is_absent(self, artifact: object) -> bool:
        """Return whether a well-named artifact is simply not there: that is not a change."""
        match artifact:
            case {"path": str(name)}:
                relative = PurePosixPath(name)
                if relative.is_absolute() or ".." in relative.parts or "\0" in name:
                    return False
                return not os.path.lexists(self._root / relative)
            case _:
                return False

    def _problem(self, artifact: object) -> str | None:
        match artifact:
            case {"path": str(name), "blake3": str(first), "sha256": str(second), "size": size}:
                pass
            case _:
                return "an artifact without path, blake3, sha256 or size"
        relative = PurePosixPath(name)
        path = self._root / relative
        try:
            if relative.is_absolute() or ".." in relative.parts:
                return f"artifact {name!r} lies outside the workspace"
            if not path.resolve().is_relative_to(self._root):
                return f"artifact {name!r} is a link to outside the workspace"
            if not path.is_file():
                return f"artifact {name!r} is missing"
            found = digest_file(path)
        except (OSError, ValueError, RuntimeError) as error:
            return f"artifact {name!r} cannot be read: {error}"
        if (found.blake3, found.sha256, found.size) != (first, second, size):
            return f"artifact {name!r} is not what it was"
        return None
