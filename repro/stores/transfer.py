"""Files that go to a store and come from one by their digest; what arrived is digested."""

from __future__ import annotations

from pathlib import Path

from repro.audit_log.formats.digests import FileDigest, digest_file
from repro.errors import InputError, IntegrityError
from repro.stores.store import Store


def give(store: Store, name: str, path: Path, digest: FileDigest) -> str:
    """Put a file at a name that stands for its content; return what was to be done.

    ``there``: it was there already. ``sent``: it was not. ``mended``: something else was there.
    What the store gives back is digested. InputError if that is not what was put there.
    """
    before = store.digest(name)
    if before == digest:
        return "there"
    store.upload(name, path)
    if store.digest(name) != digest:
        raise InputError(
            f"{store.shown}/{name} does not give back what was put there",
            "the file here was changed meanwhile, or the store is damaged: try again, or elsewhere",
        )
    return "sent" if before is None else "mended"


def take(store: Store, name: str, path: Path, digest: FileDigest, part: Path) -> bool:
    """Have a file of that content at ``path``; return whether it had to be fetched.

    What was fetched earlier is used if it is whole. Until it is, what comes is at ``part``, a place
    on the same disk that nobody else writes to. InputError if the store has none,
    IntegrityError if what it has is something else; nothing is at ``path`` then.
    """
    if path.is_file() and not path.is_symlink():
        if digest_file(path) == digest:
            return False
        path.unlink()
    part.unlink(missing_ok=True)
    try:
        if not store.download(name, part, digest.size + 1):
            raise InputError(
                f"{store.shown} lacks {name}", "push the run there again: what lacks is sent"
            )
        found = digest_file(part)
        if found != digest:
            size = f"{found.size} bytes, of {digest.size}, with another digest"
            if found.size > digest.size:  # how much more was not looked at
                size = f"more than {digest.size} bytes"
            raise IntegrityError(
                f"{store.shown}/{name} is not what its name says: {size}",
                "it was cut short or changed there; nothing of it was kept. Push the run again: "
                "what is damaged is replaced",
            )
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return True
