"""What changes each time and flows into what is hashed.

A *source* is a clock, a random name, an address, a process number. A *sink* is a constructor or
``update`` of a hash, a checksum, or a function whose name says that it makes a digest. Between them
lie expressions and the variables of one function; nothing is followed into another function.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

from repro.lint.hardcoded import words_of
from repro.lint.randomness import GLOBAL_DRAWS
from repro.lint.reading import Reading, Scope, below, last_name
from repro.lint.rules import DIGEST

_SOURCES = (
    frozenset(
        {"hash", "id", "os.getpid", "os.times", "os.urandom", "secrets.token_bytes"}
        | {"secrets.choice", "secrets.randbelow", "secrets.randbits"}
        | {"secrets.token_hex", "secrets.token_urlsafe", "time.asctime", "time.clock_gettime"}
        | {"time.clock_gettime_ns", "time.ctime", "time.gmtime"}
        | {"time.localtime", "time.monotonic", "time.monotonic_ns", "time.perf_counter"}
        | {"time.perf_counter_ns", "time.process_time", "time.process_time_ns"}
        | {"time.strftime", "time.time", "time.time_ns"}
        | {"uuid.uuid1", "uuid.uuid4", "uuid.uuid6", "uuid.uuid7"}
        | {"uuid.getnode", "datetime.date.today", "datetime.datetime.now"}
        | {"datetime.datetime.today", "datetime.datetime.utcnow"}
        | {"pandas.Timestamp.now", "pandas.Timestamp.today", "pandas.Timestamp.utcnow"}
    )
    | GLOBAL_DRAWS
)
_TOLD = {"time.asctime": 1, "time.ctime": 1, "time.gmtime": 1, "time.strftime": 2}
"""With so many arguments, these write down a time that they are given, and read no clock."""
_SOURCE_NAMES = frozenset(source.rpartition(".")[2] for source in _SOURCES)
_MODULES = ("hashlib.", "blake3.", "hmac.", "xxhash.", "mmh3.")
_CHECKSUMS = frozenset({"zlib.crc32", "zlib.adler32", "binascii.crc32"})
_DIGEST_WORDS = frozenset(
    {"adler", "blake", "checksum", "crc", "digest", "fingerprint", "hash", "hasher", "hmac"}
    | {"mmh", "sha", "signature", "xxh", "xxhash"}
)
_NO_DIGEST = frozenset({"assert", "check", "has", "inspect", "is", "parse", "test", "verify"})
"""A function that begins so looks at a digest and makes none."""
_FEEDING = frozenset({"add", "append", "extend", "insert", "update"})


def assigned(
    reading: Reading, scope: Scope, node: ast.Assign | ast.AnnAssign | ast.NamedExpr
) -> None:
    """Note ``x[k] = value`` and ``x, y = value``; ``x = value`` is bound already."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    for target in targets:
        if isinstance(target, ast.Subscript) and node.value is not None:
            _feed(scope, target, node.value)
        elif isinstance(target, ast.Tuple | ast.List) and node.value is not None:
            for element in target.elts:
                _feed(scope, element, node.value)


def augmented(reading: Reading, scope: Scope, node: ast.AugAssign) -> None:
    """Note ``x += value``."""
    _feed(scope, node.target, node.value)


def called(reading: Reading, scope: Scope, node: ast.Call) -> None:
    """Look at what a call hashes, or adds to an object."""
    if not node.args and not node.keywords:
        return
    name = reading.called(node.func)
    values = [*node.args, *(keyword.value for keyword in node.keywords)]
    if name in _FEEDING and isinstance(node.func, ast.Attribute):
        for value in values:
            _feed(scope, node.func.value, value)
    sink = _sink(reading, scope, node.func, name)
    if sink:
        scope.hashed.append((sink, values))


def finish(reading: Reading, scope: Scope) -> None:
    """Follow what each sink hashes back to where it comes from, within the scope."""
    for sink, values in scope.hashed:
        for node, source in _sources(reading, scope, values):
            reading.find(
                DIGEST, node, f"{source}() flows into {sink}(): the digest is another each time"
            )


def _sources(
    reading: Reading, scope: Scope, values: list[ast.expr]
) -> Iterator[tuple[ast.Call, str]]:
    """Yield each source in ``values`` and in what the variables in them were made of."""
    seen: set[str] = set()
    waiting = [*values]
    while waiting:
        for node in below(waiting.pop()):
            if isinstance(node, ast.Name) and node.id not in seen:
                seen.add(node.id)
                waiting += [v for v in scope.bound.get(node.id, ()) if v is not None]
                waiting += scope.fed.get(node.id, ())
            elif isinstance(node, ast.Call) and reading.called(node.func) in _SOURCE_NAMES:
                dotted = reading.dotted(node.func, scope)
                if dotted in _SOURCES and len(node.args) < _TOLD.get(dotted, len(node.args) + 1):
                    yield node, dotted


def _sink(reading: Reading, scope: Scope, func: ast.expr, name: str) -> str:
    """Return what the call of a sink is called, or "" if it is none."""
    if name == "update" and isinstance(func, ast.Attribute):
        return "update" if _is_hasher(reading, scope, func.value) else ""
    return _maker(reading, scope, func, name)


def _maker(reading: Reading, scope: Scope, func: ast.expr, name: str) -> str:
    """Return what a function that makes a digest is called, or "" if it makes none."""
    if _says_digest(name) and name != "hash":
        return name
    dotted = reading.dotted(func, scope)
    if dotted is None:
        return ""
    return dotted if dotted.startswith(_MODULES) or dotted in _CHECKSUMS else ""


def _is_hasher(reading: Reading, scope: Scope, node: ast.expr) -> bool:
    """Return whether an object is a hash that is being fed: by its name, or by what made it."""
    if _says_digest(last_name(node)):
        return True
    made = scope.bound.get(node.id, ()) if isinstance(node, ast.Name) else (node,)
    return any(
        isinstance(value, ast.Call)
        and bool(_maker(reading, scope, value.func, reading.called(value.func)))
        for value in made
    )


@cache
def _says_digest(name: str) -> bool:
    words = words_of(name)
    return not _DIGEST_WORDS.isdisjoint(words) and _NO_DIGEST.isdisjoint(words)


def _feed(scope: Scope, target: ast.expr, value: ast.expr) -> None:
    """Note what an object takes in; an attribute is no object of this function's own."""
    while isinstance(target, ast.Subscript):
        target = target.value
    if isinstance(target, ast.Name):
        scope.feed(target.id, value)
