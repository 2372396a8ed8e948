"""Extremely randomised trees: thresholds are drawn at random, and the best of them splits."""

from __future__ import annotations

from .array_file import EXTENSION as EXTENSION
from .sklearn_forest import Forest

_FOREST = Forest("extra_trees", "ExtraTreesRegressor", "ExtraTreesClassifier")

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
