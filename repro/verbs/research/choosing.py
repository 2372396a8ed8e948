"""What somebody asks of the configuration, as the layers that it means: every value an override."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

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
FEATURES: Final = "data.feature_registry.selected"


def selection(
    *,
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
    """Return what is asked for; ``sets`` are overrides, as ``key=value``."""
    from repro.config.resolution.resolve import Selection

    if symbol is not None and view is None:
        view = "symbol_specific"
    named = {"family": family, "seed": seed, "level": level, "view": view, "symbol": symbol}
    values = [
        f"{VALUES[name]}={json.dumps(value, ensure_ascii=False)}"
        for name, value in named.items()
        if value is not None
    ]
    return Selection(
        target=target,
        variant=variant,
        profile=profile,
        overlays=tuple(overlays or ()),
        sets=(*(sets or ()), *values),
        experiment=experiment,
    )


def is_set(sets: Iterable[str], name: str) -> bool:
    """Return whether overrides set what a name of ``VALUES`` means, by whatever end of its path."""
    return any(_means(text, VALUES[name]) for text in sets)


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
    return replace(selection, sets=(*others, override(FEATURES, list(names))))
