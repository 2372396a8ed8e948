"""Keys at rest: two for each log, under a passphrase or not, and what is wrong with a file."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.audit_log.errors import LogCorruptError, LogUnusableError
from repro.audit_log.formats.note_key import ED25519, MLDSA44_COSIGNATURE, format_vkey
from repro.audit_log.keys import keystore, sealed
from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.keys.private_keys import format_keys, parse_keys
from repro.audit_log.storage.store import Log
from repro.audit_log.verification.verify import verify
from repro.verbs.audit.log import verify_log

from .conftest import ACTOR, TOOL, Site, ticks
from .test_store import in_child

SECRET = "corrěct horse"  # noqa: S105 - of these tests alone


def locked(site: Site, passphrase: keystore.Passphrase = SECRET) -> KeyStore:
    """Return the site's key store with a passphrase."""
    return KeyStore(site.root / "keys", passphrase)


def private(site: Site) -> Path:
    """Return the file of the private keys."""
    return site.keys.directory(site.open().origin) / "private.key"


def commit(site: Site, keys: KeyStore) -> int:
    """Append a record with ``keys`` at hand and commit; return the size that is signed."""
    log = Log.open(site.directory, actor=ACTOR, tool=TOOL, keys=keys)
    log.append("incident", {})
    return log.commit().size


# Two keys.


def test_a_new_log_names_an_ed25519_and_an_ml_dsa_key_and_both_sign(site: Site) -> None:
    log = site.create()
    public = site.keys.public(log.origin)
    assert [key.kind for key in public] == [ED25519, MLDSA44_COSIGNATURE]
    assert {key.name for key in public} == {log.origin}
    assert [format_vkey(key) for key in public] == site.vkeys
    assert next(log.records()).body["vkeys"] == site.vkeys
    for pinned in (site.vkeys, site.vkeys[:1], site.vkeys[1:]):
        report = site.verify(vkeys=pinned)
        assert (report.verdict, report.level, report.warnings) == ("ok", 1, ())
    checked = " ".join(site.verify(vkeys=site.vkeys).checked)
    assert "the signature of the pinned key (Ed25519 and ML-DSA-44 cosignature)" in checked
    lacking = "the ML-DSA-44 signature: no key of that kind was given"
    for pinned in (site.vkeys, site.vkeys[1:]):
        assert lacking not in site.verify(vkeys=pinned).not_checked
    alone = site.verify(vkeys=site.vkeys[:1])
    assert "ML-DSA" not in " ".join(alone.checked)
    assert lacking in alone.not_checked
    assert lacking not in site.verify(vkeys=(), self_asserted=True).not_checked


def test_the_cosignature_tells_the_time_of_the_logs_clock(site: Site) -> None:
    from repro.audit_log.formats.note import open_note

    log = site.create()
    log.append("incident", {})
    log.commit()
    note = open_note(site.checkpoint.read_bytes(), site.keys.public(log.origin))
    # The clock of the tests goes on by a second at each reading from 2025-01-31 12:00.
    assert [verified.time for verified in note.verified] == [None, 1738324803]


def test_a_missing_cosignature_is_a_warning_and_a_fault_for_who_pins_its_key(full: Site) -> None:
    lines = full.checkpoint.read_bytes().splitlines(keepends=True)
    full.checkpoint.write_bytes(b"".join(lines[:-1]))
    report = full.verify()
    assert (report.verdict, report.level) == ("ok", 1)
    assert report.warnings == (
        "the checkpoint lacks the ML-DSA-44 cosignature of the key that the log names",
    )
    assert full.verify(vkeys=full.vkeys).verdict == "tampered"
    assert full.verify(vkeys=full.vkeys[1:]).verdict == "tampered"
    full.checkpoint.write_bytes(b"".join([*lines[:-2], lines[-1]]))
    assert full.verify().verdict == "tampered"  # ML-DSA-44 alone does not sign a log
    assert full.verify(vkeys=full.vkeys[1:]).verdict == "tampered"


