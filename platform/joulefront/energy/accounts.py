"""CPU time by account, from snapshots of all processes: every tick once, whoever has told of it.

Between two snapshots an account gets what its live processes' own clocks rose by, and all of a
process that has started since. A process that has ended is told by the reaped time of the one that
waited for it, which rises by all that the child ever used: what had been counted of the child is
taken off, and the rest, which it used after it was last seen, goes to the child's account.

What nobody can see: the end of a process that nobody waits for, such as a Ray worker (its raylet
ignores SIGCHLD). Not atomic: a child that is waited for between its own line of a snapshot and its
parent's counts twice, which takes a parent with a higher pid.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping
from typing import Generic, NamedTuple, TypeVar

from joulefront.energy.processes import ProcessStat, Snapshot

Account = TypeVar("Account", bound=Hashable)


class _Ended(NamedTuple, Generic[Account]):
    """A process that is gone, and that its parent, or one further up, is about to tell of."""

    parent: int
    counted_ns: int
    account: Account


class Accounts(Generic[Account]):
    """Sums by account since the first snapshot.

    Attributes:
        totals_ns: What each account has used; never falls.
        last: The snapshot that they are true for; None before the first.
    """

    def __init__(self) -> None:
        self.totals_ns: defaultdict[Account, int] = defaultdict(int)
        self.last: Snapshot | None = None
        self._owners: Mapping[int, Account] = {}
        self._untold: list[_Ended[Account]] = []

    def add(self, snapshot: Snapshot, owners: Mapping[int, Account]) -> None:
        """Count what was used since the last snapshot.

        Args:
            snapshot: Of now.
            owners: The account of each process in it, which gets what it used since the last.
        """
        if self.last is not None:
            ended = [*self._untold, *self._ended(self.last.processes, snapshot.processes)]
            rises = self._follow(self.last, snapshot, owners)
            self._untold = self._settle(ended, rises, owners, self.last.processes)
        self.last, self._owners = snapshot, owners

    def _follow(
        self, last: Snapshot, now: Snapshot, owners: Mapping[int, Account]
    ) -> dict[int, int]:
        """Count live processes; return by what the reaped time of each has risen."""
        rises = {}
        for pid, process in now.processes.items():
            before = last.processes.get(pid)
            if before is not None and before.started == process.started:
                if process.own_ns > before.own_ns:
                    self.totals_ns[owners[pid]] += process.own_ns - before.own_ns
                if process.reaped_ns > before.reaped_ns:
                    rises[pid] = process.reaped_ns - before.reaped_ns
            elif process.started >= last.begun:
                self.totals_ns[owners[pid]] += process.own_ns + process.reaped_ns
        return rises

    def _ended(
        self, last: Mapping[int, ProcessStat], now: Mapping[int, ProcessStat]
    ) -> Iterator[_Ended[Account]]:
        for pid, process in last.items():
            present = now.get(pid)
            if present is None or present.started != process.started:
                counted_ns = process.own_ns + process.reaped_ns
                yield _Ended(process.parent, counted_ns, self._owners[pid])

    def _settle(
        self,
        ended: list[_Ended[Account]],
        rises: dict[int, int],
        owners: Mapping[int, Account],
        last: Mapping[int, ProcessStat],
    ) -> list[_Ended[Account]]:
        """Take off the reaped time of live processes what had been counted of those that ended.

        Whoever waited is an ancestor: the parent, or the first one that outlives it. Reaped time
        that is read just before a child ends tells of it one snapshot later.

        Returns:
            Those that ended just now and that have not been told of in full.
        """
        heirs = {}
        untold = []
        for index, child in enumerate(ended):
            left_ns = child.counted_ns
            living = [pid for pid in _upwards(last, child.parent) if pid in owners]
            for pid in living:
                if pid in rises and (left_ns or pid == living[0]):
                    told_ns = min(left_ns, rises[pid])
                    rises[pid] -= told_ns
                    left_ns -= told_ns
                    if pid == living[0]:
                        heirs[pid] = child.account
            if left_ns and living and index >= len(self._untold):
                untold.append(_Ended(living[0], left_ns, child.account))
        for pid, rest_ns in rises.items():
            if rest_ns:
                self.totals_ns[heirs.get(pid, owners[pid])] += rest_ns
        return untold


def _upwards(processes: Mapping[int, ProcessStat], pid: int) -> Iterator[int]:
    """Yield a process and its ancestors; a parent younger than its child is a reused pid."""
    youngest: float = float("inf")
    while (process := processes.get(pid)) is not None and process.started <= youngest:
        yield pid
        pid, youngest = process.parent, process.started
