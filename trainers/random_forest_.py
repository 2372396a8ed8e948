"""Random forest: trees on rows drawn with replacement, each split the best that there is."""

from __future__ import annotations

from .array_file import EXTENSION as EXTENSION
from .sklearn_forest import Forest

_FOREST = Forest("random_forest", "RandomForestRegressor", "RandomForestClassifier")

load_library = _FOREST.load_library
fit = _FOREST.fit
predict = _FOREST.predict
save = _FOREST.save
load = _FOREST.load
effective_parameters = _FOREST.effective_parameters
rounds = _FOREST.rounds
importance = _FOREST.importance
canonical_model = _FOREST.canonical_model
canonical_parts = _FOREST.canonical_parts
