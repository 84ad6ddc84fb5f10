from __future__ import annotations

import json
import math
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joulefront.energy import Policy, PowerModel, Reading, Registration, Row, Window, attribute
from joulefront.energy.host_bill import ACCOUNTS
from joulefront.energy.ledger import HostFacts, Observed, Sample

NS = 1_000_000_000
MODEL = PowerModel(
    joules_per_cpu_second=4.0,
    idle_watts_per_core=0.5,
    ram_watts_per_gib=0.25,
    tdp_watts=16.0,
    source="made up",
)


class Machine:
    """A slow obvious host of two cores that writes a ledger by hand; times in whole seconds."""

    def __init__(self, name="host", *, rapl=None, gpus=None, boot="boot", meter="m1"):
        self.name, self.meter = name, meter
        self.rows = []
        self.facts = HostFacts(
            boot_id=boot,
            scope="host",
            cores=2,
            node_class="made up",
            memory_bytes=8 * 1024**3,
            power_model=MODEL.to_dict(),
            rapl_ranges=rapl or {},
            gpus=gpus or {},
        )
        self.write("host", 0, self.facts.to_dict())

    def write(self, kind, seconds, details, trial=None, attempt=None):
        row = Row(
            kind=kind,
            host=self.name,
            meter=self.meter,
            monotonic_ns=round(seconds * NS),
            trial_id=trial,
            attempt=attempt,
            details=details,
        )
        self.rows.append(Row.from_columns(row.to_columns()))

    def restart(self, seconds, meter):
        self.meter = meter
        self.write("host", seconds, self.facts.to_dict())

    def open(self, seconds, cpu, trial="t", *, attempt=1, rank=0, gpu=None, **options):
        registration = Registration(
            study="s",
            trial_id=trial,
            attempt=attempt,
            rank=rank,
            pid=7,
            started=1,
            cores=1,
            called=reading(seconds, cpu, gpu),
            **options,
        )
        self.write("open", seconds, registration.to_dict(), trial, attempt)

    def window_open(self, seconds, cpu, trial="t", *, gpu=None):
        details = {"rank": 0, "purpose": "training", "opened": asdict(reading(seconds, cpu, gpu))}
        self.write("window_open", seconds, details, trial, 1)

    def window(
        self, begin, end, trial="t", *, purpose="training", actors=0, rank=0, gpu=(None,) * 2
    ):
        details = {
            "rank": rank,
            "purpose": purpose,
            "window": span(begin, end, actors, gpu).to_dict(),
        }
        self.write("window", end[0], details, trial, 1)

    def close(self, begin, end, trial="t", *, attempt=1, rank=0, actors=0, gpu=(None,) * 2):
        details = {"rank": rank, "window": span(begin, end, actors, gpu).to_dict()}
        self.write("close", end[0], details, trial, attempt)

    def sample(self, seconds, busy, *, processes=None, rapl=None, gpu=None, **accounts):
        known = dict.fromkeys(("search", "trials", "platform", "other"), 0) | accounts
        sample = Sample(
            busy_ns=round(busy * NS),
            rapl_microjoules=rapl or {},
            gpu_millijoules=gpu or {},
            processes={
                key: (round(cpu * NS), round(actors * NS), None)
                for key, (cpu, actors) in (processes or {}).items()
            },
            **{f"{name}_ns": round(value * NS) for name, value in known.items()},
        )
        self.write("sample", seconds, sample.to_dict())


def reading(seconds, cpu, gpu=None):
    return Reading(
        monotonic_ns=round(seconds * NS),
        cpu_ns=round(cpu * NS),
        gpu_millijoules={} if gpu is None else {"GPU-a": gpu},
        memory_bytes=1024**3,
    )


def span(begin, end, actors=0, gpu=(None, None)):
    return Window(
        opened=reading(*begin, gpu[0]),
        closed=reading(*end, gpu[1]),
        cores=1,
        observed=Observed(actors_cpu_ns=actors * NS),
    )


def bill(*machines):
    return attribute([row for m in machines for row in m.rows], None, Policy())


def joules(attempt, component):
    return math.fsum(c.joules for _, c in attempt.charges if c.component == component)


def column(host, component):
    return {account: host.joules[account][component] for account in (*ACCOUNTS, "total")}


def one_trial():
    machine = Machine()
    machine.sample(0, 100)
    machine.open(1, 50)
    machine.window_open(2, 51)
    machine.window((2, 51), (8, 56))
    machine.close((1, 50), (9, 56.5))
    machine.sample(10, 112, trials=7.5, search=1, platform=0.5, other=2)
    return machine


