"""Reading the log by the installed commands: what `repro audit` writes, `repro-verify` reads."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from repro.audit_log.formats.commitment import Redactable
from repro.audit_log.formats.note import signature_line, signature_of, split
from repro.audit_log.formats.note_key import (
    ED25519_COSIGNATURE,
    Signer,
    format_vkey,
    verifier_of,
)
from repro.audit_log.formats.record import Tool
from repro.audit_log.keys.keystore import KeyStore
from repro.audit_log.outside.timestamp import make_request
from repro.audit_log.storage import erasing
from repro.audit_log.storage.creation import local_actor
from repro.audit_log.storage.segments import Text
from repro.audit_log.storage.store import Log
from repro.verbs.audit import files
from repro.verbs.audit.reading import newest_lines, reading

# Slow: `make slow` runs these, and so does every change before it lands.
pytestmark = pytest.mark.slow

REPRO = Path(sys.executable).parent / "repro"
VERIFY = Path(sys.executable).parent / "repro-verify"
RUN = "0123456789ab-1"
TSA = """
[tsa]
default_tsa = authority
[authority]
serial = serial
crypto_device = builtin
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
"""


def log_of(desk: Any) -> Log:
    """Return the log of a workspace, to write to it as some other program may."""
    store = KeyStore(desk.keys)
    return Log.open(
        desk.root / "AUDIT_LOG", actor=local_actor(), tool=Tool("test", "1"), keys=store
    )


def fill(desk: Any, *, commit: bool = True) -> Log:
    """Write a run that was never sealed, and an approval with a value that may be erased."""
    log = log_of(desk)
    plan = log.append("run.planned", {"run": RUN}).seq
    log.append("run.failed", {"run": RUN, "plan": plan, "reason": "it did"})
    log.append("approval", {"subject": "run", "statement": Redactable("fit for use")})
    if commit:
        log.commit()
    return log


@pytest.fixture
def filled(desk: Any) -> Any:
    """Return a workspace whose log holds four committed records."""
    fill(desk)
    return desk


def ask(desk: Any, command: str, status: int = 0) -> str:
    """Run a printed ``repro-verify`` command in the workspace; return what it says."""
    program, *words = shlex.split(command)
    assert program == "repro-verify"
    done = subprocess.run(
        [str(VERIFY), *words], cwd=desk.root, capture_output=True, text=True, check=False
    )
    assert done.returncode == status, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def flip(path: Path, place: int) -> None:
    """Change one bit of a file."""
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(bytes(data))


def names(desk: Any) -> set[str]:
    """Return what lies in the workspace's folder, hidden files too."""
    return {path.name for path in desk.root.iterdir()}


# --- show and tail -------------------------------------------------------------------------------


def test_show_prints_a_record_by_number_and_the_bytes_of_its_line(filled):
    (shown,) = filled.json("audit", "show", "2")["records"]
    line = (filled.root / "AUDIT_LOG" / "log.jsonl").read_bytes().split(b"\n")[2]
    assert (shown["seq"], shown["type"], shown["committed"]) == (2, "run.failed", True)
    assert shown["actor"]["value"]["user"]
    raw = subprocess.run(
        [str(REPRO), "audit", "show", "2", "--raw"],
        cwd=filled.root,
        env=filled.environment,
        capture_output=True,
        check=True,
    )
    assert raw.stdout == line + b"\n"
    following = json.loads((filled.root / "AUDIT_LOG" / "log.jsonl").read_bytes().split(b"\n")[3])
    assert shown["line_hash"] == following["prev"]
    text = filled.run("audit", "show", "2").stdout
    assert text.startswith("record 2\ntype ")
    assert '"reason": "it did"' in text


def test_show_finds_runs_that_were_never_sealed_by_a_beginning_of_their_name(filled):
    for name in (RUN, RUN[:11]):
        found = filled.json("audit", "show", name)["records"]
        assert [record["seq"] for record in found] == [1, 2]
    log_of(filled).append("run.planned", {"run": "0123456789ac-1"})
    done = filled.run("audit", "show", "0123456789a", status=2)
    assert "names 2 runs" in done.stderr
    assert "0123456789ab-1, 0123456789ac-1" in done.stderr


