"""Changes of a YAML text that leave every other byte as it is: comments, order, quotes, breaks.

Each function returns a new draft whose value was read back and is exactly what was wanted, or
raises EditError. Aliases, used anchors and ``<<`` at the place of a change are refused.
"""

from __future__ import annotations

from typing import Any

from repro.config.editing.draft import (
    Draft,
    EditError,
    Spot,
    draft,
    leads,
    locate,
    refusal,
    require_free,
    verified,
)
from repro.config.editing.render import (
    STEP,
    entry,
    identical,
    inline,
    list_item,
    scalar,
    value_at,
    with_name,
    with_value,
    without,
)
from repro.config.editing.splices import (
    Make,
    cut,
    item_cut,
    kept,
    lifted,
    opened,
    own_comments,
    replaced,
    shifted,
)
from repro.config.text.document import Path

__all__ = [
    "Draft",
    "EditError",
    "draft",
    "insert",
    "move",
    "move_between",
    "put",
    "remove",
    "rename",
    "set_value",
]


def put(source: Draft, path: Path, value: Any) -> Draft:
    """Set the value at ``path``, or insert it with the mappings above it that are missing.

    Where something else than a mapping stands above it, that is replaced by one.
    """
    for n in range(1, len(path) + 1):
        try:
            found = value_at(source.value, path[:n])
        except (KeyError, IndexError):
            return insert(source, path[:n], _nested(path[n:], value))
        if n < len(path) and not isinstance(found, dict | list):
            return set_value(source, path[:n], _nested(path[n:], value))
    return set_value(source, path, value)


def _nested(path: Path, value: Any) -> Any:
    """Return ``value`` inside the mappings that ``path`` names."""
    for step in reversed(path):
        value = {step: value}
    return value


def set_value(source: Draft, path: Path, value: Any) -> Draft:
    """Replace the value at ``path``; of mappings and lists only what differs is touched."""
    old = value_at(source.value, path)
    if identical(old, value):
        return source
    spot = locate(source, path)
    if isinstance(old, dict) and isinstance(value, dict) and old and value:
        for key in value:
            source = put(source, (*path, key), value[key])
        for key in old:
            if key not in value:
                source = remove(source, (*path, key))
        return source
    require_free(source, spot)
    if not path:
        raise refusal(source, spot.node, path, "it is the whole document")
    if isinstance(old, list) and isinstance(value, list) and old and value:
        changed = _set_items(source, spot, old, value)
        if changed is not None:
            return changed
    return verified(
        source, replaced(source, spot, value), with_value(source.value, path, value), path
    )


def insert(source: Draft, path: Path, value: Any) -> Draft:
    """Add the key at the end of ``path`` to the mapping above it, behind its siblings."""
    key = str(path[-1])
    return _add(source, path, value, lambda column: entry(key, value, column), told=False)


def remove(source: Draft, path: Path, *, keep_comments: bool = False) -> Draft:
    """Take away a key, its value and the comments of its own; a mapping left empty is ``{}``.

    With ``keep_comments`` they stay, each on a line of its own.
    """
    spot = locate(source, path)
    require_free(source, spot)
    if spot.key is None:
        raise refusal(source, spot.node, path, "it is no key of a mapping")
    splices = cut(source, spot, spot.key)
    if keep_comments and leads(source, spot.key.start):
        splices = [(a, b, kept(source, spot, a, b) + new) for a, b, new in splices]
    return verified(source, splices, without(source.value, path), path)


def rename(source: Draft, path: Path, name: str) -> Draft:
    """Give the key at the end of ``path`` another name, in its place and in its quotes."""
    spot = locate(source, path)
    if name in value_at(source.value, path[:-1]):
        raise refusal(source, spot.node, path, f"there is a {name} already")
    if spot.key is None or spot.key.kind == "alias" or spot.key.anchor:
        raise refusal(source, spot.node, path, "its key has no plain name here")
    splice = (spot.key.start, spot.key.end, scalar(name, spot.key.style))
    return verified(source, [splice], with_name(source.value, path, name), path)


def move(source: Draft, path: Path, to: Path) -> Draft:
    """Move what is at ``path`` to ``to`` in the same document, with its comments."""
    if path[:-1] == to[:-1]:
        return rename(source, path, str(to[-1]))
    if to[: len(path)] == path:
        raise EditError(f"{source.file}: a value cannot be moved into itself")
    return remove(_paste(source, locate(source, path), source, to), path)


def move_between(source: Draft, path: Path, target: Draft, to: Path) -> tuple[Draft, Draft]:
    """Move what is at ``path`` into another document; return both, the source first."""
    pasted = _paste(source, locate(source, path), target, to)
    return remove(source, path), pasted


