from __future__ import annotations

import dataclasses
import json

import pytest

from joulefront.energy import PowerModel, power_model
from joulefront.energy.bundled import cpu_power_table
from joulefront.energy.cpu import Cpu, parse_cpuinfo
from joulefront.energy.power import OVERRIDES, find_tdp, model_of, overridden, plain_name

SERVER = "AMD EPYC 7763 64-Core Processor"


def cpu(name, *, threads=4, per_socket=4, per_core=1, virtual=True):
    return Cpu(
        name=name,
        threads=threads,
        threads_per_socket=per_socket,
        threads_per_core=per_core,
        virtual=virtual,
    )


def test_unknown_virtual_cpu_is_four_watts_a_thread_and_says_so():
    model = model_of(cpu("AMD EPYC", threads=4))
    assert model.tdp_watts == 16.0
    assert model.joules_per_cpu_second == pytest.approx(3.6)
    assert model.idle_watts_per_core == pytest.approx(0.4)
    assert "AMD EPYC is not in CodeCarbon's CPU table" in model.source
    assert "4 W per hardware thread are assumed" in model.source
    assert model.provenance == "modelled"


def test_a_virtual_machine_is_not_charged_the_whole_socket():
    model = model_of(cpu(SERVER, threads=4))
    assert model.tdp_watts == pytest.approx(280.0 * 4 / 128)
    assert model.joules_per_cpu_second == pytest.approx(0.9 * 280.0 / 128)
    assert "64 cores of 2 threads (assumed: the machine is virtual)" in model.source


def test_bare_metal_with_known_cores():
    whole = model_of(cpu(SERVER, threads=256, per_socket=128, per_core=2, virtual=False))
    assert whole.tdp_watts == pytest.approx(560.0)  # two sockets
    single = model_of(cpu(SERVER, threads=64, per_socket=64, per_core=1, virtual=False))
    assert single.joules_per_cpu_second == pytest.approx(0.9 * 280.0 / 64)


def test_bare_metal_without_named_cores_spreads_over_the_socket_s_threads():
    model = model_of(
        cpu(
            "Intel(R) Core(TM) i7-1185G7 @ 3.00GHz",
            threads=8,
            per_socket=8,
            per_core=2,
            virtual=False,
        )
    )
    assert model.tdp_watts == pytest.approx(28.0)
    assert "over the 8 threads of a socket" in model.source


def test_virtual_machine_without_named_cores_is_assumed_and_bounded_by_the_socket():
    name = "Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz"
    few = model_of(cpu(name, threads=4))
    assert few.tdp_watts == 16.0
    assert "300 W per socket" in few.source
    assert "is unknown" in few.source
    many = model_of(cpu(name, threads=100))
    assert many.tdp_watts == pytest.approx(300.0)


@pytest.mark.parametrize(
    ("name", "row"),
    [
        (SERVER, "AMD EPYC 7763"),
        ("Intel(R) Xeon(R) CPU E5-2670 v3 @ 2.30GHz", "Intel Xeon E5-2670 v3"),
        ("Intel(R) Xeon(R) CPU E5-2670 0 @ 2.60GHz", "Intel Xeon E5-2670"),
        ("Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz", "Intel Xeon Platinum 8375C"),
        ("AMD Ryzen 9 5950X 16-Core Processor", "AMD Ryzen 9 5950X"),
    ],
)
def test_names_as_systems_give_them(name, row):
    assert find_tdp(name) == (row, dict(cpu_power_table())[row])


@pytest.mark.parametrize(
    "name",
    ["AMD EPYC", "Intel(R) Xeon(R) CPU @ 2.20GHz", "Intel Xeon Processor (Skylake, IBRS)", "", "9"],
)
def test_names_that_say_too_little(name):
    assert find_tdp(name) is None


def test_every_row_is_found_by_its_own_name_or_refused_never_mistaken():
    table = cpu_power_table()
    powers = {}
    for name, tdp in table:
        powers.setdefault(name, set()).add(tdp)
    sample = table[::331]
    wrong = [
        name for name, _ in sample if (found := find_tdp(name)) and found[1] not in powers[name]
    ]
    assert wrong == []
    assert sum(find_tdp(name) is not None for name, _ in sample) > 0.9 * len(sample)


def test_what_the_study_file_gives_replaces_the_constants_and_stays_modelled():
    model = model_of(cpu("AMD EPYC"))
    given = overridden(model, {"joules_per_cpu_second": 2.5, "ram_watts_per_gib": 0.0})
    assert (given.joules_per_cpu_second, given.ram_watts_per_gib) == (2.5, 0.0)
    assert given.idle_watts_per_core == model.idle_watts_per_core
    assert given.provenance == "modelled"
    assert given.source.startswith(
        "joules_per_cpu_second 2.5, ram_watts_per_gib 0 given in the study file; else AMD EPYC is"
    )


def test_overriding_everything_leaves_no_other_source():
    given = overridden(model_of(cpu("AMD EPYC")), dict.fromkeys(OVERRIDES, 1.0))
    assert given.source.endswith("ram_watts_per_gib 1 given in the study file")


def test_overriding_nothing_changes_nothing():
    model = model_of(cpu("AMD EPYC"))
    assert overridden(model, {}) is model


@pytest.mark.parametrize(
    ("given", "provenance"),
    [({"ram_watts_per_gib": 1.0}, "calibrated"), ({"joules_per_cpu_second": 1.0}, "modelled")],
)
def test_a_given_wattage_of_memory_leaves_a_calibration(given, provenance):
    calibrated = dataclasses.replace(model_of(cpu("AMD EPYC")), provenance="calibrated")
    assert overridden(calibrated, given).provenance == provenance


def test_the_plain_name_has_neither_marks_nor_clock():
    assert plain_name("Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz") == "Intel Xeon Gold 6248"
    assert plain_name(SERVER) == "AMD EPYC 7763"


def test_json_round_trip():
    model = model_of(cpu(SERVER, threads=8))
    assert PowerModel.from_dict(json.loads(json.dumps(model.to_dict()))) == model


def test_this_machine_has_a_model():
    model = power_model()
    assert model.joules_per_cpu_second > 0
    assert model.tdp_watts > 0
    assert model.source


TWO_SOCKETS = "\n\n".join(
    f"processor\t: {i}\nmodel name\t: Some  CPU 1\nphysical id\t: {i // 4}\nsiblings\t: 4\n"
    "cpu cores\t: 2\nflags\t\t: fpu vme"
    for i in range(8)
)


def test_cpuinfo_of_two_sockets():
    assert parse_cpuinfo(TWO_SOCKETS, name="", threads=1) == Cpu(
        name="Some CPU 1", threads=8, threads_per_socket=4, threads_per_core=2, virtual=False
    )


def test_cpuinfo_of_a_virtual_machine():
    text = TWO_SOCKETS.replace("vme", "hypervisor vme")
    assert parse_cpuinfo(text, name="", threads=1).virtual


@pytest.mark.parametrize("text", ["", "processor : 0\nBogoMIPS : 50.00\n\nHardware : board\n"])
def test_cpuinfo_without_a_name(text):
    described = parse_cpuinfo(text, name="", threads=1)
    assert described.name == "unknown CPU"
    assert (described.threads, described.threads_per_socket, described.threads_per_core) == (
        1,
        1,
        1,
    )
