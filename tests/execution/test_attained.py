"""What is held against a level: each thing that is not as it must be is named, and nothing else."""

import json
import subprocess
import sys

import pytest

from repro.errors import DeterminismError, InputError
from repro.execution.attained import (
    Asked,
    beyond,
    changed,
    most_threads,
    require_attained,
    violated,
)
from repro.execution.environment import FLAGS, settings, variables

BLAS = {"user_api": "blas", "internal_api": "openblas", "num_threads": 1, "architecture": "Haswell"}
OPENMP = {"user_api": "openmp", "internal_api": "openmp", "num_threads": 1, "architecture": None}
HERE, OTHER = "a" * 64, "b" * 64


def asked(level="strict", threads=1, beside=0):
    return Asked(level, threads, settings(level, threads), beside)


def state(level="strict", count=1, **other):
    """Return what a worker reads back in which everything took."""
    return {
        "variables": settings(level, count),
        "c_variables": settings(level, count),
        "time_zone": "UTC UTC+0",
        "arithmetic": {"rounding": "to nearest", "errors": {"under": "ignore", "over": "warn"}},
        "directory": "/run",
        "machine": "x86_64",
        "process": {"hash_randomization": False, "umask": "022", "locale": "C", "denormals": True},
        "fingerprint": {"matrix product": "1", "libm": "2"},
        "numeric_fingerprint": HERE,
        "pools": [BLAS, {**OPENMP, "num_threads": count}],
        "cpu_features": ["X86_V3"],
        "dispatched": {"X86_V3": True, "X86_V4": False},
        "mapped": ("/lib/libm.so.6",),
        "threads": 1,
        **other,
    }


@pytest.mark.parametrize("level", ["strict", "portable", "best-effort"])
def test_an_environment_that_took_is_attained(level):
    require_attained(asked(level), state(level), HERE)
    assert changed(asked(level), state(level), state(level), ()) == []


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"pools": [{**BLAS, "num_threads": 2}]}, ["openblas has 2 threads, not 1"]),
        ({"pools": [BLAS, {**OPENMP, "num_threads": 4}]}, ["openmp has 4 threads, not 1"]),
        (
            {"variables": {**settings("strict", 1), "OMP_NUM_THREADS": "4"}},
            ["OMP_NUM_THREADS is '4', not '1'"],
        ),
        (
            {"c_variables": {**settings("strict", 1), "OMP_NUM_THREADS": "4"}},
            ["to C libraries, OMP_NUM_THREADS is '4', not '1'"],
        ),
        (
            {"process": {"denormals": False}},
            ["denormal numbers are taken for zero: a library has switched them off"],
        ),
    ],
)
def test_what_did_not_take_is_named_and_no_matter_to_best_effort(other, told):
    assert violated(asked(), state(**other)) == told
    with pytest.raises(DeterminismError, match="strict environment not attained: ") as caught:
        require_attained(asked(), state(**other), None)
    assert told[0] in caught.value.problem
    assert violated(asked("best-effort"), state(**other)) == []


def test_openmp_has_the_threads_of_the_run_and_blas_has_one():
    assert violated(asked(threads=3), state(count=3)) == []
    pools = [{**BLAS, "num_threads": 3}, {**OPENMP, "num_threads": 3}]
    assert violated(asked(threads=3), state(count=3, pools=pools)) == [
        "openblas has 3 threads, not 1"
    ]


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"machine": "aarch64"}, "portable bits are those of x86-64-v3, and this is aarch64"),
        ({"pools": [{**BLAS, "architecture": "SkylakeX"}]}, "openblas computes for SkylakeX, not"),
        ({"pools": [{**BLAS, "internal_api": "mkl"}]}, "mkl computes for Haswell, not"),
        ({"pools": [OPENMP]}, "no BLAS says for which processor it computes"),
        ({"dispatched": {"AVX2": True}}, "NumPy has no code of its own for X86_V3 (for these"),
        ({"dispatched": {"X86_V3": False}}, "NumPy does not use X86_V3"),
        ({"dispatched": {"X86_V3": True, "X86_V4": True}}, "NumPy uses X86_V4"),
    ],
)
def test_each_pin_that_did_not_take_is_named_at_portable_alone(other, told):
    found = beyond(asked("portable"), state("portable", **other))
    assert any(told in words for words in found), found
    assert beyond(asked("strict"), state(**other)) == []
    with pytest.raises(DeterminismError, match="portable environment not attained"):
        require_attained(asked("portable"), state("portable", **other), HERE)


