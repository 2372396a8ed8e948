"""Hyperparameters, seeds and thresholds that have their values in code.

What counts, besides the name and a value that the name can have (``literals``, ``vocabulary``):

- A *generic* name (one word, such as ``eta`` or ``lambda``; ``max_iter``) counts only where the
  parameters of a model are meant: the call or class is called like a model or lies in a trainer's
  library, the mapping is called like parameters, or a name that is not generic stands beside it.
- ``x = 0``, ``x = 1`` and ``x = -1`` start a counter or mark a gap; as arguments they count.
- A threshold counts in a comparison too, except with 0 and 1, which are bounds of any score.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise

from repro.lint.literals import Literal, literal_in
from repro.lint.reading import Reading, Scope, last_name, text_of
from repro.lint.rules import HYPERPARAMETER, SEED, THRESHOLD
from repro.lint.vocabulary import Meaning

_LOOKUPS = frozenset({"get", "setdefault", "pop", "getenv"})
_ATTRIBUTES = frozenset({"getattr", "setattr"})
_FALLBACKS = frozenset({"get", "getint", "getfloat", "getboolean"})
_OPTIONS = frozenset({"add_argument", "add_option", "option", "argument", "Option", "Argument"})
_SEEDING = frozenset(
    {
        "jax.random.PRNGKey",
        "jax.random.key",
        "numpy.random.MT19937",
        "numpy.random.PCG64",
        "numpy.random.PCG64DXSM",
        "numpy.random.Philox",
        "numpy.random.RandomState",
        "numpy.random.SFC64",
        "numpy.random.SeedSequence",
        "numpy.random.default_rng",
        "numpy.random.seed",
        "random.Random",
        "random.seed",
        "tensorflow.random.set_seed",
        "torch.cuda.manual_seed",
        "torch.cuda.manual_seed_all",
        "torch.manual_seed",
    }
)
_SEEDING_NAMES = frozenset(name.rpartition(".")[2] for name in _SEEDING)
_MODEL_ENDINGS = (
    *("Booster", "Classifier", "Config", "ElasticNet", "Estimator", "Forest", "Hyperparameters"),
    *("Lasso", "Model", "Parameters", "Params", "Perceptron", "Ranker", "Regression"),
    *("Regressor", "Ridge", "SVC", "SVR", "Trainer"),
)
_MODEL_WORDS = frozenset({"fit", "train", "cv"})
_DATA_WORDS = frozenset({"split", "test"})
"""``train_test_split`` trains nothing."""
_HOLDERS = frozenset(
    {"cfg", "config", "hparams", "hyper", "hyperparameters", "hyperparams", "model", "param"}
    | {"parameters", "params", "settings", "threshold", "thresholds"}
)
_NO_DECISION = (0, 1, -1)
_WORD = re.compile("[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@cache
def words_of(name: str) -> frozenset[str]:
    """Return the words of ``snake_case`` and ``CamelCase``, in small letters."""
    return frozenset(word.lower() for word in _WORD.findall(name))


@cache
def _is_model(name: str) -> bool:
    words = words_of(name)
    trains = not _MODEL_WORDS.isdisjoint(words) and _DATA_WORDS.isdisjoint(words)
    return trains or name.endswith(_MODEL_ENDINGS)


@cache
def _holds_parameters(name: str) -> bool:
    return not _HOLDERS.isdisjoint(words_of(name))


def called(reading: Reading, scope: Scope, node: ast.Call) -> None:
    """Look at keyword arguments, look-ups with a default, options, and what seeds a generator."""
    func, name = node.func, reading.called(node.func)
    named = [(keyword.arg, keyword.value) for keyword in node.keywords if keyword.arg]
    if named:
        meant = name == "dict" and id(node) in reading.parameters
        if name in _OPTIONS:
            _option(reading, node, dict(named))
        families = _families(reading, scope, func)
        _together(reading, named, meant or _is_model(name) or bool(families), families)
    if not node.args:
        return
    if name in _LOOKUPS or name in _FALLBACKS:
        _look_up(reading, node, dict(named))
    elif name in _ATTRIBUTES and len(node.args) == 3 and isinstance(func, ast.Name):
        key, held = text_of(node.args[1]), _holds_parameters(last_name(node.args[0]))
        _judge(reading, key, node.args[2], strong=held)
    elif name in _SEEDING_NAMES and reading.dotted(func, scope) in _SEEDING:
        _judge(reading, "seed", node.args[0])
    elif name.startswith("DEFINE_") and len(node.args) > 1:
        _judge(reading, text_of(node.args[0]), node.args[1], as_text=True)


def displayed(reading: Reading, scope: Scope, node: ast.Dict) -> None:
    """Look at a dict literal."""
    named = [
        (text_of(key), value)
        for key, value in zip(node.keys, node.values, strict=True)
        if key is not None and isinstance(key, ast.Constant)
    ]
    if named:
        _together(reading, named, id(node) in reading.parameters)
    for key, value in named:
        if _holds_parameters(key):
            reading.parameters.add(id(value))


def defined(
    reading: Reading, scope: Scope, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
) -> None:
    """Look at the defaults of a function's parameters."""
    arguments = node.args
    if not arguments.defaults and not arguments.kw_defaults:
        return
    plain = [*arguments.posonlyargs, *arguments.args]
    pairs: list[tuple[str, ast.expr]] = []
    if arguments.defaults:
        late = plain[-len(arguments.defaults) :]
        pairs += [(a.arg, value) for a, value in zip(late, arguments.defaults, strict=True)]
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is not None:
            pairs.append((argument.arg, default))
    name = node.name if not isinstance(node, ast.Lambda) else ""
    _together(reading, pairs, _is_model(name) or (scope.is_class and _is_model(scope.name)))


