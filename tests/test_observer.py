"""Who listens to a verb: what cannot is refused, and what it raises is its own."""

from dataclasses import replace

import pytest

from repro.errors import UsageError
from repro.verbs.observer import Observer, who_raised
from repro.verbs.training.ending import as_bug


@pytest.mark.parametrize("name", ["stage", "progress", "warn"])
def test_what_listens_is_named_for_what_it_raises_and_our_own_mistakes_stay_ours(name):
    def raises(*_):
        raise ValueError("mine")

    observer = replace(Observer(**{name: raises}))  # what is copied is noted once
    with pytest.raises(ValueError, match="mine") as caught:
        getattr(observer, name)("a", 1, 2)
    assert who_raised(caught.value) == name
    assert len(caught.value.__notes__) == 1
    assert as_bug(caught.value).problem == f"the Observer's {name} raised ValueError: mine"
    assert as_bug(ValueError("mine")).problem == "a bug in repro: ValueError: mine"


def test_what_cannot_be_called_does_not_listen():
    with pytest.raises(UsageError, match=r"Observer: stage is 3 \(int\); something that can be"):
        Observer(stage=3)
    heard = []
    Observer(stage=heard.append).stage("told")
    assert heard == ["told"]
