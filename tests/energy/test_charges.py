from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joulefront.energy import (
    Charge,
    Observed,
    PowerModel,
    Reading,
    Window,
    charge_attempt,
    charge_windows,
    objective_joules,
)

MODEL = PowerModel(
    joules_per_cpu_second=3.6,
    idle_watts_per_core=0.4,
    ram_watts_per_gib=0.375,
    tdp_watts=16.0,
    source="made up",
)
GIB = 1024**3


def reading(seconds=0.0, cpu=0.0, gpu=None, memory=GIB):
    return Reading(
        monotonic_ns=round(seconds * 1e9),
        cpu_ns=round(cpu * 1e9),
        gpu_millijoules=gpu or {},
        memory_bytes=memory,
    )


def by_component(charges):
    return {(c.component, c.device): c for c in charges}


def joules(charges, component):
    return math.fsum(c.joules for c in charges if c.component == component)


def test_known_window():
    window = Window(
        opened=reading(10.0, 5.0, {"GPU-a": 1_000}, memory=GIB),
        closed=reading(14.0, 11.0, {"GPU-a": 251_000}, memory=3 * GIB),
        cores=2,
    )
    charges = charge_windows([window], MODEL)
    assert by_component(charges) == {
        ("cpu", "cpu"): Charge(
            component="cpu", device="cpu", joules=pytest.approx(21.6), provenance="modelled"
        ),
        ("gpu", "GPU-a"): Charge(
            component="gpu", device="GPU-a", joules=pytest.approx(250.0), provenance="counter"
        ),
        ("ram", "ram"): Charge(
            component="ram", device="ram", joules=pytest.approx(3.0), provenance="constant"
        ),
        ("idle", "cpu"): Charge(
            component="idle", device="cpu", joules=pytest.approx(3.2), provenance="constant"
        ),
    }
    assert objective_joules(charges) == pytest.approx(271.6)


def test_ram_and_idle_are_never_part_of_the_objective():
    big = Window(opened=reading(memory=GIB), closed=reading(1e4, memory=900 * GIB), cores=64)
    charges = charge_windows([big], MODEL)
    assert joules(charges, "ram") > 0
    assert joules(charges, "idle") > 0
    assert objective_joules(charges) == 0.0


def test_no_window_costs_nothing():
    assert sum(c.joules for c in charge_windows([], MODEL)) == 0.0
    assert {c.component for c in charge_windows([], MODEL)} == {"cpu", "ram", "idle"}


@pytest.mark.parametrize(
    ("opened", "closed"),
    [
        ({"GPU-a": 5}, {"GPU-a": None}),
        ({"GPU-a": 5}, {}),
        ({"GPU-a": None}, {"GPU-a": 5}),
        ({"GPU-a": None}, {"GPU-a": None}),
        ({"GPU-a": 5}, {"GPU-a": 4}),
    ],
)
def test_a_lost_gpu_is_not_known_and_leaves_no_objective(opened, closed):
    lost = Window(opened=reading(gpu=opened), closed=reading(1.0, 1.0, gpu=closed), cores=1)
    whole = Window(
        opened=reading(gpu={"GPU-a": 0}), closed=reading(1.0, 1.0, gpu={"GPU-a": 7_000}), cores=1
    )
    charges = charge_windows([whole, lost], MODEL)
    gpu = by_component(charges)["gpu", "GPU-a"]
    assert (gpu.joules, gpu.known) == (7.0, False)
    assert by_component(charges)["cpu", "cpu"].known
    assert math.isnan(objective_joules(charges))


def test_a_cpu_counter_that_fell_back_is_not_known():
    window = Window(opened=reading(0.0, 3.0), closed=reading(1.0, 2.0), cores=1)
    cpu = by_component(charge_windows([window], MODEL))["cpu", "cpu"]
    assert (cpu.joules, cpu.known) == (0.0, False)


counts = st.integers(0, 10**15)
steps = st.tuples(counts, counts, counts, counts)


def reading_after(parts):
    time, cpu, gpu, other = (sum(column) for column in zip(*parts, strict=True))
    return Reading(
        monotonic_ns=time,
        cpu_ns=cpu,
        gpu_millijoules={"GPU-a": gpu, "GPU-b": other},
        memory_bytes=GIB,
    )


@given(before=steps, first=steps, second=steps, cores=st.integers(1, 512))
def test_a_window_split_in_two_costs_the_same(before, first, second, cores):
    start, middle, end = (
        reading_after(parts) for parts in ([before], [before, first], [before, first, second])
    )
    whole = charge_windows([Window(opened=start, closed=end, cores=cores)], MODEL)
    halves = [
        Window(opened=start, closed=middle, cores=cores),
        Window(opened=middle, closed=end, cores=cores),
    ]
    split = charge_windows(halves, MODEL)
    assert by_component(split).keys() == by_component(whole).keys()
    for key, charge in by_component(whole).items():
        assert by_component(split)[key].joules == pytest.approx(charge.joules, rel=1e-9)
    apart = [objective_joules(charge_windows([half], MODEL)) for half in halves]
    assert math.fsum(apart) == pytest.approx(objective_joules(whole), rel=1e-9)
    assert charge_windows(halves[::-1], MODEL) == split


anything = st.builds(
    Reading,
    monotonic_ns=counts,
    cpu_ns=counts,
    gpu_millijoules=st.dictionaries(st.sampled_from(["GPU-a", "GPU-b"]), st.none() | counts),
    memory_bytes=st.integers(0, 2**50),
)


