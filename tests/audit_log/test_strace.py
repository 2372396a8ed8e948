"""Faults that the system itself injects: strace makes the n-th call fail, or kills at it."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from repro.audit_log.errors import LogUnusableError

from .conftest import Site
from .test_faults_injected import check
from .test_store import in_child

WRITER = Path(__file__).parent / "faulty_writer.py"
FAULTS = ("error=EIO", "error=ENOSPC", "signal=SIGKILL")
POINTS = {
    "write": (1, 3, 6),
    "fdatasync": (1, 2, 5),
    "fsync": (1, 4, 9),
    "rename": (1, 2, 3),
    "unlink": (1, 2),
}


def run(site: Site, *options: str) -> subprocess.CompletedProcess[bytes]:
    """Run the writer under strace."""
    command = ["strace", "-f", "-qq", "-o", "/dev/null", *options, sys.executable, "-P"]
    return subprocess.run(
        [*command, str(WRITER), str(site.directory), str(site.keys.root)],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )


@pytest.fixture(scope="session")
def strace(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip where strace is missing or may not trace."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    inject = ["-e", "trace=getppid", "-e", "inject=getppid:error=EIO", "true"]
    found = subprocess.run(["strace", "-o", "/dev/null", *inject], capture_output=True, check=False)
    if found.returncode:
        pytest.skip(f"strace cannot inject here: {found.stderr.decode(errors='replace').strip()}")


def inject(full: Site, call: str, fault: str, number: int) -> None:
    """Let one call meet one fault, then look at what is left."""
    done = run(full, "-e", f"trace={call}", "-e", f"inject={call}:{fault}:when={number}")
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    said = tuple(done.stdout.decode().splitlines())
    check(full, tuple(line for line in said if len(line.split()[-1]) == 64 or "comm" in line))


@pytest.mark.usefixtures("strace")
@pytest.mark.parametrize("call", POINTS)
def test_a_call_that_fails_or_kills_loses_nothing(full: Site, call: str) -> None:
    for turn, number in enumerate(POINTS[call]):
        inject(full.copy("injected"), call, FAULTS[(turn + len(call)) % 3], number)


@pytest.mark.soak
@pytest.mark.usefixtures("strace")
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    "call", ["write", "fdatasync", "fsync", "rename", "ftruncate", "unlink", "openat", "mkdir"]
)
def test_every_call_that_fails_or_kills_loses_nothing(full: Site, call: str, fault: str) -> None:
    done = run(full.copy("counted"))
    assert done.returncode == 0
    trace = full.root / "trace"
    run(full.copy("counted"), "-o", str(trace), "-e", f"trace={call}")
    calls = trace.read_text().splitlines()
    for number, line in enumerate(calls, 1):
        if call != "openat" or str(full.root.parent) in line:  # not what Python itself opens
            inject(full.copy("injected"), call, fault, number)


def test_a_write_that_the_file_size_limit_splits_leaves_nothing(full: Site) -> None:
    size = full.lines.stat().st_size
    before = full.lines.read_bytes()

    def work() -> None:
        log = full.open()
        for more in (1, 10, 200):
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + more, resource.RLIM_INFINITY))
            with pytest.raises(LogUnusableError, match="nothing was appended"):
                log.append("incident", {"text": "x" * 400})
            assert full.lines.read_bytes() == before
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        log.append("incident", {})

    assert in_child(work) == 0
    assert full.open().head().size == 5
    assert full.verify().verdict == "ok"