def test_one_trial_and_everything_else():
    found = bill(one_trial())
    attempt = found.attempts["t", 1]
    assert joules(attempt, "cpu") == pytest.approx(20.0)
    assert joules(attempt, "setup") == pytest.approx(6.0)
    assert (attempt.complete, attempt.degradations) == (True, ())
    host = found.hosts["host"]
    assert host.seconds == 10.0
    assert column(host, "cpu") == pytest.approx(
        {
            "trials": 26.0,  # 6.5 CPU-seconds in the attempt
            "search": 4.0,
            "platform": 6.0,  # 0.5 of Ray, and 1 of the trial's process outside of the attempt
            "other": 8.0,
            "idle": 10.0,
            "residual": 4.0,  # 12 CPU-seconds busy, 11 explained
            "total": 58.0,
        }
    )
    ram = column(host, "ram")
    assert ram["trials"] == pytest.approx(1.5)
    assert ram["total"] == pytest.approx(20.0)
    assert host.provenance == {"cpu": "modelled", "gpu": "counter", "ram": "constant"}


def test_the_same_ledger_gives_the_same_bytes():
    rows = one_trial().rows
    first, second = (
        json.dumps(asdict(attribute(rows, None, Policy()).hosts["host"])) for _ in range(2)
    )
    assert first == second


def test_a_given_power_model_wins():
    doubled = replace(MODEL, joules_per_cpu_second=8.0)
    attempt = attribute(one_trial().rows, doubled, Policy()).attempts["t", 1]
    assert joules(attempt, "cpu") == pytest.approx(40.0)


def test_an_empty_ledger_and_one_of_an_unknown_host():
    assert bill().hosts == {}
    assert attribute(one_trial().rows[1:], None, Policy()).attempts == {}


def test_a_killed_process_is_charged_up_to_its_last_sample():
    machine = Machine()
    machine.open(1, 50)
    machine.window_open(2, 51)
    machine.sample(3, 0, processes={"t/1/0": (52, 0)})
    machine.sample(4, 0, processes={"t/1/0": (53, 0.5)})
    machine.sample(5, 0)
    attempt = bill(machine).attempts["t", 1]
    assert joules(attempt, "cpu") == pytest.approx(4.0 * 2.5)
    assert joules(attempt, "setup") == pytest.approx(4.0)
    assert not attempt.complete
    assert "process lost" in attempt.degradations


def test_a_process_that_no_sample_has_seen_costs_nothing_and_says_so():
    machine = Machine()
    machine.open(1, 50)
    machine.window_open(2, 51)
    attempt = bill(machine).attempts["t", 1]
    assert joules(attempt, "cpu") == 0.0
    assert not attempt.complete


def test_closed_windows_of_a_killed_process_keep_their_exact_charge():
    machine = Machine()
    machine.open(1, 50)
    machine.window((2, 51), (4, 53))
    machine.sample(5, 0, processes={"t/1/0": (54, 0)})
    attempt = bill(machine).attempts["t", 1]
    assert joules(attempt, "cpu") == pytest.approx(8.0)
    assert joules(attempt, "setup") == pytest.approx(8.0)


def test_ranks_and_hosts_add_up():
    first, second = Machine("a"), Machine("b")
    for machine, rank in ((first, 0), (first, 1), (second, 2)):
        machine.open(0, 0, rank=rank)
        machine.window((0, 0), (2, 1), rank=rank)
        machine.close((0, 0), (3, 1), rank=rank)
    attempt = bill(first, second).attempts["t", 1]
    assert joules(attempt, "cpu") == pytest.approx(12.0)
    assert {host for host, _ in attempt.charges} == {"a", "b"}


def test_attempts_stand_apart_and_a_repeated_registration_counts_once():
    machine = Machine()
    machine.open(0, 0)
    machine.close((0, 0), (1, 1))
    machine.open(2, 1, attempt=2)
    machine.restart(3, "m2")
    machine.open(2, 1, attempt=2)
    machine.close((2, 1), (4, 3), attempt=2)
    found = bill(machine)
    assert joules(found.attempts["t", 1], "cpu") == pytest.approx(4.0)
    assert joules(found.attempts["t", 2], "cpu") == pytest.approx(8.0)


