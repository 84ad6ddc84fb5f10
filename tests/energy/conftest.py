"""A made-up host for the meter's books, driven by hand; times in whole seconds."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from joulefront.energy import PowerModel, Reading, Registration, Window
from joulefront.energy.host_load import Load
from joulefront.energy.host_meter import ActorsOf, HostMeter
from joulefront.energy.ledger import Sample
from joulefront.energy.processes import PER_SECOND, ProcessStat, Snapshot
from joulefront.energy.sources import Sources

NS = 1_000_000_000
MODEL = PowerModel(
    joules_per_cpu_second=4.0,
    idle_watts_per_core=0.5,
    ram_watts_per_gib=0.25,
    tdp_watts=16.0,
    source="made up",
)


class World:
    """A host whose processes run as they are told to; all that happens is other's CPU time."""

    def __init__(self):
        self.seconds = 100.0
        self.stats = {1: ProcessStat(0, 1, 0, 0, "init")}
        self.lines = {}
        self.actors = {}
        self.sizes = {}
        self.memory_reads = []
        self.rapl = {"package-0": 0}
        self.gpus = {}

    def start(self, pid, parent=1, *arguments):
        self.stats[pid] = ProcessStat(parent, self.tick(), 0, 0, "x")
        self.lines[pid] = arguments

    def run(self, pid, seconds):
        stat = self.stats[pid]
        self.stats[pid] = stat._replace(own_ns=stat.own_ns + round(seconds * NS))

    def end(self, pid, *, waited_for=True):
        stat = self.stats.pop(pid)
        if waited_for:
            parent = self.stats[stat.parent]
            reaped_ns = parent.reaped_ns + stat.own_ns + stat.reaped_ns
            self.stats[stat.parent] = parent._replace(reaped_ns=reaped_ns)

    def tick(self):
        return round(self.seconds * PER_SECOND)

    def snapshot(self):
        return Snapshot(begun=self.tick(), processes=dict(self.stats))

    def started(self, pid):
        return self.stats[pid].started if pid in self.stats else None

    def arguments(self, pid):
        return self.lines.get(pid, ())

    def memory(self, pids):
        self.memory_reads.append((self.seconds, tuple(sorted(pids))))
        known = [self.sizes.get(pid, 1000) for pid in pids]
        return sum(known) if known else None

    def clock(self):
        return round(self.seconds * NS)

    def sources(self):
        load = SimpleNamespace(
            boot_id="boot", scope="host", cores=2, memory_bytes=8, read=lambda: Load(self.busy(), 7)
        )
        return Sources(
            load=load,
            table=self,
            memory=self.memory,
            rapl=SimpleNamespace(ranges={"package-0": 99}, read=lambda: dict(self.rapl)),
            gpu_names={"GPU-a": "A100"},
            gpus=SimpleNamespace(read=lambda: dict(self.gpus)),
        )

    def busy(self):
        return sum(stat.own_ns for stat in self.stats.values()) + self.stats[1].reaped_ns

    def meter(self):
        return HostMeter(
            host="h",
            power_model=MODEL.to_dict(),
            node_class="made up",
            owned_actors=lambda pids: {p: self.actors[p] for p in pids if p in self.actors},
            sources=self.sources(),
            clock=self.clock,
        )

    def reading(self, pid):
        return Reading(
            monotonic_ns=self.clock(),
            cpu_ns=self.snapshot().tree_ns(pid),
            gpu_millijoules={},
            memory_bytes=1,
        )

    def registration(self, pid, trial="t", *, study="s", attempt=1):
        return Registration(
            study=study,
            trial_id=trial,
            attempt=attempt if trial else 0,
            rank=0,
            pid=pid,
            started=self.stats[pid].started,
            cores=1,
            called=self.reading(pid),
        )

    @staticmethod
    def window(opened, closed):
        return Window(opened=opened, closed=closed, cores=1)

    def pass_seconds(self, meter, count=1, **loads):
        """Let seconds pass, a sample after each; `p7=0.5` lets process 7 run so much a second."""
        for _ in range(count):
            self.seconds += 1
            for name, seconds in loads.items():
                self.run(int(name[1:]), seconds)
            meter.sample()


class Book:
    """A study's store: rows as they were written."""

    def __init__(self):
        self.rows = []
        self.refuses = False

    def write(self, rows):
        if self.refuses:
            raise OSError("disk full")
        self.rows += rows

    def kinds(self):
        return [row.kind for row in self.rows]

    def samples(self):
        return [Sample.from_dict(row.details) for row in self.rows if row.kind == "sample"]


@pytest.fixture
def world():
    return World()


@pytest.fixture
def book():
    return Book()


@pytest.fixture
def meter(world, book):
    meter = world.meter()
    meter.attend("s", book.write)
    return meter


@pytest.fixture
def with_actor(world, meter):
    """A trial in process 6, whose actor is process 60."""
    world.start(6, 1, "ray::train")
    world.start(60, 1, "ray::Actor")
    world.run(60, 5)  # before it was the trial's
    meter.sample()
    meter.register(world.registration(6))
    world.actors = {6: ActorsOf(pids=frozenset({60}), elsewhere=1)}
