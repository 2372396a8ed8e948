"""Which files a document means by a name."""

import os

import pytest

from repro.errors import InputError
from repro.facts.data import locate


@pytest.fixture
def tree(tmp_path):
    """Return a workspace with a partitioned tree, made in an order that is not that of names."""
    for name in ("p/s=B/1.csv", "p/s=A/2.csv", "p/s=A/1.csv", "p/s=A/_SUCCESS", "p/.hidden/1.csv"):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "data" / "top.csv").write_text("top")
    (tmp_path / "data" / "[x].csv").write_text("brackets")
    return tmp_path


PARTS = ["data/p/s=A/1.csv", "data/p/s=A/2.csv", "data/p/s=B/1.csv"]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["data/top.csv"], ["data/top.csv"]),
        (["data/p"], PARTS),
        (["data/p/"], PARTS),
        (["data"], ["data/[x].csv", *PARTS, "data/top.csv"]),
        (["data/*.csv"], ["data/[x].csv", "data/top.csv"]),
        (["data/[x].csv"], ["data/[x].csv"]),
        (["data/[[]x].csv"], ["data/[x].csv"]),
        (["data/p/s=[AB]/1.csv"], [PARTS[0], PARTS[2]]),
        (["data/p/s=*"], PARTS),
        (["data/**/1.csv"], [PARTS[0], PARTS[2]]),
        (["data/**"], ["data/[x].csv", *PARTS, "data/top.csv"]),
        (["data/p/**/s=A/**/*.csv"], PARTS[:2]),
        (["data/p/s=A/_*"], ["data/p/s=A/_SUCCESS"]),
        (["data/p/.h*/*.csv"], ["data/p/.hidden/1.csv"]),
        (["data/*.csv", "data/top.csv"], ["data/[x].csv", "data/top.csv"]),
    ],
)
def test_files_folders_and_patterns_mean_files_in_order_of_their_names(tree, names, found):
    located = locate(tree, names)
    assert list(located) == found
    assert all(path == tree / name for name, path in located.items())


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("data/nope.csv", "no such data file: data/nope.csv"),
        ("data/*.parquet", r"no data file matches data/\*\.parquet"),
        ("nowhere/**/*.csv", "no data file matches"),
        ("empty", "no data files in the folder empty"),
        ("links/gone.csv", "links/gone.csv is a link that leads nowhere"),
        ("links/self", "links/self is a link that leads nowhere, or round in a circle"),
        ("links/g*", "links/gone.csv is a link that leads nowhere"),
        ("loop", "loop/a/back is a link to a folder that it lies in"),
        ("loop/**/x", "loop/a/back is a link to a folder that it lies in"),
        ("pipe", "pipe/p is neither a file nor a folder"),
        ("pipe/p", "pipe/p is neither a file nor a folder"),
        ("latin", r"'latin/\\udce9.csv': the name is not UTF-8"),
    ],
)
def test_what_means_no_data_file_is_refused_by_name(tree, name, says):
    for folder in ("empty/.x", "links", "loop/a", "pipe", "latin"):
        (tree / folder).mkdir(parents=True)
    (tree / "links" / "gone.csv").symlink_to("nothing")
    (tree / "links" / "self").symlink_to("self")
    (tree / "loop" / "a" / "back").symlink_to("..")
    os.mkfifo(tree / "pipe" / "p")
    (tree / "latin" / os.fsdecode(b"\xe9.csv")).write_text("x")
    with pytest.raises(InputError, match=says):
        locate(tree, [name])


def test_a_linked_folder_is_followed_where_it_has_an_end(tree):
    (tree / "linked").symlink_to("data/p/s=A")
    assert list(locate(tree, ["linked"])) == ["linked/1.csv", "linked/2.csv"]
    (tree / "data" / "p" / "s=C").symlink_to("s=A")
    assert "data/p/s=C/1.csv" in locate(tree, ["data/p"])


def test_what_is_sealed_names_single_files(tree):
    assert list(locate(tree, PARTS, exact=True)) == PARTS
    for name in ("data/p", "data/*.csv"):
        with pytest.raises(InputError, match="no such data file"):
            locate(tree, [name], exact=True)
