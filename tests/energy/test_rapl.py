from __future__ import annotations

import pytest

from joulefront.energy.rapl import Rapl


@pytest.fixture
def zone(tmp_path):
    def write(folder, name, energy, wraps_at=262_143_328_850):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "name").write_text(f"{name}\n")
        (tmp_path / folder / "max_energy_range_uj").write_text(f"{wraps_at}\n")
        (tmp_path / folder / "energy_uj").write_text(f"{energy}\n")

    return write


def test_packages_and_memory_by_name(tmp_path, zone):
    zone("intel-rapl:0", "package-0", 10)
    zone("intel-rapl:0:0", "core", 9)
    zone("intel-rapl:0:1", "dram", 3, wraps_at=65_532_610_987)
    zone("intel-rapl:1", "package-1", 20)
    zone("intel-rapl:1:0", "dram", 4)
    zone("intel-rapl:2", "psys", 99)
    zone("intel-rapl-mmio:0", "package-0", 11)
    rapl = Rapl(str(tmp_path))
    assert rapl.read() == {"package-0": 10, "dram-0": 3, "package-1": 20, "dram-1": 4}
    assert rapl.ranges["dram-0"] == 65_532_610_987
    assert rapl.ranges.keys() == rapl.read().keys()


def test_counters_are_raw_and_may_wrap(tmp_path, zone):
    zone("intel-rapl:0", "package-0", 10)
    rapl = Rapl(str(tmp_path))
    zone("intel-rapl:0", "package-0", 4)
    assert rapl.read() == {"package-0": 4}


def test_a_counter_that_cannot_be_read_is_absent(tmp_path, zone):
    zone("intel-rapl:0", "package-0", 10)
    zone("intel-rapl:1", "package-1", "")
    rapl = Rapl(str(tmp_path))
    assert rapl.ranges.keys() == {"package-0"}
    (tmp_path / "intel-rapl:0" / "energy_uj").unlink()
    assert rapl.read() == {}


def test_a_machine_without_it(tmp_path):
    rapl = Rapl(str(tmp_path / "none"))
    assert (rapl.read(), rapl.ranges) == ({}, {})