def test_inference_is_apart():
    machine = Machine()
    machine.open(0, 0)
    machine.window((0, 0), (4, 4))
    machine.window((5, 5), (6, 6), purpose="inference")
    machine.close((0, 0), (6, 6))
    attempt = bill(machine).attempts["t", 1]
    parts = {name: joules(attempt, name) for name in ("cpu", "inference", "setup")}
    assert parts == pytest.approx({"cpu": 16.0, "inference": 4.0, "setup": 4.0})


def test_rapl_is_the_total_and_wraps_around():
    machine = Machine(rapl={"package-0": 1_000_000_000})
    machine.sample(0, 0, rapl={"package-0": 990_000_000})
    machine.sample(1, 1, rapl={"package-0": 40_000_000}, other=1)
    machine.sample(2, 2, rapl={"package-0": 90_000_000}, other=2)
    host = bill(machine).hosts["host"]
    cpu = column(host, "cpu")
    assert cpu["total"] == pytest.approx(100.0)
    assert cpu["residual"] == pytest.approx(100.0 - 8.0 - 2.0)
    assert host.provenance["cpu"] == "counter"


def test_memory_has_a_counter_of_its_own_where_rapl_has_one():
    machine = Machine()
    machine.sample(0, 0, rapl={"package-0": 0, "dram-0": 0})
    machine.sample(1, 0, rapl={"package-0": 9_000_000, "dram-0": 2_000_000})
    host = bill(machine).hosts["host"]
    assert host.joules["total"] == pytest.approx({"cpu": 9.0, "gpu": 0.0, "ram": 2.0})
    assert host.provenance["ram"] == "counter"


def test_gpus_that_nobody_was_charged_for_are_idle():
    machine = Machine(gpus={"GPU-a": "A100", "GPU-b": "A100"})
    machine.sample(0, 0, gpu={"GPU-a": 0, "GPU-b": 0})
    machine.open(1, 0, gpu=1_000)
    machine.close((1, 0), (3, 0), gpu=(1_000, 7_000))
    machine.sample(4, 0, gpu={"GPU-a": 8_000, "GPU-b": 2_000})
    gpu = column(bill(machine).hosts["host"], "gpu")
    assert (gpu["trials"], gpu["idle"], gpu["residual"], gpu["total"]) == (6.0, 4.0, 0.0, 10.0)


def test_a_gpu_that_was_lost_half_way_adds_what_is_known():
    machine = Machine()
    for second, value in enumerate((0, 3_000, None, 9_000)):
        machine.sample(second, 0, gpu={"GPU-a": value})
    assert bill(machine).hosts["host"].joules["total"]["gpu"] == 3.0


def test_a_restarted_meter_leaves_its_gap_to_the_residual():
    machine = Machine()
    machine.sample(0, 0)
    machine.sample(1, 1, other=1)
    machine.restart(3, "m2")
    machine.sample(3, 3, other=0)
    machine.sample(4, 4, other=1)
    cpu = column(bill(machine).hosts["host"], "cpu")
    assert (cpu["other"], cpu["residual"]) == (8.0, 8.0)


def test_time_in_which_the_study_did_not_run_is_not_billed():
    machine = Machine()
    for begin in (0, 5000):
        machine.sample(begin, begin)
        machine.sample(begin + 1, begin + 1)
    assert bill(machine).hosts["host"].seconds == 2.0


def test_counters_of_another_boot_are_others():
    before, after = Machine(boot="first"), Machine(boot="second", meter="m2")
    before.sample(100, 90)
    after.sample(101, 5)
    assert bill(before, after).hosts["host"].seconds == 0.0


def test_a_clock_that_was_set_back_moves_nothing():
    rows = one_trial().rows
    shuffled = [*rows[:2], *rows[4:], *rows[2:4]]
    assert attribute(shuffled, None, Policy()) == attribute(rows, None, Policy())


amounts = st.lists(st.integers(0, 50), min_size=5, max_size=5)


@given(st.lists(amounts, min_size=1, max_size=6), st.integers(0, 30))
def test_a_bill_sums_to_the_hosts_total(steps, charged):
    machine = Machine()
    sums = [0] * 5
    machine.sample(0, 0)
    for second, step in enumerate(steps, start=1):
        sums = [a + b for a, b in zip(sums, step, strict=True)]
        busy, trials, search, platform, other = sums
        machine.sample(second, busy, trials=trials, search=search, platform=platform, other=other)
    machine.open(0, 0)
    machine.close((0, 0), (1, charged))
    for component in ("cpu", "gpu", "ram"):
        found = column(bill(machine).hosts["host"], component)
        total = found.pop("total")
        assert math.fsum(found.values()) == pytest.approx(total, abs=1e-9)
