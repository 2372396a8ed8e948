"""Checks that what is asked for is what happens: hyperparameters, rules and seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repro.conformance.bench import HOME, Answer, Around
from repro.conformance.same_bits import FREE
from repro.conformance.subject import Finding, Findings, Subject
from repro.conformance.values import others
from repro.facts.limits import LEVELS
from repro.facts.trials import Probe
from repro.identity.payloads import differing_parameters

UNKNOWN = "no_such_hyperparameter"


def hyperparameters(subject: Subject) -> Findings:
    """Change each hyperparameter: the library must say so, and a model must be another one.

    A value that is refused, where the first one was taken, was looked at too.
    """
    for name in subject.declaration.hyperparameters:
        if name not in subject.values:
            yield Finding("", f"{name} has no value in the model document")
            continue
        said: list[Finding] = []
        for task in subject.tasks:
            said = list(_consumed(subject, name, task))
            if not said:
                break
        yield from said[:1]


def aliases(subject: Subject) -> Findings:
    """Look for names that mean two hyperparameters."""
    owners: dict[str, list[str]] = {}
    for name, schema in subject.declaration.hyperparameters.items():
        for alias in (name, *schema["aliases"]):
            owners.setdefault(alias, []).append(name)
    for alias, names in owners.items():
        if len(names) > 1:
            yield Finding("", f"{alias} is a name of {' and of '.join(names)}")
        elif subject.declaration.canonical_name(alias) != names[0]:
            yield Finding("", f"{alias} does not resolve to {names[0]}")


def unknown(subject: Subject) -> Findings:
    """Ask for a hyperparameter that does not exist."""
    task = subject.tasks[0]
    wish = subject.wish(task, {UNKNOWN: 1})
    answer = subject.bench.ask("fit", **wish)
    if answer.ok and answer.result["effective"].get(UNKNOWN) is not None:
        said = "effective_parameters names a hyperparameter that does not exist: it must be read "
        yield Finding(task, said + "back from the library, not repeated")
    elif answer.how not in ("done", "refused"):
        yield Finding(task, f"an unknown hyperparameter: {answer.said()}")


def rulebook(subject: Subject) -> Findings:
    """Fit under what each level forces, and read it back."""
    for level in LEVELS:
        forced = subject.declaration.forced(level)
        for task in subject.tasks if forced else ():
            wish = subject.wish(task, level=level)
            answer = subject.bench.ask("fit", **wish)
            if not answer.ok:
                yield Finding(task, f"under the rules of {level}: {answer.said()}")
                continue
            differing = differing_parameters(forced, answer.result["effective"])
            for name, (asked, found) in differing.items():
                said = f"{level} forces {name}: {asked!r}, but the library used {found!r}"
                yield Finding(task, said)


def seeds(subject: Subject) -> Findings:
    """Change each seed: it must be in force, and matter, unless it is declared not to."""
    inert = subject.declaration.inert_seeds
    for name in subject.declaration.seeds:
        moved, problem = False, ""
        for task in subject.tasks:
            beside = subject.declaration.trial.beside.get(name, {})
            wish = subject.wish(task, beside)
            first = _asked(subject, wish, name)
            second = _asked(
                subject, {**wish, "seeds": {**wish["seeds"], name: subject.seeds(1)[name]}}, name
            )
            if not (first.ok and second.ok):
                problem = (second if first.ok else first).said()
                break
            if first.result["effective"].get(name) != wish["seeds"][name]:
                found = first.result["effective"].get(name)
                problem = f"effective_parameters says {found!r} of it"
                break
            moved = moved or _moved(first, second)
        if problem:
            yield Finding(task, f"the seed {name}: {problem}")
        elif moved and name in inert:
            yield Finding("", f"the seed {name} is declared inert, but changes the model")
        elif not moved and name not in inert:
            said = f"the seed {name} changes nothing: name in trial.with what lets it count, "
            yield Finding("", said + "or declare it in inert_seeds with the reason")


def probes(subject: Subject) -> Findings:
    """Try what each rule of the rulebook protects from, where it says how; told, not counted."""
    for rule in subject.declaration.rulebook:
        probe = rule.probe
        if probe is None:
            continue
        task = subject.tasks[0]
        without = _seen(subject, probe, {**probe.also, rule.parameter: probe.value})
        kept = _seen(subject, probe, {})
        at = " and ".join(map(str, probe.threads))
        fits = probe.repeats * len(probe.threads)
        said = f"{rule.parameter}: among {fits} fits with {at} threads on a busy machine, "
        said += f"{without} without the rule and {kept} with it"
        yield Finding(task, said, note=True)


def _seen(subject: Subject, probe: Probe, changed: Mapping[str, Any]) -> str:
    """Return in words how many different models the fits of a probe make."""
    wish = subject.wish(subject.tasks[0])
    wish = {**wish, "values": {**wish["values"], **changed}, "rows": probe.rows}
    seen: set[str] = set()
    for threads in probe.threads:
        around = Around("load", threads=threads)
        answer = subject.bench.ask("fit", around, **wish, repeats=probe.repeats)
        if not answer.ok:
            return f"none ({answer.said()})"
        seen |= {"".join(bits[part] for part in FREE) for bits in answer.result["bits"]}
    return _models(len(seen))


def _models(count: int) -> str:
    """Return a number of different models in words."""
    return "one model" if count == 1 else f"{count} different models"


def _consumed(subject: Subject, name: str, task: str) -> Findings:
    """Yield what keeps a hyperparameter from counting for a task."""
    declaration = subject.declaration
    beside = declaration.trial.beside.get(name, {})
    first_values = {**subject.values, **beside}
    if name in declaration.idle(first_values, task):
        said = f"{name} has no effect beside the values that were tried"
        yield Finding(task, f"{said}: name in trial.with what lets it count")
        return
    first = _asked(subject, subject.wish(task, beside), name)
    if not first.ok:
        yield Finding(task, f"{name}: {first.said()}")
        return
    tried = []
    for value in others(declaration, first_values, name, task):
        wish = subject.wish(task, {**beside, name: value})
        if wish["values"][name] != value:
            break  # a rule forces it
        changed = _asked(subject, wish, name)
        if changed.how == "refused":
            return
        if not changed.ok:
            yield Finding(task, f"{name}: {value!r}: {changed.said()}")
            return
        if differing_parameters({name: value}, changed.result["effective"]):
            found = changed.result["effective"].get(name)
            yield Finding(task, f"{name} was set to {value!r}, but the library used {found!r}")
            return
        a, b = first.result["bits"], changed.result["bits"]
        if a["model"] != b["model"] and a["parts"] == b["parts"]:
            yield Finding(task, f"{name}: another canonical_model has the same canonical_parts")
            return
        if _moved(first, changed):
            return
        tried.append(repr(value))
    if tried:
        said = f"{name} changes nothing ({', '.join(tried[:4])} instead of {first_values[name]!r})"
        said += ": is it used? If so, name a value in trial.others that matters to a small table"
    else:
        said = f"{name} has only the value {first_values[name]!r} beside the values that were tried"
        said += ": name in trial.with what allows another"
    yield Finding(task, said)


def _asked(subject: Subject, wish: Mapping[str, Any], name: str) -> Answer:
    """Return what a fit comes to, on missing values if it takes them, stopping early if it may."""
    task, switch = wish["task"], subject.declaration.early_stopping
    holes = subject.takes_holes(task)
    beside = subject.declaration.trial.beside.get(name, {})
    if switch is not None and (name == switch or beside.get(switch) or wish["values"].get(switch)):
        held = "contrary" if name == switch else "same"
        return subject.bench.ask("stopping", HOME, **wish, held=held, holes=holes)
    answer = subject.bench.ask("fit", **wish, holes=holes)
    if not answer.ok:
        return answer
    first = answer.result["bits"][0]
    return Answer("done", {"bits": first, "effective": answer.result["effective"]})


def _moved(a: Answer, b: Answer) -> bool:
    """Return whether predictions are other ones; a canonical model may name its parameters."""
    return bool(a.result["bits"]["predictions"] != b.result["bits"]["predictions"])
