"""Checks of what a trainer does with rows held out, and with rows that teach it nothing."""

from __future__ import annotations

from repro.conformance.subject import Finding, Findings, Subject
from repro.conformance.values import others

CASES = (
    *("a missing value", "a column of missing values", "an infinite value", "a huge value"),
    *("a constant column", "a constant target", "one row", "two rows", "one column"),
)
"""Tables of which a trainer may make a sound model, or say why it does not."""
HOPELESS = ("a missing target", "an infinite target", "no rows", "no columns")
"""Tables that can only be refused."""
SHORTEST = 12
"""Letters of a message that may be clear."""


def stopping(subject: Subject) -> Findings:
    """Stop early by rows that agree with the others, by rows that contradict them, and by none."""
    switch = subject.declaration.early_stopping
    if switch is None:
        yield Finding("", "the family does not stop early", note=True)
        return
    for task in subject.tasks:
        patience = next(
            filter(None, others(subject.declaration, {**subject.values, switch: 0}, switch, task)),
            None,
        )
        if patience is None:
            yield Finding(task, f"{switch} has no value that stops early")
            continue
        wish = subject.wish(task, {switch: patience})
        same, contrary, none = (
            subject.bench.ask("stopping", **wish, held=rows)
            for rows in ("same", "contrary", "none")
        )
        if none.how != "refused":
            said = none.said() if none.how != "done" else "it was trained all the same"
            yield Finding(task, f"to stop early without rows held out must be refused: {said}")
        if not (same.ok and contrary.ok):
            yield Finding(task, (contrary if same.ok else same).said())
            continue
        a, b = same.result["rounds"], contrary.result["rounds"]
        if not (isinstance(a, int) and isinstance(b, int) and b < a):
            said = f"it kept {b} rounds by rows that contradict the others, {a} by rows that agree"
            yield Finding(task, f"early stopping does not go by the rows held out: {said}")
        if same.result["moved"]:
            yield Finding(task, "the rows held out are not as they were")


def bad_rows(subject: Subject) -> Findings:
    """Fit to tables of which little or nothing can be learned."""
    for case in (*CASES, *HOPELESS):
        for task, result, fault in subject.each("hostile", case=case):
            if fault is None:
                if case in HOPELESS:
                    yield Finding(task, f"{case}: a model was made of it")
                elif not (result["finite"] and result["rows"]):
                    yield Finding(task, f"{case}: sound rows are not predicted by finite numbers")
                elif not result["loads"]:
                    yield Finding(task, f"{case}: the saved model predicts other bits")
            elif not fault.message.startswith("it was refused: "):
                yield Finding(task, f"{case}: {fault.message}")
            elif len(fault.message) < len("it was refused: ") + SHORTEST:
                yield Finding(task, f"{case}: the message does not say what is wrong")
