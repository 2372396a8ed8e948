"""Names of runs: they count once they are signed, and stand for bits."""

import json

import pytest

from repro.audit_log.formats.record import Actor, Tool
from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.storage.layout import LINES
from repro.audit_log.storage.store import Log
from repro.errors import IntegrityError, UsageError
from repro.runs.finding import find, pins
from repro.runs.index import opened
from repro.verbs.sealed.listing import ListCommand, list_runs
from repro.verbs.sealed.pins import Pin, all_pins

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
    lines = (root / "AUDIT_LOG" / LINES).read_text("utf-8").splitlines()
    assert all_pins(root) == (Pin("base", other.name, json.loads(lines[-1])["seq"]),)
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


def verified(run, verdict):
    return "run.verified", {"run": run, "verdict": verdict}


def accused(run, key="a" * 64):
    return "incident", {"run": run, "execution_key": key, "others": []}


def test_a_verification_or_an_incident_counts_once_it_is_signed(log, root):
    run = find(root, "@latest").name
    log.append(*verified(run, "not reproduced"))
    log.commit()
    log.append_many([verified(run, "reproduced"), accused(run)])  # which needs no key

    def said():
        (first, _) = list_runs(ListCommand(root)).runs
        with opened(root) as index:
            marks = index.marks([run])[run]
        accused = list_runs(ListCommand(root, incidents=True)).matching
        return first.verified, first.incidents, accused, len(marks)

    assert said() == ("not reproduced", 0, 0, 1)
    log.commit()
    assert said() == ("reproduced", 1, 1, 3)


@pytest.mark.parametrize(
    "record",
    [
        verified("RUN", "\x1b[2J\nfoo"),
        verified("RUN", "splendid"),
        verified("RUN", {"a": 1}),
        verified("RUN", ["reproduced"]),
        verified(["RUN"], "reproduced"),
        ("run.verified", []),
        accused("RUN", "\x1b[2J"),
        accused("RUN", {"a": 1}),
        accused("RUN", None),
        ("run.pinned", {"name": "\x1b[2J", "run": "RUN", "output_digest": "0" * 64}),
        ("run.completed", {"run": {"a": 1}, "artifacts": [{"path": "x/snapshot.json"}]}),
        ("run.completed", {"run": "RUN", "artifacts": [5]}),
        ("run.completed", {"run": "RUN", "artifacts": [{"path": "/snapshot.json", "blake3": {}}]}),
    ],
)
def test_what_no_such_record_can_say_is_not_taken_in(log, root, record):
    run = find(root, "@latest").name
    kind, body = json.loads(json.dumps(record).replace('"RUN"', f'"{run}"'))
    lines = root / "AUDIT_LOG" / "log.jsonl"
    line = {"body": body, "seq": 0, "type": kind}
    lines.write_text(lines.read_text() + json.dumps(line, separators=(",", ":")) + "\n")
    with opened(root) as index:
        assert index.marks([run])[run] == []
        assert index.count() == 2
