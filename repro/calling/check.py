"""Arguments held against the types in a signature: what is wrong is a UsageError, in words.

The types are those that editors and mypy see; nothing is written twice. What only looks other is
made what was asked for: a tuple of any iterable, an int of NumPy's, a `Path` of whatever names one.
"""

from __future__ import annotations

import inspect
import operator
import os
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache, wraps
from pathlib import Path
from types import NoneType, SimpleNamespace, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    SupportsIndex,
    TypeVar,
    Union,
    Unpack,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from repro.calling.told import as_passed, refused
from repro.config.spelling.names import suggestion
from repro.errors import ProblemsError, UsageError
from repro.execution.interrupts import interruptible

_Called = TypeVar("_Called", bound=Callable[..., Any])
_Class = TypeVar("_Class", bound=type)
_SHOWN: Final = 60
"""Characters of a wrong value that a message shows."""
_WORDS: Final[Mapping[Any, str]] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    Path: "a path",
    NoneType: "None",
    object: "a value",
}
_PLURAL: Final[Mapping[Any, str]] = {str: "texts", int: "whole numbers", Path: "paths"}


@dataclass(frozen=True, slots=True)
class AtLeast:
    """The smallest number that is taken, inclusive: ``Annotated[int, AtLeast(1)]``."""

    bound: int


@dataclass(frozen=True, slots=True)
class Said:
    """How messages call a type: ``Annotated[str | Path, Said("a file")]``."""

    words: str


class _RefusedError(Exception):
    """A value is not of the type that is wanted at ``where``."""

    def __init__(self, where: str, value: object, wanted: Any) -> None:
        super().__init__(where)
        self.where, self.value, self.wanted = where, value, wanted


def checked(called: _Called) -> _Called:
    """Return a callable that takes what the signature of ``called`` says, and refuses the rest.

    UsageError for a value of another type, for a name that is no argument's, and for an argument
    too many or too few; the message says which, what was given and what is wanted. What the
    operating system refuses later is an InputError, as at the front desk.
    """
    signature = inspect.signature(called)

    @wraps(called)
    def call(*args: Any, **kwargs: Any) -> Any:
        taken = _types(called)
        _require_known(called, signature, taken, kwargs)
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise UsageError(f"{_name(called)}: {error}", _usage(called, signature)) from None
        for name, value in bound.arguments.items():
            if name in taken:
                kind = signature.parameters[name].kind
                bound.arguments[name] = _argument(called, kind, name, value, taken[name])
        try:
            with interruptible():
                return called(*bound.args, **bound.kwargs)
        except BrokenPipeError:  # of an observer that prints
            raise
        except ProblemsError as error:
            error.problems = tuple(as_passed(problem) for problem in error.problems)
            raise
        except OSError as error:
            raise refused(error) from error

    return cast("_Called", call)


def checked_methods(made: _Class) -> _Class:
    """Return a class whose own public methods are ``checked``."""
    for name, member in list(vars(made).items()):
        if inspect.isfunction(member) and not name.startswith("_"):
            setattr(made, name, checked(member))
    return made


def conform(called: str, name: str, value: object, wanted: Any) -> Any:
    """Return the value of one argument as its type has it; UsageError if it is of another."""
    try:
        return _taken(value, wanted, name)
    except _RefusedError as other:
        given, kind = _short(other.value), type(other.value).__name__
        raise UsageError(
            f"{called}: {other.where} is {given} ({kind}); {_words(other.wanted)} is wanted",
            _hint(other.value, other.wanted),
        ) from None


def _name(called: Callable[..., Any]) -> str:
    """Return what is called, as who calls it writes it."""
    name = called.__name__
    return called.__qualname__.partition(".")[0] if name == "__init__" else name


@cache
def _types(called: Callable[..., Any]) -> dict[str, Any]:
    """Return the type of each parameter; what a result is made of need not be loaded for it."""
    written = {k: v for k, v in called.__annotations__.items() if k != "return"}
    names = vars(inspect.getmodule(called))
    return get_type_hints(SimpleNamespace(__annotations__=written), names, include_extras=True)


def _options(wanted: Any) -> dict[str, Any] | None:
    """Return name and type of each keyword that ``**chosen: Unpack[…]`` takes; None of another."""
    if get_origin(wanted) is not Unpack:
        return None
    return get_type_hints(get_args(wanted)[0], include_extras=True)


def _argument(called: Callable[..., Any], kind: Any, name: str, value: Any, wanted: Any) -> object:
    """Return one parameter's value or, of a starred one, each of its values."""
    said = _name(called)
    if kind is inspect.Parameter.VAR_POSITIONAL:
        each = enumerate(value)
        return tuple(conform(said, f"{name}[{number}]", one, wanted) for number, one in each)
    options = _options(wanted)
    if options is None:
        return conform(said, name, value, wanted)
    return {key: conform(said, key, one, options[key]) for key, one in value.items()}


