"""Causes that are alike are one entry, and none is lost."""

from hypothesis import given
from hypothesis import strategies as st

from repro.report.grouping import FEW, LEAST, NAMED, entries, is_absent, short

DIGEST = "0123456789abcdef" * 4
SIDE = {"file": "CONFIG/a.yaml", "line": 3, "column": 7, "text": "x: 1", "layer": "document"}


def cause(subject, old=None, new=None, kind="environment", component="execution_key", **other):
    return {
        "kind": kind, "subject": subject, "old": old, "new": new, "component": component,
        "a": None, "b": None, "idle": False, "items": [], "retyped": False, "follows": False,
        "package": "", "moves": [], **other,
    }  # fmt: skip


def mapped(count, old=None, new=DIGEST):
    return [cause(f"mapped, lib{n}.so", old, new) for n in range(count)]


def test_a_hundred_libraries_of_one_side_are_one_entry_with_the_first_names():
    (entry,) = entries(mapped(160))
    assert entry.title == "160 shared objects in the process, only in B"
    assert entry.said == (*(f"lib{n}.so" for n in range(FEW)), f"and {160 - FEW} more")
    assert len(entry.names) == len(entry.causes) == 160
    assert entries(mapped(NAMED))[0].said == entries(mapped(NAMED))[0].names


def test_each_side_is_told_from_the_other_and_from_what_both_have():
    found = entries([*mapped(3), *mapped(4, DIGEST, None), *mapped(5, DIGEST, DIGEST[::-1])])
    assert [entry.title for entry in found] == [
        "3 shared objects in the process, only in B",
        "4 shared objects in the process, only in A",
        "5 shared objects in the process, other in each",
    ]
    assert [entry.side for entry in found] == ["B", "A", ""]


def test_shared_objects_stand_with_the_package_that_they_are_of():
    of = [one | {"package": "scipy"} for one in mapped(4)]
    assert [entry.title for entry in entries([*mapped(3), *of])] == [
        "3 shared objects in the process, only in B",
        "4 shared objects of scipy, only in B",
    ]


def test_versions_come_first_with_what_they_are_and_those_of_both_sides_stand_alone():
    versions = [cause(f"versions, lib{n}", None, f"1.{n}") for n in range(3)]
    found = entries([*mapped(9), *versions, cause("versions, numpy", "1.26.4", "2.0.1")])
    assert found[0].title == "3 distributions that compute, only in B"
    assert found[0].said == ("lib0 1.0", "lib1 1.1", "lib2 1.2")
    assert (found[1].title, found[1].causes[0]["subject"]) == ("", "versions, numpy")


def test_the_hyperparameters_of_a_family_are_one_entry_with_values_and_files_and_it_comes_first():
    values = [
        cause(f"model_config.ridge.hyperparameters.{name}", value, None,
              "configuration", "hyperparameters", a=SIDE)
        for name, value in (("alpha", 1.0), ("fit", True), ("limit", None), ("kind", "7"))
    ]  # fmt: skip
    family = "training_config.pipeline_config.pipeline.family"
    named = cause(family, "ridge", "mlp", "configuration", "hyperparameters", a=SIDE, b=SIDE)
    first, second = entries([*values, named])
    assert first.causes == (named,)
    assert second.title == "4 values of model_config.ridge.hyperparameters, only in A"
    assert second.said == ("alpha 1.0", "fit true", "limit null", 'kind "7"')
    assert second.files == ("CONFIG/a.yaml",)


def test_a_change_of_rows_in_many_symbols_is_said_once():
    rows = [cause(f"{s}, rows, 2024-01", None, "added", "data", "dataset") for s in "XYZ"]
    (entry,) = entries(rows)
    assert entry.title == "rows, 2024-01: added in 3 symbols"
    assert entry.said == ("X", "Y", "Z")


def test_a_null_that_is_there_is_not_absent():
    there = cause("splits.max", None, None, "splits", "splits", a=SIDE)
    assert (is_absent(there, "a"), is_absent(there, "b")) == (False, True)


def test_a_digest_is_shortened_and_nothing_else_is():
    assert short(DIGEST) == "0123456789ab…"
    assert short(f"blake3:{DIGEST}") == "blake3:0123456789ab…"
    for value in ("x" * 64, DIGEST[:63], 7, None, [DIGEST]):
        assert short(value) == value


subjects = st.sampled_from(
    ["mapped, a", "mapped, b", "libraries, a", "settings, A", "git, dirty", "m.x.y", "m.x.z", "m"]
)
sides = st.sampled_from([None, SIDE])
kinds = st.sampled_from(["environment", "code", "configuration", "data", "features"])
values = st.sampled_from([None, 1, "1", DIGEST])
some = st.builds(
    lambda subject, old, new, kind, a, b: cause(subject, old, new, kind, a=a, b=b),
    subjects, values, values, kinds, sides, sides,
)  # fmt: skip


@given(st.lists(some, max_size=12))
def test_every_cause_is_in_just_one_entry_and_only_several_have_a_title(causes):
    found = entries(causes)
    flat = [one for entry in found for one in entry.causes]
    assert sorted(map(id, flat)) == sorted(map(id, causes))
    for entry in found:
        assert bool(entry.title) == (len(entry.causes) >= LEAST)
        assert entry.title or len(entry.causes) == 1
    assert [entry.causes for entry in entries(causes, full=True)] != [] or not causes
    assert all(len(entry.causes) == 1 for entry in entries(causes, full=True))
