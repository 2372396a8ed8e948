"""What every store promises, whatever lies behind it, and what a bad one is found out by."""

import shutil
import uuid

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from repro.audit_log.formats.digests import FileDigest, digest_bytes, digest_file
from repro.errors import InputError, IntegrityError, UsageError
from repro.stores.store import open_store, require_outside, shown
from repro.stores.transfer import give, take


class Renaming(MemoryFileSystem):
    """A store that is not known to take files whole: what is written there is renamed."""

    protocol = "renaming"
    store = {}  # noqa: RUF012 (as its base has it)
    pseudo_dirs = [""]  # noqa: RUF012
    broken = False

    def pipe_file(self, path, value, mode="overwrite", **more):
        """Write; a broken one loses the connection in the middle."""
        assert path.rpartition("/")[2].startswith("."), "written in place"
        if self.broken:
            super().pipe_file(path, value[: len(value) // 2], mode, **more)
            raise ConnectionError("the line is dead")
        super().pipe_file(path, value, mode, **more)


class Forgetful(MemoryFileSystem):
    """A store that keeps half of what it is given, and says nothing."""

    protocol = "forgetful"
    store = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012

    def put_file(self, local, remote, **more):
        """Keep half."""
        super().put_file(local, remote, **more)
        data = self.cat_file(remote)
        self.pipe_file(remote, data[: len(data) // 2])


for kind in (Renaming, Forgetful):
    fsspec.register_implementation(kind.protocol, kind, clobber=True)


@pytest.fixture(params=["folder", "memory", "renaming"])
def address(request, tmp_path):
    """Return the address of an empty store."""
    if request.param == "folder":
        return str(tmp_path / "store")
    return f"{request.param}://{uuid.uuid4().hex}/store"


def test_what_is_written_is_read_listed_digested_and_removed(address, tmp_path):
    store = open_store(address, make=True)
    assert store.read("a/b", 10) is None
    assert store.digest("a/b") is None
    assert store.names("a") == []
    store.remove("a/b")
    store.write("a/b", b"one")
    store.write("a/b", b"two!")
    store.write("a/c/d", b"")
    assert (store.read("a/b", 10), store.read("a/b", 3)) == (b"two!", b"two")
    assert store.names("a") == ["b", "c"]
    assert store.digest("a/b") == digest_bytes(b"two!")
    assert store.download("a/b", tmp_path / "b", 9)
    assert (tmp_path / "b").read_bytes() == b"two!"
    assert not store.download("a/x", tmp_path / "x", 9)
    assert not (tmp_path / "x").exists()
    store.upload("a/e", tmp_path / "b")
    assert store.read("a/e", 10) == b"two!"
    store.remove("a/b")
    assert store.names("a") == ["c", "e"]


def test_files_go_and_come_by_digest(address, tmp_path):
    store, file = open_store(address, make=True), tmp_path / "file"
    file.write_bytes(bytes(range(256)) * 5000)
    digest = digest_file(file)
    assert give(store, "o", file, digest) == "sent"
    assert give(store, "o", file, digest) == "there"
    copy, part = tmp_path / "copy", tmp_path / "part"
    assert take(store, "o", copy, digest, part)
    assert not take(store, "o", copy, digest, part)
    copy.write_bytes(copy.read_bytes()[:-1])
    assert take(store, "o", copy, digest, part)
    assert copy.read_bytes() == file.read_bytes()
    store.write("o", b"other")
    copy.unlink()
    with pytest.raises(IntegrityError, match="not what its name says"):
        take(store, "o", copy, digest, part)
    assert not copy.exists()
    assert not part.exists()
    assert give(store, "o", file, digest) == "mended"
    with pytest.raises(InputError, match="lacks p"):
        take(store, "p", copy, digest, part)


def test_of_a_file_that_grew_no_more_is_fetched_than_shows_that_it_did(address, tmp_path):
    store, copy, part = open_store(address, make=True), tmp_path / "copy", tmp_path / "part"
    store.write("o", b"0123456789" * 300_000)
    assert store.download("o", part, 1_500_000)
    assert part.read_bytes() == b"0123456789" * 150_000
    part.unlink()
    with pytest.raises(IntegrityError, match="not what its name says: more than 10 bytes"):
        take(store, "o", copy, digest_bytes(b"0123456789"), part)
    assert not copy.exists()


def test_a_folder_may_give_ever_more_and_fills_no_disk(tmp_path):
    store = open_store(str(tmp_path / "store"), make=True)
    with (tmp_path / "store" / "o").open("wb") as file:
        file.truncate(1 << 42)  # has no blocks, and would take some hours to read
    with pytest.raises(IntegrityError, match="more than 1 bytes"):
        take(store, "o", tmp_path / "copy", digest_bytes(b"x"), tmp_path / "part")


def test_a_line_that_dies_in_a_write_leaves_what_was_there(monkeypatch):
    store = open_store(f"renaming://{uuid.uuid4().hex}/store", make=True)
    store.write("checkpoint", b"old")
    monkeypatch.setattr(Renaming, "broken", True)
    with pytest.raises(InputError, match="the line is dead"):
        store.write("checkpoint", b"newer")
    assert store.read("checkpoint", 10) == b"old"
    assert store.names("") == ["checkpoint"]


def test_a_store_that_keeps_half_is_found_out(tmp_path):
    store, file = open_store(f"forgetful://{uuid.uuid4().hex}/store", make=True), tmp_path / "file"
    file.write_bytes(b"0123456789")
    with pytest.raises(InputError, match="does not give back"):
        give(store, "o", file, digest_file(file))


def test_a_file_that_was_changed_since_it_was_digested_is_found_out(address, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"now")
    with pytest.raises(InputError, match="does not give back"):
        give(open_store(address, make=True), "o", file, FileDigest("0" * 64, "1" * 64, 3))


def test_a_folder_follows_no_link_and_names_no_leftovers(tmp_path):
    store = open_store(str(tmp_path / "store"), make=True)
    store.write("a/b", b"x")
    (tmp_path / "store" / "a" / ".b.1.tmp").write_bytes(b"half")
    assert store.names("a") == ["b"]
    (tmp_path / "store" / "a" / "l").symlink_to(tmp_path / "store" / "a" / "b")
    for ask in (lambda: store.read("a/l", 9), lambda: store.digest("a/l")):
        with pytest.raises(InputError):
            ask()
    with pytest.raises(InputError):
        store.download("a/l", tmp_path / "copy", 9)
    shutil.rmtree(tmp_path / "store")
    with pytest.raises(InputError):  # a store that went away is no empty one
        store.read("a/b", 9)


def test_a_store_may_not_lie_where_it_would_be_taken_for_something_else(tmp_path):
    require_outside("s3://bucket/RESULTS", tmp_path)
    require_outside(str(tmp_path / "b"), tmp_path / "a")
    for address in (tmp_path / "a", tmp_path / "a" / "x", f"file://{tmp_path}/b/../a/x"):
        with pytest.raises(UsageError, match="no place for a store"):
            require_outside(str(address), tmp_path / "a")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("s3://bucket/log", "s3://bucket/log"),
        ("sftp://ada:word@host/x", "sftp://host/x"),
        ("https://host/x?token=secret", "https://host/x"),
        ("/a/folder@home", "/a/folder@home"),
    ],
)
def test_nothing_secret_of_an_address_is_shown(address, said):
    assert shown(address) == said
