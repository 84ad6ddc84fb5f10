"""How many trials may run at once: as the study says, or as many as the nodes there are hold.

A node that has had notice to leave holds nothing any more. Worker groups are never more than fit:
one that waits for its processes would hold up the trial that it belongs to, and Ray Train gives up
after a minute. Where nothing fits, one trial may run all the same: it waits for a node to join.
"""

from __future__ import annotations

import time

from joulefront.launch.resources import Resources

_LOOK_SECONDS = 2.0  # between two looks at the cluster; one takes 0.6 ms


class ClusterSlots:
    """Slots of the connected cluster, as many as there are when it is asked.

    Args:
        each: What a trial reserves.
        concurrent: What the study asks for; None for as many as fit.
    """

    def __init__(self, each: Resources, concurrent: int | None) -> None:
        self._each = each
        self._concurrent = concurrent
        self._looked = -_LOOK_SECONDS
        self._fitting = 1

    def __call__(self) -> int:
        """Return how many trials may run at once, at least 1."""
        if self._concurrent is not None and not self._each.is_group:
            return self._concurrent
        if time.monotonic() - self._looked >= _LOOK_SECONDS:
            self._fitting = self._each.fitting(node_sizes())
            self._looked = time.monotonic()
        return min(self._fitting, self._concurrent or self._fitting)


def node_sizes() -> list[tuple[float, float]]:
    """Return the CPUs and GPUs of each node that may begin a trial."""
    import ray

    from joulefront.trial._nodes import leaving_nodes

    leaving = leaving_nodes()
    nodes = [node for node in ray.nodes() if node["Alive"] and node["NodeID"] not in leaving]
    return [
        (node["Resources"].get("CPU", 0.0), node["Resources"].get("GPU", 0.0)) for node in nodes
    ]
