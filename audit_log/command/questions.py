"""The questions that are answered from files alone: note, proof, consistency, bundle.

Each takes the parsed options and returns an `Answer`; `UsageError` if something cannot be read.
"""

from __future__ import annotations

import re
from argparse import Namespace
from base64 import b64encode
from collections.abc import Mapping
from typing import Final

from repro.audit_log.errors import (
    BadSignatureError,
    CheckpointError,
    NoteError,
    NotIncludedError,
    ProofError,
    QuorumError,
    UnknownSignerError,
)
from repro.audit_log.formats.bundle import MAX_BUNDLE
from repro.audit_log.formats.bundle_report import verify_bundle
from repro.audit_log.formats.note import MAX_NOTE, open_note
from repro.audit_log.formats.note_key import KINDS, format_vkey
from repro.audit_log.formats.policy import Judgement
from repro.audit_log.formats.proof import (
    MAX_CONSISTENCY,
    MAX_PROOF,
    check_proof,
    parse_consistency,
    parse_proof,
    relation,
)
from repro.audit_log.formats.tree import leaf_hash

from .answer import Answer
from .inputs import UsageError, read, read_keys, read_trust

MAX_ENTRY: Final = 64_000_000
"""Bytes of an entry whose place in a log is proven."""
_LEAF: Final = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
_NOBODY: Final = "nothing says whose log this is: give --policy or --vkey"


def note(options: Namespace) -> Answer:
    """Answer whether a known key has signed a note."""
    data, keys = read(options.file, MAX_NOTE), read_keys(options.vkey)
    try:
        opened = open_note(data, keys)
    except NoteError as error:
        return _refused(error)
    names = dict.fromkeys(found.signature.name for found in opened.verified)
    signatures = [
        {
            "name": found.signature.name,
            "kind": KINDS[found.verifier.kind],
            "time": found.time,
            "vkey": format_vkey(found.verifier),
        }
        for found in opened.verified
    ]
    return Answer(
        "ok",
        f"signed by {', '.join(names)}",
        tuple(f"  {line}" for line in opened.text.split("\n")[:-1]),
        {
            "text": opened.text,
            "signatures": signatures,
            "unknown": [signature.name for signature in opened.unknown],
        },
    )


def proof(options: Namespace) -> Answer:
    """Answer whether an entry stands at the place in a log that a proof says."""
    trust = read_trust(options.policy, options.vkey)
    data, leaf = read(options.file, MAX_PROOF), _leaf(options)
    if trust is None:
        return Answer("unverifiable", _NOBODY)
    try:
        found = parse_proof(data)
        judgement = check_proof(found, trust, leaf)
    except (NoteError, CheckpointError) as error:
        return _refused(error, "the checkpoint: ")
    except QuorumError as error:
        return Answer("unverifiable", f"the checkpoint: {error}")
    except NotIncludedError as error:
        hint = " (it ends in a newline: a record's line is logged without)"
        return Answer("tampered", f"{error}{hint if _ends_in_newline(options) else ''}")
    except ProofError as error:
        return Answer("unverifiable", f"not a proof: {error}")
    lines, facts = _described(judgement)
    extra = None
    if found.extra is not None:
        extra = b64encode(found.extra).decode()
        lines = (*lines, f"not proven: the extra data ({len(found.extra)} bytes)")
    size, origin = judgement.checkpoint.size, judgement.checkpoint.origin
    return Answer(
        "ok",
        f"entry {found.index} of the first {size} of {origin}",
        lines,
        {**facts, "index": found.index, "leaf": leaf.hex(), "extra": extra},
    )


