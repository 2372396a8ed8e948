"""Characters that pass for others: which one it is, where, and what it was taken for.

A compact table of our own, of the letters that look like those of our names. Digits, full-width
and other compatibility forms come from Unicode's own data.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

_LIKE = {
    # Cyrillic
    **dict(
        zip(
            "\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445"
            "\u0455\u0456\u0458\u0501\u04bb\u051b\u051d\u0475\u04cf\u0433",
            "abekmhopctyxsijdhqwvlr",
            strict=True,
        )
    ),
    **dict(
        zip(
            "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425"
            "\u0405\u0406\u0408\u04c0\u0417",
            "ABEKMHOPCTYXSIJI3",
            strict=True,
        )
    ),
    # Greek
    **dict(
        zip(
            "\u03b1\u03b2\u03b3\u03b5\u03b7\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u03c9",
            "abyenikvoptuxw",
            strict=True,
        )
    ),
    **dict(
        zip(
            "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7",
            "ABEZHIKMNOPTYX",
            strict=True,
        )
    ),
    # Armenian
    **dict(
        zip(
            "\u0561\u0563\u0566\u0570\u056c\u0578\u057d\u0585\u0581\u0555\u054d",
            "wqqhlnuogOU",
            strict=True,
        )
    ),
    # Latin letters beyond ASCII, dashes and underlines
    **dict(zip("\u0131\u0251\u0261\u0269\u026a\u01c0", "iagiil", strict=True)),
    **dict.fromkeys("\u2010\u2012\u2013\u2014\u2015\u2212", "-"),
    **dict.fromkeys("\u203f\u2017\u02cd", "_"),
}
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that show nothing."""


class Odd(NamedTuple):
    """A character that is not what it looks like."""

    at: int
    """Where it is in the name, from 0."""
    words: str


def unseen(character: str) -> bool:
    """Return whether ``character`` shows nothing, or nothing but an unusual space."""
    return (
        character in _BLANK
        or "\ufe00" <= character <= "\ufe0f"
        or unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        or (character != " " and unicodedata.category(character) == "Zs")
    )


def skeleton(name: str) -> str:
    """Return what ``name`` looks like, in ASCII where that is possible."""
    return name if name.isascii() else "".join(map(_plain, unicodedata.normalize("NFKC", name)))


def odd_character(name: str, meant: str | None = None) -> Odd | None:
    """Return the first character of ``name`` that passes for another, or None.

    What is in ``meant`` too is not odd: whoever gives names in Greek means Greek letters.
    """
    if name.isascii():
        return None
    for index, character in enumerate(name):
        if character.isascii() or character in (meant or ""):
            continue
        known = f"U+{ord(character):04X} {unicodedata.name(character, 'without a name')}"
        what = f"character {index + 1} is {known}"
        if unseen(character):
            return Odd(index, f"{what}, which cannot be seen")
        if unicodedata.combining(character):
            return Odd(index, f"{what}, which belongs to the one before it")
        like = _plain(character)
        if like != character:
            return Odd(index, f'{what}, which looks like "{like}"')
    return None


def _plain(character: str) -> str:
    """Return what ``character`` looks like; nothing if it cannot be seen."""
    if character.isascii():
        return character
    if unseen(character):
        return ""
    if (digit := unicodedata.digit(character, None)) is not None:
        return str(digit)
    folded = unicodedata.normalize("NFKC", character)
    return "".join(_LIKE.get(part, part) for part in folded)
