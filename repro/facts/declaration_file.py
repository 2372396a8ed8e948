"""The declaration beside a trainer's module: read, and in words what is wrong with one."""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

from repro.errors import DeclarationError
from repro.facts import conditions as conditional
from repro.facts.declaration import Declaration, Rule
from repro.facts.limits import levels, read_limits, read_threads
from repro.facts.offers import Offer
from repro.facts.trials import read_inert, read_probe, read_trial
from repro.facts.value_schemas import UnsoundError, require_sound

INTERFACE = 1
SEED_BITS_MOST = 53
"""Of a seed that JSON holds exactly, so that a run's seeds can be read back from its snapshot."""


def origin(point: Offer) -> str:
    """Return which distribution brings an entry point, with its version."""
    return f"{point.distribution} {point.version}" if point.distribution else "one without a name"


def named_in(file: Path | None) -> set[str]:
    """Return the family that a declaration names, if it can be read that far."""
    try:
        name = json.loads(file.read_bytes())["family"] if file is not None else None
    except (OSError, ValueError, LookupError, TypeError):
        return set()
    return {name} if isinstance(name, str) else set()


def read(point: Offer) -> Declaration:
    """Return the declaration beside the module that ``point`` names.

    Raises DeclarationError, saying where, if there is none that can be used.
    """
    package, _, stem = point.value.rpartition(".")
    by = origin(point)
    about = f"the declaration of trainer {point.name!r} of {by} cannot be used"
    mend = f"if it is yours, mend it; if not, report it to its authors, update or uninstall {by}"
    if not package:
        raise DeclarationError(
            f"trainer {point.name!r} of {by} is the module {stem!r}, which lies in no package: "
            "its declaration would lie in a folder that others share",
            "uninstall that distribution, or ask its author for an entry point PACKAGE.MODULE",
        )
    try:
        file = Path(str(import_module(package).__file__)).parent / f"{stem}.json"
    except Exception as error:  # whatever a stranger's __init__ does, other families go on
        said = f"its package {package} cannot be imported: {type(error).__name__}: {error}"
        raise DeclarationError(f"{about}: {said}", mend) from error
    text = ""
    try:
        text = file.read_bytes().decode()
        return _declared(json.loads(text), point, file)
    except OSError as error:
        said = f"{file}: {error.strerror or error}"
    except json.JSONDecodeError as error:
        said = f"{file}:{error.lineno}:{error.colno}: no JSON: {error.msg}"
    except UnsoundError as error:
        said = f"{file}{_where(text, *error.path)}: {error}"
    except KeyError as error:
        said = _missing(file, text, str(error.args[0]))
    except (ValueError, TypeError, AttributeError) as error:
        said = f"{file}: {error}"
    raise DeclarationError(f"{about}: {said}", mend, file)


def _missing(file: Path, text: str, key: str) -> str:
    """Return that a key is missing, with the one that stands there instead, if one does."""
    written = re.findall(r'"(\w+)"\s*:', text)
    near = get_close_matches(key, [name for name in written if name != key], n=1)
    where = _where(text, near[0]) if near else ""
    return f"{file}{where}: missing key {key}" + (f"; did you mean {near[0]}" if near else "")


def _where(text: str, *path: str) -> str:
    """Return line and column of a key, the last of ``path`` that is found, as ``:line:column``."""
    start: int | None = None
    for key in path:
        found = re.search(rf'"{re.escape(key)}"\s*:', text[start or 0 :])
        start = start if found is None else (start or 0) + found.start()
    if start is None:
        return ""
    before = text[:start]
    return f":{before.count(chr(10)) + 1}:{start - before.rfind(chr(10))}"


def _declared(data: Any, point: Offer, file: Path) -> Declaration:
    """Return what the JSON of a declaration says.

    Raises KeyError, ValueError, TypeError or AttributeError for one that is not as it must be.
    """
    if not isinstance(data, dict):
        raise ValueError("a declaration is a JSON object")
    if data["interface"] != INTERFACE:
        raise ValueError(
            f"it is written for interface {data['interface']}, this version speaks {INTERFACE}"
        )
    if not 1 <= data["seed_bits"] <= SEED_BITS_MOST:
        raise ValueError(f"seed_bits is 1 to {SEED_BITS_MOST}, not {data['seed_bits']}")
    for name, schema in data["hyperparameters"].items():
        require_sound(schema, ("hyperparameters", name))
    return Declaration(
        family=data["family"],
        title=data["title"],
        extra=data["extra"],
        module=point.value,
        distribution=point.distribution,
        version=point.version,
        distributions=tuple(data["distributions"]),
        modules=tuple(data["modules"]),
        shielded=tuple(data["shielded"]),
        tasks=tuple(data["tasks"]),
        early_stopping=data["early_stopping"],
        hyperparameters=data["hyperparameters"],
        seeds=tuple(data["seeds"]),
        seed_bits=data["seed_bits"],
        rulebook=tuple(
            Rule(
                *(r["parameter"], r["value"], levels(r["levels"]), r["reason"], r["evidence"]),
                read_probe(r.get("probe")),
            )
            for r in data["rulebook"]
        ),
        file=file,
        # Younger than the interface: one who says nothing of it has none.
        conditions=conditional.read(
            data.get("conditions", ()),
            data["hyperparameters"],
            data["tasks"],
        ),
        rowwise=data.get("rowwise", False) is True,
        inert_seeds=read_inert(data.get("inert_seeds", {}), data["seeds"]),
        trial=read_trial(data.get("trial", {}), data["hyperparameters"], data["seeds"]),
        threads=read_threads(data.get("threads")),
        limits=read_limits(data.get("limits", ()), data["hyperparameters"], data["tasks"]),
    )
