"""A verifier that comes back reads only what is new, and still believes nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from repro.audit_log.errors import LogUnusableError
from repro.audit_log.formats.record import Record
from repro.audit_log.verification import index
from repro.audit_log.verification.continuing import verify_from
from repro.audit_log.verification.faults import Fault, Report
from repro.audit_log.verification.reading import Text

from .conftest import Site
from .test_verify import forget, lines_of, rewrite, sign_again, write


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return where the verifier remembers."""
    (tmp_path / "auditor").mkdir()
    return tmp_path / "auditor" / "state"


def again(site: Site, state: Path, **more: object) -> Report:
    """Verify from where the verifier stopped, with the log's own key pinned."""
    given = {"vkeys": [site.vkey], **more}
    return verify_from(state, site.directory, **given)  # type: ignore[arg-type]


def grow(site: Site, count: int, text: str = "more") -> None:
    """Add committed records."""
    log = site.open()
    log.append_many([("incident", {"text": text})] * count)
    log.commit()


def test_only_what_is_new_is_read_and_the_verdict_says_so(
    full: Site, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = again(full, state)
    assert (first.verdict, first.remembered, first.size) == ("ok", 0, 4)
    grow(full, 3)
    read: list[int] = []
    whole = Text.read

    def watched(self: Text, offset: int, size: int) -> bytes:
        read.append(offset)
        return whole(self, offset, size)

    committed = len(b"".join(line + b"\n" for line in lines_of(full)[:4]))
    monkeypatch.setattr(Text, "read", watched)
    report = again(full, state)
    assert (report.verdict, report.remembered, report.size) == ("ok", 4, 7)
    assert [offset for offset in read if offset] == [committed]
    assert any("records 0-3 again" in text for text in report.not_checked)
    assert "3 records: framing, order, chain, tree" in report.checked
    assert report.head == full.verify().head
    assert again(full, state).remembered == 7


def test_what_is_durable_and_not_committed_is_read_again(full: Site, state: Path) -> None:
    full.open().append("run.planned", {"run": "r2"})
    assert again(full, state).verdict == "incomplete"
    report = again(full, state)
    assert (report.verdict, report.remembered, report.size) == ("incomplete", 4, 5)
    full.open().append("run.completed", {"run": "r2", "plan": 4})
    full.open().commit()
    assert again(full, state).verdict == "ok"


def test_an_open_plan_is_remembered_until_it_ends(full: Site, state: Path) -> None:
    log = full.open()
    log.append("run.planned", {"run": "r2"})
    log.commit()
    assert [fault.seq for fault in again(full, state).faults] == [4]
    grow(full, 2)
    report = again(full, state)
    assert (report.verdict, report.remembered, report.faults[0].seq) == ("incomplete", 5, 4)
    log.append("run.failed", {"run": "r2", "plan": 4})
    log.commit()
    report = again(full, state)
    assert (report.verdict, report.remembered) == ("ok", 7)


def test_a_run_that_is_planned_again_is_seen_across_every_boundary(
    full: Site, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "MAX_PARTS", 3)
    log = full.open()
    for turn in range(9):  # parts are added, and merged into new files
        plan = log.append("run.planned", {"run": f"t{turn}"}).seq
        log.append("run.completed", {"run": f"t{turn}", "plan": plan})
        log.commit()
        assert again(full, state).verdict == "ok"
        assert len(list(state.parent.glob("state.runs-*"))) == 1
    for run, first in (("r1", 1), ("t0", 4), ("t8", 20)):
        twin = full.copy(f"twin-{run}")
        log = twin.open()
        log.append("run.planned", {"run": run})
        log.append("run.completed", {"run": run, "plan": 22})
        log.commit()
        for _ in range(2):  # what is wrong stays visible
            report = again(twin, state)
            assert (report.verdict, report.remembered) == ("tampered", 18 + 4)
            message = f"record 22 plans the run of record {first} a second time"
            assert [fault.message for fault in report.faults] == [message]


def test_a_log_that_was_cut_back_is_rolled_back(full: Site, state: Path) -> None:
    grow(full, 3)
    again(full, state)
    lines = lines_of(full)[:5]
    write(full, lines)
    sign_again(full, lines)
    assert full.verify().verdict == "ok"
    for _ in range(2):
        assert again(full, state).verdict == "rolled back"
    assert again(full, state, full=True).verdict == "rolled back"


@pytest.mark.parametrize("more", [0, 1, 5])
def test_a_log_that_was_rewritten_is_forked(full: Site, state: Path, more: int) -> None:
    again(full, state)
    if more:
        grow(full, more)
    rewrite(full, lines_of(full), forget)
    assert full.verify().verdict == "ok"
    assert again(full, state).verdict == "forked"
    assert again(full, state, full=True).verdict == "forked"


def test_a_log_that_is_another_is_not_taken_for_it(full: Site, state: Path, tmp_path: Path) -> None:
    again(full, state)
    (tmp_path / "other" / "workspace").mkdir(parents=True)
    other = Site(tmp_path / "other")
    other.create()
    assert again(other, state).verdict == "unverifiable"


@pytest.mark.parametrize("place", [0, 4, 5])
def test_a_changed_record_is_found_where_it_is_read_and_by_full_where_not(
    full: Site, state: Path, place: int
) -> None:
    again(full, state)
    grow(full, 2)
    lines = lines_of(full)
    write(full, [*lines[:place], lines[place].replace(b'"tests"', b'"toads"'), *lines[place + 1 :]])
    report = again(full, state)
    if place == 0:
        assert (report.verdict, report.remembered) == ("ok", 4)
        assert any("records 0-3 again" in text for text in report.not_checked)
        assert again(full, state, full=True).verdict == "tampered"
    else:
        assert report.verdict == "tampered"
        assert report.faults[0].seq in (place, place + 1, None)


def test_faults_are_not_forgotten_by_moving_on(full: Site, state: Path) -> None:
    again(full, state)
    log = full.open()
    log.append("run.failed", {"run": "never", "plan": 1})
    log.commit()
    for _ in range(2):
        grow(full, 1)
        report = again(full, state)
        assert (report.verdict, report.remembered) == ("incomplete", 4)


def test_without_the_right_key_nothing_is_remembered(full: Site, state: Path) -> None:
    assert verify_from(state, full.directory).verdict == "unverifiable"
    assert not state.exists()


def test_an_older_checkpoint_than_what_is_remembered_is_checked_from_the_start(
    full: Site, state: Path
) -> None:
    kept = full.checkpoint.read_bytes()
    grow(full, 2)
    again(full, state)
    report = again(full, state, old_checkpoint=kept)
    assert (report.verdict, report.level, report.remembered) == ("ok", 2, 0)
    newer = full.checkpoint.read_bytes()
    grow(full, 1)
    report = again(full, state, old_checkpoint=newer)
    assert (report.level, report.remembered) == (2, 6)


class Counting:
    """A judge that counts incidents."""

    types = frozenset({"incident"})

    def __init__(self) -> None:
        """Begin at nothing."""
        self.count = 0
        self.lines = 0
        self.checked: list[str] = []
        self.not_checked: list[str] = []
        self.warnings: list[str] = []

    def see_lines(self, first: int, lines: Sequence[bytes]) -> list[Fault]:
        """Count lines."""
        self.lines += len(lines)
        return []

    def finish(self) -> list[Fault]:
        """Say how many there were."""
        self.checked.append(f"{self.lines} lines seen")
        return []

    def see(self, record: Record) -> list[Fault]:
        """Count one."""
        self.count += 1
        return [Fault(record.seq, "run", "bad")] if record.body.get("text") == "bad" else []

    def state(self) -> object:
        """Return the count."""
        return self.count

    def resume(self, state: object) -> None:
        """Count on."""
        assert isinstance(state, int)
        self.count = state


def test_judges_go_on_where_they_were_and_new_ones_see_everything(full: Site, state: Path) -> None:
    again(full, state)
    judge = Counting()
    assert again(full, state, observers=[judge]).remembered == 0
    grow(full, 2)
    for remembered in (4, 6):
        judge = Counting()
        report = again(full, state, observers=[judge])
        assert report.remembered == remembered
        assert f"{6 - remembered} lines seen" in report.checked
        assert judge.count == 3
    grow(full, 1, "bad")
    judge = Counting()
    assert again(full, state, observers=[judge]).verdict == "incomplete"
    lines = lines_of(full)
    write(full, [*lines[:5], lines[5].replace(b'"tests"', b'"toads"'), *lines[6:]])
    judge = Counting()  # the walk starts over, and the judge with it
    full.verify(observers=[judge])
    assert judge.count == 4


def test_the_state_is_never_kept_where_the_owner_of_the_log_could_write_it(full: Site) -> None:
    (full.root / "link").symlink_to(full.directory)
    for path in (full.directory / "state", full.directory / "derived" / "state",
                 full.root / "link" / "state"):  # fmt: skip
        with pytest.raises(LogUnusableError, match="lies in the directory of a log"):
            again(full, path)
        assert not path.exists()


BROKEN = {
    "empty": b"",
    "not JSON": b"{",
    "null": b"null",
    "deep": b"[" * 100_000,
    "NaN": b'{"a":NaN}',
    "not UTF-8": b"\xff",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_damaged_state_is_refused(full: Site, state: Path, name: str) -> None:
    state.write_bytes(BROKEN[name])
    with pytest.raises(LogUnusableError, match="is not what a verification has left"):
        again(full, state)
    assert state.read_bytes() == BROKEN[name]


def test_every_member_of_a_state_is_needed_and_checked(full: Site, state: Path) -> None:
    again(full, state)
    grow(full, 2)
    good = json.loads(state.read_bytes())

    def put(value: object) -> None:
        state.write_text(json.dumps(value, sort_keys=True, separators=(",", ":")))

    for name in good:
        put({key: value for key, value in good.items() if key != name})
        with pytest.raises(LogUnusableError):
            again(full, state)
        put({**good, name: None})
        with pytest.raises(LogUnusableError):
            again(full, state)
    [runs] = state.parent.glob("state.runs-*")
    planned = runs.read_bytes()

    def verdict(change: dict[str, object]) -> str:
        runs.write_bytes(planned)
        put({**good, **change})
        try:
            return again(full, state).verdict
        except LogUnusableError:
            return "refused"

    for name, allowed in (
        ("size", {"refused"}),
        ("offset", {"ok", "refused"}),  # not where a record ends: read again, from the start
        ("backwards", {"ok", "refused"}),
    ):
        assert {verdict({name: value}) for value in (-1, True, 2**53 - 1)} == allowed
    assert verdict({"head": "0" * 64}) == "ok"
    assert verdict({"nodes": ["0" * 64]}) == "forked"
    assert verdict({"origin": "repro.log/other"}) == "unverifiable"


@pytest.mark.parametrize("kind", ["link", "pipe", "directory"])
def test_a_state_that_is_no_file_is_refused(full: Site, state: Path, kind: str) -> None:
    match kind:
        case "link":
            state.symlink_to(state.parent / "elsewhere")
        case "pipe":
            os.mkfifo(state)
        case "directory":
            state.mkdir()
    with pytest.raises(LogUnusableError):
        again(full, state)


@pytest.mark.parametrize("damage", ["missing", "short"])
def test_runs_that_are_lost_are_refused(full: Site, state: Path, damage: str) -> None:
    again(full, state)
    [runs] = state.parent.glob("state.runs-*")
    runs.unlink() if damage == "missing" else runs.write_bytes(b"")
    with pytest.raises(LogUnusableError, match="cannot read the runs"):
        again(full, state)


def test_what_a_crash_left_behind_the_runs_is_written_over(full: Site, state: Path) -> None:
    again(full, state)
    [runs] = state.parent.glob("state.runs-*")
    with runs.open("ab") as file:
        file.write(b"x" * 1000)
    log = full.open()
    log.append("run.planned", {"run": "r2"})
    log.append("run.completed", {"run": "r2", "plan": 4})
    log.commit()
    assert again(full, state).verdict == "ok"
    assert runs.stat().st_size == 2 * 24
