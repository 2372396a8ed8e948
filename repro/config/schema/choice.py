"""Which of several alternatives in a schema was meant, and so whose errors to show."""

from __future__ import annotations

from typing import Any, TypeAlias

Error: TypeAlias = Any
"""A ``jsonschema.ValidationError``."""

ROOT_RULES = ("type", "enum", "const")
"""Rules that say what kind of value is wanted, rather than what is wrong with one."""
_CHOICES = ("anyOf", "oneOf")


def best_branch(error: Error) -> list[Error]:
    """Return the errors of the alternative that fits best; empty if none is of the right kind.

    An alternative of another kind is not meant. Of the others, one whose naming keys
    (``kind: lag``) agree is meant; where none agrees, the naming keys are what is wrong.
    """
    branches: dict[int, list[Error]] = {}
    for inner in error.context:
        branches.setdefault(inner.relative_schema_path[0], []).append(inner)
    likely = [errors for errors in branches.values() if not any(map(_of_other_kind, errors))]
    if not likely:
        return []
    best = min(likely, key=lambda errors: (len(_naming(errors)), len(errors)))
    naming = [found for errors in likely for found in _naming(errors)]
    if _naming(best) and len({tuple(found.absolute_path) for found in naming}) == 1:
        return naming
    return best


def mismatches(error: Error) -> list[Error]:
    """Return the errors that say what kind of value each alternative wants."""
    found: list[Error] = []
    for inner in error.context:
        if inner.relative_path:
            continue
        if inner.validator in ROOT_RULES:
            found.append(inner)
        elif inner.validator in _CHOICES:
            found += mismatches(inner)
    return found


def _of_other_kind(error: Error) -> bool:
    if error.relative_path:
        return False
    if error.validator in _CHOICES and error.context:
        return not best_branch(error)
    return error.validator in ROOT_RULES


def _naming(errors: list[Error]) -> list[Error]:
    """Return the errors of keys directly in the value that must have certain values."""
    return [e for e in errors if len(e.relative_path) == 1 and e.validator in ("const", "enum")]
