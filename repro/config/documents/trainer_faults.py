"""A trainer whose declaration holds a schema that is none: said of the trainer, not of the user.

Declarations are believed until one of their schemas fails in use, because to check them all costs
more than to read a workspace.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from repro.config.documents.catalog import NOT_SCHEMA, declaration_schema
from repro.errors import InputError, Problem, ProblemsError, ReproError

_SAMPLES: tuple[Any, ...] = (None, True, 1, 1.5, "a", [1], {"a": 1})


class Declared(Protocol):
    """What is needed of a declaration to name who wrote it."""

    @property
    def family(self) -> str:
        """The family."""

    @property
    def distribution(self) -> str:
        """The distribution that offers it."""

    @property
    def version(self) -> str:
        """Its version."""

    @property
    def hyperparameters(self) -> Mapping[str, Mapping[str, Any]]:
        """Canonical name to JSON Schema."""

    @property
    def file(self) -> Path:
        """The declaration."""


def unusable(families: Mapping[str, Any]) -> Mapping[str, ReproError]:
    """Return the families that are offered and cannot be used, each with the reason."""
    return getattr(families, "unusable", {})


def explained(file: Path | None) -> tuple[Problem, ...]:
    """Return all that is wrong with a declaration, each with its place; empty if it fits."""
    from repro.config.schema.validator import problems
    from repro.config.text.document import read

    if file is None:
        return ()
    try:
        return tuple(problems(read(file, str(file)), declaration_schema()))
    except (InputError, ProblemsError):  # who read it as JSON says more exactly where that ends
        return ()


@contextmanager
def blamed(families: Mapping[str, Declared]) -> Iterator[None]:
    """Raise InputError for what goes wrong inside because of a trainer's schema.

    What no trainer is to blame for goes on as it was raised.
    """
    try:
        yield
    except _raised() as error:
        if fault := behind(error, families):
            raise fault from error
        raise


def behind(error: Exception, families: Mapping[str, Declared]) -> InputError | None:
    """Return what a trainer's schema is to blame for where ``error`` was raised, or None."""
    if not isinstance(error, _raised()):
        return None
    return next(filter(None, map(_fault, families.values())), None)


def _raised() -> tuple[type[Exception], ...]:
    """Return what a validator raises over a schema that is none."""
    from jsonschema.exceptions import SchemaError, UndefinedTypeCheck, UnknownType
    from referencing.exceptions import Unresolvable

    own = (AttributeError, KeyError, RecursionError, TypeError, ValueError, re.error)
    return (*own, SchemaError, UndefinedTypeCheck, UnknownType, Unresolvable)


def _fault(declaration: Declared) -> InputError | None:
    """Return what is wrong with the first hyperparameter of which something is."""
    from repro.config.text.document import dotted

    for name, schema in declaration.hyperparameters.items():
        found = _wrong(schema)
        if found is None:
            continue
        path, message = found
        where = _place(declaration.file, ("hyperparameters", name, *path))
        origin = f"{declaration.distribution} {declaration.version}".strip()
        return InputError(
            f"the trainer {declaration.family!r} of {origin or 'an unknown distribution'} declares "
            f"a schema that is none: {where}: "
            f"{dotted(('hyperparameters', name, *path))}: {message}",
            "nothing in this workspace is at fault: report it to its authors, update or uninstall "
            f"{origin or 'it'}",
        )
    return None


def _wrong(schema: Any) -> tuple[tuple[str | int, ...], str] | None:
    """Return where in a schema the fault is, and what it is; None if it is a schema."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    if not isinstance(schema, Mapping):
        return (), f"found {schema!r}, expected a mapping"
    aliases = schema.get("aliases")
    if not isinstance(aliases, list) or not all(isinstance(alias, str) for alias in aliases):
        return ("aliases",), "missing, or no list of names"
    bare = {key: value for key, value in schema.items() if key not in NOT_SCHEMA}
    try:
        Draft202012Validator.check_schema(bare)
    except SchemaError as error:
        return tuple(error.absolute_path), error.message
    validator = Draft202012Validator(bare)
    for value in _SAMPLES:
        try:
            list(validator.iter_errors(value))
        except _raised() as error:
            return (), f"it cannot be used: {type(error).__name__}: {error}"
    return None


def _place(file: Path, path: tuple[str | int, ...]) -> str:
    """Return file, line and column of a value in a declaration; JSON is YAML."""
    from repro.config.text.document import read  # lint, which guards with this, needs no YAML

    try:
        place = read(file, str(file)).place(path)
    except (InputError, ProblemsError):
        return str(file)
    return f"{file}:{place.line}:{place.column}"
