from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joulefront.energy import Charge, PowerModel, Reading, Window, attribute, objective_joules

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
    charges = attribute([window], MODEL)
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
    charges = attribute([big], MODEL)
    assert joules(charges, "ram") > 0
    assert joules(charges, "idle") > 0
    assert objective_joules(charges) == 0.0


def test_no_window_costs_nothing():
    assert sum(c.joules for c in attribute([], MODEL)) == 0.0
    assert {c.component for c in attribute([], MODEL)} == {"cpu", "ram", "idle"}


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
def test_a_lost_gpu_degrades_its_charge_and_leaves_no_objective(opened, closed):
    lost = Window(opened=reading(gpu=opened), closed=reading(1.0, 1.0, gpu=closed), cores=1)
    whole = Window(
        opened=reading(gpu={"GPU-a": 0}), closed=reading(1.0, 1.0, gpu={"GPU-a": 7_000}), cores=1
    )
    charges = attribute([whole, lost], MODEL)
    gpu = by_component(charges)["gpu", "GPU-a"]
    assert (gpu.joules, gpu.quality) == (7.0, "degraded")
    assert by_component(charges)["cpu", "cpu"].quality == "good"
    assert math.isnan(objective_joules(charges))


def test_a_cpu_counter_that_fell_back_degrades():
    window = Window(opened=reading(0.0, 3.0), closed=reading(1.0, 2.0), cores=1)
    cpu = by_component(attribute([window], MODEL))["cpu", "cpu"]
    assert (cpu.joules, cpu.quality) == (0.0, "degraded")


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
    whole = attribute([Window(opened=start, closed=end, cores=cores)], MODEL)
    halves = [
        Window(opened=start, closed=middle, cores=cores),
        Window(opened=middle, closed=end, cores=cores),
    ]
    split = attribute(halves, MODEL)
    assert by_component(split).keys() == by_component(whole).keys()
    for key, charge in by_component(whole).items():
        assert by_component(split)[key].joules == pytest.approx(charge.joules, rel=1e-9)
    apart = [objective_joules(attribute([half], MODEL)) for half in halves]
    assert math.fsum(apart) == pytest.approx(objective_joules(whole), rel=1e-9)
    assert attribute(halves[::-1], MODEL) == split


anything = st.builds(
    Reading,
    monotonic_ns=counts,
    cpu_ns=counts,
    gpu_millijoules=st.dictionaries(st.sampled_from(["GPU-a", "GPU-b"]), st.none() | counts),
    memory_bytes=st.integers(0, 2**50),
)


@given(st.lists(st.builds(Window, opened=anything, closed=anything, cores=st.integers(0, 512))))
def test_charges_are_never_negative_and_stand_apart(windows):
    charges = attribute(windows, MODEL)
    assert all(c.joules >= 0.0 and math.isfinite(c.joules) for c in charges)
    keys = [(c.component, c.device) for c in charges]
    assert len(keys) == len(set(keys))
    objective = objective_joules(charges)
    if not math.isnan(objective):
        assert objective == pytest.approx(joules(charges, "cpu") + joules(charges, "gpu"))


def test_provenance_of_the_cpu_is_the_model_s():
    calibrated = PowerModel.from_dict(MODEL.to_dict() | {"provenance": "calibrated"})
    window = Window(opened=reading(), closed=reading(1.0, 1.0), cores=1)
    cpu = by_component(attribute([window], calibrated))["cpu", "cpu"]
    assert cpu.provenance == "calibrated"