def test_an_erased_value_is_said_to_be_erased(filled):
    log = log_of(filled)
    directory = filled.root / "AUDIT_LOG"
    (shown,) = filled.json("audit", "show", "3")["records"]
    assert [v["value"] for v in shown["openings"]] == ["fit for use"]
    gone = erasing.commitments_of(directory, seq=3, path="body.statement")
    erasing.erase(log, gone, "asked")
    log.commit()
    (shown,) = filled.json("audit", "show", "3")["records"]
    (value,) = shown["openings"]
    assert (value["state"], value["erased_in"], value["value"]) == ("erased", 4, None)
    assert "erased in record 4" in filled.run("audit", "show", "3").stdout
    for path in (directory / "openings").iterdir():
        path.unlink()
    assert "its opening is not here" in filled.run("audit", "tail").stdout


def test_what_is_not_committed_is_marked_until_it_is_signed(desk):
    fill(desk, commit=False)
    lines = desk.run("audit", "tail").stdout.splitlines()
    assert [line.endswith("not committed") for line in lines] == [False, True, True, True]
    assert [record["committed"] for record in desk.json("audit", "show", RUN)["records"]] == [
        False,
        False,
    ]
    assert "repro audit checkpoint --sign" in desk.run("audit", "prove", "2", status=3).stderr
    assert "repro audit checkpoint --sign" in desk.run("audit", "export", RUN, status=3).stderr
    found = desk.json("audit", "checkpoint")
    assert (found["size"], found["pending"]) == (1, 3)
    found = desk.json("audit", "checkpoint", "--sign")
    assert (found["size"], found["pending"]) == (4, 0)
    assert found["note"] == (desk.root / "AUDIT_LOG" / "checkpoint").read_text()
    assert "not committed" not in desk.run("audit", "tail").stdout


def test_tail_shows_the_newest_and_passes_over_a_torn_line(filled):
    with (filled.root / "AUDIT_LOG" / "log.jsonl").open("ab") as lines:
        lines.write(b'{"actor":{"comm')
    found = filled.json("audit", "tail", "-n", "2")
    assert [record["seq"] for record in found["records"]] == [2, 3]
    assert filled.json("audit", "tail", "-n", "0")["records"] == []
    assert filled.json("audit", "tail", "-n", "999")["committed"] == 4


def test_lines_are_read_backwards_whatever_blocks_they_lie_in(filled):
    log = log_of(filled)
    for size in (65_000, 1, 400, 64_999, 30_000, 65_100):
        log.append("incident", {"text": "x" * size})
    log.commit()
    directory = filled.root / "AUDIT_LOG"
    lines = (directory / "log.jsonl").read_bytes().split(b"\n")[:-1]
    backwards = list(newest_lines(Text.open(directory)))
    assert [line for _, line in backwards] == lines[::-1]
    places = [sum(len(line) + 1 for line in lines[:n]) for n in range(len(lines))]
    assert [place for place, _ in backwards] == places[::-1]
    log.seal()
    log.append("incident", {"text": "beyond"})
    found = filled.json("audit", "tail", "-n", "4")["records"]
    assert [record["type"] for record in found] == ["incident"] * 2 + ["segment.sealed", "incident"]


