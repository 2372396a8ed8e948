"""Layers that go by a name: variants of a model document, and training profiles."""

from __future__ import annotations

from repro.config.documents.catalog import MODELS, Trainer
from repro.config.resolution.layers import Flat, Layer, Path, Setting, below, dotted
from repro.config.resolution.settings import PROFILES
from repro.config.spelling.names import suggestion
from repro.errors import Problem, ProblemsError, UsageError

DEFAULT_PROFILE = "default"
"""The profile that is always in force."""


def named_layers(
    declared: Flat, trainer: Trainer, variant: str | None, profile: str | None
) -> list[Layer]:
    """Return the layers of a variant and a profile."""
    made = [] if variant is None else [variant_layer(declared, trainer.family, variant)]
    if profile is not None and profile != DEFAULT_PROFILE:
        made += profile_layers(declared, trainer, profile)
    return made


def variant_layer(declared: Flat, family: str, name: str) -> Layer:
    """Return the layer of a variant of the model document."""
    variants = below(declared, (MODELS, family, "variants"))
    known = sorted({path[0] for path in variants})
    if name not in known:
        raise UsageError(
            f"no such variant of {family}: {name!r}{suggestion(name, known)}",
            f"variants in CONFIG/{MODELS}/{family}.yaml: {', '.join(known) or 'none'}",
        )
    layer = f"variant {name}"
    return layer, {
        (MODELS, family, "hyperparameters", *path[1:]): v.setting.as_of(layer)
        for path, v in variants.items()
        if path[0] == name and len(path) > 1
    }


def profile_layers(declared: Flat, trainer: Trainer, name: str) -> list[Layer]:
    """Return the layer of a training profile for this family, or none if it sets nothing for it.

    What a profile says for every family gives way to what it says for this one. Raises
    ProblemsError for two names of one parameter.
    """
    profiles = below(declared, PROFILES)
    known = sorted({path[0] for path in profiles})
    if name not in known:
        raise UsageError(
            f"no such profile: {name!r}{suggestion(name, known)}",
            f"profiles in CONFIG/training_config/optimizer_config.yaml: {', '.join(known)}",
        )
    layer, procedure, family = f"profile {name}", trainer.procedure(), trainer.family
    general: dict[Path, Setting] = {}
    for path, v in profiles.items():
        if path[0] != name or len(path) != 2 or path[1] not in procedure:
            continue
        leaf = (MODELS, family, "hyperparameters", procedure[path[1]])
        if leaf in general:
            message = (
                f"{family} knows this and line {general[leaf].key.line} by one name, {leaf[-1]}"
            )
            place = v.setting.key
            where = dotted(("training_profiles", *path))
            hint = f"say it for {family} alone, under its name, or keep one of the two"
            raise ProblemsError([Problem(place, where, message, "alias", hint)])
        general[leaf] = v.setting.as_of(layer)
    own: dict[Path, Setting] = {
        (MODELS, family, "hyperparameters", path[2]): v.setting.as_of(layer)
        for path, v in profiles.items()
        if path[:2] == (name, family) and len(path) > 2
    }
    return [(layer, general | own)] if general or own else []
