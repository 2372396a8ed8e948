"""YAML events as one value and the tree of its spans; aliases are copies, merges are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeAlias

from yaml.error import YAMLError
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from repro.config.spelling.names import suggestion
from repro.config.text import events as yaml_events
from repro.config.text.events import At, Spot
from repro.config.text.frames import JSON, Frame, Span, copied
from repro.config.text.lines import Text, dotted
from repro.config.text.scalars import (
    TAG_PREFIX,
    TELLING,
    ScalarError,
    resolve,
    resolve_tagged,
    shown,
)
from repro.config.text.slips import unspaced
from repro.errors import Problem, ProblemsError

Event: TypeAlias = Any
"""Of the class that the handler is registered for; the stubs make every mark optional."""

NODES_MAX = 100_000
"""Values and keys in one document, copies included: an alias bomb ends here."""
DEPTH_MAX = 64

_MERGE = "<<"
_SPACE = "put a space after the ':'"
_EMPTY = "write what the document sets, or remove the file"
_SCALAR_TAGS = ("str", "int", "float", "bool", "null")
_KINDS = {
    dict: "a mapping",
    list: "a list",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "text",
    type(None): "null",
}


class Composer:
    """Builds one document from the events of one text."""

    def __init__(self, text: Text) -> None:
        """Start with nothing read."""
        self.text = text
        self.problems: list[Problem] = []
        self.frames: list[Frame] = []
        self.frame: Frame | None = None
        self.anchors: dict[str, tuple[Any, Span, int, int]] = {}
        """Value, span, number of values and keys, and height of what is anchored."""
        self.count = 0
        self.root: tuple[Any, Span] | None = None
        self.documents = 0
        self.tabs = False

    def compose(self, text: str) -> tuple[JSON, Span]:
        """Return the mapping in ``text`` and its spans; raise ProblemsError with all faults."""
        self.tabs = "\t" in text
        handlers: dict[type, Callable[[Any], None]] = {
            MappingStartEvent: self._open,
            MappingEndEvent: self._close,
            SequenceStartEvent: self._open,
            SequenceEndEvent: self._close,
            AliasEvent: self._alias,
            DocumentStartEvent: self._document,
            **dict.fromkeys((DocumentEndEvent, StreamStartEvent, StreamEndEvent), _pass),
        }
        try:
            scalar = self._scalar
            for event in iter(yaml_events.reader(text), None):
                kind = type(event)
                if kind is ScalarEvent:  # most of them are
                    scalar(event)
                else:
                    handlers[kind](event)
        except YAMLError as error:
            at, message, hint = yaml_events.complaint(error, self.text.lines)
            self._report(at, message, "syntax", hint=hint)
        if self.problems:
            raise ProblemsError(self.problems)
        if self.root is None or _absent(*self.root):
            self._fail(At(0, 0), "the document is empty", "empty", hint=_EMPTY)
        value, span = self.root
        if not isinstance(value, dict):
            message = f"the top level must be a mapping, not {_KINDS[type(value)]}"
            hint = _SPACE if unspaced(self.text.lines[span[0].line]) is not None else None
            self._fail(span[0], message, "top-level", end=span[1], hint=hint)
        return value, span

    def _document(self, event: Event) -> None:
        self.documents += 1
        start: Spot = event.start_mark
        if self.documents > 1:
            self._fail(start, "a second document begins here; a file holds one", "documents")
        if event.version is not None and tuple(event.version) != (1, 2):
            message = "files are read as YAML 1.2; this one says it is another"
            self._fail(start, message, "version", hint="remove the %YAML line")

    def _scalar(self, event: Event) -> None:
        text: str = event.value
        start: Spot = event.start_mark
        end: Spot = event.end_mark
        value: Any = text
        if event.tag is not None or event.anchor is not None or self.tabs:
            start, value = self._adorned(event)
        elif not event.style and (not text or text[0] in TELLING):
            value = self._resolve(text, start, end)
        if event.style in ("|", ">"):
            self._check_block(text, start, end)
        self.count += 1
        if self.count > NODES_MAX:
            self._fail(start, f"more than {NODES_MAX} values and keys", "size", end=end)
        frame = self.frame
        if frame is not None and frame.mapping and frame.key is None:
            if text == _MERGE and event.tag is None and not event.style:
                frame.merging = True
            if not isinstance(value, str) or text in frame.kids or frame.merging:
                self._check_key(frame, value, text, start, end)
            frame.key, frame.key_start, frame.key_end = text, start, end
        elif frame is not None and not frame.merging:
            frame.add(value, (start, end, None))
        else:
            self._add(value, (start, end, None))

    def _resolve(self, text: str, start: Spot, end: Spot, tag: str | None = None) -> Any:
        try:
            return resolve(text) if tag is None else resolve_tagged(tag, text)
        except ScalarError as error:
            self._report(start, str(error), "scalar", end=end)
            return text

    def _adorned(self, event: Event) -> tuple[Spot, Any]:
        """Return start and value of a scalar that may have a tag or an anchor."""
        start = self._start(event)
        text: str = event.value
        tag = None if event.tag is None else self._tag(event, _SCALAR_TAGS)
        value: Any = text
        if not event.style and (tab := self.text.tab_inside(start, event.end_mark)):
            self._fail(tab, yaml_events.TAB, "syntax")
        if tag is not None or not event.style:
            value = self._resolve(text, start, event.end_mark, tag)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, (start, event.end_mark, None), 1, 0)
        return start, value

    def _check_block(self, text: str, start: Spot, end: Spot) -> None:
        """Refuse the few block scalars that only one of the parsers takes."""
        if not self.text.block_header(start):
            self._fail(start, yaml_events.BLOCK_HEADER, "syntax")
        if text.lstrip("\n").startswith("\t"):
            self._fail(self.text.tab_inside(start, end) or start, yaml_events.TAB, "syntax")

    def _check_key(self, frame: Frame, value: Any, text: str, start: Spot, end: Spot) -> None:
        first = frame.first_line(text)
        if first is not None:
            message = f"duplicate key, given on line {first + 1} and again on line {start.line + 1}"
            self._report(start, message, "duplicate", end=end, key=text)
        if not isinstance(value, str):
            message = f"a key must be text, and this is {_KINDS[type(value)]}"
            hint = f"write {shown(text)} in quotes"
            self._report(start, message, "key", end=end, hint=hint)

    def _add(self, value: Any, span: Span) -> None:
        frame = self.frame
        if frame is None:
            self.root = value, span
        elif frame.merging:
            for wrong in frame.merge(value, span):
                message = "<< takes a mapping or a list of mappings; quote it if it is a name"
                self._report(wrong[0], message, "merge", end=wrong[1])
        else:
            frame.add(value, span)

    def _open(self, event: Event) -> None:
        mapping = isinstance(event, MappingStartEvent)
        start: Spot = event.start_mark
        if event.tag is not None or event.anchor is not None or self.tabs:
            start = self._start(event)
            if event.tag is not None:
                self._tag(event, ("map",) if mapping else ("seq",))
        if self.frame is not None and self.frame.wants_key:
            kind = "a mapping" if mapping else "a list"
            self._fail(start, f"a key must be text, and this is {kind}", "key")
        if len(self.frames) == DEPTH_MAX:
            self._fail(start, f"nested deeper than {DEPTH_MAX} levels", "depth")
        self.count += 1
        if self.count > NODES_MAX:
            self._fail(start, f"more than {NODES_MAX} values and keys", "size")
        self.frame = Frame(mapping, start, event.anchor, self.count - 1)
        self.frames.append(self.frame)

    def _close(self, event: Event) -> None:
        frame = self.frames.pop()
        parent = self.frame = self.frames[-1] if self.frames else None
        if frame.merges:
            frame.finish()
        span: Span = (frame.start, event.end_mark, frame.kids)
        if frame.anchor is not None:
            size = self.count - frame.before
            self.anchors[frame.anchor] = (frame.value, span, size, frame.height)
        if parent is not None:
            parent.raise_to(frame.height + 1)
        self._add(frame.value, span)

    def _alias(self, event: Event) -> None:
        name: str = event.anchor
        start: Spot = event.start_mark
        end: Spot = event.end_mark
        if any(frame.anchor == name for frame in self.frames):
            self._fail(start, f"*{name} stands for a value that it is part of", "alias", end=end)
        if name not in self.anchors:
            message = f"no anchor &{name} above{suggestion(name, self.anchors)}"
            self._fail(start, message, "alias", end=end)
        value, span, size, height = self.anchors[name]
        self.count += size
        if self.count > NODES_MAX:
            self._fail(
                start, f"more than {NODES_MAX} values and keys with this copy", "size", end=end
            )
        if len(self.frames) + height > DEPTH_MAX:
            message = f"nested deeper than {DEPTH_MAX} levels with this copy"
            self._fail(start, message, "depth", end=end)
        frame = self.frame
        if frame is not None and frame.wants_key:
            if not isinstance(value, str):
                self._fail(start, f"a key must be text, and *{name} is not", "key", end=end)
            self._check_key(frame, value, value, start, end)
            frame.key, frame.key_start, frame.key_end = value, start, end
            return
        if frame is not None:
            frame.raise_to(height + 1)
        self._add(copied(value), (start, end, span[2]))

    def _start(self, event: Event) -> Spot:
        """Return where the value begins, behind its tag and anchor."""
        mark: Spot = event.start_mark
        if self.text.tab_behind_tag(mark):
            self._fail(mark, yaml_events.TAG, "syntax")
        if event.anchor is None and event.tag is None:
            return mark
        limit = event.end_mark if isinstance(event, ScalarEvent) else None
        return self.text.behind_properties(mark, limit)

    def _tag(self, event: Event, fitting: tuple[str, ...]) -> str:
        """Return the short name of the event's tag if it is one of ``fitting``, else ``str``."""
        name = str(event.tag).removeprefix(TAG_PREFIX)
        core = name != event.tag and name in ("map", "seq", *_SCALAR_TAGS)
        if core and name in fitting:
            return name
        tag = f"!!{name}" if name != event.tag else name
        message = f"the tag {tag} {'does not fit this value' if core else 'is not known here'}"
        self._report(event.start_mark, message, "tag")
        return "str"

    def _report(
        self,
        start: Spot,
        message: str,
        rule: str,
        *,
        end: Spot | None = None,
        hint: str | None = None,
        key: str | None = None,
    ) -> None:
        # A syntax error has no path: how far a parser was ahead of it differs between the two.
        steps = [frame.step for frame in self.frames] + [key] if rule != "syntax" else []
        path = dotted(tuple(step for step in steps if step is not None))
        self.problems.append(self.text.problem(start, message, rule, hint, end=end, path=path))

    def _fail(self, start: Spot, message: str, rule: str, **more: Any) -> NoReturn:
        self._report(start, message, rule, **more)
        raise ProblemsError(self.problems)


def _pass(event: Event) -> None:
    """Do nothing: this event says nothing that is kept."""


def _absent(value: Any, span: Span) -> bool:
    start, end, _ = span
    return value is None and (start.line, start.column) == (end.line, end.column)
