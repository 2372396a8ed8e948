"""The checks, as data: what each is called, what it shows, and the function that does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from repro.conformance import consuming, declaring, keeping, refusing, same_bits
from repro.conformance.subject import Findings, Subject


@dataclass(frozen=True, slots=True)
class Check:
    """One question to a trainer."""

    name: str
    proves: str
    run: Callable[[Subject], Findings]
    on_demand: bool = False
    """Whether it is done only when it is asked for by name: it takes long, and only informs."""


_ALL = (
    Check("declaration", "the declaration fits its schema and itself", declaring.declaration),
    Check(
        "model-document",
        "the model document fits the declaration, with a value for each hyperparameter",
        declaring.model_document,
    ),
    Check(
        "entrance",
        "the module has all members, is light to import, and load_library loads all code",
        keeping.entrance,
    ),
    Check(
        "outputs",
        "predictions, importance, rounds and progress are as the contract has them",
        keeping.outputs,
    ),
    Check(
        "inputs",
        "inputs are left as they were, and no global generator is drawn from",
        keeping.inputs,
    ),
    Check("saved-model", "a saved model is the same when it is loaded", keeping.saved),
    Check(
        "no-code",
        "no code is in a model file, and none is run out of any file that is loaded",
        keeping.no_code,
    ),
    Check("hyperparameters", "each is in force and counts", consuming.hyperparameters),
    Check("aliases", "each name means one hyperparameter", consuming.aliases),
    Check("unknown-hyperparameter", "one that does not exist is not in force", consuming.unknown),
    Check("rulebook", "what a level forces is in force", consuming.rulebook),
    Check("seeds", "each is in force and counts, or is declared inert", consuming.seeds),
    Check("early-stopping", "it stops by the rows held out", refusing.stopping),
    Check("bad-rows", "tables to learn nothing from are refused in clear words", refusing.bad_rows),
    Check("repeats", "one process fits the same bits again", same_bits.repeats),
    Check(
        "processes",
        "another process fits the same bits, whatever it fitted before",
        same_bits.processes,
    ),
    Check("hash-seed", "so it does under another hash seed", same_bits.hash_seed),
    Check("directory", "in another directory, under another umask", same_bits.directory),
    Check("time-zone", "in another time zone", same_bits.time_zone),
    Check("locale", "under another locale", same_bits.locale),
    Check(
        "threads",
        "several threads have the same bits each time, alone and on a busy machine",
        same_bits.threads,
    ),
    Check("chunks", "rows predicted piece by piece, as declared", same_bits.chunks),
    Check(
        "probes",
        "what the rulebook protects from, seen where the library still has it",
        consuming.probes,
        on_demand=True,
    ),
)
CHECKS: Mapping[str, Check] = {check.name: check for check in _ALL}
