"""Whether every host of a cluster can write the study.

Trials write their checkpoints and logs into it, so a folder on one machine's own disk is no place
for a study whose trials run on several.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from pathlib import Path

import psutil

from joulefront.errors import StudyError
from joulefront.store import place_of

_LOOK_SECONDS = 2.0  # between two looks at the cluster
_OWN_DISKS = frozenset(
    {"apfs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "ntfs", "overlay", "tmpfs", "xfs", "zfs"}
)


def check_shared(store: str | Path, hosts: Collection[str]) -> None:
    """Refuse a study directory that some hosts cannot see.

    Args:
        store: Path or URI of the study, which exists.
        hosts: Names of the hosts that may run trials.

    Raises:
        StudyError: If there are several, and the folder lies on a disk of this machine alone.
    """
    folder = place_of(store).local
    if folder is None or len(set(hosts)) < 2:
        return
    kind = file_system(folder)
    if kind in _OWN_DISKS:
        raise StudyError(
            "--store must lie on a disk that every host of the cluster mounts",
            given=f"{store} on {kind}, and the hosts {', '.join(sorted(set(hosts)))}",
            remedy="give a folder on a shared disk, or a URI such as s3://BUCKET/PREFIX",
        )


class SharedStore:
    """Goes on looking whether a study's place can be seen by all hosts: others may join.

    Args:
        store: Path or URI of the study.
        hosts: Asks for the names of the hosts that there are.
    """

    def __init__(self, store: str | Path, hosts: Callable[[], Collection[str]]) -> None:
        self._store, self._hosts = store, hosts
        self._looked = -_LOOK_SECONDS

    def __call__(self) -> None:
        """Look, if the last look was a while ago.

        Raises:
            StudyError: As `check_shared` does.
        """
        if time.monotonic() - self._looked >= _LOOK_SECONDS:
            self._looked = time.monotonic()
            check_shared(self._store, self._hosts())


def file_system(path: Path) -> str:
    """Return the type of the file system that holds a path, such as "ext4" or "nfs4"."""
    mounts = {
        Path(partition.mountpoint): partition.fstype
        for partition in psutil.disk_partitions(all=True)
    }
    resolved = path.resolve()
    held = next((place for place in (resolved, *resolved.parents) if place in mounts), None)
    return mounts[held] if held is not None else "unknown"
