"""The one walk over a tree: each node meets the checks of its type, parents before children."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Final

from repro.lint import digests, hardcoded, order, randomness
from repro.lint.reading import Reading, Scope

_SCOPES: Final = frozenset({ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef})
_LEAVES: Final = frozenset(
    {ast.Name, ast.Constant, ast.Pass, ast.Break, ast.Continue, ast.Global, ast.Nonlocal}
    | {
        str,
        int,
        bool,
        type(None),
        *ast.expr_context.__subclasses__(),
        *ast.operator.__subclasses__(),
    }
    | {*ast.unaryop.__subclasses__(), *ast.boolop.__subclasses__(), *ast.cmpop.__subclasses__()}
)
"""What nothing is found below, and what stands in fields of nodes without being one."""


def _imported(reading: Reading, scope: Scope, node: ast.Import | ast.ImportFrom) -> None:
    """Note what the names of an import statement mean from here on."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            top = alias.name.partition(".")[0]
            reading.imports[alias.asname or top] = alias.name if alias.asname else top
        return
    start = "." * node.level + (node.module or "")
    for alias in node.names:
        reading.imports[alias.asname or alias.name] = f"{start}.{alias.name}"


_CHECKS: Final[Mapping[type[ast.AST], tuple[Callable[..., None], ...]]] = {
    ast.Assign: (order.assigned, digests.assigned, hardcoded.assigned),
    ast.AnnAssign: (order.assigned, digests.assigned, hardcoded.annotated),
    ast.NamedExpr: (order.assigned, digests.assigned, hardcoded.annotated),
    ast.AugAssign: (digests.augmented,),
    ast.Call: (hardcoded.called, randomness.called, order.called, digests.called),
    ast.Compare: (hardcoded.compared, order.compared),
    ast.Dict: (hardcoded.displayed,),
    ast.For: (order.looped, hardcoded.looped),
    ast.AsyncFor: (order.looped,),
    ast.comprehension: (hardcoded.looped,),
    ast.ListComp: (order.comprehended,),
    ast.SetComp: (order.comprehended,),
    ast.GeneratorExp: (order.comprehended,),
    ast.DictComp: (order.comprehended,),
    ast.Import: (_imported,),
    ast.ImportFrom: (_imported,),
    ast.Lambda: (hardcoded.defined,),
    ast.List: (order.unpacked,),
    ast.Tuple: (order.unpacked,),
    ast.If: (order.tested,),
    ast.While: (order.tested,),
    ast.IfExp: (order.tested,),
    ast.Assert: (order.tested,),
    ast.UnaryOp: (order.negated,),
    ast.BinOp: (order.combined,),
    ast.YieldFrom: (order.yielded,),
    ast.withitem: (order.entered,),
    ast.ExceptHandler: (order.caught,),
}


def walk(reading: Reading, tree: ast.Module) -> None:
    """Find everything in a tree; the findings are in ``reading``."""
    waiting: list[tuple[Scope, list[ast.AST]]] = [(Scope(""), [*reversed(tree.body)])]
    while waiting:
        scope, stack = waiting.pop()
        _walk_scope(reading, scope, stack, waiting)
        order.finish(reading, scope)
        digests.finish(reading, scope)


def _walk_scope(
    reading: Reading,
    scope: Scope,
    stack: list[ast.AST],
    waiting: list[tuple[Scope, list[ast.AST]]],
) -> None:
    """Walk what a scope evaluates itself; put the scopes in it on ``waiting``."""
    checks, leaves, scopes = _CHECKS, _LEAVES, _SCOPES
    while stack:
        node = stack.pop()
        kind = node.__class__
        if kind in leaves:
            continue
        if kind in checks:
            for check in checks[kind]:
                check(reading, scope, node)
        elif kind in scopes:
            waiting.append(_opened(reading, scope, node, stack))
            continue
        for value in reversed(node.__dict__.values()):
            kind = value.__class__
            if kind is list:
                stack.extend(value[::-1])
            elif kind not in leaves:
                stack.append(value)


def _opened(
    reading: Reading, scope: Scope, node: ast.AST, stack: list[ast.AST]
) -> tuple[Scope, list[ast.AST]]:
    """Return the scope that a definition opens, with its body; what is evaluated here joins it."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        hardcoded.defined(reading, scope, node)
        stack.extend((*node.decorator_list, *node.args.defaults))
        stack.extend(default for default in node.args.kw_defaults if default is not None)
        above = scope.above if scope.is_class else scope
        inner = Scope(node.name, above=above, parameters=_parameters(node.args))
        return inner, [*reversed(node.body)]
    if not isinstance(node, ast.ClassDef):
        raise AssertionError(f"{type(node).__name__} opens no scope")
    stack.extend((*node.bases, *node.keywords, *node.decorator_list))
    return Scope(node.name, is_class=True, above=scope), [*reversed(node.body)]


def _parameters(arguments: ast.arguments) -> frozenset[str]:
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
    return frozenset(a.arg for a in every)
