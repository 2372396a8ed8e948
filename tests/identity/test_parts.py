"""Short digests of a model's parts: packed and unpacked, nothing is lost."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from repro.identity.parts import pack, unpack

NAMES = st.one_of(
    st.sampled_from(["head", "tree 1", "tree 2", "tree 3", "tree 01", "tree 0", "x 9 1", "7"]),
    st.text("ab 012", min_size=1, max_size=6),
)


@given(st.lists(st.tuples(NAMES, st.binary(max_size=4)), max_size=12))
def test_every_part_comes_back_with_its_name_and_the_start_of_its_sha256(parts):
    found = list(unpack(pack(parts)))
    assert found == [(name, hashlib.sha256(data).hexdigest()[:8]) for name, data in parts]


def test_parts_that_are_counted_on_are_one_group():
    # sha256 of nothing, "a" and "b", as printed by sha256sum.
    parts = [
        ("head", b""),
        ("tree 1", b"a"),
        ("tree 2", b"b"),
        ("tree 4", b""),
        ("bias of x", b"a"),
    ]
    assert pack(parts) == [
        {"name": "head", "first": None, "digests": "e3b0c442"},
        {"name": "tree", "first": 1, "digests": "ca978112" + "3e23e816"},
        {"name": "tree", "first": 4, "digests": "e3b0c442"},
        {"name": "bias of x", "first": None, "digests": "ca978112"},
    ]