def consistency(options: Namespace) -> Answer:
    """Answer whether one signed checkpoint continues another, or contradicts it."""
    trust = read_trust(options.policy, options.vkey)
    names = (options.old, options.new)
    notes = [read(name, MAX_NOTE) for name in names]
    data = read(options.proof, MAX_CONSISTENCY)
    if trust is None:
        return Answer("unverifiable", _NOBODY)
    judged: list[Judgement] = []
    for name, signed in zip(names, notes, strict=True):
        try:
            judged.append(trust.judge(signed))
        except (NoteError, CheckpointError) as error:
            return _refused(error, f"{name}: ")
    old, new = (judgement.checkpoint for judgement in judged)
    facts: dict[str, object] = {
        "origin": new.origin,
        "old": {"file": options.old, "size": old.size, "root": old.root.hex()},
        "new": {"file": options.new, "size": new.size, "root": new.root.hex()},
    }
    if old.origin != new.origin:
        summary = f"two logs: {options.old} is of {old.origin}, {options.new} of {new.origin}"
        return Answer("unverifiable", summary, (), facts)
    if old.size > new.size:
        summary = f"{options.old} has more records than {options.new}: name the smaller one first"
        return Answer("unverifiable", summary, (), facts)
    try:
        found = relation(old, new, parse_consistency(data))
    except ProofError as error:
        # Two roots of one size contradict each other without any proof.
        if relation(old, new, ()) != "forked":
            return Answer("unverifiable", f"not a consistency proof: {error}", (), facts)
        found = "forked"
    if found == "forked":
        facts["evidence"] = [signed.decode() for signed in notes]
        return Answer(
            "forked",
            f"{old.origin} signed {options.old} and {options.new}, which contradict each other",
            (f"keep both notes and {options.proof}: together they prove it to anybody",),
            facts,
        )
    if found == "unjoined":
        return Answer("unverifiable", "the proof does not join them", (), facts)
    for name, judgement in zip(names, judged, strict=True):
        if not judgement.met:
            return Answer("unverifiable", f"{name}: {judgement.missing}", (), facts)
    lines, more = _described(judged[1])
    summary = f"the first {new.size} of {new.origin} begin with the first {old.size}"
    return Answer("ok", summary, lines, {**more, **facts})


def bundle(options: Namespace) -> Answer:
    """Answer what a bundle of records proves."""
    trust = read_trust(options.policy, options.vkey)
    data = read(options.file, MAX_BUNDLE)
    if trust is None:
        return Answer("unverifiable", _NOBODY)
    report = verify_bundle(data, trust)
    summary = report.problem
    if report.verdict == "ok":
        summary = f"{len(report.records)} of the first {report.size} records of {report.origin}"
    lines = [f"record {shown.index}: {shown.type}, {shown.time}" for shown in report.records]
    lines += [f"opened: record {item.index}, {item.path}" for item in report.openings]
    lines += [f"proven: {text}" for text in report.proven]
    lines += [f"not proven: {text}" for text in report.not_proven]
    return Answer(report.verdict, summary, tuple(lines), report.as_json())


def _described(judgement: Judgement) -> tuple[tuple[str, ...], Mapping[str, object]]:
    """Return what is known of a checkpoint, in lines and as facts."""
    checkpoint = judgement.checkpoint
    witnesses = [
        {"name": witness.name.decode("utf-8", "backslashreplace"), "time": witness.time}
        for witness in judgement.witnesses
    ]
    kinds = ", ".join(KINDS[found.verifier.kind] for found in judgement.logs)
    lines = [f"signed by the log ({kinds})"]
    lines += [f"cosigned by {item['name']} at {item['time']}" for item in witnesses]
    if not witnesses:
        lines.append("not proven: that others were shown the same log: no witness has cosigned")
    facts = {
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "signed_by": [format_vkey(found.verifier) for found in judgement.logs],
        "witnesses": witnesses,
        "post_quantum": judgement.post_quantum,
    }
    return tuple(lines), facts


def _refused(error: NoteError | CheckpointError, where: str = "") -> Answer:
    """Return the verdict on a note that is not accepted.

    A bad signature in a known key's name is somebody's doing. Bytes that are no note, or that
    only strangers have signed, say nothing about any log.
    """
    if isinstance(error, BadSignatureError):
        return Answer("tampered", f"{where}{error}")
    if isinstance(error, UnknownSignerError | CheckpointError):
        return Answer("unverifiable", f"{where}{error}")
    return Answer("unverifiable", f"{where}not a signed note: {error}")


def _leaf(options: Namespace) -> bytes:
    if options.leaf is not None:
        if not _LEAF.fullmatch(options.leaf):
            raise UsageError("--leaf is not 64 hexadecimal digits")
        return bytes.fromhex(options.leaf)
    entry = read(options.entry, MAX_ENTRY)
    if len(entry) > MAX_ENTRY:
        raise UsageError(f"{options.entry} has more than {MAX_ENTRY} bytes: give its --leaf")
    return leaf_hash(entry)


def _ends_in_newline(options: Namespace) -> bool:
    return options.entry is not None and read(options.entry, MAX_ENTRY).endswith(b"\n")
