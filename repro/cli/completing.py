"""Shell completion: what is offered for options and arguments, and the shells' protocol.

It never fails and never says anything but what it offers: in a broken workspace it offers less.
Nothing of this is set up unless a shell asks (``_REPRO_COMPLETE``).
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import typer

ASKED = "_REPRO_COMPLETE"
BREAKS = "=:"
"""Characters at which bash breaks words, and that our arguments hold."""
Names = Callable[["typer.Context", str], Iterable[str]]
Offer = Callable[["typer.Context", str], list[str]]


def offer(names: Names) -> Offer | None:
    """Return what a parameter's ``autocompletion`` is: None unless a shell asks."""
    if ASKED not in os.environ:
        return None

    def offered(ctx, incomplete):  # type: ignore[no-untyped-def]
        return [name for name in names(ctx, incomplete) if name.startswith(incomplete)]

    return offered


def targets(ctx: typer.Context, _: str) -> Iterable[str]:
    """Offer targets."""
    from repro.verbs.workspace import offering

    return offering.targets(_root(ctx))


def checks(_: typer.Context, __: str) -> Iterable[str]:
    """Offer the checks of a trainer."""
    from repro.conformance.checks import CHECKS

    return CHECKS


def families(_: typer.Context, __: str) -> Iterable[str]:
    """Offer families."""
    from repro.verbs.workspace import offering

    return offering.families()


def variants(ctx: typer.Context, _: str) -> Iterable[str]:
    """Offer the variants of the family."""
    from repro.verbs.workspace import offering

    return offering.variants(_root(ctx), ctx.params.get("family"))


def profiles(ctx: typer.Context, _: str) -> Iterable[str]:
    """Offer training profiles."""
    from repro.verbs.workspace import offering

    return offering.profiles(_root(ctx))


def experiments(ctx: typer.Context, _: str) -> Iterable[str]:
    """Offer experiments."""
    from repro.verbs.workspace import offering

    return offering.experiments(_root(ctx))


def overlays(ctx: typer.Context, _: str) -> Iterable[str]:
    """Offer overlays."""
    from repro.verbs.workspace import offering

    return offering.overlays(_root(ctx))


def runs(ctx: typer.Context, _: str) -> Iterable[str]:
    """Offer sealed runs."""
    from repro.verbs.workspace import offering

    return offering.runs(_root(ctx))


def datasets(ctx: typer.Context, start: str) -> Iterable[str]:
    """Offer what a dataset can be named by: today, sealed runs, and files of fingerprints."""
    from repro.verbs.workspace import offering

    return ["today", *offering.runs(_root(ctx)), *offering.json_files(start)]


def kinds_of_documents(_: typer.Context, __: str) -> Iterable[str]:
    """Offer kinds of documents."""
    from repro.verbs.workspace import offering

    return offering.kinds()


def levels(_: typer.Context, __: str) -> Iterable[str]:
    """Offer levels of reproducibility."""
    from repro.verbs.workspace import offering

    return offering.allowed("reproducibility_config", "reproducibility", "level")


def variations(_: typer.Context, __: str) -> Iterable[str]:
    """Offer what a verification can be tried under."""
    from repro.execution.variation import VARIATIONS

    return VARIATIONS


def views(_: typer.Context, __: str) -> Iterable[str]:
    """Offer views."""
    from repro.verbs.workspace import offering

    return offering.allowed("routing_config", "routing", "view")


def lint_rules(_: typer.Context, __: str) -> Iterable[str]:
    """Offer the rules of the lint, by name and by code."""
    from repro.lint.rules import RULES

    return [*RULES, *(rule.code for rule in RULES.values())]


def configurations(ctx: typer.Context, start: str) -> Iterable[str]:
    """Offer what a configuration can be named by; with its kind, once that is typed."""
    from repro.verbs.workspace import offering

    root = _root(ctx)
    names: dict[str, Callable[[], list[str]]] = {
        "overlay": lambda: offering.overlays(root),
        "experiment": lambda: offering.experiments(root),
        "variant": lambda: offering.variants(root, ctx.params.get("family")),
        "profile": lambda: offering.profiles(root),
        "run": lambda: offering.runs(root),
    }
    kind, colon, _ = start.partition(":")
    if colon:
        return [f"{kind}:{name}" for name in names[kind]()] if kind in names else []
    return ["today", *(name for known in names.values() for name in known())]


