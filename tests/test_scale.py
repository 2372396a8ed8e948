"""The measurement behind docs/scale.md runs, and says what the document says that it does."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.slow


def test_the_curves_of_the_log_are_measured_at_the_sizes_that_are_asked_for(tmp_path):
    written = tmp_path / "curves.json"
    words = ["--only", "records", "--records", "40,20", "--rounds", "1", "--json", str(written)]
    done = subprocess.run(
        [sys.executable, "-P", ROOT / "benchmarks" / "scale.py", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "| the log | 20 records | 40 records | largest / smallest |" in done.stdout
    document = json.loads(written.read_text("utf-8"))
    (curves,) = document["curves"]
    assert document["machine"]["processors"] >= 1
    assert {cell["size"] for cell in curves["cells"]} == {20, 40}
    verified = [cell for cell in curves["cells"] if cell["what"] == "`repro audit verify`"]
    assert [cell["size"] for cell in verified] == [20, 40]
    assert all(cell["cpu"] > 0 and cell["wall"] > 0 for cell in verified)
