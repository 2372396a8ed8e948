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