def _require_known(
    called: Callable[..., Any],
    signature: inspect.Signature,
    taken: Mapping[str, Any],
    given: Mapping[str, object],
) -> None:
    """Raise UsageError for a keyword that is none of the arguments."""
    known: dict[str, Any] = {}
    for name, parameter in signature.parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            known |= _options(taken[name]) or {}
        elif parameter.kind is not inspect.Parameter.VAR_POSITIONAL and name != "self":
            known[name] = None
    for name in given:
        if name not in known:
            raise UsageError(
                f"{_name(called)}: there is no argument {name!r}{suggestion(name, known)}",
                f"it takes: {', '.join(known)}" if known else "it takes none",
            )


def _usage(called: Callable[..., Any], signature: inspect.Signature) -> str:
    """Return how something is called."""
    shown = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for name, parameter in signature.parameters.items()
        if name != "self"
    ]
    return f"call it as {_name(called)}{inspect.Signature(shown)}"


def _taken(value: Any, wanted: Any, where: str) -> Any:
    """Return a value as a type has it, or raise `_RefusedError` with the place of what is wrong."""
    origin, inside = get_origin(wanted), get_args(wanted)
    if origin is Annotated:
        try:
            found = _taken(value, inside[0], where)
        except _RefusedError as other:
            if other.where != where:
                raise
            raise _RefusedError(where, value, wanted) from None
        if any(isinstance(bound, AtLeast) and found < bound.bound for bound in inside[1:]):
            raise _RefusedError(where, value, wanted)
        return found
    if origin in (Union, UnionType):
        return _any_of(value, wanted, where)
    if origin is Mapping:
        if not isinstance(value, Mapping):
            raise _RefusedError(where, value, wanted)
        return {
            _taken(key, inside[0], f"a key of {where}"): _taken(one, inside[1], f"{where}[{key!r}]")
            for key, one in value.items()
        }
    if origin in (Sequence, Iterable):
        if isinstance(value, str | bytes | Mapping | Set) or not isinstance(value, Iterable):
            raise _RefusedError(where, value, wanted)
        return tuple(_taken(one, inside[0], f"{where}[{n}]") for n, one in enumerate(value))
    if is_typeddict(wanted):
        raise TypeError(f"{wanted} is for keywords alone")
    return _plain(value, wanted, where)


def _any_of(value: object, wanted: Any, where: str) -> Any:
    """Return a value as the first type of several that takes it."""
    deepest: _RefusedError | None = None
    for one in get_args(wanted):
        try:
            return _taken(value, one, where)
        except _RefusedError as other:
            if other.where != where:
                deepest = other
    raise deepest or _RefusedError(where, value, wanted)


def _plain(value: Any, wanted: Any, where: str) -> Any:
    """Return a value as a class has it."""
    if wanted is Any or wanted is object:
        return value
    if wanted is int and isinstance(value, SupportsIndex) and not isinstance(value, bool):
        return operator.index(value)
    if wanted is float and isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if wanted is Path and isinstance(value, os.PathLike):
        return Path(value)
    if isinstance(value, str | Path) and "\0" in str(value):
        raise _RefusedError(where, value, wanted)
    fits = wanted not in (int, float) and isinstance(value, get_origin(wanted) or wanted)
    if not fits:
        raise _RefusedError(where, value, wanted)
    return value


def _words(wanted: Any) -> str:
    """Return what is wanted, in words."""
    origin, inside = get_origin(wanted), get_args(wanted)
    if said := [known.words for known in inside if isinstance(known, Said)]:
        return said[0]
    if origin is Annotated:
        bounds = [f"from {bound.bound} on" for bound in inside[1:] if isinstance(bound, AtLeast)]
        return " ".join([_words(inside[0]), *bounds])
    if origin in (Union, UnionType):
        *most, last = (_words(one) for one in inside)
        return f"{', '.join(most)} or {last}"
    if origin is Mapping:
        return f"a mapping of texts to {_many(inside[1])}"
    if origin in (Sequence, Iterable):
        return f"a list of {_many(inside[0])}"
    if wanted in _WORDS:
        return _WORDS[wanted]
    return f"{'an' if wanted.__name__[0] in 'AEIOU' else 'a'} {wanted.__name__}"


def _many(wanted: Any) -> str:
    """Return what each of several is to be, in words."""
    if get_origin(wanted) in (Union, UnionType):
        return " or ".join(_many(one) for one in get_args(wanted))
    if get_origin(wanted) in (Sequence, Iterable):
        return "lists"
    return _PLURAL.get(wanted, "values")


def _hint(value: object, wanted: Any) -> str | None:
    """Return what was most likely meant, if that can be told."""
    alternatives = (wanted, *get_args(wanted))
    if isinstance(value, str | Path) and "\0" in str(value):
        return "it holds a NUL character, which no name does"
    if any(get_origin(one) in (Sequence, Iterable) for one in alternatives):
        if isinstance(value, Set):
            return "a set has no order: sort it"
        if isinstance(value, str) or not isinstance(value, Iterable):
            return f"one alone is a list, too: [{_short(value)}]"
    if int in alternatives and isinstance(value, str) and value.strip().isdecimal():
        return f"without quotation marks: {value.strip()}"
    return None


def _short(value: object) -> str:
    """Return a value as it is written, cut where it is long."""
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
