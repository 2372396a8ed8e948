import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.runs import differences
from repro.runs.differences import aligned, configuration


def sealed(**values):
    return {
        "target": "t",
        "family": "lightgbm",
        "values": [
            {
                "path": path,
                "value": value,
                "component": "hyperparameters",
                "used": True,
                "history": [
                    {"layer": "document", "file": "f.yaml", "line": 3, "column": 5, "text": "x"}
                ],
            }
            for path, value in values.items()
        ],
    }


def test_equal_configurations_have_no_causes():
    assert list(differences.configuration(sealed(a=1), sealed(a=1.0))) == []


@pytest.mark.parametrize(("old", "new"), [(7, "7"), (1, True), (None, 0), ([1, 2], [2, 1])])
def test_a_change_of_type_or_order_is_a_difference(old, new):
    (cause,) = differences.configuration(sealed(a=old), sealed(a=new))
    assert (cause.subject, cause.old, cause.new) == ("a", old, new)
    assert (cause.a.file, cause.a.line, cause.b.column) == ("f.yaml", 3, 5)


def test_a_value_that_only_one_run_has_is_a_difference():
    (cause,) = differences.configuration(sealed(a=1), sealed(a=1, b=2))
    assert (cause.subject, cause.old, cause.new, cause.a) == ("b", None, 2, None)


def test_a_value_that_no_run_used_is_not_a_difference():
    a, b = sealed(a=1), sealed(a=2)
    for side in (a, b):
        side["values"][0]["used"] = False
    assert list(differences.configuration(a, b)) == []


def test_another_target_or_family_is_told_even_if_no_value_says_so():
    b = {**sealed(a=1), "target": "u", "family": "xgboost"}
    found = list(differences.configuration(sealed(a=1), b))
    assert [(c.subject, c.old, c.new) for c in found] == [
        ("target", "t", "u"),
        ("family", "lightgbm", "xgboost"),
    ]


def test_the_base_seed_is_a_cause_of_its_own_kind():
    name = "training_config.reproducibility_config.reproducibility.base_seed"
    (cause,) = differences.configuration(sealed(**{name: 1}), sealed(**{name: 2}))
    assert cause.kind == "seed"


def test_nested_facts_differ_at_their_leaves():
    a = {"versions": {"numpy": "2.0", "pandas": "3.0"}, "threads": 1}
    b = {"versions": {"numpy": "2.1", "pandas": "3.0", "scipy": "1"}, "threads": 1}
    found = list(differences.mapping("environment", "execution_key", a, b))
    assert [(c.subject, c.old, c.new) for c in found] == [
        ("versions, numpy", "2.0", "2.1"),
        ("versions, scipy", None, "1"),
    ]


def test_files_differ_by_content_and_not_by_order():
    def side(*files):
        return {"files": [{"name": n, "blake3": d} for n, d in files]}

    assert list(differences.files(side(("a", "1"), ("b", "2")), side(("b", "2"), ("a", "1")))) == []
    found = list(differences.files(side(("a", "1")), side(("a", "9"), ("b", "2"))))
    assert [(c.subject, c.old, c.new) for c in found] == [
        ("file a", "blake3:1", "blake3:9"),
        ("file b", None, "blake3:2"),
    ]


def test_a_change_that_neither_run_saw_is_marked():
    told = list(differences.configuration(sealed(a=1, b=1), sealed(a=2, b=2), {"b"}))
    assert [(cause.subject, cause.idle) for cause in told] == [("a", False), ("b", True)]


LISTS = st.lists(st.integers(0, 5), max_size=7)


@given(LISTS, LISTS)
def test_what_became_of_a_list_leads_from_one_side_to_the_other(old, new):
    items = aligned(old, new)
    left = [value for n, value in enumerate(old, 1) if n not in {i.old for i in items}]
    right = [value for n, value in enumerate(new, 1) if n not in {i.new for i in items}]
    assert left == right  # what is not spoken of stays, in the same order
    assert sorted(i.value for i in items if i.change != "added") + sorted(left) != [] or not old
    for item in items:
        assert item.old is None or old[item.old - 1] == item.value
        assert item.new is None or new[item.new - 1] == item.value
        assert (item.old is None, item.new is None) == {
            "added": (True, False), "removed": (False, True), "moved": (False, False),
        }[item.change]  # fmt: skip


@given(LISTS)
def test_a_list_is_as_itself(one):
    assert aligned(one, list(one)) == ()


def test_a_feature_that_goes_is_one_cause_and_a_type_is_one_too():
    def config(features, folds):
        values = {
            "data.feature_registry.selected": (features, "features"),
            "training_config.splits_config.splits.folds": (folds, "splits"),
        }
        for name in features:
            values[f"data.feature_registry.registry.{name}.lag"] = (0, "features")
        place = {"file": "f", "line": 1, "column": 1, "text": "", "layer": "document"}
        return {
            "target": "t",
            "family": "f",
            "values": [
                {"path": p, "value": v, "component": c, "used": True, "history": [place]}
                for p, (v, c) in values.items()
            ],
        }

    listed, folds = configuration(config(["a", "b", "c"], 5), config(["c", "a"], "5"))
    assert (listed.kind, folds.kind) == ("features", "splits")
    changes = {(item.change, item.value) for item in listed.items}
    assert changes in ({("removed", "b"), ("moved", "c")}, {("removed", "b"), ("moved", "a")})
    assert folds.retyped
    assert not next(configuration(config(["a"], 5), config(["a"], 6))).retyped
