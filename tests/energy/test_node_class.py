from __future__ import annotations

import pytest

from joulefront.energy.cpu import Cpu
from joulefront.energy.node_class import class_of, node_class


def cpu(name, *, per_core=1, virtual=False, threads=4):
    return Cpu(
        name=name,
        threads=threads,
        threads_per_socket=threads,
        threads_per_core=per_core,
        virtual=virtual,
    )


GOLD = "Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz"
A100 = "NVIDIA A100-SXM4-40GB"


@pytest.mark.parametrize(
    ("machine", "gpus", "expected"),
    [
        (cpu("AMD EPYC", virtual=True), [], "AMD EPYC (virtual)"),
        (cpu(GOLD), [], "Intel Xeon Gold 6248"),
        (
            cpu(GOLD, per_core=2),
            [A100] * 4,
            "Intel Xeon Gold 6248, 2 threads a core, 4 x NVIDIA A100-SXM4-40GB",
        ),
        (cpu("arm64"), ["b", "a", "b"], "arm64, 1 x a, 2 x b"),
        (
            cpu("Intel(R) Xeon(R) CPU @ 2.20GHz", virtual=True),
            [],
            "Intel Xeon @ 2.20GHz (virtual)",
        ),
    ],
)
def test_classes(machine, gpus, expected):
    assert class_of(machine, gpus) == expected


def test_the_number_of_threads_lent_makes_no_class():
    assert class_of(cpu("AMD EPYC", threads=2)) == class_of(cpu("AMD EPYC", threads=64))


def test_the_order_of_devices_makes_no_class():
    assert class_of(cpu(GOLD), ["a", "b"]) == class_of(cpu(GOLD), ["b", "a"])


def test_this_machine_has_one():
    assert node_class()
    assert node_class([A100]).endswith(f"1 x {A100}")
