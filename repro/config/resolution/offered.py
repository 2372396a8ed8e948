"""What a workspace offers to be chosen beside its defaults, so that all of it can be checked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from repro.config.documents.catalog import MODELS, Trainer
from repro.config.documents.tree import Tree
from repro.config.resolution.experiments import FAMILY, SELECTS, Experiment, chosen
from repro.config.resolution.given import Given, asked_by
from repro.config.resolution.layers import Flat, Value
from repro.config.resolution.resolve import Selection, base_of
from repro.config.resolution.settings import split
from repro.config.text.document import Document
from repro.errors import ProblemsError

ENTRANCE = frozenset({"training_config.pipeline_config", "data.dataset", "data.targets"})
"""The documents without which nothing can be resolved: they say which family and which target."""
ASKING = "feature_selection.feature_selection.method"
"""What makes the families count that select features: a stage asks them, whatever the method."""
BEARING = ENTRANCE | {
    "training_config.optimizer_config",
    "training_config.reproducibility_config",
}
"""The documents that, beside its own, decide a family's hyperparameters and what is forced."""


def offered(
    tree: Tree, families: Mapping[str, Trainer], base: Flat | None
) -> Iterator[tuple[Tree, Flat | None, Selection]]:
    """Yield what the workspace offers beside its defaults: each family, variant and profile.

    Each comes with the tree and base that decide its hyperparameters, and no more: sixty of them
    would otherwise be read sixty times. ``base`` is None if some parameter has two names.

    Not each target: one whose horizon is longer than the purge is wrong only where it is used. An
    overlay is a document of its own, and is laid only where it is asked for.
    """
    optimizer = "training_config.optimizer_config"
    profiles = _inside(tree, optimizer, "training_profiles")
    for name in sorted({*tree.documents, *tree.defaults}):
        family = name.removeprefix(f"{MODELS}.")
        if family == name or family not in families:
            continue
        part = _alone(tree, name)
        below = laid_over(part, families) if base is None else base
        own = None if below is None else _chosen(below, family)
        yield part, own, Selection()
        for variant in sorted(_inside(tree, name, "variants")):
            yield part, own, Selection(variant=variant)
        meant = {family, *families[family].procedure()}
        for profile, values in sorted(profiles.items()):
            if isinstance(values, dict) and not meant.isdisjoint(values):
                yield part, own, Selection(profile=profile)


def experimented(tree: Tree, broken: Collection[str]) -> Iterator[Selection]:
    """Yield each experiment, with each of its targets and families.

    Of one that selects features first, each target as its stage will ask for it, too.
    """
    for name in sorted(tree.experiments):
        if _extends_one_of(broken, tree, name):
            continue
        try:
            experiment = chosen(tree.experiments, name)
        except ProblemsError:  # told when it is resolved
            experiment = Experiment(name)
        families = experiment.names("families")
        for target in experiment.names("targets") or (None,):
            for family in families or (None,):
                sets = () if family is None else (_family(name, family),)
                yield Selection(target=target, sets=sets, experiment=name)
            if SELECTS in experiment.stages:
                asked = tuple(_family(name, family) for family in families[:1])
                asking = asked_by(f"experiment {name}", ASKING, "importance")
                yield Selection(target=target, sets=(*asked, asking), experiment=name, staged=True)


def _family(experiment: str, family: str) -> Given:
    """Return the override that chooses one of an experiment's families."""
    return asked_by(f"experiment {experiment}", "pipeline.family", family)


def laid_over(tree: Tree, families: Mapping[str, Trainer]) -> Flat | None:
    """Return what all layers are laid over; None if there is none, as ``resolve`` will tell."""
    try:
        return base_of(tree, families)
    except ProblemsError:
        return None


def _alone(tree: Tree, model: str) -> Tree:
    """Return ``tree`` with one model document and what bears on it, and nothing laid over them."""

    def kept(table: Mapping[str, Document]) -> dict[str, Document]:
        return {
            name: document for name, document in table.items() if name == model or name in BEARING
        }

    documents, defaults = kept(tree.documents), kept(tree.defaults)
    return replace(tree, documents=documents, defaults=defaults, overlays={}, experiments={})


def _chosen(base: Flat, family: str) -> Flat:
    """Return the part of ``base`` that ``_alone`` leaves of its documents, this family chosen."""
    model = f"{MODELS}.{family}"
    part = {path: value for path, value in base.items() if split(path)[0] in {model, *BEARING}}
    part[FAMILY] = Value(FAMILY, (replace(base[FAMILY].setting, value=family),))
    return part


def _inside(tree: Tree, document: str, name: str) -> dict[str, object]:
    """Return the mapping called ``name`` in a document, over what lies beneath it."""
    found: dict[str, object] = {}
    for table in (tree.defaults, tree.documents):
        value = table[document].value if document in table else None
        inside = value[name] if isinstance(value, dict) and name in value else None
        found |= inside if isinstance(inside, dict) else {}
    return found


def _extends_one_of(broken: Collection[str], tree: Tree, name: str) -> bool:
    """Return whether an experiment, or one that lies beneath it, is among the ``broken``."""
    seen: list[str] = []
    while name in tree.experiments and name not in seen:
        if f"experiments.{name}" in broken:
            return True
        seen.append(name)
        section = tree.experiments[name].value
        inside = section["experiment"] if isinstance(section, dict) else {}
        parent = inside["extends"] if isinstance(inside, dict) and "extends" in inside else None
        name = str(parent)
    return f"experiments.{name}" in broken
