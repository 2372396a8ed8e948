"""A library gives the same bits whether its optional modules are kept out or all loaded first."""

import subprocess
import sys
from pathlib import Path

import pytest

from repro.facts.trainers import declarations

FITTED = Path(__file__).with_name("test_parts.py")
PROGRAM = """
import hashlib, importlib, runpy, sys
import numpy as np
from repro.execution.guards.imports import Declared, Shield
from repro.execution.guards.violation import Watch
from repro.facts.trainers import declarations
family, kept_out = sys.argv[1], sys.argv[2] == "kept out"
names = declarations()[family].shielded
if kept_out:
    others = (*declarations()[family].distributions, "threadpoolctl", "pytest", "PyYAML")
    declared = Declared(frozenset(), others, frozenset(names), ())
    Shield(declared, Watch(), lambda folders: None).raise_()
else:
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            pass
y = np.random.default_rng(5).normal(size=3000)
trainer, model = runpy.run_path(sys.argv[3])["fitted"](family, y)
out = trainer.predict(model, np.random.default_rng(6).normal(size=(500, 3)), 1)
digest = hashlib.sha256(trainer.canonical_model(model) + out.tobytes()).hexdigest()
print(len(set(names) & set(sys.modules)), digest)
"""


@pytest.mark.slow
@pytest.mark.parametrize("family", ["lightgbm", "xgboost"])
def test_keeping_optional_modules_out_changes_no_bit(family):
    def said(how):
        words = [sys.executable, "-c", PROGRAM, family, how, str(FITTED)]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        loaded, digest = done.stdout.split()
        return int(loaded), digest

    assert {"sklearn"} <= set(declarations()[family].shielded)
    (none, shielded), (some, plain) = said("kept out"), said("loaded")
    assert (none, some > 0) == (0, True)
    assert shielded == plain
