"""Coverage-guided fuzzing of the parsers, by hand: it needs ``atheris``, which no test needs.

    python tests/fuzz/fuzz_formats.py NAME [-max_total_time=SECONDS] [CORPUS…]

NAME is one of note, vkey, checkpoint, policy, proof, consistency, bundle. The readers and seeds are
those of ``tests/audit_log/test_fuzz_formats.py``: any exception but the declared ones is a finding.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path

import atheris

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Fuzz the reader that the first argument names."""
    name = sys.argv.pop(1)
    with atheris.instrument_imports(include=["repro.audit_log.formats"]):
        sys.path.insert(0, str(ROOT))
        tests = importlib.import_module("tests.audit_log.test_fuzz_formats")
    corpus = Path(tempfile.mkdtemp(prefix="fuzz-"))
    (corpus / "seed").write_bytes(tests.SEEDS[name])
    atheris.Setup([*sys.argv, str(corpus)], tests.READERS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
