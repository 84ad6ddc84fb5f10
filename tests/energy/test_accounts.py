"""The arithmetic of accounts against a slow obvious kernel that knows who used what."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from joulefront.energy.accounts import Accounts
from joulefront.energy.processes import ProcessStat, Snapshot

INIT = 1


@dataclass
class Task:
    parent: int
    started: int
    account: str
    subreaper: bool = False
    ignores_children: bool = False
    own: int = 0
    reaped: int = 0


class Kernel:
    """Processes that run, fork, die, are waited for, and whose numbers are used again."""

    def __init__(self):
        self.now = 0
        self.tasks = {INIT: Task(0, 0, "other", subreaper=True)}
        self.truth = {}
        self.unseen = {}  # used since the last snapshot, by process
        self.invisible = 0  # what nobody was told of

    def pick(self, number):
        return sorted(self.tasks)[number % len(self.tasks)]

    def fork(self, parent, number, *, account=None, **options):
        self.now += 1
        pid = 2 + number % 12
        while pid in self.tasks:
            pid += 1
        account = account or self.tasks[parent].account
        self.tasks[pid] = Task(parent, self.now, account, **options)
        return pid

    def run(self, pid, amount):
        task = self.tasks[pid]
        task.own += amount
        self.truth[task.account] = self.truth.get(task.account, 0) + amount
        self.unseen[pid] = self.unseen.get(pid, 0) + amount

    def end(self, pid):
        if pid == INIT:
            return
        self.now += 1
        task = self.tasks.pop(pid)
        reaper = task.parent
        while reaper != INIT and not self.tasks[reaper].subreaper:
            reaper = self.tasks[reaper].parent
        for child in self.tasks.values():
            if child.parent == pid:
                child.parent = reaper
        parent = self.tasks[task.parent]
        tail = self.unseen.pop(pid, 0)
        if parent.ignores_children:
            self.invisible += tail
        else:
            parent.reaped += task.own + task.reaped
            self.unseen[task.parent] = self.unseen.get(task.parent, 0) + tail

    def snapshot(self):
        self.now += 1
        self.unseen = {}
        return self.as_it_stands()

    def as_it_stands(self):
        processes = {
            pid: ProcessStat(task.parent, task.started, task.own, task.reaped, "")
            for pid, task in self.tasks.items()
        }
        return Snapshot(begun=self.now, processes=processes)

    def owners(self):
        return {pid: task.account for pid, task in self.tasks.items()}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["fork", "run", "run", "end", "look"]),
        st.integers(0, 30),
        st.integers(0, 30),
    ),
    max_size=60,
)


def play(kernel, accounts, steps, **options):
    """Do the steps; at each look, say what the accounts hold and what was truly used."""
    accounts.add(kernel.snapshot(), kernel.owners())
    kernel.truth, kernel.invisible = {}, 0
    for step, who, number in [*steps, ("look", 0, 0)]:
        pid = kernel.pick(who)
        if step == "fork":
            new = {"account": "abc"[number % 3]} if pid == INIT else {}
            flags = {name: number % 5 == 0 for name in options}
            kernel.fork(pid, number, **new, **flags)
        elif step == "run":
            kernel.run(pid, number)
        elif step == "end":
            kernel.end(pid)
        else:
            before = sum(accounts.totals_ns.values())
            accounts.add(kernel.snapshot(), kernel.owners())
            assert sum(accounts.totals_ns.values()) >= before
            yield sum(accounts.totals_ns.values()), sum(kernel.truth.values())


def grown(steps):
    """A kernel on which some things have happened before anybody looked."""
    kernel = Kernel()
    for _ in play(kernel, Accounts(), steps):
        pass
    return kernel


@settings(max_examples=300)
@given(STEPS, STEPS)
def test_every_tick_is_counted_once(past, steps):
    for counted, used in play(grown(past), Accounts(), steps):
        assert counted == used


@settings(max_examples=300)
@given(STEPS, STEPS)
def test_orphans_that_a_subreaper_takes_are_counted_once(past, steps):
    for counted, used in play(grown(past), Accounts(), steps, subreaper=True):
        assert counted == used


@settings(max_examples=300)
@given(STEPS)
def test_what_nobody_tells_of_is_lost_and_nothing_is_counted_twice(steps):
    kernel, accounts = Kernel(), Accounts()
    seen = 0
    for counted, used in play(kernel, accounts, steps, ignores_children=True):
        assert seen <= counted <= used
        seen = counted


@given(STEPS)
def test_accounts_of_flat_trees_are_exact(steps):
    """Without orphans each account is right by itself, not only their sum."""
    kernel, accounts = Kernel(), Accounts()
    roots = [kernel.fork(INIT, number, account=name) for number, name in enumerate("abc")]
    accounts.add(kernel.snapshot(), kernel.owners())
    for step, who, number in [*steps, ("look", 0, 0)]:
        root = roots[who % 3]
        children = sorted(pid for pid, task in kernel.tasks.items() if task.parent == root)
        if step == "fork":
            kernel.run(kernel.fork(root, number), number)
        elif step == "run":
            kernel.run([root, *children][number % (1 + len(children))], number)
        elif step == "end" and children:
            kernel.end(children[number % len(children)])
        elif step == "look":
            accounts.add(kernel.snapshot(), kernel.owners())
            assert {a: ns for a, ns in accounts.totals_ns.items() if ns} == {
                a: ns for a, ns in kernel.truth.items() if ns
            }


def test_reaped_time_that_is_read_before_the_child_ends_is_counted_once():
    kernel, accounts = Kernel(), Accounts()
    parent = kernel.fork(INIT, 0, account="a")
    child = kernel.fork(parent, 1)
    accounts.add(kernel.snapshot(), kernel.owners())
    kernel.run(child, 50)
    accounts.add(kernel.snapshot(), kernel.owners())
    torn = dict(kernel.snapshot().processes)
    del torn[child]
    accounts.add(Snapshot(begun=kernel.now, processes=torn), kernel.owners())
    kernel.run(child, 3)
    kernel.end(child)
    accounts.add(kernel.snapshot(), kernel.owners())
    assert accounts.totals_ns["a"] == 53


def test_the_end_of_a_process_goes_to_its_own_account():
    kernel, accounts = Kernel(), Accounts()
    ray = kernel.fork(INIT, 0, account="platform")
    trial = kernel.fork(ray, 1, account="trial")
    accounts.add(kernel.snapshot(), kernel.owners())
    kernel.run(trial, 40)
    accounts.add(kernel.snapshot(), kernel.owners())
    kernel.run(trial, 5)
    kernel.end(trial)
    accounts.add(kernel.snapshot(), kernel.owners())
    assert accounts.totals_ns == {"trial": 45}


def test_an_ended_process_that_nobody_waited_for_takes_no_stranger_s_end():
    kernel, accounts = Kernel(), Accounts()
    ray = kernel.fork(INIT, 0, account="platform", ignores_children=True)
    trial = kernel.fork(ray, 1, account="trial")
    accounts.add(kernel.snapshot(), kernel.owners())
    stranger = kernel.fork(INIT, 2)
    kernel.run(stranger, 70)
    kernel.end(stranger)
    kernel.end(trial)
    accounts.add(kernel.snapshot(), kernel.owners())
    assert accounts.totals_ns == {"other": 70}


def test_a_pid_that_was_used_again_is_another_process():
    kernel, accounts = Kernel(), Accounts()
    first = kernel.fork(INIT, 5, account="a")
    kernel.run(first, 100)
    accounts.add(kernel.snapshot(), kernel.owners())
    kernel.end(first)
    second = kernel.fork(INIT, 5, account="b")
    assert second == first
    kernel.run(second, 7)
    accounts.add(kernel.snapshot(), kernel.owners())
    assert accounts.totals_ns == {"b": 7}


def test_what_was_there_first_is_where_counting_begins():
    kernel, accounts = Kernel(), Accounts()
    kernel.run(kernel.fork(INIT, 0, account="a"), 100)
    accounts.add(kernel.snapshot(), kernel.owners())
    assert sum(accounts.totals_ns.values()) == 0


# Mutants: arithmetic that is blind or counts twice must fail the comparison above.


class BlindToReaped(Accounts):
    def _settle(self, ended, rises, owners, last):
        return []


class CountsReapedTwice(Accounts):
    def _ended(self, last, now):
        return iter(())


SUBPROCESS = [("fork", 0, 0), ("run", 1, 9), ("look", 0, 0), ("run", 1, 4), ("end", 1, 0)]


def test_the_comparison_catches_blind_and_double_counting_accounts():
    for mutant, expected in ((BlindToReaped, 9), (CountsReapedTwice, 9 + 13)):
        *_, (counted, used) = play(Kernel(), mutant(), SUBPROCESS)
        assert (counted, used) == (expected, 13)
