"""Energy counters of whole GPUs, by UUID, through NVML. No power sampling, no shares of a GPU."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any


class GpuCounters:
    """The total energy counters of NVIDIA GPUs (Volta and later); of no GPUs, a null object.

    Args:
        uuids: As NVML names them, "GPU-…"; torch leaves the prefix out, and so may the caller.
    """

    def __init__(self, uuids: Sequence[str]) -> None:
        self._handles: dict[str, Any] = dict.fromkeys(uuids)
        if not uuids:
            return
        try:
            self._nvml = importlib.import_module("pynvml")
            self._nvml.nvmlInit()
        except Exception:  # no package, no driver, no permission: every GPU then reads None
            return
        for uuid in uuids:
            name = uuid if uuid.startswith(("GPU-", "MIG-")) else f"GPU-{uuid}"
            try:
                self._handles[uuid] = self._nvml.nvmlDeviceGetHandleByUUID(name)
            except self._nvml.NVMLError:
                continue

    def read(self) -> dict[str, int | None]:
        """Return millijoules since the driver was loaded by UUID.

        A GPU that cannot be read (no driver, older than Volta, MIG slice, lost) is None, never 0.
        """
        return {uuid: self._millijoules(handle) for uuid, handle in self._handles.items()}

    def _millijoules(self, handle: Any) -> int | None:
        if handle is None:
            return None
        try:
            return int(self._nvml.nvmlDeviceGetTotalEnergyConsumption(handle))
        except self._nvml.NVMLError:
            return None
