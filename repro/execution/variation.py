"""What may be otherwise around a worker without its bits being otherwise, as data.

Some of it a level holds fixed, so that nobody's machine can make a difference: there a variation
shows what the level protects from. The rest is free in every run: bits that follow it are an alarm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from repro.execution.environment import PINS, PORTABLE, UMASK

OLDER = "glibc.cpu.hwcaps=-AVX512F,-AVX512BW,-AVX512CD,-AVX512DQ,-AVX512ER,-AVX512PF,-AVX512VL"
"""Tells the C library that there is no AVX-512."""


@dataclass(frozen=True, slots=True)
class Variation:
    """One thing that is otherwise."""

    name: str
    how: str
    """In words, for people."""
    held: bool
    """Whether the environment of a run holds it fixed, or the level promises nothing of it."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Variables of the environment that are set."""
    umask: int = UMASK
    """The mask of new files."""
    subdirectory: str = ""
    """Where below its directory the worker runs."""
    reversed_files: bool = False
    """Whether the data files are given in reverse."""
    cores: int | None = None
    """How many processors the worker may use, and Python counts; None for all that it would."""
    load: bool = False
    """Whether every processor is kept busy meanwhile."""
    promised_by: str = ""
    """The one level at which bits must not follow it, though ``held`` elsewhere."""

    def at(self, level: str) -> Variation:
        """Return the variation as it counts at a level."""
        return replace(self, held=False) if level == self.promised_by else self


NONE = Variation("none", "nothing otherwise", held=False)
VARIATIONS: Mapping[str, Variation] = {
    variation.name: variation
    for variation in (
        Variation("hash-seed", "PYTHONHASHSEED=1", held=True, variables={"PYTHONHASHSEED": "1"}),
        Variation(
            "directory",
            "another working directory, with a space and a letter beyond ASCII",
            held=False,
            subdirectory="another place/für Läufe",
        ),
        Variation("time-zone", "TZ=XYZ-13:45", held=True, variables={"TZ": "XYZ-13:45"}),
        Variation("locale", "LC_ALL=C", held=True, variables={"LC_ALL": "C"}),
        Variation("file-order", "the data files given in reverse", held=False, reversed_files=True),
        Variation("umask", "umask 077", held=True, umask=0o077),
        Variation("cores", "one processor, by affinity and os.cpu_count", held=False, cores=1),
        Variation(
            "cpu",
            "as on a Haswell, by what the libraries are told of the processor",
            held=True,
            variables={**dict(PINS), "GLIBC_TUNABLES": OLDER},
            promised_by=PORTABLE,
        ),
        Variation("load", "every processor kept busy by others", held=False, load=True),
    )
}
