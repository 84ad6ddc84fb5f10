"""The lease: one driver at a time, dead ones taken over, late ones refused."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from joulefront.errors import LeaseLost, StudyError
from joulefront.store import StudyStore
from joulefront.store.durable import seal, unsealed
from joulefront.store.lease import EXPIRES_SECONDS, Holder, Lease, last_holder, request_stop
from joulefront.store.places import Folder


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def pass_by(self, _: Holder | None, left: float) -> None:
        self.seconds += min(1.0, left)


@pytest.fixture
def place(tmp_path) -> Folder:
    return Folder(tmp_path / "study")


def hold(place: Folder, generation: int = 1, **changes) -> Holder:
    """Write the lease of another holder."""
    holder = dataclasses.replace(Holder.this_process(), **changes)
    place.publish(f"leases/{generation:06d}.json", seal(dataclasses.asdict(holder)))
    return holder


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_second_driver_is_told_who_drives_and_since_when(place):
    Lease.take(place)
    with pytest.raises(StudyError, match=rf"process {os.getpid()} on .* since 20\d\d-"):
        Lease.take(place)
    with pytest.raises(StudyError):  # it lives, on this host: nothing to wait for
        Lease.take(place, wait=Clock().pass_by)


def test_a_lease_that_was_released_is_taken_at_once(place):
    Lease.take(place).release()
    assert last_holder(place).is_over
    second = Lease.take(place)
    assert (second.generation, second.taken_from) == (2, None)


@pytest.mark.parametrize("gone", [{"pid": None}, {"started": 1}])
def test_a_dead_holder_on_this_host_is_taken_over_at_once(place, gone):
    """The second has a process number that another process has got since."""
    dead = hold(place, **({"pid": dead_pid()} if "pid" in gone else gone))
    second = Lease.take(place)
    assert (second.generation, second.taken_from) == (2, dead)


def test_a_killed_process_that_nobody_has_waited_for_is_dead(place):
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    with open(f"/proc/{process.pid}/stat") as file:
        started = int(file.read().rpartition(")")[2].split()[19])
    hold(place, pid=process.pid, started=started)
    assert not last_holder(place).is_over
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert last_holder(place).is_over
    process.wait()


@pytest.mark.parametrize("boot", ["another boot", ""])
def test_a_silent_holder_elsewhere_expires_for_one_who_waits(place, boot):
    hold(place, boot=boot, host="elsewhere")
    with pytest.raises(StudyError, match="on elsewhere"):
        Lease.take(place)
    clock = Clock()
    assert Lease.take(place, wait=clock.pass_by, clock=clock).generation == 2
    assert clock.seconds == EXPIRES_SECONDS


def test_a_holder_elsewhere_that_renews_is_never_taken_over(place):
    hold(place, boot="another boot", host="elsewhere")
    clock = Clock()

    def wait(holder: Holder | None, left: float) -> None:
        clock.pass_by(holder, left)
        if clock.seconds == EXPIRES_SECONDS - 1:
            hold(place, boot="another boot", host="elsewhere", counter=1)

    with pytest.raises(StudyError, match="on elsewhere"):
        Lease.take(place, wait=wait, clock=clock)


@pytest.mark.parametrize("jump", [-1e8, 1e8])
def test_wall_clocks_do_not_matter(place, monkeypatch, jump):
    lease = Lease.take(place)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + jump)
    lease.renew()
    with pytest.raises(StudyError):
        Lease.take(place)
    hold(place, 1, boot="another boot", since=now + jump)
    clock = Clock()
    Lease.take(place, wait=clock.pass_by, clock=clock)
    assert clock.seconds == EXPIRES_SECONDS


def test_a_damaged_lease_expires_too(place):
    place.publish("leases/000001.json", b"{")
    with pytest.raises(StudyError, match="damaged"):
        Lease.take(place)
    clock = Clock()
    assert Lease.take(place, wait=clock.pass_by, clock=clock).generation == 2


def test_of_many_who_want_the_lease_one_gets_it(place):
    def take(_: int) -> bool:
        try:
            Lease.take(place)
        except StudyError:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(take, range(16))) == 1


def test_who_has_lost_the_lease_writes_nothing_more(tmp_path):
    study = StudyStore.create(tmp_path / "study", {})
    clock = Clock()
    lease = Lease.take(study.place, clock=clock)
    with pytest.raises(LeaseLost), study.writer(lease.check) as writer:
        writer.append("events", [{"kind": "before"}])
        hold(study.place, 2, host="thief")
        writer.append("events", [{"kind": "within a second of the last look"}])
        clock.seconds += 1
        with pytest.raises(LeaseLost, match="on thief"):
            writer.append("events", [{"kind": "after"}])
        with pytest.raises(LeaseLost):
            writer.sync()
        with pytest.raises(LeaseLost):
            lease.renew()
    assert "after" not in study.read("events").column("kind").to_pylist()
    assert last_holder(study.place).host == "thief"


def test_renewing_counts_on(place):
    lease = Lease.take(place)
    lease.renew()
    lease.renew()
    document = unsealed(place.read("leases/000001.json"), "the lease")
    assert document["counter"] == 2 and not document["released"]


def test_a_stop_is_asked_of_one_driver_only(place):
    assert request_stop(place) is None
    lease = Lease.take(place)
    assert not lease.stop_requested()
    assert request_stop(place).pid == os.getpid()
    assert lease.stop_requested()
    lease.release()
    assert request_stop(place) is None
    assert not Lease.take(place).stop_requested()
