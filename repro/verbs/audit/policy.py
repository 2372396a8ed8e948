"""The verifier's policy: the file that is named, or the one that the operator keeps by the key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from repro.audit_log.disk.sync import read_small
from repro.audit_log.errors import PolicyError
from repro.audit_log.formats.policy import KnownLog, Policy
from repro.audit_log.formats.policy_file import MAX_POLICY, parse_policy
from repro.audit_log.keys.keystore import KeyStore
from repro.errors import InputError
from repro.verbs.audit.files import read_input
from repro.verbs.audit.log import POLICY


def read_policy(path: Path) -> Policy:
    """Return the policy in a file; InputError naming the line if it is none."""
    try:
        return parse_policy(read_input(path, MAX_POLICY, "the policy"))
    except PolicyError as error:
        raise InputError(f"{path}: {error}") from None


def policy_beside_key(store: KeyStore, origin: str) -> tuple[Policy | None, str]:
    """Return the operator's own policy for a log, if there is one, and what to say of it.

    It is believed for the witnesses that it asks for. Whose log it is says the key store: the keys
    in force are put in the place of those that the policy was once written with, of the same kinds.
    """
    path = store.directory(origin) / POLICY
    try:
        policy = parse_policy(read_small(path, MAX_POLICY + 1))
    except FileNotFoundError:
        return None, ""
    except (OSError, PolicyError) as error:
        return None, f"the policy {path} cannot be used: {error}"
    kinds = {log.verifier.kind for log in policy.logs if log.verifier.name == origin}
    ours = [key for key in store.public(origin) if not kinds or key.kind in kinds]
    others = [log for log in policy.logs if log.verifier.name != origin]
    logs = (*others, *(KnownLog(key) for key in ours))
    return replace(policy, logs=logs), f"the policy beside the key, {path}: no other was named"
