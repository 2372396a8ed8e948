"""The page of what Python is given back, held to the dataclasses; as a program, this writes it."""

import ast
import dataclasses
import importlib
import inspect
import re
import sys
import typing
from functools import cache
from pathlib import Path

from repro import api

PAGE = Path(__file__).parent.parent / "docs" / "python-results.md"
APART = (
    "repro.config.resolution.active",
    "repro.config.resolution.layers",
    "repro.config.resolution.resolve",
    "repro.facts.conditions",
    "repro.facts.limits",
    "repro.facts.trials",
    "repro.verbs.training.leaking",
)
"""What a result holds for our own use, or, of a trainer, what `docs/trainers.md` goes through."""
HEAD = """# What Python gives back

Every method of a [workspace](python.md) returns one of these, or a tuple of them: frozen
dataclasses, written down here from the code with every public field. A test holds this page to it.
`None` in a type means that there may be no such thing, and the words say when. Times are texts, RFC
3339 in UTC. Metrics are out of fold, in their own units: `rmse` and `mae` in those of the target
(of a return, 0.01 is one per cent), shares such as `accuracy` from 0 to 1. Digests and keys are 64
hexadecimal digits; records are counted from 0, lines and columns of files from 1.
"""
COMMON = {
    "a": "The first side.",
    "b": "The second side.",
    "column": "From 1.",
    "component": "The identity component that it belongs to.",
    "evidence": "Where that can be read or seen.",
    "execution_key": "The key of everything that decides the bits.",
    "exit_status": "What the command would end with.",
    "experiment": "The experiment that it was part of.",
    "family": "The family of trainers.",
    "file": "Its path.",
    "folder": "The folder of its files.",
    "high": "The upper end, in units of the metric.",
    "incident": "The place of the ``incident`` in the log.",
    "layer": "The layer that decided it, such as ``documents`` or ``overlay NAME``.",
    "layers": "What was laid over the documents, lowest first.",
    "level": "``strict``, ``portable`` or ``best-effort``.",
    "line": "From 1.",
    "low": "The lower end, in units of the metric.",
    "metric": "The name of the metric.",
    "name": "What it is called.",
    "origin": "The log's name, as its checkpoints have it.",
    "output_digest": "The digest over all outputs.",
    "path": "The keys that lead to the value.",
    "reason": "Why, in a sentence.",
    "record": "The place of its record in the log.",
    "replicate_key": "The key of configuration and data without the seed.",
    "run": "The name of the run.",
    "seed": "The base seed.",
    "state": "What became of it.",
    "strict_key": "The replicate key with the seed in it.",
    "symbol": "The one symbol that was trained on; None for all.",
    "target": "The name of the target.",
    "task": "``regression``, ``binary`` or ``multiclass``.",
    "threads": "How many threads it computes with.",
    "verdict": "The answer, in a word.",
    "version": "Its version.",
    "view": "``cross_sectional`` or ``symbol_specific``.",
}
"""What fields of these names are, wherever their class does not say more of them."""


@cache
def names_in(module):
    """Return what a module's annotations may name, loaded under TYPE_CHECKING or not."""
    found = dict(vars(module))
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.ImportFrom) and node.module:
            dots = "." * node.level
            source = importlib.import_module(f"{dots}{node.module}", module.__package__)
            for alias in node.names:
                found.setdefault(alias.asname or alias.name, getattr(source, alias.name, None))
    return found


def evaluated(annotation, module):
    """Return what an annotation means."""
    return eval(annotation, dict(names_in(sys.modules[module])))  # noqa: S307 (our own source)


def methods():
    """Return the public methods of a workspace with what each returns, by name."""
    found = {}
    for name in dir(api.Workspace):
        method = inspect.unwrap(getattr(api.Workspace, name))
        if not name.startswith("_") and inspect.isfunction(method):
            found[name] = (method.__annotations__["return"], method.__module__)
    return found