@given(st.lists(st.builds(Window, opened=anything, closed=anything, cores=st.integers(0, 512))))
def test_charges_are_never_negative_and_stand_apart(windows):
    charges = charge_windows(windows, MODEL)
    assert all(c.joules >= 0.0 and math.isfinite(c.joules) for c in charges)
    keys = [(c.component, c.device) for c in charges]
    assert len(keys) == len(set(keys))
    objective = objective_joules(charges)
    if not math.isnan(objective):
        assert objective == pytest.approx(joules(charges, "cpu") + joules(charges, "gpu"))


def test_provenance_of_the_cpu_is_the_model_s():
    calibrated = PowerModel.from_dict(MODEL.to_dict() | {"provenance": "calibrated"})
    window = Window(opened=reading(), closed=reading(1.0, 1.0), cores=1)
    cpu = by_component(charge_windows([window], calibrated))["cpu", "cpu"]
    assert cpu.provenance == "calibrated"


def test_actors_of_the_trial_are_charged_to_it():
    window = Window(
        opened=reading(),
        closed=reading(3.0, 0.5),
        cores=1,
        observed=Observed(actors_cpu_ns=2_500_000_000),
    )
    assert by_component(charge_windows([window], MODEL))["cpu", "cpu"].joules == pytest.approx(10.8)


def test_the_meters_proportional_memory_wins():
    observed = Observed(memory_bytes=GIB // 2)
    window = Window(opened=reading(), closed=reading(8.0), cores=1, observed=observed)
    assert by_component(charge_windows([window], MODEL))["ram", "ram"].joules == pytest.approx(1.5)


def test_a_share_of_a_device_is_charged_as_a_share_and_says_so():
    window = Window(
        opened=reading(gpu={"GPU-a": 0}),
        closed=reading(1.0, gpu={"GPU-a": 8_000}),
        cores=1,
        gpu_shares={"GPU-a": 0.25},
    )
    gpu = by_component(charge_windows([window], MODEL))["gpu", "GPU-a"]
    assert (gpu.joules, gpu.shared) == (2.0, True)


def test_a_scaled_gpu_is_normalised():
    model = PowerModel.from_dict(MODEL.to_dict() | {"gpu_scale": 0.5})
    window = Window(opened=reading(gpu={"GPU-a": 0}), closed=reading(gpu={"GPU-a": 8_000}), cores=1)
    gpu = by_component(charge_windows([window], model))["gpu", "GPU-a"]
    assert (gpu.joules, gpu.provenance) == (4.0, "normalised")


def window_of(begin, end, actors=0.0):
    """From (seconds, CPU-seconds) to the same."""
    observed = Observed(actors_cpu_ns=round(actors * 1e9))
    return Window(opened=reading(*begin), closed=reading(*end), cores=1, observed=observed)


def test_an_attempt_is_its_windows_and_what_lies_outside():
    call = window_of((0, 0), (10, 9))
    training = [window_of((1, 1), (4, 4)), window_of((5, 4.5), (6, 5.5))]
    inference = [window_of((7, 6), (8, 7))]
    charges = charge_attempt(call, training, inference, MODEL)
    seconds = {name: joules(charges, name) / 3.6 for name in ("cpu", "inference", "setup")}
    assert seconds == pytest.approx({"cpu": 4.0, "inference": 1.0, "setup": 4.0})
    assert joules(charges, "ram") == pytest.approx(4.0 * 0.375)
    assert objective_joules(charges) == pytest.approx(4.0 * 3.6)


def test_an_attempt_without_windows_is_charged_as_a_whole():
    charges = charge_attempt(window_of((0, 0), (10, 9)), [], [window_of((7, 6), (8, 7))], MODEL)
    assert charges == charge_windows([window_of((0, 0), (10, 9))], MODEL)


def test_actors_outside_of_the_windows_are_set_up():
    call = window_of((0, 0), (10, 2), actors=5.0)
    charges = charge_attempt(call, [window_of((1, 0), (9, 2), actors=3.0)], [], MODEL)
    assert joules(charges, "cpu") / 3.6 == pytest.approx(5.0)
    assert joules(charges, "setup") / 3.6 == pytest.approx(2.0)


def test_a_call_that_nobody_observed_still_has_the_actors_of_its_windows():
    call = window_of((0, 0), (10, 2))
    charges = charge_attempt(call, [window_of((1, 0), (9, 1), actors=3.0)], [], MODEL)
    assert joules(charges, "setup") / 3.6 == pytest.approx(1.0)


cuts = st.lists(st.integers(0, 10**12), min_size=4, max_size=4).map(sorted)


@given(times=cuts, cpus=cuts)
def test_nothing_of_an_attempt_is_lost_or_counted_twice(times, cpus):
    a, b, c, d = (
        Reading(monotonic_ns=t, cpu_ns=n, gpu_millijoules={"GPU-a": n}, memory_bytes=GIB)
        for t, n in zip(times, cpus, strict=True)
    )
    whole = Window(opened=a, closed=d, cores=1)
    inside = Window(opened=b, closed=c, cores=1)
    parts = charge_attempt(whole, [inside], [], MODEL)
    dynamic = math.fsum(c.joules for c in parts if c.component in ("cpu", "gpu", "setup"))
    assert dynamic == pytest.approx(objective_joules(charge_windows([whole], MODEL)), abs=1e-3)
