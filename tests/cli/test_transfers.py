"""Sealed runs go to a store and come from it whole, vouched for, or not at all."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from repro.errors import IntegrityError

PULL = """
import os, signal, sys
import repro.verbs.sealed.pulling as pulling
from repro.cli.boundary import run
left = int(sys.argv[1])
real = pulling.take
def take(*arguments):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments)
pulling.take = take
sys.exit(run(sys.argv[2:]))
"""


@pytest.fixture
def two(with_run, make_desk, tmp_path):
    """Return a workspace with a run, another one, the run's name, and a folder for a store."""
    desk, run = with_run
    return desk, make_desk(), run["run"], tmp_path / "store"


def vkey(desk):
    """Return the option that says whose log it is."""
    return ("--vkey", str(desk.root / "AUDIT_LOG" / "log.vkey"))


def kinds(desk):
    """Return the types of all records."""
    return [record["type"] for record in desk.records()]


def pulled_folders(desk):
    """Return the runs that lie there as pulled ones."""
    return sorted((desk.root / "RESULTS" / "pulled").glob("*/*"))


def contents(folder):
    """Return every file of a folder."""
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def objects(store):
    """Return the objects of a store, the largest first."""
    found = [path for path in (store / "objects").rglob("*") if path.is_file()]
    return sorted(found, key=lambda path: -path.stat().st_size)


def test_a_run_is_pushed_pulled_shown_and_said_to_be_of_another_log(two):
    here, there, run, store = two
    (sent,) = here.json("runs", "push", run, str(store))["runs"]
    assert (sent["sent"], sent["mended"]) == (sent["files"], 0)
    (again,) = here.json("runs", "push", run, "@latest", str(store))["runs"]
    assert (again["sent"], again["sent_bytes"], again["manifest"]) == (0, 0, sent["manifest"])
    (got,) = there.json("runs", "pull", run, str(store), *vkey(here))["runs"]
    assert (got["fetched"], got["new"], got["trust"], got["own"]) == (
        sent["files"],
        True,
        "key",
        False,
    )
    (folder,) = pulled_folders(there)
    assert str(folder) == got["folder"]
    assert contents(folder) == contents(here.root / "RESULTS" / "runs" / run)
    record = there.records()[got["record"]]
    assert (record["type"], record["body"]["run"]) == ("run.pulled", run)
    assert record["body"]["origin"] == here.records()[0]["body"]["origin"]
    assert there.json("runs", "show", run)["snapshot"]["run"] == run
    assert there.json("runs", "list")["total"] == 0  # what others trained is not among ours
    there.run("runs", "show", "@latest", status=2)
    report = there.json("audit", "verify", "--artifacts")
    assert report["verdict"] == "ok"
    assert any("11 artifacts" in text or "artifacts" in text for text in report["checked"])
    assert not list((there.root / "RESULTS" / ".derived" / "incoming").iterdir())
    (once,) = there.json("runs", "pull", run[:6], str(store), *vkey(here))["runs"]
    assert (once["new"], once["fetched"], once["record"]) == (False, 0, None)
    assert kinds(there).count("run.pulled") == 1


def test_two_stores_hold_the_same_run_and_each_gives_it(two):
    here, there, run, store = two
    other = store.with_name("other")
    for address in (f"dir://{other.name}::file://{other.parent}", f"file://{store}"):
        here.run("runs", "push", run, address)
    assert len(objects(other)) == len(objects(store))
    there.run("runs", "pull", run, f"dir://{other.name}::file://{other.parent}", *vkey(here))
    (got,) = there.json("runs", "pull", run, str(store), *vkey(here))["runs"]
    assert not got["new"]


def test_nothing_is_put_into_the_memory_of_a_command(two):
    here, _, run, _ = two
    for address in ("memory://x/y", "simplecache::memory://x", "dir://y::memory://x"):
        for words in (("runs", "push", run), ("audit", "publish")):
            said = here.run(*words, address, status=2)
            assert "is gone when it ends" in said.stderr


def test_a_pulled_run_that_is_changed_later_is_found_out(two):
    here, there, run, store = two
    here.run("runs", "push", run, str(store))
    there.run("runs", "pull", run, str(store), *vkey(here))
    (folder,) = pulled_folders(there)
    metrics = next(folder.rglob("metrics.json"))
    metrics.write_bytes(metrics.read_bytes() + b" ")
    there.run("runs", "show", run, status=4)
    there.run("runs", "pull", run, str(store), *vkey(here), status=4)
    assert there.json("audit", "verify", "--artifacts", status=4)["verdict"] == "tampered"


