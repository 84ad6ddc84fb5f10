"""Completeness of the CPU counter: every process of a trial counts, once.

Every scenario burns a known CPU time somewhere in the tree and compares what the counter went up
by. The last tests show that counters which are blind somewhere fail the same comparison.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time

import pytest

from joulefront.energy import ProcessCounters, counters, process_tree

BURN = "import time\nwhile time.process_time() < {seconds}: pass\n"
SECONDS = 0.15  # of CPU time, interpreter start included
TOLERANCE = 0.05  # ticks of reaped grandchildren, and the test's own work


@pytest.fixture(params=["proc", "psutil"])
def make_counters(request, monkeypatch):
    if request.param == "psutil":
        monkeypatch.setattr(process_tree, "PROC", "/no/such/proc")
        assert not process_tree.has_proc()
    elif not process_tree.has_proc():
        pytest.skip("no /proc here")
    return ProcessCounters


def cpu_seconds(reading):
    return reading.cpu_ns * 1e-9


def spending(meter):
    """What the counter goes up by from now on, without the test's own work."""

    def others():
        return cpu_seconds(meter.read()) - time.process_time()

    before = others()
    return lambda: others() - before


def burn_here(seconds=SECONDS):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def burning_child(then=""):
    """Start a child that says when it has burnt its CPU time, and ends when told to."""
    code = BURN.format(seconds=SECONDS) + then + "print('burnt', flush=True); input()"
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout.readline() == b"burnt\n"
    return child


def end(child):
    child.communicate(b"\n")
    assert child.returncode == 0


def check_child_counts(meter):
    """The completeness check: a child counts while it lives, and once after it was reaped."""
    spent_since = spending(meter)
    child = burning_child()
    live = spent_since()
    end(child)
    reaped = spent_since()
    assert live == pytest.approx(SECONDS, abs=TOLERANCE), "while it lives"
    assert reaped == pytest.approx(SECONDS, abs=TOLERANCE), "after it was reaped"


def test_a_child_counts_while_it_lives_and_once_after(make_counters):
    check_child_counts(make_counters())


def test_a_child_that_came_and_went_between_two_readings_counts(make_counters):
    meter = make_counters()
    spent_since = spending(meter)
    end(burning_child())
    spent = spent_since()
    assert spent == pytest.approx(SECONDS, abs=TOLERANCE)


def test_a_zombie_counts(make_counters):
    meter = make_counters()
    spent_since = spending(meter)
    child = burning_child()
    child.stdin.close()  # input() then fails, and nobody waits for the child
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    spent = spent_since()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    child.stdout.close()
    assert spent == pytest.approx(used.ru_utime + used.ru_stime, abs=TOLERANCE)
    assert spent >= SECONDS - TOLERANCE  # what its traceback costs comes on top


def test_a_thread_counts_while_it_lives_and_after(make_counters):
    meter = make_counters()
    before = cpu_seconds(meter.read())
    burnt, go_on = threading.Event(), threading.Event()

    def work():
        burn_here()
        burnt.set()
        go_on.wait()

    thread = threading.Thread(target=work)
    thread.start()
    burnt.wait()
    live = cpu_seconds(meter.read()) - before
    go_on.set()
    thread.join()
    ended = cpu_seconds(meter.read()) - before
    assert live == pytest.approx(SECONDS, abs=TOLERANCE)
    assert live <= ended <= live + TOLERANCE


def test_a_child_of_another_thread_counts(make_counters):
    meter = make_counters()
    spent_since = spending(meter)
    children = []
    started, go_on = threading.Event(), threading.Event()

    def work():
        children.append(burning_child())
        started.set()
        go_on.wait()

    thread = threading.Thread(target=work)
    thread.start()
    started.wait()
    spent = spent_since()
    go_on.set()
    thread.join()
    end(children[0])
    assert spent == pytest.approx(SECONDS, abs=TOLERANCE)


GRANDCHILD = f"""
import subprocess, sys
grandchild = subprocess.Popen(
    [sys.executable, "-c", {BURN.format(seconds=SECONDS) + "print(1, flush=True); input()"!r}],
    stdin=subprocess.PIPE, stdout=subprocess.PIPE)
grandchild.stdout.readline()
print("grandchild", flush=True)
input()
grandchild.communicate(b"\\n")
"""


def test_a_grandchild_counts_live_reaped_by_the_child_and_reaped_with_it(make_counters):
    meter = make_counters()
    spent_since = spending(meter)
    child = subprocess.Popen(
        [sys.executable, "-c", GRANDCHILD + "print('burnt', flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdout.readline() == b"grandchild\n"
    spent = [spent_since()]
    child.stdin.write(b"\n")
    child.stdin.flush()
    assert child.stdout.readline() == b"burnt\n"
    spent.append(spent_since())
    end(child)
    spent.append(spent_since())
    start_of_child = 0.1  # an interpreter that imports subprocess
    assert all(SECONDS - TOLERANCE <= s <= SECONDS + start_of_child for s in spent), spent
    assert max(spent) - min(spent) <= TOLERANCE, spent


def test_readings_never_fall_while_children_come_and_go(make_counters):
    meter = make_counters()
    spent_since = spending(meter)
    readings = []
    children = [
        subprocess.Popen([sys.executable, "-S", "-c", BURN.format(seconds=0.03 * (1 + i % 3))])
        for i in range(6)
    ]
    while any(child.poll() is None for child in children):
        readings.append(meter.read().cpu_ns)
    spent = spent_since()
    readings.append(meter.read().cpu_ns)
    assert readings == sorted(readings)
    assert spent == pytest.approx(0.03 * 12, abs=0.12)


def test_what_left_the_tree_stays_counted_and_hides_nothing(make_counters):
    meter = make_counters()
    spent_since = spending(meter)
    orphan_code = BURN.format(seconds=SECONDS) + "print(1, flush=True); input()"
    code = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {orphan_code!r}])\n"
        "import os, time; time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert parent.stdout.readline() == b"1\n"
    seen = spent_since()
    parent.kill()  # its child goes to the system's init, or to a subreaper above us
    parent.wait()
    left = spent_since()
    burn_here(0.1)
    after = spent_since()
    parent.stdin.close()
    parent.stdout.close()
    assert seen >= SECONDS - TOLERANCE
    assert seen - TOLERANCE <= left <= seen + TOLERANCE
    assert after == pytest.approx(left, abs=TOLERANCE)


