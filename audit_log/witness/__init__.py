"""Witnesses (C2SP tlog-witness v1.0.0): others who say that they saw this log only grow.

A *witness* keeps, for each log that it knows, the latest checkpoint that it has cosigned. It signs
a new one only if a proof shows that the new tree extends that one. Whoever demands its cosignature
cannot be shown two histories. The witness reads no records: it sees origin, size, root, signatures
and tree hashes.

`protocol` (pure) and `service` decide, `state`, `logs` and `identity` keep, `server` listens;
`client` asks the witnesses of a log of ours, `merge` puts their lines into a note.
"""
