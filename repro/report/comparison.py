"""A comparison of two runs as a comment on a pull request, and as a page that stands alone.

Both are made from the JSON of ``repro diff`` and round nothing. Causes that are alike are one row:
the page holds each of them below it, to be unfolded; Markdown has them where all are asked for.
What comes from runs is never taken as markup. The bytes follow from the document: there is no date
in them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final

from repro.identity.distance import in_ulps
from repro.report.grouping import Entry, entries, is_absent
from repro.report.leaking import verdict
from repro.report.replicates import told

Document = Mapping[str, Any]
Table = tuple[str, list[str], list[list[str]]]
"""Title, head and rows."""
_KINDS: Final = ("configuration", "data", "features", "splits", "seed", "code", "environment")
_STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;margin:.5rem 0 1.5rem}th,td{border:1px solid #ccc;"
    "padding:.25rem .6rem;text-align:left;vertical-align:top}code{white-space:pre-wrap;"
    "overflow-wrap:anywhere}.s0{color:#06662a}.s1{color:#7a5200}.s5{color:#b00020}"
)
_CAUSE: Final = ["what", "A", "B", "moves", "decided"]
_MARKUP: Final = "\\`*_{}[]()#+-!|<>~"


def markdown(document: Document, meaning: str, *, full: bool = False) -> str:
    """Return the comparison as GitHub-flavoured Markdown; ``full`` groups nothing."""
    lines = [f"### `{document['verdict']}`: {_escaped(meaning)}", ""]
    lines += [f"A `{document['a']}`  ", f"B `{document['b']}`", ""]
    lines += [_escaped(line) + "\n" for line in _notes(document)]
    for title, head, rows in _tables(document, full=full):
        lines += [f"**{title}**", "", _row(head), _row(["---"] * len(head))]
        lines += [_row([_code(cell) for cell in row]) for row in rows]
        lines.append("")
    return "\n".join(lines).rstrip()


def html(document: Document, meaning: str) -> str:
    """Return the comparison as an HTML page without scripts and without anything from elsewhere."""
    status, verdict = document["exit_status"], escape(document["verdict"])
    title = f"{verdict}: {escape(document['a'])} and {escape(document['b'])}"
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>',
        f"<style>{_STYLE}</style>",
        f'<h1 class="s{status}">{verdict}</h1><p>{escape(meaning)}</p>',
        f"<p>A <code>{escape(document['a'])}</code><br>B <code>{escape(document['b'])}</code></p>",
    ]
    parts += [f"<p>{escape(line)}</p>" for line in _notes(document)]
    for name, head, rows in _tables(document, full=False):
        parts += [f"<h2>{escape(name)}</h2>", *_html(head, rows)]
        causes = [cause for cause in document["causes"] if cause["kind"] == name]
        for entry in entries(causes):
            if entry.title:
                parts.append(f"<details><summary>{escape(entry.title)}</summary>")
                parts += [*_html(_CAUSE, [_cause(cause) for cause in entry.causes]), "</details>"]
    return "\n".join([*parts, "</html>"])


def _html(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table."""
    cells = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    yield f"<table><tr>{cells}</tr>"
    for row in rows:
        found = "".join(f"<td><code>{escape(cell)}</code></td>" for cell in row)
        yield f"<tr>{found}</tr>"
    yield "</table>"


def leakages(a: Document, b: Document) -> Iterator[str]:
    """Yield the verdict on each side of which leakage was found, or left out."""
    for name, side in (("A", a), ("B", b)):
        if side["without"] or side["findings"]:
            yield (
                f"leakage in {name}: {verdict(side['verdict'], side['without'], side['findings'])}"
            )


def _notes(document: Document) -> Iterator[str]:
    """Yield the sentences that stand above the tables."""
    if document["label"]:
        yield f"note: {document['label']}"
    yield from leakages(document["leakage"]["a"], document["leakage"]["b"])
    if document["same_bits"]:
        yield "All outputs are the same, bit for bit."
    else:
        yield f"Outputs that differ: {'; '.join(document['differing_outputs'])}"
    if document["moved"]:
        yield f"Other signatures and keys: {', '.join(document['moved'])}"
    if document["unstated"]:
        yield f"Without a cause: {', '.join(document['unstated'])}"
    found, spread = document["predictions"], document["spread"]
    if found:
        located = any(one["kind"] == "predictions" for one in document["divergence"])
        first = f"; the first: {found['first']}" if found["first"] and not located else ""
        yield (
            f"Predictions: {found['changed']} of {found['rows']} rows differ, the largest by"
            f" {amount(found['largest'], _value)} ({in_ulps(int(found['largest_ulps']))}),"
            f" correlation {_value(found['correlation'])}; only in A {found['only_a']}, only in B"
            f" {found['only_b']}{first}"
        )
    if spread:
        yield told(spread, _value)


