from __future__ import annotations

import pytest

from joulefront.energy.gpu_power import GPU_TDP_WATTS, gpu_tdp_watts


@pytest.mark.parametrize(
    ("name", "watts"),
    [
        ("NVIDIA A100-SXM4-80GB", 400.0),
        ("NVIDIA A100-PCIE-40GB", 250.0),
        ("NVIDIA A100 80GB PCIe", 300.0),
        ("NVIDIA H100 80GB HBM3", 700.0),
        ("NVIDIA H100 PCIe", 350.0),
        ("NVIDIA H100 NVL", 400.0),
        ("NVIDIA L40S", 350.0),
        ("Tesla V100-SXM2-16GB", 300.0),
        ("Tesla P100-PCIE-16GB", 250.0),
        ("Tesla T4", 70.0),
        ("NVIDIA GeForce GTX 1080 Ti", 250.0),
        ("NVIDIA GeForce RTX 3090", 350.0),
        ("NVIDIA RTX 6000 Ada Generation", 300.0),
        ("NVIDIA TITAN Xp", 250.0),
    ],
)
def test_names_as_nvml_gives_them(name, watts):
    assert gpu_tdp_watts(name) == watts


@pytest.mark.parametrize(
    "name",
    ["NVIDIA GeForce RTX 3090 Ti", "NVIDIA GeForce RTX 3080 Laptop GPU", "NVIDIA A10G", "L4 L40"],
)
def test_another_product_is_not_mistaken(name):
    assert gpu_tdp_watts(name) is None


def test_every_row_is_found_by_its_own_name():
    assert {row: gpu_tdp_watts(row) for row in GPU_TDP_WATTS} == GPU_TDP_WATTS
