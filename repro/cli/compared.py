"""What ``repro diff`` writes as text: the verdict, then the causes by kind, then the effect."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from repro.cli import output
from repro.identity.distance import in_ulps
from repro.report.comparison import amount, judged, leakages, where
from repro.report.grouping import ONLY, Entry, entries, is_absent, short
from repro.report.replicates import told

Document = Mapping[str, Any]
"""The JSON of ``repro diff``, or a part of it."""
KINDS = ("configuration", "data", "features", "splits", "seed", "code", "environment")
SHOWN = 12
"""Entries of one kind that are listed; the rest are counted."""
WIDTH: Final = 80
"""Columns of a terminal that nobody has made wider. Lines with a place or a value are not broken:
somebody copies them."""
_FOLD: Final = re.compile(r"fold ([1-9][0-9]*)\Z", re.ASCII)


def text(document: Document, meaning: str, outputs: int, *, full: bool) -> None:
    """Write a comparison of two runs with so many ``outputs``; ``full`` groups nothing."""
    colour = {0: "green", 1: "yellow"}.get(document["exit_status"], "red")
    output.result(f"{output.style(document['verdict'], colour)}: {meaning}")
    output.plain(f"  A {document['a']}")
    output.plain(f"  B {document['b']}")
    for line in _notes(document, outputs):
        output.plain(line)
    for kind in KINDS:
        causes = [cause for cause in document["causes"] if cause["kind"] == kind]
        if causes:
            output.plain(f"\n{kind}")
            _causes(entries(causes, full=full), full=full)
    if document["divergence"]:
        output.plain("\nfirst divergence, each kind as it follows from those above it")
        rows = [(f"  {found['kind']}", where(found, document)) for found in document["divergence"]]
        output.plain(output.columns(rows))
    _metrics(document["effects"])
    _predictions(document["predictions"])
    _spread(document["spread"])


def grouped(outputs: Iterable[str]) -> str:
    """Return names of outputs with those of one kind together: ``model (folds 1-5, final)``."""
    kinds: dict[str, list[str]] = {}
    for name in outputs:
        kind, _, part = name.partition(", ")
        kinds.setdefault(kind, []).append(part)
    return "; ".join(
        f"{kind} ({', '.join(_ranges(parts))})" if any(parts) else kind
        for kind, parts in kinds.items()
    )


def _ranges(parts: Sequence[str]) -> Iterator[str]:
    """Yield the parts of a kind of output: folds that follow each other as a range, then others."""
    numbers = sorted(int(found[1]) for part in parts if (found := _FOLD.match(part)))
    start = None
    for number in numbers:
        start = number if start is None else start
        if number + 1 not in numbers:
            yield f"fold {number}" if number == start else f"folds {start}-{number}"
            start = None
    yield from (part or "all" for part in parts if not _FOLD.match(part))


def _notes(document: Document, outputs: int) -> Iterator[str]:
    """Yield what stands below the verdict, in lines that are not too long."""
    if document["label"]:
        yield wrapped(f"note: {document['label']}", "  ")
    for line in leakages(document["leakage"]["a"], document["leakage"]["b"]):
        yield wrapped(line, "  ")
    if document["same_bits"]:
        yield f"  outputs: all {outputs} are the same, bit for bit"
    else:
        kinds = grouped(document["differing_outputs"]).split("; ")
        yield _listed(kinds, "  outputs that differ: ", "; ")
    if document["moved"]:
        yield _listed(document["moved"], "  other: ")
    if document["unstated"]:
        yield _listed(document["unstated"], "  without a cause: ")


def wrapped(line: str, indent: str) -> str:
    """Return a line, broken between words where it is too long; no name is broken."""
    return textwrap.fill(
        line,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _listed(items: Iterable[str], start: str, between: str = ", ") -> str:
    """Return items on as many lines as they need, none of them broken."""
    lines, indent = [start], " " * (len(start) - len(start.lstrip()) + 2)
    for number, item in enumerate(items):
        if number:
            lines[-1] += between.rstrip()
        room = WIDTH - 1 - len(between.rstrip()) - len(lines[-1]) - len(item)
        if number and room < 0:
            lines.append(indent + item)
        else:
            lines[-1] += (" " if number else "") + item
    return "\n".join(lines)


def _causes(found: Sequence[Entry], *, full: bool) -> None:
    for entry in found if full else found[:SHOWN]:
        if entry.title:
            _several(entry)
        else:
            _cause(entry.causes[0])
    if len(found) > SHOWN and not full:
        output.plain(f"  and {len(found) - SHOWN} more (all of them: --full)")


def _several(entry: Entry) -> None:
    """Write causes that are alike: how many of what, on which side, and their names."""
    first = entry.causes[0]
    output.plain(f"  {entry.title}{_marks(first)}")
    output.plain(_listed(entry.said, "    "))
    if entry.files:
        output.plain(_listed(entry.files, f"    {entry.side} "))


def _cause(cause: Document) -> None:
    """Write one cause: what, from what to what, and the lines that decided it."""
    subject, old, new, marks = cause["subject"], cause["old"], cause["new"], _marks(cause)
    if cause["kind"] == "data" and old is None and not cause["subject"].startswith("file "):
        output.plain(f"  {subject}: {new}{marks}")
    elif cause["items"]:
        output.plain(f"  {subject}{marks}")
        for item in cause["items"]:
            output.plain(f"    {item_text(item)}")
    elif isinstance(old, dict) and isinstance(new, dict):
        output.plain(f"  {subject}{marks}")
        output.plain(_listed(_members(old, new), "    "))
    elif is_absent(cause, "a") or is_absent(cause, "b"):
        side = "A" if is_absent(cause, "b") else "B"
        value = _value(old if side == "A" else new)
        output.plain(f"  {subject}: {value}, {ONLY[side]}{marks}")
    else:
        output.plain(f"  {subject}: {_value(old)} -> {_value(new)}{marks}")
    for name, side in (("A", cause["a"]), ("B", cause["b"])):
        if side is not None:
            output.plain(f"    {name} {_side(side)}")


def _marks(cause: Document) -> str:
    """Return what is said of a cause behind it."""
    said = "  (another type)" if cause["retyped"] else ""
    said += f"  (moves {cause['component']})" if cause["component"] else ""
    said += "  (follows)" if cause["follows"] else ""
    return said + ("  (idle on both sides)" if cause["idle"] else "")


def _members(old: Document, new: Document) -> Iterator[str]:
    """Yield each member in which two mappings differ."""
    for name in dict.fromkeys([*old, *new]):
        if name not in new:
            yield f"{name} {_value(old[name])} {ONLY['A']}"
        elif name not in old:
            yield f"{name} {_value(new[name])} {ONLY['B']}"
        elif old[name] != new[name]:
            yield f"{name} {_value(old[name])} -> {_value(new[name])}"


def item_text(item: Document) -> str:
    """Return in words what became of an item of a list."""
    value, old, new = _value(item["value"]), item["old"], item["new"]
    if item["change"] == "moved":
        return f"moved {value} from place {old} to {new}"
    return f"{item['change']} {value}, place {new if old is None else old}"


def _side(side: Document) -> str:
    """Return where a value was decided, with the text of the line, but for a comment behind it."""
    line = (side["text"] or "").strip()
    line = line if "'" in line or '"' in line else line.partition(" #")[0].rstrip()
    said = f"  {line}" if line else ""
    if side["layer"] == "--set":
        return f"command line{said}"
    if side["layer"] == "leakage":
        return f"policy for leakage{said}"
    return f"{side['file']}:{side['line']}:{side['column']}{said}"


def _value(value: Any) -> str:
    """Return a value with its type kept apart: text stands in quotes, but a digest does not."""
    return str(short(value)) if short(value) != value else json.dumps(value, ensure_ascii=False)


def _noise(effect: Document) -> str:
    """Return the noise of a metric; what it was told from stands below the table."""
    return "" if effect["noise"] is None else f"± {effect['noise']:.3g}"


def _sources(effects: Iterable[Document]) -> str:
    """Return what the noise of metrics was told from, each source with its metrics if several."""
    found: dict[str, list[str]] = {}
    for effect in effects:
        if effect["noise"] is not None:
            source = f"{effect['noise_count']} {effect['noise_from']}"
            found.setdefault(source, []).append(effect["metric"])
    if len(found) == 1:
        return f"noise: told from {next(iter(found))}"
    return "; ".join(f"noise of {', '.join(names)}: {source}" for source, names in found.items())


def _metrics(effects: Sequence[Document]) -> None:
    """Write the metrics that changed; a column that has nothing to say is left out."""
    changed = [e for e in effects if e["old"] != e["new"]]
    if not changed:
        return
    rows = [("metric", "A", "B", "B - A", "noise", "")]
    rows += [
        (
            e["metric"],
            *(output.number(e[name]) for name in ("old", "new", "delta")),
            _noise(e),
            judged(e),
        )
        for e in changed
    ]
    if not any(row[4] for row in rows[1:]):
        rows = [(*row[:4], "", row[5]) for row in rows]
    output.plain("")
    output.plain(output.columns(rows, right=(1, 2, 3, 4)))
    if source := _sources(changed):
        output.plain(wrapped(source, ""))


def _predictions(found: Document | None) -> None:
    if not found:
        return
    rows = found["rows"]
    said = f"all {rows} rows that both have are the same"
    if found["changed"]:
        said = (
            f"{found['changed']} of {rows} rows differ, largest by "
            f"{amount(found['largest'], output.number)} ({in_ulps(int(found['largest_ulps']))}), "
            f"correlation {output.number(found['correlation'])}"
        )
    elif not rows:
        said = "no row is in both"
    output.plain("\n" + wrapped(f"predictions: {said}", ""))
    if found["only_a"] or found["only_b"]:
        output.plain(f"  rows only in A: {found['only_a']}, only in B: {found['only_b']}")


def _spread(spread: Document | None) -> None:
    """Write the spread of the replicates that a change of the seed is judged by."""
    if not spread:
        return
    output.plain("\n" + wrapped(told(spread, output.number), ""))
