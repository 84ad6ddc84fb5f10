"""The ledgers of one host: who has used it for which study, row by row. No Ray, no joules.

`HostMeter` samples when it is told to and answers when it is asked; it has no thread, and is to be
called by one at a time. Each study gets the rows of its own processes; to it, those of other
studies are strangers.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from joulefront.energy.adoption import open_stories, resume
from joulefront.energy.counters import Reading
from joulefront.energy.coverage import Coverage
from joulefront.energy.following import Followed
from joulefront.energy.ledger import (
    HostFacts,
    Observed,
    Purpose,
    Registration,
    Row,
    Sample,
    Window,
)
from joulefront.energy.outbox import Outbox, Write
from joulefront.energy.sources import Sources, host_sources
from joulefront.energy.usage import Usage

_IDLE_SAMPLES = 30  # that a study gets after its last registration here was closed


@dataclass(frozen=True, kw_only=True, slots=True)
class ActorsOf:
    """The Ray actors that a process has created, and those that they have, and so on.

    Attributes:
        pids: Of those on this host.
        elsewhere: How many live on other hosts.
    """

    pids: frozenset[int] = frozenset()
    elsewhere: int = 0


OwnedActors = Callable[[Collection[int]], Mapping[int, ActorsOf]]


@dataclass(slots=True, kw_only=True)
class _Study:
    """A study that this host works for; it sleeps when nothing of it is left to sample."""

    outbox: Outbox
    followed: dict[str, Followed] = field(default_factory=dict)
    samples_left: int = _IDLE_SAMPLES


class HostMeter:
    """Keep the ledgers of all studies that this host works for.

    Args:
        host: Name of the machine.
        power_model: `PowerModel.to_dict()` of it.
        node_class: Kind of machine.
        session: Name of the Ray session that the meter runs in; "" takes every Ray for it.
        owned_actors: Finds the actors that some registered processes have created, by pid.
        sources: Where the counters come from.
        clock: The system's monotonic clock, in ns.
        period_seconds: How often `sample` is going to be called.
    """

    def __init__(
        self,
        *,
        host: str,
        power_model: Mapping[str, Any],
        node_class: str,
        session: str = "",
        owned_actors: OwnedActors = lambda pids: {},
        sources: Sources | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
        period_seconds: float = 1.0,
    ) -> None:
        self._sources = sources or host_sources()
        load = self._sources.load
        self._facts = HostFacts(
            boot_id=load.boot_id,
            scope=load.scope,
            cores=load.cores,
            node_class=node_class,
            memory_bytes=load.memory_bytes,
            power_model=power_model,
            rapl_ranges=self._sources.rapl.ranges,
            gpus=self._sources.gpu_names,
            period_seconds=period_seconds,
        )
        self._host = host
        self._name = uuid.uuid4().hex[:12]
        self._owned_actors = owned_actors
        self._clock = clock
        self._usage = Usage(self._sources.table, clock, session)
        self._coverage = Coverage(round(period_seconds * 1e9), clock())
        self._studies: dict[str, _Study] = {}

    def attend(
        self, study: str, write: Write, power_model: Mapping[str, Any] | None = None
    ) -> None:
        """Begin a study's ledger on this host with a first sample; once, however often called.

        Args:
            study: Its directory.
            write: Appends rows to its store. What it refuses with OSError or StoreWriteError is
                offered again at the next sample.
            power_model: What the study reckons with on this host, if it is not the host's own.
        """
        if study not in self._studies:
            self._studies[study] = _Study(outbox=Outbox(write))
            facts = replace(self._facts, power_model=power_model or self._facts.power_model)
            self._write(study, "host", facts.to_dict())
            self.sample()

    def adopt(self, rows: Sequence[Row]) -> None:
        """Go on with what an earlier meter of this host had open when it stopped.

        Args:
            rows: The ledger of a study that is attended.
        """
        known = {"host": self._host, "boot_id": self._facts.boot_id}
        for story in open_stories(rows, **known).values():
            followed = self._follow(Registration.from_dict(story[0].details))
            if followed:
                resume(followed, story, self._usage.mark(followed))
        looked_ns = self._usage.looked_ns
        samples = [r.monotonic_ns for r in rows if r.host == self._host and r.kind == "sample"]
        earlier = [sampled_ns for sampled_ns in samples if sampled_ns < looked_ns]
        self._coverage.missed(max(earlier, default=looked_ns), looked_ns)

    def register(self, registration: Registration) -> None:
        """Follow a process from now on, and let go of an earlier attempt in it.

        Nothing happens if its study is not attended, or if the pid is another process by now.
        """
        study = self._studies.get(registration.study)
        if study is not None and not study.samples_left:
            study.samples_left = _IDLE_SAMPLES
            self.sample()
        followed = self._follow(registration)
        if followed:
            self._write_of(followed, "open", registration.to_dict())

    def window_opened(self, study: str, key: str, opened: Reading, purpose: Purpose) -> None:
        """Note the beginning of a window; its process's actors are counted up to now."""
        followed = self._find(study, key)
        if followed:
            self._count_actors(followed)
            followed.marks[opened.monotonic_ns] = self._usage.mark(followed)
            details = {"purpose": purpose, "opened": asdict(opened)}
            self._write_of(followed, "window_open", details)

    def observe(self, study: str, key: str, since_ns: int) -> Observed:
        """Return what was seen of a process since it opened a window, or since its call."""
        followed = self._find(study, key)
        if followed is None:
            return Observed()
        self._count_actors(followed)
        now_ns = self._clock()
        then, now = followed.mark_of(since_ns), self._usage.mark(followed)
        seen_ns = now.sampled_ns - then.sampled_ns
        foreign_ns = now.foreign_ns - then.foreign_ns
        return Observed(
            actors_cpu_ns=now.actors_ns - then.actors_ns,
            foreign_cpu_ns=foreign_ns * (now_ns - since_ns) // seen_ns if seen_ns else 0,
            coverage=self._coverage.share(since_ns, now_ns),
            memory_bytes=followed.mean_memory(since_ns),
            actors_elsewhere=followed.actors_elsewhere,
        )

    def window_closed(self, study: str, key: str, window: Window, purpose: Purpose) -> None:
        """Write a window down."""
        followed = self._find(study, key)
        if followed:
            followed.marks.pop(window.opened.monotonic_ns, None)
            details = {"purpose": purpose, "window": window.to_dict()}
            self._write_of(followed, "window", details)

    def closed(self, study: str, key: str, window: Window) -> None:
        """End a registration; that of a driver with a last sample, and with it the ledger."""
        followed = self._find(study, key)
        if followed is None:
            return
        drives = not followed.registration.trial_id
        if drives:
            self.sample()
        del self._studies[study].followed[key]
        self._write_of(followed, "close", {"window": window.to_dict()})
        if drives:
            self._studies[study].samples_left = 0
            self._studies[study].outbox.flush()

    def sample(self) -> None:
        """Read the counters, and write down the rows of all studies since the last sample.

        A process that has ended without a word is in it for the last time.
        """
        followed = self._all_followed()
        self._find_actors([one for one in followed if one.registration.trial_id])
        self._usage.look(followed)
        now_ns = self._usage.looked_ns
        self._coverage.sampled(now_ns)
        for one in followed:
            if one.lacks_memory(now_ns):
                self._read_memory(one, now_ns)
        load = self._sources.load.read()
        counters = {
            "busy_ns": load.busy_ns,
            "steal_ns": load.steal_ns,
            "rapl_microjoules": self._sources.rapl.read(),
            "gpu_millijoules": self._sources.gpus.read(),
        }
        for name, study in self._studies.items():
            if study.followed or study.samples_left:
                self._write(name, "sample", self._sample_of(name, counters).to_dict())
            study.samples_left = _IDLE_SAMPLES if study.followed else max(0, study.samples_left - 1)
            study.followed = {k: f for k, f in study.followed.items() if self._usage.is_alive(f)}
            study.outbox.flush()
        self._usage.merge_ended(self._all_followed())

    def _find_actors(self, trials: Sequence[Followed]) -> None:
        actors = self._owned_actors([one.registration.pid for one in trials]) if trials else {}
        for one in trials:
            owned = actors.get(one.registration.pid, ActorsOf())
            one.actors, one.actors_elsewhere = owned.pids, owned.elsewhere

    def _sample_of(self, study: str, counters: Mapping[str, Any]) -> Sample:
        usage = self._usage
        processes = {}
        for key, one in self._studies[study].followed.items():
            read_ns, size = one.memory[-1] if one.memory else (0, 0)
            memory = size if read_ns == usage.looked_ns else None
            processes[key] = (usage.tree_ns(one), usage.mark(one).actors_ns, memory)
        return Sample(
            search_ns=usage.study_ns(study, "search"),
            trials_ns=usage.study_ns(study, "trial", "actor"),
            platform_ns=usage.platform_ns(),
            other_ns=usage.foreign_ns(study),
            processes=processes,
            **counters,
        )

    def _follow(self, registration: Registration) -> Followed | None:
        """Take a registration on, if it is of a living process of an attended study."""
        study = self._studies.get(registration.study)
        if study is None or registration.started != self._sources.table.started(registration.pid):
            return None
        followed = Followed(registration=registration, base_ns=0, actors_base_ns=0)
        for other in self._studies.values():
            for key, earlier in [*other.followed.items()]:
                if earlier.instance == followed.instance and earlier.registration.trial_id:
                    del other.followed[key]
        self._usage.follow(followed)
        followed.marks[registration.called.monotonic_ns] = self._usage.mark(followed)
        study.followed[registration.key] = followed
        return followed

    def _count_actors(self, followed: Followed) -> None:
        if followed.actors:
            self._usage.look(self._all_followed())

    def _read_memory(self, followed: Followed, now_ns: int) -> None:
        size = self._sources.memory(self._usage.tree(followed))
        if size is not None:
            followed.memory.append((now_ns, size))

    def _all_followed(self) -> list[Followed]:
        return [one for study in self._studies.values() for one in study.followed.values()]

    def _find(self, study: str, key: str) -> Followed | None:
        return self._studies[study].followed.get(key) if study in self._studies else None

    def _write_of(self, followed: Followed, kind: str, details: Mapping[str, Any]) -> None:
        known = followed.registration
        details = {"rank": known.rank, **details}
        self._write(known.study, kind, details, trial_id=known.trial_id, attempt=known.attempt)

    def _write(self, study: str, kind: str, details: Mapping[str, Any], **who: Any) -> None:
        row = Row(
            kind=kind,
            host=self._host,
            meter=self._name,
            monotonic_ns=self._usage.looked_ns if kind == "sample" else self._clock(),
            details=details,
            **who,
        )
        self._studies[study].outbox.add(row)
