"""A document against its JSON Schema (draft 2020-12): every problem, each at its place."""

from __future__ import annotations

from collections.abc import Mapping

from repro.config.schema.gate import surely_fits
from repro.config.schema.problem_text import render
from repro.config.text.document import Document
from repro.errors import Problem

__all__ = ["problems", "render"]


def problems(
    document: Document,
    schema: Mapping[str, object],
    *,
    resources: Mapping[str, Mapping[str, object]] | None = None,
) -> tuple[Problem, ...]:
    """Return all that ``schema`` finds wrong with ``document``, in order of place.

    ``resources`` are the schemas that ``schema`` refers to, by their ``$id``; nothing is fetched.
    What explains a problem is loaded only where there may be one.
    """
    if not resources and surely_fits(document.value, schema):
        return ()
    from repro.config.schema.explained import explained

    return explained(document, schema, resources or {})
