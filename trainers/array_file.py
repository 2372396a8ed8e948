"""A model as data, with no code in it: named arrays and one JSON object of parameters in one file.

The file is an uncompressed ``.npz`` with a member more, so that NumPy alone reads it::

    file = numpy.load("model.npz", allow_pickle=False)
    parameters = json.loads(file["parameters.json"])

Its bytes are a function of what it says: members in the order of their names, fixed dates, arrays
little-endian and C-contiguous, fields of records without the padding between them (which holds
whatever lay in the memory), JSON with sorted keys. ``read`` takes only such a file.
"""

from __future__ import annotations

import ast
import io
import json
import math
import re
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .contract import TrainerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

EXTENSION = ".npz"
PARAMETERS = "parameters.json"

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_SCALAR = re.compile(r"\|[biu]1|<[iuf][248]")
"""Booleans, integers and floats: nothing whose bytes could be a reference or a text."""
_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(rb"[A-Za-z0-9_'<|:,()\[\]{} ]*\n")
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip file can name."""
_UNREADABLE = (
    *(zipfile.BadZipFile, struct.error, ValueError, SyntaxError, TypeError, OverflowError),
    *(NotImplementedError, RuntimeError, EOFError, LookupError, MemoryError),
)
"""What the standard library raises for bytes that are no such file."""


def write(path: Path, parameters: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Write the file that ``canonical`` describes. Raises OSError, and TrainerError as it does."""
    path.write_bytes(canonical(parameters, arrays))


def canonical(parameters: Mapping[str, Any], arrays: Mapping[str, Array]) -> bytes:
    """Return the bytes of the file: the same for the same parameters and arrays, in any process.

    ``parameters`` is JSON: numbers finite, keys strings. The names of ``arrays`` are lower-case
    words; an array has any shape, and booleans, integers or floats, or records of those. Raises
    TrainerError for anything else.
    """
    members = {f"{name}.npy": _packed(name, array) for name, array in arrays.items()}
    try:
        text = json.dumps(parameters, sort_keys=True, indent=1, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise TrainerError(f"parameters that JSON cannot say: {error}") from error
    members[PARAMETERS] = f"{text}\n".encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as file:
        for name in sorted(members):
            member = zipfile.ZipInfo(name, _EPOCH)
            member.create_system, member.external_attr = 3, 0o644 << 16
            file.writestr(member, members[name])
    return out.getvalue()


def read(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the parameters and the arrays of a file that ``write`` wrote; arrays are writable.

    Nothing in the file is run, and no more memory is asked for than a few times its size. Raises
    OSError, and TrainerError that says why the file is not one of ours.
    """
    data = path.read_bytes()
    try:
        members = _members(data)
        parameters = json.loads(members.pop(PARAMETERS).decode())
        arrays = {name.removesuffix(".npy"): _unpacked(part) for name, part in members.items()}
        if not isinstance(parameters, dict):
            raise ValueError("its parameters are no object")
        same = canonical(parameters, arrays) == data
    except _UNREADABLE as error:
        raise TrainerError(f"{path.name} is no model file: {error}") from error
    except TrainerError as error:
        raise TrainerError(f"{path.name} is no model file: {error}") from error
    if not same:
        raise TrainerError(f"{path.name} is no model file: its bytes are not as they are written")
    return parameters, arrays


def _members(data: bytes) -> dict[str, bytes]:
    """Return the members of a zip file that stores them as they are, once each."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        found = file.infolist()
        if any(info.compress_type != zipfile.ZIP_STORED for info in found):
            raise ValueError("a member is compressed")
        if sum(info.file_size for info in found) > len(data):
            raise ValueError("its members claim more bytes than the file has")
        if len({info.filename for info in found}) != len(found):
            raise ValueError("a member occurs twice")
        return {info.filename: file.read(info) for info in found}


def _packed(name: str, array: Array) -> bytes:
    """Return an array in NumPy's format, version 1.0, without the noise in its padding."""
    import numpy as np

    if not _NAME.fullmatch(name):
        raise TrainerError(f"an array cannot be called {name!r}")
    names = array.dtype.names
    if names is None:
        kind = np.dtype(array.dtype.newbyteorder("<"))
        clean = array.astype(kind, order="C")
        descr: str | list[tuple[str, str]] = kind.str
    else:
        fields = [(field, array.dtype[field].newbyteorder("<")) for field in names]
        clean = np.empty(array.shape, np.dtype(fields))
        for field in names:
            clean[field] = array[field]
        descr = [(field, kind.str) for field, kind in fields]
    _dtype(descr)
    head = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {array.shape!r}, }}"
    # NumPy aligns the data to 64 bytes with spaces before a line feed.
    length = -(-(len(_MAGIC) + 2 + len(head) + 1) // 64) * 64 - len(_MAGIC) - 2
    header = head.ljust(length - 1).encode() + b"\n"
    return _MAGIC + struct.pack("<H", length) + header + clean.tobytes()


def _unpacked(part: bytes) -> Array:
    """Return the array of a member. Raises ValueError and what its header's parsing raises."""
    import numpy as np

    if not part.startswith(_MAGIC):
        raise ValueError("a member is no array of format 1.0")
    start = len(_MAGIC) + 2
    (length,) = struct.unpack_from("<H", part, len(_MAGIC))
    header = part[start : start + length]
    if len(header) != length or not _HEADER.fullmatch(header):
        raise ValueError("the header of an array is not plain")
    said = ast.literal_eval(header.decode().strip())
    kind, shape = np.dtype(_dtype(said["descr"])), said["shape"]
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError("the shape of an array is not a tuple of counts")
    if math.prod(shape) * kind.itemsize != len(part) - start - length:
        raise ValueError("an array has not the size that its shape says")
    flat = np.frombuffer(part, kind, offset=start + length)
    return flat.reshape(shape).copy()


def _dtype(descr: Any) -> str | list[tuple[str, str]]:
    """Return a description of a dtype if it is one that the file may hold, else TrainerError."""
    if isinstance(descr, str) and _SCALAR.fullmatch(descr):
        return descr
    if isinstance(descr, list) and descr:
        plain = all(
            isinstance(field, tuple)
            and len(field) == 2
            and all(isinstance(text, str) for text in field)
            and _NAME.fullmatch(field[0])
            and _SCALAR.fullmatch(field[1])
            for field in descr
        )
        if plain and len({name for name, _ in descr}) == len(descr):
            return descr
    raise TrainerError(f"an array of {descr!r} is not numbers")