def test_a_pulled_run_that_is_changed_says_what_to_do_and_from_where_and_that_helps(two):
    here, there, run, store = two
    here.run("runs", "push", run, str(store))
    there.run("runs", "pull", run, str(store), *vkey(here))
    (folder,) = pulled_folders(there)
    again = f"pull it again, vouched for as it was then: repro runs pull {run} {store}"
    metrics = next(folder.rglob("metrics.json"))
    for damage in (change, cut, Path.unlink):
        damage(metrics)
        for words in (["show", run], ["pull", run, str(store), *vkey(here)]):
            said = there.run("runs", *words, status=4)
            assert f"move {folder} away" in said.stderr
        assert again in there.run("runs", "show", run, status=4).stderr
    next(folder.rglob("snapshot.json")).unlink()
    assert again in there.run("runs", "show", run, status=4).stderr
    shutil.rmtree(there.root / "RESULTS" / ".derived")
    assert "not known here" in there.run("runs", "show", run, status=4).stderr
    shutil.rmtree(folder)  # as it says
    there.run("runs", "pull", run, str(store), *vkey(here))
    there.run("runs", "show", run)


def test_pulled_runs_are_listed_with_what_became_of_them(two):
    here, there, run, store = two
    assert there.json("runs", "pulled")["runs"] == []
    assert "no run was pulled" in there.run("runs", "pulled").stdout
    here.run("runs", "push", run, str(store))
    there.run("runs", "pull", run, str(store), *vkey(here))
    (folder,) = pulled_folders(there)
    (one,) = there.json("runs", "pulled")["runs"]
    snapshot = json.loads(next(folder.rglob("snapshot.json")).read_bytes())
    assert one["origin"] == here.records()[0]["body"]["origin"]
    assert (one["run"], one["state"], one["trust"]) == (run, "here", "key")
    assert (one["source"], one["folder"]) == (str(store), str(folder))
    assert (one["target"], one["family"]) == (snapshot["target"], snapshot["family"])
    assert there.records()[one["record"]]["type"] == "run.pulled"
    assert one["origin"] in there.run("runs", "pulled").stdout
    kept = folder.with_name("kept")
    shutil.copytree(folder, kept)
    for damage in (cut, Path.unlink):
        damage(next(folder.rglob("predictions.npy")))
        assert there.json("runs", "pulled")["runs"][0]["state"] == "changed"
    assert "CHANGED" in there.run("runs", "pulled").stdout
    shutil.rmtree(folder)
    found = there.json("runs", "pulled")["runs"]
    assert [(r["run"], r["state"]) for r in found] == [(run, "gone"), ("kept", "not in the log")]
    kept.rename(folder)
    (one,) = there.json("runs", "pulled")["runs"]
    assert one["state"] == "here"


def test_who_vouches_must_be_known_or_it_is_said_that_nobody_does(two):
    here, there, run, store = two
    here.run("runs", "push", run, str(store))
    said = there.run("runs", "pull", run, str(store), status=3)
    assert "this machine has no key of it" in said.stderr
    said = there.run("runs", "pull", run, str(store), *vkey(there), status=3)
    assert "unverifiable" in said.stderr
    assert pulled_folders(there) == []
    said = there.run("runs", "pull", run, str(store), "--self-asserted")
    assert "only its own word" in said.stderr
    assert there.records()[-1]["body"]["trust"] == "self-asserted"


def cut(path):
    """Cut a file in two."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def change(path):
    """Change one byte in the middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


DAMAGE = [
    (cut, "object", 4),
    (change, "object", 4),
    (Path.unlink, "object", 3),
    (cut, "json", 4),
    (change, "json", 4),
    (Path.unlink, "bundle", 3),
    (cut, "bundle", 3),
    (change, "bundle", None),
]


