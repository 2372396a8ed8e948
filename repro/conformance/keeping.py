"""Checks that a trainer is what the contract asks for: its members, results and files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repro.conformance.subject import ROWS, Finding, Findings, Subject

CODE = ("pickle", "array", "archive")
"""Files with code in them: a pickle, an array of objects, an archive of such arrays."""
DAMAGED = ("cut", "empty")
FLOATS = "float64"


def entrance(subject: Subject) -> Findings:
    """Import the module, then load its library."""
    found = subject.bench.entrance()
    if found["missing"]:
        yield Finding("", f"the module has no {', '.join(found['missing'])}")
    if found["eager"]:
        said = f"importing the module imports {', '.join(found['eager'])}: do so in load_library"
        yield Finding("", said)
    if found["unloaded"]:
        said = f"load_library leaves {', '.join(found['unloaded'])} unloaded, which are declared"
        yield Finding("", said)
    extension = found["extension"]
    if not (isinstance(extension, str) and extension.startswith(".") and len(extension) > 1):
        yield Finding("", f"EXTENSION is {extension!r}, not the ending of a file")


def outputs(subject: Subject) -> Findings:
    """Look at predictions, importance, rounds, progress, and what is read back."""
    for task, result, fault in subject.each("outputs"):
        if fault:
            yield fault
            continue
        yield from (Finding(task, said) for said in _predictions(task, result["predictions"]))
        yield from (Finding(task, said) for said in _importance(result))
        if result["late"]:
            late = ", ".join(result["late"][:5])
            yield Finding(task, f"modules are loaded only when it trains: {late}")
        rounds = result["rounds"]
        if rounds is not None and not (isinstance(rounds, int) and rounds > 0):
            yield Finding(task, f"rounds is {rounds}: a number above 0, or None without rounds")
        told = result["told"]
        if not (told and result["counts"] and told[-1][0] == told[-1][1]):
            yield Finding(task, f"progress does not count up to the rounds in all: {told}")
        if not result["json"]:
            yield Finding(task, "effective_parameters holds what JSON cannot say")
        if result["canonical"] != "bytes":
            yield Finding(task, f"canonical_model is of type {result['canonical']}, not bytes")
        if not result["parts"]:
            yield Finding(task, "canonical_parts is no list of names, each once, with bytes")


def inputs(subject: Subject) -> Findings:
    """Look at the arrays that were handed in, and at the interpreter's own generators."""
    for task, result, fault in subject.each("outputs"):
        if fault:
            yield fault
            continue
        for name in result["moved"]:
            yield Finding(task, f"the array {name} that it was given is not as it was")
        if result["drew"]:
            said = "it drew from a generator of the interpreter's own (random or numpy.random)"
            yield Finding(task, said)


def saved(subject: Subject) -> Findings:
    """Save a model, load it, and compare; look into the file."""
    for task, result, fault in subject.each("files"):
        if fault:
            yield fault
            continue
        if not result["size"]:
            yield Finding(task, "the file is empty")
        for what, same in result["same"].items():
            if not same:
                yield Finding(task, f"what was loaded has another {what} than what was saved")
        for place in result["places"]:
            yield Finding(task, f"the file says where it was written: {place}")


def no_code(subject: Subject) -> Findings:
    """Look for code in the file, and hand files with code, or half a file, to ``load``."""
    task = subject.tasks[0]
    for each, result, fault in subject.each("files"):
        if fault:
            continue  # told by ``saved``
        for where in result["pickles"]:
            yield Finding(each, f"{where} is a pickle: to load it is to run it")
        if result["events"]:
            yield Finding(each, f"loading runs what the file says: {', '.join(result['events'])}")
    for what in (*CODE, *DAMAGED):
        answer = subject.bench.ask("foreign file", what=what, **subject.wish(task))
        if not answer.ok:
            yield Finding(task, f"loading a file that is {_named(what)}: {answer.said()}")
        elif answer.result["ran"]:
            yield Finding(task, f"load ran code out of a file that is {_named(what)}")
        elif not answer.result["error"]:
            yield Finding(task, f"load took a file that is {_named(what)} for a model")
        elif answer.result["error"] != "TrainerError":
            said = f"loading a file that is {_named(what)} raises {answer.result['error']}"
            yield Finding(task, f"{said}, not TrainerError: {answer.result['problem']}")


def _named(what: str) -> str:
    """Return a kind of file in words."""
    words = {
        "pickle": "a pickle",
        "array": "an array of objects",
        "archive": "an archive of such arrays",
        "cut": "half a model",
        "empty": "empty",
    }
    return words[what]


def _predictions(task: str, found: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with predictions."""
    said = []
    shape = found["shape"]
    one = shape == [ROWS]
    each = isinstance(shape, list) and len(shape) == 2 and shape[0] == ROWS and shape[1] > 2
    if not (each if task == "multiclass" else one):
        wanted = "(rows, classes)" if task == "multiclass" else "(rows,)"
        return [f"predictions are of the shape {shape}, not {wanted} of {ROWS} rows"]
    if found["dtype"] != FLOATS:
        said.append(f"predictions are {found['dtype']}, not {FLOATS}")
    if not found["contiguous"]:
        said.append("predictions are not C-contiguous")
    if not found["finite"]:
        said.append("predictions are not finite")
    elif task != "regression" and not 0.0 <= found["least"] <= found["most"] <= 1.0:
        said.append(f"probabilities go from {found['least']:g} to {found['most']:g}")
    if not found["sums"]:
        said.append("the probabilities of the classes do not add up to 1")
    return said


def _importance(result: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with importance."""
    found, columns = result["importance"], result["columns"]
    if found["shape"] != [columns]:
        return [f"importance is of the shape {found['shape']}, not ({columns},)"]
    if found["dtype"] != FLOATS or not found["finite"] or found["least"] < 0.0:
        return [f"importance must be finite {FLOATS} numbers, none below zero"]
    if not result["signal"] > result["noise"]:
        return ["importance ranks a column that means nothing above the one that means most"]
    return []
