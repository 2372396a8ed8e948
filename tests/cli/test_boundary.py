"""What stands behind an error decides its exit status."""

import pytest

from repro.cli.boundary import is_interrupt


class Stopping:
    """Somebody presses Ctrl-C while the class is made that this is a part of."""

    def __set_name__(self, owner, name):
        raise KeyboardInterrupt


def test_a_stop_while_a_class_is_made_is_a_stop():
    with pytest.raises((RuntimeError, KeyboardInterrupt)) as caught:
        type("Loaded", (), {"part": Stopping()})
    assert is_interrupt(caught.value)


def test_another_error_is_none():
    with pytest.raises(RuntimeError) as caught:
        raise RuntimeError("no") from ValueError("neither")
    assert not is_interrupt(caught.value)
