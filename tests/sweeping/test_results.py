"""What a sweep knows of results is what the log says of each key, by the time it asks."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.audit_log.formats.record import MAX_LINE, Tool
from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.storage.creation import local_actor
from repro.audit_log.storage.store import Log
from repro.errors import IntegrityError
from repro.verbs.audit.log import DIRECTORY, contradictions, records_naming
from repro.verbs.audit.results import Results

KEYS = st.sampled_from(["a" * 64, "b" * 64])
DIGESTS = st.sampled_from(["0" * 64, "1" * 64])


def new(base):
    """Return a log and its workspace."""
    keys, root = KeyStore(base / "keys"), base / "workspace"
    root.mkdir()
    return Log.create(root / DIRECTORY, actor=local_actor(), tool=Tool("t", "1"), keys=keys), root


@st.composite
def records(draw):
    kind = draw(st.sampled_from(["run.completed", "command.executed", "run.verified", "incident"]))
    key, digests = draw(KEYS), draw(st.lists(DIGESTS, min_size=1, max_size=2))
    body = {"run": "r-1", "execution_key": key, "promised": draw(st.booleans())}
    result = {"produced": digests} if kind == "run.verified" else {"output_digest": digests[0]}
    return kind, body | result


@settings(max_examples=20)
@given(batches=st.lists(st.lists(records(), max_size=3), min_size=1, max_size=4), data=st.data())
def test_it_says_what_a_search_of_the_log_says_however_often_it_is_asked(
    tmp_path_factory, batches, data
):
    log, root = new(tmp_path_factory.mktemp("log"))
    results = Results(root)
    for batch in batches:
        for kind, body in batch:
            log.append(kind, body)
        if data.draw(st.booleans()):
            log.seal()  # its lines move into another file
        key, digest = data.draw(KEYS), data.draw(DIGESTS)
        asked = {"promised": True, "execution_key": key, "output_digest": digest}
        assert results.contradict(key, digest) == bool(contradictions(root, asked))
        completed = [
            body for kind, body in records_naming(root, key)
            if kind == "run.completed" and body["promised"]
        ]  # fmt: skip
        assert results.completed(key) == (completed[-1] if completed else None)


def test_a_line_that_is_half_written_is_read_once_it_is_whole(tmp_path):
    log, root = new(tmp_path)
    body = {"run": "r-1", "execution_key": "a" * 64, "promised": True, "output_digest": "0" * 64}
    log.append("run.completed", body)
    lines = root / DIRECTORY / "log.jsonl"
    whole = lines.read_bytes()
    results = Results(root)
    lines.write_bytes(whole[:-9])
    assert not results.contradict("a" * 64, "1" * 64)
    lines.write_bytes(whole)
    assert results.contradict("a" * 64, "1" * 64)
    assert results.completed("a" * 64) == body
    lines.write_bytes(whole + b"x" * (MAX_LINE + 9))
    with pytest.raises(IntegrityError, match="too long"):
        results.completed("a" * 64)
    lines.write_bytes(whole + b'{"type":"run.completed"}\n')
    with pytest.raises(IntegrityError, match="a line that is no record"):
        results.contradict("a" * 64, "1" * 64)


KEY = "a" * 64
RESULT = {"run": "r-1", "execution_key": KEY, "promised": True}


@pytest.mark.parametrize(
    "body",
    [
        {"run": "x", "execution_key": KEY},
        RESULT,
        RESULT | {"produced": 5},
        RESULT | {"produced": ["zz"]},
        RESULT | {"produced": ["2" * 63]},
        RESULT | {"produced": [["2" * 64]]},
        RESULT | {"produced": ["2" * 64], "promised": "yes"},
        RESULT | {"produced": ["2" * 64], "run": "\x1b[2J"},
        RESULT | {"produced": ["2" * 64], "run": 5},
        RESULT | {"produced": [], "other_keys": 5},
        RESULT | {"produced": [], "other_keys": [5]},
        RESULT | {"produced": [], "other_keys": [{"execution_key": "zz", "produced": ["zz"]}]},
        RESULT | {"produced": [], "other_keys": [{"produced": ["2" * 64], "run": KEY}]},
    ],
)
def test_a_line_that_has_not_the_form_of_a_result_is_passed_over(tmp_path, body):
    log, root = new(tmp_path)
    log.append("run.verified", body)
    log.append("run.completed", RESULT | {"output_digest": "0" * 64})
    asked = RESULT | {"output_digest": "1" * 64}
    assert contradictions(root, asked) == [{"run": "r-1", "output_digest": "0" * 64}]
    assert Results(root).contradict(KEY, "1" * 64)
    assert not Results(root).contradict(KEY, "0" * 64)


def test_a_log_that_was_cut_and_has_grown_again_is_read_anew(tmp_path):
    log, root = new(tmp_path)
    lines = root / DIRECTORY / "log.jsonl"
    first = lines.read_bytes()
    log.append("run.completed", RESULT | {"output_digest": "0" * 64})
    log.append("run.failed", {"run": "r-2"})
    results = Results(root)
    assert results.completed(KEY)["output_digest"] == "0" * 64
    lines.write_bytes(first)
    log = Log.open(root / DIRECTORY, keys=KeyStore(tmp_path / "keys"))
    for number in range(9):
        log.append("run.failed", {"run": f"r-{number}"})
    log.append("run.completed", RESULT | {"output_digest": "1" * 64})
    assert results.completed(KEY)["output_digest"] == "1" * 64
    assert not results.contradict(KEY, "1" * 64)
    lines.write_bytes(first)
    assert results.completed(KEY) is None


def test_of_what_is_pruned_no_result_is_left_to_stand_for_another(tmp_path):
    log, root = new(tmp_path)
    body = {"run": "r-1", "execution_key": "a" * 64, "promised": True, "output_digest": "0" * 64}
    log.append("run.completed", body)
    before = Results(root)
    assert before.completed("a" * 64) == body
    log.seal(retention={"keep_until": "2025-01-31", "policy": "test"})
    log.append("run.completed", body | {"execution_key": "b" * 64})
    log.prune(0, reason="test", held=lambda: None)
    for results in (before, Results(root)):
        assert results.completed("a" * 64) is None
        assert results.completed("b" * 64)["execution_key"] == "b" * 64
    assert not Results(root).contradict("a" * 64, "1" * 64)
