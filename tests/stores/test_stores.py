"""What every store promises, whatever lies behind it, and what a bad one is found out by."""

import shutil
import uuid
import zipfile
from contextlib import closing

import pytest

from repro.audit_log.formats.digests import FileDigest, digest_bytes, digest_file
from repro.errors import InputError, IntegrityError, UsageError
from repro.stores.remote import STREAMED, Remote
from repro.stores.store import open_store, require_outside, shown
from repro.stores.transfer import give, take

from .conftest import Renaming

KINDS = ["folder", "memory", "renaming", "picky", "remembering", "dir", "sftp"]


@pytest.fixture(params=KINDS)
def address(request, tmp_path):
    """Return the address of an empty store."""
    if request.param == "folder":
        return str(tmp_path / "store")
    if request.param == "dir":  # the disk as fsspec has it
        return f"dir://store::file://{tmp_path}"
    if request.param == "sftp":
        return f"{request.getfixturevalue('sftp')}/{uuid.uuid4().hex}/store"
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


def test_what_others_write_meanwhile_is_seen(address, tmp_path):
    store, other = open_store(address, make=True), open_store(address, make=True)
    assert store.names("a") == []
    other.write("a/b", b"one")
    assert store.names("a") == ["b"]
    assert store.digest("a/b") == digest_bytes(b"one")
    other.write("a/b", b"longer")
    other.write("a/c", b"new")
    assert store.names("a") == ["b", "c"]
    assert store.read("a/b", 99) == b"longer"
    assert store.digest("a/b") == digest_bytes(b"longer")
    assert store.download("a/b", tmp_path / "b", 99)
    assert (tmp_path / "b").read_bytes() == b"longer"
    other.remove("a/b")
    assert store.names("a") == ["c"]
    assert store.read("a/b", 99) is None


@pytest.mark.parametrize("cache", ["simplecache", "filecache", "blockcache"])
def test_a_cache_before_a_store_is_refused_for_it_says_nothing_of_what_is_there(cache):
    with pytest.raises(UsageError, match="read through a cache") as caught:
        open_store(f"{cache}::memory://{uuid.uuid4().hex}/store")
    assert f"take {cache}:: away" in str(caught.value.hint)
    with pytest.raises(UsageError, match="read through a cache"):
        open_store(f"zip://a::{cache}::memory://{uuid.uuid4().hex}/store.zip")


def test_what_can_only_be_read_is_read_and_a_write_there_is_an_error(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("store/a/b", b"one")
    store = open_store(f"zip://store::file://{tmp_path / 'a.zip'}")
    assert store.names("a") == ["b"]
    assert (store.read("a/b", 9), store.read("a/c", 9)) == (b"one", None)
    assert store.digest("a/b") == digest_bytes(b"one")
    with pytest.raises(InputError, match="cannot write"):
        store.write("a/c", b"two")
    assert store.names("a") == ["b"]


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


class Endless:
    """A web server that gives ever more, whatever part is asked for."""

    given = 0

    def invalidate_cache(self):
        """Keep nothing."""

    def open(self, path, mode, **more):
        """Give a stream."""
        return closing(self)

    def close(self):
        """End it."""

    def read(self, size):
        """Give as much as is asked for."""
        self.given += size
        return bytes(size)


def test_a_web_server_may_give_ever_more_and_fills_no_memory():
    system = Endless()
    store = Remote(system, "x", "https://host/x", whole=False, streamed=True)
    assert store.read("checkpoint", 1000) == bytes(1000)
    assert system.given == 1000
    assert {"http", "https"} == STREAMED


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


def test_no_name_that_a_store_tells_leads_out_of_its_folder():
    store = open_store("lying://anywhere/store")
    assert store.names("a") == ["b", "etc"]


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x"])
def test_no_name_leads_out_of_a_folder(tmp_path, name):
    store = open_store(str(tmp_path / "store"), make=True)
    with pytest.raises(AssertionError, match="not a name in a store"):
        store.write(name, b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store"]


def test_a_store_may_not_lie_where_it_would_be_taken_for_something_else(tmp_path):
    require_outside("s3://bucket/RESULTS", tmp_path, "a")
    for address in (tmp_path / "b", tmp_path / "ab", tmp_path.parent):
        require_outside(str(address), tmp_path, "a")
    for address in (tmp_path / "a", tmp_path / "a" / "x", f"file://{tmp_path}/b/../a/x"):
        with pytest.raises(UsageError, match="no place for a store"):
            require_outside(str(address), tmp_path, "a")
    for address in (tmp_path, f"file://{tmp_path}/a/..", f"{tmp_path}/."):
        with pytest.raises(UsageError, match="is the workspace itself"):
            require_outside(str(address), tmp_path, "a")


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


@pytest.mark.parametrize(("kind", "said"), [("link", "a link"), ("folder", "a folder")])
@pytest.mark.parametrize("how", ["read", "digest", "download"])
def test_what_lies_in_place_of_a_file_is_named_and_what_to_do_is_said(tmp_path, kind, said, how):
    store = open_store(str(tmp_path / "store"), make=True)
    path = tmp_path / "store" / "objects" / "x"
    path.parent.mkdir()
    (tmp_path / "mine").write_bytes(b"mine")
    if kind == "link":
        path.symlink_to(tmp_path / "mine")
    else:
        path.mkdir()
    do = {
        "read": lambda: store.read("objects/x", 9),
        "digest": lambda: store.digest("objects/x"),
        "download": lambda: store.download("objects/x", tmp_path / "to", 9),
    }[how]
    with pytest.raises(InputError, match=f"{path} is {said}, and no file") as caught:
        do()
    assert "move it away" in caught.value.hint
    assert not (tmp_path / "to").exists()