def _paste(source: Draft, spot: Spot, target: Draft, to: Path) -> Draft:
    """Return ``target`` with what is at ``spot`` of ``source`` at ``to``, comments and all."""
    require_free(source, spot)
    value = value_at(source.value, spot.path)
    missing = 0
    while missing < len(to) - 1 and not _is_mapping(target, to[: len(to) - 1 - missing]):
        missing += 1
    above = to[: len(to) - 1 - missing]
    for n in range(len(above) + 1, len(to) + (missing == 0)):
        if _exists(target, to[:n]):
            raise refusal(target, target.root, to, "there is something already")
    whole = _nested(to[len(above) + 1 :], value)
    raw = lifted(source, spot)
    own = own_comments(source, spot) if raw is None else []
    told = bool(own) or (raw is not None and source.comments_in(*raw[4]))

    def make(column: int) -> list[str]:
        heads = [
            " " * (column + STEP * n) + scalar(step) + ":"
            for n, step in enumerate(to[len(above) : -1])
        ]
        column += STEP * missing
        if raw is None:
            return heads + [" " * column + text for text in own] + entry(str(to[-1]), value, column)
        return heads + shifted(*raw[:4], column, str(to[-1]))

    return _add(target, (*above, to[len(above)]), whole, make, told=bool(told))


def _add(source: Draft, path: Path, value: Any, make: Make, *, told: bool) -> Draft:
    """Add a key to a mapping; ``told`` says that its lines hold comments."""
    spot = locate(source, path[:-1])
    node = spot.node
    aliased = {n.text for n in source.root.below() if n.kind == "alias"}
    if node.kind != "mapping" or node.anchor in aliased:
        raise refusal(source, node, path, "no mapping of its own stands above it")
    if path[-1] in value_at(source.value, path[:-1]):
        raise refusal(source, node, path, "it is there already")
    expected = with_value(source.value, path, value)
    lines, eol = source.lines, source.eol
    if node.style == "block":
        made = make(lines.column(node.entries[0][0].start))
        if not leads(source, node.entries[-1][0].start) and len(node.entries) > 1:
            raise refusal(source, node, path, "the keys beside it are not written one to a line")
        at = lines.ends[lines.number(node.end)]
        return verified(source, [(at, at, "".join(eol + line for line in made))], expected, path)
    if node.entries or spot.in_flow:
        if told:
            raise refusal(source, node, path, "its comments cannot stand in brackets")
        text = f"{scalar(str(path[-1]))}: {inline(value)}"
        at = node.entries[-1][1].end if node.entries else node.start + 1
        at = max(at, node.entries[-1][0].end) if node.entries else at
        splice = (at, at, f", {text}" if node.entries else text)
        return verified(source, [splice], expected, path)
    return verified(source, opened(source, spot, make), expected, path)


def _set_items(source: Draft, spot: Spot, old: list[Any], value: list[Any]) -> Draft | None:
    """Return the draft with only the differing items of a block list changed, None if it cannot."""
    items, lines = spot.node.items, source.lines
    column = lines.column(spot.node.start)
    if spot.node.style != "block" or not leads(source, spot.node.start):
        return None
    before = 0
    while before < min(len(old), len(value)) and identical(old[before], value[before]):
        before += 1
    after = 0
    while after < min(len(old), len(value)) - before and identical(
        old[-1 - after], value[-1 - after]
    ):
        after += 1
    path = spot.path
    common = min(len(old), len(value)) - after
    for n in range(before, common):
        source = set_value(source, (*path, n), value[n])
    if len(old) == len(value):
        return source
    spot = locate(source, path)
    items, lines = spot.node.items, source.lines
    expected = with_value(source.value, path, value)
    if len(value) > len(old):
        made = [
            line for item in value[common : len(value) - after] for line in list_item(item, column)
        ]
        at = lines.ends[lines.number(items[common - 1].end)] if common else None
        if at is None:
            start = lines.starts[lines.number(spot.node.start)]
            splice = (start, start, "".join(line + source.eol for line in made))
        else:
            splice = (at, at, "".join(source.eol + line for line in made))
        return verified(source, [splice], expected, path)
    splices = [item_cut(source, spot, n) for n in range(common, len(old) - after)]
    return verified(source, splices, expected, path)


def _is_mapping(source: Draft, path: Path) -> bool:
    try:
        return isinstance(value_at(source.value, path), dict)
    except (KeyError, IndexError):
        return False


def _exists(source: Draft, path: Path) -> bool:
    try:
        value_at(source.value, path)
    except (KeyError, IndexError):
        return False
    return True
