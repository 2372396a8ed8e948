"""The container of models: its bytes mean the model, and nothing else can be in it."""

import io
import json
import os
import random
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from repro.trainers import array_file
from repro.trainers.contract import TrainerError

PADDED = np.dtype([("left", "<i4"), ("threshold", "<f8"), ("leaf", "?")], align=True)


def records(noise):
    """Return records whose padding holds a byte of noise."""
    raw = np.full(3 * PADDED.itemsize, noise, np.uint8)
    found = raw.view(PADDED)
    found["left"], found["threshold"], found["leaf"] = [1, -1, 2], [0.1, np.nan, -0.0], True
    return found


def arrays(noise=0):
    return {
        "weights": np.arange(6, dtype=np.float64).reshape(2, 3) / 7,
        "nodes": records(noise),
        "flag": np.array(True),
        "empty": np.zeros((0, 4), np.float32),
        "bits": np.array([1, 2], np.uint64),
    }


PARAMETERS = {
    "task": "binary",
    "rate": 0.1,
    "depth": None,
    "names": ["b", "ä"],
    "n": {"z": 1, "a": 2},
}


def test_what_is_written_is_read(tmp_path):
    array_file.write(tmp_path / "m.npz", PARAMETERS, arrays())
    parameters, found = array_file.read(tmp_path / "m.npz")
    assert parameters == PARAMETERS
    assert sorted(found) == sorted(arrays())
    for name, array in arrays().items():
        assert found[name].shape == array.shape
        assert found[name].flags.writeable
        for field in array.dtype.names or [()]:
            assert found[name][field].tobytes() == array[field].tobytes()


def test_numpy_alone_reads_the_file(tmp_path):
    array_file.write(tmp_path / "m.npz", PARAMETERS, arrays())
    with np.load(tmp_path / "m.npz", allow_pickle=False) as file:
        assert json.loads(file["parameters.json"]) == PARAMETERS
        for name, array in arrays().items():
            assert file[name].shape == array.shape
            for field in array.dtype.names or [()]:
                np.testing.assert_array_equal(file[name][field], array[field])


def test_the_header_is_the_one_that_numpy_writes():
    for array in (arrays()["weights"], np.zeros(3, np.float32), np.array(1), np.zeros((1, 2, 3))):
        out = io.BytesIO()
        np.lib.format.write_array(out, array, version=(1, 0))
        with zipfile.ZipFile(io.BytesIO(array_file.canonical({}, {"a": array}))) as file:
            assert file.read("a.npy")[:128] == out.getvalue()[:128]


@pytest.mark.parametrize("noise", [1, 0x5A, 0xFF])
def test_noise_between_the_fields_of_records_is_not_written(noise):
    assert records(noise).tobytes() != records(0).tobytes()
    assert array_file.canonical({}, arrays(noise)) == array_file.canonical({}, arrays())


def test_order_of_memory_of_bytes_and_of_names_changes_no_byte():
    turned = dict(reversed(arrays().items()))
    turned["weights"] = np.asfortranarray(turned["weights"]).astype(">f8")
    turned["bits"] = np.array([1, 9, 2], ">u8")[::2]
    parameters = dict(reversed(PARAMETERS.items()))
    assert array_file.canonical(parameters, turned) == array_file.canonical(PARAMETERS, arrays())


@pytest.mark.parametrize("name", sorted(arrays()))
def test_every_array_is_in_the_bytes(name):
    changed = arrays()
    changed[name] = np.zeros(7)
    assert array_file.canonical({}, changed) != array_file.canonical({}, arrays())


SCRIPT = """
import hashlib, sys
sys.path.insert(0, {folder!r})
import test_array_file as t
print(hashlib.sha256(t.array_file.canonical(t.PARAMETERS, t.arrays())).hexdigest())
"""


def test_a_process_with_another_hash_seed_and_zone_writes_the_same_bytes(tmp_path):
    code = SCRIPT.format(folder=os.path.dirname(__file__))  # noqa: PTH120
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert len(found) == 1


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"x": float("nan")}, {}),
        ({"x": float("inf")}, {}),
        ({"x": object()}, {}),
        ({}, {"a": np.array([None])}),
        ({}, {"a": np.array(["text"])}),
        ({}, {"a": np.zeros(2, [("x", "f8", (2,))])}),
        ({}, {"a": np.zeros(2, [("X y", "f8")])}),
        ({}, {"../a": np.zeros(2)}),
        ({}, {"parameters.json": np.zeros(2)}),
    ],
)
def test_what_the_file_cannot_hold_is_refused(parameters, named):
    with pytest.raises(TrainerError):
        array_file.canonical(parameters, named)


def zipped(members, compression=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as file:
        for name, content in members:
            file.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, compression)
    return out.getvalue()


def array_bytes(head, content=b""):
    header = head.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content


PLAIN = "{'descr': '<f8', 'fortran_order': False, 'shape': %s, }"


def with_array(head, content=b""):
    member = array_bytes(head, content)
    return zipped([("parameters.json", "{}\n"), ("a.npy", member)])


FORGED = {
    "nothing": b"",
    "text": b"hello",
    "no parameters": zipped([("a.npy", b"")]),
    "parameters that are a list": zipped([("parameters.json", "[]")]),
    "parameters that are deep": zipped([("parameters.json", "[" * 100_000)]),
    "parameters in other spelling": zipped([("parameters.json", "{}")]),
    "another member": zipped([("parameters.json", "{}\n"), ("run.py", "print(1)")]),
    "compressed": zipped([("parameters.json", "{}\n" + " " * 10**6)], zipfile.ZIP_DEFLATED),
    "claims too much": with_array(PLAIN % "(10000000000,)"),
    "claims a negative": with_array(PLAIN % "(-1,)"),
    "overflows": with_array(PLAIN % f"({2**70}, 0)"),
    "claims no tuple": with_array(PLAIN % "'x'"),
    "deep header": with_array("(" * 60000),
    "no header": zipped([("parameters.json", "{}\n"), ("a.npy", b"\x93NUMPY\x01\x00")]),
    "objects": with_array(PLAIN.replace("<f8", "|O") % "(1,)", b"x" * 8),
}


@pytest.mark.parametrize("name", sorted(FORGED))
def test_a_forged_file_is_refused_with_the_reason(name, tmp_path):
    (tmp_path / "m.npz").write_bytes(FORGED[name])
    with pytest.raises(TrainerError, match=r"m\.npz is no model file: "):
        array_file.read(tmp_path / "m.npz")


def test_a_changed_byte_is_refused_wherever_it_is(tmp_path):
    """CRCs guard the members; the rest of the file must be as it is written."""
    good = array_file.canonical(PARAMETERS, arrays())
    path = tmp_path / "m.npz"
    chance = random.Random(3)  # noqa: S311
    for place in range(len(good)):
        bad = bytearray(good)
        bad[place] ^= 1 << chance.randrange(8)
        path.write_bytes(bad)
        with pytest.raises(TrainerError):
            array_file.read(path)
    for end in (good[:-1], good + b"\0", b"\0" + good, good + good):
        path.write_bytes(end)
        with pytest.raises(TrainerError):
            array_file.read(path)
