"""Whether every host of a cluster can write the study directory.

Trials write their checkpoints and logs into it, so a folder on one machine's own disk is no place
for a study whose trials run on several.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import psutil

from joulefront.errors import StudyError

_OWN_DISKS = frozenset(
    {"apfs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "ntfs", "overlay", "tmpfs", "xfs", "zfs"}
)


def check_shared(store: Path, hosts: Collection[str]) -> None:
    """Refuse a study directory that some hosts cannot see.

    Args:
        store: The study directory, which exists.
        hosts: Names of the hosts that may run trials.

    Raises:
        StudyError: If there are several, and the folder lies on a disk of this machine alone.
    """
    kind = file_system(store)
    if len(set(hosts)) > 1 and kind in _OWN_DISKS:
        raise StudyError(
            "--store must lie on a disk that every host of the cluster mounts",
            given=f"{store} on {kind}, and the hosts {', '.join(sorted(set(hosts)))}",
            remedy="give a folder on a shared disk",
        )


def file_system(path: Path) -> str:
    """Return the type of the file system that holds a path, such as "ext4" or "nfs4"."""
    mounts = {
        Path(partition.mountpoint): partition.fstype
        for partition in psutil.disk_partitions(all=True)
    }
    resolved = path.resolve()
    held = next((place for place in (resolved, *resolved.parents) if place in mounts), None)
    return mounts[held] if held is not None else "unknown"
