"""Which sealed runs may be taken for one that is needed: by what both were made for."""

import pytest

from repro.runs.purpose import KINDS, Purpose, purpose_in, stands_for
from repro.runs.sealed import all_runs, runs_of

from .laid_down import seal

ASKED = (None, *(Purpose(kind) for kind in KINDS if kind != "attribution"))
ATTRIBUTION = Purpose("attribution", ("a-1", "b-1"))


@pytest.mark.parametrize("sealed", [*ASKED, ATTRIBUTION], ids=str)
@pytest.mark.parametrize("needed", [*ASKED, ATTRIBUTION, Purpose("attribution")], ids=str)
def test_nothing_but_an_attribution_takes_what_one_trained_and_that_takes_all(
    tmp_path, sealed, needed
):
    seal(tmp_path, 1, **({} if sealed is None else {"made_for": sealed.record()}))
    seal(tmp_path, 2)
    run = all_runs(tmp_path)[0]
    assert purpose_in(run.snapshot) == sealed
    asked = needed is None or needed.kind != "attribution"
    is_taken = not (sealed == ATTRIBUTION and asked)
    assert stands_for(sealed, needed) is is_taken
    found = runs_of(tmp_path, run.group["execution_key"], needed)
    assert found == ((run,) if is_taken else ())
