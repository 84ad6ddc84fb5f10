"""The meter's samples: when they are taken, what of memory and coverage, and where they go."""

from __future__ import annotations

import pytest

from joulefront.energy.ledger import HostFacts

NS = 1_000_000_000


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
    world.pass_seconds(meter)
    sample = book.samples()[-1]
    assert (sample.steal_ns, sample.rapl_microjoules) == (7, {"package-0": 0})
    assert sample.gpu_millijoules == {"GPU-a": 5}
    assert {row.host for row in book.rows} == {"h"}
    assert len({row.meter for row in book.rows}) == 1


def test_memory_is_read_at_open_and_every_15_seconds(world, book, meter):
    world.start(6)
    world.start(20, 6)
    meter.register(world.registration(6))
    opened = world.reading(6)
    meter.window_opened("s", "t/1/0", opened, "training")
    world.pass_seconds(meter, 20)
    assert world.memory_reads == [(101, (6, 20)), (116, (6, 20))]
    assert [s.processes["t/1/0"][2] for s in book.samples()[1:]].count(2000) == 2
    world.sizes = {6: 4000, 20: 4000}
    assert meter.observe("s", "t/1/0", opened.monotonic_ns).memory_bytes == 2000
    world.pass_seconds(meter, 15)
    assert meter.observe("s", "t/1/0", opened.monotonic_ns).memory_bytes == (2000 * 2 + 8000) // 3
    late = world.reading(6)
    meter.window_opened("s", "t/1/0", late, "inference")
    assert meter.observe("s", "t/1/0", late.monotonic_ns).memory_bytes == 8000


def test_coverage_falls_when_samples_are_missing(world, meter):
    world.start(6)
    meter.register(world.registration(6))
    opened = world.clock()
    world.pass_seconds(meter, 10)
    assert meter.observe("s", "t/1/0", opened).coverage == 1.0
    world.seconds += 10
    meter.sample()
    assert meter.observe("s", "t/1/0", opened).coverage == pytest.approx(1 - 7 / 20)
    assert meter.observe("s", "t/1/0", world.clock() - NS).coverage is None


def test_the_driver_s_end_is_written_at_once_with_a_last_sample(world, book, meter):
    world.start(5)
    meter.register(world.registration(5, ""))
    world.pass_seconds(meter, p5=1)
    world.run(5, 0.5)
    meter.closed("s", "/0/0", world.window(world.reading(5), world.reading(5)))
    assert book.kinds()[-2:] == ["sample", "close"]
    assert book.samples()[-1].search_ns == 1.5 * NS
    written = len(book.rows)
    world.pass_seconds(meter, 3)
    assert len(book.rows) == written


def test_a_study_without_processes_falls_asleep_and_wakes_with_a_sample(world, book, meter):
    world.pass_seconds(meter, 100)
    slept = book.kinds().count("sample")
    assert slept < 40
    world.start(6)
    meter.register(world.registration(6))
    world.pass_seconds(meter)
    assert book.kinds()[-3:] == ["sample", "open", "sample"]


def test_a_store_that_cannot_be_written_gets_everything_later(world, book, meter):
    world.start(6)
    book.refuses = True
    meter.register(world.registration(6))
    world.pass_seconds(meter, 3)
    before = list(book.kinds())
    book.refuses = False
    world.pass_seconds(meter)
    assert before == ["host", "sample"]
    assert book.kinds() == ["host", "sample", "open", *["sample"] * 4]
