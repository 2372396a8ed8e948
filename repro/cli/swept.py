"""What ``repro sweep`` writes of a sweep that came to its end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from repro.cli import output
from repro.cli.options import Format

if TYPE_CHECKING:
    from repro.sweeping.done import Done
    from repro.sweeping.summary import Best, Row, Same, Unrated
    from repro.verbs.research.sweep import Swept

SHOWN = 3
"""Configurations that are named of those that are the same as another one."""


def swept(found: Swept, form: Format) -> int:
    """Write one summary of a sweep; return its exit status."""
    if form is Format.json:
        output.result(json.dumps(_json(found), indent=2, ensure_ascii=False))
        return found.exit_status
    rows = found.rows
    if rows:
        output.result(_table(rows))
        output.result("")
    _failures(found.done)
    for one in found.best:
        output.result(_best(one))
    for line in (*_unrated(found.unrated), *_same(found.same)):
        output.result(line)
    output.result(f"{output.counted(len(found.done), 'point')}: {_counts(found.done)}")
    return found.exit_status


def _failures(done: Sequence[Done]) -> None:
    """Write why points failed and what to do, which several in a row may have in common."""
    before = None
    for each in done:
        if each.error is None:
            continue
        output.result(f"{each.point.name}: {each.error.problem}")
        if each.error.hint is not None and each.error.hint != before:
            output.result(f"  hint: {each.error.hint}")
        before = each.error.hint


def _counts(done: Sequence[Done]) -> str:
    """Return how many points came to what, in words."""
    return ", ".join(f"{count} {state}" for state, count in _counted(done).items())


def _counted(done: Sequence[Done]) -> dict[str, int]:
    """Return how many points came to what; what none came to is there only if it is usual."""
    states = Counter(each.state for each in done)
    usual = ("sealed", "sealed before", "failed")
    return {state: states[state] for state in (*usual, *sorted(set(states) - set(usual)))}


def _table(rows: Sequence[Row]) -> str:
    """Return the configurations as a table, the best of each target first."""
    keys = list(dict.fromkeys(key for row in rows for key in row.values))
    told = [
        name
        for name in ("target", "symbol")
        if name not in keys and len({getattr(row, name) for row in rows}) > 1
    ]
    told += ["test_set"] * any(row.test_set > 1 for row in rows)
    names = [name.replace("_", " ") for name in told]
    head = [*keys, *names, "metric", "mean", "seed spread", "runs", ""]
    lines = [head]
    for row in rows:
        lines.append(
            [
                *(_value(row.values[key]) if key in row.values else "-" for key in keys),
                *(str(getattr(row, name) or "-") for name in told),
                row.metric,
                output.number(row.mean),
                output.number(row.spread),
                str(len(row.results)),
                _missing(row),
            ]
        )
    at = len(head)
    return output.columns(lines, right=(at - 4, at - 3, at - 2))


def _missing(row: Row) -> str:
    """Return how many points of a configuration are not in its mean, and why."""
    told = {"failed": row.failed, f"without {row.metric}": row.lacking}
    return ", ".join(f"{count} {why}" for why, count in told.items() if count)


def _unrated(found: Sequence[Unrated]) -> list[str]:
    """Return in a line for each target what of it has no such metric."""
    counts = Counter((one.target, one.symbol, one.metric) for one in found)
    told = []
    for (target, symbol, metric), count in counts.items():
        where = target if symbol is None else f"{target}, {symbol},"
        others = output.counted(count, "configuration")
        has, is_ = ("has", "is") if count == 1 else ("have", "are")
        told.append(f"{others} of {where} {has} no {metric}, and {is_} not compared")
    return told


def _same(found: Sequence[Same]) -> list[str]:
    """Return in a line for each configuration which others are the same."""
    others: dict[str, list[str]] = {}
    for one in found:
        others.setdefault(_named(one.like), []).append(_named(one.values))
    told = []
    for like, names in others.items():
        more = f"; and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        told.append(f"{'; '.join(names[:SHOWN])}{more}: the same as {like}")
    return told


def _best(one: Best) -> str:
    """Return in a sentence or two which configuration is best, and how sure that is."""
    row = one.row
    where = row.target if row.symbol is None else f"{row.target}, {row.symbol}"
    where += f", test set {row.test_set}" if one.apart else ""
    mean = f"{row.metric} {output.number(row.mean)}"
    if len(row.results) > 1:
        mean += f" over {len(row.results)} seeds, spread {output.number(row.spread)}"
    told = f"best for {where}: {_named(row.values)}: {mean}; run {one.result.run}"
    if one.apart:
        others = output.counted(one.apart, "configuration")
        were = "was" if one.apart == 1 else "were"
        told += f"\n  not compared with {others} that {were} scored on other rows or labels"
    if one.second is None or one.lead is None:
        return told
    if one.lead == 0:
        return f"{told}\n  the next is equal to it, {_named(one.second.values)}: neither is better"
    lead = output.number(one.lead)
    if one.is_unmoved:
        sure = f"its lead of {lead} was held against no spread: the seeds change nothing here"
    elif one.is_clear is None:
        sure = f"its lead of {lead} was not held against other seeds"
    elif one.is_clear:
        sure = f"its lead of {lead} is larger than the seeds' spread"
    else:
        sure = f"its lead of {lead} is within the seeds' spread: it may be luck"
    return f"{told}\n  {sure}"


def _named(values: Mapping[str, Any]) -> str:
    """Return the values of a configuration in words."""
    return ", ".join(f"{key}={_value(value)}" for key, value in values.items()) or "all seeds"


def _value(value: Any) -> str:
    """Return a value as it would be typed."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _json(found: Swept) -> dict[str, Any]:
    """Return a sweep as JSON."""
    return {
        "schema": 1,
        "command": "sweep",
        "executor": found.executor,
        "jobs": found.jobs,
        "exit_status": found.exit_status,
        "counts": {state.replace(" ", "_"): n for state, n in _all_counted(found.done).items()},
        "points": [_point(each) for each in found.done],
        "configurations": [_row(row) for row in found.rows],
        "unrated": [_unrated_json(one) for one in found.unrated],
        "best": [_best_json(one) for one in found.best],
    }


