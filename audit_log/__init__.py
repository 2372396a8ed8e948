r"""The audit log: what was trained, from what, by whom, and that nobody changed the record since.

**Lines.** A log is a directory. Its records are the lines of ``log.jsonl``: each is one JSON object
in canonical form (RFC 8785), UTF-8, at most 65,535 bytes, ended by the byte 0x0A. Integral numbers
beyond ±(2^53-1) travel as strings. An object has exactly these members:

    actor   who: a commitment (below), or {"how", "host", "user"}, three strings
    body    an object; what belongs in it depends on the type
    nonce   16 random bytes, 32 lower-case hexadecimal digits
    prev    the hash of the line before, 64 hexadecimal digits; 64 zeros in the first record
    seq     0, 1, 2, … without a gap
    time    RFC 3339, UTC, microseconds: 2025-01-31T12:00:00.000000Z
    tool    what wrote it: {"name", "version"}, two strings
    type    one of `record.TYPES`

Members are sorted by name, and nothing after ``prev`` has free keys, so that the last
``,"prev":"`` of a line is the envelope's.

**Chain.** The hash of a line is BLAKE3 in derive-key mode, context ``repro-audit v1 line``, over
the raw bytes of the line without its newline. With the reference tool, for the last line:

    tail -n 1 log.jsonl | tr -d '\n' | b3sum --derive-key 'repro-audit v1 line'

The first record is ``log.created``. Its body holds ``format`` (``repro-audit v1``), ``origin`` (the
name of this log, random) and ``vkeys`` (its public keys as text: Ed25519, then ML-DSA-44).
``log.vkey`` repeats the keys in force; a record ``key.rotated`` replaces them (see `rotation`).

**Tree.** Over the same bytes stands the Merkle tree of RFC 6962 with SHA-256: a leaf is
SHA-256(0x00 ‖ line), a node SHA-256(0x01 ‖ left ‖ right). Whoever can write the file can also
recompute the chain, and a chain that is cut short is a perfect shorter chain; so the head of the
log is signed. ``checkpoint`` is a C2SP signed note whose text is a C2SP checkpoint:

    repro.log/5f0c…                               origin, which is also the name of the key
    3                                             how many records
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=  root of the tree over them
                                                  an empty line
    — repro.log/5f0c… Az3grlgtzPICa5OS…           key id and Ed25519 signature
    — repro.log/5f0c… kK1sAAAAAGec…               key id, time and ML-DSA-44 cosignature

A record is *durable* when its bytes are synced and *committed* when a checkpoint covers it. Before
each signature its size and root are made durable beside the private key, outside the workspace:
the *high-water mark*. Signing refuses unless the log extends it, so a directory that was put back
from a copy cannot be continued unnoticed.

**Runs.** ``run.planned`` is durable before a training starts, ``command.planned`` before a command
does; its body holds ``run``, an id, which begins with ``command-`` for a command and for nothing
else. Exactly one of ``run.completed``, ``run.failed``, ``run.interrupted`` ends the first, one of
``command.executed``, ``command.interrupted`` the second, with ``run`` and ``plan`` (the ``seq`` of
the plan). While the notary of a run lives, it holds a ``flock`` on ``running/<run>.lock``.

**Erasure.** A value that may have to be forgotten, the actor of a record first of all, is not in
its record. There stands ``{"commitment": C}`` with C = BLAKE3 in derive-key mode, context
``repro-audit v1 commitment``, over 32 random bytes and the canonical form of [place, value]. The
opening ``{"path", "salt", "value"}`` is ``openings/<C>.json``. Erasing deletes it, and a record
``erasure`` names it: {"what": "openings", "commitments": [C, …], "reason"}. All proofs stay valid,
since no line changes. A commitment that nothing opens and no such record names makes the log
incomplete. ``erasing/`` holds openings between the decision and the deletion; ``erase.lock`` is
held meanwhile. While a legal hold is in force (see `hold`), nothing is erased.

**Other files.** ``log.lock`` and ``sign.lock`` are empty and only locked. ``torn/`` keeps what was
cut from the end after a crash, each piece named by a ``log.recovered`` record. ``suspect`` exists
between a failed sync and the next opening. ``derived/`` can be deleted.

**What it is not.** It is tamper-evident, not tamper-proof. The holder of the key can rewrite the
log; that shows only against a checkpoint that somebody else has kept. See `faults` for the verdicts
and for what each assurance level leaves unproven.

**Segments.** When a log grows, its lines lie in several files: ``segments/<first seq>.jsonl``, each
ended by a record ``segment.sealed``, then ``log.jsonl``. Of a pruned segment the leaf hashes stay,
and the lines that verification needs. See `storage.segments` and `storage.pruned`.

The format in prose, with a worked example, is ``docs/log-format.md``; the attacks and who notices
them are in ``docs/threat-model.md``.

Reading order for an auditor: in `formats` `canonical`, `record`, `commitment`, `tree`, `note_key`,
`cosignature`, `note`, `checkpoint`, `rotation`, `policy`, `proof` (all pure); in `verification`
`faults`, `levels`, `walk`, `swift`, `survey`, `trust`, `rotations`, `erasures`, `kept`, `verify`;
then, for how a log is written, in `storage` `writer`, `store`, `committing`, `signing`,
`segments`, `openings`, `erasing`, `recovery`, and in `keys` `keystore` and `high_water`.
"""
