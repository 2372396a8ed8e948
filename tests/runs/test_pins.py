"""Names of runs: they count once they are signed, and stand for bits."""

import pytest

from repro.audit_log.formats.record import Actor, Tool
from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.storage.layout import LINES
from repro.audit_log.storage.store import Log
from repro.errors import IntegrityError, UsageError
from repro.runs.finding import find, pins

from .test_index import seal


@pytest.fixture
def root(tmp_path):
    """Return a workspace with two runs."""
    (tmp_path / "work" / "CONFIG").mkdir(parents=True)
    for number in (1, 2):
        seal(tmp_path / "work", number)
    return tmp_path / "work"


@pytest.fixture
def log(root, tmp_path):
    """Return its log."""
    actor, tool = Actor("ada", "engine", "test"), Tool("tests", "1")
    keys = KeyStore(tmp_path / "keys")
    return Log.create(root / "AUDIT_LOG", actor=actor, tool=tool, keys=keys)


def name(log, run, digest):
    log.append("run.pinned", {"name": "base", "run": run, "output_digest": digest})


def test_a_name_is_moved_by_what_is_signed_and_by_nothing_else(log, root):
    one, other = (find(root, f"@latest~{back}") for back in (1, 0))
    name(log, one.name, one.snapshot["output_digest"])
    assert pins(root) == {}
    log.commit()
    name(log, other.name, other.snapshot["output_digest"])  # which needs no key
    assert pins(root) == {"base": one.name}
    assert find(root, "@base").name == one.name
    log.commit()
    assert find(root, "@base").name == other.name
    name(log, None, None)
    assert pins(root) == {"base": other.name}
    log.commit()
    with pytest.raises(UsageError, match="no run is called '@base'"):
        find(root, "@base")


def test_a_name_without_its_sign_is_meant_by_it(log, root):
    run = find(root, "@latest")
    name(log, run.name, run.snapshot["output_digest"])
    log.commit()
    for said, meant in (("base", "@base"), ("bases", "@base"), ("lates", "@latest")):
        with pytest.raises(UsageError) as told:
            find(root, said)
        assert told.value.problem == f"no run is called {said!r}; did you mean {meant}?"
    with (root / "AUDIT_LOG" / LINES).open("a") as lines:
        lines.write('{"no":"record","type":"run.pinned"}\n')
    with pytest.raises(UsageError, match=r"no run is called 'bases'$"):
        find(root, "bases")


def test_a_name_that_was_given_to_other_bits_stands_for_no_run(log, root):
    name(log, find(root, "@latest").name, "0" * 64)
    log.commit()
    with pytest.raises(IntegrityError, match="@base was given to other bits"):
        find(root, "@base")
