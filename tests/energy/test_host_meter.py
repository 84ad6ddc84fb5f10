"""The meter's books: whose time is whose, by process, attempt and actor."""

from __future__ import annotations

import pytest

from joulefront.energy import Observed, Policy, attribute

NS = 1_000_000_000


def test_everybody_s_time_goes_to_one_account(world, book, meter):
    for pid, line in ((5, "study"), (6, "ray::train"), (7, "ray::IDLE"), (8, "firefox")):
        world.start(pid, 1, line)
    world.start(9, 6, "worker")
    meter.register(world.registration(5, ""))
    meter.register(world.registration(6))
    world.pass_seconds(meter, 3, p5=0.1, p6=0.5, p7=0.2, p8=0.3, p9=0.4)
    sample = book.samples()[-1]
    assert (sample.search_ns, sample.trials_ns) == (0.3 * NS, 2.7 * NS)
    assert (sample.platform_ns, sample.other_ns) == (0.6 * NS, pytest.approx(0.9 * NS))
    assert sample.processes["t/1/0"][:2] == (2.7 * NS, 0)


def test_two_studies_are_strangers_to_each_other(world, book, meter):
    other_book = type(book)()
    meter.attend("other", other_book.write)
    world.start(6)
    world.start(7)
    meter.register(world.registration(6))
    meter.register(world.registration(7, study="other"))
    world.pass_seconds(meter, 2, p6=0.25, p7=0.5)
    own, other = book.samples()[-1], other_book.samples()[-1]
    assert (own.trials_ns, own.other_ns) == (0.5 * NS, NS)
    assert (other.trials_ns, other.other_ns) == (NS, 0.5 * NS)
    assert (own.processes.keys(), other.processes.keys()) == ({"t/1/0"}, {"t/1/0"})
    assert [row.details["study"] for row in other_book.rows if row.kind == "open"] == ["other"]


def test_an_attempt_as_it_should_be(world, book, meter):
    world.start(6)
    world.run(6, 3)
    world.start(8)
    meter.register(world.registration(6))
    world.seconds += 0.5
    opened = world.reading(6)
    meter.window_opened("s", "t/1/0", opened, "training")
    world.pass_seconds(meter, 4, p6=1, p8=0.25)
    observed = meter.observe("s", "t/1/0", opened.monotonic_ns)
    whole = world.window(opened, world.reading(6))
    meter.window_closed("s", "t/1/0", whole, "training")
    meter.closed("s", "t/1/0", whole)
    world.pass_seconds(meter)
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
    meter.register(world.registration(6))
    for child in range(20, 24):
        world.start(child, 6)
        world.run(child, 0.5)
        world.pass_seconds(meter)
        world.run(child, 0.25)
        world.end(child)
    world.pass_seconds(meter)
    samples = [sample.processes["t/1/0"][0] for sample in book.samples() if sample.processes]
    assert samples[-1] == 4 * 0.75 * NS
    assert samples == sorted(samples)
    assert book.samples()[-1].trials_ns == samples[-1]


def test_a_killed_process_stands_in_the_ledger_with_all_it_used(world, book, meter):
    world.start(6)
    meter.register(world.registration(6))
    opened = world.reading(6)
    meter.window_opened("s", "t/1/0", opened, "training")
    world.pass_seconds(meter, 2, p6=1)
    world.run(6, 0.5)
    world.end(6)
    world.pass_seconds(meter, 2)
    last = [sample.processes.get("t/1/0") for sample in book.samples()][-2:]
    assert last == [(2.5 * NS, 0, None), None]
    assert meter.observe("s", "t/1/0", opened.monotonic_ns) == Observed()
    attempt = attribute(book.rows, None, Policy()).attempts["t", 1]
    assert not attempt.complete
    assert "process lost" in attempt.degradations
    assert [c.joules for _, c in attempt.charges if c.component == "cpu"] == [10.0]


