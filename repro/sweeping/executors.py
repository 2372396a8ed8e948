"""The executors that installed distributions offer, by name."""

from __future__ import annotations

from importlib import import_module

from repro.config.spelling.names import suggestion
from repro.errors import DISTRIBUTION, InputError, UsageError, in_checkout
from repro.execution.executor import GROUP, Executor, Opener, Setup
from repro.facts.offers import Offer, offers


def names() -> list[str]:
    """Return the names of the executors that are offered here."""
    return sorted({offer.name for offer in offers(GROUP)})


def opened(name: str, setup: Setup) -> Executor:
    """Return the executor of a name, not started yet.

    Raises UsageError for a name that nobody offers or for what it cannot be asked, InputError if
    two distributions offer it or its code cannot be loaded.
    """
    found = [offer for offer in offers(GROUP) if offer.name == name]
    if not found:
        known = names()
        raise UsageError(
            f"no executor {name!r}{suggestion(name, known)}",
            f"executors here: {', '.join(known) or 'none'}",
        )
    if len(found) > 1:
        origins = ", ".join(f"{each.distribution} {each.version}" for each in found)
        raise InputError(
            f"executor {name!r} is offered by several: {origins}", "uninstall all but one"
        )
    return _opener(found[0])(setup)


def _opener(offer: Offer) -> Opener:
    """Return what an entry point names."""
    module, _, attribute = offer.value.partition(":")
    origin = f"{offer.distribution} {offer.version}"
    try:
        opener: Opener = getattr(import_module(module.strip()), attribute.strip())
    except ImportError as error:
        raise InputError(
            f"executor {offer.name!r} of {origin} cannot be loaded: {error}",
            f"install what it needs, {in_checkout(offer.name)}"
            if offer.distribution == DISTRIBUTION
            else f"install what it needs, as {offer.distribution} says",
        ) from error
    except AttributeError as error:
        raise InputError(f"executor {offer.name!r} of {origin} is not there: {error}") from error
    return opener
