"""Manifests of runs: what they say comes back, and no path leads out of a run."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.audit_log.formats.canonical import canonical
from repro.audit_log.formats.digests import FileDigest
from repro.errors import IntegrityError
from repro.runs.manifest import Manifest, digest_of, format_manifest, manifest_of, parse_manifest

INNER = "targets/fwd/reproducibility/CROSS_SECTIONAL/cohort=0123456789ab"
HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.=-]{0,20}", fullmatch=True)
FILES = st.dictionaries(
    NAMES.map(lambda name: f"{INNER}/{name}"),
    st.builds(FileDigest, HEX, HEX, st.integers(0, 1 << 50)),
    min_size=1,
    max_size=5,
)
MANIFESTS = st.builds(
    Manifest,
    st.from_regex(r"[0-9a-f]{12}-[1-9]", fullmatch=True),
    st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable()),
    st.integers(0, 1 << 40),
    HEX,
    HEX,
    FILES.map(lambda files: tuple(sorted(files.items()))),
)
ONE = Manifest(
    "0123456789ab-1", "log", 3, "a" * 64, "b" * 64,
    ((f"{INNER}/model.txt", FileDigest("c" * 64, "d" * 64, 5)),),
)  # fmt: skip


@given(MANIFESTS)
def test_what_was_written_is_read(manifest):
    data = format_manifest(manifest)
    assert parse_manifest(data, "x") == manifest
    assert len(digest_of(data)) == 64
    body = {
        "run": manifest.run,
        "execution_key": manifest.execution_key,
        "output_digest": manifest.output_digest,
        "artifacts": manifest.artifacts(f"RESULTS/runs/{manifest.run}"),
    }
    assert manifest_of(manifest.origin, manifest.record, body) == manifest


@pytest.mark.parametrize(
    "path",
    [
        "../../../../../x", "/etc/a/b/c/d/passwd", f"{INNER}/..", f"{INNER}/.hidden", f"{INNER}/",
        f"{INNER}/a/b", "model.txt", f"{INNER}/a\u0000b", f"{INNER}\\x", "", f"../{INNER[8:]}/x",
    ],
)  # fmt: skip
def test_a_path_that_leads_elsewhere_is_refused(path):
    value = json.loads(format_manifest(ONE))
    value["files"][0]["path"] = path
    with pytest.raises(IntegrityError, match="not the manifest of a run"):
        parse_manifest(canonical(value) + b"\n", "x")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("run", "../x"), ("run", "command-0123456789ab-1"), ("format", "other"), ("files", []),
        ("record", "3"), ("execution_key", "a"), ("more", 1), ("origin", None), ("files", [1]),
    ],
)  # fmt: skip
def test_what_is_no_manifest_is_refused(key, value):
    changed = {**json.loads(format_manifest(ONE)), key: value}
    with pytest.raises(IntegrityError, match="not the manifest of a run"):
        parse_manifest(canonical(changed) + b"\n", "x")


@pytest.mark.parametrize("data", [b"", b"{}", b"[", b"\xff", b"null\n", format_manifest(ONE)[:-1]])
def test_bytes_that_are_no_manifest_are_refused(data):
    with pytest.raises(IntegrityError, match="not the manifest of a run"):
        parse_manifest(data, "x")


def test_a_file_outside_of_the_run_is_never_pushed():
    body = {
        "run": ONE.run, "execution_key": "a" * 64, "output_digest": "b" * 64,
        "artifacts": ONE.artifacts("RESULTS/runs/another"),
    }  # fmt: skip
    with pytest.raises(IntegrityError, match="outside of its folder"):
        manifest_of("log", 3, body)