def assigned(reading: Reading, scope: Scope, node: ast.Assign) -> None:
    """Look at ``a = b = value`` and ``a, b = values``."""
    several = node.value.elts if isinstance(node.value, ast.Tuple | ast.List) else []
    for target in node.targets:
        if not isinstance(target, ast.Tuple | ast.List):
            _target(reading, scope, target, node.value)
        elif len(target.elts) == len(several):
            for one, value in zip(target.elts, several, strict=True):
                _target(reading, scope, one, value)


def annotated(reading: Reading, scope: Scope, node: ast.AnnAssign | ast.NamedExpr) -> None:
    """Look at ``a: float = value``, in a class too, and at ``(a := value)``."""
    if node.value is not None:
        _target(reading, scope, node.target, node.value)


def looped(reading: Reading, scope: Scope, node: ast.For | ast.comprehension) -> None:
    """Look at ``for a in (values)``."""
    if isinstance(node.iter, ast.Tuple | ast.List) and isinstance(node.target, ast.Name):
        _judge(reading, node.target.id, node.iter)


def compared(reading: Reading, scope: Scope, node: ast.Compare) -> None:
    """Look at ``score > 0.99`` where the score has a threshold."""
    sides = [node.left, *node.comparators]
    pairs = list(pairwise(sides))
    for one, other in (*pairs, *(pair[::-1] for pair in pairs)):
        name = last_name(one)
        meaning = reading.vocabulary.meaning(name) if name else None
        if meaning is not None and meaning.rule == THRESHOLD and not meaning.generic:
            literal = literal_in(other)
            if literal is not None and not _is_no_decision(literal):
                _report(reading, name, meaning, literal, as_text=False)


def _target(reading: Reading, scope: Scope, target: ast.expr, value: ast.expr) -> None:
    """Look at one target of an assignment."""
    name = last_name(target)
    if not name:
        return
    if _holds_parameters(name):
        reading.parameters.add(id(value))
    meaning = reading.vocabulary.meaning(name)
    if meaning is None:
        return
    in_class = scope.is_class and isinstance(target, ast.Name)
    strong = in_class and _is_model(scope.name)
    if isinstance(target, ast.Subscript | ast.Attribute):
        strong = _holds_parameters(last_name(target.value))
    starts = not strong and not in_class and not isinstance(target, ast.Subscript)
    literal = literal_in(value)
    if literal is None or (meaning.generic and not strong):
        return
    if not (starts and meaning.rule != SEED and _is_no_decision(literal)):
        _report(reading, name, meaning, literal, as_text=False)


def _together(
    reading: Reading,
    named: Sequence[tuple[str, ast.expr]],
    strong: bool,
    families: tuple[str, ...] = (),
) -> None:
    """Judge values that stand side by side: one hyperparameter makes others of generic names."""
    meanings = [reading.vocabulary.meaning(name) for name, _ in named]
    if not any(meanings):
        for name, value in named:
            if _holds_parameters(name):
                reading.parameters.add(id(value))
        return
    strong = strong or any(
        meaning is not None and meaning.rule == HYPERPARAMETER and not meaning.generic
        for meaning in meanings
    )
    for name, value in named:
        if _holds_parameters(name):
            reading.parameters.add(id(value))
        _judge(reading, name, value, strong=strong, families=families)


def _look_up(reading: Reading, node: ast.Call, named: dict[str, ast.expr]) -> None:
    """Judge ``x.get(k, value)``, ``setdefault``, ``pop``, ``getenv``, ``fallback=``."""
    held = isinstance(node.func, ast.Attribute) and _holds_parameters(last_name(node.func.value))
    last = named.get("fallback", named.get("default"))
    keys: Iterable[ast.expr] = node.args
    if last is None and len(node.args) > 1:
        keys, last = node.args[:-1], node.args[-1]
    if last is not None:
        for key in keys:
            _judge(reading, text_of(key), last, strong=held, as_text=True)


def _option(reading: Reading, node: ast.Call, named: dict[str, ast.expr]) -> None:
    """Judge the default of an option of a command line."""
    if "default" in named:
        words = [text_of(word) for word in (*node.args, named.get("dest", node.func))]
        for word in dict.fromkeys(words):
            if _judge(reading, word, named["default"], as_text=True):
                return


def _judge(
    reading: Reading,
    name: str,
    value: ast.expr,
    *,
    strong: bool = False,
    as_text: bool = False,
    families: tuple[str, ...] = (),
) -> bool:
    """Report ``value`` if it is hard-coded under ``name``; return whether it is."""
    meaning = reading.vocabulary.meaning(name) if name else None
    if meaning is None or (meaning.generic and not strong):
        return False
    literal = literal_in(value)
    if literal is None:
        return False
    return _report(reading, name, meaning, literal, as_text=as_text, families=families)


def _report(
    reading: Reading,
    name: str,
    meaning: Meaning,
    literal: Literal,
    *,
    as_text: bool,
    families: tuple[str, ...] = (),
) -> bool:
    if not meaning.admits(literal, as_text):
        return False
    shown = reading.source.text_at(literal.node)
    what = f" ({meaning.title(families)})" if meaning.rule == HYPERPARAMETER else ""
    kind = meaning.rule.removeprefix("hardcoded-")
    reading.find(meaning.rule, literal.node, f"{name} is {shown}: a {kind} in code{what}")
    return True


def _families(reading: Reading, scope: Scope, func: ast.expr) -> tuple[str, ...]:
    """Return the families whose library a callable comes from; none if it is of no trainer's."""
    name = reading.dotted(func, scope)
    return () if name is None else reading.vocabulary.families_of(name)


def _is_no_decision(literal: Literal) -> bool:
    return literal.kind == "number" and literal.value in _NO_DECISION
