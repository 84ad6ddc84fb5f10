"""The meter on real processes: what it counts against what the kernel told the processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from joulefront.energy import ProcessCounters, Registration
from joulefront.energy.host_meter import ActorsOf, HostMeter
from joulefront.energy.process_tree import TICK_NS
from joulefront.energy.processes import process_table

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="no /proc here")

TRIAL = """
import os, resource, subprocess, sys, time
def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end: pass
def fork(seconds):
    pid = os.fork()
    if not pid:
        burn(seconds)
        os._exit(0)
    return pid
def subprocess_(seconds):
    code = f"import time\\nwhile time.process_time() < {seconds}: pass"
    subprocess.run([sys.executable, "-S", "-c", code], check=True)
def say():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(sum(usage.ru_utime + usage.ru_stime for usage in used), flush=True)
    sys.stdin.readline()
say()
"""
OWN = "burn(0.6)\nsay()\n"
SUBPROCESSES = "for _ in range(4): subprocess_(0.15)\nsay()\n"
RESPAWNED = """
for _ in range(4):
    workers = [fork(0.08), fork(0.08)]
    burn(0.05)
    for worker in workers: os.waitpid(worker, 0)
    say()
"""
GRANDCHILDREN = """
for _ in range(2):
    child = os.fork()
    if not child:
        os.waitpid(fork(0.2), 0)
        burn(0.1)
        os._exit(0)
    os.waitpid(child, 0)
    say()
"""


class Trial:
    """A registered process that does its work and says what it has used."""

    def __init__(self, meter, code, trial="t"):
        self.process = subprocess.Popen(
            [sys.executable, "-c", TRIAL + code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.used = float(self.process.stdout.readline())
        self.key = f"{trial}/1/0"
        meter.register(
            Registration(
                study="s",
                trial_id=trial,
                attempt=1,
                rank=0,
                pid=self.process.pid,
                started=process_table().started(self.process.pid),
                cores=1,
                called=ProcessCounters().read(),
            )
        )

    def go_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def done(self):
        """Wait until it has done some work; return whether there is more."""
        line = self.process.stdout.readline()
        self.used = float(line) if line else self.used
        return bool(line)

    def kill(self):
        """Kill it, and return the CPU time that the kernel knows of, its children's included."""
        self.process.send_signal(signal.SIGKILL)
        _, _, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = -9
        self.process.stdin.close()
        self.process.stdout.close()
        return usage.ru_utime + usage.ru_stime


@pytest.fixture
def rows():
    return []


@pytest.fixture
def actors():
    return {}


@pytest.fixture
def meter(rows, actors):
    meter = HostMeter(host="h", power_model={}, node_class="x", owned_actors=lambda pids: actors)
    meter.attend("s", rows.extend)
    return meter


def last(rows, key="t/1/0"):
    """CPU-seconds of a process in the last sample that knows it."""
    samples = [row.details for row in rows if row.kind == "sample"]
    return [s["processes"][key][0] * 1e-9 for s in samples if key in s["processes"]][-1]


def near(seconds):
    return pytest.approx(seconds, rel=0.03, abs=4 * TICK_NS * 1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("code", [OWN, SUBPROCESSES, RESPAWNED, GRANDCHILDREN])
def test_a_trial_and_its_children(meter, rows, code):
    trial = Trial(meter, code)
    for _ in range(code.count("range") or 1):
        trial.go_on()
        trial.done()
        meter.sample()
        assert last(rows) == near(trial.used)
    truth = trial.kill()
    meter.sample()
    assert last(rows) == near(truth)


def test_children_that_are_sampled_while_they_live_and_come_again(meter, rows):
    trial = Trial(meter, RESPAWNED)
    for _ in range(4):
        trial.go_on()
        for _ in range(4):
            time.sleep(0.03)
            meter.sample()
        trial.done()
        meter.sample()
        assert last(rows) == near(trial.used)
    trial.kill()


def test_a_trial_that_is_killed_while_it_works(meter, rows):
    trial = Trial(meter, "burn(60)")
    trial.go_on()
    for _ in range(4):
        time.sleep(0.1)
        meter.sample()
    truth = trial.kill()
    meter.sample()
    assert last(rows) == near(truth)
    assert rows[-1].details["trials_ns"] * 1e-9 == near(truth - trial.used)


def test_two_trials_and_an_actor_do_not_share(meter, rows, actors):
    """The actor is no child of its trial, as in Ray, whose raylet starts all workers."""
    first, second = Trial(meter, OWN, "a"), Trial(meter, "burn(0.2)\nsay()", "b")
    code = TRIAL + "burn(0.3)\nsay()"
    actor = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    begun = float(actor.stdout.readline())
    actors[first.process.pid] = ActorsOf(pids=frozenset({actor.pid}))
    meter.sample()
    opened = ProcessCounters().read()
    meter.window_opened("s", first.key, opened, "training")
    for trial in (first, second):
        trial.go_on()
    actor.stdin.write("\n")
    actor.stdin.flush()
    used = float(actor.stdout.readline()) - begun
    for trial in (first, second):
        trial.done()
    assert meter.observe("s", first.key, opened.monotonic_ns).actors_cpu_ns * 1e-9 == near(used)
    assert meter.observe("s", second.key, opened.monotonic_ns).actors_cpu_ns == 0
    meter.sample()
    assert last(rows, first.key) == near(first.used)
    assert last(rows, second.key) == near(second.used)
    actor.communicate("\n")
    first.kill()
    second.kill()