def test_a_bad_cosignature_is_tampering_and_is_not_signed_over(full: Site) -> None:
    data = full.checkpoint.read_bytes()
    full.checkpoint.write_bytes(data[:-40] + (b"A" if data[-40:-39] != b"A" else b"B") + data[-39:])
    for pinned in (full.vkeys, full.vkeys[:1]):
        assert full.verify(vkeys=pinned).verdict == "tampered"
    assert full.verify(vkeys=(), self_asserted=True).verdict == "tampered"
    with pytest.raises(LogCorruptError, match="cannot be believed"):
        commit(full, full.keys)


def test_a_cosignature_that_was_cut_off_is_made_again(full: Site) -> None:
    data = full.checkpoint.read_bytes()
    full.checkpoint.write_bytes(b"".join(data.splitlines(keepends=True)[:-1]))
    full.open().commit()
    assert full.verify(vkeys=full.vkeys).warnings == ()


def one_key(site: Site, monkeypatch: pytest.MonkeyPatch) -> Log:
    """Make a log as version 0.1 did: one key, and no file of the public one beside it."""
    with monkeypatch.context() as patch:
        make = keystore._new_keys
        patch.setattr(keystore, "_new_keys", lambda origin: make(origin)[:1])
        log = site.create()
    (site.keys.directory(log.origin) / "public.vkey").unlink()
    return log


def test_a_log_with_one_key_stays_valid(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    log = one_key(site, monkeypatch)
    assert commit(site, site.keys) == 2
    report = site.verify(vkeys=site.vkeys)
    assert (report.verdict, report.level, report.warnings) == ("ok", 1, ())
    assert [format_vkey(key) for key in site.keys.public(log.origin)] == site.vkeys
    log.rotate_keys()
    assert len(site.vkeys) == 2
    assert site.verify(vkeys=site.vkeys).verdict == "ok"


# Under a passphrase.


def test_a_key_under_a_passphrase_signs_with_it_alone(full: Site) -> None:
    origin, path = full.open().origin, private(full)
    plain = path.read_bytes()
    full.keys.encrypt(origin, SECRET)
    data = path.read_bytes()
    assert data.startswith(b"repro-audit sealed key v1 ")
    assert plain not in data
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir() if p.name.startswith(".")] == []
    assert commit(full, locked(full)) == 5
    assert commit(full, locked(full, lambda: unicodedata.normalize("NFD", SECRET))) == 6
    for nothing in (None, "", lambda: None):
        with pytest.raises(LogUnusableError, match="under a passphrase, and none") as caught:
            commit(full, locked(full, nothing))
        assert "REPRO_KEY_PASSPHRASE" in str(caught.value.hint)
    with pytest.raises(LogUnusableError, match="passphrase is wrong") as caught:
        commit(full, locked(full, "other"))
    assert caught.value.hint is not None
    assert "other" not in str(caught.value)
    locked(full).change(origin, "new")
    with pytest.raises(LogUnusableError, match="passphrase is wrong"):
        commit(full, locked(full))
    locked(full, "new").decrypt(origin)
    assert path.read_bytes() == plain
    assert commit(full, full.keys) > 6


def test_conversions_that_make_no_sense_are_refused(full: Site) -> None:
    origin = full.open().origin
    with pytest.raises(LogUnusableError, match="not under a passphrase"):
        locked(full).decrypt(origin)
    with pytest.raises(LogUnusableError, match="not under a passphrase"):
        full.keys.change(origin, SECRET)
    with pytest.raises(LogUnusableError, match="empty"):
        full.keys.encrypt(origin, "")
    full.keys.encrypt(origin, SECRET)
    with pytest.raises(LogUnusableError, match="already"):
        locked(full).encrypt(origin, SECRET)
    with pytest.raises(LogUnusableError, match="no private key"):
        full.keys.encrypt("repro.log/none", SECRET)