def test_tail_follows_what_is_added_also_into_a_new_file(filled):
    with subprocess.Popen(
        [str(REPRO), "audit", "tail", "-n", "1", "--follow"],
        cwd=filled.root,
        env=filled.environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline().split()[0] == "3"
        log = log_of(filled)
        log.append("incident", {"reason": "one"})
        assert process.stdout.readline().split()[0] == "4"
        log.seal()
        log.append("incident", {"reason": "two"})
        assert process.stdout.readline().split()[2] == "segment.sealed"
        assert process.stdout.readline().rstrip().endswith("not committed")
        process.send_signal(signal.SIGINT)
    assert process.returncode == 130


def test_a_changed_line_is_not_shown_as_if_it_were_the_signed_one(filled):
    path = filled.root / "AUDIT_LOG" / "log.jsonl"
    derived = filled.root / "AUDIT_LOG" / "derived"
    whole, spare = path.read_bytes(), filled.root.parent / "derived"
    filled.run("audit", "show", "2")
    shutil.copytree(derived, spare)
    path.write_bytes(whole.replace(b"it did", b"it dip"))
    for words in (["show", "2"], ["show", RUN], ["show", "--type", "run.failed"], ["tail"]):
        for there in (True, False):  # the tree of the lines as they were, and none
            shutil.rmtree(derived)
            if there:
                shutil.copytree(spare, derived)
            done = filled.run("audit", *words, status=4)
            assert "repro: error:" in done.stderr
            assert "it dip" not in done.stdout


# --- proofs and bundles --------------------------------------------------------------------------


def test_proofs_of_a_run_hold_elsewhere_and_not_after_one_changed_byte(filled):
    found = filled.json("audit", "prove", RUN)["proofs"]
    assert [Path(p["proof"]).name for p in found] == [f"{RUN}-{n}.tlog-proof" for n in (1, 2)]
    for proof in found:
        assert ask(filled, proof["verify"]).startswith(f"ok: entry {proof['seq']} of the first 4")
        entry = filled.root / proof["entry"]
        flip(entry, 40)
        assert ask(filled, proof["verify"], 4).startswith("tampered")
        flip(entry, 40)
        path, place = filled.root / proof["proof"], len("c2sp.org/tlog-proof@v1\nindex 1\n")
        text = path.read_text("utf-8")
        other = "A" if text[place] != "A" else "B"  # another hash, and base64 still
        path.write_text(text[:place] + other + text[place + 1 :], "utf-8")
        assert ask(filled, proof["verify"], 4).startswith("tampered")


def test_a_proof_never_replaces_a_file_and_leaves_nothing_half_written(filled):
    (filled.root / "2.entry").write_text("mine")
    before = names(filled)
    assert "2.entry exists" in filled.run("audit", "prove", "2", status=2).stderr
    assert names(filled) == before
    assert (filled.root / "2.entry").read_text() == "mine"
    filled.run("audit", "prove", "2", "-o", "other.tlog-proof")
    assert {"other.tlog-proof", "other.entry"} <= names(filled)
    assert "not a folder" in filled.run("audit", "prove", RUN, "-o", "one", status=2).stderr
    (filled.root / "folder").mkdir()
    filled.run("audit", "prove", RUN, "-o", "folder")
    assert len(list((filled.root / "folder").iterdir())) == 4
    assert "no folder" in filled.run("audit", "prove", "1", "-o", "no/x", status=3).stderr


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path):
    there = tmp_path / "there"
    there.write_text("mine")
    with pytest.raises(FileExistsError):
        files._write(there, b"ours")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_consistency_with_an_older_checkpoint_is_proven_and_checked(filled):
    filled.run("audit", "checkpoint", "-o", "old")
    assert "exists" in filled.run("audit", "checkpoint", "-o", "old", status=2).stderr
    log = log_of(filled)
    for number in range(5):
        log.append("incident", {"reason": str(number)})
    log.commit()
    found = filled.json("audit", "prove", "--consistency", "old")["consistency"]
    assert (found["old"], found["new"], found["file"]) == (4, 9, "4-9.consistency")
    assert ask(filled, found["verify"]).startswith("ok: the first 9 of ")
    flip(filled.root / found["file"], 3)
    assert not ask(filled, found["verify"], 3).startswith("ok")
    stranger = (filled.root / "old").read_text().replace("repro.log/", "repro.log/0", 1)
    (filled.root / "strange").write_text(stranger)
    done = filled.run("audit", "prove", "--consistency", "strange", status=3)
    assert "not a checkpoint of this log" in done.stderr
    assert "cannot read" in filled.run("audit", "prove", "--consistency", "no", status=3).stderr


def test_a_bundle_holds_elsewhere_also_for_who_pinned_the_key_before(filled):
    first = format_vkey(KeyStore(filled.keys).public(log_of(filled).origin)[0])
    log_of(filled).rotate_keys()
    found = filled.json("audit", "export", RUN, "--record", "3", "-o", "bundle")
    assert found["records"] == [0, 1, 2, 3, 4]
    assert (found["openings"], found["unopened"]) == (0, 2)
    assert ask(filled, found["verify"]).startswith("ok: 5 of the first 5")
    said = ask(filled, f"repro-verify bundle bundle --vkey {first}")
    assert "a key that a trusted one leads to" in said
    (filled.root / "trust").write_text(f"log {first}\nquorum none\n")
    assert ask(filled, "repro-verify bundle bundle --policy trust").startswith("ok: ")
    data = (filled.root / "bundle").read_bytes()
    (filled.root / "bundle").write_bytes(data.replace(b"it did", b"it dip"))
    assert ask(filled, found["verify"], 4).startswith("tampered: record 2")


