"""The worker's work between its messages: prepare facts before the plan, train after it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np

from repro.audit_log.formats.digests import payload_digest
from repro.errors import InputError
from repro.execution.fitting import (
    Part,
    Rows,
    fit,
    require_same_after_loading,
    require_unchanged,
)
from repro.execution.selecting import (
    Choice,
    Families,
    Selector,
    choose,
    families_that_may_stop,
    importance_of,
    may_stop,
)
from repro.execution.selecting import outcome as selection_outcome
from repro.execution.tables import DataBytes, read_dataset
from repro.identity.parts import pack
from repro.pipeline import (
    classes,
    evaluation,
    features,
    leakage,
    predicted,
    targets,
)
from repro.pipeline.clipping import clip_labels
from repro.pipeline.coverage import coverage
from repro.pipeline.formulas import classes_of
from repro.pipeline.magnitudes import require_summable
from repro.pipeline.panel import Panel
from repro.pipeline.routing import of_symbol
from repro.pipeline.samples import Samples, build_samples
from repro.pipeline.selection import shares
from repro.pipeline.splits.cutting import cut, identity_facts
from repro.pipeline.splits.fold import Fold
from repro.pipeline.splits.grouped import grouping
from repro.pipeline.splits.holding_out import HoldOut, hold_outs
from repro.pipeline.splits.proof import proof
from repro.trainers.contract import Trainer

FINAL = "final"
PREDICTIONS = "predictions.npy"
ROWS_CONTEXT = "repro-audit v1 rows"
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that is ready before the plan."""

    panel: Panel
    samples: Samples
    folds: tuple[Fold, ...]
    held: Mapping[str, HoldOut]
    """How the training rows of each stage are cut; empty unless training may stop early."""
    facts: Mapping[str, Any]
    selectors: Mapping[str, Selector] = field(default_factory=dict)
    """The families that choose the features of each stage."""


def stage(fold: int) -> str:
    """Return the name of a fold's stage; folds are counted from 1."""
    return f"fold {fold + 1}"


def prepare(
    request: Mapping[str, Any],
    options: Mapping[str, Any],
    files: Sequence[DataBytes],
    early_stopping: str | None,
    selectors: Families = MappingProxyType({}),
) -> Prepared:
    """Return samples, folds and the facts that identity needs; raises InputError for bad data.

    ``early_stopping`` is the family's parameter that asks for it: unless it is zero or false, rows
    are held out of every fit. ``selectors`` are the families that choose features: the trainer and
    its parameter of that kind.
    """
    panel, _, found = read_dataset(request["dataset"], options["dataset"], files)
    matrix = features.compute(panel, request["features"])
    labels = targets.compute(panel, request["target"])
    samples = build_samples(panel, matrix, labels, request["target"])
    if request["routing"]["view"] == "symbol_specific":
        samples = of_symbol(samples, request["routing"]["symbol"])
    require_summable(samples, request["target"]["name"], timed=panel.timed)
    time, label_end, rule = samples.time, samples.label_end, request["splits"]
    groups = grouping(panel, samples, rule)
    folds = cut(time, label_end, rule, groups)
    stops = may_stop(early_stopping, request["parameters"])
    watching = families_that_may_stop(selectors, request)
    trained = {stage(fold.index): fold.train for fold in folds} | {FINAL: np.arange(len(samples.y))}
    held = hold_outs(trained if stops or watching else {}, time, label_end, rule)
    fits = {name: held[name].fit if name in held else rows for name, rows in trained.items()}
    classes.require_every_class(samples.y, fits, request["target"])
    findings = leakage.scan(
        samples,
        request["features"],
        request["target"],
        options["leakage"]["auto_fix_thresholds"],
        timed=panel.timed,
    )
    facts = {
        **found,
        "features": {
            "names": list(samples.names),
            "dtype": "float64",
            **features.provenance(request["features"]),
        },
        "replaced_infinities": dict(matrix.replaced_infinities),
        "samples": {
            **_sample_facts(samples, request["clipping"]),
            "used": coverage(panel, labels, samples, request["routing"]["symbol"]),
        },
        **identity_facts(folds, time, rule, timed=panel.timed),
        "proof": proof(folds, time, label_end, held, rule, groups, timed=panel.timed),
        "findings": [asdict(finding) for finding in findings],
    }
    choosing = {
        family: Selector(trainer, held if family in watching else {})
        for family, (trainer, _) in selectors.items()
    }
    return Prepared(panel, samples, folds, held if stops else {}, facts, choosing)


