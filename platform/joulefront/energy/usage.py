"""Who has used how much of the host's CPU time: the accounts of all studies, kept up to date.

It joins what the processes are (`processes.py`), whom they work for (`ownership.py`) and how their
times add up (`accounts.py`). It knows neither rows nor windows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from joulefront.energy.accounts import Accounts
from joulefront.energy.following import Followed, Mark
from joulefront.energy.ownership import PLATFORM, Instance, Owner, Ownership
from joulefront.energy.processes import ProcessTable, Snapshot


class Usage:
    """CPU time of everything on the host since the first look.

    Args:
        table: The host's processes.
        clock: The monotonic clock, in ns.
        session: Name of the Ray session that is the platform's.

    Attributes:
        looked_ns: When the processes were last looked at.
    """

    def __init__(self, table: ProcessTable, clock: Callable[[], int], session: str) -> None:
        self._table = table
        self._clock = clock
        self._accounts: Accounts[Owner] = Accounts()
        self._ownership = Ownership(table.arguments, session)
        self.looked_ns = 0

    @property
    def _last(self) -> Snapshot:
        return self._accounts.last or Snapshot(begun=0, processes={})

    def look(self, followed: Iterable[Followed]) -> None:
        """Look at all processes, and count what they have used since the last look."""
        snapshot = self._table.snapshot()
        self.looked_ns = self._clock()
        for creator in followed:
            for pid in creator.actors & snapshot.processes.keys():
                actor = Instance(pid, snapshot.processes[pid].started)
                self._ownership.adopt(actor, creator.instance)
        self._accounts.add(snapshot, self._ownership.owners(snapshot))

    def follow(self, followed: Followed) -> None:
        """Count a process for its registration from the last look on."""
        totals = self._accounts.totals_ns
        tree_ns = self._last.tree_ns(followed.instance.pid) if self.is_alive(followed) else 0
        followed.base_ns = tree_ns - totals[followed.owner]
        followed.actors_base_ns = totals[followed.actors_owner]
        self._ownership.register(followed.instance, followed.owner)

    def is_alive(self, followed: Followed) -> bool:
        """Tell whether a process was there at the last look."""
        return self._is_there(followed.instance)

    def tree(self, followed: Followed) -> list[int]:
        """Return the pids of a process and its descendants at the last look."""
        return self._last.tree(followed.instance.pid) if self.is_alive(followed) else []

    def tree_ns(self, followed: Followed) -> int:
        """Return what a process and its descendants have used, as `Reading.cpu_ns` counts it."""
        return followed.base_ns + self._accounts.totals_ns[followed.owner]

    def mark(self, followed: Followed) -> Mark:
        """Return what is known of a process's actors and of strangers to its study."""
        actors_ns = self._accounts.totals_ns[followed.actors_owner] - followed.actors_base_ns
        return Mark(self.looked_ns, actors_ns, self.foreign_ns(followed.registration.study))

    def study_ns(self, study: str, *kinds: str) -> int:
        """Return what owners of some kinds have used for a study."""
        totals = self._accounts.totals_ns.items()
        return sum(ns for owner, ns in totals if owner.study == study and owner.kind in kinds)

    def platform_ns(self) -> int:
        """Return what Ray has used."""
        return self._accounts.totals_ns[PLATFORM]

    def foreign_ns(self, study: str) -> int:
        """Return what has been used by neither a study nor Ray."""
        totals = self._accounts.totals_ns.items()
        return sum(ns for owner, ns in totals if owner.study != study and owner != PLATFORM)

    def merge_ended(self, followed: Iterable[Followed]) -> None:
        """Put what ended processes have used into one account a study."""
        kept = {one.instance for one in followed}
        totals = self._accounts.totals_ns
        for owner in [*totals]:
            process = owner.process
            if process and process not in kept and not self._is_there(process):
                totals[owner._replace(process=None)] += totals.pop(owner)

    def _is_there(self, process: Instance) -> bool:
        found = self._last.processes.get(process.pid)
        return found is not None and found.started == process.started
