"""Files of a run as people read them: the JSON of the standard library, written faster."""

from __future__ import annotations

import enum
import json
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.identity.keys import EXACT, exact_integers
from repro.runs.writing import json_text, spelled

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-EXACT - 2, -EXACT + 2)
    | st.integers(EXACT - 2, EXACT + 2)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner),
)


def plainly(value: Any) -> str:
    """Return what the standard library writes."""
    kept = exact_integers(value)
    text = json.dumps(kept, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return text + "\n"


@given(VALUES)
def test_it_writes_what_the_standard_library_writes(value: Any) -> None:
    assert json_text(value) == plainly(value)


@given(st.dictionaries(st.integers(), SCALARS) | st.dictionaries(st.booleans(), SCALARS))
def test_keys_that_are_no_strings_become_strings(value: dict[Any, Any]) -> None:
    assert json_text(value) == plainly(value)


@given(st.lists(VALUES))
def test_parts_that_are_spelled_before_are_written_as_they_stand(parts: list[Any]) -> None:
    document = {"a": 1, "parts": [spelled(part, 2) for part in parts]}
    assert json_text(document) == plainly({"a": 1, "parts": parts})


def test_a_mapping_that_cannot_be_changed_is_written_as_any() -> None:
    assert json_text(MappingProxyType({"b": (1, 2), "a": {}})) == plainly({"b": [1, 2], "a": {}})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_finite_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text({"loss": [value]})


def test_what_json_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        json_text({"path": object()})


class Plain(int, enum.Enum):
    A = 3


class Odd(int):
    def __str__(self):
        return "odd"

    __repr__ = __str__


@pytest.mark.parametrize("value", [Plain.A, Odd(3), Odd(2**60)])
def test_whole_numbers_of_a_kind_of_their_own_are_written_as_plain_ones(value: int) -> None:
    assert json_text([value]) == plainly([int(value)])
    assert json_text({value: 1}) == plainly({int(value): 1})


@pytest.mark.parametrize("key", [float("nan"), float("inf"), (1, 2), frozenset()])
def test_keys_that_json_has_in_no_form_are_refused(key: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        json_text({key: 1})