def test_memory_holds_the_children_s_own():
    meter = ProcessCounters()
    before = meter.read().memory_bytes
    child = burning_child(then="block = bytearray(80_000_000)\n")
    grown = meter.read().memory_bytes - before
    end(child)
    assert before > 5_000_000
    assert 75_000_000 < grown < 200_000_000


def test_time_goes_on():
    meter = ProcessCounters()
    assert meter.read().monotonic_ns < meter.read().monotonic_ns


def test_reading_reaps_nothing_and_leaves_signals_alone():
    handler = signal.getsignal(signal.SIGCHLD)
    child = subprocess.Popen([sys.executable, "-S", "-c", "raise SystemExit(7)"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    ProcessCounters().read()
    assert child.wait() == 7
    assert signal.getsignal(signal.SIGCHLD) is handler


def test_a_read_without_children_lists_nothing(monkeypatch):
    def refuse(pid):
        raise AssertionError("a file a thread was opened")

    meter = ProcessCounters()
    if process_tree._has_children():
        pytest.skip("an earlier test's helper process still lives")
    monkeypatch.setattr(process_tree, "_children", refuse)
    meter.read()


OWN, CHILD = 1, 2
MS = 10**6


def tree(own: int, *, reaped: int = 0, child: int | None = None, settled: bool = True):
    """Times in ms of a process, of what it has reaped, and of a child that lives."""
    there = {} if child is None else {CHILD: child * MS}
    return process_tree.TreeUsage(
        clocks_ns={OWN: own * MS} | there,
        reaped_ns={OWN: reaped * MS} | dict.fromkeys(there, 0),
        memory_bytes=1,
        settled=settled,
        resolution_ns=20 * MS,
    )


def readings_of(monkeypatch, *snapshots) -> list[int]:
    waiting = list(snapshots)
    monkeypatch.setattr(counters, "read_proc", lambda: waiting.pop(0))
    monkeypatch.setattr(counters, "has_proc", lambda: True)
    meter, found = ProcessCounters(), []
    while waiting:
        found.append(meter.read().cpu_ns // MS)
    return found


def test_a_race_with_reaping_is_read_again(monkeypatch):
    missed = tree(50, settled=False)
    assert readings_of(
        monkeypatch,
        tree(40, child=60),
        missed,
        tree(50, reaped=65),
        *[tree(60, reaped=65, settled=False)] * 5,
        tree(70, reaped=65),
    ) == [100, 115, 125, 135]


def test_a_child_reaped_while_the_tree_was_read_is_not_counted_again(monkeypatch):
    missed = [tree(50, settled=False)] * 5
    assert readings_of(
        monkeypatch, tree(40, child=60), *missed, tree(50, reaped=65), tree(50, reaped=65)
    ) == [100, 110, 115, 115]


def test_what_left_the_tree_hides_nothing_of_what_stayed(monkeypatch):
    assert readings_of(monkeypatch, tree(40, child=60), tree(75), tree(80, reaped=30)) == [
        100,
        135,
        170,
    ]


def test_ticks_that_lag_behind_are_not_counted_when_they_come(monkeypatch):
    assert readings_of(
        monkeypatch, tree(40, child=65), tree(40, reaped=60), tree(40, reaped=70)
    ) == [105, 105, 110]


# Mutants: blind counters must fail the completeness check.


def own_usage(cpu_ns):
    return process_tree.TreeUsage(
        clocks_ns={OWN: cpu_ns}, reaped_ns={OWN: 0}, memory_bytes=0, settled=True, resolution_ns=0
    )


def blind_to_children():
    return own_usage(time.process_time_ns())


def blind_to_live_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    reaped_ns = round((usage.ru_utime + usage.ru_stime) * 1e9)
    return own_usage(time.process_time_ns() + reaped_ns)


def blind_to_reaped_children():
    own = os.getpid()
    live = sum(process_tree._clock_ns(pid) for pid in process_tree._children(own))
    return own_usage(time.process_time_ns() + live)


@pytest.mark.parametrize(
    ("mutant", "where"),
    [(blind_to_children, "while it lives"), (blind_to_live_children, "while it lives")],
)
def test_completeness_check_catches_blind_counters(mutant, where):
    meter = ProcessCounters()
    meter._read_tree = mutant
    with pytest.raises(AssertionError, match=where):
        check_child_counts(meter)


def test_a_counter_blind_to_reaped_children_fails_between_two_readings():
    meter = ProcessCounters()
    meter._read_tree = blind_to_reaped_children
    spent_since = spending(meter)
    end(burning_child())
    spent = spent_since()
    assert spent != pytest.approx(SECONDS, abs=TOLERANCE)