def test_what_is_damaged_in_a_store_is_never_taken_and_pushing_again_mends_it(two, tmp_path):
    here, there, run, store = two
    here.run("runs", "push", run, str(store))
    for number, (damage, what, status) in enumerate(DAMAGE):
        copy = tmp_path / f"copy{number}"
        shutil.copytree(store, copy)
        named = {path.suffix[1:]: path for path in (copy / "runs" / run).iterdir()}
        damage(objects(copy)[0] if what == "object" else named[what])
        said = there.run("runs", "pull", run, str(copy), *vkey(here), status=status)
        assert said.returncode in (3, 4)
        assert "push" in said.stderr.lower()
        assert pulled_folders(there) == []
        (sent,) = here.json("runs", "push", run, str(copy))["runs"]
        assert sent["sent"] + sent["mended"] == (what == "object")
        is_gone = damage is Path.unlink
        assert sent["proof"] == ("there" if what == "object" else "sent" if is_gone else "mended")
        mended, whole = contents(copy), contents(store)
        bundle = next(name for name in whole if name.suffix == ".bundle")
        assert {**mended, bundle: b""} == {**whole, bundle: b""}
    assert "run.pulled" not in kinds(there)
    (got,) = there.json("runs", "pull", run, str(copy), *vkey(here))["runs"]
    assert got["new"]
    assert there.json("audit", "verify", "--artifacts")["verdict"] == "ok"


def test_a_proof_of_something_else_is_replaced_by_the_next_push_and_said_to_be(two, tmp_path):
    here, there, run, store = two
    here.run("runs", "push", run, str(store))
    (bundle,) = (store / "runs" / run).glob("*.bundle")
    whole = bundle.read_bytes()
    here.run("audit", "export", "--record", "0", "-o", str(tmp_path / "other"))
    bundle.write_bytes((tmp_path / "other").read_bytes())
    said = there.run("runs", "pull", run, str(store), *vkey(here), status=4)
    assert "completes it 0 times" in said.stderr
    assert "push the run again" in said.stderr
    said = here.run("runs", "push", run, str(store))
    assert "the proof there did not hold, and was replaced" in said.stderr
    assert bundle.read_bytes() == whole
    there.run("runs", "pull", run, str(store), *vkey(here))


def test_a_manifest_that_names_other_files_is_refused_though_its_name_fits_it(two):
    from repro.runs.manifest import digest_of

    here, there, run, store = two
    here.run("runs", "push", run, str(store))
    folder = store / "runs" / run
    (manifest,) = folder.glob("*.json")
    value = json.loads(manifest.read_bytes())
    value["files"] = value["files"][:-1]
    data = json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    forged = folder / f"{digest_of(data)}.json"
    forged.write_bytes(data)
    manifest.with_suffix(".bundle").rename(forged.with_suffix(".bundle"))
    manifest.unlink()
    said = there.run("runs", "pull", run, str(store), *vkey(here), status=4)
    assert "its log says that it has other files" in said.stderr
    assert pulled_folders(there) == []


def forged(store, run, change):
    """Change a pushed run's manifest, and let its name, its digest and its proof's name fit."""
    from repro.runs.manifest import digest_of

    (manifest,) = (store / "runs" / run).glob("*.json")
    value = json.loads(manifest.read_bytes())
    change(value)
    data = json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    made = store / "runs" / value["run"] / f"{digest_of(data)}.json"
    made.parent.mkdir(exist_ok=True)
    made.write_bytes(data)
    shutil.copy(manifest.with_suffix(".bundle"), made.with_suffix(".bundle"))
    manifest.unlink()
    return value["run"]


def another_key(value):
    """Name another execution key."""
    value["execution_key"] = "0" * 64


def other_bytes(value):
    """Name a file by other bytes, which are there, too."""
    value["files"][0] = {**value["files"][1], "path": value["files"][0]["path"]}


def path_out(value):
    """Name a file outside."""
    value["files"][0]["path"] = "targets/../../../x/y"


FORGED = [
    (lambda value: value.update(run="0123456789ab-1"), "its proof completes it 0 times"),
    (lambda value: value.update(record=1), "its log says that it has other files"),
    (another_key, "its log says that it has other files"),
    (other_bytes, "its log says that it has other files"),
    (path_out, "is not the manifest of a run"),
    (lambda value: value.update(origin="repro.log/another"), "its proof is of another log"),
    (lambda value: value.update(more=1), "is not the manifest of a run"),
]


def test_no_manifest_but_the_one_that_the_log_speaks_of_is_taken(two, tmp_path):
    here, there, run, store = two
    here.run("runs", "push", run, str(store))
    for number, (change, told) in enumerate(FORGED):
        copy = tmp_path / f"copy{number}"
        shutil.copytree(store, copy)
        name = forged(copy, run, change)
        said = there.run("runs", "pull", name, str(copy), *vkey(here), status=4)
        assert told in said.stderr
    assert pulled_folders(there) == []
    assert "run.pulled" not in kinds(there)


