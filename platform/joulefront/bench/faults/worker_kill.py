"""Processes of trials that are killed with SIGKILL while their study runs.

The harness finds them as anybody would: processes that write into a witness's book. A study may
lose each of its trials as often as `max_failures` allows, and has to end with all of them.
"""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

from joulefront.bench.faults.driver_kill import finish, study_file, study_process
from joulefront.bench.faults.outside import finished_trials
from joulefront.bench.figures import Figure, Rows
from joulefront.errors import JoulefrontError

_KILLS = 12
_FULL_KILLS = 50
_KILLS_A_STUDY = 6
_TRIALS = 8


def observe(full: bool = False) -> list[dict[str, Any]]:
    """Kill trials at random instants.

    Returns:
        A row a study: how many processes were killed, how many trials it was to end with and did.
        The mutant's study gives up at the first failure.
    """
    chosen = random.Random(1)
    studies = -(-(_FULL_KILLS if full else _KILLS) // _KILLS_A_STUDY)
    rows = [_study("joulefront", chosen, max_failures=_KILLS_A_STUDY) for _ in range(studies)]
    rows.append(_study("gives_up", chosen, max_failures=0))
    return [row | {"what": "worker_kill"} for row in rows]


def _study(variant: str, chosen: random.Random, *, max_failures: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="joulefront-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        each = {"cpus": 1, "max_failures": max_failures}
        work = {"busy_seconds": 0.3, "epochs": 4}
        study_file(folder, trials=_TRIALS, fixed=work, per_trial=each)
        process = study_process(folder, {})
        killed = 0
        while killed < _KILLS_A_STUDY and process.poll() is None:
            time.sleep(chosen.uniform(0.2, 1.0))
            killed += _kill_one(folder / "witness", chosen)
        row: dict[str, Any] = {"variant": variant, "killed": killed, "trials": _TRIALS}
        try:
            finish(folder, process)
        except JoulefrontError as error:
            row["failed"] = str(error)
        return row | {"completed": len(finished_trials(folder / "study"))}


def _kill_one(books: Path, chosen: random.Random) -> bool:
    """Kill one process whose book is open; return whether there was one."""
    alive = []
    for path in books.glob("*.jsonl"):
        pid = int(path.name.split(".")[-2])
        lines = path.read_text().splitlines()
        if lines and '"end"' not in lines[-1] and _writes_to(pid, path):
            alive.append(pid)
    if not alive:
        return False
    os.kill(chosen.choice(sorted(set(alive))), signal.SIGKILL)
    return True


def _writes_to(pid: int, path: Path) -> bool:
    """Return whether a process has a file open: its number may belong to another one by now."""
    try:
        handles = list(Path(f"/proc/{pid}/fd").iterdir())
        return any(os.path.realpath(handle) == str(path) for handle in handles)
    except OSError:
        return False


def _completed(rows: Rows, variant: str) -> float:
    """Return the share of studies that ended with all their trials, of those that were struck."""
    of = [row for row in rows if (row["what"], row.get("variant")) == ("worker_kill", variant)]
    studies = [row for row in of if row["killed"]]
    whole = [row["completed"] == row["trials"] and "failed" not in row for row in studies]
    return sum(whole) / len(whole) if whole else float("nan")


FIGURES: tuple[Figure[str], ...] = (
    Figure(
        "worker_kill_completed",
        "processes of trials killed: studies that end with all trials",
        (1, 1),
        _completed,
        "joulefront",
        "retries nothing",
        "gives_up",
    ),
)
