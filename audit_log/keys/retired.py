"""The file of the keys that were replaced: ``N VKEY`` on a line for each, N the record that did."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from repro.audit_log.disk.sync import read_small, replace
from repro.audit_log.errors import LogUnusableError
from repro.audit_log.formats.note_key import Verifier, format_vkey, parse_vkey

_LIMIT: Final = 1 << 24


@dataclass(frozen=True, slots=True)
class Retired:
    """Keys that were replaced."""

    last: int
    """The record that replaced them: they sign checkpoints of a size up to this."""
    keys: tuple[Verifier, ...]


def read(path: Path) -> tuple[Retired, ...]:
    """Return the keys that were replaced, the oldest first; `LogUnusableError` if damaged."""
    found: dict[int, tuple[Verifier, ...]] = {}
    try:
        for line in read_small(path, _LIMIT).decode().splitlines():
            last, _, vkey = line.partition(" ")
            found[int(last)] = (*found.get(int(last), ()), parse_vkey(vkey))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise LogUnusableError(f"cannot read the retired keys {path}: {error}") from None
    return tuple(Retired(last, keys) for last, keys in sorted(found.items()))


def add(path: Path, retired: Retired) -> None:
    """Write ``retired`` down, durable on return, unless it is."""
    known = read(path)
    if all(one.last != retired.last for one in known):
        lines = (f"{r.last} {format_vkey(key)}\n" for r in (*known, retired) for key in r.keys)
        replace(path, "".join(lines).encode())
