"""Shares of a change: those of every order, against all permutations; and of one order."""

import math
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from repro.runs.differences import Cause, Side
from repro.verbs.research.attribute import MOST, Factor, Planned, _factors, _sets, _share

SIDE = Side("f.yaml", 1, 1, None, "document")


def planned(count, most=MOST):
    factors = tuple(Factor(f"f{n}", ()) for n in range(count))
    return Planned(None, "rmse", factors, count <= most)


@given(st.integers(1, 4), st.lists(st.floats(-1e3, 1e3), min_size=16, max_size=16))
def test_a_share_is_what_is_added_in_the_mean_over_all_orders(count, drawn):
    plan = planned(count)
    names = [factor.name for factor in plan.factors]
    sets = _sets(plan)
    assert len(sets) == len(set(sets)) == plan.trainings == 2**count
    values = dict(zip(sets, drawn, strict=False))
    shares = {name: _share(name, names, values, plan) for name in names}
    for name in names:
        added = []
        for order in permutations(names):
            before = frozenset(order[: order.index(name)])
            added.append(values[before | {name}] - values[before])
        assert math.isclose(shares[name], math.fsum(added) / len(added), abs_tol=1e-9)
    whole = values[frozenset(names)] - values[frozenset()]
    assert math.isclose(math.fsum(shares.values()), whole, abs_tol=1e-9)


def test_more_causes_are_changed_one_by_one():
    plan = planned(6)
    assert plan.trainings == len(_sets(plan)) == 7
    assert not plan.every_order
    values = {some: float(len(some)) ** 2 for some in _sets(plan)}
    names = [factor.name for factor in plan.factors]
    assert [_share(name, names, values, plan) for name in names] == [1, 3, 5, 7, 9, 11]


def test_what_moves_nothing_or_is_no_value_is_not_tried_and_features_go_together():
    def cause(subject, component, *, idle=False, kind="configuration", a=SIDE):
        return Cause(kind, subject, 1, 2, component, a, None, idle)

    found = _factors(
        [
            cause("model.rate", "hyperparameters"),
            cause("registry.x.lag", "features", kind="features"),
            cause("selected", "features", kind="features"),
            cause("model.idle", "hyperparameters", idle=True),
            cause("description", ""),
            cause("repro.verbs.training.train", "execution_key", kind="code", a=None),
        ]
    )
    assert [(f.name, len(f.causes)) for f in found] == [("model.rate", 1), ("features", 2)]