def test_portable_needs_the_fingerprint_that_the_configuration_pins():
    with pytest.raises(InputError) as unpinned:
        require_attained(asked("portable"), state("portable"), None)
    with pytest.raises(DeterminismError) as otherwise:
        require_attained(asked("portable"), state("portable"), OTHER)
    for caught in (unpinned, otherwise):
        assert caught.value.problem.startswith("portable environment not attained: ")
        assert HERE in caught.value.hint
        assert "repro doctor --level portable" in caught.value.hint
    require_attained(asked("strict"), state(), OTHER)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"variables": {**settings("strict", 1), "TZ": "CET"}}, "TZ is 'CET', and was 'UTC'"),
        ({"variables": {**settings("strict", 1), "NEW": "1"}}, "NEW is '1', and was None"),
        (
            {"c_variables": {**settings("strict", 1), "TZ": "CET"}},
            "to C libraries, TZ is 'CET', and was 'UTC'",
        ),
        ({"time_zone": "JST JST+32400"}, "the time zone is JST JST+32400, and was UTC UTC+0"),
        ({"directory": "/elsewhere"}, "the working directory is another one"),
        (
            {"process": {**state()["process"], "umask": "077", "denormals": False}},
            "process (umask, denormals)",
        ),
        (
            {"arithmetic": {**state()["arithmetic"], "rounding": "toward zero"}},
            "rounding is toward zero, and was to nearest",
        ),
        (
            {
                "arithmetic": {
                    "rounding": "to nearest",
                    "errors": {"under": "raise", "over": "warn"},
                }
            },
            "NumPy's error state (under is raise, and was ignore)",
        ),
        ({"fingerprint": {"matrix product": "1", "libm": "3"}}, "fingerprint (libm)"),
        (
            {"pools": [{**BLAS, "num_threads": 2}, OPENMP]},
            "thread pools (openblas has 2 threads)",
        ),
        ({"pools": [BLAS]}, "thread pools"),
        ({"cpu_features": []}, "CPU features"),
        (
            {"mapped": ("/lib/libm.so.6", "/lib/libz.so.1")},
            "mapped libraries (loaded since: libz.so.1)",
        ),
        ({"threads": 2}, "threads (2 are left running, and at most 1 may be)"),
    ],
)
def test_each_thing_that_training_left_otherwise_is_named(other, told):
    assert changed(asked(), state(), state(**other), ()) == [told]


def test_a_variable_that_python_and_c_libraries_both_see_is_named_once():
    both = {**settings("strict", 1), "TZ": "CET"}
    other = state(variables=both, c_variables=both)
    assert changed(asked(), state(), other, ()) == ["TZ is 'CET', and was 'UTC'"]
    assert violated(asked(), other) == ["TZ is 'CET', not 'UTC'"]


def test_a_thread_that_is_left_needs_a_reason():
    assert most_threads(asked(), [BLAS, OPENMP], ()) == 1
    assert most_threads(asked(beside=2), [BLAS, OPENMP], ()) == 3
    assert most_threads(asked(), [BLAS, OPENMP], {"pyarrow", "numpy"}) == 2
    assert most_threads(asked(threads=3), [BLAS], ()) == 3
    assert most_threads(asked(threads=3), [BLAS, OPENMP, OPENMP], ()) == 5
    assert changed(asked("best-effort"), state(), state(threads=9), ()) == []


READ = """
import json
from repro.execution import readback
found = [readback.state()]
found[0].pop("variables")
# MXCSR, at byte 28 of fenv_t: flush denormal results to zero, and take denormal operands for zero.
import ctypes
libm, environment = ctypes.CDLL("libm.so.6"), (ctypes.c_ubyte * 64)()
libm.fegetenv(environment)
flags = int.from_bytes(bytes(environment[28:32]), "little") | 0x8040
environment[28:32] = list(flags.to_bytes(4, "little"))
libm.fesetenv(environment)
found.append(readback.state())
print(json.dumps(found))
"""


def read_back(level, folder):
    """Return the state of a real interpreter in a level's environment, and without denormals."""
    done = subprocess.run(
        [sys.executable, *FLAGS, "-c", READ],
        env=variables(level, 1, str(folder), {}),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_the_pins_take_in_a_real_interpreter_and_flushed_denormals_are_seen(tmp_path):
    pinned, flushed = read_back("portable", tmp_path)
    plain, _ = read_back("strict", tmp_path)
    assert beyond(asked("portable"), pinned) == []
    assert [name for name, on in pinned["dispatched"].items() if on] == ["X86_V3"]
    assert {p["architecture"] for p in pinned["pools"]} == {"Haswell"}
    if [name for name, on in plain["dispatched"].items() if on] != ["X86_V3"]:
        assert beyond(asked("portable"), plain) != []
    assert pinned["process"]["denormals"] is True
    assert flushed["process"]["denormals"] is False
    assert pinned["numeric_fingerprint"] != flushed["numeric_fingerprint"]
    differing = {k for k, v in pinned["fingerprint"].items() if flushed["fingerprint"][k] != v}
    assert differing == {"denormals"}
