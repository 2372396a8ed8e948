"""Files and trees by content, and what was touched below a directory."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.errors import InputError
from repro.facts.contents import content_of, states_below, touched

NAMES = st.sampled_from(["a", "b", "a-", "a/b", "a/c", "a.b/c", "b/a/a"])
TREES = st.dictionaries(NAMES, st.binary(max_size=3), max_size=4).filter(
    lambda tree: not any(f"{one}/" in other for one in tree for other in tree)
)


def write(root: Path, tree: dict[str, bytes], order: int = 1) -> Path:
    root.mkdir()
    for name, data in sorted(tree.items())[::order]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


@given(TREES, TREES)
@settings(max_examples=40)
def test_trees_have_one_digest_if_and_only_if_they_have_the_same_files(one, other):
    with tempfile.TemporaryDirectory() as folder:
        first = content_of(write(Path(folder, "1"), one), "1")
        assert first == content_of(write(Path(folder, "2"), one, order=-1), "2")
        second = content_of(write(Path(folder, "3"), other), "3")
    assert (first == second) == (one == other)
    assert (first.files, first.size) == (len(one), sum(map(len, one.values())))


def test_a_link_counts_as_what_is_read_through_it(tmp_path):
    plain = write(tmp_path / "plain", {"a": b"1", "sub/b": b"2"})
    linked = write(tmp_path / "linked", {})
    (linked / "a").symlink_to(plain / "a")
    (linked / "sub").symlink_to(plain / "sub")
    assert content_of(linked, "linked") == content_of(plain, "plain")


@pytest.mark.parametrize("target", [".", "..", "sub"])
def test_a_link_that_leads_back_is_refused(tmp_path, target):
    root = write(tmp_path / "root", {"sub/x": b""})
    (root / "sub" / "back").symlink_to(root / target)
    with pytest.raises(
        InputError, match="root: a link in it leads back to where it lies: sub/back"
    ):
        content_of(root, "root")


def test_what_can_be_no_content_is_refused(tmp_path):
    root = write(tmp_path / "root", {})
    os.mkfifo(root / "pipe")
    with pytest.raises(InputError, match="root/pipe is neither a file nor a directory"):
        content_of(root, "root")
    (root / "pipe").unlink()
    (root / "gone").symlink_to("nowhere")
    with pytest.raises(InputError, match="root/gone is a link to 'nowhere', and nothing is there"):
        content_of(root, "root")
    (root / "gone").unlink()
    Path(os.fsdecode(os.fsencode(root) + b"/\xff")).touch()
    with pytest.raises(InputError, match=r"not UTF-8: \\udcff"):
        content_of(root, "root")


def test_what_was_touched_is_found_also_with_the_times_put_back(tmp_path):
    root = write(tmp_path / "root", {"a": b"1", "b": b"1", "c": b"1", "out/d": b"1", "log/e": b"1"})
    log = frozenset({str(root / "log")})
    before = states_below(root, log)
    assert sorted(before) == ["a", "b", "c", "out/d"]
    was = (root / "a").stat()
    (root / "a").write_bytes(b"2")
    os.utime(root / "a", ns=(was.st_atime_ns, was.st_mtime_ns))
    (root / "b").unlink()
    (root / "log" / "e").write_bytes(b"2")
    (root / "out" / "new").touch()
    assert touched(before, states_below(root, log)) == ["a", "b", "out/new"]


def test_a_new_link_to_a_directory_is_seen_too(tmp_path):
    root = write(tmp_path / "root", {"sub/a": b"1", "log/e": b"1"})
    log = frozenset({str(root / "log")})
    before = states_below(root, log)
    assert sorted(before) == ["sub/a"]
    (root / "link").symlink_to("sub")
    (root / "sub" / "into").symlink_to("../log")
    assert touched(before, states_below(root, log)) == ["link", "sub/into"]


def test_what_is_not_there_at_all_is_called_by_its_name(tmp_path):
    with pytest.raises(InputError, match="no such file or directory: tr"):
        content_of(tmp_path / "none", "tr")