def train(
    trainer: Trainer,
    request: Mapping[str, Any],
    options: Mapping[str, Any],
    prepared: Prepared,
    seeds: Mapping[str, Mapping[str, int]],
    progress: Progress,
    directory: Path,
) -> dict[str, Any]:
    """Train each fold and the final model, write the artifacts, and return what came out.

    Predictions are made out of fold, in one batch a fold, C-contiguous.
    """
    samples, threads = prepared.samples, request["execution"]["threads"]
    task, lent = request["target"]["task"], samples.seal()
    baseline = classes.baseline(samples.y, prepared.folds, classes_of(request["target"]))
    predictions = np.full(baseline.shape, np.nan)
    fold_of = np.full(len(samples.y), -1, dtype=np.int32)
    outcomes, canonicals, parts, effective, rounds, choices = [], {}, {}, {}, {}, {}
    importance: dict[str, dict[str, float]] = {}
    for fold in prepared.folds:
        name = stage(fold.index)
        model, part, choices[name] = _fit(
            trainer, request, prepared, name, fold.train, seeds, progress
        )
        out = trainer.predict(model, part.x(samples, fold.test), threads)
        predictions[fold.test], fold_of[fold.test] = out, fold.index
        canonicals[name] = _digest(trainer.canonical_model(model))
        parts[name] = pack(trainer.canonical_parts(model))
        effective[name] = dict(trainer.effective_parameters(model))
        rounds[name] = trainer.rounds(model)
        importance[name] = _shares(trainer, request["family"], model, part, samples)
        with evaluation.scoring(name):
            metrics = evaluation.evaluate(
                task, samples.y[fold.test], out, samples.time[fold.test], baseline[fold.test]
            )
        outcomes.append(
            {
                "fold": fold.index + 1,
                "train_rows": len(fold.train),
                "test_rows": len(fold.test),
                "metrics": metrics,
                "predictions": _digest(out.astype("<f8").tobytes()),
            }
        )
    final, part, choices[FINAL] = _fit(
        trainer, request, prepared, FINAL, slice(None), seeds, progress
    )
    training_metrics = _training_metrics(trainer, request, prepared, final, part)
    canonicals[FINAL] = _digest(trainer.canonical_model(final))
    parts[FINAL] = pack(trainer.canonical_parts(final))
    effective[FINAL] = dict(trainer.effective_parameters(final))
    rounds[FINAL] = trainer.rounds(final)
    importance[FINAL] = _shares(trainer, request["family"], final, part, samples)
    model_file = "model" + trainer.EXTENSION
    with _writing(model_file, directory):
        trainer.save(final, directory / model_file)
    some = part.x(samples, slice(0, 1000))
    require_same_after_loading(trainer, final, directory / model_file, some, threads)
    require_unchanged(samples, lent)
    with _writing(PREDICTIONS, directory):
        table = predicted.as_table(samples, fold_of, predictions)
        with (directory / PREDICTIONS).open("wb") as file:
            np.save(_Written(file), table, allow_pickle=False)
    tested = np.flatnonzero(fold_of >= 0)
    with evaluation.scoring("all folds"):
        overall = evaluation.evaluate(
            task, samples.y[tested], predictions[tested], samples.time[tested], baseline[tested]
        )
    findings = leakage.checks(
        overall,
        training_metrics,
        options["leakage"]["auto_fix_thresholds"],
        (len(tested), len(samples.y[part.fitted])),
    )
    return {
        "model": model_file,
        "files": [model_file, PREDICTIONS],
        "metrics": overall,
        "training_metrics": training_metrics,
        "folds": outcomes,
        "canonical": canonicals,
        "parts": parts,
        "effective": effective,
        "rounds": rounds,
        "importance": importance,
        "predictions": _digest(np.load(directory / PREDICTIONS).tobytes()),
        "findings": [asdict(finding) for finding in findings],
        **selection_outcome(choices, samples.names, FINAL),
    }


