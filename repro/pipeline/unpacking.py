"""What a file is by its first bytes, and the text of a CSV file that is compressed."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from repro.errors import InputError

GZIP: Final = b"\x1f\x8b"
BZIP2: Final = b"BZh"
XZ: Final = b"\xfd7zXZ\x00"
PARQUET: Final = b"PAR1"
FEATHER: Final = b"ARROW1"

_KINDS: Final = {
    b"PK\x03\x04": "a zip archive",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    PARQUET: "Parquet",
    b"PARE": "encrypted Parquet",
    FEATHER: "Feather",
    b"FEA1": "Feather of the first version",
    GZIP: "gzip",
    BZIP2: "bzip2",
    XZ: "xz",
}
_COMPRESSED: Final = {GZIP: "gzip", BZIP2: "bz2", XZ: "lzma"}
_FORMATS: Final = {"csv": "CSV", "parquet": "Parquet", "feather": "Feather"}
_BOM: Final = b"\xef\xbb\xbf"


def kind_of(raw: bytes) -> str | None:
    """Return in words what the first bytes say a file is; None for what may be text."""
    return next((words for magic, words in _KINDS.items() if raw.startswith(magic)), None)


def foreign(name: str, raw: bytes, declared: str) -> InputError:
    """Return the error for a file that is not of the ``declared`` format."""
    found = kind_of(raw)
    formats = {words: key for key, words in _FORMATS.items()}
    if found is None:
        if not raw:
            return InputError(f"{name}: the file is empty", "write it anew, or leave it out")
        said = f"not {_FORMATS[declared]}"
        hint = f"say in dataset.format what the files are: one of {', '.join(_FORMATS)}"
        return InputError(f"{name}: {said}", hint)
    if found in formats:
        hint = (
            f"say `format: {formats[found]}` in the dataset if all its files are {found};"
            " if they are not, leave some out by a pattern in dataset.files, such as"
            f" data/*.{declared}"
        )
    else:
        hint = "give CSV (plain, gzip, bzip2 or xz), Parquet, or Feather of the second version"
    return InputError(f"{name}: {found}, where {_FORMATS[declared]} was declared", hint)


def unpack(name: str, raw: bytes) -> bytes:
    """Return the text of a CSV file, plain or compressed, without byte order mark.

    Raises InputError for what is no CSV by its first bytes, for a compression that the standard
    library (or this build of Python) does not have, and for a file that is cut off or damaged.
    """
    magic = next((magic for magic in _COMPRESSED if raw.startswith(magic)), None)
    if magic is None:
        if kind_of(raw) is not None:
            raise foreign(name, raw, "csv")
        return raw.removeprefix(_BOM)
    try:
        module: Any = import_module(_COMPRESSED[magic])
    except ImportError as error:
        raise InputError(
            f"{name}: this Python was built without {_COMPRESSED[magic]}", "give CSV plain or gzip"
        ) from error
    decompress: Callable[[bytes], bytes] = module.decompress
    broken = (EOFError, OSError, ValueError, zlib.error, getattr(module, "LZMAError", OSError))
    try:
        return decompress(raw).removeprefix(_BOM)
    except broken as error:  # OSError: gzip.BadGzipFile, and bz2; ValueError: bz2, cut off
        hint = "the file is truncated or damaged: fetch it again"
        raise InputError(f"{name}: cannot be unpacked: {error}", hint) from error