def test_a_key_that_is_trusted_vouches_for_no_other_log_than_its_own(two, make_desk, tmp_path):
    here, there, run, store = two
    third = make_desk()
    here.run("runs", "push", run, str(store))
    (manifest,) = (store / "runs" / run).glob("*.json")
    keys = (*vkey(here), *vkey(third))  # both are trusted, each for its log
    third.run("audit", "export", "--record", "0", "-o", str(tmp_path / "of-third"))
    whole = manifest.with_suffix(".bundle").read_bytes()
    manifest.with_suffix(".bundle").write_bytes((tmp_path / "of-third").read_bytes())
    said = there.run("runs", "pull", run, str(store), *keys, status=4)
    assert "its proof is of another log" in said.stderr
    manifest.with_suffix(".bundle").write_bytes(whole)
    there.run("runs", "pull", run, str(store), *vkey(third), status=3)  # only the other's key
    there.run("runs", "pull", run, str(store), *keys)


def test_a_pulled_run_under_another_name_or_another_log_is_refused(two):
    here, there, run, store = two
    here.run("runs", "push", run, str(store))
    there.run("runs", "pull", run, str(store), *vkey(here))
    (folder,) = pulled_folders(there)
    for other in (folder.with_name("0123456789ab-7"), folder.parent.with_name("0" * 16) / run):
        shutil.copytree(folder, other)
        said = there.run("runs", "show", str(other), status=4)
        assert "no record that says where it was pulled from" in said.stderr or (
            "its folder has another run's name" in said.stderr
        )
        shutil.rmtree(other)
    mine = there.root / "RESULTS" / "runs" / run
    shutil.copytree(folder, mine)  # and it is no run of this log
    said = there.run("runs", "show", str(mine), status=4)
    assert "no record that completes it" in said.stderr


def test_a_name_that_two_logs_have_is_asked_for_with_a_digest(two):
    here, there, run, store = two
    here.run("runs", "push", run, str(store))
    folder = store / "runs" / run
    (manifest,) = folder.glob("*.json")
    (folder / f"{'0' * 64}.json").write_bytes(b"another's")
    said = there.run("runs", "pull", run, str(store), *vkey(here), status=2)
    assert f"{run}/{manifest.stem[:12]}" in said.stderr
    there.run("runs", "pull", f"{run}/0000", str(store), *vkey(here), status=4)
    there.run("runs", "pull", f"{run}/{manifest.stem[:8]}", str(store), *vkey(here))
    there.run("runs", "pull", "ffffffffffff-1", str(store), *vkey(here), status=2)
    there.run("runs", "pull", run, str(store / "nowhere"), *vkey(here), status=2)


class Unlisted(MemoryFileSystem):
    """A web server that gives files and lists no folder."""

    protocol = "unlisted"
    store = {}  # noqa: RUF012 (as its base has it)
    pseudo_dirs = [""]  # noqa: RUF012

    def ls(self, path, detail=True, **more):
        """Refuse."""
        raise PermissionError("403")


fsspec.register_implementation(Unlisted.protocol, Unlisted, clobber=True)


def test_from_a_store_that_lists_nothing_a_run_is_pulled_by_its_whole_name(two):
    here, there, run, _ = two
    store = f"unlisted://{uuid.uuid4().hex}"
    (sent,) = here.json("runs", "push", run, store)["runs"]
    said = there.run("runs", "pull", run, store, *vkey(here), status=3)
    assert "RUN/DIGEST" in said.stderr
    there.run("runs", "pull", f"{run}/{sent['manifest']}", store, *vkey(here))
    said = there.run("runs", "pull", f"{run}/{'0' * 64}", store, *vkey(here), status=3)
    assert "lacks runs/" in said.stderr


def test_a_run_of_this_log_goes_back_to_where_it_was_sealed(two):
    here, _, run, store = two
    here.run("runs", "push", run, str(store))
    sealed = here.root / "RESULTS" / "runs" / run
    before, size = contents(sealed), len(here.records())
    shutil.rmtree(sealed)
    (got,) = here.json("runs", "pull", run, str(store))["runs"]
    assert (got["own"], got["new"], got["record"], got["trust"]) == (True, True, None, "key")
    assert contents(sealed) == before
    assert len(here.records()) == size
    assert here.json("runs", "list")["total"] == 1


def test_a_run_that_is_not_what_was_sealed_is_not_pushed(two):
    here, _, run, store = two
    change(next((here.root / "RESULTS" / "runs" / run).rglob("predictions.npy")))
    here.run("runs", "push", run, str(store), status=4)
    assert not store.exists()


