"""What an executor tells is believed of tasks that are at that, and of no others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.audit_log.formats.canonical import canonical
from repro.errors import (
    DeterminismError,
    InputError,
    IntegrityError,
    InterruptedRunError,
    TrainingError,
)
from repro.execution.executor import Failed, Finished, Prepared, Progressed
from repro.sweeping.hearing import Hearing

FACTS = {"facts": {}, "environment": {}}
LOST = TrainingError("lost")


@pytest.fixture
def hearing():
    """Return one with a task that prepares, and a list of what it warned of."""
    warned = []
    found = Hearing(warned.append)
    found.gives(1)
    return found, warned


def trains(hearing, number=1):
    assert [event.number for event in hearing.of([Prepared(number, FACTS)]).prepared] == [number]
    hearing.lets_train(number)


def problem(heard):
    (failed,) = heard.failed
    assert (heard.prepared, heard.finished, heard.broken) == ((), (), (failed.number,))
    assert "one outcome" in failed.error.hint
    return failed.error.problem


def test_a_task_that_prepares_trains_and_finishes_is_believed(hearing):
    hearing, warned = hearing
    trains(hearing)
    events = [Progressed(1, "final", 1, 2), Finished(1, {"files": []})]
    heard = hearing.of(events)
    assert [*heard.progressed, *heard.finished] == events
    assert (heard.failed, heard.broken, warned) == ((), (), [])


def test_one_that_prepares_again_after_it_was_let_train_fails(hearing):
    hearing, _ = hearing
    trains(hearing)
    assert "prepared once more while it was let train" in problem(hearing.of([Prepared(1, FACTS)]))


def test_of_one_that_prepares_twice_at_once_neither_is_planned(hearing):
    hearing, _ = hearing
    assert "prepared once more" in problem(hearing.of([Prepared(1, FACTS), Prepared(1, FACTS)]))


@pytest.mark.parametrize("before", [[], [Prepared(1, FACTS)]])
def test_one_that_finishes_before_it_was_let_train_fails(hearing, before):
    hearing, _ = hearing
    assert "finished while it" in problem(hearing.of([*before, Finished(1, {})]))


@pytest.mark.parametrize("facts", [None, {}, [], {"facts": {}}, {"facts": [], "environment": {}}])
def test_one_that_prepares_without_facts_fails(hearing, facts):
    hearing, _ = hearing
    assert "no facts" in problem(hearing.of([Prepared(1, facts)]))


def test_the_first_end_counts_and_a_second_is_warned_of(hearing):
    hearing, warned = hearing
    trains(hearing)
    heard = hearing.of([Finished(1, {}), Failed(1, LOST)])
    assert (heard.finished, heard.failed) == ((Finished(1, {}),), ())
    (warning,) = warned
    assert "Failed of a task that is over" in warning


def test_what_is_told_of_a_task_that_was_taken_back_is_warned_of_once(hearing):
    hearing, warned = hearing
    hearing.takes_back(1)
    for _ in range(3):
        late = [Progressed(1, "final", 1, 2), Prepared(1, FACTS), Failed(1, LOST)]
        assert not any(vars_of(hearing.of(late)))
    assert [w.partition(":")[0] for w in warned] == [
        "the executor tells Prepared of a task that is over",
        "the executor tells Failed of a task that is over",
    ]


def vars_of(heard):
    return [heard.progressed, heard.prepared, heard.finished, heard.failed, heard.broken]


@pytest.mark.parametrize("event", [Prepared(7, FACTS), Finished(7, {}), Failed(7, LOST)])
def test_a_number_that_nobody_gave_is_warned_of(hearing, event):
    hearing, warned = hearing
    assert not any(vars_of(hearing.of([event])))
    assert "a task that it was never given" in warned[0]


@pytest.mark.parametrize("event", [None, "done", 1, {"number": 1}])
def test_what_is_no_event_is_warned_of(hearing, event):
    hearing, warned = hearing
    assert not any(vars_of(hearing.of([event])))
    assert "which is no event" in warned[0]


def test_a_failure_is_told_of_with_its_own_error_or_in_words(hearing):
    hearing, _ = hearing
    hearing.gives(2)
    own = InputError("no space")
    first, second = hearing.of([Failed(1, own), Failed(2, OSError("broken pipe"))]).failed
    assert first.error is own
    assert isinstance(second.error, TrainingError)
    assert "broken pipe" in second.error.problem


@pytest.mark.parametrize("kind", [IntegrityError, InterruptedRunError])
def test_what_no_worker_knows_of_is_a_failure_of_the_worker(hearing, kind):
    """Of the log it knows nothing; told so, the whole sweep would stop."""
    (failed,) = hearing[0].of([Failed(1, kind("tampered", "give up"))]).failed
    assert type(failed.error) is TrainingError
    assert (failed.error.problem, failed.error.hint) == ("tampered", "give up")


@pytest.mark.parametrize("kind", [InputError, DeterminismError, TrainingError])
def test_what_is_told_of_a_failure_can_be_recorded_whatever_it_is(hearing, kind):
    error = kind("half: \ud83d", {"a": 1})
    error.tail = ["\ud83d"]
    (failed,) = hearing[0].of([Failed(1, error)]).failed
    assert type(failed.error) is kind
    canonical([failed.error.problem, failed.error.hint, failed.error.tail])
    assert failed.error.problem == "half: \\ud83d"


def test_what_is_nested_without_end_is_passed_over_as_anything(hearing):
    hearing, warned = hearing
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert not any(
        vars_of(hearing.of([deep, Progressed(1, deep, 1, 2), Progressed(1, "a", 1, {})]))
    )
    assert "a list, nested without end" in warned[0]
    (failed,) = hearing.of([Failed(1, TrainingError(deep, deep))]).failed
    assert failed.error.problem == "a list, nested without end"


NUMBERS = st.integers(0, 3)
EVENTS = st.one_of(
    st.builds(Prepared, NUMBERS, st.sampled_from([FACTS, {}])),
    st.builds(Progressed, NUMBERS, st.just("final"), st.just(1), st.just(2)),
    st.builds(Finished, NUMBERS, st.just({})),
    st.builds(Failed, NUMBERS, st.just(LOST)),
)


@given(st.lists(st.lists(EVENTS, max_size=4), max_size=8))
def test_whatever_is_told_a_task_is_planned_once_and_ends_once_after_its_plan(batches):
    hearing = Hearing(lambda _: None)
    for number in (1, 2):
        hearing.gives(number)
    planned, ended = [], []
    for batch in batches:
        heard = hearing.of(batch)
        assert {event.number for event in heard.finished} <= set(planned)
        failed = {event.number for event in heard.failed}
        assert set(heard.broken) <= failed
        assert not failed & {event.number for event in heard.prepared}
        for event in heard.prepared:
            hearing.lets_train(event.number)
            planned.append(event.number)
        ended += [event.number for event in (*heard.finished, *heard.failed)]
        assert not set(ended) & {event.number for event in heard.prepared}
    assert len(planned) == len(set(planned))
    assert len(ended) == len(set(ended))
    assert {*planned, *ended} <= {1, 2}
