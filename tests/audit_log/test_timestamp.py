"""Trusted time stamps, against an authority made with the `openssl` command."""

from __future__ import annotations

import datetime
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from repro.audit_log.errors import TimestampError
from repro.audit_log.outside.timestamp import (
    make_request,
    read_response,
    send,
    verify_stamp,
    write_request,
)

from .witnessing import Foreign

TEXT = Foreign().note(5).decode().partition("\n\n")[0] + "\n"
OTHER = Foreign().note(6).decode().partition("\n\n")[0] + "\n"

CONFIG = """
[tsa]
default_tsa = authority
[authority]
serial = serial
crypto_device = builtin
signer_cert = tsa.pem
signer_key = tsa.key
certs = chain.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
ess_cert_id_alg = sha256
"""


@dataclass(frozen=True)
class Authority:
    """A certificate authority and a time-stamp authority below it."""

    directory: Path

    @classmethod
    def create(cls, directory: Path) -> Authority:
        """Make both."""
        directory.mkdir()
        made = cls(directory)
        (directory / "ts.cnf").write_text(CONFIG)
        (directory / "serial").write_text("01\n")
        key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        made.run(
            f"req -x509 {key} -keyout ca.key -out ca.pem -days 3650 -subj /CN=Root"
            " -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign"
        )
        made.run(f"req {key} -keyout tsa.key -out tsa.csr -subj /CN=Stamps")
        (directory / "chain.pem").write_bytes(made.root)
        now = datetime.datetime.now(datetime.UTC)
        made.certify(now - datetime.timedelta(days=1), now + datetime.timedelta(days=3650))
        return made

    @property
    def root(self) -> bytes:
        """What a verifier pins."""
        return (self.directory / "ca.pem").read_bytes()

    def run(self, arguments: str) -> None:
        """Run openssl."""
        command = ["openssl", *arguments.split()]
        subprocess.run(command, cwd=self.directory, check=True, capture_output=True)

    def certify(
        self, start: datetime.datetime, end: datetime.datetime, usage: str = "timeStamping"
    ) -> None:
        """Give the time-stamp authority a certificate for that time."""
        (self.directory / "ext").write_text(
            f"extendedKeyUsage = critical,{usage}\nkeyUsage = critical,digitalSignature\n"
        )
        (self.directory / "db").write_text("")
        (self.directory / "db.attr").write_text("unique_subject = no\n")
        (self.directory / "ca.cnf").write_text(
            "[ca]\ndefault_ca = d\n[d]\nnew_certs_dir = .\ndatabase = db\nrand_serial = yes\n"
            "default_md = sha256\npolicy = p\n[p]\ncommonName = supplied\n"
        )
        stamps = [f"{moment:%Y%m%d%H%M%SZ}" for moment in (start, end)]
        self.run(
            "ca -batch -notext -config ca.cnf -in tsa.csr -cert ca.pem -keyfile ca.key -out tsa.pem"
            f" -startdate {stamps[0]} -enddate {stamps[1]} -extfile ext"
        )

    def reply(self, request: bytes) -> bytes:
        """Return what the authority answers."""
        (self.directory / "q.tsq").write_bytes(request)
        self.run("ts -reply -config ts.cnf -queryfile q.tsq -out a.tsr")
        return (self.directory / "a.tsr").read_bytes()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return an authority."""
    return Authority.create(tmp_path_factory.mktemp("tsa") / "one")


@contextmanager
def listening(
    authority: Authority, status: int = 200, kind: str = "timestamp-reply"
) -> Iterator[str]:
    """Run an HTTP time-stamp authority."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/timestamp-query"
            body = authority.reply(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Type", f"application/{kind}")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/tsr"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("digest", ["sha256", "sha512"])
def test_a_stamp_is_fetched_and_holds(authority: Authority, digest: str) -> None:
    request = make_request(TEXT, digest)
    with listening(authority) as url:
        response = send(request, url)
    stamp = verify_stamp(response, TEXT, authority.root, request)
    assert abs(stamp.time.timestamp() - time.time()) < 60
    assert (stamp.authority, stamp.policy, stamp.digest) == ("CN=Stamps", "1.2.3.4.1", digest)
    # Later, without the request, and with other authorities pinned too.
    other = (authority.directory / "ca.pem").read_bytes() * 2
    assert verify_stamp(response, TEXT, other) == stamp


def test_an_operator_without_a_network_carries_files(authority: Authority, tmp_path: Path) -> None:
    request = make_request(TEXT)
    write_request(tmp_path / "q.tsq", request)
    response = authority.reply((tmp_path / "q.tsq").read_bytes())
    (tmp_path / "a.tsr").write_bytes(response)
    stamp = verify_stamp(read_response(tmp_path / "a.tsr"), TEXT, authority.root, request)
    authority.run("ts -verify -in a.tsr -queryfile q.tsq -CAfile ca.pem")  # openssl agrees
    assert stamp.serial > 0
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(TimestampError, match="cannot read"):
            read_response(path)
    with pytest.raises(TimestampError, match="cannot write"):
        write_request(tmp_path / "none" / "q.tsq", request)
    (tmp_path / "long").write_bytes(bytes(300_000))
    with pytest.raises(TimestampError, match="too long"):
        read_response(tmp_path / "long")


def test_a_stamp_of_another_checkpoint_is_refused(authority: Authority) -> None:
    response = authority.reply(make_request(OTHER))
    with pytest.raises(TimestampError, match="another checkpoint"):
        verify_stamp(response, TEXT, authority.root)


def test_an_answer_to_another_request_is_refused(authority: Authority) -> None:
    response = authority.reply(make_request(TEXT))
    with pytest.raises(TimestampError, match="nonce"):
        verify_stamp(response, TEXT, authority.root, make_request(TEXT))
    assert verify_stamp(response, TEXT, authority.root)
    with pytest.raises(TimestampError, match="not a time-stamp request"):
        verify_stamp(response, TEXT, authority.root, b"nonsense")


def test_an_authority_that_is_not_pinned_is_refused(authority: Authority, tmp_path: Path) -> None:
    impostor = Authority.create(tmp_path / "impostor")
    response = impostor.reply(make_request(TEXT))
    with pytest.raises(TimestampError, match="not among the pinned"):
        verify_stamp(response, TEXT, authority.root)
    assert verify_stamp(response, TEXT, impostor.root)
    for pins in (b"", b"nonsense", authority.root[:99]):
        with pytest.raises(TimestampError, match="pinned authorities"):
            verify_stamp(response, TEXT, pins)


def test_a_certificate_counts_at_the_time_of_the_stamp(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path / "tsa")
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    for start, end, words in (
        (now - 3 * day, now - day, "not valid when it stamped: certificate has expired"),
        (now + day, now + 3 * day, "not valid when it stamped: certificate is not yet valid"),
    ):
        authority.certify(start, end)
        response = authority.reply(make_request(TEXT))
        with pytest.raises(TimestampError, match=words):
            verify_stamp(response, TEXT, authority.root)
    authority.certify(now - day, datetime.datetime.now(datetime.UTC) + day / 86400 * 3)
    response = authority.reply(make_request(TEXT))
    time.sleep(4)  # the certificate is over, and what it signed in time is not
    assert verify_stamp(response, TEXT, authority.root)


def test_a_certificate_for_something_else_cannot_stamp(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path / "tsa")
    good = authority.reply(make_request(TEXT))
    assert verify_stamp(good, TEXT, authority.root)
    now = datetime.datetime.now(datetime.UTC)
    authority.certify(now, now + datetime.timedelta(days=9), "codeSigning")
    with pytest.raises(subprocess.CalledProcessError):  # openssl itself does not sign with it
        authority.reply(make_request(TEXT))


def test_a_refusal_is_said_in_the_authority_s_words(authority: Authority) -> None:
    config = authority.directory / "ts.cnf"
    config.write_text(CONFIG.replace("sha256, sha512", "sha512"))
    try:
        response = authority.reply(make_request(TEXT))
    finally:
        config.write_text(CONFIG)
    with pytest.raises(TimestampError, match=r"status 2 \(Message digest algorithm is not supp"):
        verify_stamp(response, TEXT, authority.root)


def test_no_byte_can_be_changed_so_that_it_says_something_else(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path / "tsa")
    # Without the root, which the verifier has: nobody reads the copy that comes along.
    (authority.directory / "ts.cnf").write_text(CONFIG.replace("certs = chain.pem\n", ""))
    request = make_request(TEXT)
    response = authority.reply(request)
    stamp = verify_stamp(response, TEXT, authority.root, request)
    accepted = 0
    for at in range(len(response)):
        for data in (
            response[:at] + bytes([response[at] ^ 1]) + response[at + 1 :],
            response[:at],
        ):
            try:
                found = verify_stamp(data, TEXT, authority.root, request)
            except TimestampError:
                continue
            # A few bytes are under no signature: versions, and names of algorithms said twice.
            assert found == stamp
            accepted += 1
    assert accepted < 40


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"nonsense",
        bytes.fromhex("30053003020100"),
        bytes.fromhex("30053003020102"),
        b"\x30\x80",
    ],
)
def test_what_is_no_stamp_is_refused(authority: Authority, response: bytes) -> None:
    with pytest.raises(TimestampError):
        verify_stamp(response, TEXT, authority.root)


def test_what_goes_wrong_on_the_way_is_said_in_words(authority: Authority) -> None:
    request = make_request(TEXT)
    with listening(authority, status=503) as url, pytest.raises(TimestampError, match="503"):
        send(request, url)
    with listening(authority, kind="html") as url, pytest.raises(TimestampError, match="html"):
        send(request, url)
    for url in ("http://127.0.0.1:1/", "nonsense"):
        with pytest.raises(TimestampError, match=r"no answer|cannot be asked"):
            send(request, url)
    with pytest.raises(TimestampError, match="md5"):
        make_request(TEXT, "md5")


def test_importing_it_loads_neither_library() -> None:
    code = (
        "import sys, repro.audit_log.outside.timestamp, repro.audit_log.witness.server\n"
        "assert not {'rfc3161_client', 'cryptography'} & set(sys.modules)\n"
        "sys.modules['rfc3161_client'] = None\n"
        "from repro.audit_log.outside.timestamp import make_request\n"
        "try: make_request('x')\n"
        "except ValueError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert "pip install '.[timestamp]'" in done.stdout, done.stderr
