"""What is known of a file while it is walked: names, scopes, and what was found so far."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from repro.errors import Problem
from repro.lint.source import Source
from repro.lint.vocabulary import Vocabulary

Binding = ast.expr | None
"""What a name was bound to; None for what cannot be known (a loop, a context, an import)."""


@dataclass(slots=True)
class Scope:
    """A module, class or function, its nested ones left out; comprehensions belong to it."""

    name: str
    is_class: bool = False
    above: Scope | None = None
    parameters: frozenset[str] = frozenset()
    bound: dict[str, list[Binding]] = field(default_factory=dict)
    fed: dict[str, list[ast.expr]] = field(default_factory=dict)
    """What was added to the object of a name: ``x += …``, ``x[k] = …``, ``x.append(…)``."""
    iterated: list[ast.Name] = field(default_factory=list)
    listed: list[tuple[str, ast.Call, str]] = field(default_factory=list)
    """Directory listings bound to a name, with how each was called."""
    walked: list[tuple[list[str], ast.Call, str]] = field(default_factory=list)
    """Walks through directories, with the names that have to be sorted, and how each was called."""
    in_order: set[str] = field(default_factory=set)
    """Names that something sorts."""
    hashed: list[tuple[str, list[ast.expr]]] = field(default_factory=list)
    """Calls that hash, by name, with their arguments."""

    def bind(self, name: str, value: Binding) -> None:
        """Note a binding."""
        self.bound.setdefault(name, []).append(value)

    def feed(self, name: str, value: ast.expr) -> None:
        """Note that the object of a name takes something in."""
        self.fed.setdefault(name, []).append(value)

    def hides(self, name: str) -> bool:
        """Return whether a function here or around binds ``name``, so that it is no import."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.parameters or any(map(_is_something, scope.bound.get(name, ()))):
                return True
            scope = scope.above
        return False


@dataclass(slots=True)
class Reading:
    """One file on its way through the rules."""

    source: Source
    vocabulary: Vocabulary
    imports: dict[str, str] = field(default_factory=dict)
    """Local name to dotted name."""
    free: set[int] = field(default_factory=set)
    """Expressions whose order does not matter where they stand, by ``id``."""
    parameters: set[int] = field(default_factory=set)
    """Expressions that hold parameters of a model, by ``id``."""
    named: dict[int, str] = field(default_factory=dict)
    """Expressions that are bound to a name where they stand, by ``id``."""
    found: dict[tuple[str, int, int], Problem] = field(default_factory=dict)

    def find(self, rule: str, node: ast.expr, message: str) -> None:
        """Keep a finding; one rule finds one place once."""
        key = (rule, node.lineno, node.col_offset)
        if key not in self.found:
            self.found[key] = self.source.problem(rule, self.source.place(node), message)

    def called(self, func: ast.expr) -> str:
        """Return the last name of what a call calls, an imported one as it is at home."""
        if isinstance(func, ast.Name):
            return self.imports.get(func.id, func.id).rpartition(".")[2]
        return func.attr if isinstance(func, ast.Attribute) else ""

    def dotted(self, node: ast.expr, scope: Scope) -> str | None:
        """Return what an expression names by the file's imports, or a builtin by its own name.

        None for what is bound here, an attribute of an object, and anything computed.
        """
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return None
        start = self.imports.get(node.id)
        if (start is None and parts) or scope.hides(node.id):
            return None
        if start is None:
            return node.id
        return ".".join((start, *reversed(parts)))


def _is_something(value: Binding) -> bool:
    """Return whether a binding is more than the ``None`` of an import that failed."""
    return not (isinstance(value, ast.Constant) and value.value is None)


def last_name(node: ast.expr) -> str:
    """Return the last name of a chain: ``fit`` of ``a.b.fit``; of ``x["k"]`` the key; or ""."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript):
        return text_of(node.slice)
    return ""


def text_of(node: ast.expr) -> str:
    """Return the text that a constant is, or ""."""
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return str(node.value) if is_text else ""  # type: ignore[attr-defined]


def children(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes directly below; without recursion, so that no nesting is too deep."""
    for value in node.__dict__.values():
        if isinstance(value, ast.AST):
            yield value
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, ast.AST):
                    yield item


def below(node: ast.AST) -> Iterator[ast.AST]:
    """Yield ``node`` and all below that is evaluated with it: no body of a lambda."""
    stack = [node]
    while stack:
        top = stack.pop()
        yield top
        if not isinstance(top, ast.Lambda):
            stack.extend(children(top))
