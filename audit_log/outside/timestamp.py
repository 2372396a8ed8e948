"""Trusted time stamps (RFC 3161): an authority says that a checkpoint existed at a time.

What is stamped is the digest of the checkpoint's text, without its signatures, so that
cosignatures may be added later. An operator whose machine has no network carries two files:
the request out, the response in.

A stamp is checked against authorities that are *pinned*: certificates in PEM that the verifier
has chosen. The chain must have been valid when the stamp was made, not today, since records
outlive certificates. Revocation is not looked up. Needs the extra ``timestamp``.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from repro.audit_log.disk.sync import read_small, replace
from repro.audit_log.errors import TimestampError
from repro.audit_log.outside.der import in_der_order
from repro.audit_log.outside.exchange import ExchangeError, post_within

if TYPE_CHECKING:
    import ssl

    from cryptography.x509 import Certificate
    from rfc3161_client import TimeStampRequest, TimeStampResponse, TimeStampTokenInfo

MAX_RESPONSE: Final = 262_144
REQUEST_TYPE: Final = "application/timestamp-query"
RESPONSE_TYPE: Final = "application/timestamp-reply"

_DIGESTS: Final = MappingProxyType(
    {
        "2.16.840.1.101.3.4.2.1": ("sha256", hashlib.sha256),
        "2.16.840.1.101.3.4.2.3": ("sha512", hashlib.sha512),
    }
)
_CHAIN: Final = re.compile(r"Verify error: ?([^\"]*)")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an authority has said, once it was checked."""

    time: datetime
    """When the checkpoint existed at the latest; in UTC."""
    authority: str
    """The subject of the certificate that signed (RFC 4514)."""
    policy: str
    """The object identifier of the policy that it was made under, in dotted decimal."""
    serial: int
    digest: str
    """``sha256`` or ``sha512``."""


def make_request(text: str, digest: str = "sha256") -> bytes:
    """Return a request (DER) for a stamp over the checkpoint ``text``, with a random nonce.

    ``text`` ends in a newline, as `note.split` returns it; ``digest`` is sha256 or sha512.
    """
    _need_library()
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    algorithms = {"sha256": HashAlgorithm.SHA256, "sha512": HashAlgorithm.SHA512}
    if digest not in algorithms:
        raise TimestampError(f"not a digest for a time stamp: {digest!r} (sha256 or sha512)")
    builder = TimestampRequestBuilder(text.encode(), algorithms[digest])
    return builder.build().as_bytes()


def send(
    request: bytes, url: str, timeout: float = 15.0, *, tls: ssl.SSLContext | None = None
) -> bytes:
    """Return what the authority at ``url`` answers within ``timeout`` seconds, not yet checked."""
    try:
        reply = post_within(timeout, url, request, REQUEST_TYPE, MAX_RESPONSE, tls)
    except ExchangeError as error:
        raise TimestampError(f"the time-stamp authority at {url}: {error}") from None
    if reply.status != 200:
        raise TimestampError(f"the time-stamp authority at {url}: status {reply.status}")
    if reply.content_type != RESPONSE_TYPE:
        kind = reply.content_type or "nothing"
        raise TimestampError(f"the time-stamp authority at {url} sent {kind[:80]!r}, no stamp")
    return reply.body


def write_request(path: Path, request: bytes) -> None:
    """Hand out ``request`` as a file (``.tsq``), to be carried to an authority."""
    try:
        replace(path, request)
    except OSError as error:
        raise TimestampError(f"cannot write the request {path}: {error.strerror}") from error


def read_response(path: Path) -> bytes:
    """Take in a response that was carried here as a file (``.tsr``), not yet checked."""
    try:
        data = read_small(path, MAX_RESPONSE + 1)
    except OSError as error:
        raise TimestampError(f"cannot read the response {path}: {error}") from error
    if len(data) > MAX_RESPONSE:
        raise TimestampError(f"too long for a time stamp: {path}")
    return data


def covers(response: bytes, text: str, request: bytes | None = None) -> datetime:
    """Return when a granted response says that ``text`` existed; its signature is not looked at.

    `TimestampError` if it is none, if it is that of another text, or not an answer to ``request``.
    """
    _need_library()
    answer = _granted(response)
    asked = _parse_request(request) if request is not None else None
    try:
        info = answer.tst_info
        _check_imprint(info, text)
        _check_nonce(info, asked)
        return info.gen_time
    except TimestampError:  # is a ValueError too
        raise
    except (ValueError, TypeError, AttributeError) as error:
        raise TimestampError(f"not a whole time stamp: {error}") from None


