"""Texts that stand in a column, each once: what is asked of a text is asked once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from repro.pipeline.panel import Ints


def factorize(texts: Sequence[str] | Iterable[str]) -> tuple[Ints, list[str]]:
    """Return the number of each text (n,), and the texts by number, in order of appearance."""
    given = list(texts)
    number = {text: code for code, text in enumerate(dict.fromkeys(given))}
    codes = np.fromiter(map(number.__getitem__, given), dtype=np.int64, count=len(given))
    return codes, list(number)
