"""As much of DER (X.690) as it takes to put the certificates of a time stamp in order.

The certificates in CMS SignedData (RFC 5652 §5.1) are a SET, which DER sorts. Common authorities
send them in the order of the chain, and a strict parser refuses that. No signature covers the
order, and sorting changes no length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_SEQUENCE: Final = 0x30
_CONTEXT_0: Final = 0xA0


@dataclass(frozen=True, slots=True)
class _Element:
    """One element: its tag, and where it, its content, and what follows start."""

    tag: int
    start: int
    content: int
    end: int


def in_der_order(response: bytes) -> bytes:
    """Return a TimeStampResp (RFC 3161 §2.4.2) with its certificates sorted.

    Whatever has another shape comes back as it is: to refuse it is the parser's business.
    """
    try:
        certificates = _certificates(response)
        if certificates is None:
            return response
        parts = sorted(response[e.start : e.end] for e in _children(response, certificates))
    except (IndexError, ValueError):
        return response
    return response[: certificates.content] + b"".join(parts) + response[certificates.end :]


def _certificates(data: bytes) -> _Element | None:
    whole = _element(data, 0, len(data))
    _, token = _children(data, whole)
    _, explicit = _children(data, token)
    (signed,) = _children(data, explicit)
    if any(e.tag != _SEQUENCE for e in (whole, token, signed)):
        raise ValueError("not a sequence")
    return next((e for e in _children(data, signed) if e.tag == _CONTEXT_0), None)


def _children(data: bytes, parent: _Element) -> list[_Element]:
    found = []
    at = parent.content
    while at < parent.end:
        found.append(_element(data, at, parent.end))
        at = found[-1].end
    return found


def _element(data: bytes, at: int, end: int) -> _Element:
    length, content = data[at + 1], at + 2
    if length >= 0x80:
        size = length & 0x7F
        if not 1 <= size <= 4:
            raise ValueError("a length without an end, or beyond all reason")
        length, content = int.from_bytes(data[content : content + size]), content + size
    if content + length > end:
        raise ValueError("an element that is longer than what holds it")
    return _Element(data[at], at, content, content + length)
