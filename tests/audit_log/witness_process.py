"""A witness for the tests, until a signal ends it; its URL is the first line of output.

python witness_process.py DIRECTORY
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from repro.audit_log.witness.server import serve

if __name__ == "__main__":
    serve(Path(sys.argv[1]), ready=lambda url: (os.write(1, f"{url}\n".encode()), None)[1])
