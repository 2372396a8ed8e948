"""Bytecode of our own modules that this user's command compiled: a worker need not do it again.

    KEYS/_compiled/<an installation>    BLAKE2b of what follows, then what `marshal` makes of
                                        {module: (its source's BLAKE3, place, bytecode)}

A worker runs only what was compiled from the sources that it digests: a bytecode file in the
installation may be stale or forged. Compiling takes a twentieth of a second, so the notary keeps
what it compiled itself, while a worker trained, from sources that the run's identity names. A
worker takes the bytecode whose ``place``, a digest of a source and of its path, is that of the file
before it, and compiles whatever has none. Who can write there can also take the keys: what is kept
is believed as the keys are, and only if nobody but this user can write the file. Damaged, it is
none.
"""

from __future__ import annotations

import marshal
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import blake2b
from importlib.machinery import SourceFileLoader
from importlib.util import MAGIC_NUMBER, find_spec
from pathlib import Path
from typing import Final

from blake3 import blake3

from repro.audit_log.keys.keystore import KeyStore

FOLDER: Final = "_compiled"
"""No origin's directory can have this name: an escape in one has two underscores."""
DIGEST: Final = 32
"""Bytes of a digest."""
OTHERS: Final = 0o022
"""Modes that let others write."""

Entry = tuple[str, bytes, bytes]
"""The BLAKE3 of a source, its place, and its bytecode."""


def place_of(path: str, source: bytes) -> bytes:
    """Return what names a source at a path: bytecode has the path in it, for tracebacks."""
    return blake2b(os.fsencode(path) + b"\0" + source, digest_size=DIGEST).digest()


@contextmanager
def opened() -> Iterator[int | None]:
    """Open what is kept for this installation; None if nothing is, or others could write it."""
    try:
        found = os.open(_file(), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        yield None
        return
    try:
        state = os.fstat(found)
        yield found if state.st_uid == os.geteuid() and not state.st_mode & OTHERS else None
    finally:
        os.close(found)


def keep(code: Mapping[str, str]) -> None:
    """Compile and keep those of our modules that are not kept as they are in ``code``.

    ``code`` has the BLAKE3 of each source, by the module's name. What cannot be written is not
    kept, and a source that is another by now is left out.
    """
    kept = _read()
    lacking = [name for name, digest in code.items() if kept.get(name, ("",))[0] != digest]
    made = {name: entry for name in lacking if (entry := _compiled(name, code[name])) is not None}
    if made:
        with suppress(OSError):
            _write({**kept, **made})


def _compiled(name: str, digest: str) -> Entry | None:
    spec = find_spec(name)
    if spec is None or spec.origin is None or type(spec.loader) is not SourceFileLoader:
        return None
    try:
        source = Path(spec.origin).read_bytes()
    except OSError:
        return None
    if blake3(source).hexdigest() != digest:
        return None
    made = compile(source, spec.origin, "exec", dont_inherit=True, optimize=0)
    return digest, place_of(spec.origin, source), marshal.dumps(made)


def _read() -> dict[str, Entry]:
    """Return what is kept; nothing if it is damaged."""
    with opened() as found:
        if found is None:
            return {}
        with suppress(OSError), os.fdopen(os.dup(found), "rb") as file:
            data = file.read()
            if blake2b(data[DIGEST:], digest_size=DIGEST).digest() == data[:DIGEST]:
                entries: dict[str, Entry] = marshal.loads(data[DIGEST:])  # noqa: S302 (our own)
                return entries
    return {}


def _write(entries: Mapping[str, Entry]) -> None:
    """Put these in the place of what is kept; raises OSError."""
    file = _file()
    file.parent.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.parent.mkdir(exist_ok=True, mode=0o700)
    data = marshal.dumps(dict(entries))
    new = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(blake2b(data, digest_size=DIGEST).digest() + data)
        new.replace(file)  # not synced: what a crash loses is compiled anew
    finally:
        new.unlink(missing_ok=True)


def _file() -> Path:
    """Return the file of this installation: of this interpreter, and of these sources' folder."""
    here = os.fsencode(f"{sys.executable}\0{Path(__file__).parent.parent}\0{sys.version}\0")
    name = blake2b(here + MAGIC_NUMBER, digest_size=DIGEST).hexdigest()
    return KeyStore.default().root / FOLDER / name
