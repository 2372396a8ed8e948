"""Problems as they come, and as an enemy would make them."""

from __future__ import annotations

from repro.errors import Place, Problem

PLAIN = Problem(
    Place("CONFIG/model_config/lightgbm.yaml", 7, 18, 21),
    "hyperparameters.learning_rate",
    "3.0 is above the maximum, 1",
    "maximum",
    "set it to 1 or less",
    "  learning_rate: 3.0",
)
WARNING = Problem(
    Place("CONFIG/models/x.yaml", 1, 1, 1), "", "an old place", "legacy", severity="warning"
)
ARGUMENT = Problem(Place("--set 2", 1, 5, 9), "a.b", "-1 is below the minimum, 0", "minimum")
HOSTILE = Problem(
    Place("CONFIG/a b,c:d%é#?\udcff\n.yaml", 2, 3, 3),
    "x[0](y)",
    'say {0} ]]> <b> & "q"\r\n::error::owned\x00\x1b[31m\ufffe\U0001f600',
    "rule:one,two",
    None,
    "k: {0} ]]>\x08",
)
EVERY = (PLAIN, WARNING, ARGUMENT, HOSTILE)
