"""Names that exist, for a shell that completes them: read as they stand, without judging them.

Nothing here validates, and a document that cannot be read offers nothing. Quick: no schema
library is loaded, and only the documents that can hold the names are read.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from repro.config.documents.catalog import DOCUMENTS, MODELS, config_schema
from repro.config.documents.workspace import MARKER, find_root
from repro.config.resolution.assignments import ASIDE
from repro.config.resolution.layers import Path as Keys
from repro.config.resolution.layers import leaves
from repro.config.text.document import read
from repro.errors import ReproError
from repro.runs import layout

PLACES = ("defaults", "")
"""Where a document may lie below ``CONFIG``, lowest layer first."""


def targets(root: Path) -> list[str]:
    """Return the names of the targets."""
    return sorted(_section(root, "data.targets", "targets"))


def families() -> list[str]:
    """Return the families that installed trainers offer."""
    from repro.facts.trainers import declarations

    return sorted(declarations())


def variants(root: Path, family: str | None) -> list[str]:
    """Return the variants of a family's document."""
    return sorted(_section(root, f"{MODELS}.{family or family_of(root)}", "variants"))


def profiles(root: Path) -> list[str]:
    """Return the training profiles."""
    return sorted(_section(root, "training_config.optimizer_config", "training_profiles"))


def experiments(root: Path) -> list[str]:
    """Return the experiments."""
    return sorted(path.stem for path in (root / MARKER / "experiments").glob("*.yaml"))


def overlays(root: Path) -> list[str]:
    """Return the names of the overlays that lie beside the documents they are laid over."""
    names = {name.replace(".", "/") for name in DOCUMENTS}
    names |= {f"{MODELS}/{family}" for family in families()}
    found = []
    for path in sorted((root / MARKER).rglob("*.yaml")):
        name = path.relative_to(root / MARKER).with_suffix("").as_posix()
        is_over = any(name.startswith(f"{base}_") for base in names)
        if name not in names and is_over:
            found.append(path.stem)
    return found


def runs(root: Path) -> list[str]:
    """Return the names of the sealed runs, and that of the newest."""
    base = layout.runs(root)
    found = sorted(path.name for path in base.iterdir()) if base.is_dir() else []
    return ["@latest", *found] if found else []


def json_files(start: str) -> list[str]:
    """Return the JSON files, and the folders, whose path from here begins with ``start``."""
    folder = Path(start).parent if not start.endswith("/") else Path(start)
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return []
    files = [str(path) for path in found if path.suffix == ".json" and path.is_file()]
    return files + [f"{path}/" for path in found if path.is_dir() and start and path.name[0] != "."]


def kinds() -> list[str]:
    """Return the kinds of documents."""
    return [*DOCUMENTS.values(), *families()]


def allowed(kind: str, *path: str) -> list[str]:
    """Return the texts that the schema of a kind of document counts as values of a key."""
    schema: Any = config_schema(kind)
    for key in path:
        schema = schema["properties"][key]
    return list(schema["enum"])


def values(root: Path, family: str | None) -> dict[Keys, Any]:
    """Return the value of each key that can be set, by full path, as the documents have it.

    A hyperparameter that no document sets is there with None; other families' are not.
    """
    from repro.config.resolution.settings import canonical_path, is_atomic
    from repro.facts.trainers import declarations

    offered = declarations()
    chosen = family or family_of(root) or ""
    found: dict[Keys, Any] = {}
    if chosen in offered:
        names = offered[chosen].hyperparameters
        found |= {(MODELS, chosen, "hyperparameters", name): None for name in names}
    for name in [*DOCUMENTS, f"{MODELS}.{chosen}"]:
        for document in _documents(root, name):
            for path, value in leaves(document, tuple(name.split(".")), is_atomic):
                if not ASIDE & set(path):
                    found[canonical_path(path, offered)] = value
    return found


def keys(root: Path, family: str | None, start: str) -> dict[str, Keys]:
    """Return the keys that begin with ``start``, each as short as it can be, with its full path.

    A hyperparameter is offered under another of its names if that is how it begins.
    """
    from repro.facts.trainers import declarations

    known = values(root, family)
    inside = dict.fromkeys(path[:n] for path in known for n in range(_depth(path), len(path) + 1))
    counts = Counter(name for path in inside for name in _suffixes(path))
    found = {}
    for path in known:
        only = [name for name in _suffixes(path) if counts[name] == 1]
        name = next((n for n in only[: None if "." in start else 1] if n.startswith(start)), None)
        if name:
            found[name] = path
    offered = declarations().get(family or family_of(root) or "")
    if offered is not None and start:
        for alias, name in offered.aliases().items():
            path = (MODELS, offered.family, "hyperparameters", name)
            if alias.startswith(start) and path in known and path not in found.values():
                found[alias] = path
    return dict(sorted(found.items()))


def choices(root: Path, family: str | None, key: str) -> list[str]:
    """Return the values that can be given to a key, as YAML: all of them, or the one it has."""
    from repro.config.resolution.meaning import meaning
    from repro.facts.trainers import declarations

    path = keys(root, family, key).get(key)
    if path is None:
        return []
    if path[-1] == "family":
        return families()
    if path[-1] == "default_target":
        return targets(root)
    said = meaning(path, declarations())
    allowed = list(said.choices) if said else []
    value = values(root, family)[path]
    return [_yaml(one) for one in allowed or ([] if value is None else [value])]


def family_of(root: Path) -> str | None:
    """Return the family that the documents choose."""
    found = _section(root, "training_config.pipeline_config", "pipeline").get("family")
    return found if isinstance(found, str) else None


def pinned_fingerprint(root: Path) -> str | None:
    """Return the numeric fingerprint that the documents pin, if they pin any."""
    name = "training_config.reproducibility_config"
    found = _section(root, name, "reproducibility").get("numeric_fingerprint")
    return found if isinstance(found, str) else None


def root_of(start: Path) -> Path:
    """Return the workspace that ``start`` lies in."""
    return find_root(start.resolve())


def _depth(path: Keys) -> int:
    """Return how long the shortest path is that lies inside the document of this one."""
    return 2 if path[0] in DOCUMENTS else 3


def _suffixes(path: Keys) -> list[str]:
    """Return every suffix of a path, shortest first."""
    return [".".join(path[-n:]) for n in range(1, len(path) + 1)]


def _section(root: Path, document: str, section: str) -> dict[str, Any]:
    """Return a mapping at the top of a document, with what its defaults have."""
    found: dict[str, Any] = {}
    for value in _documents(root, document):
        part = value.get(section)
        found |= part if isinstance(part, Mapping) else {}
    return found


def _documents(root: Path, name: str) -> Iterator[Mapping[str, Any]]:
    """Yield a document as it stands, lowest layer first; nothing for one that cannot be read."""
    for place in PLACES:
        value = _read(root / MARKER / place / f"{name.replace('.', '/')}.yaml")
        if isinstance(value, Mapping):
            yield value


@cache
def _read(path: Path) -> Any:
    """Return what a file holds, or None."""
    try:
        return read(path, path.name).value if path.is_file() else None
    except ReproError:
        return None


def _yaml(value: Any) -> str:
    """Return a value as it is written after ``=``; text that needs no quotes has none."""
    from repro.config.text.document import parse
    from repro.errors import ProblemsError

    if isinstance(value, str):
        try:
            plain = parse(f"v: {value}", "v").value == {"v": value}
        except ProblemsError:
            plain = False
        if plain:
            return value
    return json.dumps(value, ensure_ascii=False)