def test_what_needs_no_key_needs_no_passphrase(full: Site) -> None:
    origin = full.open().origin
    full.keys.encrypt(origin, SECRET)
    assert full.open().append("incident", {}).seq == 4
    assert [format_vkey(key) for key in full.keys.public(origin)] == full.vkeys
    assert full.verify().verdict == "ok"
    assert full.keys.mark(origin) is not None


def test_the_passphrase_is_stretched_once_for_many_commits(
    full: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    full.keys.encrypt(full.open().origin, SECRET)
    calls = []
    derive = sealed._derive
    monkeypatch.setattr(sealed, "_derive", lambda *a: calls.append(a) or derive(*a))
    log = Log.open(full.directory, actor=ACTOR, tool=TOOL, keys=locked(full))
    for _ in range(3):
        log.append("incident", {})
        log.commit()
    assert len(calls) == 1


def test_a_log_made_with_a_passphrase_has_no_plain_key(site: Site) -> None:
    keys = locked(site)
    Log.create(site.directory, actor=ACTOR, tool=TOOL, keys=keys, clock=ticks())
    assert private(site).read_bytes().startswith(b"repro-audit sealed")
    assert commit(site, keys) == 2
    assert SECRET not in repr(keys)


def test_the_environment_says_the_passphrase(
    full: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full.keys.encrypt(full.open().origin, SECRET)
    monkeypatch.setenv("REPRO_KEYS", str(full.keys.root))
    file, link = tmp_path / "secret", tmp_path / "link"
    file.write_text(f"{SECRET}\n")
    link.symlink_to(file)
    with pytest.raises(LogUnusableError, match="none was given"):
        commit(full, KeyStore.default())
    for path in (file, link):
        monkeypatch.setenv("REPRO_KEY_PASSPHRASE_FILE", str(path))
        commit(full, KeyStore.default())
    monkeypatch.setenv("REPRO_KEY_PASSPHRASE", "wrong")  # this one comes first
    with pytest.raises(LogUnusableError, match="is wrong"):
        commit(full, KeyStore.default())
    monkeypatch.setenv("REPRO_KEY_PASSPHRASE", SECRET)
    monkeypatch.setenv("REPRO_KEY_PASSPHRASE_FILE", str(tmp_path / "nowhere"))
    commit(full, KeyStore.default())
    monkeypatch.delenv("REPRO_KEY_PASSPHRASE")
    for bad in (tmp_path / "nowhere", tmp_path):
        monkeypatch.setenv("REPRO_KEY_PASSPHRASE_FILE", str(bad))
        with pytest.raises(LogUnusableError, match="cannot read the passphrase"):
            commit(full, KeyStore.default())


@pytest.mark.parametrize(
    "words",
    [
        "n=1073741824 r=8 p=1",
        "n=524288 r=8 p=1",
        "n=65536 r=9999 p=1",
        "n=65536 r=8 p=5",
        "n=65537 r=8 p=1",
        "n=16384 r=8 p=1",
        "n=65536 r=1 p=1",
    ],
)
def test_parameters_that_cost_too_much_or_protect_too_little_are_refused_unspent(
    full: Site, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    full.keys.encrypt(full.open().origin, SECRET)
    path = private(full)
    path.write_bytes(path.read_bytes().replace(b"n=65536 r=8 p=1", words.encode()))
    monkeypatch.setattr("hashlib.scrypt", lambda *a, **k: pytest.fail("it was computed"))
    with pytest.raises(LogUnusableError, match="out of bounds"):
        commit(full, locked(full))


def test_every_byte_of_the_header_is_bound_and_no_damage_is_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sealed, "_derive", lambda *a: b"k" * 32)  # the stretching is not tested
    data = sealed.seal(b"secret", "repro.log/a", "p")
    assert sealed.unseal(data, "p") == b"secret"
    assert sealed.origin_of(data) == "repro.log/a"
    for place in range(len(data)):
        for change in (1, 0x20, 0x80):
            changed = bytearray(data)
            changed[place] ^= change
            with pytest.raises(sealed.SealError):
                sealed.unseal(bytes(changed), "p")
        with pytest.raises(sealed.SealError):
            sealed.unseal(data[:place], "p")
    with pytest.raises(sealed.SealError, match="version"):
        sealed.unseal(data.replace(b" v1 ", b" v2 "), "p")


@given(st.binary(max_size=80), st.text(max_size=12))
def test_sealed_bytes_come_back(data: bytes, passphrase: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            sealed, "_derive", lambda word, *a: (word.encode("utf-8") * 32 + b"x" * 32)[:32]
        )
        assert sealed.unseal(sealed.seal(data, "o", passphrase), passphrase) == data


@given(st.binary(max_size=60))
def test_any_bytes_are_keys_or_a_clear_refusal(data: bytes) -> None:
    from repro.audit_log.errors import NoteError

    for text in (data, b"PRIVATE+KEY+" + data + b"\n"):
        try:
            assert format_keys(parse_keys(text)) == text
        except NoteError:
            continue


# What is wrong with a file.


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-9] ^= 1
    path.write_bytes(data)


def _swap_lines(path: Path) -> None:
    path.write_bytes(b"".join(reversed(path.read_bytes().splitlines(keepends=True))))


def _link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def _other_keys(path: Path) -> None:
    origin = parse_keys(path.read_bytes())[0].name
    path.write_bytes(format_keys(keystore._new_keys(origin)))


def _wrong_origin(path: Path) -> None:
    path.write_bytes(format_keys(keystore._new_keys("repro.log/other")))


DAMAGE: list[tuple[Callable[[Path], object], str]] = [
    (Path.unlink, "no private key"),
    (_truncate, "not a private key"),
    (_flip, "not a private key"),
    (_swap_lines, "its first is not Ed25519"),
    (lambda path: path.write_bytes(b""), "not a private key"),
    (lambda path: path.write_bytes(b"x" * 20_000), "longer than"),
    (lambda path: path.chmod(0o604), "open to others"),
    (lambda path: path.parent.chmod(0o770), "others may replace"),
    (_link, "is a symbolic link"),
    (_directory, "is a directory"),
    (_pipe, "not a regular file"),
    (_other_keys, "is not that of .*public.vkey"),
    (_wrong_origin, "is that of repro.log/other"),
]


@pytest.mark.parametrize(("damage", "says"), DAMAGE, ids=[f"{n}" for n in range(len(DAMAGE))])
def test_each_thing_that_is_wrong_with_a_key_file_is_said(
    full: Site, damage: Callable[[Path], object], says: str
) -> None:
    before = full.checkpoint.read_bytes()
    path = private(full)
    damage(path)
    with pytest.raises(LogUnusableError, match=says) as caught:
        commit(full, full.keys)
    assert str(path.parent) in caught.value.problem
    assert full.checkpoint.read_bytes() == before
    assert full.verify().verdict == "ok"


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (_truncate, "cut short or damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:50]), "header is cut short"),
        (lambda path: path.chmod(0o640), "open to others"),
        (_link, "symbolic link"),
    ],
    ids=["truncated", "header", "open", "link"],
)
def test_each_thing_that_is_wrong_with_a_sealed_key_file_is_said(
    full: Site, damage: Callable[[Path], object], says: str
) -> None:
    full.keys.encrypt(full.open().origin, SECRET)
    damage(private(full))
    with pytest.raises(LogUnusableError, match=says):
        commit(full, locked(full))


