from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from joulefront.energy import ProcessCounters
from joulefront.energy.process_tree import TICK_NS
from joulefront.energy.processes import ProcessStat, ProcTable, PsutilTable, Snapshot, process_table

BURN = "import time\nwhile time.process_time() < 0.15: pass\n"
STAT = (
    "{pid} ({name}) S {parent} 1 1 0 -1 4194304 99 0 0 0 {user} {system} {cuser} {csystem} "
    "20 0 1 0 {started} 3133440 380 18446744073709551615 94750139011072\n"
)


@pytest.fixture
def proc(tmp_path):
    def write(pid, parent=1, *, name="python", started=50, times=(1, 2, 3, 4), arguments=()):
        (tmp_path / str(pid)).mkdir(exist_ok=True)
        names = dict(zip(("user", "system", "cuser", "csystem"), times, strict=True))
        text = STAT.format(pid=pid, name=name, parent=parent, started=started, **names)
        (tmp_path / str(pid) / "stat").write_text(text)
        (tmp_path / str(pid) / "cmdline").write_text("\0".join(arguments))

    write.root = str(tmp_path)
    return write


def test_all_processes_in_one_pass(proc, tmp_path):
    proc(1, 0, name="init")
    proc(20, name="tmux: (a b) ", times=(10, 20, 30, 40), started=77)
    (tmp_path / "21").mkdir()  # has just ended
    (tmp_path / "meminfo").write_text("")
    table = ProcTable(proc.root)
    snapshot = table.snapshot()
    assert snapshot.processes[20] == ProcessStat(1, 77, 30 * TICK_NS, 70 * TICK_NS, "tmux: (a b) ")
    assert snapshot.processes.keys() == {1, 20}
    assert (table.started(20), table.started(21), table.started(22)) == (77, None, None)


def test_command_lines(proc):
    proc(20, arguments=("python", "-m", "train"))
    table = ProcTable(proc.root)
    assert list(table.arguments(20)) == ["python", "-m", "train"]
    assert list(table.arguments(21)) == []


def test_a_tree_is_a_process_and_all_below_it(proc):
    for pid, parent in ((1, 0), (20, 1), (30, 20), (40, 30), (50, 1)):
        proc(pid, parent)
    snapshot = ProcTable(proc.root).snapshot()
    assert sorted(snapshot.tree(20)) == [20, 30, 40]
    assert snapshot.tree_ns(20) == 3 * 10 * TICK_NS
    assert (snapshot.tree(99), snapshot.tree_ns(99)) == ([], 0)


def test_a_circle_that_reused_pids_make_ends():
    processes = {2: ProcessStat(3, 1, 0, 0, ""), 3: ProcessStat(2, 1, 0, 0, "")}
    assert sorted(Snapshot(begun=0, processes=processes).tree(2)) == [2, 3]


@pytest.fixture(params=[ProcTable, PsutilTable])
def table(request):
    if request.param is ProcTable and not os.path.exists("/proc/self/stat"):
        pytest.skip("no /proc here")
    return request.param()


def test_a_live_tree_is_what_the_process_itself_reads(table):
    counters = ProcessCounters()
    earlier = counters.read().cpu_ns - table.snapshot().tree_ns(os.getpid())  # other tests' doing
    reaped = subprocess.run([sys.executable, "-c", BURN])
    child = subprocess.Popen(
        [sys.executable, "-c", BURN + "print(1, flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    child.stdout.readline()
    before = counters.read().cpu_ns
    seen = table.snapshot().tree_ns(os.getpid()) + earlier
    after = counters.read().cpu_ns
    child.communicate(b"\n")
    assert reaped.returncode == 0
    assert before - 6 * TICK_NS <= seen <= after + 2 * TICK_NS


def test_a_process_is_known_by_its_start(table):
    begun = table.snapshot().begun
    time.sleep(0.02)
    child = subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE)
    started = table.started(child.pid)
    assert started >= begun
    assert table.snapshot().processes[child.pid].started == started
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert table.started(child.pid) is None


def test_its_own_command_line(table):
    assert table.arguments(os.getpid())[0] == psutil.Process().cmdline()[0]


def test_this_host_has_a_table():
    assert os.getpid() in process_table().snapshot().processes
