"""Bytecode that is kept beside the keys: taken for the very source at its path, for no other."""

import marshal
import os
import subprocess
import sys
from hashlib import blake2b
from pathlib import Path

import pytest
from blake3 import blake3

from repro import errors
from repro.execution import compiled
from repro.execution.launch import BOOTSTRAP

SOURCE = "def main():\n    return 3\n"
OTHER = "def main():\n    return 7\n"


@pytest.fixture
def keys(tmp_path, monkeypatch):
    """Return a directory of keys of its own."""
    monkeypatch.setenv("REPRO_KEYS", str(tmp_path / "keys"))
    return tmp_path / "keys"


@pytest.fixture
def planted(tmp_path):
    """Return the source of a module ``planted.main``, whose ``main`` returns 3."""
    source = tmp_path / "planted" / "main.py"
    source.parent.mkdir()
    (source.parent / "__init__.py").write_text("")
    source.write_text(SOURCE)
    return source


def kept_for(source, text=OTHER):
    """Return bytes of a file that has other bytecode for a source: it shows what was taken."""
    place = compiled.place_of(str(source), source.read_bytes())
    made = marshal.dumps({"m": ("", place, marshal.dumps(compile(text, str(source), "exec")))})
    return blake2b(made, digest_size=32).digest() + made


def answered(source, data):
    """Return what ``planted.main`` answers to a worker that is given these bytes."""
    kept = source.parent.parent / "kept"
    kept.write_bytes(data)
    number = os.open(kept, os.O_RDONLY)
    try:
        done = subprocess.run(
            [
                *(sys.executable, "-P", "-s", "-c", BOOTSTRAP, "0", "0"),
                *("planted.main", str(number), "planted", "repro"),
            ],
            env={"PYTHONPATH": str(source.parent.parent)},
            pass_fds=[number],
            check=False,
        )
    finally:
        os.close(number)
    return done.returncode


def digest(module):
    return blake3(Path(module.__file__).read_bytes()).hexdigest()


def files(keys):
    return list((keys / compiled.FOLDER).iterdir())


def test_a_worker_takes_what_is_kept_for_the_very_source_and_path(planted):
    assert answered(planted, kept_for(planted)) == 7


def test_of_another_source_or_path_it_is_compiled(planted):
    data = kept_for(planted)
    planted.write_text(SOURCE + "\n")
    assert answered(planted, data) == 3
    elsewhere = planted.with_name("elsewhere.py")
    elsewhere.write_text(planted.read_text())
    assert answered(planted, kept_for(elsewhere)) == 3


@pytest.mark.parametrize("at", [0, 40, -1])
def test_a_damaged_file_is_as_none(planted, at):
    data = bytearray(kept_for(planted))
    data[at] ^= 1
    assert answered(planted, bytes(data)) == 3
    assert answered(planted, b"") == 3


def test_what_is_kept_is_the_bytecode_of_the_source_that_was_digested(keys):
    with compiled.opened() as found:
        assert found is None
    compiled.keep({"repro.errors": digest(errors), "repro.nothing": "0" * 64})
    (file,) = files(keys)
    assert file.stat().st_mode & 0o777 == 0o600
    data = file.read_bytes()
    assert blake2b(data[32:], digest_size=32).digest() == data[:32]
    ((name, (source, place, code)),) = marshal.loads(data[32:]).items()
    path = errors.__file__
    text = Path(path).read_bytes()
    assert (name, source, place) == ("repro.errors", digest(errors), compiled.place_of(path, text))
    assert marshal.loads(code) == compile(text, path, "exec", dont_inherit=True)


def test_a_source_that_is_another_than_the_digested_one_is_not_kept(keys):
    compiled.keep({"repro.errors": "0" * 64})
    assert not (keys / compiled.FOLDER).exists()


def test_a_module_whose_digest_moved_is_compiled_anew_and_the_others_stay(keys):
    ours = {"repro.errors": digest(errors), "repro.execution.compiled": digest(compiled)}
    compiled.keep(ours)
    (file,) = files(keys)
    entries = marshal.loads(file.read_bytes()[32:])
    stale = {**entries, "repro.errors": ("0" * 64, b"", b"")}
    made = marshal.dumps(stale)
    file.write_bytes(blake2b(made, digest_size=32).digest() + made)
    compiled.keep(ours)
    assert marshal.loads(file.read_bytes()[32:]) == entries
    before = file.stat().st_ino
    compiled.keep(ours)  # nothing is lacking
    assert file.stat().st_ino == before


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_what_others_can_write_is_not_taken(keys, mode):
    compiled.keep({"repro.errors": digest(errors)})
    (file,) = files(keys)
    with compiled.opened() as found:
        assert found is not None
    file.chmod(mode)
    with compiled.opened() as found:
        assert found is None


def test_a_link_is_not_taken(keys):
    compiled.keep({"repro.errors": digest(errors)})
    (file,) = files(keys)
    file.rename(keys / "elsewhere")
    file.symlink_to(keys / "elsewhere")
    with compiled.opened() as found:
        assert found is None


def test_where_nothing_can_be_written_nothing_is_kept_and_nothing_said(keys):
    keys.write_text("no directory")
    compiled.keep({"repro.errors": digest(errors)})
    assert keys.read_text() == "no directory"
