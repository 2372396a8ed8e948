"""``repro stability``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repro.cli import completing, output
from repro.cli.completing import offer
from repro.cli.options import AsFormat, Format, Workspace

if TYPE_CHECKING:
    from repro.runs.group import Group
    from repro.verbs.comparing.stability import Predictions, Stabilities


def command(
    key: Annotated[
        str | None,
        typer.Argument(
            help="A run, or a replicate key; without it, every group of several.",
            autocompletion=offer(completing.runs),
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="The seed that is reported elsewhere: how lucky?")
    ] = None,
    workspace: Workspace = Path(),
    form: AsFormat = Format.text,
) -> int:
    """Say whether runs that differ in the seed alone agree, and how surely.

    Exits 0 for stable and bit-identical, 1 for drifting, diverged and too few, 5 for an alarm.
    """
    from repro.verbs.comparing.stability import stability

    found = stability(workspace, key, seed)
    if form is Format.json:
        output.result(json.dumps(_json(found), indent=2, ensure_ascii=False))
    elif key is None:
        _overview(found)
    else:
        _details(found, found.groups[0])
    return found.exit_status


def _json(found: Stabilities) -> dict[str, Any]:
    """Return everything as JSON; nothing is rounded."""
    return {
        "schema": 1,
        "command": "stability",
        "rule": asdict(found.rule),
        "exit_status": found.exit_status,
        "groups": [
            {
                **asdict(group),
                "metrics": [
                    {**asdict(m), "interval": m.interval and m.interval._asdict()}
                    for m in group.metrics
                ],
                "predictions": asdict(found.predictions[group.key])
                if group.key in found.predictions
                else None,
            }
            for group in found.groups
        ],
    }


def _overview(found: Stabilities) -> None:
    """Write one line for each group."""
    rows = [("replicates of", "runs", "target", "family", "metric", "mean", "deviation", "verdict")]
    for group in found.groups:
        head = next(one for one in group.metrics if one.metric == group.headline)
        rows.append(
            (
                _key(group),
                str(len(group.runs)),
                group.target,
                group.family,
                group.headline,
                output.number(head.mean),
                output.number(head.deviation),
                group.verdict,
            )
        )
    output.result(output.columns(rows, right=(1, 5, 6)))
    for group in found.groups:
        if group.gone:
            output.result(f"{_key(group)}: {_gone(group)}")


def _key(group: Group) -> str:
    """Return a key as it names the group again: its beginning, or all of what is made of names."""
    return group.key if "/" in group.key else group.key[:12]


def _gone(group: Group) -> str:
    """Return which runs are missing; there is no saying what they would have changed."""
    return f"completed in the log, not in RESULTS, and not judged: {', '.join(group.gone)}"


def _details(found: Stabilities, group: Group) -> None:
    """Write all that is known of one group."""
    from repro.runs.group import VERDICTS

    colour = {0: "green", 5: "red"}.get(group.exit_status, "yellow")
    output.result(f"{output.style(group.verdict, colour)}: {VERDICTS[group.verdict]}")
    output.result(f"  {group.reason}")
    of = f"{group.family} for {group.target}" + (f", {group.symbol}" if group.symbol else "")
    seeds = ", ".join(map(str, group.seeds))
    output.result(
        f"\n{output.counted(len(group.runs), 'replicate')} of {_key(group)}: {of}; seeds {seeds}"
    )
    if group.left_out:
        output.result(f"{group.left_out} more left out: earlier of the same seed, or best-effort")
    if group.gone:
        output.result(_gone(group))
    share = f"{100 * found.rule.interval_confidence:g} %"
    rows: list[tuple[str, ...]] = [
        ("metric", "n", "mean", "deviation", "lowest", "highest", f"{share} of mean from", "to")
    ]
    for one in group.metrics:
        between = one.interval or (None, None)
        numbers = (one.mean, one.deviation, one.low, one.high, *between)
        rows.append((one.metric, str(one.count), *map(output.number, numbers)))
    output.result("")
    output.result(output.columns(rows, right=tuple(range(1, 8))))
    output.result("")
    for line in _sentences(group, found.predictions.get(group.key)):
        output.result(line)


def _sentences(group: Group, predictions: Predictions | None) -> list[str]:
    """Return what else was found, a sentence each."""
    said = []
    if group.agreement is not None:
        a = group.agreement
        said.append(
            f"importance: the {a.top_features} most important features overlap by"
            f" {output.number(a.jaccard)} (Jaccard, at least {output.number(a.jaccard_least)}),\n"
            f"  all features are ordered alike by {output.number(a.tau)} (Kendall's tau,"
            f" at least {output.number(a.tau_least)}), over {a.pairs} pairs"
        )
    if predictions is not None:
        p = predictions
        count = len(group.runs)
        every = count * (count - 1) // 2
        over = f"over {output.counted(p.pairs, 'pair')} of replicates"
        if p.pairs < every:
            over = f"over {p.pairs} of {every} pairs: some replicates have no predictions"
        alike = "" if p.same_class is None else f", the same class in {100 * p.same_class:.4g} %"
        said.append(
            f"predictions: correlation {output.number(p.correlation)}, at least"
            f" {output.number(p.correlation_least)};\n"
            f"  {100 * p.same_rows:.4g} % of rows have the same bits{alike};"
            f" largest difference {output.number(p.largest)};\n  {over}"
        )
    if group.drift is not None:
        d = group.drift
        said.append(
            f"drift: {group.headline} follows the order of the runs by tau {output.number(d.tau)},"
            f" p {output.number(d.p)}"
        )
    if group.luck is not None:
        luck = group.luck
        side = "better" if luck.better_than_mean else "no better"
        lucky = "; a lucky seed: report the mean" if luck.rank == 1 else ""
        said.append(
            f"luck: seed {luck.seed} is number {luck.rank} of {luck.of} by {group.headline},"
            f" {side} than the mean{lucky}"
        )
    return said
