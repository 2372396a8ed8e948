"""Model files: what is in them, what loading them runs, and what comes back."""

from __future__ import annotations

import gzip
import io
import pickle
import pickletools
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from repro.conformance.child.bench import Bench, Wish, digest, table_of
from repro.errors import ReproError

RUNS = frozenset({"pickle.find_class", "exec", "marshal.loads", "marshal.load"})
"""Audit events that a file's own code, or its choice of a class, raises when it is loaded."""
CALLS = frozenset(
    {"GLOBAL", "STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "REDUCE", "BUILD"}
    | {"EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID"}
)
"""Operations of a pickle that name or call something."""
FIRST_BYTES = tuple(b"\x80" + bytes([protocol]) for protocol in range(2, 6))
TRIED = 200
"""Places of a file, at most, that are read as if a pickle began there."""
MARK = "loaded.by.a.pickle"


def files(bench: Bench, wish: Wish) -> dict[str, Any]:
    """Save a model and load it again, watched; return whether it is the same in every respect."""
    made = table_of(wish)
    model = bench.fit(wish, made)
    path = bench.file(model)
    data = path.read_bytes()
    bench.trainer.load(path)  # what imports only then has imported it before somebody listens
    events = _Events()
    loaded = events.during(lambda: bench.trainer.load(path))
    again = bench.file(loaded, "again")
    return {
        "size": len(data),
        "same": {
            "predictions": bench.predict(loaded, made.x, wish).tobytes()
            == bench.predict(model, made.x, wish).tobytes(),
            "meaning": bench.trainer.canonical_model(loaded)
            == bench.trainer.canonical_model(model),
            "rounds": bench.trainer.rounds(loaded) == bench.trainer.rounds(model),
            "file, saved again": again.read_bytes() == data,
        },
        "digest": digest(data),
        "events": sorted(events.seen),
        "pickles": sorted({where for where, part in _parts(data) if _holds_pickle(part)}),
        "places": sorted({p for p in _places() if p.encode() in data}),
    }


def foreign_file(bench: Bench, wish: Wish) -> dict[str, Any]:
    """Load a file that is no model: return whether it was refused, and whether code in it ran.

    ``what`` is a pickle, an archive with a pickle in it, a cut model, or nothing at all.
    """
    made = table_of(wish)
    path = bench.file(bench.fit(wish, made))
    marker = bench.directory / MARK
    path.write_bytes(_foreign(wish["what"], path.read_bytes(), marker))
    problem, kind = "", ""
    try:
        bench.trainer.load(path)
    except Exception as error:  # whatever a library raises for rubbish is an answer here
        problem, kind = str(error).partition("\n")[0][:200], type(error).__name__
    return {"ran": marker.exists(), "error": kind, "problem": problem}


class _Writer:
    """An object whose unpickling writes a file: what a stranger could put in a model file."""

    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self.marker, "w")


def _foreign(kind: str, model: bytes, marker: Path) -> bytes:
    """Return the bytes of a file that is no model."""
    hostile = np.array([_Writer(marker)], dtype=object)
    if kind == "empty":
        return b""
    if kind == "cut":
        return model[: len(model) // 2]
    if kind == "pickle":
        return pickle.dumps(_Writer(marker))
    out = io.BytesIO()
    if kind == "array":
        np.save(out, hostile, allow_pickle=True)
    elif kind == "archive":
        np.savez(out, allow_pickle=True, coefficients=hostile, weights=hostile)
    else:
        raise ReproError(f"there is no file of the kind {kind}")
    return out.getvalue()


class _Events:
    """What the interpreter says that it does, for as long as somebody listens."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._listening = False
        sys.addaudithook(self._hear)

    def during(self, act: Any) -> Any:
        """Return what ``act`` returns, listening meanwhile."""
        self._listening = True
        try:
            return act()
        finally:
            self._listening = False

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._listening and event in RUNS:
            self.seen.add(event)


def _parts(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield a file and what is packed in it, each with a name."""
    yield "the file", data
    if data.startswith(b"\x1f\x8b"):
        yield "what is compressed in it", gzip.decompress(data)
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for name in packed.namelist():
                yield f"its member {name}", packed.read(name)


def _holds_pickle(data: bytes) -> bool:
    """Return whether a pickle that names or calls something begins at the start, or further on."""
    starts = [0]
    for first in FIRST_BYTES:
        at = data.find(first)
        while at >= 0 and len(starts) < TRIED:
            starts.append(at)
            at = data.find(first, at + 1)
    return any(_is_pickle(data[start:]) for start in starts)


def _is_pickle(data: bytes) -> bool:
    """Return whether bytes are a whole pickle that names or calls something."""
    try:
        pickletools.dis(data, out=io.StringIO())
        return any(code.name in CALLS for code, _, _ in pickletools.genops(data))
    except (ValueError, IndexError, KeyError, OverflowError, UnicodeError, EOFError):
        return False


def _places() -> list[str]:
    """Return what a model file must not hold: where this process runs, and as whom."""
    return [str(Path.cwd()), str(Path.home())]
