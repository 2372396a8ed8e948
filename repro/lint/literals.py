"""What is a value written in code, and of which kind; what only stands for one."""

from __future__ import annotations

import ast
from dataclasses import dataclass

_CONVERSIONS = frozenset({"int", "float", "str", "bool", "tuple", "list"})
_FIELDS = frozenset({"field", "Field", "attrib", "ib", "Factory"})
_OPTIONS = frozenset({"Option", "Argument", "Parameter"})
_DEEPEST = 20
"""Levels of an expression that are looked through: more than anybody writes by hand."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A value in code: where, its kind as JSON calls it, and the value of a single constant."""

    node: ast.expr
    kind: str
    """``number``, ``string`` or ``boolean``: of the value, or of each element of a list, which may
    be lists (``array``)."""
    is_list: bool
    value: object = None
    """None if the value is computed from literals, or a list."""


def literal_in(node: ast.expr | None, depth: int = 0) -> Literal | None:
    """Return the value that ``node`` writes down, or falls back to, if there is one.

    ``0.1``, ``-1``, ``2**5``, ``(64, 32)``, ``float("0.1")``, ``field(default=0.1)``, and the
    literal in ``x or 0.1`` and in ``0.1 if fast else x``. None is no value.
    """
    if node is None or depth > _DEEPEST:
        return None
    if isinstance(node, ast.Constant):
        return _constant(node)
    deeper = depth + 1
    if isinstance(node, ast.UnaryOp):
        inner = literal_in(node.operand, deeper)
        if inner is None or inner.kind != "number" or isinstance(node.op, ast.Not):
            return None
        negative = isinstance(node.op, ast.USub) and isinstance(inner.value, int | float)
        return Literal(node, "number", False, -inner.value if negative else None)  # type: ignore[operator]
    if isinstance(node, ast.BinOp):
        sides = (literal_in(node.left, deeper), literal_in(node.right, deeper))
        numbers = all(side is not None and side.kind == "number" for side in sides)
        return Literal(node, "number", False) if numbers else None
    if isinstance(node, ast.Tuple | ast.List):
        return _list(node, deeper)
    if isinstance(node, ast.Call):
        return _call(node, deeper)
    if isinstance(node, ast.IfExp):
        return literal_in(node.body, deeper) or literal_in(node.orelse, deeper)
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
        return literal_in(node.values[-1], deeper)
    return None


def _constant(node: ast.Constant) -> Literal | None:
    value = node.value
    if isinstance(value, bool):
        return Literal(node, "boolean", False, value)
    if isinstance(value, int | float):
        return Literal(node, "number", False, value)
    return Literal(node, "string", False, value) if isinstance(value, str) else None


def _list(node: ast.Tuple | ast.List, depth: int) -> Literal | None:
    """Return a list of values of one kind; an empty one is none."""
    inner = [literal_in(element, depth) for element in node.elts]
    kinds = {("array" if e.is_list else e.kind) if e else "" for e in inner}
    if len(kinds) != 1 or "" in kinds:
        return None
    return Literal(node, kinds.pop(), True)


def _call(node: ast.Call, depth: int) -> Literal | None:
    """Return the literal that a conversion converts, or a declaration of a field defaults to."""
    func = node.func
    called = (
        func.id
        if isinstance(func, ast.Name)
        else func.attr
        if isinstance(func, ast.Attribute)
        else ""
    )
    if called in _CONVERSIONS and len(node.args) == 1 and not node.keywords:
        inner = literal_in(node.args[0], depth)
        if inner is not None and inner.kind == "string" and called in ("int", "float"):
            digits = any(map(str.isdecimal, str(inner.value)))  # float("inf") sets no number
            return Literal(node, "number", False) if digits else None
        return inner
    if called in _FIELDS or called in _OPTIONS:
        for keyword in node.keywords:
            if keyword.arg == "default":
                return literal_in(keyword.value, depth)
            if keyword.arg in ("default_factory", "factory"):
                made = keyword.value
                return literal_in(made.body, depth) if isinstance(made, ast.Lambda) else None
        return literal_in(node.args[0], depth) if node.args else None
    return None
