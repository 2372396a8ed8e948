"""Orders that change from run to run: iterations over sets, listings of directories.

What makes an order harmless is found from above: ``sorted(…)``, ``len``, ``any`` and others mark
what stands directly in them as free, and containers hand the mark down.
"""

from __future__ import annotations

import ast

from repro.lint import listings
from repro.lint.reading import Reading, Scope, last_name
from repro.lint.rules import SET_ORDER

_REDUCERS = frozenset(
    {"all", "any", "bool", "frozenset", "fsum", "len", "max", "min", "set", "sorted"}
)
"""Their result is the same for every order; ``fsum`` is exact, ``sum`` of floats is not."""
_SET_METHODS = frozenset({"difference", "intersection", "symmetric_difference", "union"})
_SET_TESTS = frozenset(
    {"difference_update", "intersection_update", "isdisjoint", "issubset", "issuperset"}
    | {"symmetric_difference_update"}
)
_PASS_ON = frozenset({"filter", "iter", "list", "map", "reversed", "tuple"})
"""In what is sorted, these keep no order of their own."""
_ITERATING = frozenset(
    {"deque", "enumerate", "extend", "filter", "fromkeys", "iter", "join", "list", "map"}
    | {"sum", "tuple", "zip"}
)
_DEEPEST = 50
"""Operators and methods that are looked through to see that something is a set."""
_SET_OPERATORS = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.Sub)

Test = ast.If | ast.While | ast.IfExp | ast.Assert
Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp


