"""Thermal design power of GPUs, to say in words what one may draw that has no energy counter.

Nothing is charged by it.
"""

from __future__ import annotations

GPU_TDP_WATTS = {  # of the board, from NVIDIA's datasheets
    "A2": 60.0,
    "A10": 150.0,
    "A30": 165.0,
    "A40": 300.0,
    "A100 PCIe 40GB": 250.0,
    "A100 PCIe 80GB": 300.0,
    "A100 SXM4": 400.0,
    "B200": 1000.0,
    "GTX 1080 Ti": 250.0,
    "H100 HBM3": 700.0,
    "H100 NVL": 400.0,
    "H100 PCIe": 350.0,
    "H200": 700.0,
    "L4": 72.0,
    "L40": 300.0,
    "L40S": 350.0,
    "P4": 75.0,
    "P40": 250.0,
    "P100 PCIe": 250.0,
    "P100 SXM2": 300.0,
    "RTX 2080 Ti": 250.0,
    "RTX 3080": 320.0,
    "RTX 3090": 350.0,
    "RTX 4090": 450.0,
    "RTX 5090": 575.0,
    "RTX 6000 Ada": 300.0,
    "RTX A6000": 300.0,
    "T4": 70.0,
    "TITAN RTX": 280.0,
    "TITAN V": 250.0,
    "TITAN Xp": 250.0,
    "V100 PCIe": 250.0,
    "V100 SXM2": 300.0,
}
_NOISE = {"nvidia", "tesla", "geforce", "graphics", "generation"}


def gpu_tdp_watts(name: str) -> float | None:
    """Return the power of a GPU by the name that NVML gives it; None if it is not in the table.

    All words must be known: "RTX 3090 Ti" is no "RTX 3090". Sizes of memory may be missing in
    the table.
    """
    words = set(name.lower().replace("-", " ").split()) - _NOISE
    for row, watts in GPU_TDP_WATTS.items():
        known = set(row.lower().split())
        if known <= words and all(word.endswith("gb") for word in words - known):
            return watts
    return None
