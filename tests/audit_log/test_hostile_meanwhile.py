"""Who prunes while somebody verifies is not accused, and hides nothing by it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from repro.audit_log.formats.commitment import Redactable
from repro.audit_log.formats.record import MAX_LINE
from repro.audit_log.storage import erasing, openings
from repro.audit_log.storage.store import Log
from repro.audit_log.verification import survey
from repro.audit_log.verification.continuing import verify_from

from .conftest import Site
from .test_hostile_verification import LONG, OVER, erasure, free, lines_of, put_pruned, sealed

Step = Callable[[], object]


@pytest.fixture
def around(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let others work between the checkpoint and the lines, and after the lines."""
    whole = survey.Reading.read

    def put(before: Step | None = None, after: Step | None = None) -> None:
        def read(*given: object, **more: object) -> None:
            if before is not None:
                before()
            whole(*given, **more)  # type: ignore[arg-type]
            if after is not None:
                after()

        monkeypatch.setattr(survey.Reading, "read", read)

    return put


def named(site: Site) -> Log:
    """Return the log with a sealed segment that holds a commitment which nobody has erased."""
    log = site.open()
    log.append("incident", {"name": Redactable("a name")})
    log.commit()
    return sealed(site)


def commitment(site: Site) -> str:
    [found] = erasing.commitments_of(site.directory, seq=4, path="body.name")
    return found


def prune(log: Log, segment: int) -> Step:
    return lambda: log.prune(segment, reason="over", held=free)


# --- the records of what is erased ----------------------------------------------------------------


@pytest.mark.parametrize("strictly", [False, True])
def test_a_segment_that_was_sealed_and_pruned_after_the_lines_is_not_judged_by_them(
    full: Site, strictly: bool, around: Callable[..., None]
) -> None:
    log = sealed(full)
    # The first makes the verifier look at the checkpoint again, which covers the second by then.
    around(prune(log, 0), lambda: sealed(full).prune(1, reason="over", held=free))
    report = full.verify(full=strictly)
    assert (report.verdict, report.faults) == ("ok", ())


def test_a_retention_that_was_shortened_after_the_lines_is_not_judged_by_them(
    full: Site, around: Callable[..., None]
) -> None:
    log = sealed(full)
    log.seal(retention=LONG)
    log.append("incident", {})
    log.commit()

    def shorten() -> None:
        log.append("approval", {"subject": "retention", "segment": 1, **OVER})
        log.commit()
        log.prune(1, reason="over", held=free)

    around(prune(log, 0), shorten)
    assert full.verify().faults == ()


@pytest.mark.parametrize("retention", [LONG, None])
def test_who_erases_too_early_between_checkpoint_and_lines_is_named(
    full: Site, retention: dict[str, str] | None, around: Callable[..., None]
) -> None:
    log, lines = sealed(full, retention), lines_of(full)

    def erase() -> None:
        log.append("erasure", erasure(0, 5))
        log.commit()
        put_pruned(full, 0, lines[:5], [0, 4])

    around(erase)
    report = full.verify()
    assert report.verdict == "incomplete"
    assert [(fault.seq, fault.code) for fault in report.faults] == [(6, "erasure")]


def test_who_erases_too_early_after_the_lines_is_named_the_next_time(
    full: Site, around: Callable[..., None]
) -> None:
    first = sealed(full)
    log, lines = sealed(full, None), lines_of(full)

    def erase() -> None:
        log.append("erasure", {**erasure(5, 2), "segment": 1})
        log.commit()
        put_pruned(full, 5, lines[5:7], [1])

    around(prune(first, 0), erase)
    assert full.verify().verdict == "ok"
    around()
    report = full.verify()
    assert (report.verdict, [fault.seq for fault in report.faults]) == ("incomplete", [9])


# --- what opens commitments in pruned lines -------------------------------------------------------


@pytest.mark.parametrize("strictly", [False, True])
def test_openings_that_went_with_lines_pruned_meanwhile_are_not_missed(
    full: Site, strictly: bool, around: Callable[..., None]
) -> None:
    log, digest = named(full), commitment(full)
    around(after=prune(log, 0))
    report = full.verify(full=strictly)
    assert (report.verdict, report.faults) == ("ok", ())
    assert openings.read(full.directory, digest) is None