def members(cls):
    """Return annotation and words of each public field, property and method, in order."""
    found = {}
    tree = ast.parse(inspect.getsource(sys.modules[cls.__module__]))
    (body,) = [n.body for n in tree.body if isinstance(n, ast.ClassDef) and n.name == cls.__name__]
    for node, following in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign):
            said = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
            words = " ".join(following.value.value.split()) if said else ""
            found[node.target.id] = ("field", ast.unparse(node.annotation), words)
        elif isinstance(node, ast.FunctionDef):
            marks = {getattr(mark, "id", "") for mark in node.decorator_list}
            kind = "field" if marks & {"property", "cached_property"} else "method"
            words = (ast.get_docstring(node) or "").partition("\n\n")[0].replace("\n", " ")
            words = re.sub(r"^Return (whether )?", lambda m: (m[1] or "").capitalize(), words)
            found[node.name] = (kind, ast.unparse(node.returns), words[:1].upper() + words[1:])
    return {name: one for name, one in found.items() if not name.startswith("_")}


def inside(annotation):
    """Yield the dataclasses of ours that a type is made of."""
    where = getattr(annotation, "__module__", "")
    if isinstance(annotation, type) and where.startswith("repro.") and where not in APART:
        is_made_of_fields = dataclasses.is_dataclass(annotation) or hasattr(annotation, "_fields")
        yield from (annotation,) if is_made_of_fields else ()
    for part in typing.get_args(annotation):
        yield from inside(part)


def returned():
    """Return every dataclass that a method's result is made of, with the methods' names."""
    found = {}
    for name, (annotation, module) in methods().items():
        left = list(inside(evaluated(annotation, module)))
        while left:
            cls = left.pop(0)
            said = found.setdefault(cls, [])
            if name not in said:
                said.append(name)
                for kind, inner, _ in members(cls).values():
                    if kind == "field":
                        left += inside(evaluated(inner, cls.__module__))
    return dict(sorted(found.items(), key=lambda item: (item[0].__name__, item[0].__module__)))


def words_of(cls, name, annotation, words):
    """Return the words of a field, as Markdown; of what has a section of its own, its name."""
    named = dict.fromkeys(one.__name__ for one in inside(evaluated(annotation, cls.__module__)))
    said = words or COMMON.get(name) or (f"See {' and '.join(named)}." if named else "")
    return said.replace("``", "`").replace("|", "\\|")


def page():
    """Return the whole page."""
    parts, bar = [HEAD], "\\|"
    for cls, by in returned().items():
        first = (cls.__doc__ or "").partition("\n")[0].replace("``", "`")
        parts.append(f"## {cls.__name__}\n\n{first} From {', '.join(f'`.{m}`' for m in by)}.\n")
        rows = ["| field | type | what it is |", "|---|---|---|"]
        others = []
        for name, (kind, annotation, words) in members(cls).items():
            if kind == "method":
                others.append(f"`{name}()`: {words_of(cls, name, annotation, words)}")
            else:
                said = words_of(cls, name, annotation, words)
                rows.append(f"| `{name}` | `{annotation.replace('|', bar)}` | {said} |")
        parts.append("\n".join(rows) + "\n")
        if others:
            parts.append("Methods: " + " ".join(others) + "\n")
    return "\n".join(parts)


def test_the_page_is_what_the_code_says():
    assert PAGE.read_text("utf-8") == page(), f"write it anew: python {Path(__file__).name}"


def test_every_field_that_is_given_back_is_explained():
    assert len(returned()) > 70
    bare = [
        f"{cls.__name__}.{name}: {annotation}"
        for cls in returned()
        for name, (_, annotation, words) in members(cls).items()
        if not words_of(cls, name, annotation, words)
    ]
    assert not bare


def test_what_is_given_back_is_frozen():
    made = [cls for cls in returned() if dataclasses.is_dataclass(cls)]
    assert made
    assert not [cls.__name__ for cls in made if not cls.__dataclass_params__.frozen]


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
