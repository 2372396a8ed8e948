"""No draw from a global random generator, and no generator without a seed, while a trainer works.

What draws through Python's names for it is named with its line. The states of both global
generators are compared besides, which also shows a draw by compiled code that holds a generator
itself, as scikit-learn does where it is given no seed. Not seen: C and C++ that ask the system, or
the processor, for entropy, and the bit generators that NumPy keeps in private modules.
"""

from __future__ import annotations

import os
import pickle
import random
import secrets
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

from repro.execution.guards.violation import Watch, callers, lies_in

_HARMLESS = frozenset({"copy", "multiprocessing.process", "tempfile"})
"""Standard modules that draw for names of files and for a password, or to fill a copy."""
_IDENTIFIERS = frozenset({"uuid"})
"""Joblib and scikit-learn name their work by random identifiers; a trainer's own code may not."""
_READERS = frozenset({"getstate", "get_state", "get_bit_generator"})
_MAKERS = ("RandomState", "SeedSequence", "MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
"""The classes of ``numpy.random`` that seed themselves where they are given no seed."""


class Generators:
    """The guard of random numbers; it looks only inside ``watched``."""

    def __init__(self, watch: Watch, trainers: Sequence[str]) -> None:
        """Put watchers before every name that leads to randomness.

        ``trainers`` are the packages of the trainers' own code. To be called once numpy is
        imported, and before a library has taken these names over.
        """
        self._watch = watch
        self._trainers = tuple(trainers)
        self._packages: tuple[str, ...] = ()
        """Those whose code is refused, while somebody is watched."""
        self._guard_numpy()
        self._guard_python()  # second: numpy has taken over its own source of entropy by now

    @contextmanager
    def watched(self, packages: Sequence[str] = ("",)) -> Iterator[None]:
        """Refuse, inside, every draw from a global generator and every generator without a seed.

        Only the code in ``packages`` is refused, by default all. Raises GuardError at the end if a
        global generator is not in the state that it was in.
        """
        before = _states()
        self._packages = tuple(packages)
        try:
            yield
        finally:
            self._packages = ()
        for name, state in _states().items():
            if state != before[name]:
                self._watch.refuse(f"a draw from {name}", "by compiled code of a library")

    def _guard_python(self) -> None:
        """Guard ``random``, ``secrets`` and ``os.urandom``."""
        owner = random.random.__self__  # type: ignore[attr-defined]
        for name in random.__all__:
            function = getattr(random, name)
            if getattr(function, "__self__", None) is owner and name not in _READERS:
                setattr(random, name, self._refused(function, f"a draw from random.{name}"))
        entropy: tuple[tuple[Any, str], ...] = (
            *((random.SystemRandom, name) for name in ("random", "getrandbits", "randbytes")),
            *((secrets, "randbits"), (os, "urandom")),
            *([(os, "getrandom")] if hasattr(os, "getrandom") else ()),
        )
        for place, name in entropy:
            of = f"random.{place.__name__}" if isinstance(place, type) else place.__name__
            deed = f"a draw from {of}.{name}"
            setattr(place, name, self._refused(getattr(place, name), deed))
        seeding = random.Random.seed

        @wraps(seeding)
        def seed(generator: random.Random, a: Any = None, version: int = 2) -> None:
            if a is None:
                self._look("a random.Random without a seed")
            seeding(generator, a, version)

        setattr(random.Random, seeding.__name__, seed)

    def _guard_numpy(self) -> None:
        """Guard ``numpy.random``: its functions, and its classes when they are given nothing."""
        import numpy.random as place

        owner: Any = place.mtrand._rand
        for name in place.__all__:
            function = getattr(place, name)
            bound = getattr(function, "__self__", None) is owner
            if (bound or name == "seed") and name not in _READERS:
                deed = f"a draw from numpy.random.{name}"
                setattr(place, name, self._refused(function, deed))
        made = place.default_rng

        @wraps(made)
        def default_rng(seed: Any = None) -> Any:
            if seed is None:
                self._look("a numpy.random.default_rng without a seed")
            return made(seed)

        setattr(place, made.__name__, default_rng)
        setattr(place._generator, made.__name__, default_rng)
        for name in _MAKERS:
            setattr(place, name, self._stand_in(getattr(place, name)))
        # The others' own modules keep the classes: pickle looks for them there.
        setattr(place.mtrand, "RandomState", place.RandomState)  # noqa: B010 - a class, to mypy

    def _stand_in(self, real: type) -> type:
        """Return what is taken for the class ``real``, and makes it only from a seed.

        The class itself cannot be asked: given a seed, it draws entropy first and drops it.
        """

        class StandIn(type):
            """The class of the stand-in: called, it looks, and makes an object of the real one."""

            def __call__(cls, *args: Any, **kwargs: Any) -> Any:
                if all(value is None for value in (*args, *kwargs.values())):
                    look(f"a numpy.random.{real.__name__} without a seed")
                return real(*args, **kwargs) if cls is found else super().__call__(*args, **kwargs)

            def __instancecheck__(cls, instance: Any) -> bool:
                base = super().__instancecheck__
                return isinstance(instance, real) if cls is found else base(instance)

            def __subclasscheck__(cls, other: type) -> bool:
                base = super().__subclasscheck__
                return issubclass(other, real) if cls is found else base(other)

        look = self._look
        names = {"__doc__": real.__doc__, "__module__": real.__module__}
        found: type = StandIn(real.__name__, (real,), names)
        return found

    def _refused(self, function: Callable[..., Any], deed: str) -> Callable[..., Any]:
        """Return the function as nobody may call it while a trainer works."""

        @wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            self._look(deed)
            return function(*args, **kwargs)

        return guarded

    def _look(self, deed: str) -> None:
        """Raise GuardError if a trainer is at work, unless it is harmless."""
        if not self._packages:
            return
        asking = _standard_module()
        caller = next(callers(sys._getframe(1)), None)
        module = "" if caller is None else caller.module
        harmless = asking in _HARMLESS or (
            asking in _IDENTIFIERS and not lies_in(module, self._trainers)
        )
        if not harmless and lies_in(module, self._packages):
            self._watch.refuse(deed)


def _standard_module() -> str:
    """Return the name of the module that asks for randomness."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_globals.get("__name__") in (__name__, "random"):
        frame = frame.f_back
    return str(frame.f_globals.get("__name__"))


def _states() -> dict[str, Any]:
    """Return the states of the global generators, comparable."""
    import numpy as np

    return {
        "Python's global generator": random.getstate(),
        "NumPy's global generator": pickle.dumps(np.random.get_state(legacy=False)),
    }
