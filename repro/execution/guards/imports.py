"""No module but what a declaration names or reaches, and none at all after the plan."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.machinery import ModuleSpec
from typing import Any

from repro.execution.guards.declared import reached
from repro.execution.guards.violation import Watch, callers, lies_in, whereabouts

OURS = "repro"
_BUILD = ("_sysconfigdata_", "__editable__")
"""Modules of the installation itself: how Python was built, where packages under work lie."""


class UndeclaredImportError(ModuleNotFoundError):
    """A module that no declaration names: to whoever imports it, it is not installed."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What the declarations of a run's trainers say of modules."""

    modules: frozenset[str]
    """Top-level modules that they name."""
    distributions: tuple[str, ...]
    """Distributions whose modules, and whose requirements' modules, are declared too."""
    kept_out: frozenset[str]
    """Optional top-level modules that they want to look as if they were not installed."""
    packages: tuple[str, ...]
    """The packages of the trainers themselves."""


class Shield:
    """An import finder before all others.

    What is kept out, or not declared, looks to a library as if it were not installed: a library
    that probes for optional parts then does the same wherever it runs. A trainer's own module has
    no such excuse: if it imports what is installed and not declared, that is a violation.
    """

    def __init__(
        self, declared: Declared, watch: Watch, lets_read: Callable[[Iterable[str]], None]
    ) -> None:
        """Take what is declared; nothing is kept out before ``raise_``.

        ``lets_read`` is told the folders of what may be imported, wherever they lie.
        """
        self._declared = declared
        self._watch = watch
        self._lets_read = lets_read
        self._sealed = False
        self.refused: set[str] = set()
        """The top-level modules that somebody asked for and did not get."""

    def raise_(self) -> None:
        """Put the shield before all other finders."""
        sys.meta_path.insert(0, self)

    def seal(self) -> None:
        """Refuse, from here on, to load any module that is not the standard library's."""
        self._sealed = True

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: Any = None
    ) -> ModuleSpec | None:
        """Raise for what must not be imported, leave the rest to others.

        ModuleNotFoundError for what is kept out, UndeclaredImportError for what nobody declared,
        GuardError for a violation.
        """
        top, _, below = name.partition(".")
        if top in self._declared.kept_out:
            self.refused.add(top)
            raise ModuleNotFoundError(f"{name} is kept out of the worker", name=name)
        if top == OURS or top in sys.stdlib_module_names or top.startswith(_BUILD):
            return None
        if below and not self._sealed:
            return None
        if not below and top not in self._declared.modules and top not in self._reached:
            self._refuse(name)
        spec = self._found(name, path, target)
        if spec is not None and self._sealed:
            self._watch.refuse(f"import of {name} after the plan")
        if spec is not None and spec.origin is not None:
            self._lets_read(spec.submodule_search_locations or [spec.origin.rpartition(os.sep)[0]])
        return spec

    @cached_property
    def _reached(self) -> frozenset[str]:
        return reached(self._declared.distributions)

    def _refuse(self, name: str) -> None:
        """Raise for a top-level module that no declaration names."""
        self.refused.add(name)
        deed = f"import of {name}, which no declaration names,"
        importer = next(callers(sys._getframe(1)), None)
        if (
            importer is not None
            and lies_in(importer.module, self._declared.packages)
            and self._found(name, None, None) is not None
        ):
            self._watch.refuse(deed)
        raise UndeclaredImportError(f"{deed} {whereabouts()}", name=name)

    def _found(self, name: str, path: Sequence[str] | None, target: Any) -> ModuleSpec | None:
        """Return what the other finders know of a module."""
        behind = sys.meta_path[sys.meta_path.index(self) + 1 :] if self in sys.meta_path else ()
        for finder in behind:  # those before may ask this one again
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                return spec
        return None


def undeclared_in(error: BaseException | None) -> UndeclaredImportError | None:
    """Return the import that nobody declared among an error and what it came from, if any."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, UndeclaredImportError):
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None
