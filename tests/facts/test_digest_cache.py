"""What is kept of files is believed only if nobody can have touched them since."""

import hashlib
import os
import threading
import time

import numpy as np
import pytest
from blake3 import blake3

from repro.audit_log.formats.digests import derive
from repro.errors import InputError
from repro.execution.session import Job
from repro.facts.digest_cache import CONTEXT, MARGIN, DigestCache
from repro.runs.layout import file_digests
from repro.verbs.training.inputs import digest_inputs, require_same_files

TICK = 20_000_000
"""Nanoseconds: longer than a tick of the clock by which a local file system stamps."""
NAME = "data/a.csv"
FALSE = "0" * 64


def aged():
    """Let a file become older than the margin of these tests."""
    time.sleep(3 * TICK / 1e9)


def opened(root, **changed):
    """Return the cache of a workspace as the next command opens it."""
    kept = {"telling": lambda _: True, "margin": TICK} | changed
    return DigestCache(root, root / "kept" / "digests", **kept).load()


def true(data, sha256):
    """Return the digests of some bytes, made without the product."""
    return (
        blake3(data).hexdigest(),
        hashlib.sha256(data).hexdigest() if sha256 else None,
        len(data),
    )


def forge(root, digests):
    """Put other digests into the file of entries, as somebody does who knows how it is made."""
    file = root / "kept" / "digests"
    lines = file.read_text("utf-8").split("\n")[1:]
    stamps = {
        name: " ".join(entry.split(" ")[:5])
        for name, entry in zip(lines[::2], lines[1::2], strict=True)
    }
    write_entries(file, {name: f"{stamp} {digests}" for name, stamp in stamps.items()})


def write_entries(file, entries):
    write_lines(file, [line for entry in entries.items() for line in entry])


def write_lines(file, lines):
    body = "\n".join(lines).encode()
    file.write_bytes(derive(CONTEXT, body).encode() + b"\n" + body)


@pytest.fixture(params=[False, True], ids=["blake3", "and sha256"])
def sha256(request):
    """Return whether SHA-256 is asked for too."""
    return request.param


@pytest.fixture
def path(tmp_path, sha256):
    """Return a file whose digest is kept, and forged there: whoever believes it can be told."""
    path = tmp_path / NAME
    path.parent.mkdir()
    path.write_bytes(b"first contents\n")
    aged()
    cache = opened(tmp_path)
    assert cache.digest(NAME, path, sha256=sha256) == true(path.read_bytes(), sha256)
    cache.save()
    forge(tmp_path, forgery(sha256))
    return path


def forgery(sha256):
    return f"{FALSE} {FALSE}" if sha256 else FALSE


def is_believed(root, path, sha256):
    """Return whether the next command believes what is kept; else it must tell the truth."""
    found = opened(root).digest(NAME, path, sha256=sha256)
    if found[:2] == (FALSE, FALSE if sha256 else None):
        return True
    assert found == true(path.read_bytes(), sha256)
    return False


def test_a_file_that_nobody_touched_is_not_read_again(tmp_path, path, sha256):
    assert is_believed(tmp_path, path, sha256)
    path.chmod(0)
    path.chmod(0o644)
    assert not is_believed(tmp_path, path, sha256)


def test_a_file_is_read_again_for_the_digest_that_was_not_asked_for_and_for_no_other(
    tmp_path, path, sha256
):
    """``path`` was digested with what ``sha256`` says; now it is asked for the other way."""
    assert is_believed(tmp_path, path, not sha256) == sha256
    if not sha256:
        cache = opened(tmp_path)
        cache.digest(NAME, path, sha256=True)
        cache.save()
        forge(tmp_path, forgery(sha256=True))
        assert is_believed(tmp_path, path, sha256=True)


def rewritten(path):
    """Write other contents of the same length and put both times of the file back."""
    before = path.stat()
    path.write_bytes(b"other contents\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def replaced(path):
    """Put another file of the same length and times in its place."""
    other = path.with_suffix(".new")
    other.write_bytes(b"other contents\n")
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)


