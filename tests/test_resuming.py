"""What is said when a command of several trainings is stopped."""

import pytest

from repro.errors import InterruptedRunError
from repro.verbs.research.resuming import GOES_ON, resumable

STRICT = {"level": "strict", "incomplete": []}


def stopped(made, *, run=None, rerun=False, snapshot=STRICT, error=None):
    """Return what is said of a command that came by some runs and was then stopped."""

    def command():
        with resumable(rerun=rerun) as going:
            for name in made:
                going.add(name, snapshot)
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


def test_nobody_is_told_that_it_goes_on_where_it_would_not():
    assert "without it, it goes on" in stopped(["a"], rerun=True).hint
    loose = {"level": "best-effort", "incomplete": []}
    assert "trains all again" in stopped(["a"], snapshot=loose).hint
    assert "trains all again" in stopped(["a"], snapshot={**STRICT, "incomplete": ["git"]}).hint


def test_runs_of_a_stage_and_of_the_command_around_it_are_counted_once():
    def stage():
        with resumable() as inner:
            inner.add("a", STRICT)
            inner.add("b", STRICT)
            raise KeyboardInterrupt

    def command():
        with resumable() as outer:
            outer.add("a", STRICT)
            stage()

    with pytest.raises(InterruptedRunError, match="2 runs before it are sealed"):
        command()