def amount(largest: float | None, number: Callable[[float], str]) -> str:
    """Return by how much predictions differ at most; an infinity is no number to show."""
    return "no finite number" if largest is None else number(largest)


def judged(effect: Document) -> str:
    """Return whether a change is one for the better, or too small to say so; empty if neither."""
    if effect["better"] is None:
        return ""
    if effect["within_noise"]:
        return "within noise"
    return "better" if effect["better"] else "worse"


def where(found: Document, document: Document) -> str:
    """Return where runs first differ; of predictions the row: their numbers stand elsewhere."""
    predictions = document["predictions"]
    if found["kind"] == "predictions" and predictions and predictions["first"]:
        return str(predictions["first"])
    return str(found["where"])


def _tables(document: Document, *, full: bool) -> Iterator[Table]:
    """Yield the metrics that differ, where the runs first went apart, and the causes by kind."""
    changed = [effect for effect in document["effects"] if effect["old"] != effect["new"]]
    if changed:
        names = ("old", "new", "delta", "noise")
        yield (
            "effect",
            ["metric", "A", "B", "B - A", "noise", "told from", ""],
            [[e["metric"], *(_value(e[n]) for n in names), _source(e), judged(e)] for e in changed],
        )
    if document["divergence"]:
        rows = [[found["kind"], where(found, document)] for found in document["divergence"]]
        yield "first divergence", ["kind", "where"], rows
    for kind in _KINDS:
        causes = [cause for cause in document["causes"] if cause["kind"] == kind]
        if causes:
            yield kind, _CAUSE, [_entry(entry) for entry in entries(causes, full=full)]


def _source(effect: Document) -> str:
    """Return what the noise of a metric was told from."""
    count, source = effect["noise_count"], effect["noise_from"]
    return f"{count} {source}" if source else ""


def _entry(entry: Entry) -> list[str]:
    """Return one cause, or several that are alike, as cells."""
    first = entry.causes[0]
    if not entry.title:
        return _cause(first)
    said = ", ".join(entry.said)
    told = [word for word in ("idle", "follows") if first[word]]
    moves = ", ".join([*first["moves"], *(f"({word})" for word in told)])
    files = ", ".join(f"{entry.side} {file}" for file in entry.files)
    old, new = (said, "") if entry.side == "A" else ("", said)
    return [entry.title, old, new, moves, files]


def _cause(cause: Document) -> list[str]:
    """Return one cause as cells."""
    if cause["items"]:
        old, new = "", "; ".join(_item(item) for item in cause["items"])
    elif cause["kind"] == "data" and cause["old"] is None:
        old, new = "", str(cause["new"])
    else:
        values = (("a", cause["old"]), ("b", cause["new"]))
        old, new = ("" if is_absent(cause, side) else _value(value) for side, value in values)
    told = [word for word in ("retyped", "idle", "follows") if cause[word]]
    moves = ", ".join([*cause["moves"], *(f"({word})" for word in told)])
    sides = [
        f"{name} {_decided(side)}"
        for name, side in (("A", cause["a"]), ("B", cause["b"]))
        if side is not None
    ]
    return [cause["subject"], old, new, moves, ", ".join(sides)]


def _decided(side: Document) -> str:
    """Return where a value was decided, in a few words."""
    if side["layer"] == "--set":
        return f"command line: {side['text']}" if side["text"] else "command line"
    if side["layer"] == "leakage":
        return "policy for leakage"
    return f"{side['file']}:{side['line']}:{side['column']}"


def _item(item: Document) -> str:
    places = [str(place) for place in (item["old"], item["new"]) if place is not None]
    return f"{item['change']} {_value(item['value'])} ({' to '.join(places)})"


def _value(value: Any) -> str:
    """Return a value with its type kept apart: text stands in quotes."""
    return json.dumps(value, ensure_ascii=False)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _code(cell: str) -> str:
    """Return a cell as code that nothing in it can end: neither a bar nor a backtick nor a line."""
    if not cell:
        return ""
    plain = "".join(c if c.isprintable() else repr(c)[1:-1] for c in cell)
    for old, new in (("&", "&amp;"), ("<", "&lt;"), ("|", "&#124;"), ("`", "&#96;")):
        plain = plain.replace(old, new)
    return f"<code>{plain}</code>"


def _escaped(text: str) -> str:
    """Return a text that Markdown shows by the letter."""
    escaping: Callable[[str], str] = lambda c: f"\\{c}" if c in _MARKUP else c  # noqa: E731
    return "".join(escaping(c) if c.isprintable() else " " for c in text)
