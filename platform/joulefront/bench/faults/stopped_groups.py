"""What worker groups of stopped trials leave behind on a cluster that outlives the study.

Ray has left controllers, placement groups and memory there (ray#54305, #65443). The study runs on
a head node that stays up; what is counted before and after it, once all has had time to end, are
the kernel's processes below the head's and Ray's own tables. The host's meter stays by design, for
ten minutes: it is one process and one actor, and is not counted.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from joulefront.bench.faults.driver_kill import finish, study_file, study_process
from joulefront.bench.faults.outside import stored_rows
from joulefront.bench.figures import Figure, Rows

_TRIALS = 12
_FULL_TRIALS = 60  # of which the rule stops 50 or so
_SECONDS_A_TRIAL = 30.0  # at most
_SETTLING_SECONDS = 15.0


def observe(full: bool = False) -> list[dict[str, Any]]:
    """Run a study most of whose groups are stopped, and count what they leave.

    Returns:
        A row: how many trials were stopped; processes, actors, placement groups and bytes of
        resident memory on the head beyond those before.
    """
    import ray
    from ray.cluster_utils import Cluster

    from joulefront.launch.cluster import _settle_imported_ray, prepare_environment

    prepare_environment()
    _settle_imported_ray(loopback=True)
    cluster = Cluster()
    try:
        head = cluster.add_node(num_cpus=2)
        ray.init(address=cluster.address, log_to_driver=False)
        raylet = head.all_processes["raylet"][0].process.pid
        gcs = head.all_processes["gcs_server"][0].process.pid
        with tempfile.TemporaryDirectory(prefix="joulefront-", ignore_cleanup_errors=True) as name:
            before = _counted(raylet, gcs)
            folder = Path(name)
            trials = _FULL_TRIALS if full else _TRIALS
            study_file(
                folder,
                trials=trials,
                fixed={"epochs": 8, "busy_seconds": 0.05},
                per_trial={"cpus": 1, "workers": 1},
                stopping={"rule": "successive_halving", "min_epochs": 1, "reduction": 8},
            )
            process = study_process(folder, {}, "--address", cluster.address)
            finish(folder, process, _SECONDS_A_TRIAL * trials)
            time.sleep(_SETTLING_SECONDS)
            after = _counted(raylet, gcs)
            rows = stored_rows(folder / "study", "trials")
        stopped = sum(row["kind"] == "end" and row["state"] == "pruned" for row in rows)
    finally:
        ray.shutdown()
        cluster.shutdown()
    left = {name: after[name] - before[name] for name in before if name != "names"}
    row = {"what": "stopped_groups", "variant": "joulefront", "stopped": stopped}
    return [row | left | {"actor_names": after["names"]}]


def _counted(raylet: int, gcs: int) -> dict[str, Any]:
    from ray._private import state
    from ray.util import placement_group_table

    alive = [a["ActorClassName"] for a in state.actors().values() if a["State"] != "DEAD"]
    groups = [group for group in placement_group_table().values() if group["state"] != "REMOVED"]
    workers = psutil.Process(raylet).children(recursive=True)
    busy = [worker for worker in workers if _is_kept(worker)]
    head = [psutil.Process(pid) for pid in (raylet, gcs)]
    return {
        "processes": len(busy),
        "names": sorted(alive),
        "actors": sum(name != "Meter" for name in alive),
        "placement_groups": len(groups),
        "bytes": sum(process.memory_info().rss for process in head),
    }


def _is_kept(worker: psutil.Process) -> bool:
    """Return whether a process of Ray's serves somebody other than the host's meter."""
    try:
        name = " ".join(worker.cmdline())
    except psutil.Error:
        return False
    return name.startswith("ray::") and not name.startswith(("ray::IDLE", "ray::Meter"))


def _left(column: str) -> Callable[[Rows, str], float]:
    def statistic(rows: Rows, variant: str) -> float:
        of = [
            row for row in rows if (row["what"], row.get("variant")) == ("stopped_groups", variant)
        ]
        return float(of[0][column]) if of else float("nan")

    return statistic


# fmt: off
FIGURES: tuple[Figure[str], ...] = (
    Figure("stopped_groups", "worker groups that were stopped on a lasting cluster", None,
           _left("stopped"), "joulefront"),
    Figure("stopped_groups_processes", "processes that they left", None,
           _left("processes"), "joulefront"),
    Figure("stopped_groups_actors", "actors that they left alive", None,
           _left("actors"), "joulefront"),
    Figure("stopped_groups_placement", "placement groups that they left", None,
           _left("placement_groups"), "joulefront"),
    Figure("stopped_groups_bytes", "bytes by which raylet and GCS grew", None,
           _left("bytes"), "joulefront"),
)
# fmt: on
