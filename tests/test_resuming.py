"""What is said when a command of several trainings is stopped."""

from pathlib import Path

import pytest

from repro.errors import InterruptedRunError
from repro.verbs.research.resuming import GOES_ON, resumable
from repro.verbs.training.sealing import Outcome

STRICT = {"level": "strict", "incomplete": []}


def outcome(run, snapshot=STRICT, *, is_last=False):
    return Outcome(run, Path(), snapshot, {}, is_last=is_last)


def stopped(made, *, run=None, rerun=False, snapshot=STRICT, error=None):
    """Return what is said of a command that came by some runs and was then stopped."""

    def command():
        with resumable(rerun=rerun) as going:
            for name in made:
                going.add(outcome(name, snapshot))
            raise error or InterruptedRunError("whatever", run=run)

    with pytest.raises(InterruptedRunError) as caught:
        command()
    return caught.value


@pytest.mark.parametrize(
    ("made", "run", "problem"),
    [
        ([], None, "interrupted before the first run's plan: nothing was recorded"),
        ([], "b", "run b was interrupted"),
        (["a"], None, "interrupted before the plan of the next run; 1 run before it is sealed"),
        (["a", "b", "a"], "c", "run c was interrupted; 2 runs before it are sealed"),
    ],
)
def test_a_stop_says_what_is_sealed_and_that_the_same_command_goes_on(made, run, problem):
    error = stopped(made, run=run)
    assert (error.problem, error.hint, error.exit_status) == (problem, GOES_ON, 130)
    assert error.run == run
    assert error.sealed == set(made)


def test_a_stop_between_two_trainings_is_told_too():
    assert "1 run before it is sealed" in stopped(["a"], error=KeyboardInterrupt()).problem


def test_a_stop_that_came_when_a_run_was_sealed_lets_no_other_begin():
    begun = []

    def command():
        with resumable() as going:
            for name in "abc":
                begun.append(name)
                going.add(outcome(name, is_last=name == "b"))

    with pytest.raises(InterruptedRunError) as caught:
        command()
    assert begun == ["a", "b"]
    assert caught.value.sealed == {"a", "b"}
    assert "2 runs before it are sealed" in caught.value.problem


def test_nobody_is_told_that_it_goes_on_where_it_would_not():
    assert "without it, it goes on" in stopped(["a"], rerun=True).hint
    loose = {"level": "best-effort", "incomplete": []}
    assert "trains all again" in stopped(["a"], snapshot=loose).hint
    assert "trains all again" in stopped(["a"], snapshot={**STRICT, "incomplete": ["git"]}).hint


def test_runs_of_a_stage_and_of_the_command_around_it_are_counted_once():
    def stage():
        with resumable() as inner:
            inner.add(outcome("a"))
            inner.add(outcome("b"))
            raise KeyboardInterrupt

    def command():
        with resumable() as outer:
            outer.add(outcome("a"))
            stage()

    with pytest.raises(InterruptedRunError, match="2 runs before it are sealed"):
        command()
