"""A registered process as the host's meter follows it: marks and memory since it began.

It holds what the meter tells it, and reads nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from joulefront.energy.ledger import Registration
from joulefront.energy.ownership import Instance, Owner

_MEMORY_PERIOD_NS = 15_000_000_000


class Mark(NamedTuple):
    """What was known of a process at the snapshot before some moment."""

    sampled_ns: int  # monotonic time of the snapshot
    actors_ns: int  # CPU time of its actors since it was registered
    foreign_ns: int  # CPU time of strangers


@dataclass(slots=True, kw_only=True)
class Followed:
    """One open registration.

    Attributes:
        registration: What the process said.
        base_ns: What its tree had used when it was registered, less what its account had.
        actors_base_ns: What the account of its actors had.
        actors: Pids of those that it has created on this host, as last asked.
        actors_elsewhere: How many it has on other hosts.
        marks: By the monotonic time at which a window was opened; the first is the call's.
        memory: (monotonic time, proportional memory) of each time that was read.
    """

    registration: Registration
    base_ns: int
    actors_base_ns: int
    actors: frozenset[int] = frozenset()
    actors_elsewhere: int = 0
    marks: dict[int, Mark] = field(default_factory=dict)
    memory: list[tuple[int, int]] = field(default_factory=list)

    @property
    def instance(self) -> Instance:
        """The process."""
        return Instance(self.registration.pid, self.registration.started)

    @property
    def owner(self) -> Owner:
        """The account of its tree."""
        if self.registration.trial_id:
            return Owner("trial", self.registration.study, self.instance)
        return Owner("search", self.registration.study)

    @property
    def actors_owner(self) -> Owner:
        """The account of its actors."""
        return Owner("actor", self.registration.study, self.instance)

    def mark_of(self, since_ns: int) -> Mark:
        """Return the mark of a window; of one that was never announced, that of the call."""
        return self.marks.get(since_ns) or next(iter(self.marks.values()))

    def lacks_memory(self, now_ns: int) -> bool:
        """Tell whether memory is to be read at a sample: at the first, then every 15 s."""
        return not self.memory or now_ns - self.memory[-1][0] >= _MEMORY_PERIOD_NS

    def mean_memory(self, since_ns: int) -> int | None:
        """Return the mean of what was read since then, else the last; None if nothing ever was."""
        sizes = [size for read_ns, size in self.memory if read_ns >= since_ns]
        sizes = sizes or [size for _, size in self.memory[-1:]]
        return sum(sizes) // len(sizes) if sizes else None
