from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from joulefront.energy import strangers
from joulefront.trial import cores
from joulefront.trial.cores import leased_cores

if sys.platform != "linux":
    pytest.skip("no abstract sockets", allow_module_level=True)

HOLD = """
import json, os, sys
from joulefront.energy import strangers
from joulefront.trial import cores
cores._NAME = chr(0) + sys.argv[1]
with cores.leased_cores(int(sys.argv[2])) as leased:
    print(json.dumps([leased.ids, leased.oversubscribed, sorted(os.sched_getaffinity(0))]))
    sys.stdout.flush()
    {then}
"""


@pytest.fixture(autouse=True)
def own_names(monkeypatch, request) -> str:
    """Names that no study on this machine uses."""
    name = f"\0joulefront-test-{os.getpid()}-{request.node.name[:40]}-{{}}"
    monkeypatch.setattr(cores, "_NAME", name)
    return name


@pytest.fixture
def allowed() -> Iterator[set[int]]:
    before = os.sched_getaffinity(0)
    yield before
    os.sched_setaffinity(0, before)


class Holder:
    """Another process that leases cores until its input ends."""

    def __init__(self, name: str, count: int, then: str = "sys.stdin.read()") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD.replace("{then}", then), name.lstrip("\0"), str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        ids, self.oversubscribed, self.affinity = json.loads(self.process.stdout.readline())
        self.ids = set(ids)

    def __enter__(self) -> Holder:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()


@pytest.fixture
def hold(own_names):
    def start(count: int, **changes: str) -> Holder:
        return Holder(own_names, count, **changes)

    return start


def test_two_processes_never_share_a_core(hold, allowed) -> None:
    if len(allowed) < 2:
        pytest.skip("one core")
    with hold(1) as one, leased_cores(1) as other:
        assert one.affinity == sorted(one.ids) and os.sched_getaffinity(0) == set(other.ids)
        assert len(one.ids | set(other.ids)) == 2


def test_with_too_few_free_cores_it_stays_unpinned_and_says_so(hold, allowed) -> None:
    with hold(len(allowed)) as one:
        assert one.ids == allowed
        with leased_cores(1) as left:
            assert left == cores.Cores(oversubscribed=True)
            assert os.sched_getaffinity(0) == allowed
    with leased_cores(len(allowed)) as all_of_them:
        assert set(all_of_them.ids) == allowed


def test_a_killed_holder_leaves_its_cores_free(hold, allowed) -> None:
    forked = "pid = os.fork(); print(pid) if pid else None; sys.stdout.flush(); sys.stdin.read()"
    with hold(len(allowed), then=forked) as one:
        child = int(one.process.stdout.readline())
        os.kill(one.process.pid, signal.SIGKILL)
        one.process.wait()
        os.kill(child, 0)  # its forked worker lives, and holds none
        with leased_cores(len(allowed)) as leased:
            assert set(leased.ids) == allowed


def test_more_than_there_are_is_all_of_them(allowed) -> None:
    with leased_cores(10_000) as leased:
        assert set(leased.ids) == allowed and not leased.oversubscribed


def test_only_cores_that_the_process_may_use_are_taken(allowed) -> None:
    last = max(allowed)
    os.sched_setaffinity(0, {last})
    with leased_cores(1) as leased:
        assert leased.ids == (last,)
    assert os.sched_getaffinity(0) == {last}


def test_threads_that_were_there_before_the_first_trial_stay_where_they_are(
    allowed, monkeypatch
) -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    monkeypatch.setattr(strangers, "_first", [frozenset({thread.native_id})])
    with leased_cores(1):
        assert os.sched_getaffinity(thread.native_id) == allowed
    done.set()
    thread.join()


def test_threads_follow_and_are_put_back(allowed) -> None:
    barrier = threading.Barrier(2)
    seen: list[set[int]] = []

    def look_twice() -> None:
        for _ in range(2):
            barrier.wait()
            seen.append(os.sched_getaffinity(0))
            barrier.wait()

    with leased_cores(1):
        pass  # what was there before the first trial is left alone
    thread = threading.Thread(target=look_twice)
    thread.start()
    with leased_cores(1) as leased:
        barrier.wait()
        barrier.wait()
        child = subprocess.run(
            [sys.executable, "-c", "import os; print(*os.sched_getaffinity(0))"],
            capture_output=True,
            text=True,
        )
    barrier.wait()
    barrier.wait()
    thread.join()
    assert seen == [set(leased.ids), allowed] and child.stdout.split() == [str(leased.ids[0])]


def test_one_thread_of_each_physical_core_comes_first(monkeypatch) -> None:
    monkeypatch.setattr(cores, "_siblings", lambda core: f"{core % 4},{core % 4 + 4}")
    assert cores._apart({0, 1, 2, 3, 4, 5, 6, 7}) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert cores._apart({1, 4, 5, 6}) == [1, 4, 6, 5]
