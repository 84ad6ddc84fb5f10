from __future__ import annotations

import pytest

from joulefront.energy.ownership import OTHER, PLATFORM, Instance, Owner, Ownership
from joulefront.energy.processes import PER_SECOND, ProcessStat, Snapshot

TRIAL = Owner("trial", "s", Instance(30, 30))
SEARCH = Owner("search", "s")
RAYLET = "/lib/python3.11/site-packages/ray/core/src/ray/raylet/raylet"


class Machine:
    """Processes that started at the tick of their pid, and their command lines."""

    def __init__(self, session=""):
        self.processes = {1: ProcessStat(0, 1, 0, 0, "init")}
        self.lines = {}
        self.asked = []
        self.ownership = Ownership(self.arguments, session)

    def arguments(self, pid):
        self.asked.append(pid)
        return self.lines.get(pid, ())

    def start(self, pid, parent=1, *arguments, name="x"):
        self.processes[pid] = ProcessStat(parent, pid, 0, 0, name)
        self.lines[pid] = arguments

    def owners(self, begun=10 * PER_SECOND):
        return self.ownership.owners(Snapshot(begun=begun, processes=self.processes))


@pytest.fixture
def machine():
    return Machine()


def test_children_belong_to_whom_their_parent_belongs_to(machine):
    machine.start(10, 1, "study", "launch")
    machine.start(11, 10, "git", "rev-parse")
    machine.start(30, 1, "ray::train")
    machine.start(40, 30, "ray::train")  # forked: a DataLoader's worker
    machine.start(41, 40, "sh")
    machine.start(50, 1, "firefox")
    machine.ownership.register(Instance(10, 10), SEARCH)
    machine.ownership.register(Instance(30, 30), TRIAL)
    expected = {1: OTHER, 10: SEARCH, 11: SEARCH, 30: TRIAL, 40: TRIAL, 41: TRIAL, 50: OTHER}
    assert machine.owners() == expected


@pytest.mark.parametrize(
    "arguments",
    [
        (RAYLET, "--raylet_socket_name=x"),
        ("python", "-u", "/x/site-packages/ray/_private/log_monitor.py"),
        ("python", "/x/ray/dashboard/agent.py"),
        ("python", "/x/ray/autoscaler/_private/monitor.py"),
        ("ray::IDLE", "", ""),
    ],
)
def test_ray_is_the_platform_even_below_a_driver(machine, arguments):
    machine.start(10, 1, "study", "launch")
    machine.start(20, 10, *arguments)
    machine.start(21, 20, "helper")
    machine.ownership.register(Instance(10, 10), SEARCH)
    owners = machine.owners()
    assert (owners[20], owners[21]) == (PLATFORM, PLATFORM)


def test_a_trial_below_ray_below_its_driver(machine):
    machine.start(10, 1, "study")
    machine.start(20, 10, RAYLET)
    machine.start(30, 20, "ray::train")
    machine.ownership.register(Instance(10, 10), SEARCH)
    machine.ownership.register(Instance(30, 30), TRIAL)
    assert machine.owners()[30] == TRIAL


def test_an_actor_belongs_to_the_trial_that_created_it_as_long_as_it_lives(machine):
    machine.start(20, 1, RAYLET)
    machine.start(30, 20, "ray::train")
    machine.start(60, 20, "ray::Actor")
    machine.ownership.register(Instance(30, 30), TRIAL)
    machine.ownership.adopt(Instance(60, 60), Instance(30, 30))
    machine.ownership.adopt(Instance(61, 61), Instance(31, 31))  # of nobody who is registered
    assert machine.owners()[60] == Owner("actor", "s", Instance(30, 30))
    del machine.processes[30]
    assert machine.owners()[60] == Owner("actor", "s", Instance(30, 30))
    machine.processes[60] = machine.processes[60]._replace(started=99)
    assert machine.owners()[60] == PLATFORM


def test_a_trial_that_is_an_actor_of_another_process_stays_a_trial(machine):
    machine.start(30)
    machine.start(31)
    other = Owner("trial", "s", Instance(31, 31))
    machine.ownership.register(Instance(30, 30), TRIAL)
    machine.ownership.register(Instance(31, 31), other)
    machine.ownership.adopt(Instance(31, 31), Instance(30, 30))
    assert machine.owners()[31] == other


def test_a_reused_pid_is_not_registered(machine):
    machine.start(30)
    machine.ownership.register(Instance(30, 29), TRIAL)
    assert machine.owners()[30] == OTHER


def test_command_lines_are_read_once_a_program(machine):
    machine.start(20, 1, "sh", name="sh")
    machine.owners()
    machine.owners()
    assert machine.asked.count(20) == 1
    machine.start(20, 1, RAYLET, name="raylet")  # it has begun another program
    assert machine.owners()[20] == PLATFORM


def test_a_process_that_has_just_begun_is_asked_again(machine):
    machine.start(20)
    assert machine.owners(begun=21)[20] == OTHER
    machine.start(20, 1, RAYLET)
    assert machine.owners(begun=22)[20] == PLATFORM


def test_parents_in_a_circle_are_nobody_s(machine):
    machine.processes |= {
        5: ProcessStat(6, 5, 0, 0, ""),
        6: ProcessStat(5, 6, 0, 0, ""),
    }
    assert machine.owners()[5] == OTHER


def test_another_ray_of_the_host_is_a_stranger():
    machine = Machine("session_2026_1")
    for pid, session in ((20, "session_2026_1"), (21, "session_2026_2")):
        machine.start(pid, 1, RAYLET, f"--session-name={session}")
        machine.start(pid + 10, pid, "ray::IDLE")
    owners = machine.owners()
    assert [owners[pid] for pid in (20, 30, 21, 31)] == [PLATFORM, PLATFORM, OTHER, OTHER]