def test_opened_values_travel_only_when_asked_for_and_with_a_warning(filled):
    done = filled.run("audit", "export", "--record", "3")
    assert "warning" not in done.stderr
    assert "fit for use" not in (filled.root / "3.bundle").read_text()
    done = filled.run("audit", "export", "--record", "3", "--with-openings", "-o", "b")
    assert "erasing them from the log later does not reach this file" in done.stderr
    assert "fit for use" in (filled.root / "b").read_text()
    key = next(word for word in done.stdout.split() if word.startswith("repro.log/"))
    assert "opened: record 3, body.statement" in ask(filled, f"repro-verify bundle b --vkey {key}")
    assert "exists" in filled.run("audit", "export", "--record", "3", status=2).stderr
    filled.run("audit", "export", status=2)


def test_what_was_pruned_is_still_proven(filled, monkeypatch):
    monkeypatch.setenv("REPRO_KEYS", str(filled.keys))
    log = log_of(filled)
    log.append("incident", {"reason": "it happened"})
    log.seal(retention={"keep_until": "2020-01-31", "policy": "short"})
    log.prune(0, reason="over", held=lambda: None)
    done = filled.run("audit", "show", "4", status=3)
    assert "pruned" in done.stderr
    (proof,) = filled.json("audit", "prove", "4")["proofs"]
    assert proof["entry"] is None
    assert ask(filled, proof["verify"]).startswith("ok: entry 4")
    assert "pruned" in filled.run("audit", "export", "--record", "4", status=3).stderr


def test_a_sealed_run_goes_by_the_names_that_other_commands_know(make_desk):
    desk = make_desk()
    run = desk.train()["run"]
    by_name = desk.json("audit", "show", "@latest")["records"]
    assert [r["type"] for r in by_name][:1] == ["run.planned"]
    assert {r["body"]["run"] for r in by_name} == {run}
    found = desk.json("audit", "prove", run[:12])["proofs"]
    assert [proof["seq"] for proof in found] == [
        r["seq"] for r in by_name if r["type"] in ("run.planned", "run.completed")
    ]


# --- time stamps ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a time-stamp authority with a certificate of its own."""
    folder = tmp_path_factory.mktemp("tsa")
    (folder / "ts.cnf").write_text(TSA)
    (folder / "serial").write_text("01\n")
    key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    openssl(
        folder,
        f"req -x509 {key} -keyout ca.key -out ca.pem -days 3650 -subj /CN=Root"
        " -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign",
    )
    openssl(folder, f"req {key} -keyout tsa.key -out tsa.csr -subj /CN=Stamps")
    (folder / "ext").write_text(
        "extendedKeyUsage = critical,timeStamping\nkeyUsage = critical,digitalSignature\n"
    )
    openssl(
        folder,
        "x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -extfile ext"
        " -out tsa.pem",
    )
    openssl(folder, f"req -x509 {key} -keyout o.key -out other.pem -days 3650 -subj /CN=Other")
    return folder


def openssl(folder: Path, words: str) -> None:
    """Run openssl."""
    subprocess.run(["openssl", *words.split()], cwd=folder, check=True, capture_output=True)


def reply(folder: Path, request: bytes) -> bytes:
    """Return what the authority answers."""
    (folder / "q.tsq").write_bytes(request)
    openssl(folder, "ts -reply -config ts.cnf -queryfile q.tsq -out a.tsr")
    return (folder / "a.tsr").read_bytes()