def keys(ctx: typer.Context, start: str) -> Iterable[str]:
    """Offer keys of the configuration."""
    from repro.verbs.workspace import offering

    return offering.keys(_root(ctx), ctx.params.get("family"), start)


def assignments(ctx: typer.Context, start: str) -> Iterable[str]:
    """Offer ``key=``; with its values, once only one key is left."""
    from repro.verbs.workspace import offering

    root, family = _root(ctx), ctx.params.get("family")
    key, equals, _ = start.partition("=")
    found = [key] if equals else list(offering.keys(root, family, start))
    if len(found) > 1:
        return [f"{name}=" for name in found]
    given = [f"{name}={value}" for name in found for value in offering.choices(root, family, name)]
    return given or [f"{name}=" for name in found]


def axes(ctx: typer.Context, start: str) -> Iterable[str]:
    """Offer axes of a sweep: what chooses what is trained with its names, and keys."""
    chosen: dict[str, Names] = {
        "target": targets,
        "experiment": experiments,
        "variant": variants,
        "profile": profiles,
        "family": families,
        "level": levels,
        "view": views,
    }
    key, equals, _ = start.partition("=")
    if equals and key in chosen:
        before = start[: max(start.rfind("="), start.rfind(",")) + 1]
        taken = set(before.removeprefix(f"{key}=").split(","))
        return [f"{before}{name}" for name in chosen[key](ctx, "") if name not in taken]
    named = [f"{name}=" for name in (*chosen, "seed", "symbol")]
    return [*named, *assignments(ctx, start)]


def executors(_: typer.Context, __: str) -> Iterable[str]:
    """Offer what workers of a sweep may run on."""
    from repro.sweeping.executors import names

    return names()


def keys_or_assignments(ctx: typer.Context, start: str) -> Iterable[str]:
    """Offer what may be a key or an override."""
    return assignments(ctx, start) if "=" in start else keys(ctx, start)


def _root(ctx: typer.Context) -> Path:
    """Return the workspace that the command line means."""
    from repro.verbs.workspace.offering import root_of

    return root_of(Path(ctx.params.get("workspace") or Path()))


def complete() -> int:
    """Answer the shell that asks; whatever happens, it gets an answer it can use."""
    said = io.StringIO()
    try:
        words, cut = _words()
        with redirect_stdout(said), redirect_stderr(io.StringIO()):
            status = _run(words)
        for line in said.getvalue().splitlines():
            sys.stdout.write(line.removeprefix(cut) + "\n")
        sys.stdout.flush()
    except Exception:  # nobody who presses the tab key can be told of an error
        return 0
    return status


def _run(words: list[str]) -> int:
    """Run the command line for its completions; fish is told by the status alone."""
    from repro.cli.app import app_for

    try:
        app_for(words)(args=[], prog_name="repro", standalone_mode=False)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    return 0


def _words() -> tuple[list[str], str]:
    """Return the words before the one that is completed, and what the shell keeps of that one.

    bash breaks words at ``=`` and ``:``; they are put together again in its variables.
    """
    import shlex

    environ: Any = os.environ
    if not environ[ASKED].endswith("_bash"):
        return _split(environ.get("_TYPER_COMPLETE_ARGS", ""))[1:], ""
    text, number = environ["COMP_WORDS"], int(environ["COMP_CWORD"])
    words = text.split("\n") if "\n" in text else _split(text)
    words = [*words, *[""] * (number + 1 - len(words))][: number + 1]
    joined: list[str] = []
    glued = False
    kept = ""
    for word in words:
        is_break = bool(word) and not word.strip(BREAKS)
        if (is_break or glued) and len(joined) > 1:
            kept = joined[-1] + (word if is_break else "")
            joined[-1] += word
        else:
            kept = ""
            joined.append(word)
        glued = is_break
    environ["COMP_WORDS"] = shlex.join(word for word in joined if word)
    environ["COMP_CWORD"] = str(len([word for word in joined[:-1] if word]))
    return [word for word in joined[1:-1] if word], kept


def _split(text: str) -> list[str]:
    """Return the words of a command line that may end inside quotes."""
    import shlex

    for closing in ("", "'", '"'):
        try:
            return shlex.split(text + closing)
        except ValueError:
            continue
    return text.split()
