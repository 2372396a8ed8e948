"""How far two floats are from each other, in words. Pure."""

from __future__ import annotations

NEAR = 1 << 20
"""Units in the last place up to which two floats are near: they share some ten digits. Beyond, the
count says nothing to people: across zero it is as large as the exponents of both are far apart."""


def in_ulps(count: int) -> str:
    """Return a distance in units in the last place, as people can read it; JSON has the count."""
    return f"{count} ULPs" if count <= NEAR else "> 2^20 ULPs: not near"