def verify_stamp(
    response: bytes, text: str, authorities: bytes, request: bytes | None = None
) -> Stamp:
    """Return the stamp in ``response`` (DER) once it is shown to be one over ``text``.

    ``authorities`` holds the pinned root certificates (PEM), and intermediate ones that the
    response lacks. With ``request``, which is at hand when the stamp is taken, the nonce must
    agree too. `TimestampError` says what does not hold.
    """
    _need_library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.x509 import (
        DuplicateExtension,
        InvalidVersion,
        UnsupportedGeneralNameType,
        load_der_x509_certificate,
    )
    from rfc3161_client import VerificationError, VerifierBuilder

    roots = _pinned(authorities)
    answer = _granted(response)
    asked = _parse_request(request) if request is not None else None
    try:
        info = answer.tst_info
        digest = _check_imprint(info, text)
        _check_nonce(info, asked)
        verifier = VerifierBuilder(roots=roots).build()
        if not verifier.verify_message(answer, text.encode()):
            raise TimestampError("the time stamp does not hold")
        (signer,) = answer.signed_data.signer_infos
        certificates = map(load_der_x509_certificate, answer.signed_data.certificates)
        subject = next(
            certificate.subject.rfc4514_string()
            for certificate in certificates
            if (certificate.issuer, certificate.serial_number)
            == (signer.issuer, signer.serial_number)
        )
        policy = info.policy.dotted_string
        return Stamp(info.gen_time, subject, policy, info.serial_number, digest)
    except VerificationError as error:
        raise TimestampError(_in_words(str(error))) from None
    except TimestampError:  # is a ValueError too
        raise
    except (
        ValueError,
        TypeError,
        AttributeError,
        DuplicateExtension,
        InvalidVersion,
        UnsupportedAlgorithm,
        UnsupportedGeneralNameType,
    ) as error:
        # The library's fields are None, or fail to parse, only when they are asked for.
        raise TimestampError(f"not a whole time stamp: {error}") from None


def _check_nonce(info: TimeStampTokenInfo, asked: TimeStampRequest | None) -> None:
    if asked is not None and info.nonce != asked.nonce:
        raise TimestampError("the nonce is not that of the request: an answer to another one")


def _check_imprint(info: TimeStampTokenInfo, text: str) -> str:
    algorithm = info.message_imprint.hash_algorithm.dotted_string
    if algorithm not in _DIGESTS:
        raise TimestampError(f"a digest that is not accepted here: {algorithm}")
    name, digest = _DIGESTS[algorithm]
    if info.message_imprint.message != digest(text.encode()).digest():
        raise TimestampError("the time stamp is that of another checkpoint")
    return name


def _granted(response: bytes) -> TimeStampResponse:
    from rfc3161_client import decode_timestamp_response

    try:
        answer = decode_timestamp_response(in_der_order(response))
    except ValueError as error:
        raise TimestampError(f"not a time-stamp response: {error}") from None
    if answer.status != 0:
        try:
            said = "; ".join(answer.status_string)
        except ValueError:
            said = ""
        words = f"the authority did not grant it: status {answer.status}"
        raise TimestampError(f"{words} ({said[:200]})" if said else words)
    return answer


def _parse_request(request: bytes) -> TimeStampRequest:
    # The one name that the library keeps to itself and that nothing public replaces.
    from rfc3161_client._rust import parse_timestamp_request

    try:
        asked: TimeStampRequest = parse_timestamp_request(request)
    except ValueError as error:
        raise TimestampError(f"not a time-stamp request: {error}") from None
    return asked


def _pinned(authorities: bytes) -> list[Certificate]:
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return list(dict.fromkeys(load_pem_x509_certificates(authorities)))
    except ValueError as error:
        raise TimestampError(
            f"the pinned authorities are not certificates (PEM): {error}"
        ) from None


def _in_words(problem: str) -> str:
    found = _CHAIN.search(problem)
    if found is None:
        if "pkcs7" in problem.lower():
            return "the signature of the time stamp is not valid: it was changed"
        return f"the time stamp does not hold: {problem}"
    reason = found[1].strip()
    if "expired" in reason or "not yet valid" in reason:
        return f"the authority's certificates were not valid when it stamped: {reason}"
    if "issuer" in reason or "self-signed" in reason or "self signed" in reason:
        return f"the authority is not among the pinned ones: {reason}"
    return f"the authority's certificates do not hold: {reason}"


def _need_library() -> None:
    try:
        import rfc3161_client  # noqa: F401
    except ImportError:
        raise TimestampError(
            "time stamps need a library that is not installed: "
            "in a checkout of repro: pip install '.[timestamp]'"
        ) from None
