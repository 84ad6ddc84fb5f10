"""The meter's books, driven by hand on a made-up host; times in whole seconds."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from joulefront.energy import Observed, Policy, PowerModel, Reading, Registration, Window, attribute
from joulefront.energy.host_load import Load
from joulefront.energy.host_meter import ActorsOf, HostMeter
from joulefront.energy.ledger import HostFacts, Sample
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


def make_meter(world):
    return HostMeter(
        host="h",
        power_model=MODEL.to_dict(),
        node_class="made up",
        owned_actors=lambda pids: {p: world.actors[p] for p in pids if p in world.actors},
        sources=world.sources(),
        clock=world.clock,
    )


@pytest.fixture
def meter(world, book):
    meter = make_meter(world)
    meter.attend("s", book.write)
    return meter


def reading(world, pid):
    return Reading(
        monotonic_ns=world.clock(),
        cpu_ns=world.snapshot().tree_ns(pid),
        gpu_millijoules={},
        memory_bytes=1,
    )


def registration(world, pid, trial="t", *, study="s", attempt=1):
    attempt = attempt if trial else 0
    return Registration(
        study=study,
        trial_id=trial,
        attempt=attempt,
        rank=0,
        pid=pid,
        started=world.stats[pid].started,
        cores=1,
        called=reading(world, pid),
    )


def window(opened, closed):
    return Window(opened=opened, closed=closed, cores=1)


def pass_seconds(world, meter, count=1, **loads):
    """Let seconds pass, with a sample after each; `p7=0.5` lets process 7 run so much a second."""
    for _ in range(count):
        world.seconds += 1
        for name, seconds in loads.items():
            world.run(int(name[1:]), seconds)
        meter.sample()


def test_a_study_begins_with_its_host_and_a_sample(world, book, meter):
    world.gpus = {"GPU-a": 5}
    meter.attend("s", book.write)
    assert book.kinds() == ["host", "sample"]
    facts = HostFacts.from_dict(book.rows[0].details)
    assert (facts.boot_id, facts.scope, facts.cores, facts.node_class) == (
        "boot",
        "host",
        2,
        "made up",
    )
    assert facts.rapl_ranges == {"package-0": 99}
    assert facts.gpus == {"GPU-a": "A100"}
    pass_seconds(world, meter)
    sample = book.samples()[-1]
    assert (sample.steal_ns, sample.rapl_microjoules) == (7, {"package-0": 0})
    assert sample.gpu_millijoules == {"GPU-a": 5}
    assert {row.host for row in book.rows} == {"h"}
    assert len({row.meter for row in book.rows}) == 1


def test_everybody_s_time_goes_to_one_account(world, book, meter):
    for pid, line in ((5, "study"), (6, "ray::train"), (7, "ray::IDLE"), (8, "firefox")):
        world.start(pid, 1, line)
    world.start(9, 6, "worker")
    meter.register(registration(world, 5, ""))
    meter.register(registration(world, 6))
    pass_seconds(world, meter, 3, p5=0.1, p6=0.5, p7=0.2, p8=0.3, p9=0.4)
    sample = book.samples()[-1]
    assert (sample.search_ns, sample.trials_ns) == (0.3 * NS, 2.7 * NS)
    assert (sample.platform_ns, sample.other_ns) == (0.6 * NS, pytest.approx(0.9 * NS))
    assert sample.processes["t/1/0"][:2] == (2.7 * NS, 0)


def test_two_studies_are_strangers_to_each_other(world, book, meter):
    other_book = Book()
    meter.attend("other", other_book.write)
    world.start(6)
    world.start(7)
    meter.register(registration(world, 6))
    meter.register(registration(world, 7, study="other"))
    pass_seconds(world, meter, 2, p6=0.25, p7=0.5)
    own, other = book.samples()[-1], other_book.samples()[-1]
    assert (own.trials_ns, own.other_ns) == (0.5 * NS, NS)
    assert (other.trials_ns, other.other_ns) == (NS, 0.5 * NS)
    assert (own.processes.keys(), other.processes.keys()) == ({"t/1/0"}, {"t/1/0"})
    assert [row.details["study"] for row in other_book.rows if row.kind == "open"] == ["other"]


def test_an_attempt_as_it_should_be(world, book, meter):
    world.start(6)
    world.run(6, 3)
    world.start(8)
    meter.register(registration(world, 6))
    world.seconds += 0.5
    opened = reading(world, 6)
    meter.window_opened("s", "t/1/0", opened, "training")
    pass_seconds(world, meter, 4, p6=1, p8=0.25)
    observed = meter.observe("s", "t/1/0", opened.monotonic_ns)
    whole = window(opened, reading(world, 6))
    meter.window_closed("s", "t/1/0", whole, "training")
    meter.closed("s", "t/1/0", whole)
    pass_seconds(world, meter)
    assert observed == Observed(
        actors_cpu_ns=0,
        foreign_cpu_ns=pytest.approx(0.25 * 4 * NS, rel=0.15),
        coverage=1.0,
        memory_bytes=1000,
    )
    assert book.kinds() == [
        *("host", "sample", "open", "window_open"),
        *["sample"] * 4,
        *("window", "close", "sample"),
    ]
    said = [row for row in book.rows if row.kind not in ("host", "sample")]
    assert {(row.trial_id, row.attempt) for row in said} == {("t", 1)}
    assert book.samples()[-1].processes == {}
    attempt = attribute(book.rows, None, Policy()).attempts["t", 1]
    assert attempt.complete
    assert attempt.degradations == ()
    assert [c.joules for _, c in attempt.charges if c.component == "cpu"] == [16.0]


def test_children_count_before_and_after_they_end(world, book, meter):
    world.start(6)
    meter.register(registration(world, 6))
    for child in range(20, 24):
        world.start(child, 6)
        world.run(child, 0.5)
        pass_seconds(world, meter)
        world.run(child, 0.25)
        world.end(child)
    pass_seconds(world, meter)
    samples = [sample.processes["t/1/0"][0] for sample in book.samples() if sample.processes]
    assert samples[-1] == 4 * 0.75 * NS
    assert samples == sorted(samples)
    assert book.samples()[-1].trials_ns == samples[-1]


def test_a_killed_process_stands_in_the_ledger_with_all_it_used(world, book, meter):
    world.start(6)
    meter.register(registration(world, 6))
    opened = reading(world, 6)
    meter.window_opened("s", "t/1/0", opened, "training")
    pass_seconds(world, meter, 2, p6=1)
    world.run(6, 0.5)
    world.end(6)
    pass_seconds(world, meter, 2)
    last = [sample.processes.get("t/1/0") for sample in book.samples()][-2:]
    assert last == [(2.5 * NS, 0, None), None]
    assert meter.observe("s", "t/1/0", opened.monotonic_ns) == Observed()
    attempt = attribute(book.rows, None, Policy()).attempts["t", 1]
    assert not attempt.complete
    assert "process lost" in attempt.degradations
    assert [c.joules for _, c in attempt.charges if c.component == "cpu"] == [10.0]


def test_a_killed_process_that_nobody_waits_for_is_known_up_to_its_last_sample(world, book, meter):
    world.start(6)
    meter.register(registration(world, 6))
    pass_seconds(world, meter, 2, p6=1)
    world.run(6, 0.5)
    world.end(6, waited_for=False)
    pass_seconds(world, meter)
    assert book.samples()[-1].processes["t/1/0"][0] == 2 * NS


def test_a_reused_pid_is_another_process(world, book, meter):
    world.start(6)
    stale = registration(world, 6)
    world.end(6)
    world.seconds += 1
    world.start(6)
    meter.register(stale)
    assert "open" not in book.kinds()
    meter.register(registration(world, 6))
    pass_seconds(world, meter, p6=1)
    world.end(6)
    world.start(6)
    world.run(6, 9)
    pass_seconds(world, meter)
    assert book.samples()[-1].trials_ns == NS
    assert book.samples()[-1].other_ns == 9 * NS


def test_a_process_of_a_study_that_nobody_attends_is_not_followed(world, book, meter):
    world.start(6)
    meter.register(registration(world, 6, study="unknown"))
    meter.window_opened("unknown", "t/1/0", reading(world, 6), "training")
    pass_seconds(world, meter, p6=1)
    assert book.samples()[-1].other_ns == NS


def test_attempts_in_one_process_follow_each_other(world, book, meter):
    world.start(6)
    meter.register(registration(world, 6))
    pass_seconds(world, meter, p6=1)
    meter.register(registration(world, 6, attempt=2))
    pass_seconds(world, meter, p6=1)
    assert book.samples()[-1].processes.keys() == {"t/2/0"}
    assert book.samples()[-1].processes["t/2/0"][0] == 2 * NS
    assert book.samples()[-1].trials_ns == 2 * NS


def test_time_between_attempts_is_the_trials_too(world, book, meter):
    world.start(6)
    meter.register(registration(world, 6))
    pass_seconds(world, meter, p6=1)
    meter.closed("s", "t/1/0", window(reading(world, 6), reading(world, 6)))
    pass_seconds(world, meter, p6=1)
    assert book.samples()[-1].trials_ns == 2 * NS


@pytest.fixture
def with_actor(world, meter):
    """A trial in process 6, whose actor is process 60."""
    world.start(6, 1, "ray::train")
    world.start(60, 1, "ray::Actor")
    world.run(60, 5)  # before it was the trial's
    meter.sample()
    meter.register(registration(world, 6))
    world.actors = {6: ActorsOf(pids=frozenset({60}), elsewhere=1)}


def test_actors_are_counted_from_when_they_are_first_known(world, book, meter, with_actor):
    pass_seconds(world, meter, p60=1)
    opened = reading(world, 6)
    world.run(60, 0.25)  # not sampled yet: read when the window is opened
    meter.window_opened("s", "t/1/0", opened, "training")
    pass_seconds(world, meter, 4, p60=0.5)
    world.run(60, 0.125)  # nor this, when it is closed
    observed = meter.observe("s", "t/1/0", opened.monotonic_ns)
    assert observed.actors_cpu_ns == 2.125 * NS
    assert observed.actors_elsewhere == 1
    assert meter.observe("s", "t/1/0", 0).actors_cpu_ns == (1 + 0.25 + 2.125) * NS
    assert book.samples()[-1].processes["t/1/0"][1] == (1 + 0.25 + 2) * NS
    pass_seconds(world, meter)
    assert book.samples()[-1].trials_ns == (1 + 0.25 + 2.125) * NS


def test_actors_of_an_earlier_attempt_are_not_this_one_s(world, book, meter, with_actor):
    pass_seconds(world, meter, p60=1)
    meter.register(registration(world, 6, attempt=2))
    pass_seconds(world, meter, p60=1)
    assert book.samples()[-1].processes["t/2/0"][1] == NS


def test_an_actor_that_is_gone_stays_counted(world, book, meter, with_actor):
    pass_seconds(world, meter, 2, p60=1)
    world.end(60)
    world.actors = {}
    pass_seconds(world, meter)
    assert book.samples()[-1].processes["t/1/0"][1] == 2 * NS


def test_memory_is_read_at_open_and_every_15_seconds(world, book, meter):
    world.start(6)
    world.start(20, 6)
    meter.register(registration(world, 6))
    opened = reading(world, 6)
    meter.window_opened("s", "t/1/0", opened, "training")
    pass_seconds(world, meter, 20)
    assert world.memory_reads == [(101, (6, 20)), (116, (6, 20))]
    assert [s.processes["t/1/0"][2] for s in book.samples()[1:]].count(2000) == 2
    world.sizes = {6: 4000, 20: 4000}
    assert meter.observe("s", "t/1/0", opened.monotonic_ns).memory_bytes == 2000
    pass_seconds(world, meter, 15)
    assert meter.observe("s", "t/1/0", opened.monotonic_ns).memory_bytes == (2000 * 2 + 8000) // 3
    late = reading(world, 6)
    meter.window_opened("s", "t/1/0", late, "inference")
    assert meter.observe("s", "t/1/0", late.monotonic_ns).memory_bytes == 8000


def test_coverage_falls_when_samples_are_missing(world, meter):
    world.start(6)
    meter.register(registration(world, 6))
    opened = world.clock()
    pass_seconds(world, meter, 10)
    assert meter.observe("s", "t/1/0", opened).coverage == 1.0
    world.seconds += 10
    meter.sample()
    assert meter.observe("s", "t/1/0", opened).coverage == pytest.approx(1 - 7 / 20)
    assert meter.observe("s", "t/1/0", world.clock() - NS).coverage is None


def test_the_driver_s_end_is_written_at_once_with_a_last_sample(world, book, meter):
    world.start(5)
    meter.register(registration(world, 5, ""))
    pass_seconds(world, meter, p5=1)
    world.run(5, 0.5)
    meter.closed("s", "/0/0", window(reading(world, 5), reading(world, 5)))
    assert book.kinds()[-2:] == ["sample", "close"]
    assert book.samples()[-1].search_ns == 1.5 * NS
    written = len(book.rows)
    pass_seconds(world, meter, 3)
    assert len(book.rows) == written


def test_a_study_without_processes_falls_asleep_and_wakes_with_a_sample(world, book, meter):
    pass_seconds(world, meter, 100)
    slept = book.kinds().count("sample")
    assert slept < 40
    world.start(6)
    meter.register(registration(world, 6))
    pass_seconds(world, meter)
    assert book.kinds()[-3:] == ["sample", "open", "sample"]


def test_a_store_that_cannot_be_written_gets_everything_later(world, book, meter):
    world.start(6)
    book.refuses = True
    meter.register(registration(world, 6))
    pass_seconds(world, meter, 3)
    before = list(book.kinds())
    book.refuses = False
    pass_seconds(world, meter)
    assert before == ["host", "sample"]
    assert book.kinds() == ["host", "sample", "open", *["sample"] * 4]


def test_a_restarted_meter_goes_on(world, book, meter, with_actor):
    world.start(5)
    world.start(7)
    world.start(8)
    meter.register(registration(world, 5, ""))
    meter.register(registration(world, 7, "gone"))
    meter.register(registration(world, 8, "done"))
    meter.closed("s", "done/1/0", window(reading(world, 8), reading(world, 8)))
    pass_seconds(world, meter, 2, p6=1, p60=1)
    opened = reading(world, 6)
    meter.window_opened("s", "t/1/0", opened, "training")
    pass_seconds(world, meter, p6=1, p60=1)
    world.end(7)
    world.run(6, 4)
    world.seconds += 8  # while there is no meter
    restarted = make_meter(world)
    restarted.attend("s", book.write)
    restarted.adopt(list(book.rows))
    pass_seconds(world, restarted, 5, p6=1, p60=1)
    observed = restarted.observe("s", "t/1/0", opened.monotonic_ns)
    assert observed.actors_cpu_ns == 6 * NS
    assert observed.coverage == pytest.approx(1 - 5 / 14)
    sample = book.samples()[-1]
    assert sample.processes.keys() == {"t/1/0", "/0/0"}
    assert sample.processes["t/1/0"][:2] == ((3 + 4 + 5) * NS, (3 + 5) * NS)
    whole = window(opened, reading(world, 6))
    restarted.window_closed("s", "t/1/0", whole, "training")
    restarted.closed("s", "t/1/0", whole)
    restarted.sample()
    attempt = attribute(book.rows, None, Policy()).attempts["t", 1]
    assert attempt.complete
    assert book.kinds().count("open") == 4


def test_a_ledger_of_another_boot_is_nobody_s(world, book, meter):
    world.start(6)
    meter.register(registration(world, 6))
    meter.sample()
    book.rows[0].details["boot_id"] = "another"
    restarted = make_meter(world)
    restarted.attend("s", Book().write)
    restarted.adopt(book.rows)
    assert restarted.observe("s", "t/1/0", 0) == Observed()


def test_accounts_of_ended_processes_are_merged(world, book, meter):
    for pid in range(10, 30):
        world.start(pid)
        meter.register(registration(world, pid, f"t{pid}"))
        world.run(pid, 0.5)
        pass_seconds(world, meter)
        world.run(pid, 0.25)
        world.end(pid)
    pass_seconds(world, meter, 2)
    assert book.samples()[-1].trials_ns == 20 * 0.75 * NS
    assert len(meter._usage._accounts.totals_ns) < 8
