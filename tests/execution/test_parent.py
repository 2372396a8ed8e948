"""A worker knows its notary by the pipe between them, whatever number of process that one has."""

import os
import sys

import pytest

from repro.execution.parent import die_with_the_notary

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")


def asked(fd: int) -> int:
    """Return how a process of its own ends that asks to die with whoever writes to ``fd``."""
    child = os.fork()
    if child == 0:
        status = 9
        try:
            die_with_the_notary(fd)
            status = 0
        except SystemExit as error:
            status = int(error.code or 0)
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_notary_may_be_process_one_as_in_a_container(monkeypatch):
    read, write = os.pipe()
    monkeypatch.setattr(os, "getppid", lambda: 1)  # what a worker sees there
    assert asked(read) == 0
    os.write(write, b"a request that nobody has read yet\n")
    assert asked(read) == 0
    os.close(read)
    os.close(write)


def test_a_notary_that_has_ended_already_is_noticed():
    read, write = os.pipe()
    os.write(write, b"a request that nobody has read yet\n")
    os.close(write)
    assert asked(read) == 1
    os.close(read)
