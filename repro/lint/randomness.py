"""Draws from the process's generator, and generators, splitters and samplers without a seed."""

from __future__ import annotations

import ast

from repro.lint.reading import Reading, Scope
from repro.lint.rules import GLOBAL_RANDOM, UNSEEDED

_STDLIB = frozenset(
    {"betavariate", "binomialvariate", "choice", "choices", "expovariate", "gammavariate"}
    | {"gauss", "getrandbits", "lognormvariate", "normalvariate", "paretovariate", "randbytes"}
    | {"randint", "random", "randrange", "sample", "shuffle", "triangular", "uniform"}
    | {"vonmisesvariate", "weibullvariate"}
)
_NUMPY = frozenset(
    {"beta", "binomial", "bytes", "chisquare", "choice", "dirichlet", "exponential", "f"}
    | {"gamma", "geometric", "gumbel", "hypergeometric", "laplace", "logistic", "lognormal"}
    | {"logseries", "multinomial", "multivariate_normal", "negative_binomial"}
    | {"noncentral_chisquare", "noncentral_f", "normal", "pareto", "permutation", "poisson"}
    | {"power", "rand", "randint", "randn", "random", "random_integers", "random_sample", "ranf"}
    | {"rayleigh", "sample", "shuffle", "standard_cauchy", "standard_exponential"}
    | {"standard_gamma", "standard_normal", "standard_t", "triangular", "uniform", "vonmises"}
    | {"wald", "weibull", "zipf"}
)
GLOBAL_DRAWS = frozenset(
    {f"random.{name}" for name in _STDLIB} | {f"numpy.random.{name}" for name in _NUMPY}
)
"""Functions of the process's generators: of ``random``, and the legacy ones of numpy."""
_GENERATORS = frozenset(
    {"numpy.random.MT19937", "numpy.random.PCG64", "numpy.random.PCG64DXSM"}
    | {"numpy.random.Philox", "numpy.random.RandomState", "numpy.random.SFC64"}
    | {"numpy.random.SeedSequence", "numpy.random.default_rng", "numpy.random.seed"}
    | {"random.Random", "random.seed"}
)
_UNSEEDABLE = "random.SystemRandom"
_SEED_WORDS = frozenset({"seed", "x", "a", "entropy"})
"""What the generators call their seed."""
_WHEN_SHUFFLED = frozenset({"KFold", "StratifiedKFold", "StratifiedGroupKFold"})
_ALWAYS = frozenset(
    {"GroupShuffleSplit", "RepeatedKFold", "RepeatedStratifiedKFold", "ShuffleSplit"}
    | {"StratifiedShuffleSplit", "resample", "shuffle", "train_test_split"}
)
"""Of scikit-learn: these shuffle unless they are told not to."""
_NAMES = frozenset(
    {name.rpartition(".")[2] for name in GLOBAL_DRAWS | _GENERATORS}
    | {"SystemRandom"}
    | _WHEN_SHUFFLED
    | _ALWAYS
)


def called(reading: Reading, scope: Scope, node: ast.Call) -> None:
    """Look at one call."""
    given: dict[str | None, ast.expr] = {}
    for keyword in node.keywords:
        given[keyword.arg] = keyword.value
    state = given.get("random_state")
    if state is not None and _is_none(state) and not _is_constant(given.get("shuffle"), False):
        reading.find(UNSEEDED, state, "random_state is None: drawn anew each time")
    name = reading.called(node.func)
    if "frac" in given and name == "sample":
        if None not in given and given.keys().isdisjoint({"random_state", "seed"}):
            reading.find(UNSEEDED, node.func, "a sample without random_state")
    elif name in _NAMES:
        dotted = reading.dotted(node.func, scope)
        if dotted is not None:
            _library_call(reading, node, dotted, given)


def _library_call(
    reading: Reading, node: ast.Call, dotted: str, given: dict[str | None, ast.expr]
) -> None:
    """Look at a call of a function that is known by its full name."""
    if dotted in GLOBAL_DRAWS:
        reading.find(GLOBAL_RANDOM, node.func, f"{dotted} draws from the process's generator")
    elif dotted == _UNSEEDABLE:
        reading.find(UNSEEDED, node.func, f"{dotted} cannot be seeded")
    elif dotted in _GENERATORS:
        seeds = [*node.args[:1], *(v for k, v in given.items() if k in _SEED_WORDS)]
        if all(map(_is_none, seeds)) and None not in given:
            reading.find(UNSEEDED, node.func, f"{dotted} without a seed")
    elif dotted.startswith("sklearn."):
        name = dotted.rpartition(".")[2]
        shuffle = given.get("shuffle")
        shuffled = name in _ALWAYS or (name in _WHEN_SHUFFLED and _is_constant(shuffle, True))
        if shuffled and not _is_constant(shuffle, False) and not {None, "random_state"} & {*given}:
            reading.find(UNSEEDED, node.func, f"{name} shuffles without random_state")


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_constant(node: ast.expr | None, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value
