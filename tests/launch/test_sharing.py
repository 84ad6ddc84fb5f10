from __future__ import annotations

from types import SimpleNamespace

import pytest

from joulefront.errors import StudyError
from joulefront.launch import sharing


@pytest.fixture
def mounted(monkeypatch, tmp_path):
    """Pretend that a folder is mounted from a file system of some type."""

    def mount(kind: str):
        partitions = [
            SimpleNamespace(mountpoint="/", fstype="ext4"),
            SimpleNamespace(mountpoint=str(tmp_path), fstype=kind),
        ]
        monkeypatch.setattr(sharing.psutil, "disk_partitions", lambda all: partitions)
        return tmp_path / "results" / "study"

    return mount


def test_the_nearest_mount_counts(mounted, tmp_path):
    assert sharing.file_system(mounted("nfs4")) == "nfs4"
    assert sharing.file_system(tmp_path.parent) == "ext4"


def test_several_hosts_need_a_shared_disk(mounted):
    sharing.check_shared(mounted("nfs4"), ["a", "b"])
    sharing.check_shared(mounted("xfs"), ["a", "a"])
    with pytest.raises(StudyError, match="on xfs, and the hosts a, b"):
        sharing.check_shared(mounted("xfs"), ["a", "b"])


def test_an_object_store_is_shared_by_all(mounted):
    mounted("xfs")
    sharing.check_shared("s3://bucket/study", ["a", "b"])


def test_a_host_that_joins_later_is_noticed(mounted, monkeypatch):
    hosts, now = {"a"}, [0.0]
    monkeypatch.setattr(sharing.time, "monotonic", lambda: now[0])
    look = sharing.SharedStore(mounted("ext4"), lambda: hosts)
    look()
    hosts.add("b")
    look()
    now[0] += 3.0
    with pytest.raises(StudyError, match="the hosts a, b"):
        look()
