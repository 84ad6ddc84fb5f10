"""A meter that starts anew goes on from the ledger of the one before."""

from __future__ import annotations

import pytest

from joulefront.energy import Observed, Policy, attribute

NS = 1_000_000_000


def test_a_restarted_meter_goes_on(world, book, meter, with_actor):
    world.start(5)
    world.start(7)
    world.start(8)
    meter.register(world.registration(5, ""))
    meter.register(world.registration(7, "gone"))
    meter.register(world.registration(8, "done"))
    meter.closed("s", "done/1/0", world.window(world.reading(8), world.reading(8)))
    world.pass_seconds(meter, 2, p6=1, p60=1)
    opened = world.reading(6)
    meter.window_opened("s", "t/1/0", opened, "training")
    world.pass_seconds(meter, p6=1, p60=1)
    world.end(7)
    world.run(6, 4)
    world.seconds += 8  # while there is no meter
    restarted = world.meter()
    restarted.attend("s", book.write)
    restarted.adopt(list(book.rows))
    world.pass_seconds(restarted, 5, p6=1, p60=1)
    observed = restarted.observe("s", "t/1/0", opened.monotonic_ns)
    assert observed.actors_cpu_ns == 6 * NS
    assert observed.coverage == pytest.approx(1 - 5 / 14)
    sample = book.samples()[-1]
    assert sample.processes.keys() == {"t/1/0", "/0/0"}
    assert sample.processes["t/1/0"][:2] == ((3 + 4 + 5) * NS, (3 + 5) * NS)
    whole = world.window(opened, world.reading(6))
    restarted.window_closed("s", "t/1/0", whole, "training")
    restarted.closed("s", "t/1/0", whole)
    restarted.sample()
    attempt = attribute(book.rows, None, Policy()).attempts["t", 1]
    assert attempt.complete
    assert book.kinds().count("open") == 4


def test_a_ledger_of_another_boot_is_nobody_s(world, book, meter):
    world.start(6)
    meter.register(world.registration(6))
    meter.sample()
    book.rows[0].details["boot_id"] = "another"
    restarted = world.meter()
    restarted.attend("s", type(book)().write)
    restarted.adopt(book.rows)
    assert restarted.observe("s", "t/1/0", 0) == Observed()