def test_sealed_keys_of_two_logs_that_are_swapped_are_told_apart_without_a_passphrase(
    full: Site, tmp_path: Path
) -> None:
    other = Site(tmp_path / "other")
    other.create()
    for site in (full, other):
        site.keys.encrypt(site.open().origin, SECRET)
    shutil.copy(private(other), private(full))
    with pytest.raises(LogUnusableError, match=f"is that of {other.open().origin}"):
        commit(full, full.keys)


@pytest.mark.parametrize(
    ("text", "says"), [("", "not those of"), ("x\n", "not public keys"), ("\xff", "not public")]
)
def test_public_keys_that_are_none_are_said_to_be_none(full: Site, text: str, says: str) -> None:
    origin = full.open().origin
    (full.keys.directory(origin) / "public.vkey").write_bytes(text.encode("latin-1"))
    with pytest.raises(LogUnusableError, match=says):
        full.keys.public(origin)


def test_public_keys_of_another_log_are_refused(full: Site, tmp_path: Path) -> None:
    other = Site(tmp_path / "other")
    other.create()
    origin = full.open().origin
    (full.keys.directory(origin) / "public.vkey").write_text("\n".join(other.vkeys) + "\n")
    with pytest.raises(LogUnusableError, match="not those of"):
        full.keys.public(origin)
    assert full.keys.public("repro.log/unknown") == ()


