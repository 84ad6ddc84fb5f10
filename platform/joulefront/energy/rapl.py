"""RAPL's energy counters of CPU packages and their memory, raw. What they cost is known elsewhere.

They wrap around every few minutes or hours. On most systems only root may read them: what cannot
be read is absent.
"""

from __future__ import annotations

from pathlib import Path

POWERCAP = "/sys/class/powercap"


class Rapl:
    """The counters of this machine; a null object where it has none.

    Cores are left out, which their package counts, and so is "psys", which counts everything.

    Args:
        powercap: The kernel's folder of power zones.

    Attributes:
        ranges: Where each counter wraps around, in microjoules, by domain: "package-0", "dram-0".
    """

    def __init__(self, powercap: str = POWERCAP) -> None:
        self._files: dict[str, Path] = {}
        self.ranges: dict[str, int] = {}
        for zone in sorted(Path(powercap).glob("intel-rapl:*")):
            try:
                domain = _domain(zone)
                wraps_at = int((zone / "max_energy_range_uj").read_text("ascii"))
                int((zone / "energy_uj").read_text("ascii"))
            except (OSError, ValueError):
                continue
            if domain:
                self._files[domain] = zone / "energy_uj"
                self.ranges[domain] = wraps_at

    def read(self) -> dict[str, int]:
        """Return microjoules by domain; one that cannot be read any more is absent."""
        found = {}
        for domain, file in self._files.items():
            try:
                found[domain] = int(file.read_text("ascii"))
            except (OSError, ValueError):
                continue
        return found


def _domain(zone: Path) -> str:
    """Return "package-0" or "dram-0" for "intel-rapl:0" and its part "intel-rapl:0:2"; else ""."""
    name = (zone / "name").read_text("ascii").strip()
    if name.startswith("package"):
        return name
    if name != "dram":
        return ""
    package = (zone.parent / zone.name.rpartition(":")[0] / "name").read_text("ascii").strip()
    return package.replace("package", "dram")
