"""What somebody asks of the configuration, as the layers that it means: every value an override."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

from repro.config.resolution.given import Given, asked_by
from repro.errors import UsageError

if TYPE_CHECKING:
    from repro.config.resolution.resolve import Selection

VALUES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "family": "pipeline.family",
        "seed": "reproducibility.base_seed",
        "level": "reproducibility.level",
        "view": "routing.view",
        "symbol": "routing.symbol",
    }
)
"""Names that stand for an override, with the key of the value that each one sets."""
ARGUMENT: Final = "argument "
"""What stands before the name of an argument in Python, where a file's name would stand."""
FEATURES: Final = "data.feature_registry.selected"


class Spelling(Protocol):
    """How somebody gives what has a name of its own: with a flag, or as an argument in Python."""

    def __call__(self, text: str, name: str, value: object) -> Given:
        """Return the override ``text`` with the words by which ``name`` was given."""
        ...


def as_flag(text: str, name: str, value: object) -> Given:
    """Return an override that was given as a flag."""
    return Given(text, f"--{name}", f"--{name} ", str(value))


def as_argument(text: str, name: str, value: object) -> Given:
    """Return an override that was given as an argument in Python."""
    return Given(text, f"{ARGUMENT}{name}", f"{name}=", repr(value))


def selection(
    *,
    spelled: Spelling,
    target: str | None = None,
    family: str | None = None,
    experiment: str | None = None,
    variant: str | None = None,
    profile: str | None = None,
    overlays: Iterable[str] | None = None,
    sets: Iterable[str] | None = None,
    seed: int | None = None,
    view: str | None = None,
    symbol: str | None = None,
    level: str | None = None,
) -> Selection:
    """Return what is asked for; ``sets`` are overrides, as ``key=value``.

    Raises UsageError for a value that YAML does not have.
    """
    from repro.config.resolution.resolve import Selection

    own = "symbol_specific" if symbol is not None and view is None else None
    named = {
        "family": family,
        "seed": seed,
        "level": level,
        "view": view if own is None else own,
        "symbol": symbol,
    }
    values = []
    for name, value in named.items():
        if value is not None:
            word = "symbol" if name == "view" and own is not None else name
            values.append(spelled(override(VALUES[name], value), word, named[word]))
    return Selection(
        target=None if target is None else spelled(target, "target", target),
        variant=variant,
        profile=profile,
        overlays=tuple(overlays or ()),
        sets=(*(sets or ()), *values),
        experiment=experiment,
    )


def is_set(sets: Iterable[str], name: str) -> bool:
    """Return whether overrides set what a name of ``VALUES`` means, by whatever end of its path."""
    return any(_means(text, VALUES[name]) for text in sets)


def not_so(key: str, value: str) -> str:
    """Return the hint that a list of the configuration is what ``value`` was to be given in."""
    return f"say {key}=[{value}]; in Python, set={{{key!r}: [{value!r}]}}"


def without(sets: Iterable[str], key: str) -> tuple[str, ...]:
    """Return the overrides that do not set the value at ``key``, by whatever end of its path."""
    return tuple(text for text in sets if not _means(text, key))


def _means(text: str, key: str) -> bool:
    """Return whether an override sets the value at a path, of which it may name the end alone."""
    named = text.partition("=")[0].strip()
    return key == named or key.endswith(f".{named}") or named.endswith(f".{key}")


def override(key: str, value: object) -> str:
    """Return an override as it is typed; raises UsageError for a value that YAML does not have."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=_of_numpy)
        return f"{key}={text}"
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"{key}: {value!r} is no value of a configuration: {error}",
            "give numbers, texts, truth values, None, lists and mappings of these",
        ) from error


def _of_numpy(value: object) -> object:
    """Return a number or an array of NumPy's as Python has it, without loading NumPy to ask."""
    if callable(found := getattr(value, "tolist", None)):
        return found()
    raise TypeError(f"it is of the type {type(value).__name__}")


def with_features(selection: Selection, names: Iterable[str]) -> Selection:
    """Return a selection that asks for these features, whatever it asked for before."""
    others = without(selection.sets, FEATURES)
    chosen = asked_by(f"experiment {selection.experiment}", FEATURES, list(names))
    return replace(selection, sets=(*others, chosen))
