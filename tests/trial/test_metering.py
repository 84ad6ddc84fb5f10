from __future__ import annotations

import dataclasses
import math

import pytest

from joulefront.energy import Observed, PowerModel, Reading, Registration, Window
from joulefront.trial.metering import AttemptMeter

S = 1_000_000_000
MODEL = PowerModel(
    joules_per_cpu_second=2.0,
    idle_watts_per_core=1.0,
    ram_watts_per_gib=0.0,
    tdp_watts=10.0,
    source="a test",
)


def at(seconds: float, cpu_seconds: float, **counters: object) -> Reading:
    return Reading(
        monotonic_ns=round(seconds * S),
        cpu_ns=round(cpu_seconds * S),
        **{"gpu_millijoules": {}, "memory_bytes": 0, **counters},
    )


class Host:
    """Remembers what it is told; has seen an actor, and strangers, of a second each."""

    def __init__(self) -> None:
        self.calls: list[object] = []

    def register(self, registration: Registration) -> None:
        self.calls.append("register")

    def window_opened(self, opened: Reading, purpose: str) -> None:
        self.calls.append(f"open {purpose}")

    def observe(self, since_ns: int) -> Observed:
        self.calls.append(f"observe {since_ns / S:g}")
        return Observed(actors_cpu_ns=S, foreign_cpu_ns=S, coverage=1.0)

    def window_closed(self, window: Window, purpose: str) -> None:
        self.calls.append(f"close {purpose}")

    def closed(self, window: Window) -> None:
        self.calls.append("closed")


class Counters:
    def __init__(self, readings: list[Reading]) -> None:
        self.readings = iter(readings)

    def read(self) -> Reading:
        return next(self.readings)


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def meter_of(host: Host):
    def make(*readings: Reading, **changes: object) -> AttemptMeter:
        registration = Registration(
            study="",
            trial_id="c0000-f0-s0",
            attempt=1,
            rank=0,
            pid=1,
            started=1,
            cores=2,
            called=at(0, 0),
        )
        registration = dataclasses.replace(registration, **changes)
        return AttemptMeter(Counters(list(readings)), MODEL, registration, host=host, host_name="h")

    return make


def joules(rows) -> dict[str, float]:
    return {row.component: row.joules for row in rows}


def test_setup_and_inference_are_beside_the_training(meter_of, host) -> None:
    meter = meter_of(at(0.1, 1), at(0.6, 4), at(0.7, 5), at(0.8, 6), at(0.9, 9))
    with meter.window():
        pass
    with meter.inference(samples=4):
        pass
    found = joules(meter.final_charges())
    assert found["cpu"] == pytest.approx(6) and found["inference"] == pytest.approx(2)
    assert found["setup"] == pytest.approx(18 - 6 - 2)
    assert meter.inference_joules_per_sample() == pytest.approx(0.5)
    assert host.calls == [
        "register",
        *("open training", "close training"),
        *("open inference", "close inference"),
        "closed",
    ]


def test_the_host_is_asked_when_a_long_window_closes(meter_of, host) -> None:
    meter = meter_of(at(1, 1), at(3, 3), at(3.1, 3.1), at(3.2, 3.2), at(3.5, 3.5))
    with meter.window():
        pass
    with meter.window():
        pass
    found = joules(meter.final_charges())
    assert [call for call in host.calls if "observe" in call] == ["observe 1", "observe 0"]
    assert found["cpu"] == pytest.approx(2 * (2 + 1 + 0.1))  # with the actor, and the second window
    assert meter.foreign_share() == pytest.approx(1 / 2.1)


def test_nobody_is_asked_again_about_what_the_windows_have_told(meter_of, host) -> None:
    meter = meter_of(at(0.4, 1), at(3, 3), at(3.5, 3.5))
    with meter.window():
        pass
    meter.close()
    assert [call for call in host.calls if "observe" in call] == ["observe 0.4"]


def test_reports_ask_every_five_seconds_and_remember_the_answer(meter_of, host) -> None:
    meter = meter_of(*(at(t, 0) for t in (0.5, 1, 6, 7, 8, 12, 13)))
    with meter.window():
        costs = [joules(meter.charges())["cpu"] for _ in range(5)]
    asked = [call for call in host.calls if "observe" in call]
    assert costs == [0, 2, 2, 2, 2]  # joules of the actor
    assert asked == ["observe 0.5"] * 3  # at 6, at 12 and at its end


def test_what_was_seen_of_one_window_is_not_charged_to_the_next(meter_of) -> None:
    meter = meter_of(at(0, 0), at(2, 0), at(3, 0), at(3.5, 0))
    with meter.window():
        pass
    with meter.window():
        pass
    assert [window.observed.actors_cpu_ns for window in meter._windows["training"]] == [S, 0]


def test_an_attempt_ends_once(meter_of, host) -> None:
    meter = meter_of(at(0.5, 1))
    assert meter.close() is meter.close()
    assert host.calls == ["register", "closed"]
    assert joules(meter.final_charges())["cpu"] == pytest.approx(2)


def test_a_window_ends_even_if_training_fails(meter_of, host) -> None:
    meter = meter_of(at(0.1, 0), at(0.2, 1), at(0.3, 1))
    with pytest.raises(ValueError), meter.window():
        raise ValueError
    assert joules(meter.final_charges())["cpu"] == pytest.approx(2)
    assert host.calls[-2:] == ["close training", "closed"]


def test_degradations_are_those_of_the_training(meter_of) -> None:
    quiet, waiting = {"wait_ns": 0}, {"wait_ns": S}
    readings = at(0.1, 1, **quiet), at(0.2, 2, **quiet), at(0.3, 3, **waiting)
    meter = meter_of(*readings)
    with meter.window():
        pass
    meter.close()
    assert meter.degradations() == ()
    assert meter_of(*readings, oversubscribed=True).degradations() == ("oversubscribed",)


def test_a_lost_gpu_counter_is_known_in_part_only(meter_of) -> None:
    seen, lost = {"gpu_millijoules": {"GPU-a": 1000}}, {"gpu_millijoules": {"GPU-a": None}}
    meter = meter_of(at(0.1, 1, **seen), at(0.2, 2, **lost), at(0.3, 3, **lost))
    with meter.inference(1):
        pass
    charges = meter.final_charges()
    assert {row.component: row.known for row in charges if row.device == "GPU-a"} == {"gpu": False}
    assert meter.degradations() == ("counter lost",)
    assert math.isnan(meter.inference_joules_per_sample())


def test_a_share_of_a_gpu_is_marked(meter_of) -> None:
    def gpu(millijoules: int) -> dict[str, object]:
        return {"gpu_millijoules": {"GPU-a": millijoules}}

    meter = meter_of(
        at(0.5, 1, **gpu(9000)), gpu_shares={"GPU-a": 0.5}, called=at(0, 0, **gpu(1000))
    )
    (charge,) = (row for row in meter.final_charges() if row.component == "gpu")
    assert charge.shared and charge.joules == pytest.approx(4)