def test_a_pulled_run_is_not_pushed_on_nor_given_a_name(two, tmp_path):
    here, there, run, store = two
    here.run("runs", "push", run, str(store))
    there.run("runs", "pull", run, str(store), *vkey(here))
    there.run("runs", "push", run, str(tmp_path / "other"), status=2)
    there.run("runs", "pin", "best", run, status=2)


def test_a_push_that_stops_leaves_nothing_to_pull_and_the_next_sends_the_rest(two, monkeypatch):
    here, there, run, store = two
    left = 4

    def give(*arguments):
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return real(*arguments)

    from repro.verbs.sealed import pushing

    real = pushing.give
    with monkeypatch.context() as patch:
        patch.setattr(pushing, "give", give)
        here.run("runs", "push", run, str(store), status=130)
    there.run("runs", "pull", run, str(store), *vkey(here), status=2)
    (sent,) = here.json("runs", "push", run, str(store))["runs"]
    assert sent["sent"] == sent["files"] - 4
    there.run("runs", "pull", run, str(store), *vkey(here))


def test_a_pull_that_dies_between_record_and_place_is_brought_to_its_end(two, monkeypatch):
    from repro.verbs.sealed import pulling

    here, there, run, store = two
    here.run("runs", "push", run, str(store))
    with monkeypatch.context() as patch:
        patch.setattr(pulling, "put", lambda *_: (_ for _ in ()).throw(IntegrityError("stopped")))
        there.run("runs", "pull", run, str(store), *vkey(here), status=4)
    assert kinds(there).count("run.pulled") == 1
    assert there.json("audit", "verify", "--artifacts", status=1)["verdict"] == "incomplete"
    (got,) = there.json("runs", "pull", run, str(store), *vkey(here))["runs"]
    assert (got["new"], got["fetched"], got["record"]) == (True, 0, None)
    assert there.json("audit", "verify", "--artifacts")["verdict"] == "ok"


@pytest.mark.slow
def test_a_pull_that_is_killed_leaves_nothing_and_the_next_fetches_the_rest(two):
    here, there, run, store = two
    here.run("runs", "push", run, str(store))
    words = [sys.executable, "-P", "-c", PULL, "5", "runs", "pull", run, str(store), *vkey(here)]
    done = subprocess.run(
        words, cwd=there.root, env={**os.environ, "REPRO_KEYS": str(there.keys)}, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert pulled_folders(there) == []
    assert "run.pulled" not in kinds(there)
    change(sorted((there.root / "RESULTS" / ".derived" / "incoming").iterdir())[0])
    (got,) = there.json("runs", "pull", run, str(store), *vkey(here))["runs"]
    assert got["fetched"] == got["files"] - 4  # one of the five is not what it was


@pytest.mark.slow
def test_a_pulled_run_is_done_again_here_and_its_log_is_named(two):
    here, there, run, store = two
    here.run("runs", "push", run, str(store))
    there.run("runs", "pull", run, str(store), *vkey(here))
    assert there.json("verify", run, "-q")["verdict"] == "reproduced"
    body = there.records()[-1]["body"]
    assert (body["run"], body["origin"]) == (run, here.records()[0]["body"]["origin"])
    mine = there.train()["run"]
    assert mine == f"{run[:-1]}2"  # the name is taken
    assert there.json("diff", mine, run)["verdict"] == "identical"


FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
from repro.cli.boundary import run
sys.exit(run(sys.argv[2:]))
"""


@pytest.mark.slow
def test_a_disk_that_takes_no_more_leaves_nothing_half_and_the_next_try_goes_on(two, tmp_path):
    here, there, run, store = two

    def with_limit(desk, *arguments):
        words = [sys.executable, "-P", "-c", FULL, "60000", *arguments]
        return subprocess.run(
            words, cwd=desk.root, env=desk.environment, check=False, capture_output=True, text=True
        )

    done = with_limit(here, "runs", "push", run, str(store))
    assert (done.returncode, "Traceback" in done.stderr) == (3, False), done.stderr
    assert not (store / "runs").exists()
    assert all(path.name[0] != "." for path in store.rglob("*"))
    here.run("runs", "push", run, str(store))
    done = with_limit(there, "runs", "pull", run, str(store), *vkey(here))
    assert done.returncode == 3, done.stderr
    assert "the run could not be written" in done.stderr
    assert pulled_folders(there) == []
    assert "run.pulled" not in kinds(there)
    there.run("runs", "pull", run, str(store), *vkey(here))
    done = with_limit(there, "audit", "publish", str(tmp_path / "public"))
    assert done.returncode == 0, done.stderr
    assert there.json("audit", "verify", "--artifacts")["verdict"] == "ok"
