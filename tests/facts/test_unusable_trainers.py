"""Trainers that are offered and cannot be used: left out, and kept with the reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from repro.config.documents.catalog import declaration_schema
from repro.facts.offers import Offer
from repro.facts.trainers import declaration, families_of
from repro.facts.value_schemas import OURS, WORDS

NUMBER = iter(range(1000))


@pytest.fixture
def offer(tmp_path, monkeypatch):
    """Return what puts a declaration on the search path and gives the entry point of it."""
    monkeypatch.syspath_prepend(tmp_path)

    def made(name, distribution="acme", init="", **changes):
        package = f"stranger_{next(NUMBER)}"
        folder = tmp_path / package
        folder.mkdir()
        (folder / "__init__.py").write_text(init)
        known = json.loads(Path(declaration("ridge").file).read_text("utf-8"))
        (folder / "it.json").write_text(json.dumps({**known, "family": name, **changes}, indent=1))
        return Offer(name, f"{package}.it", distribution, "1.0")

    return made


def test_what_two_distributions_offer_is_left_out_and_the_rest_stays(offer):
    found = families_of([offer("one"), offer("two"), offer("two", "other")])
    assert list(found) == ["one"]
    assert "trainer 'two' is offered by: acme 1.0, other 1.0" in found.unusable["two"].problem


def test_a_broken_one_does_not_leave_its_name_to_another(offer):
    found = families_of([offer("one", tasks=3), offer("one", "other")])
    assert list(found) == []
    assert "is offered by" in found.unusable["one"].problem


def test_a_package_that_cannot_be_imported_is_named_with_its_error(offer):
    found = families_of([offer("one"), offer("two", init="raise SystemError('no')")])
    assert list(found) == ["one"]
    assert found.unusable["two"].problem.endswith("cannot be imported: SystemError: no")


def test_the_schema_of_declarations_knows_the_words_that_are_read():
    each = declaration_schema()["properties"]["hyperparameters"]["additionalProperties"]
    assert set(each["propertyNames"]["enum"]) == WORDS | OURS
