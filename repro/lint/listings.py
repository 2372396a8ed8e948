"""Listings of directories, and walks through them: what gives names in the disk's order."""

from __future__ import annotations

import ast

from repro.lint.reading import Reading, Scope
from repro.lint.rules import LISTING

_LISTINGS = frozenset({"glob.glob", "glob.iglob", "os.listdir", "os.scandir"})
_METHODS = frozenset({"iterdir", "rglob", "glob"})
_WALKS = frozenset({"os.fwalk", "os.walk"})


def listing(reading: Reading, scope: Scope, node: ast.Call, name: str) -> str:
    """Return how a listing of a directory is called, or "" if the call is none."""
    if name not in _METHODS and f"os.{name}" not in _LISTINGS and name != "iglob":
        return ""
    dotted = reading.dotted(node.func, scope)
    if dotted is not None:
        return dotted if dotted in _LISTINGS else ""
    if not isinstance(node.func, ast.Attribute) or name not in _METHODS:
        return ""
    return f".{name}" if name == "iterdir" or node.args or node.keywords else ""


def walked(reading: Reading, scope: Scope, target: ast.expr, node: ast.expr) -> None:
    """Look at a loop over ``os.walk``, and note which of its names have to be sorted.

    Folders in place, so that they are entered in order, unless all steps are sorted; and files, if
    there is a use for them.
    """
    if not isinstance(node, ast.Call) or id(node) in reading.free:
        return
    steps_sorted = reading.called(node.func) == "sorted" and len(node.args) > 0
    call = node.args[0] if steps_sorted else node
    if not isinstance(call, ast.Call) or reading.called(call.func) not in ("walk", "fwalk"):
        return
    parts = target.elts if isinstance(target, ast.Tuple) else []
    dotted = reading.dotted(call.func, scope)
    if dotted not in _WALKS:  # any tree has a walk; that of a path has three parts
        if dotted is not None or len(parts) != 3:
            return
        dotted = ".walk"
    folders, files = parts[1:2], parts[2:3]
    if files and isinstance(files[0], ast.Name) and files[0].id.startswith("_"):
        files = []
    if not parts:
        report(reading, call, dotted)
        return
    wanted = [*([] if steps_sorted else folders), *files]
    names = [part.id for part in wanted if isinstance(part, ast.Name)]
    scope.walked.append((names, call, dotted))


def names_in(node: ast.expr) -> list[str]:
    """Return the names whose elements are sorted with ``node``: it, or what it iterates over."""
    over: list[ast.expr] = [node]
    if isinstance(node, ast.GeneratorExp | ast.ListComp | ast.SetComp):
        over = [generator.iter for generator in node.generators]
    elif isinstance(node, ast.List | ast.Tuple | ast.Set):
        over = [part.value for part in node.elts if isinstance(part, ast.Starred)]
    elif isinstance(node, ast.BinOp):
        over = [node.left, node.right]
    return [part.id for part in over if isinstance(part, ast.Name)]


def sorted_in_place(
    reading: Reading, scope: Scope, target: ast.expr, value: ast.expr | None
) -> None:
    """Note ``names[:] = sorted(…)``."""
    if (
        isinstance(target, ast.Subscript)
        and isinstance(target.slice, ast.Slice)
        and isinstance(target.value, ast.Name)
        and isinstance(value, ast.Call)
        and reading.called(value.func) == "sorted"
    ):
        scope.in_order.add(target.value.id)


def report(reading: Reading, node: ast.Call, how: str) -> None:
    """Keep the finding of a listing that is called as ``how``."""
    reading.find(LISTING, node, f"{how}() gives names in the disk's order")
