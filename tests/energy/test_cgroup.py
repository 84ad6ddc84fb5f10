from __future__ import annotations

import pytest

from joulefront.energy.cgroup import Cgroup


@pytest.fixture
def make(tmp_path):
    def make(own, files):
        for name, text in {"proc/self/cgroup": own, **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return Cgroup(proc=str(tmp_path / "proc"), root=str(tmp_path / "fs"))

    return make


V2 = {
    "fs/cgroup.controllers": "cpu memory",
    "fs/cpu.stat": "usage_usec 5000\nuser_usec 4000\n",
    "fs/cpu.max": "250000 100000\n",
    "fs/cpuset.cpus.effective": "0-3,8\n",
    "fs/memory.max": "1073741824\n",
}


def test_version_2_in_a_namespace_is_the_root_whatever_the_sub_group(make):
    group = make("0::/init.scope\n", V2 | {"fs/cgroup.type": "domain\n"})
    assert group.busy_ns() == 5_000_000
    assert group.cores() == 3
    assert group.memory_bytes() == 1 << 30


def test_version_2_without_a_namespace_is_the_own_path(make):
    files = V2 | {"fs/pod/a/cpu.stat": "usage_usec 7\n", "fs/pod/a/cpu.max": "max 100000\n"}
    files |= {"fs/pod/a/memory.max": "max\n", "fs/pod/a/cpuset.cpus.effective": "2\n"}
    group = make("0::/pod/a\n", files)
    assert (group.busy_ns(), group.cores(), group.memory_bytes()) == (7_000, 1, None)
    assert group.name.endswith("/pod/a")


V1 = {
    "fs/cpuacct/cpuacct.usage": "9000\n",
    "fs/cpu/cpu.cfs_quota_us": "150000\n",
    "fs/cpu/cpu.cfs_period_us": "100000\n",
    "fs/cpuset/cpuset.cpus": "0-7\n",
    "fs/memory/memory.limit_in_bytes": "4096\n",
}


def test_version_1_where_the_container_s_own_group_is_mounted(make):
    group = make("3:cpu,cpuacct:/docker/a\n2:memory:/docker/a\n0::/\n", V1)
    assert (group.busy_ns(), group.cores(), group.memory_bytes()) == (9_000, 2, 4096)


def test_version_1_where_the_whole_tree_is_mounted(make):
    files = V1 | {"fs/cpuacct/docker/a/cpuacct.usage": "11\n"}
    files |= {"fs/cpu/docker/a/cpu.cfs_quota_us": "-1\n"}
    files |= {"fs/cpu/docker/a/cpu.cfs_period_us": "100000\n"}
    group = make("3:cpu,cpuacct:/docker/a\n", files)
    assert (group.busy_ns(), group.cores()) == (11, 8)


def test_no_cgroups_at_all(tmp_path):
    group = Cgroup(proc=str(tmp_path), root=str(tmp_path / "fs"))
    assert (group.busy_ns(), group.cores(), group.memory_bytes()) == (None, None, None)
