"""What the ledgers of the bench's studies say, beside what its own clock says of the same time.

`python -m joulefront.bench.energy.ledgers STUDY` prints a digest of a ledger's bill.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from joulefront.bench.energy.host_clock import HostClock
from joulefront.energy import Policy, PowerModel, Row, attribute
from joulefront.energy.ledger import Sample
from joulefront.store import StudyStore

_NS = 1e-9
_MEASURED = ("trials", "search", "platform", "other")


def read_ledger(study: Path) -> list[Row]:
    """Return the rows of a study's ledger."""
    return [Row.from_columns(row) for row in StudyStore.open(study).read("ledger").to_pylist()]


def bill_row(study: Path, clock: HostClock, model: PowerModel) -> dict[str, Any]:
    """Observe a whole ledger: CPU-seconds by account, and of the host; replayed twice."""
    ledger = read_ledger(study)
    (bill,) = attribute(ledger, None, Policy()).hosts.values()
    times = [row.monotonic_ns for row in ledger if row.kind == "sample"]
    cpu = {name: bill.joules[name]["cpu"] / model.joules_per_cpu_second for name in _MEASURED}
    stamped = [digest(ledger, str(time.time_ns())) for _ in range(2)]
    return {
        "situation": "ledger",
        "study": study.name,
        "seconds": (times[-1] - times[0]) * _NS,
        "accounts": cpu,
        "busy": clock.busy_seconds(times[0], times[-1]),
        "identical": len({digest(ledger), *(_digest_elsewhere(study, seed) for seed in "12")}) == 1,
        "identical_stamped": len(set(stamped)) == 1,
    }


def live_row(
    situation: str, ledger: Sequence[Row], trials: Sequence[Mapping[str, Any]], clock: HostClock
) -> dict[str, Any]:
    """Observe the time in which some trials had their windows open: CPU-seconds by account."""
    opened_ns = min(row["opened_ns"] for row in trials)
    closed_ns = max(row["closed_ns"] for row in trials)
    rows = [row for row in ledger if row.kind == "sample"]
    samples = [Sample.from_dict(row.details) for row in rows]
    times = [row.monotonic_ns for row in rows]
    accounts = {"trials": sum(row["charged"] for row in trials)}
    for name in ("search", "platform", "other"):
        counts = [getattr(sample, f"{name}_ns") * _NS for sample in samples]
        begin, end = np.interp([opened_ns, closed_ns], times, counts)
        accounts[name] = float(end - begin)
    return {
        "situation": situation,
        "seconds": (closed_ns - opened_ns) * _NS,
        "accounts": accounts,
        "truth": sum(row["truth"] for row in trials),
        "busy": clock.busy_seconds(opened_ns, closed_ns),
    }


def process_row(
    name: str,
    ledger: Sequence[Row],
    begin: tuple[int, Mapping[str, float]],
    end: tuple[int, Mapping[str, float]],
) -> dict[str, Any]:
    """Observe a process between two times of (monotonic clock, CPU-seconds of each by name)."""
    times = [row.monotonic_ns for row in ledger if row.kind == "sample"]
    return {
        "situation": name,
        "seconds": (end[0] - begin[0]) * _NS,
        "cpu": end[1][name] - begin[1][name],
        "samples": sum(begin[0] <= sampled_ns < end[0] for sampled_ns in times),
    }


def digest(ledger: Sequence[Row], stamp: str = "") -> str:
    """Return a digest of all bytes of a ledger's bill."""
    return hashlib.sha256(f"{attribute(ledger, None, Policy())!r}{stamp}".encode()).hexdigest()


def _digest_elsewhere(study: Path, hash_seed: str) -> str:
    command = [sys.executable, "-m", __name__, str(study)]
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    return subprocess.check_output(command, text=True, env=environment).strip()


if __name__ == "__main__":
    print(digest(read_ledger(Path(sys.argv[1]))))