@contextmanager
def listening(folder: Path) -> Iterator[str]:
    """Run the authority behind HTTP."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = reply(folder, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


def test_a_stamp_is_fetched_kept_and_lifts_the_level(filled, authority):
    pem = ("--stamp-authority", str(authority / "ca.pem"))
    with listening(authority) as url:
        made = filled.json("audit", "timestamp", "--tsa", url, *pem)
        assert made["authority"] == "CN=Stamps"
        again = filled.run("audit", "timestamp", "--tsa", url, *pem, status=2)
        assert "never overwritten" in again.stderr
    kept = Path(made["response"])
    assert kept.name == f"4-{made['root'][:8]}.tsr"
    log_of(filled).append("incident", {"reason": "later"})
    filled.run("audit", "checkpoint", "--sign")
    found = filled.json("audit", "verify", *pem)
    assert (found["verdict"], found["attained"]) == ("ok", [0, 1, 3])
    assert any("the stamp of CN=Stamps" in text for text in found["checked"])
    found = filled.json("audit", "verify")
    assert found["attained"] == [0, 1]
    assert (
        "1 time stamp in timestamps/: not checked (--stamp-authority PEM)" in (found["not_checked"])
    )
    found = filled.json("audit", "verify", "--stamp-authority", str(authority / "other.pem"))
    assert found["attained"] == [0, 1]
    assert any("not among the pinned ones" in text for text in found["warnings"])
    flip(kept, kept.stat().st_size - 8)
    found = filled.json("audit", "verify", *pem)
    assert 3 not in found["attained"]
    assert any("does not hold" in text for text in found["warnings"])


def test_request_and_response_are_carried_though_the_log_grows(filled, authority):
    filled.run("audit", "timestamp", "--request", "q")
    log_of(filled).append("incident", {"reason": "meanwhile"})
    filled.run("audit", "checkpoint", "--sign")
    response = reply(authority, (filled.root / "q").read_bytes())
    (filled.root / "a").write_bytes(response)
    (filled.root / "bad").write_bytes(response[:-9] + bytes([response[-9] ^ 1]) + response[-8:])
    pem = ("--stamp-authority", str(authority / "ca.pem"))
    done = filled.run("audit", "timestamp", "--response", "bad", *pem, status=3)
    assert "nothing was kept" in done.stderr
    other = ("--stamp-authority", str(authority / "other.pem"))
    done = filled.run("audit", "timestamp", "--response", "a", *other, status=3)
    assert "not among the pinned ones" in done.stderr
    assert list((filled.root / "AUDIT_LOG" / "timestamps").glob("*.tsr")) == []
    made = filled.json("audit", "timestamp", "--response", "a", "--request", "q", *pem)
    assert made["size"] == 4
    assert filled.json("audit", "verify", *pem)["level"] == 3
    filled.run("audit", "timestamp", "--request", "q", status=2)
    filled.run("audit", "timestamp", status=2)
    filled.run("audit", "timestamp", "--response", "nowhere", status=3)


def test_a_stamp_over_another_history_is_a_fork(filled, authority):
    pem = ("--stamp-authority", str(authority / "ca.pem"))
    origin = log_of(filled).origin
    spare = filled.root.parent / "spare"
    shutil.copytree(filled.root / "AUDIT_LOG", spare)
    shutil.copytree(filled.keys, filled.root.parent / "spare-keys")
    log_of(filled).append("incident", {"reason": "one history"})
    filled.run("audit", "checkpoint", "--sign")
    with listening(authority) as url:
        filled.run("audit", "timestamp", "--tsa", url, *pem)
    shutil.copytree(filled.root / "AUDIT_LOG" / "timestamps", spare / "timestamps")
    note = filled.root.parent / "note"
    shutil.copy(filled.root / "AUDIT_LOG" / "checkpoint", note)
    shutil.rmtree(filled.root / "AUDIT_LOG")
    shutil.rmtree(filled.keys)
    spare.rename(filled.root / "AUDIT_LOG")
    (filled.root.parent / "spare-keys").rename(filled.keys)
    log_of(filled).append("incident", {"reason": "another history"})
    filled.run("audit", "checkpoint", "--sign")
    assert filled.json("audit", "verify")["verdict"] == "ok"
    found = filled.json("audit", "verify", *pem, status=4)
    assert (found["verdict"], found["origin"]) == ("forked", origin)
    # And two signed notes are proof: it is written where the verifier says.
    evidence = filled.root.parent / "evidence"
    words = ("audit", "verify", "--checkpoint", str(note), "--evidence", str(evidence))
    assert "make it first" in filled.run(*words, status=3).stderr
    evidence.mkdir()
    done = filled.run(*words, status=4)
    (written,) = evidence.iterdir()
    assert str(written) in done.stderr
    done = filled.run("audit", "prove", "--consistency", str(note), status=4)
    assert "does not continue" in done.stderr


def test_a_stamp_over_what_this_log_never_signed_says_nothing_of_it(filled, authority):
    folder = filled.root / "AUDIT_LOG" / "timestamps"
    folder.mkdir()
    note = (filled.root / "AUDIT_LOG" / "checkpoint").read_text().replace("\n4\n", "\n3\n", 1)
    text = split(note.encode())[0]
    (folder / "3-00000000.note").write_text(note)
    (folder / "3-00000000.tsr").write_bytes(reply(authority, make_request(text)))
    found = filled.json("audit", "verify", "--stamp-authority", str(authority / "ca.pem"))
    assert (found["verdict"], found["attained"]) == ("ok", [0, 1])
    assert any("3-00000000.tsr does not hold: the signature" in t for t in found["warnings"])


def test_without_the_library_the_error_names_the_extra(filled, tmp_path):
    (tmp_path / "rfc3161_client.py").write_text("raise ImportError('not here')\n")
    hidden = {**os.environ, "PYTHONPATH": str(tmp_path), "REPRO_KEYS": str(filled.keys)}
    done = subprocess.run(
        [str(REPRO), "audit", "timestamp", "--request", "q"],
        cwd=filled.root,
        env=hidden,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "pip install '.[timestamp]'" in done.stderr
    assert not (filled.root / "q").exists()


# --- verify --------------------------------------------------------------------------------------


def test_a_key_that_is_none_is_a_mistake_in_usage_for_both_commands(filled, tmp_path):
    for given in ("nowhere", str(tmp_path), "a+b"):
        done = filled.run("audit", "verify", "--vkey", given, status=2)
        assert "neither a public key nor a file of them" in done.stderr
        pulled = filled.run("runs", "pull", "1", str(tmp_path), "--vkey", given, status=2)
        assert "neither a public key nor a file of them" in pulled.stderr
        auditors = [str(REPRO.with_name("repro-verify")), "log", "AUDIT_LOG", "--vkey", given]
        alone = subprocess.run(
            auditors, cwd=filled.root, capture_output=True, text=True, check=False
        )
        assert (alone.returncode, alone.stdout) == (2, "")


def test_verify_goes_on_where_it_stopped_unless_full_is_asked(filled, tmp_path):
    state = ("--state", str(tmp_path / "mine"))
    assert filled.json("audit", "verify", *state)["remembered"] == 0
    assert filled.json("audit", "verify", *state)["remembered"] == 4
    assert filled.json("audit", "verify", *state, "--full")["remembered"] == 0
    inside = filled.root / "AUDIT_LOG" / "mine"
    done = filled.run("audit", "verify", "--state", str(inside), status=3)
    assert "directory of a log" in done.stderr
    assert not inside.exists()


def test_a_policy_says_whose_log_it_is_and_the_one_by_the_key_is_taken(filled):
    origin = log_of(filled).origin
    store = KeyStore(filled.keys)
    key = format_vkey(store.public(origin)[0])
    policy = filled.root / "policy"
    policy.write_text(f"log {key}\nquorum none\n")
    found = filled.json("audit", "verify", "--policy", "policy")
    assert (found["verdict"], found["attained"]) == ("ok", [0, 1])
    assert not any("no policy was given" in text for text in found["not_checked"])
    shutil.copy(policy, store.directory(origin) / "policy")
    found = filled.json("audit", "verify")
    assert any("the policy beside the key" in text for text in found["checked"])
    log_of(filled).rotate_keys()  # the operator's own file need not be written anew
    found = filled.json("audit", "verify")
    assert (found["verdict"], found["attained"]) == ("ok", [0, 1])
    policy.write_text(f"log {key}\n")
    assert "no quorum line" in filled.run("audit", "verify", "--policy", "policy", status=3).stderr
    filled.run("audit", "verify", "--policy", "nowhere", status=3)


def test_a_quorum_of_witnesses_that_the_policy_names_is_level_four(filled):
    path = filled.root / "AUDIT_LOG" / "checkpoint"
    log = format_vkey(KeyStore(filled.keys).public(log_of(filled).origin)[0])
    witness = Signer("witness.example", b"w" * 32, ED25519_COSIGNATURE)
    policy = filled.root / "policy"
    policy.write_text(f"log {log}\nwitness w {format_vkey(verifier_of(witness))}\nquorum w\n")
    found = filled.json("audit", "verify", "--policy", "policy")
    assert found["attained"] == [0, 1]
    assert "the witness quorum is not met: witness 'w' has not cosigned" in found["warnings"]
    line = signature_line(signature_of(split(path.read_bytes())[0], witness, 1_700_000_000))
    path.write_text(path.read_text() + line)
    found = filled.json("audit", "verify", "--policy", "policy")
    assert (found["level"], found["attained"]) == (4, [0, 1, 4])
    (proof,) = filled.json("audit", "prove", "2")["proofs"]
    by_policy = f"{proof['verify'].partition(' --vkey')[0]} --policy policy"
    assert "cosigned by w at 1700000000" in ask(filled, by_policy)


def test_a_copy_without_openings_is_accepted_only_when_it_is_said(filled):
    shutil.rmtree(filled.root / "AUDIT_LOG" / "openings")
    assert filled.json("audit", "verify", status=1)["verdict"] == "incomplete"
    assert filled.json("audit", "verify", "--without-openings")["verdict"] == "ok"


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("show", 2, "name what to show"),
        ("show 4", 2, "records 0 to 3"),
        ("show 99999999999999999999", 2, "no record"),
        ("show nope", 2, "no runs yet"),
        ("show @latest", 2, "no runs yet"),
        ("show --type nope", 2, "types: approval"),
        ("show 1 --type approval", 2, "name what to show"),
        ("show 1 --raw --format json", 2, "exclude each other"),
        ("tail -n -1", 2, "-n"),
        ("tail --follow --format json", 2, "no end"),
        ("prove", 2, "name what to prove"),
        ("prove 4", 2, "records 0 to 3"),
        ("prove nope", 2, "no runs yet"),
        ("export nope", 2, "no runs yet"),
        ("export --record 4", 2, "records 0 to 3"),
        ("verify --stamp-authority CONFIG/nope", 3, "cannot read"),
        ("verify --stamp-authority README", 3, "no certificates"),
        ("verify --checkpoint nope", 3, "cannot read"),
        ("timestamp --tsa ftp://x", 3, "no time stamp"),
    ],
)
def test_bad_input_is_refused_in_words(reader: Any, words: str, status: int, said: str) -> None:
    before = names(reader)
    assert said in reader.run("audit", *words.split(), status=status).stderr
    assert names(reader) == before


@pytest.fixture(scope="module")
def reader(make_desk: Callable[[], Any]) -> Any:
    """Return a workspace that these tests leave as it is."""
    made = make_desk()
    fill(made)
    (made.root / "README").write_text("no certificate\n")
    return made


def test_a_missing_log_and_a_missing_checkpoint_are_errors(filled):
    commands = ("show 0", "tail", "prove 0", "checkpoint", "export --record 0",
                "timestamp --request q")  # fmt: skip
    (filled.root / "AUDIT_LOG" / "checkpoint").unlink()
    for words in commands:
        assert "checkpoint" in filled.run("audit", *words.split(), status=3).stderr
    shutil.rmtree(filled.root / "AUDIT_LOG")
    for words in commands:
        done = filled.run("audit", *words.split(), status=3)
        assert "no log" in done.stderr
    assert not (filled.root / "AUDIT_LOG").exists()


def test_a_checkpoint_that_the_log_did_not_sign_is_not_handed_out(filled):
    path = filled.root / "AUDIT_LOG" / "checkpoint"
    path.write_text(path.read_text().replace("\n4\n", "\n3\n", 1))
    for words in ("checkpoint", "prove 0", "timestamp --request q"):
        done = filled.run("audit", *words.split(), status=4)
        assert "cannot be believed" in done.stderr
        assert done.stdout == ""


def test_a_log_that_cannot_be_written_is_read_and_proven_all_the_same(filled, monkeypatch):
    derived = filled.root / "AUDIT_LOG" / "derived"
    shutil.rmtree(derived)

    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    real = Path.mkdir

    def mkdir(path: Path, *args: Any, **more: Any) -> None:
        (refuse if path.is_relative_to(filled.root) else real)(path, *args, **more)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with reading(filled.root) as found:
        assert found.at(2).record.type == "run.failed"
        assert found.tiles.prove(2, found.head.checkpoint)
    assert not derived.exists()
