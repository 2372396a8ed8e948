"""Texts that stand in a column, each once: what is asked of a text is asked once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from repro.pipeline.panel import Ints


def factorize(texts: Sequence[str] | Iterable[str]) -> tuple[Ints, list[str]]:
    """Return the number of each text (n,), and the texts by number, in order of appearance."""
    number: dict[str, int] = {}
    codes = [number.setdefault(text, len(number)) for text in texts]
    return np.array(codes, dtype=np.int64), list(number)