# Reading needs nothing of this.


def as_nobody(work: Callable[[], object]) -> int:
    """Do ``work`` in a child that is another user; root ignores modes."""

    def child() -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(65_534)
            os.setuid(65_534)
        work()

    return in_child(child)


@pytest.fixture
def public(full: Site) -> Iterator[Site]:
    """Yield a copy of a site where other users may look; above pytest's own they may not."""
    place = Path(tempfile.mkdtemp(prefix="repro-public-"))
    place.chmod(0o755)
    try:
        yield Site(Path(shutil.copytree(full.root, place / "site")))
    finally:
        shutil.rmtree(place)


@pytest.mark.parametrize("store", ["absent", "unreadable"])
def test_reading_needs_neither_key_store_nor_leave_to_write(
    public: Site, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    vkey, keys = public.vkey, public.keys.root
    monkeypatch.setenv("REPRO_KEYS", str(keys))
    verify_log(public.workspace, [vkey], None, artifacts=True)  # imports what others cannot read
    if store == "absent":
        shutil.rmtree(keys)
    else:
        keys.chmod(0)
    places = [public.workspace, *public.workspace.rglob("*")]
    for place in places:
        place.chmod(0o555 if place.is_dir() else 0o444)
    before = [(place, place.stat().st_mtime_ns) for place in places]

    def work() -> None:
        with pytest.raises(PermissionError):
            (public.directory / "x").touch()
        assert verify(public.directory, vkeys=[vkey]).verdict == "ok"
        report = verify_log(public.workspace, [vkey], None, artifacts=True)
        assert (report.verdict, report.level) == ("ok", 1), report
        assert any("key store" in text for text in report.warnings) == (store == "unreadable")
        report = verify_log(public.workspace, [], None, artifacts=False)
        assert report.verdict == "unverifiable"

    try:
        assert as_nobody(work) == 0
        assert before == [(place, place.stat().st_mtime_ns) for place in places]
    finally:
        for place in places:
            place.chmod(0o755)
        if keys.exists():
            keys.chmod(0o700)


# Which log lies where.


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Return two workspaces with a log in each, and one key store that is the default."""
    keys = KeyStore(tmp_path / "keys")
    monkeypatch.setenv("REPRO_KEYS", str(keys.root))
    places = (tmp_path / "a", tmp_path / "b")
    for place in places:
        Log.create(place / "AUDIT_LOG", actor=ACTOR, tool=TOOL, keys=keys)
    return places


def swap(places: tuple[Path, Path]) -> None:
    """Exchange the logs of two workspaces."""
    first, second = (place / "AUDIT_LOG" for place in places)
    first.rename(first.with_name("x"))
    second.rename(first)
    first.with_name("x").rename(second)


def test_two_logs_of_one_store_that_are_swapped_are_noticed(two: tuple[Path, Path]) -> None:
    origins = [Log.open(place / "AUDIT_LOG").origin for place in two]
    for place in two:
        report = verify_log(place, [], None, artifacts=False)
        assert (report.verdict, report.level, report.warnings) == ("ok", 1, ())
    logs = [Log.open(place / "AUDIT_LOG") for place in two]
    swap(two)
    words = f"this place held log {origins[0]}, now it holds log {origins[1]}"
    report = verify_log(two[0], [], None, artifacts=False)
    assert (report.verdict, report.exit_status, report.level) == ("tampered", 4, -1)
    assert report.faults[0].message == words
    assert verify_log(two[0], [], None, artifacts=False).exit_status == 4  # not learned from
    with pytest.raises(LogCorruptError, match=words):
        Log.open(two[0] / "AUDIT_LOG")
    with pytest.raises(LogCorruptError):
        logs[0].commit()
    swap(two)
    assert verify_log(two[0], [], None, artifacts=False).verdict == "ok"
    Log.open(two[0] / "AUDIT_LOG").commit()


def test_a_moved_workspace_is_seen_for_the_first_time_once(two: tuple[Path, Path]) -> None:
    moved = two[0].with_name("moved")
    two[0].rename(moved)
    origin = Log.open(moved / "AUDIT_LOG").origin
    report = verify_log(moved, [], None, artifacts=False)
    assert report.verdict == "ok"
    assert len(report.warnings) == 1
    assert f"log {origin} is seen here for the first time" in report.warnings[0]
    assert verify_log(moved, [], None, artifacts=False).warnings == ()
    assert KeyStore.default().pinned_origin(moved / "AUDIT_LOG") == origin


def test_a_commit_pins_and_a_log_that_does_not_verify_is_not_pinned(two: tuple[Path, Path]) -> None:
    keys = KeyStore.default()
    for place in two:
        moved = place.with_name(f"{place.name}2")
        place.rename(moved)
    first, second = (two[0].with_name("a2"), two[1].with_name("b2"))
    Log.open(first / "AUDIT_LOG").commit()
    assert keys.pinned_origin(first / "AUDIT_LOG") is not None
    lines = second / "AUDIT_LOG" / "log.jsonl"
    lines.write_bytes(lines.read_bytes().replace(b'"seq":0', b'"seq":1'))
    assert verify_log(second, [], None, artifacts=False).verdict == "tampered"
    assert keys.pinned_origin(second / "AUDIT_LOG") is None


def test_a_place_is_known_by_its_real_path(two: tuple[Path, Path]) -> None:
    link = two[0].with_name("link")
    link.symlink_to(two[0])
    assert verify_log(link, [], None, artifacts=False).warnings == ()


@pytest.mark.parametrize(
    "data", [b"", b"\xff\n", b"two words\n", b"repro.log/a", b"x" * 300 + b"\n"]
)
def test_a_damaged_pin_is_no_leave_to_go_on(two: tuple[Path, Path], data: bytes) -> None:
    for pin in (KeyStore.default().root / "_pins").iterdir():
        pin.write_bytes(data)
    for act in (lambda: Log.open(two[0] / "AUDIT_LOG"),
                lambda: verify_log(two[0], [], None, artifacts=False)):  # fmt: skip
        with pytest.raises(LogUnusableError, match="which log lies here"):
            act()


def test_only_signing_loads_cryptography(full: Site) -> None:
    import subprocess

    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from repro.audit_log.keys.keystore import KeyStore\n"
        "from repro.audit_log.storage.store import Log\n"
        "keys = KeyStore(Path(sys.argv[2]))\n"
        "log = Log.open(Path(sys.argv[1]), keys=keys)\n"
        "keys.public(log.origin), keys.pinned_origin(log.directory)\n"
        "sys.exit('cryptography' in sys.modules)\n"
    )
    command = [sys.executable, "-P", "-c", program, str(full.directory), str(full.keys.root)]
    assert subprocess.run(command, check=False).returncode == 0