def test_an_active_file_may_be_sealed_and_pruned_meanwhile(
    full: Site, around: Callable[..., None]
) -> None:
    log = full.open()
    log.append("incident", {"name": Redactable("a name")})
    log.commit()

    def work() -> None:
        sealed(full).prune(0, reason="over", held=free)

    around(after=work)
    assert full.verify().faults == ()


def test_an_opening_whose_line_stays_is_missed_though_others_were_pruned(
    full: Site, around: Callable[..., None]
) -> None:
    log, digest = named(full), commitment(full)
    entry = log.append("incident", {"name": Redactable("another")})
    log.commit()
    [other] = erasing.commitments_of(full.directory, seq=entry.seq, path="body.name")

    def work() -> None:
        log.prune(0, reason="over", held=free)
        openings.path_of(full.directory, other).unlink()

    around(after=work)
    [fault] = full.verify().faults
    assert (fault.seq, fault.code) == (entry.seq, "opening")
    assert other in fault.message
    assert digest not in fault.message


def test_an_opening_that_a_kept_line_needs_is_missed_though_its_segment_was_pruned(
    full: Site, around: Callable[..., None]
) -> None:
    log = named(full)
    [actor] = erasing.commitments_of(full.directory, seq=0, path="actor")

    def work() -> None:
        log.prune(0, reason="over", held=free)
        openings.path_of(full.directory, actor).unlink()

    around(after=work)
    [fault] = full.verify().faults
    assert (fault.seq, fault.code) == (0, "opening")


@pytest.mark.parametrize("said", ["nothing", "unsigned", "kept otherwise"])
def test_lines_that_no_signed_record_let_go_excuse_no_missing_opening(
    full: Site, said: str, around: Callable[..., None]
) -> None:
    log, digest, lines = named(full), commitment(full), lines_of(full)

    def work() -> None:
        put_pruned(full, 0, lines[:6], [0, 5])
        openings.path_of(full.directory, digest).unlink()
        if said != "nothing":
            log.append("erasure", {**erasure(0, 6), "kept": "0" * 64})
        if said == "kept otherwise":
            log.commit()

    around(after=work)
    [fault] = full.verify().faults
    assert (fault.seq, fault.code) == (4, "opening")


def test_an_opening_that_is_missing_at_rest_is_missed_beside_pruned_segments(full: Site) -> None:
    log, digest = named(full), commitment(full)
    log.seal(retention=OVER)
    log.append("incident", {})
    log.commit()
    log.prune(1, reason="over", held=free)
    assert full.verify().verdict == "ok"
    openings.path_of(full.directory, digest).unlink()
    assert [fault.seq for fault in full.verify().faults] == [4]


# --- what a verifier that comes back remembers of pruned lines ------------------------------------


def far(log: Log) -> None:
    """Append so much that the end of what is remembered can be read without older segments."""
    for _ in range(5):
        log.append("incident", {"text": "x" * (MAX_LINE // 4)})
    log.commit()


def test_openings_of_lines_that_were_pruned_since_are_not_missed(
    full: Site, tmp_path: Path
) -> None:
    log, state = named(full), tmp_path / "state"
    far(log)
    assert verify_from(state, full.directory, vkeys=full.vkeys).verdict == "ok"
    log.prune(0, reason="over", held=free)
    seen = [verify_from(state, full.directory, vkeys=full.vkeys) for _ in range(2)]
    assert [report.faults for report in seen] == [(), ()]
    assert [report.remembered for report in seen] == [0, full.verify().committed]


def test_an_erasure_of_what_stood_in_pruned_lines_is_not_doubted_later(
    full: Site, tmp_path: Path
) -> None:
    log, state = named(full), tmp_path / "state"
    erasing.erase(log, [commitment(full)], "asked")
    log.prune(0, reason="over", held=free)
    far(log)
    assert verify_from(state, full.directory, vkeys=full.vkeys).verdict == "ok"
    report, fresh = verify_from(state, full.directory, vkeys=full.vkeys), full.verify()
    assert (report.faults, report.remembered) == ((), fresh.size)
    pruned = [text for text in fresh.not_checked if "pruned records" in text]
    assert pruned
    assert set(pruned) <= set(report.not_checked)
    assert not any("--full" in text for text in report.not_checked)
