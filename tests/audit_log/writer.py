"""A writer for the crash tests: append and commit until killed, saying what is acknowledged.

python writer.py DIRECTORY KEYS NAME COUNT
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from repro.audit_log.formats.record import Actor, Tool
from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.storage.store import Log


def main() -> None:
    """Write COUNT times; one line to standard output for each acknowledgement."""
    directory, keys, name, count = sys.argv[1:]
    log = Log.open(
        Path(directory),
        actor=Actor(name, "engine", "test"),
        tool=Tool("writer", "1"),
        keys=KeyStore(Path(keys)),
    )
    for turn in range(int(count)):
        done = log.append_many([("incident", {"by": name, "turn": turn})] * (1 + turn % 3))
        os.write(1, "".join(f"{a.seq} {a.hash}\n" for a in done).encode())
        if turn % 5 == 4:
            os.write(1, f"committed {log.commit().size}\n".encode())


if __name__ == "__main__":
    main()
