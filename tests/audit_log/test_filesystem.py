"""On which file system a log lies."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.audit_log.disk import filesystem
from repro.audit_log.disk.filesystem import is_network, kind_of, warnings_for

from .conftest import Site

MOUNTS = r"""22 1 0:21 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:26 / /home rw - nfs4 server:/home rw,vers=4.2
31 30 0:27 / /home/ada/disk rw shared:2 master:3 - xfs /dev/vdb rw
32 22 0:28 / /mnt/with\040space rw - fuse.sshfs host:/ rw
33 22 0:29 / /mnt/twice rw - nfs a:/ rw
34 22 0:30 / /mnt/twice rw - tmpfs tmpfs rw
a line that is none
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/homes", "ext4"),
        ("/home", "nfs4"),
        ("/home/ada", "nfs4"),
        ("/home/ada/disk/log", "xfs"),
        ("/mnt/with space/log", "fuse.sshfs"),
        ("/mnt/twice/log", "tmpfs"),
    ],
)
def test_the_innermost_and_latest_mount_holds_a_path(path: str, kind: str) -> None:
    assert kind_of(MOUNTS, path) == kind


def test_types_of_the_network() -> None:
    assert all(map(is_network, ["nfs", "cifs", "smb3", "9p", "ceph", "fuse.sshfs", "fuse.any"]))
    assert not any(map(is_network, ["ext4", "xfs", "btrfs", "tmpfs", "overlay", "fuseblk", "zfs"]))


@given(st.text(), st.text())
def test_no_text_is_too_strange(mounts: str, path: str) -> None:
    found = kind_of(mounts, path)
    assert found is None or found in mounts


def test_a_log_says_loudly_that_it_lies_on_the_network(
    full: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mounts"
    monkeypatch.setattr(filesystem, "_MOUNTS", mounts)
    assert full.open().warnings == ()
    mounts.write_text(f"1 0 0:1 / / rw - ext4 a rw\n2 1 0:2 / {tmp_path.resolve()} rw - nfs b rw\n")
    (warning,) = full.open().warnings
    assert "network file system (nfs)" in warning
    mounts.write_text("1 0 0:1 / / rw - ext4 a rw\n")
    assert warnings_for(full.directory) == ()
