"""A node that is switched off while its trial is mid-step, and another that joins.

Three nodes on one machine: a head without cores, and two that hold a trial each. The study's driver
is a process of its own; what ran where is told by the witnesses' processes and by Ray's raylets.
The mutant's study has no checkpoints to go on from.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from joulefront.bench.faults.driver_kill import finish, study_file, study_process
from joulefront.bench.faults.outside import finished_trials, witnessed
from joulefront.bench.figures import Figure, Rows

_TRIALS = 4
_EPOCHS = 6
_PATIENCE_SECONDS = 120


def observe(full: bool = False) -> list[dict[str, Any]]:
    """Remove a node from under a trial and add one (three times with `full`).

    Returns:
        A row a study: trials that were `lost`, attempts that went on from a checkpoint.
    """
    rows = [_study("joulefront", checkpoints=True) for _ in range(3 if full else 1)]
    rows.append(_study("no_checkpoints", checkpoints=False))
    rows.append(_study("node_is_failure", checkpoints=True, fault="node_is_failure"))
    return [row | {"what": "node_loss"} for row in rows]


def _study(variant: str, *, checkpoints: bool, fault: str | None = None) -> dict[str, Any]:
    from ray.cluster_utils import Cluster

    from joulefront.launch.cluster import _settle_imported_ray, prepare_environment

    prepare_environment()
    _settle_imported_ray(loopback=True)
    cluster = Cluster()
    try:
        cluster.add_node(num_cpus=0)
        leaving = cluster.add_node(num_cpus=1)
        cluster.add_node(num_cpus=1)
        with tempfile.TemporaryDirectory(prefix="joulefront-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            work = {"epochs": _EPOCHS, "busy_seconds": 0.4, "checkpoints": checkpoints}
            each = {"cpus": 1, "max_failures": 0}
            study_file(folder, trials=_TRIALS, fixed=work, per_trial=each)
            process = study_process(folder, {"fault": fault}, "--address", cluster.address)
            struck = _mid_step(folder / "witness", _raylet(leaving))
            cluster.remove_node(leaving, allow_graceful=False)
            cluster.add_node(num_cpus=1)
            finish(folder, process)
            done = len(finished_trials(folder / "study"))
            seen = witnessed(folder / "witness").values()
            resumed = sum(epoch > 0 for trial in seen for epoch in trial.starts)
    finally:
        cluster.shutdown()
    return {"variant": variant, "struck": struck, "lost": _TRIALS - done, "resumed": resumed}


def _raylet(node: Any) -> int:
    """Return the process number of a node's raylet, whose children its workers are."""
    (raylet,) = node.all_processes["raylet"]
    return int(raylet.process.pid)


def _mid_step(books: Path, raylet: int) -> bool:
    """Wait until a trial under that raylet has done two epochs and works on; return whether."""
    import psutil

    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for path in books.glob("*.jsonl"):
            pid, text = int(path.name.split(".")[-2]), path.read_text()
            last = text.rstrip().rpartition("\n")[2]
            if text.count('"what": "epoch"') < 2 or '"sign"' not in last:
                continue
            with suppress(psutil.NoSuchProcess):
                if raylet in (parent.pid for parent in psutil.Process(pid).parents()):
                    return True
        time.sleep(0.02)
    return False


def _sum(column: str) -> Any:
    def statistic(rows: Rows, variant: str) -> float:
        studies = [
            row for row in rows if (row["what"], row.get("variant")) == ("node_loss", variant)
        ]
        known = studies and all(row["struck"] for row in studies)
        return float(sum(row[column] for row in studies)) if known else float("nan")

    return statistic


# fmt: off
FIGURES: tuple[Figure[str], ...] = (
    Figure("node_loss_lost", "a node removed and one added: trials lost", (0, 0),
           _sum("lost"), "joulefront", "takes a lost node for a failure", "node_is_failure"),
    Figure("node_loss_resumed", "the same: attempts that went on from a checkpoint",
           (1, float("inf")), _sum("resumed"), "joulefront", "keeps no checkpoints",
           "no_checkpoints"),
)
# fmt: on