def assigned(
    reading: Reading, scope: Scope, node: ast.Assign | ast.AnnAssign | ast.NamedExpr
) -> None:
    """Note what names are bound to."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    for target in targets:
        if isinstance(target, ast.Tuple | ast.List) and len(target.elts) == 1:
            reading.free.add(id(node.value))  # (only,) = …: one element has one order
        if isinstance(target, ast.Name):
            if node.value is not None:
                scope.bind(target.id, node.value)
                reading.named[id(node.value)] = target.id
        else:
            _bind_all(scope, target)
            listings.sorted_in_place(reading, scope, target, node.value)


def called(reading: Reading, scope: Scope, node: ast.Call) -> None:
    """Look at what a call does with an order, and whether it is a listing itself."""
    func = node.func
    name = reading.called(func)
    free = id(node) in reading.free
    if name in _REDUCERS or (free and name in _PASS_ON):
        reading.free.update(map(id, node.args))
        if name == "sorted" and node.args:
            scope.in_order.update(listings.names_in(node.args[0]))
    elif name == "sum" and node.args and _counts(node.args[0]):
        reading.free.add(id(node.args[0]))
    elif name in _SET_METHODS or name in _SET_TESTS:
        reading.free.update(map(id, node.args))
    elif name == "sort" and isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name):
        scope.in_order.add(func.value.id)
    elif name in _ITERATING:
        for argument in node.args:
            _inherit(reading, node, argument)
            _iterated(reading, scope, argument)
    for argument in node.args:
        if isinstance(argument, ast.Starred) and name not in _REDUCERS:
            _iterated(reading, scope, argument.value)
    how = listings.listing(reading, scope, node, name)
    if how and not free:
        if id(node) in reading.named:
            scope.listed.append((reading.named[id(node)], node, how))
        else:
            listings.report(reading, node, how)


def comprehended(reading: Reading, scope: Scope, node: Comprehension) -> None:
    """Look at what a comprehension iterates over."""
    free = isinstance(node, ast.SetComp) or id(node) in reading.free
    for generator in node.generators:
        _inherit(reading, node, generator.iter)
        if free:
            reading.free.add(id(generator.iter))
        _iterated(reading, scope, generator.iter)
        listings.walked(reading, scope, generator.target, generator.iter)


def looped(reading: Reading, scope: Scope, node: ast.For | ast.AsyncFor) -> None:
    """Look at a loop."""
    _bind_all(scope, node.target)
    _iterated(reading, scope, node.iter)
    listings.walked(reading, scope, node.target, node.iter)


def unpacked(reading: Reading, scope: Scope, node: ast.List | ast.Tuple) -> None:
    """Look at ``[*a, *b]``."""
    for element in node.elts:
        if isinstance(element, ast.Starred) and isinstance(element.ctx, ast.Load):
            if id(node) in reading.free:
                reading.free.add(id(element.value))
            _iterated(reading, scope, element.value)


def yielded(reading: Reading, scope: Scope, node: ast.YieldFrom) -> None:
    """Look at ``yield from``."""
    _iterated(reading, scope, node.value)


def combined(reading: Reading, scope: Scope, node: ast.BinOp) -> None:
    """Hand a mark down to both sides."""
    if id(node) in reading.free:
        reading.free.update((id(node.left), id(node.right)))


def compared(reading: Reading, scope: Scope, node: ast.Compare) -> None:
    """Mark what is only searched, or compared with a list that has one order."""
    sides = [node.left, *node.comparators]
    for operator, one, other in zip(node.ops, sides, sides[1:], strict=False):
        if isinstance(operator, ast.In | ast.NotIn):
            reading.free.add(id(other))
        elif isinstance(operator, ast.Eq | ast.NotEq):
            for this, that in ((one, other), (other, one)):
                if isinstance(this, ast.List) and len(this.elts) < 2:
                    reading.free.add(id(that))


def tested(reading: Reading, scope: Scope, node: Test) -> None:
    """Mark what is only asked whether it is empty."""
    reading.free.add(id(node.test))
    if isinstance(node, ast.IfExp) and id(node) in reading.free:
        reading.free.update((id(node.body), id(node.orelse)))


def negated(reading: Reading, scope: Scope, node: ast.UnaryOp) -> None:
    """Mark what is only asked whether it is empty."""
    if isinstance(node.op, ast.Not):
        reading.free.add(id(node.operand))


def entered(reading: Reading, scope: Scope, node: ast.withitem) -> None:
    """Note what a context is called: ``with os.scandir(top) as entries``."""
    if isinstance(node.optional_vars, ast.Name):
        reading.named[id(node.context_expr)] = node.optional_vars.id
    if node.optional_vars is not None:
        _bind_all(scope, node.optional_vars)


def caught(reading: Reading, scope: Scope, node: ast.ExceptHandler) -> None:
    """Note the name of an error."""
    if node.name:
        scope.bind(node.name, None)


def finish(reading: Reading, scope: Scope) -> None:
    """Decide what needed the whole scope: names that are sets, listings that are sorted later."""
    for name in scope.iterated:
        values = scope.bound.get(name.id, ())
        if values and all(v is not None and is_set(reading, scope, v) for v in values):
            _report_set(reading, name, f"{name.id}, a set")
    for bound, node, how in scope.listed:
        if bound not in scope.in_order:
            listings.report(reading, node, how)
    for names, node, how in scope.walked:
        if not scope.in_order.issuperset(names):
            listings.report(reading, node, how)


def is_set(reading: Reading, scope: Scope, node: ast.expr, depth: int = 0) -> bool:
    """Return whether an expression is a set, as far as its own syntax tells."""
    if depth > _DEEPEST:
        return False
    if isinstance(node, ast.Set):  # the hash of an int is itself
        return not all(isinstance(e, ast.Constant) and isinstance(e.value, int) for e in node.elts)
    if isinstance(node, ast.SetComp):
        return True
    if isinstance(node, ast.BinOp) and isinstance(node.op, _SET_OPERATORS):
        sides = [node.left] if isinstance(node.op, ast.Sub) else [node.left, node.right]
        return any(_is_set_or_keys(reading, scope, side, depth + 1) for side in sides)
    if isinstance(node, ast.IfExp):
        branches = (node.body, node.orelse)
        return any(is_set(reading, scope, branch, depth + 1) for branch in branches)
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute):
            inner = node.func.attr in _SET_METHODS
            return inner and is_set(reading, scope, node.func.value, depth + 1)
        return reading.dotted(node.func, scope) in ("set", "frozenset")
    return False


def _is_set_or_keys(reading: Reading, scope: Scope, node: ast.expr, depth: int) -> bool:
    """Return whether an operand makes a set of a binary operation; views of keys do."""
    keys = isinstance(node, ast.Call) and not node.args and last_name(node.func) == "keys"
    return keys or is_set(reading, scope, node, depth)


def _iterated(reading: Reading, scope: Scope, node: ast.expr) -> None:
    """Look at what is iterated over, where the order is seen."""
    if id(node) in reading.free:
        return
    if isinstance(node, ast.Name):
        scope.iterated.append(node)
    elif is_set(reading, scope, node):
        _report_set(reading, node, "a set")


def _counts(node: ast.expr) -> bool:
    """Return whether a sum is one of whole numbers: ``1 for …``, ``len(x) for …``, a test."""
    if not isinstance(node, ast.GeneratorExp | ast.ListComp):
        return False
    element = node.elt
    whole = isinstance(element, ast.Constant) and isinstance(element.value, int)
    length = isinstance(element, ast.Call) and last_name(element.func) == "len"
    return whole or length or isinstance(element, ast.Compare)


def _inherit(reading: Reading, whole: ast.expr, part: ast.expr) -> None:
    """Note that what is in ``whole`` may still be sorted under the name that it is bound to."""
    if id(whole) in reading.named:
        reading.named[id(part)] = reading.named[id(whole)]


def _bind_all(scope: Scope, target: ast.expr) -> None:
    """Note names that are bound to what cannot be known."""
    if isinstance(target, ast.Name):
        scope.bind(target.id, None)
    elif isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            _bind_all(scope, element)
    elif isinstance(target, ast.Starred):
        _bind_all(scope, target.value)


def _report_set(reading: Reading, node: ast.expr, what: str) -> None:
    reading.find(SET_ORDER, node, f"iteration over {what}: its order differs between processes")
