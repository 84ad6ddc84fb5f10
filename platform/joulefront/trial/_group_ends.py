"""How a worker group ends from outside: it is told to, or its creator has died.

Apart from `_group.py`, which needs torch: the driver and trials of a single process do not.
"""

from __future__ import annotations

import time

import ray
from ray._private import state
from ray.core.generated import gcs_pb2
from ray.experimental import internal_kv
from ray.util.placement_group import PlacementGroup, remove_placement_group

_LOOK_SECONDS = 0.1

PROCESS_DIED = "its process died before it could say why"


class RankLost(Exception):
    """The process of a rank has died."""


def stop_group(tune_id: str) -> None:
    """Have the worker group of one of Tune's trials end now."""
    internal_kv._internal_kv_put(_stop_key(tune_id), b"")


def is_told_to_stop(tune_id: str) -> bool:
    """Return whether `stop_group` has been called."""
    return bool(internal_kv._internal_kv_exists(_stop_key(tune_id)))


def forget_stop(tune_id: str) -> bool:
    """Return whether `stop_group` has been called, and forget it."""
    return bool(internal_kv._internal_kv_del(_stop_key(tune_id)))


def remove_orphaned_groups() -> int:
    """Remove the placement groups of this job whose creator has died, and so free their cores.

    Ray keeps them until the job ends, and its own cleaner asks the dashboard, which may not be
    there. A creator that was killed is known to be dead a moment later only.

    Returns:
        How many groups there are whose creator lives.
    """
    living = 0
    own = ray.get_runtime_context().get_job_id()
    for text in state.state._connect_and_get_accessor().get_placement_group_table():
        group = gcs_pb2.PlacementGroupTableData.FromString(text)
        is_held = group.state != gcs_pb2.PlacementGroupTableData.REMOVED
        by_driver = ray.ActorID(group.creator_actor_id).is_nil()  # Tune's own; "dead", to Ray
        if not is_held or by_driver or group.creator_job_id.hex() != own:
            continue
        if group.creator_actor_dead:
            remove_placement_group(PlacementGroup(ray.PlacementGroupID(group.placement_group_id)))
        else:
            living += 1
    return living


def wait_until_groups_have_ended(seconds: float) -> None:
    """Remove what the groups of a study leave that is over, for so long at most."""
    end = time.monotonic() + seconds
    while remove_orphaned_groups() and time.monotonic() < end:
        time.sleep(_LOOK_SECONDS)


def _stop_key(tune_id: str) -> bytes:
    return f"joulefront/stop/{tune_id}".encode()
