"""The errors of this room, with the exit status each one ends in.

    LogError                3  (never raised itself)
    ├── LogUnusableError    3  missing, not a directory, a link, read-only, disk full, no key
    ├── LogSuspectError     3  a sync failed: nothing is acknowledged until the log is re-opened
    └── LogCorruptError     4  the bytes do not agree: nothing is appended

    ValueError
    ├── CanonicalError         a value that has no canonical form, or bytes that are not one
    ├── RecordError            a record that breaks the envelope's rules
    ├── NoteError              a signed note that is malformed or badly signed
    │   ├── BadSignatureError  one that a known key has not signed, though it says so
    │   └── UnknownSignerError one that no known key has signed
    ├── CheckpointError        a text that is not a checkpoint
    ├── PolicyError            a policy file that breaks a rule, or keys that cannot be one
    ├── QuorumError            a checkpoint that too few witnesses have cosigned
    ├── ProofError             a proof that is malformed
    │   └── NotIncludedError   one that does not lead from the entry to the root
    ├── BundleError            bytes that are not a bundle, or values that make none
    ├── TimestampError         a trusted time stamp that cannot be had or does not hold
    └── OpeningError           a file that does not open the commitment it is named after

Verification raises none of these for a bad log: it reports faults.
"""

from __future__ import annotations

from typing import ClassVar


class LogError(Exception):
    """An expected failure of the log: what was wrong, and what to do next."""

    exit_status: ClassVar[int] = 3

    def __init__(self, problem: str, hint: str | None = None) -> None:
        """Keep the one-sentence ``problem`` and, only if following it is safe, a ``hint``."""
        super().__init__(problem)
        self.problem = problem
        self.hint = hint


class LogUnusableError(LogError):
    """The log, its directory or its key cannot be used."""


class LogSuspectError(LogError):
    """A sync failed: what was written since the last checkpoint may not be on the disk."""


class LogCorruptError(LogError):
    """The log is not what it was; appending to it would hide that."""

    exit_status: ClassVar[int] = 4


class CanonicalError(ValueError):
    """A value without a canonical form; ``path`` says where, as in ``$.a[3]``."""

    def __init__(self, problem: str, path: str = "$") -> None:
        """Keep ``problem`` and the ``path`` of the offending value."""
        super().__init__(f"{path}: {problem}")
        self.problem = problem
        self.path = path


class RecordError(ValueError):
    """A record that breaks the rules of the envelope."""


class NoteError(ValueError):
    """A signed note that is malformed, or whose signature by a known key is bad."""


class BadSignatureError(NoteError):
    """A signed note with a signature that should be a known key's and is not."""


class UnknownSignerError(NoteError):
    """A signed note that no known key has signed."""


class CheckpointError(ValueError):
    """A text that is not a checkpoint."""


class PolicyError(ValueError):
    """A policy that breaks a rule: in which line (None: in none of them), what, and what to do."""

    def __init__(self, problem: str, hint: str, line: int | None = None) -> None:
        """Keep the parts of the message."""
        place = "" if line is None else f"line {line}: "
        super().__init__(f"{place}{problem}: {hint}")
        self.problem = problem
        self.hint = hint
        self.line = line


class QuorumError(ValueError):
    """A checkpoint that its log has signed, and too few witnesses."""


class ProofError(ValueError):
    """A proof of inclusion or of consistency that is malformed."""


class NotIncludedError(ProofError):
    """A proof whose hashes do not lead from the entry to the signed root."""


class BundleError(ValueError):
    """Bytes that are not a bundle, or values of which none can be made."""


class TimestampError(ValueError):
    """A trusted time stamp that cannot be had, or that does not prove what it should."""


class OpeningError(ValueError):
    """Bytes that are not an opening, or not the one that is asked for."""
