"""A file's digests are those of its bytes, however long it is and whatever kind it is of."""

import hashlib
import os
import subprocess
import sys
import threading

import pytest
from blake3 import blake3

from repro.facts import file_digest
from repro.facts.file_digest import SMALL, THREADED, WINDOW, DataDigest, digest_data, look_at

SIZES = [0, 1, SMALL - 1, SMALL, SMALL + 1, WINDOW, WINDOW + 1, THREADED - 1, THREADED + WINDOW + 1]


@pytest.mark.parametrize("size", SIZES)
def test_the_digests_are_those_of_the_bytes(tmp_path, size):
    data = hashlib.shake_128(b"%d" % size).digest(size)
    (tmp_path / "file").write_bytes(data)
    first, second = blake3(data).hexdigest(), hashlib.sha256(data).hexdigest()
    assert digest_data(tmp_path / "file") == (first, None, size)
    assert digest_data(tmp_path / "file", sha256=True) == (first, second, size)


def test_only_what_was_asked_for_is_named():
    assert DataDigest("a", None, 1).digests() == {"blake3": "a"}
    assert DataDigest("a", "b", 1).digests() == {"blake3": "a", "sha256": "b"}


@pytest.mark.parametrize("sha256", [False, True])
def test_what_tells_no_size_is_read_to_its_end(sha256):
    """Files of /proc have no bytes, says the system; a pipe gives what is in it, in parts."""
    data = b"".join(b"%d\n" % n for n in range(300_000))
    ends = os.pipe()

    def write():
        with os.fdopen(ends[1], "wb") as pipe:
            pipe.write(data)

    writer = threading.Thread(target=write)
    writer.start()
    found = digest_data(f"/dev/fd/{ends[0]}", sha256=sha256)
    writer.join()
    os.close(ends[0])
    second = hashlib.sha256(data).hexdigest() if sha256 else None
    assert found == (blake3(data).hexdigest(), second, len(data))
    assert digest_data("/proc/version").size > 0


def test_what_is_told_of_a_file_is_of_the_one_that_was_read(tmp_path, monkeypatch):
    path, other = tmp_path / "file", tmp_path / "other"
    path.write_bytes(b"first")
    other.write_bytes(b"second file")
    inode = path.stat().st_ino
    read = os.read

    def replacing(*arguments):
        other.replace(path)
        return read(*arguments)

    monkeypatch.setattr(file_digest.os, "read", replacing)
    digest, before, after = look_at(path, sha256=False)
    assert digest == (blake3(b"first").hexdigest(), None, 5)
    assert (before.st_ino, after.st_ino) == (inode, inode)
    assert before.st_ctime_ns <= after.st_ctime_ns


def test_a_folder_and_what_is_not_there_are_errors_of_the_system(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(OSError, match=r"Is a directory|No such file"):
            digest_data(path)


def test_a_file_that_is_cut_while_it_is_read_ends_no_process(tmp_path):
    """A mapping of it would: its bytes are gone, and the system sends SIGBUS."""
    code = (
        "import os, sys, threading\n"
        "from repro.facts.file_digest import digest_data\n"
        "def cut():\n"
        "    while not done:\n"
        "        os.truncate(sys.argv[1], 0)\n"
        "        os.truncate(sys.argv[1], 1 << 26)\n"
        "done = []\n"
        "thread = threading.Thread(target=cut)\n"
        "thread.start()\n"
        "for _ in range(10):\n"
        "    digest_data(sys.argv[1])\n"
        "done.append(1)\n"
        "thread.join()\n"
    )
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.truncate(1 << 26)
    done = subprocess.run([sys.executable, "-c", code, path], check=False, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


def test_whoever_is_interrupted_leaves_nobody_reading_from_the_closed_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.truncate(THREADED)
    readers, close = [], os.close

    def closed(number):
        readers.append([t for t in threading.enumerate() if t.name.startswith("ThreadPool")])
        close(number)

    hasher = type("Hasher", (), {"AUTO": -1, "__init__": lambda *_, **__: None})
    hasher.update = lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
    monkeypatch.setattr(file_digest, "blake3", hasher)
    monkeypatch.setattr(file_digest.os, "close", closed)
    with pytest.raises(KeyboardInterrupt):
        digest_data(path)
    assert readers == [[]]
