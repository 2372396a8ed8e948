"""Checks of the declaration, as data: against its schema, and its model document against it."""

from __future__ import annotations

from repro.config.documents.catalog import declaration_schema, model_schema
from repro.config.schema.validator import problems
from repro.config.text.document import parse
from repro.conformance.subject import Finding, Findings, Subject
from repro.conformance.values import document, given
from repro.errors import InputError, Problem, ProblemsError

GLOBAL = {"python", "numpy"}
"""Names of seeds that the worker has for the interpreter's own generators."""


def declaration(subject: Subject) -> Findings:
    """Hold the declaration against its schema, and rules and seeds against each other."""
    trainer = subject.declaration
    try:
        written = parse(trainer.file.read_bytes(), trainer.file.name)
    except ProblemsError as error:
        yield from map(_finding, error.problems)
        return
    yield from map(_finding, problems(written, declaration_schema()))
    forced = {rule.parameter for rule in trainer.rulebook}
    for name in sorted(forced & set(trainer.aliases())):
        yield Finding("", f"{name} is forced by a rule and a name of a hyperparameter too")
    for name in sorted(set(trainer.seeds) & (GLOBAL | forced | set(trainer.aliases()))):
        yield Finding("", f"{name} cannot be the name of a seed: it means something else")
    switch = trainer.early_stopping
    if switch is not None and switch not in trainer.hyperparameters:
        yield Finding("", f"early_stopping names {switch}, which is no hyperparameter")


def model_document(subject: Subject) -> Findings:
    """Hold the model document against the declaration."""
    try:
        written = document(subject.declaration)
    except InputError as error:
        yield Finding("", error.problem)
        return
    except ProblemsError as error:
        yield from map(_finding, error.problems)
        return
    yield from map(_finding, problems(written, model_schema(subject.declaration)))
    for name in subject.declaration.hyperparameters:
        if name not in given(subject.declaration):
            yield Finding("", f"{written.file}: {name} has no value")
    values = dict(subject.values)
    for task in subject.tasks:
        for name, condition in subject.declaration.contradictions(values, task):
            yield Finding(task, f"{name}: {values[name]!r} is not possible: {condition.reason}")


def _finding(problem: Problem) -> Finding:
    """Return a problem as a finding."""
    place = problem.place
    return Finding("", f"{place.file}:{place.line}:{place.column}: {problem.message}")
