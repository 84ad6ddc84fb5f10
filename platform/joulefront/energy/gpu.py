"""Energy counters of GPUs by UUID, through NVML. No power sampling.

A MIG slice has no counter of its own: it reads that of the whole device, and says which share of
it the slice is.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any, NamedTuple

_MIG = "MIG-"


class _Device(NamedTuple):
    """What can be read: a whole device, and how much of it was asked for."""

    handle: Any
    share: float


class GpuCounters:
    """The total energy counters of NVIDIA GPUs (Volta and later); of no GPUs, a null object.

    A GPU that is lost, or not there yet, is looked up again at each reading.

    Args:
        uuids: As NVML names them, "GPU-…" or "MIG-…"; torch leaves the prefix of a whole device
            out, and so may the caller.
    """

    def __init__(self, uuids: Sequence[str]) -> None:
        self._uuids = tuple(uuids)
        self._nvml = _load() if self._uuids else None
        self._devices: dict[str, _Device] = {}

    def read(self) -> dict[str, int | None]:
        """Return millijoules since the driver was loaded by UUID.

        A GPU that cannot be read (no driver, older than Volta, lost) is None, never 0; so is a
        slice whose share of its device is not told.
        """
        return {uuid: self._millijoules(uuid) for uuid in self._uuids}

    def shares(self) -> dict[str, float]:
        """Return the share of each slice in its device, by multiprocessors; whole GPUs are absent.

        A slice that cannot be read is absent too.
        """
        self.read()
        return {
            uuid: device.share for uuid, device in self._devices.items() if uuid.startswith(_MIG)
        }

    def _millijoules(self, uuid: str) -> int | None:
        if self._nvml is None:
            return None
        try:
            if uuid not in self._devices:
                self._devices[uuid] = _device(self._nvml, uuid)
            handle = self._devices[uuid].handle
            return int(self._nvml.nvmlDeviceGetTotalEnergyConsumption(handle))
        except self._nvml.NVMLError:
            self._devices.pop(uuid, None)
            return None


def gpu_names() -> dict[str, str]:
    """Return the name of each whole GPU of this host by UUID; nothing without NVML."""
    nvml = _load()
    if nvml is None:
        return {}
    try:
        nvml.nvmlInit()
        handles = [nvml.nvmlDeviceGetHandleByIndex(i) for i in range(nvml.nvmlDeviceGetCount())]
        return {nvml.nvmlDeviceGetUUID(h): nvml.nvmlDeviceGetName(h) for h in handles}
    except nvml.NVMLError:
        return {}


def _load() -> Any:
    try:
        return importlib.import_module("pynvml")
    except ImportError:
        return None


def _device(nvml: Any, uuid: str) -> _Device:
    nvml.nvmlInit()  # again: the driver may have been loaded meanwhile
    handle = nvml.nvmlDeviceGetHandleByUUID(
        uuid if uuid.startswith(("GPU-", _MIG)) else f"GPU-{uuid}"
    )
    if not uuid.startswith(_MIG):
        return _Device(handle, 1.0)
    whole = nvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(handle)
    slice_size = nvml.nvmlDeviceGetAttributes_v2(handle).multiprocessorCount
    return _Device(whole, slice_size / _largest_slice(nvml, whole))


def _largest_slice(nvml: Any, handle: Any) -> int:
    """Return the multiprocessors of the slice that is the whole device, as MIG divides it up."""
    sizes = []
    for profile in range(nvml.NVML_GPU_INSTANCE_PROFILE_COUNT):
        try:
            info = nvml.nvmlDeviceGetGpuInstanceProfileInfo(handle, profile)
        except nvml.NVMLError:
            continue  # a device has some of the profiles
        sizes.append(info.multiprocessorCount)
    if not sizes:
        raise nvml.NVMLError(nvml.NVML_ERROR_NOT_SUPPORTED)
    return int(max(sizes))
