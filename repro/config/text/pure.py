"""PyYAML's pure parser, made to accept what libyaml accepts, for a PyYAML without libyaml.

They differ in tabs, in escapes that are no characters, and in how a plain scalar ends.
"""

from __future__ import annotations

from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner, ScannerError
from yaml.tokens import ScalarToken

_BLANK = (" ", "\t")
_END = (" ", "\t", "\r", "\n", "\0")
_FLOW = (",", "[", "]", "{", "}")


class PureParser(Reader, Scanner, Parser):
    """Gives the events of one text."""

    def __init__(self, text: str) -> None:
        """Stand at the beginning of ``text``."""
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)

    def scan_to_next_token(self) -> None:
        """Skip blanks, comments and line breaks; a tab too, where it cannot indent."""
        super().scan_to_next_token()
        while self.peek() == "\t" and (self.flow_level or not self.allow_simple_key):
            self.forward(len(self._blanks()))
            super().scan_to_next_token()

    def scan_flow_scalar(self, style: str) -> ScalarToken:
        """Return the quoted scalar; raise ScannerError if an escape in it is no character."""
        start = self.get_mark()
        try:
            token = super().scan_flow_scalar(style)
            token.value.encode()
        except (ValueError, OverflowError):
            raise ScannerError(None, start, "found invalid Unicode character", start) from None
        return token

    def scan_plain(self) -> ScalarToken:
        """Return the plain scalar that begins here; its lines are folded (YAML 1.2.2 §7.3.3)."""
        start = end = self.get_mark()
        text = gap = ""
        while word := self._word():
            text += gap + word
            end = self.get_mark()
            self.allow_simple_key = False
            gap = self._gap(self.indent + 1)
            inside = self.flow_level or self.column > self.indent
            if not gap or not inside or self.peek() == "#":
                break
        return ScalarToken(text, True, start, end)

    def _word(self) -> str:
        """Return the characters up to a blank or to what ends a plain scalar."""
        length = 0
        while (character := self.peek(length)) not in _END:
            after = self.peek(length + 1)
            if character == ":" and after in _END:
                break
            if self.flow_level and character == ":" and after in (*_FLOW, "?"):
                raise ScannerError(None, None, "found unexpected ':'", self.get_mark())
            if self.flow_level and character in _FLOW:
                break
            length += 1
        word: str = self.prefix(length)
        self.forward(length)
        return word

    def _gap(self, indent: int) -> str:
        """Return what the blanks and line breaks here come to; nothing where a scalar must end."""
        blanks = self._blanks()
        self.forward(len(blanks))
        breaks = 0
        while self.scan_line_break():  # type: ignore[no-untyped-call]  # the stubs leave it out
            breaks += 1
            self.allow_simple_key = True
            if self.prefix(3) in ("---", "...") and self.peek(3) in _END:
                return ""
            indentation = self._blanks()
            tab = indentation.find("\t")
            if 0 <= tab < indent:
                self.forward(tab)
                raise ScannerError(None, None, "found a tab character", self.get_mark())
            self.forward(len(indentation))
        return "\n" * (breaks - 1) or " " if breaks else blanks

    def _blanks(self) -> str:
        length = 0
        while self.peek(length) in _BLANK:
            length += 1
        blanks: str = self.prefix(length)
        return blanks
