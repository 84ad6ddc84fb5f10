from __future__ import annotations

import os

import psutil
import pytest

from joulefront.energy.host_load import HostLoad, host_identity
from joulefront.energy.process_tree import TICK_NS

STAT = "cpu  100 20 30 4000 50 6 7 8 90 1\ncpu0 1 2 3 4 5 6 7 8 9 1\nintr 12\n"


@pytest.fixture
def make(tmp_path):
    def make(*, kernel_threads=True, namespace="pid:[1]", **files):
        written = {"proc/stat": STAT, "proc/sys/kernel/random/boot_id": "boot\n"}
        written["proc/2/comm"] = "kthreadd\n" if kernel_threads else "python\n"
        for name, text in (written | files).items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (tmp_path / "proc/self/ns").mkdir(parents=True, exist_ok=True)
        (tmp_path / "proc/self/ns/pid").unlink(missing_ok=True)
        (tmp_path / "proc/self/ns/pid").symlink_to(namespace)
        return HostLoad(proc=str(tmp_path / "proc"), cgroups=str(tmp_path / "fs"))

    return make


CONTAINER = {
    "proc/self/cgroup": "0::/\n",
    "fs/cgroup.controllers": "",
    "fs/cgroup.type": "domain\n",
    "fs/cpu.stat": "usage_usec 5\n",
    "fs/cpu.max": "100000 100000\n",
    "fs/memory.max": "4096\n",
}


def test_a_host_counts_all_but_idling_waiting_and_guests_twice(make):
    load = make(**CONTAINER)
    assert load.scope == "host"
    assert load.read() == ((100 + 20 + 30 + 6 + 7) * TICK_NS, 8 * TICK_NS)
    assert load.cores == os.cpu_count()
    assert load.memory_bytes == psutil.virtual_memory().total


def test_a_container_is_its_cgroup(make):
    load = make(kernel_threads=False, **CONTAINER)
    assert load.scope == "container"
    assert load.read() == (5_000, None)
    assert (load.cores, load.memory_bytes) == (1, 4096)


def test_a_container_without_a_cgroup_to_read_is_taken_for_the_host(make):
    load = make(kernel_threads=False)
    assert load.scope == "host"
    assert load.read().steal_ns == 8 * TICK_NS


def test_without_proc_psutil_tells(tmp_path):
    load = HostLoad(proc=str(tmp_path))
    assert load.read().busy_ns > 0
    assert load.boot_id


def test_identity_is_of_boot_and_scope(make):
    identity = make().identity
    assert make().identity == identity
    assert make(**CONTAINER).identity == identity, "a host's sub-groups share its counters"
    assert make(namespace="pid:[2]").identity != identity
    assert make(**{"proc/sys/kernel/random/boot_id": "other\n"}).identity != identity
    assert len(identity) == 16


def test_this_host_is_busy():
    load = HostLoad()
    before = load.read().busy_ns
    assert load.read().busy_ns >= before > 0
    assert host_identity() == load.identity