def test_a_killed_process_that_nobody_waits_for_is_known_up_to_its_last_sample(world, book, meter):
    world.start(6)
    meter.register(world.registration(6))
    world.pass_seconds(meter, 2, p6=1)
    world.run(6, 0.5)
    world.end(6, waited_for=False)
    world.pass_seconds(meter)
    assert book.samples()[-1].processes["t/1/0"][0] == 2 * NS


def test_a_reused_pid_is_another_process(world, book, meter):
    world.start(6)
    stale = world.registration(6)
    world.end(6)
    world.seconds += 1
    world.start(6)
    meter.register(stale)
    assert "open" not in book.kinds()
    meter.register(world.registration(6))
    world.pass_seconds(meter, p6=1)
    world.end(6)
    world.start(6)
    world.run(6, 9)
    world.pass_seconds(meter)
    assert book.samples()[-1].trials_ns == NS
    assert book.samples()[-1].other_ns == 9 * NS


def test_a_process_of_a_study_that_nobody_attends_is_not_followed(world, book, meter):
    world.start(6)
    meter.register(world.registration(6, study="unknown"))
    meter.window_opened("unknown", "t/1/0", world.reading(6), "training")
    world.pass_seconds(meter, p6=1)
    assert book.samples()[-1].other_ns == NS


def test_attempts_in_one_process_follow_each_other(world, book, meter):
    world.start(6)
    meter.register(world.registration(6))
    world.pass_seconds(meter, p6=1)
    meter.register(world.registration(6, attempt=2))
    world.pass_seconds(meter, p6=1)
    assert book.samples()[-1].processes.keys() == {"t/2/0"}
    assert book.samples()[-1].processes["t/2/0"][0] == 2 * NS
    assert book.samples()[-1].trials_ns == 2 * NS


def test_time_between_attempts_is_the_trials_too(world, book, meter):
    world.start(6)
    meter.register(world.registration(6))
    world.pass_seconds(meter, p6=1)
    meter.closed("s", "t/1/0", world.window(world.reading(6), world.reading(6)))
    world.pass_seconds(meter, p6=1)
    assert book.samples()[-1].trials_ns == 2 * NS


def test_actors_are_counted_from_when_they_are_first_known(world, book, meter, with_actor):
    world.pass_seconds(meter, p60=1)
    opened = world.reading(6)
    world.run(60, 0.25)  # not sampled yet: read when the window is opened
    meter.window_opened("s", "t/1/0", opened, "training")
    world.pass_seconds(meter, 4, p60=0.5)
    world.run(60, 0.125)  # nor this, when it is closed
    observed = meter.observe("s", "t/1/0", opened.monotonic_ns)
    assert observed.actors_cpu_ns == 2.125 * NS
    assert observed.actors_elsewhere == 1
    assert meter.observe("s", "t/1/0", 0).actors_cpu_ns == (1 + 0.25 + 2.125) * NS
    assert book.samples()[-1].processes["t/1/0"][1] == (1 + 0.25 + 2) * NS
    world.pass_seconds(meter)
    assert book.samples()[-1].trials_ns == (1 + 0.25 + 2.125) * NS


def test_actors_of_an_earlier_attempt_are_not_this_one_s(world, book, meter, with_actor):
    world.pass_seconds(meter, p60=1)
    meter.register(world.registration(6, attempt=2))
    world.pass_seconds(meter, p60=1)
    assert book.samples()[-1].processes["t/2/0"][1] == NS


def test_an_actor_that_is_gone_stays_counted(world, book, meter, with_actor):
    world.pass_seconds(meter, 2, p60=1)
    world.end(60)
    world.actors = {}
    world.pass_seconds(meter)
    assert book.samples()[-1].processes["t/1/0"][1] == 2 * NS


def test_accounts_of_ended_processes_are_merged(world, book, meter):
    for pid in range(10, 30):
        world.start(pid)
        meter.register(world.registration(pid, f"t{pid}"))
        world.run(pid, 0.5)
        world.pass_seconds(meter)
        world.run(pid, 0.25)
        world.end(pid)
    world.pass_seconds(meter, 2)
    assert book.samples()[-1].trials_ns == 20 * 0.75 * NS
    assert len(meter._usage._accounts.totals_ns) < 8
