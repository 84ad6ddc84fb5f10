"""How worker groups end from outside."""

from __future__ import annotations

import time

import pytest

from joulefront.trial._group_ends import remove_orphaned_groups

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_session")]


def test_what_a_dead_actor_has_left_is_removed_and_nothing_of_the_drivers():
    import ray
    from ray.util.placement_group import placement_group, remove_placement_group

    class Maker:
        def make(self) -> str:
            self.group = placement_group([{"CPU": 1}])
            ray.get(self.group.ready())
            return self.group.id.hex()

    drivers = placement_group([{"CPU": 1}])
    ray.get(drivers.ready())
    maker = ray.remote(num_cpus=0)(Maker).remote()
    made = ray.get(maker.make.remote())
    assert remove_orphaned_groups() == 1
    ray.kill(maker)
    deadline = time.monotonic() + 10
    while remove_orphaned_groups():
        assert time.monotonic() < deadline
    states = {name: row["state"] for name, row in ray.util.placement_group_table().items()}
    assert states[made] == "REMOVED" and states[drivers.id.hex()] == "CREATED"
    remove_placement_group(drivers)
