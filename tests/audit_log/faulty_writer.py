"""A writer for the tests with strace: everything once, saying what is acknowledged.

python faulty_writer.py DIRECTORY KEYS
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from repro.audit_log.errors import LogError
from repro.audit_log.formats.record import Actor, Tool
from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.storage.store import Appended, Log


def main() -> int:
    """Append, commit, seal, append, prune, commit; 3 for an expected error."""
    directory, keys = sys.argv[1:]

    def say(*done: Appended | None) -> None:
        os.write(1, "".join(f"record {one.seq} {one.hash}\n" for one in done if one).encode())

    try:
        log = Log.open(
            Path(directory),
            actor=Actor("ada", "engine", "test"),
            tool=Tool("writer", "1"),
            keys=KeyStore(Path(keys)),
        )
        say(log.append("incident", {"text": "one"}))
        say(*log.append_many([("incident", {"text": "more"})] * 3))
        os.write(1, f"committed {log.commit().size}\n".encode())
        say(log.seal(retention={"keep_until": "2025-01-30", "policy": "test"}))
        say(log.append("incident", {"text": "two"}))
        say(log.prune(0, reason="test", held=lambda: None))
        os.write(1, f"committed {log.commit().size}\n".encode())
    except LogError as error:
        os.write(2, f"{error}\n".encode())
        return 3
    except OSError as error:
        if error.filename is None:  # the acknowledgement itself could not be said
            return 4
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
