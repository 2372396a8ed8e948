"""Every command that a document shows is run, in order, and prints what the document says."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
DOCUMENTS = [
    "README.md",
    "docs/tutorial.md",
    "docs/experiments.md",
    "docs/how-to.md",
    "docs/audit.md",
    "docs/comparing.md",
    "docs/configuration.md",
    "docs/determinism.md",
    "docs/leakage.md",
    "docs/publishing.md",
    "docs/lint.md",
    "docs/own-data.md",
    "docs/runs.md",
    "docs/stability.md",
    "docs/sweeps.md",
    "docs/trainers.md",
]
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILES = re.compile(
    r"^```(?:yaml|python)\n# (\S+\.(?:yaml|py))\n(.*?)^```", re.MULTILINE | re.DOTALL
)
"""Blocks that are files, by the path in their first line."""
EXITS = re.compile(r"#\s*exits (\d+)")
ELSEWHERE = ("make ",)
"""Commands of the checkout, which make's own steps run."""


def commands(text):
    """Return command, expected status and expected lines, in order."""
    found = []
    for block in BLOCK.findall(text):
        for line in block.splitlines():
            if line.startswith("$ "):
                status = EXITS.search(line)
                found.append((line[2:], int(status.group(1)) if status else 0, []))
            else:
                found[-1][2].append(line)
    return [c for c in found if not c[0].startswith(ELSEWHERE)]


def steps(text):
    """Return the commands of a document, and before each the files that stand above it."""
    found, past = [], 0
    for block in BLOCK.finditer(text):
        files = {m[1]: m[2] for m in FILES.finditer(text, past, block.start())}
        for command in commands(block.group(0)):
            found.append((files, *command))
            files = {}
        past = block.end()
    return found


def shape(text):
    """Return a line with what differs from run to run left out: digests, numbers, paths."""
    text = re.sub(r"[0-9a-f]{8,}(-\d+)?", "#", text)
    return re.sub(r"\s+", " ", re.sub(r"\d+(\.\d+)?", "0", text)).strip()


def is_shown(line, printed):
    """Return whether a documented line, in which an ellipsis stands for anything, was printed."""
    parts = [re.escape(shape(part)) for part in line.split("…")]
    pattern = re.compile(".*".join(parts))
    return any(pattern.match(shape(candidate)) for candidate in printed)


def bash(command, folder):
    """Run a line as it is documented."""
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


NEEDS = re.compile(r"pip install (?:\.|'\.\[([\w,]+)\]')(?=`)")
ALSO = re.compile(r"\balso ((?:`\w+`(?:, | or | and )?)+)")
SIGNS = {
    "dask": r"--executor dask|type: dask",
    "parquet": r"\.parquet|\bFeather\b",
    "ray": r"--executor ray",
    "store": r"\bs3://",
    "timestamp": r"audit timestamp",
}
"""What on a page needs an extra that trains nothing."""


def needed(text):
    """Return the extras that the top of a page names: those for all of it, and those for parts."""
    top = " ".join(text.partition("\n## ")[0].partition("```")[0].split())
    named = NEEDS.search(top)
    assert named, "the top of the page does not say what to install"
    also = ALSO.search(top)
    parts = set(re.findall(r"`(\w+)`", also[1])) if also else set()
    return {extra for extra in (named[1] or "").split(",") if extra}, parts


def extras():
    """Return the extras of each family, and of `train`, which is all of them."""
    declared = [
        json.loads(path.read_bytes()) for path in sorted((ROOT / "trainers").glob("*.json"))
    ]
    return {one["family"]: one["extra"] for one in declared}


def whole(names):
    """Return extras with `train` spelled out."""
    return set(extras().values()) if "train" in names else set(names)


def trained(folder):
    """Return the families of all runs below a folder, and of those that chose their features."""
    found = set()
    for path in folder.rglob("snapshot.json"):
        snapshot = json.loads(path.read_bytes())
        found |= {snapshot["family"], *snapshot.get("selection", {}).get("models", ())}
    return found


QUICK = {"README.md", "docs/lint.md"}
LONG = set(DOCUMENTS) - QUICK


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(name, marks=pytest.mark.slow if name in LONG else (), id=name)
        for name in DOCUMENTS
    ],
)
def test_what_a_document_shows_is_what_happens(document, tmp_path):
    folder = tmp_path / "workspace"
    folder.mkdir()
    shown = steps((ROOT / document).read_text("utf-8"))
    assert len(shown) >= 6
    if "repro init" not in (shown[0][1], shown[1][1]):
        assert bash("repro init", folder).returncode == 0
    for files, command, status, lines in shown:
        for path, text in files.items():
            (folder / path).write_text(text)
        done = bash(command, folder)
        assert done.returncode == status, f"{command}\n{done.stdout}\n{done.stderr}"
        printed = (done.stdout + done.stderr).splitlines()
        for line in lines:
            if line.strip() != "…":
                assert is_shown(line, printed), f"{command}\nnot printed: {line}\n{done.stdout}"
    if document != "README.md":
        named = {
            family for family in extras() for step in shown if re.search(rf"\b{family}\b", step[1])
        }
        used = {extras()[family] for family in trained(tmp_path) | named}
        assert whole(needed((ROOT / document).read_text("utf-8"))[0]) == used


def test_a_line_that_was_not_printed_is_noticed():
    assert is_shown("ok: 8 records, all committed", ["ok: 12 records, all committed"])
    assert is_shown("run …: lightgbm", ["run 0123456789ab-1: lightgbm for x"])
    assert not is_shown("identical: one execution key", ["explained: other bits"])


@pytest.mark.parametrize(
    "document", [name for name in [*DOCUMENTS, "docs/python.md"] if name != "README.md"]
)
def test_the_top_of_a_page_says_what_to_install(document):
    text = (ROOT / document).read_text("utf-8")
    all_of_it, parts = needed(text)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert all_of_it | parts <= set(project["optional-dependencies"])
    signs = {extra for extra, sign in SIGNS.items() if re.search(sign, text)}
    assert signs == parts


def test_nothing_tells_a_package_index_to_fetch_a_name_of_ours():
    """The README installs from a checkout; on an index the name may be anybody's."""
    places = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    for folder in ("repro", "audit_log", "trainers", "CONFIG", "schemas"):
        places += [p for p in (ROOT / folder).rglob("*") if p.suffix in (".py", ".json", ".yaml")]
    assert len(places) > 300
    told = re.compile(r"pip install[^\n]*repro[-_]audit|repro[-_]audit\[")
    assert [str(path) for path in places if told.search(path.read_text("utf-8"))] == []


def test_every_link_between_documents_leads_somewhere():
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    assert len(documents) >= 7
    for document in documents:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text("utf-8")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"
