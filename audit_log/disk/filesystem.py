"""Which file system a directory lies on, and whether locks and syncs mean there what they should.

On a network file system a lock may hold on one host only, and a sync may end in the memory of
another machine: a log there can fork or lose what was acknowledged, and nothing would say so.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

NETWORK: Final = frozenset(
    {
        *("9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "gfs", "gfs2", "glusterfs"),
        *("gpfs", "lustre", "ncpfs", "nfs", "nfs3", "nfs4", "ocfs2", "orangefs", "pvfs2"),
        *("smb2", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs"),
    }
)
"""Types that share files between machines; so do those of `fuse` whose name is not local."""
_LOCAL_FUSE: Final = frozenset({"fuseblk", "fuse.fuse-overlayfs", "fuse.ntfs-3g", "fuse.exfat"})
_MOUNTS: Final = Path("/proc/self/mountinfo")
_ESCAPE: Final = re.compile(r"\\([0-7]{3})")


def is_network(kind: str) -> bool:
    """Return whether the file system type ``kind`` may lie on another machine."""
    if kind in _LOCAL_FUSE:
        return False
    return kind in NETWORK or kind == "fuse" or kind.startswith("fuse.")


def kind_of(mounts: str, path: str) -> str | None:
    """Return the type of the file system that holds ``path``; None if no mount does.

    ``mounts`` is the text of ``/proc/self/mountinfo`` (proc_pid_mountinfo(5)); ``path`` is absolute
    and without links. Lines that are not of that form are passed over.
    """
    found, length = None, -1
    for line in mounts.splitlines():
        fields = line.split(" ")
        try:
            place, kind = fields[4], fields[fields.index("-", 6) + 1]
        except (IndexError, ValueError):
            continue
        place = _ESCAPE.sub(lambda match: chr(int(match[1], 8)), place).rstrip("/")
        # The later of two mounts on one place hides the earlier.
        if (path == place or path.startswith(f"{place}/")) and len(place) >= length:
            found, length = kind, len(place)
    return found


def kind_at(path: Path) -> str | None:
    """Return the type of the file system that ``path`` lies on; None if nobody can say."""
    try:
        mounts = _MOUNTS.read_bytes().decode("utf-8", "surrogateescape")
        return kind_of(mounts, os.path.realpath(path))
    except OSError:
        return None


def warnings_for(directory: Path) -> tuple[str, ...]:
    """Return what is to be feared where ``directory`` lies; nothing if nobody can say."""
    kind = kind_at(directory)
    if kind is None or not is_network(kind):
        return ()
    return (
        f"{directory} lies on a network file system ({kind}): locks may not hold and syncs may "
        "not last there; keep the log on a disk of this machine",
    )