def _all_counted(done: Sequence[Done]) -> dict[str, int]:
    states = ("sealed", "sealed before", "same run", "failed", "not started")
    return {state: sum(each.state == state for each in done) for state in states}


def _point(each: Done) -> dict[str, Any]:
    """Return one point as JSON."""
    result = each.result
    return {
        "number": each.point.number,
        "values": dict(each.point.values),
        "state": each.state,
        "same_as": each.point.twin,
        "run": None if result is None else result.run,
        "target": None if result is None else result.target,
        "family": None if result is None else result.family,
        "view": None if result is None else result.view,
        "symbol": None if result is None else result.symbol,
        "metrics": None if result is None else dict(result.metrics),
        "execution_key": None if result is None else result.execution_key,
        "output_digest": None if result is None else result.output_digest,
        "leakage": None if result is None else result.leakage,
        "problem": None if each.error is None else each.error.problem,
        "hint": None if each.error is None else each.error.hint,
    }


def _row(row: Row) -> dict[str, Any]:
    """Return one configuration as JSON."""
    return {
        "values": dict(row.values),
        "target": row.target,
        "symbol": row.symbol,
        "metric": row.metric,
        "test_set": row.test_set,
        "mean": row.mean,
        "spread": row.spread,
        "runs": [result.run for result in row.results],
        "failed": row.failed,
        "lacking": row.lacking,
    }


def _unrated_json(one: Unrated) -> dict[str, Any]:
    """Return a configuration without the metric as JSON."""
    return {
        "values": dict(one.values),
        "target": one.target,
        "symbol": one.symbol,
        "metric": one.metric,
        "runs": [result.run for result in one.results],
    }


def _best_json(one: Best) -> dict[str, Any]:
    """Return the best configuration of a target as JSON."""
    return {
        "target": one.row.target,
        "symbol": one.row.symbol,
        "metric": one.row.metric,
        "test_set": one.row.test_set,
        "apart": one.apart,
        "values": dict(one.row.values),
        "mean": one.row.mean,
        "spread": one.row.spread,
        "run": one.result.run,
        "lead": one.lead,
        "is_clear": one.is_clear,
    }
