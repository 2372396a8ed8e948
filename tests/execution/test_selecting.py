"""Features are chosen from the rows that a model is fitted to: no other row can move a choice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.execution.fitting import Part
from repro.execution.selecting import Selector, choose, outcome
from repro.pipeline.samples import Samples
from repro.pipeline.splits.holding_out import HoldOut
from repro.trainers.contract import TrainerError

ROWS, COLUMNS = 60, 5
NAMES = tuple(f"f{n}" for n in range(COLUMNS))
SEEDS = {"fold 1, selection by spy": {"python": 1, "numpy": 2, "seed": 3}}


class Spy:
    """A family whose importance is the absolute covariance, and which keeps what it was given."""

    def __init__(self, says=None):
        self.jobs, self.says = [], says

    def fit(self, job, x, y, progress):
        self.jobs.append((job, x, y))
        return np.abs(np.where(np.isnan(x), 0, x).T @ (y - y.mean()))

    def importance(self, model):
        return model if self.says is None else np.array(self.says)

    def effective_parameters(self, model):
        return {"depth": 3}

    def rounds(self, model):
        return None


def samples(x, y):
    return Samples(
        X=x,
        y=y,
        time=np.arange(ROWS, dtype=np.int64),
        label_end=np.arange(ROWS, dtype=np.int64) + 1,
        symbol=np.zeros(ROWS, dtype=np.int32),
        symbols=("A",),
        names=NAMES,
        dropped={},
    )


def request(method, k=2):
    rule = {"method": method, "top_k": k}
    if method == "importance":
        rule |= {"aggregate": "mean_share", "families": [{"family": "spy", "parameters": {"d": 3}}]}
    return {
        "target": {"task": "regression"},
        "features": [{"name": name} for name in NAMES],
        "clipping": {"training_target_quantile": 0.1},
        "execution": {"threads": 1},
        "selection": rule,
    }


def chosen(method, data, rows, held=None, spy=None, k=2, watches=None):
    selectors = {"spy": Selector(spy or Spy(), {"fold 1": watches} if watches else {})}
    part = Part(rows, range(COLUMNS), held)
    return choose(selectors, request(method, k), data, part, "fold 1", SEEDS, lambda *_: None)


@settings(max_examples=40)
@given(st.sampled_from(["correlation", "importance"]), st.integers(0, 2**31), st.integers(1, 7))
def test_rows_that_are_not_fitted_to_cannot_move_a_choice(method, seed, k):
    draw = np.random.default_rng(seed)
    x, y = draw.normal(size=(ROWS, COLUMNS)), draw.normal(size=ROWS)
    x[draw.random(x.shape) < 0.1] = np.nan
    train = np.sort(draw.permutation(ROWS)[:30])
    other = np.setdiff1d(np.arange(ROWS), train)
    held = HoldOut(fit=train[:20], validation=train[24:])
    for hold in (None, held):
        rows = train if hold is None else hold.fit
        before = chosen(method, samples(x, y), train, hold, k=k)
        moved_x, moved_y = x.copy(), y.copy()
        away = np.setdiff1d(np.arange(ROWS), rows) if hold else other
        moved_x[away], moved_y[away] = draw.normal(size=(len(away), COLUMNS)) * 99, 1e6
        after = chosen(method, samples(moved_x, moved_y), train, hold, k=k)
        assert before.columns == after.columns
        assert before.scores.tobytes() == after.scores.tobytes()
        assert len(before.columns) == min(k, COLUMNS)


@pytest.mark.parametrize("method", ["correlation", "importance"])
def test_rows_that_are_fitted_to_do_move_a_choice(method):
    x, y = np.random.default_rng(1).normal(size=(ROWS, COLUMNS)), np.arange(ROWS, dtype=float)
    train = np.arange(30)
    for column in range(COLUMNS):
        seen = x.copy()
        seen[train, column] = 50 * y[train]
        assert column in chosen(method, samples(seen, y), train, k=1).columns


def test_a_family_is_fitted_as_it_would_be_if_it_were_trained():
    x, y = np.random.default_rng(1).normal(size=(ROWS, COLUMNS)), np.arange(ROWS, dtype=float)
    spy, train = Spy(), np.arange(30)
    chosen("importance", samples(x, y), train, spy=spy)
    ((job, given_x, given_y),) = spy.jobs
    assert (job.features, job.parameters, job.seeds) == ([*NAMES], {"d": 3}, {"seed": 3})
    assert given_x.tobytes() == x[train].tobytes()
    assert given_x.flags.c_contiguous
    assert (given_y.min(), given_y.max()) == pytest.approx((2.9, 26.1))  # clipped by its own rows
    assert job.validation is None


def test_a_family_that_stops_early_watches_what_is_held_out():
    x, y = np.random.default_rng(1).normal(size=(ROWS, COLUMNS)), np.arange(ROWS, dtype=float)
    spy, cut = Spy(), HoldOut(fit=np.arange(20), validation=np.arange(24, 30))
    chosen("importance", samples(x, y), np.arange(30), spy=spy, watches=cut)
    ((job, given_x, _),) = spy.jobs
    assert len(given_x) == 20
    assert job.validation[0].tobytes() == x[24:30].tobytes()


@pytest.mark.parametrize("says", [[1.0] * 4, [1.0, np.nan, 0, 0, 0], [1.0, -1.0, 0, 0, 0]])
def test_an_importance_that_is_none_is_an_error(says):
    data = samples(np.ones((ROWS, COLUMNS)), np.arange(ROWS, dtype=float))
    with pytest.raises(TrainerError, match="spy does not say how much each feature counts"):
        chosen("importance", data, np.arange(30), spy=Spy(says))


def test_an_infinite_importance_is_not_blamed_on_the_trainer():
    data = samples(np.ones((ROWS, COLUMNS)), np.arange(ROWS, dtype=float))
    with pytest.raises(
        TrainerError, match=f"feature {NAMES[1]} counts infinitely much in spy: the"
    ):
        chosen("importance", data, np.arange(30), spy=Spy([1.0, np.inf, 0, 0, 0]))


def test_what_was_chosen_is_told_by_stage_and_stability_is_that_of_the_folds():
    data = samples(
        np.random.default_rng(1).normal(size=(ROWS, COLUMNS)), np.arange(ROWS, dtype=float)
    )
    a = chosen("importance", data, np.arange(30), k=1)
    b = chosen("importance", data, np.arange(30, 60), k=COLUMNS)
    found = outcome({"fold 1": a, "fold 2": a, "final": b}, NAMES, "final")["selection"]
    assert found["stages"]["final"]["chosen"] == [*NAMES]
    assert found["stages"]["fold 1"]["chosen"] == [NAMES[n] for n in a.columns]
    assert found["stages"]["fold 1"]["scores"] == dict(zip(NAMES, a.scores.tolist(), strict=True))
    assert found["stability"] == 1.0
    assert found["models"]["spy"]["effective"]["final"] == {"depth": 3}
    assert outcome({"fold 1": None, "final": None}, NAMES, "final") == {}
