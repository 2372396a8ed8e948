"""Write the golden log, with nothing of the code under test.

    python tests/audit_log/make_vectors.py [--check]

The key is public on purpose: 32 times the byte 0x07.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

TARGET = Path(__file__).parents[1] / "vectors" / "audit_log" / "golden"
ORIGIN = "repro.log/000102030405060708090a0b0c0d0e0f"
SEED = b"\x07" * 32
DIGEST = {
    "blake3": "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
    "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "size": 0,
}
BODIES: list[tuple[str, dict[str, object]]] = [
    ("log.created", {}),
    ("run.planned", {"run": "r1", "seed": "18446744073709551615", "rate": 0.05, "one": 1.0}),
    ("incident", {"text": 'tab\t quote" back\\ é € 😀', "\U0001f600": 1, "\ufb33": 2, "prev": "x"}),
    (
        "run.completed",
        {"run": "r1", "plan": 1, "artifacts": [{"path": "RESULTS/empty", **DIGEST}]},
    ),
    ("approval", {"of": 3, "by": ',"prev":"', "tiny": 1e-7, "nothing": None, "yes": True}),
]


def reference() -> ModuleType:
    """Return the reference implementation, loaded by its path."""
    spec = importlib.util.spec_from_file_location(
        "reference", Path(__file__).parent / "reference.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def files() -> dict[str, bytes]:
    """Return the files of the golden log by name."""
    ref = reference()
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    typed = b"\x01" + key.public_key().public_bytes_raw()
    key_id = hashlib.sha256(ORIGIN.encode() + b"\n" + typed).digest()[:4]
    vkey = f"{ORIGIN}+{key_id.hex()}+{base64.b64encode(typed).decode()}"
    BODIES[0][1].update(format="repro-audit v1", origin=ORIGIN, vkeys=[vkey])
    lines: list[bytes] = []
    prev = "0" * 64
    for seq, (kind, body) in enumerate(BODIES):
        record = {
            "seq": seq,
            "time": f"2025-01-31T12:00:0{seq}.000001Z",
            "type": kind,
            "actor": {"user": "ada", "host": "engine", "how": "vector"},
            "tool": {"name": "vectors", "version": "1"},
            "nonce": f"{seq:032x}",
            "prev": prev,
            "body": body,
        }
        lines.append(ref.canonical(record).encode())
        prev = ref.line_hash(lines[-1])
    root = base64.b64encode(ref.mth(lines)).decode()
    text = f"{ORIGIN}\n{len(lines)}\n{root}\n"
    signature = base64.b64encode(key_id + key.sign(text.encode())).decode()
    return {
        "log.jsonl": b"".join(line + b"\n" for line in lines),
        "checkpoint": f"{text}\n\u2014 {ORIGIN} {signature}\n".encode(),
        "log.vkey": f"{vkey}\n".encode(),
    }


def main() -> int:
    """Write the files, or with --check compare them; return an exit status."""
    wrong = []
    for name, data in files().items():
        path = TARGET / name
        if "--check" not in sys.argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        elif not path.is_file() or path.read_bytes() != data:
            wrong.append(name)
    if wrong:
        sys.stderr.write(f"changed: {', '.join(wrong)}; write them with {Path(__file__).name}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