def linked(path):
    """Put a link to another file of the same length and times in its place."""
    other = path.with_suffix(".other")
    other.write_bytes(b"other contents\n")
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    path.unlink()
    path.symlink_to(other)


def appended(path):
    with path.open("ab") as file:
        file.write(b"more\n")


@pytest.mark.parametrize("change", [rewritten, replaced, linked, appended, os.utime])
def test_a_file_that_may_have_changed_is_read_again(tmp_path, path, change, sha256):
    change(path)
    assert not is_believed(tmp_path, path, sha256)


def test_a_file_is_kept_only_once_it_is_older_than_a_tick(tmp_path):
    path = tmp_path / NAME
    path.parent.mkdir()
    path.write_bytes(b"first contents\n")
    cache = opened(tmp_path, margin=MARGIN)
    cache.digest(NAME, path)
    cache.save()
    assert not (tmp_path / "kept").exists()
    assert MARGIN >= 2 * 10**9


def test_a_time_in_the_future_is_in_doubt(tmp_path, path):
    year = 2**25 * 10**9
    os.utime(path, ns=(time.time_ns() + year, time.time_ns() + year))
    aged()
    cache = opened(tmp_path)
    cache.digest(NAME, path)
    assert not cache.forget(NAME)


def test_nothing_is_kept_of_a_file_that_is_touched_while_it_is_read(tmp_path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(1 << 26)
    done = threading.Event()

    def touch():
        while not done.wait(0.001):
            os.utime(path)

    toucher = threading.Thread(target=touch)
    toucher.start()
    cache = opened(tmp_path, margin=-(10**18))
    cache.digest("large", path)
    done.set()
    toucher.join()
    assert not cache.forget("large")


def test_nothing_is_kept_where_times_are_another_machines(tmp_path, path):
    path.touch()
    aged()
    cache = opened(tmp_path, telling=lambda _: False)
    assert cache.digest(NAME, path) == true(path.read_bytes(), sha256=False)
    assert not cache.forget(NAME)


DAMAGED = {
    "empty": lambda raw: b"",
    "cut": lambda raw: raw[:-9],
    "one bit": lambda raw: raw[:-9] + bytes([raw[-9] ^ 1]) + raw[-8:],
    "no head": lambda raw: raw.partition(b"\n")[2],
    "nonsense": lambda raw: b"\xff\xfe\n{}",
}


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_of_entries_is_as_good_as_none_and_made_again(
    tmp_path, path, damage, sha256
):
    file = tmp_path / "kept" / "digests"
    file.write_bytes(damage(file.read_bytes()))
    cache = opened(tmp_path)
    assert cache.digest(NAME, path, sha256=sha256) == true(path.read_bytes(), sha256)
    cache.save()
    forge(tmp_path, forgery(sha256))
    assert is_believed(tmp_path, path, sha256)


@pytest.mark.parametrize("lines", [[], [NAME], [NAME, ""], [NAME, "", ""], ["", NAME], ["\0"] * 4])
def test_lines_that_are_no_entries_are_passed_over(tmp_path, path, lines, sha256):
    write_lines(tmp_path / "kept" / "digests", lines)
    assert not is_believed(tmp_path, path, sha256)


@pytest.mark.parametrize(
    "digests", ["", "0", f"{FALSE} 0", f"0 {FALSE}", f"{FALSE}-{FALSE}", f"{FALSE} {FALSE} 0"]
)
def test_an_entry_of_anything_but_digests_is_passed_over(tmp_path, path, digests, sha256):
    forge(tmp_path, digests)
    assert not is_believed(tmp_path, path, sha256)


def test_saving_keeps_others_drops_what_is_lost_and_leaves_nothing_beside_it(tmp_path, path):
    for name in ("data/b.csv", "data/c.csv"):
        (tmp_path / name).write_bytes(b"x")
    aged()
    cache = opened(tmp_path)
    for name in ("data/b.csv", "data/c.csv"):
        cache.digest(name, tmp_path / name)
    (tmp_path / "data/b.csv").unlink()
    cache.save()
    assert [file.name for file in (tmp_path / "kept").iterdir()] == ["digests"]
    again = opened(tmp_path)
    assert [again.forget(name) for name in (NAME, "data/b.csv", "data/c.csv")] == [
        True,
        False,
        True,
    ]


@pytest.mark.parametrize("name", ["a\nb", "\udcff", "ü \u2028", " x "])
def test_an_odd_name_is_kept_or_read_each_time(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"contents")
    aged()
    for _ in range(2):
        cache = opened(tmp_path)
        assert cache.digest(name, path) == true(b"contents", sha256=False)
        cache.save()
    assert opened(tmp_path).forget(name) == ("\n" not in name)


def test_where_nothing_can_be_written_every_command_reads_the_files(tmp_path, path):
    path.touch()
    aged()
    (tmp_path / "file").write_bytes(b"")
    cache = DigestCache(tmp_path, tmp_path / "file" / "digests", lambda _: True, TICK).load()
    assert cache.digest(NAME, path) == true(path.read_bytes(), sha256=False)
    cache.save()


def test_whatever_is_done_to_files_their_digests_are_the_true_ones(tmp_path):
    draw = np.random.default_rng(7)
    paths = {name: tmp_path / name for name in "ab"}
    truth = {}
    for name, path in paths.items():
        truth[name] = bytes(8)
        path.write_bytes(truth[name])
    first = paths["a"].stat().st_mtime_ns
    for _ in range(120):
        name = str(draw.choice(["a", "b"]))
        deed = draw.choice(["write", "write back", "swap", "wait", "digest", "digest"])
        if deed.startswith("write"):
            truth[name] = draw.bytes(8)
            paths[name].write_bytes(truth[name])
            if deed == "write back":
                os.utime(paths[name], ns=(first, first))
        elif deed == "swap":
            paths["a"].rename(tmp_path / "c")
            paths["b"].rename(paths["a"])
            (tmp_path / "c").rename(paths["b"])
            truth["a"], truth["b"] = truth["b"], truth["a"]
        elif deed == "wait":
            time.sleep(1.5 * TICK / 1e9)
        else:
            cache, sha256 = opened(tmp_path), bool(draw.integers(2))
            found = cache.digest(name, paths[name], sha256=sha256)
            assert found == true(truth[name], sha256)
            cache.save()


def job(root, sha256):
    options = {"inputs": {"sha256": sha256}}
    return Job({}, options, None, {NAME: root / NAME}, "strict", 1, 60)


@pytest.mark.parametrize(
    ("false", "asked"), [("blake3", False), ("blake3", True), ("sha256", True)]
)
def test_a_digest_that_is_not_that_of_the_parsed_bytes_is_refused_and_forgotten(
    tmp_path, false, asked
):
    (tmp_path / NAME).parent.mkdir()
    (tmp_path / NAME).write_bytes(b"contents")
    (file,) = digest_inputs(tmp_path, job(tmp_path, asked))
    parsed = {"blake3": file.blake3} | ({"sha256": file.sha256} if asked else {})
    require_same_files(tmp_path, [file], {NAME: parsed})
    found = (tmp_path / NAME).stat()
    times = f"{found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino} {found.st_dev}"
    forged = parsed | {false: FALSE}
    file_digests(tmp_path).parent.mkdir(parents=True, exist_ok=True)
    entry = " ".join([str(found.st_size), times, *forged.values()])
    write_entries(file_digests(tmp_path), {NAME: entry})
    believed = digest_inputs(tmp_path, job(tmp_path, asked))
    assert getattr(believed[0], false) == FALSE
    with pytest.raises(InputError, match="file-digests had of it was not true"):
        require_same_files(tmp_path, believed, {NAME: parsed})
    assert digest_inputs(tmp_path, job(tmp_path, asked)) == (file,)
    with pytest.raises(InputError, match=r"a\.csv changed while it was read"):
        require_same_files(tmp_path, [file], {})