class _Written:
    """A file that NumPy writes through Python, which tells why it cannot; NumPy itself does not."""

    def __init__(self, file: BinaryIO) -> None:
        self.write = file.write


@contextmanager
def _writing(name: str, directory: Path) -> Iterator[None]:
    """Say which file it was that could not be written, and where: not always in the workspace."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{name} could not be written: {error.strerror or error}",
            f"is there space left for {directory}?",
        ) from error


def _fit(
    trainer: Trainer,
    request: Mapping[str, Any],
    prepared: Prepared,
    name: str,
    rows: Rows,
    seeds: Mapping[str, Mapping[str, int]],
    progress: Progress,
) -> tuple[Any, Part, Choice | None]:
    """Return a model of a stage, what it sees, and how its features were chosen, if they were.

    It is trained on ``rows``, or on those of them that are not held out.
    """
    samples = prepared.samples
    part, choice = Part(rows, range(samples.X.shape[1]), prepared.held.get(name)), None
    if "selection" in request:
        choice = choose(prepared.selectors, request, samples, part, name, seeds, progress)
        part = replace(part, columns=choice.columns)
    model = fit(
        trainer,
        request,
        request["parameters"],
        samples,
        part,
        seeds[name],
        lambda done, total: progress(name, done, total),
    )
    return model, part, choice


def _shares(
    trainer: Trainer, family: str, model: Any, part: Part, samples: Samples
) -> dict[str, float]:
    """Return each feature's share of a model's whole importance, by name: 1 in all, or 0."""
    names = part.names(samples)
    found = shares(importance_of(trainer, model, family, names))
    return dict(zip(names, found.tolist(), strict=True))


def _training_metrics(
    trainer: Trainer, request: Mapping[str, Any], prepared: Prepared, model: Any, part: Part
) -> dict[str, Any]:
    """Return the metrics of the final model on the rows that it was fitted to."""
    samples, rows = prepared.samples, part.fitted
    y, time = samples.y[rows], samples.time[rows]
    fitted = trainer.predict(model, part.x(samples, rows), request["execution"]["threads"])
    naive = np.repeat(classes.naive(y, classes_of(request["target"]))[None], len(y), axis=0)
    with evaluation.scoring(f"{FINAL} model, on its training rows"):
        return evaluation.evaluate(request["target"]["task"], y, fitted, time, naive)


def _sample_facts(samples: Samples, clipping: Mapping[str, Any]) -> dict[str, Any]:
    """Return counts of the rows, and a digest of their identities and of all their values.

    ``clipped_labels`` counts those of all rows; each fit clips by its own.
    """
    features = {
        name: _digest(samples.X[:, position].astype("<f8").tobytes())
        for position, name in enumerate(samples.names)
    }
    columns = {
        "time": _digest(samples.time.astype("<i8").tobytes()),
        "symbol": _digest("\n".join(samples.symbol_names()).encode()),
        "target": _digest(samples.y.astype("<f8").tobytes()),
    }
    return {
        "rows": len(samples.y),
        "dropped": dict(samples.dropped),
        "clipped_labels": clip_labels(samples.y, clipping)[1],
        "features": features,
        "columns": columns,
        # Pairs: the order of the features decides a model, and an object has none.
        "digest": payload_digest(
            ROWS_CONTEXT, {"features": list(features.items()), "columns": columns}
        ),
    }


def _digest(data: bytes) -> str:
    """Return ``sha256:hex`` of bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()
